"""The kernel's websocket, without the wait, and for no longer than a visit may last.

Nagle's algorithm holds a small packet back until the last one is acknowledged, and the other side delays
its acknowledgement: together they cost 40 ms per frame. `TCP_NODELAY` halves neither bandwidth nor
safety, it only sends at once. Name this class to the server, in `voila.json` or on the command line:

    --Voila.kernel_websocket_connection_class=fer_lib.live.connection.PromptConnection
    --ServerApp.kernel_websocket_connection_class=fer_lib.live.connection.PromptConnection
"""

from __future__ import annotations

import logging
from typing import Any
from weakref import WeakSet

from jupyter_core.utils import ensure_async
from jupyter_server.services.kernels.connection.channels import ZMQChannelsWebsocketConnection
from tornado.ioloop import IOLoop

from fer_lib.live.limits import read_page_settings

logger = logging.getLogger(__name__)
# The kernels whose end is set: a page that connects again gets no more time.
_limited: WeakSet[Any] = WeakSet()


class PromptConnection(ZMQChannelsWebsocketConnection):
    """A connection between page and kernel that sends every message at once.

    With `FER_MAX_SESSION_S`, the kernel ends so long after the first connection, whatever it is doing.
    """

    def connect(self) -> Any:
        """Switch Nagle's algorithm off and connect as usual."""
        self.websocket_handler.set_nodelay(True)
        limit_s = read_page_settings().max_session_s
        if limit_s and self.kernel_manager not in _limited:
            _limited.add(self.kernel_manager)
            IOLoop.current().call_later(limit_s, end_session, self.multi_kernel_manager, self.kernel_id)
        return super().connect()


async def end_session(manager: Any, kernel_id: str) -> None:
    """End a kernel whose time is up, unless it is gone already; its page says so and releases the camera."""
    if kernel_id in manager:
        logger.info("the time of the kernel %s is up", kernel_id)
        await ensure_async(manager.shutdown_kernel(kernel_id, now=True))
