"""Limits of HTTP requests to the stand-alone page: bytes of a body, and seconds for a header and a body.

Voila starts its server with Tornado's defaults: 100 MB for a body, which is read before any handler sees the request
and whatever the path and the `Host` header are, and an hour for a header. The page itself sends one form of some 100
bytes, by which it ends its kernel.
"""

from __future__ import annotations

from functools import partial

from tornado.web import Application

MAX_BODY_BYTES = 64 * 1024
BODY_TIMEOUT_S = 10.0  # as in the service and in the proxies of `deploy/`
HEADER_TIMEOUT_S = 60.0  # also for an idle connection; browsers open another one when they need it


def add_http_limits(app: Application) -> None:
    """Let the HTTP server of an application that does not listen yet refuse large bodies and slow requests.

    Websockets have limits of their own, since they leave HTTP with their handshake.
    """
    app.listen = partial(  # type: ignore[method-assign]
        app.listen,
        max_body_size=MAX_BODY_BYTES,
        body_timeout=BODY_TIMEOUT_S,
        idle_connection_timeout=HEADER_TIMEOUT_S,
    )
