"""The kernel's websocket, without the wait.

Nagle's algorithm holds a small packet back until the last one is acknowledged, and the other side delays
its acknowledgement: together they cost 40 ms per frame. `TCP_NODELAY` halves neither bandwidth nor
safety, it only sends at once. Name this class to the server, in `voila.json` or on the command line:

    --Voila.kernel_websocket_connection_class=fer_lib.live.connection.PromptConnection
    --ServerApp.kernel_websocket_connection_class=fer_lib.live.connection.PromptConnection
"""

from __future__ import annotations

from typing import Any

from jupyter_server.services.kernels.connection.channels import ZMQChannelsWebsocketConnection


class PromptConnection(ZMQChannelsWebsocketConnection):
    """A connection between page and kernel that sends every message at once."""

    def connect(self) -> Any:
        """Switch Nagle's algorithm off and connect as usual."""
        self.websocket_handler.set_nodelay(True)
        return super().connect()
