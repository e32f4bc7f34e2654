"""The kernel's websocket: without the wait, with a bound, and with the word that ends the kernel.

Nagle's algorithm holds a small packet back until the last one is acknowledged, and the other side delays
its acknowledgement: together they cost 40 ms per frame. `TCP_NODELAY` halves neither bandwidth nor
safety, it only sends at once.

A visitor who floods their kernel would keep the server from the others, so messages beyond what a page needs are
dropped (`fer_lib.live.gate`); in JupyterLab, whose users may do as they like with their kernel, none are.

A page of Voila that is left tells the server to end its kernel, and must prove with a cookie that it is no other
site's page. Voila itself never sets that cookie, and the kernel would stay until it is culled.

Name this class to the server, in `voila.json` or on the command line:

    --Voila.kernel_websocket_connection_class=fer_lib.live.connection.PromptConnection
    --ServerApp.kernel_websocket_connection_class=fer_lib.live.connection.PromptConnection
"""

from __future__ import annotations

import time
from typing import Any

from jupyter_server.services.kernels.connection.channels import ZMQChannelsWebsocketConnection

from fer_lib.live.gate import Gate, is_well_formed
from fer_lib.settings import LiveSettings

WITH_OFFSETS = "v1.kernel.websocket.jupyter.org"
STATUS_BYTES = 64  # `{"execution_state": "idle"}`, in whatever spaces


class PromptConnection(ZMQChannelsWebsocketConnection):
    """A connection between page and kernel that sends every message at once, and not more than a page needs."""

    _gate: Gate | None = None
    _complaints: set[str]

    async def prepare(self) -> None:
        """Set the cookie by which the page may end its kernel, while headers can still be sent."""
        _ = self.websocket_handler.xsrf_token
        await super().prepare()

    def connect(self) -> Any:
        """Switch Nagle's algorithm off and connect as usual."""
        self.websocket_handler.set_nodelay(True)
        # Who may send only some kinds of messages is a visitor, and not the owner of the kernel.
        if self.multi_kernel_manager.allowed_message_types:
            self._gate, self._complaints = Gate(_load_settings()), set[str]()
        return super().connect()

    def handle_incoming_message(self, incoming_msg: Any) -> None:
        """Hand a message to the kernel, unless it is one too many or can't be read."""
        if self._gate is None:
            super().handle_incoming_message(incoming_msg)
        elif not is_well_formed(incoming_msg, self.subprotocol == WITH_OFFSETS):
            self._complain("A visitor sends messages that can't be read: they are dropped.")
        elif not self._gate.admit(len(incoming_msg), time.monotonic()):
            self._complain("A visitor sends more than a page needs: what is too much is dropped.")
        else:
            self._hand_on(incoming_msg)

    def handle_outgoing_message(self, stream: Any, outgoing_msg: list[Any]) -> None:
        """Hand a message to the page, and note when the kernel is done with one of the page's."""
        if self._gate is not None and len(outgoing_msg[-1]) < STATUS_BYTES and b'"idle"' in outgoing_msg[-1]:
            self._gate.leave()
        super().handle_outgoing_message(stream, outgoing_msg)

    def _hand_on(self, incoming_msg: Any) -> None:
        try:
            super().handle_incoming_message(incoming_msg)
        # Whatever a stranger can think of: a sentence in the log, once, and not a page of traceback for each.
        except Exception as error:
            self._complain(f"A visitor sends messages that can't be read ({type(error).__name__}): they are dropped.")

    def _complain(self, sentence: str) -> None:
        if sentence not in self._complaints:
            self._complaints.add(sentence)
            self.log.warning(sentence)


def _load_settings() -> LiveSettings:
    try:
        return LiveSettings.load()
    except ValueError:  # the page says what is wrong with them
        return LiveSettings.model_validate({})
