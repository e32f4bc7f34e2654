"""The kernel's websocket: without the wait, within bounds, and with the word that ends the kernel.

Nagle's algorithm holds a small packet back until the last one is acknowledged, and the other side delays
its acknowledgement: together they cost 40 ms per frame. `TCP_NODELAY` halves neither bandwidth nor
safety, it only sends at once.

Messages of other kinds than the page sends (`fer_lib.live.message_filter`) and more than it sends
(`fer_lib.live.gate`) are dropped, and a visitor who goes on is disconnected for some seconds, since a flood would keep
the server from the others. Messages that a visitor does not read, and connections to one kernel, are limited as well.
In JupyterLab, whose users may run any code in their kernel, nothing is limited.

A kernel says that it is busy before each message that it takes, and idle after it. JupyterLab draws both, sixty times a
second while frames come, which costs it a third of its time; so of what widgets send only the first in a second is told
to keep the kernel busy.

A page of Voila that is left tells the server to end its kernel, and must prove with a cookie that it is no other
site's page. Voila itself never sets that cookie, and the kernel would stay until it is culled.

Name this class to the server, in `voila.json` or on the command line:

    --Voila.kernel_websocket_connection_class=fer_lib.live.connection.PromptConnection
    --ServerApp.kernel_websocket_connection_class=fer_lib.live.connection.PromptConnection
"""

from __future__ import annotations

import logging
import time
from contextlib import suppress
from typing import Any
from weakref import WeakKeyDictionary, WeakSet

from jupyter_core.utils import ensure_async
from jupyter_server.services.kernels.connection.channels import ZMQChannelsWebsocketConnection
from tornado.ioloop import IOLoop
from tornado.iostream import StreamBufferFullError
from tornado.web import HTTPError
from tornado.websocket import WebSocketHandler

from fer_lib.live.gate import Gate, is_well_formed
from fer_lib.live.limits import read_settings
from fer_lib.live.message_filter import is_allowed
from fer_lib.live.private_text import read_private_text
from fer_lib.settings.live import LiveSettings
from fer_lib.settings.server import ServerSettings

WITH_OFFSETS = "v1.kernel.websocket.jupyter.org"
AWAY_S = 10.0  # for which a visitor who floods their kernel gets no connection to it
BUSY_S = 1.0  # between two tellings that the kernel is busy with messages of widgets
MAX_REPORTS = 20  # tracebacks and printed texts of a kernel in the log, for each connection of a visitor
MAX_UNSENT_BYTES = 16_000_000  # of messages that a visitor does not read; then the connection ends
MAX_CONNECTIONS = 4  # of visitors to one kernel; a page has one, and two for a moment while it connects again
STATUS_BYTES = 64  # `{"execution_state": "idle"}`, in whatever spaces
FLOODED = f"A visitor floods their kernel: the connection ends, and there is none for {AWAY_S:.0f} seconds."
CROWDED = f"A visitor opens more than {MAX_CONNECTIONS} connections to their kernel: the last one ends."
UNREAD = "A visitor asks for more than they read: the connection ends."

logger = logging.getLogger(__name__)
# The kernels whose end is set: a page that connects again gets no more time.
_limited: WeakSet[Any] = WeakSet()
# The kernels that were flooded, and until when nobody gets a connection to them.
_flooded: WeakKeyDictionary[Any, float] = WeakKeyDictionary()


class PromptConnection(ZMQChannelsWebsocketConnection):
    """A connection between page and kernel that sends every message at once, and not more than a page needs.

    With `FER_MAX_SESSION_S`, the kernel ends so long after the first connection, whatever it is doing.
    """

    _gate: Gate | None = None
    _busy_s = -BUSY_S
    _complaints: set[str]
    _reports: set[str]

    async def prepare(self) -> None:
        """Set the cookie by which the page may end its kernel, while headers can still be sent.

        Raises:
            HTTPError: with 429, if the kernel was flooded a moment ago.
        """
        if time.monotonic() < _flooded.get(self.kernel_manager, 0.0):
            raise HTTPError(429)
        _ = self.websocket_handler.xsrf_token
        await super().prepare()

    def connect(self) -> Any:
        """Switch Nagle's algorithm off and connect as usual."""
        self.websocket_handler.set_nodelay(True)
        limit_s = read_settings(ServerSettings).max_session_s
        if limit_s and self.kernel_manager not in _limited:
            _limited.add(self.kernel_manager)
            IOLoop.current().call_later(limit_s, end_session, self.multi_kernel_manager, self.kernel_id)
        # Who may send only some kinds of messages is a visitor, and not the owner of the kernel.
        if self.multi_kernel_manager.allowed_message_types:
            self._gate, self._complaints, self._reports = Gate(read_settings(LiveSettings)), set[str](), set[str]()
        connected = super().connect()
        if self._gate is not None and self._count_connections() > MAX_CONNECTIONS:
            self._hang_up(CROWDED)
        return connected

    def handle_incoming_message(self, incoming_msg: Any) -> None:
        """Send a message to the kernel, unless it is not on the allow-list or exceeds the rate limit."""
        if self._gate is None:
            return super().handle_incoming_message(incoming_msg)
        if not is_allowed(incoming_msg, self.subprotocol == WITH_OFFSETS):
            self._gate.refuse(time.monotonic())
            self._complain(
                "A visitor sends messages that the page does not need or that are malformed: they are dropped."
            )
        elif not self._gate.admit(len(incoming_msg), time.monotonic()):
            self._complain("A visitor sends more than a page needs: what is too much is dropped.")
        else:
            self._hand_on(incoming_msg)
        if self._gate.is_flooded:
            self._hang_up(FLOODED)
        return None

    def handle_outgoing_message(self, stream: Any, outgoing_msg: list[Any]) -> None:
        """Send a message to the page, and note when the kernel is done with one of the page's.

        A visitor gets no traceback, no printed text and no code of the kernel: the first two go to the server's log.
        """
        if self._gate is not None and (text := read_private_text(outgoing_msg)) is not None:
            self._report(text)
            return
        status = outgoing_msg[-1] if len(outgoing_msg[-1]) < STATUS_BYTES else b""
        if self._gate is not None and b'"idle"' in status:
            self._gate.leave()
        if b'"busy"' in status and b'"comm_msg"' in outgoing_msg[-3]:
            now_s = time.monotonic()
            if now_s - self._busy_s < BUSY_S:
                return
            self._busy_s = now_s
        super().handle_outgoing_message(stream, outgoing_msg)

    def write_message(self, message: bytes | dict[str, Any] | str, binary: bool = False) -> Any:
        """Send a message to the page.

        Voila reads every binary message as if it were of the newer protocol. In one of the older it finds a number
        of parts that would keep the server busy until its memory is full, so such a message passes it by.
        """
        if self._gate is not None and (stream := self._find_stream()) is not None:
            # One message may have any size, but is only added to so many that wait.
            stream.max_write_buffer_size = MAX_UNSENT_BYTES + len(message)
        try:
            if isinstance(message, bytes) and not is_well_formed(message, with_offsets=True):
                return WebSocketHandler.write_message(self.websocket_handler, message, binary)
            return self.websocket_handler.write_message(message, binary)
        except StreamBufferFullError:
            self._hang_up(UNREAD)

    def _count_connections(self) -> int:
        return sum(one.kernel_id == self.kernel_id for one in self._open_sockets)

    def _hand_on(self, incoming_msg: Any) -> None:
        try:
            super().handle_incoming_message(incoming_msg)
        # Whatever a stranger can think of: a sentence in the log, once, and not a page of traceback for each.
        except Exception as error:
            self._complain(f"A visitor sends messages that can't be read ({type(error).__name__}): they are dropped.")

    def _hang_up(self, why: str) -> None:
        self._complain(why)
        _flooded[self.kernel_manager] = time.monotonic() + AWAY_S
        with suppress(StreamBufferFullError):
            self.websocket_handler.close(1008, "too many messages")
        # To wait until the other side agrees would be to read on.
        if (stream := self._find_stream()) is not None:
            stream.close()

    def _find_stream(self) -> Any:
        """Return the stream of the websocket; `None` where it is closed already."""
        socket: Any = self.websocket_handler.ws_connection
        return getattr(socket, "stream", None)

    def _complain(self, sentence: str) -> None:
        if sentence not in self._complaints:
            self._complaints.add(sentence)
            self.log.warning(sentence)

    def _report(self, text: str) -> None:
        if text and text not in self._reports and len(self._reports) < MAX_REPORTS:
            self._reports.add(text)
            self.log.warning("The kernel %s reports: %s", self.kernel_id, text)


async def end_session(manager: Any, kernel_id: str) -> None:
    """End a kernel whose time is up, unless it is gone already; its page says so and releases the camera."""
    if kernel_id in manager:
        logger.info("the time of the kernel %s is up", kernel_id)
        await ensure_async(manager.shutdown_kernel(kernel_id, now=True))
