"""After use with a recording, uploads and errors, no picture lies on the disk or in a log."""

import asyncio
import logging
from pathlib import Path
from typing import Any

import pytest

from benchmarks.clips import compose_clip
from benchmarks.servers import serve_voila
from benchmarks.visitor import Visitor
from faults.pictures import odd_pictures

pytestmark = pytest.mark.timeout(600)
SIGNATURES = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"WEBPVP8")
WRITTEN = ("/9j/", "iVBORw0KGgo", "\\xff\\xd8", "\\x89PNG", "ÿØÿ")  # the same as text: base64, escaped, as Latin-1


def traces(folder: Path) -> list[str]:
    """Return the files that hold a picture, as bytes or as text."""
    found = []
    for path in folder.rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            text = data.decode("utf-8", errors="replace")
            if any(mark in data for mark in SIGNATURES) or any(mark in text for mark in WRITTEN):
                found.append(str(path.relative_to(folder)))
    return found


@pytest.mark.parametrize("content", [*SIGNATURES, *(mark.encode() for mark in WRITTEN)])
def test_traces_finds_a_picture(tmp_path, content):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "log").write_bytes(b"before " + content + b" after")
    assert traces(tmp_path) == ["a/log"]


async def record(visitor: Visitor) -> None:
    """Begin to record once the stream has begun: a new stream ends a recording."""
    await asyncio.sleep(1)
    await visitor.tell({"type": "record", "on": True})


def read_file(message: dict[str, Any]) -> bytes:
    """Return what the visitor downloads, from the message that brings it."""
    is_file = message["content"].get("data", {}).get("content", {}).get("type") == "file"
    return bytes(message["buffers"][0]) if is_file else b""


def test_the_live_page_leaves_no_picture(tmp_path):
    """Home, temporary folder and everything that the server and its kernel say lie in one folder, which is searched."""
    places = {name: tmp_path / name for name in ("home", "tmp", "runtime", "data")}
    for place in places.values():
        place.mkdir()
    environment = {
        "HOME": str(places["home"]),
        "TMPDIR": str(places["tmp"]),
        "JUPYTER_RUNTIME_DIR": str(places["runtime"]),
        "JUPYTER_DATA_DIR": str(places["data"]),
        "IPYTHONDIR": str(places["home"] / "ipython"),
    }

    async def use(url: str) -> tuple[int, int, bytes]:
        visitor = Visitor(url)
        await visitor.open()
        jpegs = compose_clip(10).jpegs
        await visitor.stream(jpegs, 10, 2)
        await asyncio.gather(visitor.stream([*jpegs, *odd_pictures().values()], 30, 5), record(visitor))
        await visitor.tell({"type": "record", "on": False})
        await visitor.tell({"type": "download", "kind": "csv"})
        file = await asyncio.wait_for(visitor.receive(read_file), 120)
        await visitor.tell({"type": "nonsense"}, [jpegs[0]])
        before = traces(tmp_path)
        await visitor.stream(jpegs, 10, 2)
        visitor.close()
        return len(visitor.answered_s), len(before), file

    with serve_voila(environment=environment, log=tmp_path / "log") as url:
        answered, before, file = asyncio.run(use(url))
        assert traces(tmp_path) == []
    assert answered > 5
    assert file.startswith(b"time_s,"), "there was a recording"
    assert file.count(b"\n") > 2
    assert before == 0
    assert (tmp_path / "log").stat().st_size > 0
    assert traces(tmp_path) == []


def test_the_service_logs_no_picture(caplog, tmp_path, monkeypatch):
    """Uploads that are looked at, refused, or fail through a fault of ours leave nothing in logs or temporary files."""
    from fastapi.testclient import TestClient

    from fer_lib.service.app import create_app
    from fer_lib.settings import ServiceSettings

    class Looker:
        network_sha256 = "0" * 64

        def detect(self, frame):
            raise RuntimeError(f"a fault with {frame.shape}")

        analyze = classify = open_stream = detect

    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    monkeypatch.setattr("tempfile.tempdir", None)
    (tmp_path / "tmp").mkdir()
    with (
        caplog.at_level(logging.DEBUG),
        TestClient(create_app(ServiceSettings(), Looker()), raise_server_exceptions=False) as client,
    ):
        statuses = {
            client.post("/infer", files={"file": ("p.jpg", data)}, data={"model_type": "face"}).status_code
            for data in odd_pictures().values()
        }
    assert statuses == {500, 415, 413}
    (tmp_path / "tmp" / "log").write_text(caplog.text, encoding="utf-8")
    assert "a fault with" in caplog.text
    assert traces(tmp_path) == []
