"""uvicorn's protocol classes with limits that an ASGI application can't set: frames of a WebSocket, time of a header."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import Frame

from fer_lib.rate_limit import TokenBucket

# Frames of the WebSocket protocol, which are messages, their fragments, pings and pongs. A camera sends some 60 a second.
FRAMES_PER_S = 500
FRAMES_AT_ONCE = 1000
PIECE = 4096  # bytes parsed before the frames in them are counted: at most 700
SMALL_CHUNK = 512  # bytes
SMALL_CHUNKS = 256  # smaller ones in one body, and one more for each kB of it
HEADER_TIMEOUT_S = 10.0  # as in the proxies of `deploy/`
CLOSE_TIMEOUT_S = 3.0  # for a closing handshake and what is still to be sent
POLICY = 1008


class LimitedWebSocket(WebSocketsSansIOProtocol):
    """WebSocket protocol that closes a connection with more frames than a camera needs, of whatever kind.

    Without a limit, tiny frames keep the event loop busy with parsing, pings fill the send buffer of a client that does
    not read, and empty fragments, which the limit of the message size does not count, fill the memory.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # uvicorn logs the address of every client, and each connection that was refused.
        self.logger = self.conn.logger = logging.getLogger(__name__)
        self._frames = TokenBucket(FRAMES_PER_S, FRAMES_AT_ONCE)
        self._is_flooded = False
        self._late_bytes = 0
        self.close_timeout = CLOSE_TIMEOUT_S

    def data_received(self, data: bytes) -> None:
        """Parse received bytes piece by piece, until there are too many frames."""
        for start in range(0, len(data), PIECE):
            if self._is_flooded:
                return
            super().data_received(data[start : start + PIECE])
        if self.close_sent:
            self._late_bytes += len(data)
            # What was on its way may come, and the client's close frame behind it.
            if self._late_bytes > 2 * self.config.ws_max_size:
                self.transport.abort()

    def handle_text(self, event: Frame) -> None:
        """Handle the first frame of a text message."""
        if self._admit():
            super().handle_text(event)

    def handle_bytes(self, event: Frame) -> None:
        """Handle the first frame of a binary message."""
        if self._admit():
            super().handle_bytes(event)

    def handle_cont(self, event: Frame) -> None:
        """Handle a further frame of a message."""
        if self._admit():
            super().handle_cont(event)

    def handle_ping(self) -> None:
        """Answer a ping."""
        if self._admit():
            super().handle_ping()

    def handle_pong(self, event: Frame) -> None:
        """Handle the answer to a ping."""
        if self._admit():
            super().handle_pong(event)

    async def send(self, message: Any) -> None:
        """Send a message of the application; one that refuses the WebSocket completes the handshake."""
        await super().send(message)
        if message["type"] == "websocket.http.response.body" and not message.get("more_body", False):
            self.handshake_complete = True  # else uvicorn logs an error for each refusal

    async def run_asgi(self) -> None:
        """Run the application; after it, drop the connection of a client that does not read what is left to send."""
        try:
            await super().run_asgi()
        finally:
            self.loop.call_later(CLOSE_TIMEOUT_S, self.transport.abort)

    def _admit(self) -> bool:
        if self._is_flooded:
            return False
        if self._frames.take(1, self.loop.time()):
            return True
        self._is_flooded = True
        reason = "more frames than a camera needs"
        self.queue.put_nowait({"type": "websocket.disconnect", "code": POLICY, "reason": reason})
        if not self.close_sent:
            self.conn.fail(POLICY, reason)
            self.transport.write(b"".join(self.conn.data_to_send()))
            self.close_sent = True
        self.stop_keepalive()
        self.transport.close()
        self.loop.call_later(CLOSE_TIMEOUT_S, self.transport.abort)
        return False


class LimitedHttp(H11Protocol):
    """HTTP protocol that refuses slow headers and bodies of very many chunks.

    h11 limits the size of a header and of what follows a body, and reads no further request while one is answered.
    httptools, which uvicorn prefers where it is installed, does neither: some seconds of header took 700 MB.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._parse_next = self.conn.next_event
        self.conn.next_event = self._next_event  # type: ignore[method-assign]
        self._body_bytes = self._small_chunks = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Start the timeout of the first header."""
        super().connection_made(transport)  # type: ignore[arg-type]
        self._watch_header()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the timeout."""
        self._header_timer.cancel()
        super().connection_lost(exc)

    def _next_event(self) -> Any:
        """Return the next event of h11; parsing a chunk takes as long for one byte as for thousands."""
        event = self._parse_next()
        if isinstance(event, h11.Request):
            self._body_bytes = self._small_chunks = 0
        elif isinstance(event, h11.Data):
            self._body_bytes += len(event.data)
            self._small_chunks += len(event.data) < SMALL_CHUNK
            if self._small_chunks > SMALL_CHUNKS + self._body_bytes // 1000:
                raise h11.RemoteProtocolError("too many small chunks")
        return event

    def _watch_header(self) -> None:
        self._last_cycle = self.cycle
        self._header_timer = self.loop.call_later(HEADER_TIMEOUT_S, self._check_header)

    def _check_header(self) -> None:
        if self.transport.is_closing() or self.transport.get_protocol() is not self:  # a WebSocket by now
            return
        if self.cycle is self._last_cycle and (self.cycle is None or self.cycle.response_complete):
            self.transport.close()
        else:
            self._watch_header()
