"""Visitors can neither create nor change widgets: with the project's server, and with one that forwards all messages."""

import asyncio
import time
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from ipywidgets.widgets import widget as widget_module

import fer_lib.live.page.panel  # noqa: F401 - registers the classes that the kernel has
from harness.clips import compose_clip
from harness.servers import find_kernel, serve_voila
from harness.visitor import Visitor

pytestmark = pytest.mark.timeout(600)
# Jupyter Server's own websocket class, which checks the message types only.
PLAIN = "jupyter_server.services.kernels.connection.channels.ZMQChannelsWebsocketConnection"
FIELDS = ("_model_module", "_model_module_version", "_model_name", "_view_module", "_view_module_version", "_view_name")
CLASSES = [dict(zip(FIELDS, key, strict=True)) for key, _ in widget_module._registry.items()]
STEP_S = 0.02  # between messages, below the rate limit


@pytest.fixture(scope="module", params=["filtered", "plain"])
def server(request: pytest.FixtureRequest) -> Iterator[str]:
    plain = (f"--Voila.kernel_websocket_connection_class={PLAIN}",)
    with serve_voila(options=plain if request.param == "plain" else ()) as url:
        yield url


async def open_widget(visitor: Visitor, state: dict[str, Any], buffers: list[bytes] | None = None) -> str:
    comm = uuid.uuid4().hex
    data = {"state": state, "buffer_paths": [["value"]] if buffers else []}
    content = {"comm_id": comm, "target_name": "jupyter.widget", "data": data}
    await visitor.send("comm_open", content, buffers, {"version": "2.1.0"})
    await asyncio.sleep(STEP_S)
    return comm


async def update(visitor: Visitor, comm: str, state: dict[str, Any], buffers: list[bytes] | None = None) -> None:
    data = {"method": "update", "state": state, "buffer_paths": [["value"]] if buffers else []}
    await visitor.send("comm_msg", {"comm_id": comm, "data": data}, buffers)
    await asyncio.sleep(STEP_S)


def visit(server: str, act: Any) -> Any:
    async def run() -> Any:
        visitor = Visitor(server)
        try:
            await visitor.open()
            return await asyncio.wait_for(act(visitor), 60)
        finally:
            visitor.close()

    return asyncio.run(run())


def test_no_registered_widget_is_created_and_no_file_is_written(server, tmp_path):
    """Each class with an image of the visitor and `autosave`; the kernel has the same widgets afterwards."""

    async def attack(visitor: Visitor) -> tuple[dict[str, Any], dict[str, Any]]:
        before = await visitor.read_widgets()
        media = {one["_model_name"]: one for one in CLASSES if one["_model_name"] in MEDIA}
        sent = {name: await open_widget(visitor, state) for name, state in media.items()}
        of = {MEDIA[name]: f"IPY_MODEL_{comm}" for name, comm in sent.items()}
        for number, state in enumerate(CLASSES):
            saving = {"filename": str(tmp_path / f"{number}.txt"), "autosave": True}
            await open_widget(visitor, state | of | saving)
        for comm in sent.values():
            await update(visitor, comm, {}, [b"written"])
        return before, await visitor.read_widgets()

    before, after = visit(server, attack)
    assert len(CLASSES) > 50
    assert after == before
    assert list(tmp_path.iterdir()) == []


MEDIA = {"ImageModel": "image", "VideoModel": "video", "AudioModel": "audio"}


def test_no_widget_of_the_page_is_changed(server):
    async def attack(visitor: Visitor) -> tuple[dict[str, Any], dict[str, Any], int]:
        before = await visitor.read_widgets()
        for comm, widget in before.items():
            for name in (*FIELDS, *list(widget["state"])[:8]):
                await update(visitor, comm, {name: "changed"})
        after = await visitor.read_widgets()
        await visitor.stream(compose_clip(3).jpegs, 10, 2)
        return before, after, len(visitor.result_times_s)

    before, after, answered = visit(server, attack)
    assert len(before) > 8
    assert after == before
    assert answered > 0


def test_dropped_messages_use_no_memory_of_the_kernel(server):
    async def attack(visitor: Visitor) -> float:
        kernel = find_kernel(visitor.kernel_id)
        image = next(state for state in CLASSES if state["_model_name"] == "ImageModel")
        (page, *_) = await visitor.read_widgets()
        before = kernel.memory_info().rss
        for _ in range(30):
            await open_widget(visitor, image, [bytes(1_000_000)])
            await update(visitor, page, {"tooltip": uuid.uuid4().hex * 10_000})
            await asyncio.sleep(0.1)
        await visitor.read_widgets()  # after the response, the kernel has handled all messages
        return (kernel.memory_info().rss - before) / 1e6

    started = time.monotonic()
    assert visit(server, attack) < 20
    assert time.monotonic() - started < 60
