"""Reader of one stream's messages: frames, settings as JSON, and rate limits."""

from __future__ import annotations

import asyncio
import time
from typing import NamedTuple

from fastapi import HTTPException, WebSocket
from pydantic import ValidationError

from fer_lib.rate_limit import TokenBucket
from fer_lib.service.errors import invalid_message
from fer_lib.service.frame_queue import FrameQueue
from fer_lib.service.schemas import StreamSettings
from fer_lib.settings.service import ServiceSettings
from fer_lib.settings.vision import VisionSettings

MAX_IN_FLIGHT = 2  # frames in flight up to which a client has no rate limit
BURST_S = 2.0  # capacity of the token buckets, in seconds of their rate
MAX_TEXT = 1000  # characters; a valid text message has some 20
NORMAL, POLICY = 1000, 1008  # close codes of RFC 6455, section 7.4.1


class CloseReason(NamedTuple):
    """Close code and reason of a stream that the service closes."""

    code: int
    reason: str


class StreamReader:
    """Reads the messages of one stream into its frame queue, with rate limits (token buckets) and an idle timeout.

    Frames sent while fewer than two are in flight are not counted, because the responses limit their rate (back-pressure).
    All other messages use one token of the message bucket and their size in bytes of the byte bucket.
    """

    def __init__(self, socket: WebSocket, queue: FrameQueue, settings: ServiceSettings) -> None:
        self._socket, self._queue = socket, queue
        self._idle_s = settings.stream_idle_s
        bytes_per_s = settings.stream_mb_per_s * 1e6
        # At least the largest allowed frame.
        capacity = max(bytes_per_s * BURST_S, 2 * settings.max_upload_bytes)
        self._messages = TokenBucket(settings.stream_messages_per_s, settings.stream_messages_per_s * BURST_S)
        self._bytes = TokenBucket(bytes_per_s, capacity)

    async def read(self) -> CloseReason | None:
        """Read until the client disconnects, and return `None`, or until the stream must be closed, and return the reason."""
        loop = asyncio.get_running_loop()
        idle_at = loop.time() + self._idle_s
        try:
            while True:
                async with asyncio.timeout_at(idle_at):
                    message = await self._socket.receive()
                if message["type"] == "websocket.disconnect":
                    return None
                data, text = message.get("bytes"), message.get("text")
                if not self._is_within_rate(text is not None, len(data or text or "")):
                    return CloseReason(
                        POLICY,
                        "rate limit exceeded: more messages or bytes than a camera needs; wait for the responses",
                    )
                if text is not None:
                    self._handle_text(text)
                else:
                    self._queue.put(data or b"")
                    idle_at = loop.time() + self._idle_s
        except TimeoutError:
            return CloseReason(NORMAL, f"no frame for {self._idle_s:g} s")
        finally:
            self._queue.close()

    def _is_within_rate(self, is_text: bool, size: int) -> bool:
        if not is_text and self._queue.in_flight < MAX_IN_FLIGHT:
            return True
        now_s = time.monotonic()
        return self._messages.consume(1, now_s) and self._bytes.consume(size, now_s)

    def _handle_text(self, text: str) -> None:
        try:
            self._queue.smoothing_s = read_smoothing(text)
        except HTTPException as error:
            self._queue.put(b"", error)


def read_smoothing(text: str) -> float:
    """Parse the time constant in seconds from a text message.

    Raises:
        HTTPException: 415 if the message is anything else.
    """
    if len(text) > MAX_TEXT or not text.lstrip().startswith("{"):
        raise invalid_message("a frame must be the bytes of a JPEG file in a binary message, but got a text message")
    try:
        settings = StreamSettings.model_validate_json(text)
    except ValidationError as error:
        raise invalid_message("; ".join(_format_error(detail) for detail in error.errors()[:3])) from None
    try:
        smoothing_s: float = VisionSettings.validate_value("smoothing_s", settings.smoothing_s)
    except ValueError:
        raise invalid_message(f"`smoothing_s` must be {_ALLOWED}, but got {settings.smoothing_s}") from None
    return smoothing_s


def _format_error(detail: object) -> str:
    assert isinstance(detail, dict)
    name = ".".join(str(part) for part in detail["loc"])
    match detail["type"]:
        case "extra_forbidden":
            return f"`{name:.50}` is not a setting of a stream; the only one is `smoothing_s`"
        case "missing":
            return f"`{name}` must be given"
        case "json_invalid":
            return 'a text message must be JSON such as {"smoothing_s": 0.5}, and a frame a binary message'
    return f"`{name}` must be {_ALLOWED}, but got {detail['input']!r:.50}"


_ALLOWED = VisionSettings.allowed("smoothing_s")
