"""Limits of request bodies: bytes per request, bytes of all requests together, and time."""

from __future__ import annotations

import asyncio

from fastapi import HTTPException
from fastapi.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from fer_lib.service.addresses import client_key
from fer_lib.service.errors import body_too_slow, out_of_memory_budget, too_many_bytes
from fer_lib.service.protection.byte_budget import ByteBudget
from fer_lib.settings.service import ServiceSettings

CLOSE = {"Connection": "close"}  # the rest of the body is not read
IDLE_S = 10.0  # longest pause between two parts of a body, as in the proxies' configuration in `deploy/`


class BodyLimit:
    """ASGI middleware that refuses request bodies over the limits.

    413: too many bytes, by `Content-Length` or counted; 503: the byte budget of the process is exceeded, by
    `Content-Length` before the body is read, or counted; 408: the body is not complete in time.
    """

    def __init__(self, app: ASGIApp, settings: ServiceSettings, budget: ByteBudget) -> None:
        self._app, self._settings, self._budget = app, settings, budget

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Respond with an error, or pass the request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        client = client_key(scope)
        error = self._check_length(_content_length(scope), client)
        if error is not None:
            response = JSONResponse({"detail": error.detail}, error.status_code, {**(error.headers or {}), **CLOSE})
            await response(scope, receive, send)
            return
        body = _Body(receive, self._settings, self._budget, client)
        try:
            await self._app(scope, body.receive, send)
        finally:
            self._budget.release(body.size, client)

    def _check_length(self, length: int, client: str | None) -> HTTPException | None:
        if length > self._settings.max_upload_bytes:
            return too_many_bytes(self._settings.max_upload_bytes)
        if length and not self._budget.fits(length, client):
            return out_of_memory_budget(self._settings.retry_after_s)
        return None


class _Body:
    """The body of one request while it is received.

    Attributes:
        size: bytes received, which are reserved in the budget.
    """

    def __init__(self, receive: Receive, settings: ServiceSettings, budget: ByteBudget, client: str | None) -> None:
        self.size = 0
        self._receive, self._settings, self._budget, self._client = receive, settings, budget, client
        self._is_complete = False
        self._end_s = asyncio.get_running_loop().time() + settings.body_timeout_s

    async def receive(self) -> Message:
        """Receive the next part of the body; after the last one, wait for the disconnect.

        Raises:
            HTTPException: 408, 413 or 503.
        """
        if self._is_complete:
            return await self._receive()
        now_s = asyncio.get_running_loop().time()
        try:
            async with asyncio.timeout_at(min(self._end_s, now_s + IDLE_S)):
                message = await self._receive()
        except TimeoutError:
            raise _with_close_header(body_too_slow()) from None
        self._is_complete = not message.get("more_body", False)
        size = len(message.get("body", b""))
        if self.size + size > self._settings.max_upload_bytes:
            raise _with_close_header(too_many_bytes(self._settings.max_upload_bytes))
        if not self._budget.acquire(size, self._client):
            raise _with_close_header(out_of_memory_budget(self._settings.retry_after_s))
        self.size += size
        return message


def _with_close_header(error: HTTPException) -> HTTPException:
    return HTTPException(error.status_code, error.detail, {**(error.headers or {}), **CLOSE})


def _content_length(scope: Scope) -> int:
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit():
            return int(value[:20])
    return 0
