"""Checks of the `Host` and `Origin` headers, against DNS rebinding and cross-site requests."""

from __future__ import annotations

from collections.abc import Collection
from urllib.parse import urlsplit

from fastapi.responses import JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocket

from fer_lib.hosts import is_local_host, is_loopback_address, parse_host, split_names
from fer_lib.settings.service import ServiceSettings

ANY_ORIGIN = "*"
DEFAULT_PORTS = {"http": 80, "https": 443}
SAFE_METHODS = ("GET", "HEAD", "OPTIONS")  # no side effects, cheap, and CORS hides their responses
WRONG_HOST = "the `Host` header must name this computer or a name in `FER_SERVICE_ALLOWED_HOSTS`"
WRONG_ORIGIN = "the `Origin` header must be the service's own origin or one in `FER_SERVICE_ALLOWED_ORIGINS`"


class AccessCheck:
    """ASGI middleware that responds with 403 to requests and WebSockets with a wrong `Host` or a foreign `Origin`.

    The host is checked if the service listens on a loopback address or if `allowed_hosts` is set; the origin is checked
    for WebSockets, which CORS does not protect, and for unsafe methods. Clients other than browsers send no `Origin` and
    pass.
    """

    def __init__(self, app: ASGIApp, settings: ServiceSettings) -> None:
        self._app = app
        self._hosts = split_names(settings.allowed_hosts)
        self._checks_host = bool(self._hosts) or is_loopback_address(settings.host)
        self._origins = split_names(settings.allowed_origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Respond with 403, or pass the request on."""
        error = self._find_error(scope) if scope["type"] in ("http", "websocket") else None
        if error is None:
            await self._app(scope, receive, send)
            return
        response = JSONResponse({"detail": error}, 403, {"Connection": "close"})
        if scope["type"] == "websocket":
            await deny_socket(WebSocket(scope, receive, send), response)
        else:
            await response(scope, receive, send)

    def _find_error(self, scope: Scope) -> str | None:
        hosts, origins = _header_values(scope, b"host"), _header_values(scope, b"origin")
        host = hosts[0] if len(hosts) == 1 else None
        if self._checks_host and not is_local_host(host, self._hosts):
            return WRONG_HOST
        is_exposed = scope["type"] == "websocket" or scope["method"] not in SAFE_METHODS
        if is_exposed and origins and not (len(origins) == 1 and is_allowed_origin(origins[0], host, self._origins)):
            return WRONG_ORIGIN
        return None


async def deny_socket(socket: WebSocket, response: Response) -> None:
    """Deny a WebSocket handshake with `response`, or with 403 if the server can't send another response."""
    if "websocket.http.response" in socket.scope.get("extensions", {}):
        await socket.send_denial_response(response)
    else:
        await socket.close()


def is_allowed_origin(origin: str, host: str | None, allowed: Collection[str]) -> bool:
    """Return whether an `Origin` header is the service's own origin or an allowed one.

    Args:
        origin: such as `https://faces.example.org` or `null`.
        host: the `Host` header of the same request.
        allowed: origins; `*` allows any.
    """
    if ANY_ORIGIN in allowed or origin.lower() in {one.lower().rstrip("/") for one in allowed}:
        return True
    try:
        other, own = urlsplit(origin), urlsplit(f"//{host}")
        default = DEFAULT_PORTS[other.scheme]
        same_port = (other.port or default) == (own.port or default)
    except (KeyError, ValueError):
        return False
    name = parse_host(host)
    return name is not None and same_port and parse_host(other.netloc) == name and not other.path


def _header_values(scope: Scope, wanted: bytes) -> list[str]:
    return [value.decode("latin-1") for name, value in scope["headers"] if name == wanted]
