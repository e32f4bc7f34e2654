"""Switch Voila's request information off: a websocket without a login, and a cache that is never emptied.

A notebook whose kernel was preheated can wait at `/voila/query/<kernel id>` for the query string of its page. The live
page does not use it. Anybody may open that websocket, without the token and under any id of any length; the second
one with the same id makes Voila forget the websocket of another kernel; and the query string of each visitor, up to
64 kB, stays in the server's memory.
"""

from __future__ import annotations

from typing import Any

from tornado.web import Application, RequestHandler
from voila.request_info_handler import RequestInfoSocketHandler


class NoCache(dict[str, Any]):
    """A dictionary that keeps nothing."""

    def __setitem__(self, key: str, value: Any) -> None:
        """Drop the value."""


class NotFound(RequestHandler):
    """Answer every method with 404."""

    def prepare(self) -> None:
        """Finish the request before any method of it runs."""
        self.send_error(404)


def remove_request_info(app: Application) -> None:
    """Answer 404 at `/voila/query/`, and keep no information about requests.

    Args:
        app: the application, before its own handlers are added.
    """
    app.add_handlers(".*", [(r".*/voila/query/.*", NotFound)])
    RequestInfoSocketHandler._cache = NoCache()
