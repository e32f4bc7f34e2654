"""A request with too many bytes is refused before it is read."""

from __future__ import annotations

from fastapi.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from fer_lib.service.problems import too_many_bytes


class BodyLimit:
    """Refuses bodies over a number of bytes: by what they say of themselves, and by what really comes."""

    def __init__(self, app: ASGIApp, max_bytes: int) -> None:
        self._app = app
        self._max_bytes = max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 413, or pass the request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if _said_length(scope) > self._max_bytes:
            problem = too_many_bytes(self._max_bytes)
            # What is still coming is not read, so this connection is of no more use.
            refusal = JSONResponse({"detail": problem.detail}, problem.status_code, {"Connection": "close"})
            await refusal(scope, receive, send)
            return
        await self._app(scope, self._counting(receive), send)

    def _counting(self, receive: Receive) -> Receive:
        seen = 0

        async def receive_counted() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > self._max_bytes:
                raise too_many_bytes(self._max_bytes)
            return message

        return receive_counted


def _said_length(scope: Scope) -> int:
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit():
            return int(value[:20])
    return 0
