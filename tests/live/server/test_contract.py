"""Contract of the private and undocumented interfaces of Jupyter and Voila that fer_lib/live/server/README.md lists.

The tests use the packages' own objects, so that a changed interface fails here and not in the page.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from jupyter_core.paths import jupyter_path
from jupyter_server.auth.identity import User
from jupyter_server.services.kernels.connection.base import serialize_binary_message, serialize_msg_to_ws_v1
from jupyter_server.services.kernels.kernelmanager import AsyncMappingKernelManager
from nbformat import write
from nbformat.v4 import new_code_cell, new_notebook
from tornado.httpclient import AsyncHTTPClient
from tornado.httpserver import HTTPServer
from tornado.iostream import IOStream, StreamBufferFullError
from tornado.routing import PathMatches
from tornado.web import Application, RequestHandler
from tornado.websocket import WebSocketHandler, websocket_connect
from voila.app import Voila
from voila.handler import VoilaHandler
from voila.tornado.kernel_websocket_handler import read_header_from_binary_message

from fer_lib.live.server.admission import VisitorLimit
from fer_lib.live.server.host_check import DisallowedHost
from fer_lib.live.server.kernel_culler import KernelCuller, RequestObserver
from fer_lib.live.server.kernel_pool import list_visited_kernels, wait_for_pools
from fer_lib.live.server.wire_format import is_well_formed
from harness.servers import find_port

ROW = re.compile(r"^\| (?!package|---)(?P<package>[^|]+) \| (?P<interface>[^|]+) \| `(?P<file>\S+)` \| [^|]+ \| `(?P<test>\S+)` \|$")  # fmt: skip


@pytest.fixture(scope="module")
def rows(project_root: Path) -> list[re.Match[str]]:
    """The rows of the table: package, interface, file, test."""
    text = (project_root / "fer_lib" / "live" / "server" / "README.md").read_text(encoding="utf-8")
    table = [line for line in text.splitlines() if line.startswith("| ") and not line.startswith("| package")]
    assert len(table) > 30
    found = [ROW.match(line) for line in table]
    assert all(found), [line for line, match in zip(table, found, strict=True) if match is None]
    return [match for match in found if match]


def test_table_names_existing_tests(rows, project_root):
    missing = []
    for row in rows:
        name, _, test = row["test"].partition("::")
        path = project_root / "tests" / "live" / name
        if not path.is_file() or (test and f"\ndef {test}(" not in path.read_text(encoding="utf-8")):
            missing.append(row["test"])
    assert missing == []


def test_table_names_interfaces_that_are_used(rows, project_root):
    unused = []
    for row in rows:
        source = (project_root / "fer_lib" / "live" / row["file"]).read_text(encoding="utf-8")
        name = re.findall(r"`(?:\w+\.)*(\w+)", row["interface"])
        if name and row["file"].endswith((".py", ".js")) and not re.search(rf"\b{name[0]}\b", source):
            unused.append((row["file"], name[0]))
    assert unused == []


def test_table_names_every_test_of_this_file(rows, project_root):
    text = (project_root / "tests" / "live" / "server" / "test_contract.py").read_text(encoding="utf-8")
    tests = {name for name in re.findall(r"^def (test_\w+)", text, re.MULTILINE) if not name.startswith("test_table_")}
    assert tests == {
        row["test"].partition("::")[2] for row in rows if row["test"].startswith("server/test_contract.py")
    }


def test_open_sockets_holds_connected_connections(visitor):
    assert visitor in visitor._open_sockets
    assert visitor._count_connections() == 1
    visitor.disconnect()
    assert visitor._count_connections() == 0


def test_connect_notifies_the_kernel_manager(visitor):
    calls = []
    visitor.multi_kernel_manager.notify_connect = lambda kernel_id: calls.append(("connect", kernel_id))
    visitor.multi_kernel_manager.notify_disconnect = lambda kernel_id: calls.append(("disconnect", kernel_id))
    visitor.connect()
    visitor.disconnect()
    assert calls == [("connect", visitor.kernel_id), ("disconnect", visitor.kernel_id)]


def test_xsrf_token_sets_a_cookie(visitor):
    handler = visitor.websocket_handler
    handler.current_user = User("visitor")  # as the identity provider does
    token = handler.xsrf_token
    assert handler._new_cookie["_xsrf"].value.encode() == token


def test_voila_parses_binary_messages_as_v1():
    header = {"msg_id": "m", "msg_type": "comm_msg", "session": "s"}
    message = {"header": header, "parent_header": {}, "metadata": {}, "content": {}, "buffers": [b"\xff\xd8"]}
    v1 = serialize_msg_to_ws_v1([b'{"msg_type": "comm_msg"}', b"{}", b"{}", b"{}"], "shell")
    legacy = serialize_binary_message(message)
    assert read_header_from_binary_message(v1) == {"msg_type": "comm_msg"}
    assert is_well_formed(v1, is_v1=True)
    assert int.from_bytes(legacy[:8], "little") > 2**32, "Voila would read this as the number of parts"
    assert not is_well_formed(legacy, is_v1=True)


def serve(handler: type[RequestHandler], use: Callable[[int], Awaitable[Any]]) -> Any:
    """Serve a handler with Tornado while a client uses it, and return the result of the client."""

    async def run() -> Any:
        port = find_port()
        server: HTTPServer = Application([("/", handler)]).listen(port, "127.0.0.1")
        try:
            return await asyncio.wait_for(use(port), 60)
        finally:
            server.stop()
            await server.close_all_connections()

    return asyncio.run(run())


def test_handler_is_finished_after_the_response():
    found = []

    class Handler(RequestHandler):
        def get(self) -> None:
            found.extend([self, self._finished])

    async def use(port: int) -> None:
        await AsyncHTTPClient().fetch(f"http://127.0.0.1:{port}/")

    serve(Handler, use)
    assert found[1] is False
    assert found[0]._finished is True


def test_request_has_its_tcp_stream():
    found = []

    class Handler(RequestHandler):
        def get(self) -> None:
            found.append(self.request.connection.stream)

    async def use(port: int) -> None:
        await AsyncHTTPClient().fetch(f"http://127.0.0.1:{port}/")

    serve(Handler, use)
    assert isinstance(found[0], IOStream)


def test_websocket_stream_is_limited_and_closed():
    found: dict[str, Any] = {}

    class Handler(WebSocketHandler):
        def open(self) -> None:
            stream = self.ws_connection.stream
            found["stream"] = stream
            self.set_nodelay(True)
            stream.max_write_buffer_size = 10
            try:
                self.write_message(bytes(100), binary=True)
            except StreamBufferFullError:
                found["is_full"] = True
            stream.max_write_buffer_size = None
            self.close(1008, "too many messages")
            found["is_forgotten"] = self.ws_connection is None
            stream.close()

    async def use(port: int) -> Any:
        client = await websocket_connect(f"ws://127.0.0.1:{port}/")
        return await client.read_message()

    assert serve(Handler, use) is None
    assert isinstance(found["stream"], IOStream)
    assert found["stream"].closed()
    assert found["is_full"]
    assert found["is_forgotten"], "so the stream must be read before close()"


@contextmanager
def start_voila(folder: Path, *options: str) -> Iterator[Voila]:
    """Start Voila with a notebook of one cell, as on the command line, but without listening."""
    notebook = folder / "notebook.ipynb"
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    write(new_notebook(cells=[new_code_cell("1")], metadata={"kernelspec": kernel}), notebook)
    voila = Voila(config_file_paths=[], identity_provider_class=VisitorLimit, connection_dir_root=str(folder))
    voila.initialize([str(notebook), *options])
    voila.listen = lambda: None
    voila.start()
    yield voila


def test_rules_of_the_page_precede_the_handlers_of_voila(tmp_path):
    with start_voila(tmp_path) as voila:
        matchers = [rule.matcher for group in voila.app.default_router.rules for rule in group.target.rules]
        assert voila.app.settings["kernel_manager"] is voila.kernel_manager
    patterns = [matcher.regex.pattern if isinstance(matcher, PathMatches) else type(matcher) for matcher in matchers]
    kernels = next(number for number, one in enumerate(patterns) if isinstance(one, str) and "/api/kernels/" in one)
    query = next(number for number, one in enumerate(patterns) if isinstance(one, str) and "/voila/query/" in one)
    assert patterns[0] is DisallowedHost
    assert query < patterns.index(RequestObserver) < kernels


def test_voila_handler_serves_one_notebook(tmp_path):
    with start_voila(tmp_path) as voila:
        rules = [rule for group in voila.app.default_router.rules for rule in group.target.rules]
    (rule,) = [one for one in rules if isinstance(one.target, type) and issubclass(one.target, VoilaHandler)]
    assert rule.target_kwargs["notebook_path"] == "notebook.ipynb"
    assert rule.matcher.regex.match("/").groups() == ("",)
    assert rule.matcher.regex.match("/image.png").groups() == ("image.png",)


def test_allowed_message_types_are_restricted_by_voila_only(tmp_path):
    with start_voila(tmp_path) as voila:
        assert "comm_msg" in voila.kernel_manager.allowed_message_types
        assert "execute_request" not in voila.kernel_manager.allowed_message_types
    assert AsyncMappingKernelManager().allowed_message_types == []


def test_pools_hold_preheated_kernels(tmp_path, http_request):
    """With a real kernel, which Voila starts for its pool and then assigns to a visitor."""

    async def run() -> None:
        options = ("--preheat_kernel=True", "--pool_size=1", "--VoilaKernelManager.fill_delay=1000")
        with start_voila(tmp_path, *options) as voila:
            manager = voila.kernel_manager
            culler = KernelCuller(manager, 1000)
            await wait_for_pools(manager)
            assert len(manager.list_kernel_ids()) == 1
            assert list_visited_kernels(manager) == set()
            culler.add_visit(RequestHandler(voila.app, http_request))
            (visit,) = culler._visits
            *_, kernel_id = await manager.get_rendered_notebook("notebook.ipynb")
            assert visit.kernel_id == kernel_id
            assert list_visited_kernels(manager) == {kernel_id}
            (waiting,) = manager._pools["notebook.ipynb"]
            waiting.cancel()
            manager._pools.clear()
            culler._task.cancel()
            await manager.shutdown_kernel(kernel_id, now=True)
            assert list_visited_kernels(manager) == set()

    asyncio.run(asyncio.wait_for(run(), 120))


SCRIPTS = {
    ("labextensions", "jupyter-webrtc"): ("cameraStream", "captureStream"),
    ("voila", "labextensions", "@voila-dashboards", "widgets-manager8"): (
        *("connectionStatusChanged", "connectionStatus", "reconnect", "get_model"),
    ),
}


@pytest.mark.parametrize("folder", SCRIPTS)
def test_scripts_contain_the_names_that_the_page_uses(folder):
    places = [place for place in map(Path, jupyter_path(*folder)) if place.is_dir()]
    assert places, f"{'/'.join(folder)} must be in one of Jupyter's data folders"
    text = "".join(path.read_text(encoding="utf-8") for path in places[0].rglob("*.js"))
    assert [name for name in SCRIPTS[folder] if not re.search(rf"\b{name}\b", text)] == []
