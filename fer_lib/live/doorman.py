"""Admission control of the stand-alone page: allowed host names, a visitor limit, and no kernels without a page.

Each visitor has a kernel of some 175 MB, so the number of visitors is limited. Name this class to Voila, as voila.json
does:

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
from tornado.web import Application, Finish, RequestHandler
from voila.app import Voila
from voila.handler import VoilaHandler

from fer_lib.live.headers import COOKIE, add_headers, add_page_policy
from fer_lib.live.host_check import add_host_check
from fer_lib.live.http_limits import add_http_limits
from fer_lib.live.limits import read_settings
from fer_lib.live.places import count_places, read_memory
from fer_lib.live.request_info import remove_request_info
from fer_lib.live.unconnected import Observer, UnconnectedKernels
from fer_lib.settings.server import ServerSettings

FOLDER = Path(__file__).parent
RETRY_S = 15  # after which the page for those who have to wait asks again


class Doorman(PasswordIdentityProvider):
    """Identity provider of Voila that answers requests for the page beyond `max_visitors` with 503.

    The limit also holds for concurrent requests. While a page is being rendered, a visitor who leaves makes room only
    after that.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        # Requests for the page that are being answered, and how many visitors there will be after them.
        self._coming: WeakSet[RequestHandler] = WeakSet()
        self._expected = 0
        self._memory = read_memory()
        self.cookie_options = COOKIE | self.cookie_options
        self._unconnected: UnconnectedKernels | None = None

    def get_handlers(self) -> list[tuple[str, object]]:
        """Return the login handlers.

        Voila calls this between making its application and adding its own handlers, and offers no other hook there, so
        that this also adds the rules that come before all handlers.

        Raises:
            AttributeError: if Voila has no application yet; without the Host check it must not start.
        """
        if isinstance(self.parent, Voila):
            self._add_rules(self.parent, self.parent.app)
        return super().get_handlers()

    async def get_user(self, handler: RequestHandler) -> User | None:
        """Return the user of a request; a request for the page beyond the limit is finished here."""
        user: User | None = await ensure_async(super().get_user(handler))
        if user is not None and _asks_for_page(handler):
            add_page_policy(handler)
            limit = count_places(read_settings(ServerSettings).max_visitors, self._memory)
            if limit:
                await _wait_for_pools(handler.settings["kernel_manager"])
            if limit and self._count(handler) >= limit:
                handler.set_status(503)
                handler.set_header("Retry-After", RETRY_S)
                handler.set_header("Cache-Control", "no-store")
                raise Finish(describe_full())
            self._expected = self._count(handler) + 1
            self._coming.add(handler)
            if self._unconnected is not None:
                self._unconnected.expect(handler)
        return user

    def _add_rules(self, voila: Any, app: Application) -> None:
        settings = read_settings(ServerSettings)
        add_headers(app)
        add_http_limits(app)
        add_host_check(app, voila.ip, settings.allowed_hosts)
        remove_request_info(app)
        limits = settings.connect_timeout_s, settings.reconnect_timeout_s
        if any(limits):
            self._unconnected = UnconnectedKernels(voila.kernel_manager, *limits)
            app.add_handlers(".*", [(Observer(self._unconnected.observe), RequestHandler)])
        limit = count_places(settings.max_visitors, self._memory)
        self.log.info("visitors at a time: %s", f"at most {limit}" if limit else "any number")

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
