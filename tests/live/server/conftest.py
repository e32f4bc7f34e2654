"""Kernel connections made of Jupyter's own objects; only ZeroMQ and the TCP connection of the client are fakes."""

from collections.abc import Callable
from concurrent.futures import Future
from types import SimpleNamespace
from typing import Any

import pytest
from jupyter_client.session import Session
from jupyter_server.services.kernels.kernelmanager import AsyncMappingKernelManager, ServerKernelManager
from tornado.httputil import HTTPHeaders, HTTPServerRequest, RequestStartLine
from tornado.iostream import StreamBufferFullError
from tornado.web import Application
from tornado.websocket import WebSocketClosedError
from voila.tornado.kernel_websocket_handler import VoilaKernelWebsocketHandler

from fer_lib.live.server.connection import KernelConnection

KERNEL_ID = "00000000-0000-4000-8000-000000000001"
KEY = b"key of the kernel"
VISITOR_TYPES = ["comm_open", "comm_close", "comm_msg", "comm_info_request", "kernel_info_request"]


class FakeStream:
    """TCP stream to a client that reads nothing."""

    max_write_buffer_size = float("inf")

    def __init__(self) -> None:
        self.unread_bytes = 0
        self.is_closed = False

    def close(self) -> None:
        self.is_closed = True


class FakeProtocol:
    """The websocket protocol of Tornado behind a handler: records the messages and their order with other calls."""

    def __init__(self) -> None:
        self.stream = FakeStream()
        self.calls: list[str] = []
        self.sent: list[Any] = []

    def set_nodelay(self, is_on: bool) -> None:
        self.calls.append(f"set_nodelay({is_on})")

    def is_closing(self) -> bool:
        return self.stream.is_closed

    def write_message(self, message: Any, binary: bool = False, **_: Any) -> None:
        if self.stream.is_closed:
            raise WebSocketClosedError
        if self.stream.unread_bytes + len(message) > self.stream.max_write_buffer_size:
            raise StreamBufferFullError("Reached maximum write buffer size")
        self.stream.unread_bytes += len(message)
        self.sent.append(message)

    selected_subprotocol = None

    def close(self, code: int | None = None, reason: str | None = None) -> None:
        self.calls.append(f"close({code})")


class FakeChannel:
    """ZeroMQ stream to a kernel: records what the kernel receives."""

    def __init__(self, channel: str) -> None:
        self.channel = channel
        self.received: list[Any] = []

    def closed(self) -> bool:
        return False

    def close(self) -> None: ...

    def on_recv(self, callback: Any, **_: Any) -> None: ...

    def send_multipart(self, frames: list[bytes], **_: Any) -> None:
        self.received.append(frames)


class FakeTransport(KernelConnection):
    """The connection under test without ZeroMQ."""

    def create_stream(self) -> None:
        self.websocket_handler.ws_connection.calls.append("create_stream")
        self.channels = {name: FakeChannel(name) for name in ("iopub", "shell", "control", "stdin")}

    def nudge(self) -> Any:
        return Future()


class FakeHttpConnection:
    """The HTTP connection behind a request."""

    context = SimpleNamespace(remote_ip="127.0.0.1", protocol="http")

    def set_close_callback(self, callback: Any) -> None: ...


def make_request() -> HTTPServerRequest:
    line, headers = RequestStartLine("GET", "/", "HTTP/1.1"), HTTPHeaders({"Host": "localhost"})
    return HTTPServerRequest(start_line=line, headers=headers, connection=FakeHttpConnection())


def make_connection(message_types: list[str]) -> KernelConnection:
    """Return a connection that is not connected yet, with its kernel, manager and handler."""
    manager = AsyncMappingKernelManager(allowed_message_types=message_types)
    kernel = ServerKernelManager(parent=manager, kernel_id=KERNEL_ID)
    manager._kernels[KERNEL_ID] = kernel
    handler = VoilaKernelWebsocketHandler(Application(kernel_manager=manager), make_request())
    handler.ws_connection = FakeProtocol()
    connection = FakeTransport(parent=kernel, websocket_handler=handler)
    connection.session.key = KEY  # as `prepare` does
    return connection


@pytest.fixture
def http_request() -> HTTPServerRequest:
    """A request for `/`."""
    return make_request()


@pytest.fixture
def visitor() -> KernelConnection:
    """The connection of a visitor, connected."""
    connection = make_connection(VISITOR_TYPES)
    connection.connect()
    return connection


@pytest.fixture
def owner() -> KernelConnection:
    """The connection of the kernel's owner, as in JupyterLab, connected."""
    connection = make_connection([])
    connection.connect()
    return connection


@pytest.fixture
def serialize() -> Callable[..., list[bytes]]:
    """Serialise a message as a kernel does: `serialize(msg_type, content, parent_type, buffers=())`."""
    session = Session(key=KEY)

    def serialize(kind: str, content: dict[str, Any], parent: str = "comm_msg", buffers: tuple[bytes, ...] = ()) -> Any:
        request = session.msg(parent)
        message = session.msg(kind, content=content, parent=request)
        return [*session.serialize(message, ident=f"kernel.1.{kind}".encode()), *buffers]

    return serialize
