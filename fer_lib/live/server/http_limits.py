"""Limits of HTTP requests to the stand-alone page: body size, and time for headers and body (slow-loris attacks).

Voila starts its server with Tornado's defaults: 100 MB for a body, which is read before routing, and an hour for the
headers. The only body that the page sends is a form of some 100 bytes, which shuts its kernel down.
"""

from __future__ import annotations

from functools import partial

from tornado.web import Application

MAX_BODY_BYTES = 64 * 1024
BODY_TIMEOUT_S = 10.0  # as in the service and in the proxies of `deploy/`
HEADER_TIMEOUT_S = 60.0  # also of an idle connection; browsers open a new one when needed


def add_http_limits(app: Application) -> None:
    """Limit body size and request time of an application's HTTP server; call this before it listens.

    Websockets have limits of their own, since HTTP ends with their handshake.
    """
    app.listen = partial(  # type: ignore[method-assign]
        app.listen,
        max_body_size=MAX_BODY_BYTES,
        body_timeout=BODY_TIMEOUT_S,
        idle_connection_timeout=HEADER_TIMEOUT_S,
    )
