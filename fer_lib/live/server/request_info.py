"""Disable Voila's request information: a websocket without authentication, and a cache without a limit.

A notebook with a preheated kernel can receive the query string of its page at `/voila/query/<kernel id>`. The live page
does not use it. That websocket needs no token and accepts ids of any length; a second connection with the same id
removes the websocket of another kernel; and the query string of each visitor, up to 64 kB, stays in memory.
"""

from __future__ import annotations

from typing import Any

from tornado.web import Application, RequestHandler
from voila.request_info_handler import RequestInfoSocketHandler


class EmptyCache(dict[str, Any]):
    """A dictionary that stores nothing."""

    def __setitem__(self, key: str, value: Any) -> None:
        """Discard the value."""


class NotFound(RequestHandler):
    """Respond to every method with 404."""

    def prepare(self) -> None:
        """Finish the request before any method of it runs."""
        self.send_error(404)


def remove_request_info(app: Application) -> None:
    """Respond with 404 at `/voila/query/`, and store no information about requests.

    Args:
        app: the application, before its own handlers are added.
    """
    app.add_handlers(".*", [(r".*/voila/query/.*", NotFound)])
    RequestInfoSocketHandler._cache = EmptyCache()
