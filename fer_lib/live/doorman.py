"""The door of the stand-alone page: so many visitors at a time, and a page for those who come too many.

Each visitor has a kernel of some 170 MB, so a server that lets everybody in serves nobody in the end. Name this
class to Voila, as voila.json does:

    --Voila.identity_provider_class=fer_lib.live.doorman.Doorman
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from string import Template
from typing import Any
from weakref import WeakSet

from jupyter_core.utils import ensure_async
from jupyter_server.auth.identity import PasswordIdentityProvider, User
from tornado.web import Finish, RequestHandler
from voila.handler import VoilaHandler

from fer_lib.live.limits import read_settings
from fer_lib.settings import PageSettings

FOLDER = Path(__file__).parent
RETRY_S = 15  # after which the page for those who have to wait asks again


class Doorman(PasswordIdentityProvider):
    """Who a request comes from, as usual; beyond `max_visitors` the live page is answered with 503.

    The limit is never passed, by a crowd that comes at once neither. While somebody's page is opening, one who leaves
    makes room only after that.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        # Requests for the page that are being answered, and how many visitors there will be after them.
        self._coming: WeakSet[RequestHandler] = WeakSet()
        self._expected = 0

    async def get_user(self, handler: RequestHandler) -> User | None:
        """Return who asks; a visitor for whom there is no room is answered here."""
        user: User | None = await ensure_async(super().get_user(handler))
        if user is not None and _asks_for_page(handler):
            limit = read_settings(PageSettings).max_visitors
            if limit:
                await _wait_for_pools(handler.settings["kernel_manager"])
            if limit and self._count(handler) >= limit:
                handler.set_status(503)
                handler.set_header("Retry-After", RETRY_S)
                handler.set_header("Cache-Control", "no-store")
                raise Finish(describe_full())
            self._expected = self._count(handler) + 1
            self._coming.add(handler)
        return user

    def _count(self, handler: RequestHandler) -> int:
        """Return how many visitors there are, with those whose kernel is only starting."""
        here = sum(1 for _ in _find_visited(handler.settings["kernel_manager"]))
        is_anybody_coming = any(not one._finished for one in self._coming)
        return max(here, self._expected) if is_anybody_coming else here


def describe_full() -> str:
    """Return the page that says that all places are taken; it loads itself again."""
    style = (FOLDER / "template" / "static" / "page.css").read_text(encoding="utf-8")
    page = Template((FOLDER / "full.html").read_text(encoding="utf-8"))
    return page.substitute(style=style, seconds=RETRY_S)


def _asks_for_page(handler: RequestHandler) -> bool:
    # Beside its one notebook the server only knows files.
    is_page = isinstance(handler, VoilaHandler) and not (handler.notebook_path and any(handler.path_args))
    return is_page and handler.request.method == "GET"


def _find_visited(manager: Any) -> Iterator[str]:
    """Yield the kernels that have a visitor; those that Voila keeps ready have none yet."""
    done = [task for task in _list_pooled(manager) if task.done() and not task.cancelled() and not task.exception()]
    ready = {task.result()["kernel_id"] for task in done}
    yield from set(manager.list_kernel_ids()) - ready


async def _wait_for_pools(manager: Any) -> None:
    """Wait for kernels that are being made ready: until they are, they look like those of visitors."""
    pending = [task for task in _list_pooled(manager) if not task.done()]
    if pending:
        await asyncio.wait(pending)


def _list_pooled(manager: Any) -> list[asyncio.Task[Any]]:
    return [task for pool in getattr(manager, "_pools", {}).values() for task in pool]
