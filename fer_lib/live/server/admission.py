"""Admission control of the stand-alone page: a visitor limit, and the rules that apply before all handlers of Voila.

Each visitor has a kernel of some 175 MB, so the number of visitors is limited; further requests get status 503.
Configure this class in `voila.json` or on the command line:

    --Voila.identity_provider_class=fer_lib.live.server.admission.VisitorLimit
"""

from __future__ import annotations

from pathlib import Path
from string import Template
from typing import Any
from weakref import WeakSet

from jupyter_core.utils import ensure_async
from jupyter_server.auth.identity import PasswordIdentityProvider, User
from tornado.web import Application, Finish, RequestHandler
from voila.app import Voila
from voila.handler import VoilaHandler

from fer_lib.live.server.capacity import choose_visitor_limit, read_memory
from fer_lib.live.server.headers import COOKIE, add_headers, add_page_policy
from fer_lib.live.server.host_check import add_host_check
from fer_lib.live.server.http_limits import add_http_limits
from fer_lib.live.server.kernel_culler import KernelCuller, RequestObserver
from fer_lib.live.server.kernel_pool import list_visited_kernels, wait_for_pools
from fer_lib.live.server.notary import use_memory_notary
from fer_lib.live.server.request_info import remove_request_info
from fer_lib.live.server.settings import load_or_default
from fer_lib.settings.server import ServerSettings

FULL_PAGE = Path(__file__).parent / "full.html"
STYLE = Path(__file__).parent.parent / "template" / "static" / "page.css"
RETRY_S = 15  # after which the page that reports a full server reloads


class VisitorLimit(PasswordIdentityProvider):
    """Identity provider of Voila that responds with 503 to requests for the page beyond `max_visitors`.

    The limit also holds for concurrent requests; a slot freed while a page is loading becomes available when loading
    has finished.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        # Handlers of admitted requests for the page, and the number of visitors after their responses.
        self._admitted: WeakSet[RequestHandler] = WeakSet()
        self._expected = 0
        self._memory = read_memory()
        self.cookie_options = COOKIE | self.cookie_options
        self._culler: KernelCuller | None = None

    def get_handlers(self) -> list[tuple[str, object]]:
        """Return the login handlers.

        Voila calls this after creating its application and before adding its own handlers, and has no other hook at
        that point, so this method also adds the rules that apply before all handlers.

        Raises:
            AttributeError: if Voila has no application yet; without the host check it must not start.
        """
        if isinstance(self.parent, Voila):
            self._add_rules(self.parent, self.parent.app)
            use_memory_notary(self.parent.contents_manager)
        return super().get_handlers()

    async def get_user(self, handler: RequestHandler) -> User | None:
        """Return the user of a request; a request for the page beyond the limit is finished here."""
        user: User | None = await ensure_async(super().get_user(handler))
        if user is not None and _is_page_request(handler):
            add_page_policy(handler)
            limit = choose_visitor_limit(load_or_default(ServerSettings).max_visitors, self._memory)
            if limit:
                await wait_for_pools(handler.settings["kernel_manager"])
            if limit and self._count_visitors(handler) >= limit:
                handler.set_status(503)
                handler.set_header("Retry-After", RETRY_S)
                handler.set_header("Cache-Control", "no-store")
                raise Finish(render_full_page())
            self._expected = self._count_visitors(handler) + 1
            self._admitted.add(handler)
            if self._culler is not None:
                self._culler.add_visit(handler)
        return user

    def _add_rules(self, voila: Any, app: Application) -> None:
        settings = load_or_default(ServerSettings)
        add_headers(app)
        add_http_limits(app)
        add_host_check(app, voila.ip, settings.allowed_hosts)
        remove_request_info(app)
        timeouts = settings.connect_timeout_s, settings.reconnect_timeout_s
        if any(timeouts):
            self._culler = KernelCuller(voila.kernel_manager, *timeouts)
            app.add_handlers(".*", [(RequestObserver(self._culler.observe), RequestHandler)])
        limit = choose_visitor_limit(settings.max_visitors, self._memory)
        self.log.info("visitor limit: %s", limit or "none")

    def _count_visitors(self, handler: RequestHandler) -> int:
        """Return the number of visitors, including those whose kernel is being started."""
        count = len(list_visited_kernels(handler.settings["kernel_manager"]))
        is_loading = any(not one._finished for one in self._admitted)
        return max(count, self._expected) if is_loading else count


def render_full_page() -> str:
    """Return the HTML page that reports a full server and reloads itself."""
    page = Template(FULL_PAGE.read_text(encoding="utf-8"))
    return page.substitute(style=STYLE.read_text(encoding="utf-8"), seconds=RETRY_S)


def _is_page_request(handler: RequestHandler) -> bool:
    # With a single notebook, a path below it is a request for a file.
    is_page = isinstance(handler, VoilaHandler) and not (handler.notebook_path and any(handler.path_args))
    return is_page and handler.request.method == "GET"
