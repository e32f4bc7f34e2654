"""Kernel websocket with TCP_NODELAY, per-visitor rate limits and the XSRF cookie needed to shut a kernel down.

Nagle's algorithm delays a small packet until the last one is acknowledged, and the receiver delays its acknowledgement:
together they cost 40 ms per frame. `TCP_NODELAY` disables it.

Visitors of Voila, who may send only some message types, are limited: messages that the page does not send
(`message_filter`) or that exceed its rate (`rate_limit`) are dropped, and clients that keep flooding are disconnected
and refused (429) for 10 s. Unread messages and connections to one kernel are limited as well. In JupyterLab, where the
user may run any code in the kernel, nothing is limited.

A kernel reports `busy` before and `idle` after each message. JupyterLab renders both, sixty times a second while frames
are processed, which takes a third of its time; so of the `busy` messages caused by widgets one per second is forwarded.

A page of Voila that is closed requests the shutdown of its kernel and sends the XSRF cookie, which pages of other sites
do not have. Voila never sets that cookie, so without this class the kernel would run until it is culled.

Configure this class in `voila.json` or on the command line:

    --Voila.kernel_websocket_connection_class=fer_lib.live.server.connection.KernelConnection
    --ServerApp.kernel_websocket_connection_class=fer_lib.live.server.connection.KernelConnection
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

from fer_lib.live.server.kernel_output import extract_private_output
from fer_lib.live.server.message_filter import is_allowed
from fer_lib.live.server.rate_limit import MessageRateLimit
from fer_lib.live.server.settings import load_or_default
from fer_lib.live.server.wire_format import V1_PROTOCOL, is_well_formed, split_kernel_message
from fer_lib.settings.live import LiveSettings
from fer_lib.settings.server import ServerSettings

REFUSED_S = 10.0  # for which the kernel of a disconnected client accepts no connection
BUSY_INTERVAL_S = 1.0  # between two `busy` messages caused by widgets
MAX_LOGGED_OUTPUTS = 20  # tracebacks and printed texts of a kernel in the log, per connection of a visitor
MAX_UNREAD_BYTES = 16_000_000  # of messages that a visitor has not received; then the connection is closed
MAX_CONNECTIONS = 4  # of visitors to one kernel; a page has one, and two while it reconnects
POLICY_VIOLATION = 1008  # close code, RFC 6455, section 7.4.1

DROPPED_MALFORMED = "A visitor sends messages that are malformed or that the page does not send: they are dropped."
DROPPED_RATE = "A visitor exceeds the rate limit: messages are dropped."
CLOSED_FLOOD = f"A visitor keeps exceeding the rate limit: disconnected and refused for {REFUSED_S:.0f} s."
CLOSED_CONNECTIONS = f"A visitor opens more than {MAX_CONNECTIONS} connections to a kernel: the last one is closed."
CLOSED_UNREAD = f"A visitor has more than {MAX_UNREAD_BYTES} bytes of unread messages: disconnected."

logger = logging.getLogger(__name__)
# Kernels whose session timeout is set: a page that reconnects does not extend it.
_timed: WeakSet[Any] = WeakSet()
# Kernels that were flooded, and the time until which they accept no connection.
_refused_until_s: WeakKeyDictionary[Any, float] = WeakKeyDictionary()


class KernelConnection(ZMQChannelsWebsocketConnection):
    """Websocket connection between a page and its kernel.

    With `FER_MAX_SESSION_S`, the kernel is shut down that number of seconds after the first connection.
    """

    _rate_limit: MessageRateLimit | None = None  # only of visitors
    _busy_s = -BUSY_INTERVAL_S
    _warnings: set[str]
    _outputs: set[str]

    async def prepare(self) -> None:
        """Set the XSRF cookie, by which the page may shut its kernel down, while headers can still be sent.

        Raises:
            HTTPError: with 429, if the kernel was flooded a moment ago.
        """
        if time.monotonic() < _refused_until_s.get(self.kernel_manager, 0.0):
            raise HTTPError(429)
        _ = self.websocket_handler.xsrf_token  # reading it sets the cookie
        await super().prepare()

    def connect(self) -> Any:
        """Disable Nagle's algorithm, set up the limits of visitors, and connect."""
        self.websocket_handler.set_nodelay(True)
        max_session_s = load_or_default(ServerSettings).max_session_s
        if max_session_s and self.kernel_manager not in _timed:
            _timed.add(self.kernel_manager)
            IOLoop.current().call_later(max_session_s, end_session, self.multi_kernel_manager, self.kernel_id)
        # Restricted message types mean Voila, and so a visitor instead of the kernel's owner.
        if self.multi_kernel_manager.allowed_message_types:
            self._rate_limit = MessageRateLimit(load_or_default(LiveSettings))
            self._warnings, self._outputs = set[str](), set[str]()
        connected = super().connect()
        if self._rate_limit is not None and self._count_connections() > MAX_CONNECTIONS:
            self._disconnect_client(CLOSED_CONNECTIONS)
        return connected

    def handle_incoming_message(self, incoming_msg: Any) -> None:
        """Forward a message to the kernel, unless it is not on the allow-list or exceeds the rate limit."""
        if self._rate_limit is None:
            return super().handle_incoming_message(incoming_msg)
        if not is_allowed(incoming_msg, self.subprotocol == V1_PROTOCOL):
            self._rate_limit.reject(time.monotonic())
            self._warn_once(DROPPED_MALFORMED)
        elif not self._rate_limit.admit(len(incoming_msg), time.monotonic()):
            self._warn_once(DROPPED_RATE)
        else:
            self._forward(incoming_msg)
        if self._rate_limit.is_exceeded:
            self._disconnect_client(CLOSED_FLOOD)
        return None

    def handle_outgoing_message(self, stream: Any, outgoing_msg: list[Any]) -> None:
        """Forward a message of the kernel to the page, and count the messages in flight that it has handled.

        Visitors receive no tracebacks, printed text or code of the kernel; the first two are logged.
        """
        message = split_kernel_message(outgoing_msg)
        if message is None:
            return super().handle_outgoing_message(stream, outgoing_msg)
        if self._rate_limit is not None and (output := extract_private_output(message)) is not None:
            return self._log_output(output)
        is_status = b'"status"' in message.header and b'"execution_state"' in message.content
        if is_status and self._rate_limit is not None and b'"idle"' in message.content:
            self._rate_limit.complete()
        if is_status and b'"busy"' in message.content and b'"comm_msg"' in message.parent_header:
            now_s = time.monotonic()
            if now_s - self._busy_s < BUSY_INTERVAL_S:
                return None
            self._busy_s = now_s
        return super().handle_outgoing_message(stream, outgoing_msg)

    def write_message(self, message: bytes | dict[str, Any] | str, binary: bool = False) -> Any:
        """Send a message to the page.

        Voila parses every binary message as one of the v1 protocol. In one of the legacy protocol it reads a number of
        parts that would keep the server busy until its memory is full, so such a message bypasses Voila's handler.
        """
        if self._rate_limit is not None and (stream := self._find_stream()) is not None:
            # A single message may have any size, but is not added to more unread bytes than this.
            stream.max_write_buffer_size = MAX_UNREAD_BYTES + len(message)
        try:
            if isinstance(message, bytes) and not is_well_formed(message, is_v1=True):
                return WebSocketHandler.write_message(self.websocket_handler, message, binary)
            return self.websocket_handler.write_message(message, binary)
        except StreamBufferFullError:
            self._disconnect_client(CLOSED_UNREAD)

    def _count_connections(self) -> int:
        return sum(one.kernel_id == self.kernel_id for one in self._open_sockets)

    def _forward(self, incoming_msg: Any) -> None:
        try:
            super().handle_incoming_message(incoming_msg)
        # Untrusted input: one warning instead of a traceback for each message.
        except Exception as error:
            self._warn_once(f"A visitor sends messages that can't be read ({type(error).__name__}): they are dropped.")

    def _disconnect_client(self, reason: str) -> None:
        self._warn_once(reason)
        _refused_until_s[self.kernel_manager] = time.monotonic() + REFUSED_S
        stream = self._find_stream()  # read first: close() of the handler resets it
        with suppress(StreamBufferFullError):
            self.websocket_handler.close(POLICY_VIOLATION, "too many messages")
        # Without waiting for the closing handshake, during which messages would still be read.
        if stream is not None:
            stream.close()

    def _find_stream(self) -> Any:
        """Return the TCP stream of the websocket; `None` if it is closed."""
        protocol: Any = self.websocket_handler.ws_connection
        return getattr(protocol, "stream", None)

    def _warn_once(self, warning: str) -> None:
        if warning not in self._warnings:
            self._warnings.add(warning)
            self.log.warning(warning)

    def _log_output(self, output: str) -> None:
        if output and output not in self._outputs and len(self._outputs) < MAX_LOGGED_OUTPUTS:
            self._outputs.add(output)
            self.log.warning("Output of the kernel %s: %s", self.kernel_id, output)


async def end_session(manager: Any, kernel_id: str) -> None:
    """Shut a kernel down at the end of its session, unless it has ended; its page shows that and releases the camera."""
    if kernel_id in manager:
        logger.info("the session of the kernel %s ends after its time limit", kernel_id)
        await ensure_async(manager.shutdown_kernel(kernel_id, now=True))
