"""Security headers and cookie attributes of the stand-alone page."""

from __future__ import annotations

from tornado.web import Application, RequestHandler

from fer_lib.hosts import parse_host

CSP = "Content-Security-Policy"
HEADERS = {
    # Of the features that need permission, the page uses the camera.
    "Permissions-Policy": "camera=(self), microphone=(), geolocation=(), display-capture=()",
    # Jupyter Server checks the `Referer` header, so it must be sent to the same origin.
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}
# No `Expires`: session cookies, which browsers delete when they are closed.
COOKIE = {"expires_days": None, "samesite": "Lax"}


def add_headers(app: Application) -> None:
    """Add the headers to all handlers of Jupyter; those in `Voila.tornado_settings` have precedence."""
    app.settings["headers"] = HEADERS | app.settings.get("headers", {})
    app.settings.setdefault("xsrf_cookie_kwargs", COOKIE | {"samesite": "Strict"})


def add_page_policy(handler: RequestHandler) -> None:
    """Add the Content-Security-Policy to a response with the page, unless `Voila.tornado_settings` has one."""
    if CSP not in handler.settings.get("headers", {}):
        handler.set_header(CSP, build_policy(parse_host(handler.request.host), _find_port(handler)))


def build_policy(name: str | None, port: str) -> str:
    """Return the Content-Security-Policy of the page, which allows connections to this server only.

    Voila uses inline scripts and styles, anywidget imports modules from `blob:` URLs.

    Args:
        name: host name of this server in the request.
        port: its port with a colon before it, or nothing.
    """
    # For browsers whose 'self' does not include websockets. The policy's grammar has no IPv6 addresses.
    sockets = [f"{scheme}://{name}{port}" for scheme in ("ws", "wss") if name and not name.startswith("[")]
    directives = {
        "default-src": "'self'",
        "script-src": "'self' 'unsafe-inline' blob:",
        "style-src": "'self' 'unsafe-inline'",
        "img-src": "'self' data: blob:",
        "media-src": "'self' data: blob:",
        "font-src": "'self' data:",
        "connect-src": " ".join(["'self'", *sockets]),
        "worker-src": "'self' blob:",
        "object-src": "'none'",
        "base-uri": "'self'",
        "form-action": "'self'",
        "frame-ancestors": "'self'",
    }
    return "; ".join(f"{directive} {sources}" for directive, sources in directives.items())


def _find_port(handler: RequestHandler) -> str:
    _, colon, port = handler.request.host.rpartition(":")
    return f":{port}" if colon and port.isdigit() else ""
