"""uvicorn's protocol classes with limits that ASGI applications can't set: WebSocket frame rate, header timeout, chunks."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import Frame

from fer_lib.rate_limit import TokenBucket

# Frames of the WebSocket protocol: messages, their fragments, pings and pongs. A camera sends some 60 a second.
FRAMES_PER_S = 500
FRAMES_AT_ONCE = 1000
PIECE = 4096  # bytes parsed before the frames in them are counted: at most 700
SMALL_CHUNK = 512  # bytes
SMALL_CHUNKS = 256  # smaller chunks allowed in one body, plus one per kB of it
HEADER_TIMEOUT_S = 10.0  # as in the proxies of `deploy/`
CLOSE_TIMEOUT_S = 3.0  # for the closing handshake and the send buffer
POLICY = 1008


class LimitedWebSocket(WebSocketsSansIOProtocol):
    """WebSocket protocol with a rate limit on frames of all types (token bucket); above it the connection is closed.

    Without it, tiny frames saturate the event loop with parsing, pings fill the send buffer of a client that does not
    read, and empty fragments, which the limit of the message size does not count, exhaust the memory.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # uvicorn's logger writes client addresses and each denied connection.
        self.logger = self.conn.logger = logging.getLogger(__name__)
        self._frames = TokenBucket(FRAMES_PER_S, FRAMES_AT_ONCE)
        self._is_flooded = False
        self._late_bytes = 0
        self.close_timeout = CLOSE_TIMEOUT_S

    def data_received(self, data: bytes) -> None:
        """Parse received bytes in pieces, until the rate limit is exceeded."""
        for start in range(0, len(data), PIECE):
            if self._is_flooded:
                return
            super().data_received(data[start : start + PIECE])
        if self.close_sent:
            self._late_bytes += len(data)
            # Data in flight may still arrive before the client's close frame.
            if self._late_bytes > 2 * self.config.ws_max_size:
                self.transport.abort()

    def handle_text(self, event: Frame) -> None:
        """Handle the first frame of a text message."""
        if self._take_token():
            super().handle_text(event)

    def handle_bytes(self, event: Frame) -> None:
        """Handle the first frame of a binary message."""
        if self._take_token():
            super().handle_bytes(event)

    def handle_cont(self, event: Frame) -> None:
        """Handle a continuation frame."""
        if self._take_token():
            super().handle_cont(event)

    def handle_ping(self) -> None:
        """Respond to a ping."""
        if self._take_token():
            super().handle_ping()

    def handle_pong(self, event: Frame) -> None:
        """Handle a pong."""
        if self._take_token():
            super().handle_pong(event)

    async def send(self, message: Any) -> None:
        """Send a message of the application; a denial response completes the handshake."""
        await super().send(message)
        if message["type"] == "websocket.http.response.body" and not message.get("more_body", False):
            self.handshake_complete = True  # otherwise uvicorn logs an error for each denial

    async def run_asgi(self) -> None:
        """Run the application; after it, abort the connection if the client does not read the send buffer in time."""
        try:
            await super().run_asgi()
        finally:
            self.loop.call_later(CLOSE_TIMEOUT_S, self.transport.abort)

    def _take_token(self) -> bool:
        if self._is_flooded:
            return False
        if self._frames.consume(1, self.loop.time()):
            return True
        self._is_flooded = True
        reason = "rate limit exceeded: more frames than a camera needs"
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
    """HTTP protocol with a header timeout (slow-loris) and a limit on small chunks of a body.

    h11 limits the size of headers and trailers, and does not read the next request before the response is complete.
    httptools, which uvicorn prefers if installed, does neither: a header of a few seconds used 700 MB.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._parse_next = self.conn.next_event
        self.conn.next_event = self._next_event  # type: ignore[method-assign]
        self._body_bytes = self._small_chunks = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Start the header timeout."""
        super().connection_made(transport)  # type: ignore[arg-type]
        self._watch_header()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the header timeout."""
        self._header_timer.cancel()
        super().connection_lost(exc)

    def _next_event(self) -> Any:
        """Return the next event of h11 and count small chunks: parsing one takes as long for one byte as for thousands."""
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
        if self.transport.is_closing() or self.transport.get_protocol() is not self:  # upgraded to a WebSocket
            return
        if self.cycle is self._last_cycle and (self.cycle is None or self.cycle.response_complete):
            self.transport.close()
        else:
            self._watch_header()
