"""Stream to the inference service over a WebSocket: send frames, receive faces."""

from __future__ import annotations

import time
from urllib.parse import urlsplit, urlunsplit

import numpy as np
import websocket
from numpy.typing import NDArray

from fer_lib.faces import Faces
from fer_lib.hosts import is_loopback_address
from fer_lib.labels import EMOTIONS
from fer_lib.live.session.limited_socket import LimitedWebSocket
from fer_lib.service.schemas import Probabilities, StreamFace, StreamResponse
from fer_lib.settings.remote import RemoteSettings

MAX_FACES = 200  # the upper limit of `FER_MAX_FACES`
MAX_REPLY_BYTES = 1_000_000  # five times a reply with so many faces
MAX_PIXEL = 1e6  # largest coordinate, in pixels
MAX_TRACK_ID = 2**31
MAX_TEXT_LENGTH = 300
FORBIDDEN_HINT = "`FER_SERVICE_ALLOWED_HOSTS` of the service must include the name in `FER_REMOTE_URL`"


class ServiceUnavailableError(Exception):
    """The service is unreachable, or its reply is missing or invalid."""


class ServiceFullError(ServiceUnavailableError):
    """The service is full or overloaded (503)."""


class RemoteStream:
    """One stream at the service; not thread-safe.

    The service is not trusted: its replies are limited in bytes, time and number of faces, and validated.

    Attributes:
        timings_ms: `total`, from sending the last frame to its reply.

    Raises:
        ServiceUnavailableError: if no stream can be opened.
    """

    def __init__(self, settings: RemoteSettings) -> None:
        self.timings_ms: dict[str, float] = {}
        self._frames = 0
        timeout_s = settings.timeout_s
        self._socket = LimitedWebSocket(timeout_s)
        try:
            # No redirects: they could send frames to another computer. No `Origin`: behind a proxy that changes the
            # `Host`, the service would refuse it as cross-origin.
            options = {"timeout": timeout_s, "redirect_limit": 0, "suppress_origin": True}
            self._socket.connect(stream_address(settings), **options)
        except websocket.WebSocketBadStatusException as error:
            kind = ServiceFullError if error.status_code == 503 else ServiceUnavailableError
            hint = f" ({FORBIDDEN_HINT})" if error.status_code == 403 else ""
            raise kind(f"it replied with status {error.status_code}{hint}") from None
        except (OSError, ValueError, LookupError, websocket.WebSocketException) as error:
            raise ServiceUnavailableError(sanitize(str(error))) from None

    def process_jpeg(self, data: bytes) -> Faces:
        """Send the next frame and wait for its faces.

        Raises:
            ValueError: if the frame can't be processed.
            ServiceUnavailableError: if there is no valid reply; this stream can't be used any more.
        """
        start = time.perf_counter()
        try:
            text = self._socket.exchange(data, MAX_REPLY_BYTES)
        except (OSError, ValueError, websocket.WebSocketException) as error:
            raise ServiceUnavailableError(sanitize(str(error))) from None
        reply = parse_reply(text, self._frames)
        self._frames += 1
        faces = read_faces(reply)
        self.timings_ms = {"total": (time.perf_counter() - start) * 1000}
        return faces

    def close(self) -> None:
        """Close the connection without a closing handshake."""
        self._socket.shutdown()


def stream_address(settings: RemoteSettings) -> str:
    """Return the WebSocket address of streams; `url` must be set."""
    # http becomes ws, and https wss.
    return f"{settings.url}".rstrip("/").replace("http", "ws", 1) + "/stream"


def is_unencrypted(settings: RemoteSettings) -> bool:
    """Return whether frames are sent to another computer without encryption."""
    parts = urlsplit(settings.url or "")
    return parts.scheme in ("http", "ws") and not is_loopback_address(parts.hostname or "")


def public_address(settings: RemoteSettings) -> str:
    """Return the address of the service for logs, without user, password and query."""
    parts = urlsplit(settings.url or "")
    return sanitize(urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", "")))


def sanitize(text: str) -> str:
    """Return the beginning of an untrusted text, in one line without control characters."""
    return "".join(one if one.isprintable() else " " for one in text[:MAX_TEXT_LENGTH])


def parse_reply(text: str | bytes, frame: int) -> StreamResponse:
    """Parse and validate the reply to the frame with this index.

    Raises:
        ServiceFullError: if the service is overloaded.
        ServiceUnavailableError: if it is not a valid reply to this frame.
    """
    if not text:
        raise ServiceUnavailableError("it closed the stream")
    try:
        reply = StreamResponse.model_validate_json(text)
    except ValueError:
        raise ServiceUnavailableError("its reply is invalid") from None
    if reply.frame != frame:
        raise ServiceUnavailableError("it replied to another frame")
    if reply.status == 503:
        raise ServiceFullError(sanitize(reply.detail or "it is full"))
    return reply


def read_faces(reply: StreamResponse) -> Faces:
    """Convert a reply to faces.

    Raises:
        ValueError: if the service could not process the frame.
        ServiceUnavailableError: if the faces are invalid.
    """
    if reply.detail is not None:
        raise ValueError(sanitize(reply.detail))
    rows = reply.faces
    if rows is None or len(rows) > MAX_FACES:
        raise ServiceUnavailableError("its reply has no faces, or too many")
    if not rows:
        return Faces.empty()
    try:
        return _table(rows)
    except (ValueError, OverflowError):
        raise ServiceUnavailableError("its reply has invalid faces") from None


def _table(rows: list[StreamFace]) -> Faces:
    boxes = np.array([row.box for row in rows])
    # Unknown columns are `None`.
    landmarks = None if any(row.landmarks is None for row in rows) else np.array([row.landmarks for row in rows])
    for pixels in (boxes, landmarks):
        if pixels is not None and not (np.abs(pixels) <= MAX_PIXEL).all():
            raise ValueError("coordinates must be pixels within ±1e6")
    track_ids = [row.track_id for row in rows]
    if len(set(track_ids)) < len(rows) or not all(one is not None and 0 <= one < MAX_TRACK_ID for one in track_ids):
        raise ValueError("every face must have a unique `track_id`")
    raw = [row.raw_probabilities for row in rows]
    return Faces(
        xyxy=boxes.astype(np.float32),
        confidence=np.array([row.confidence for row in rows], np.float32),
        probabilities=_probabilities([row.probabilities for row in rows]),
        landmarks=None if landmarks is None else landmarks.astype(np.float32),
        raw_probabilities=_probabilities([one for one in raw if one is not None]) if all(raw) else None,
        track_id=np.array(track_ids),
    )


def _probabilities(rows: list[Probabilities]) -> NDArray[np.float32]:
    return np.array([[getattr(row, label) for label in EMOTIONS] for row in rows], np.float32)
