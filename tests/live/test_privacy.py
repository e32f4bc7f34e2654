"""No image data on the disk or in logs after recording, uploads and errors."""

import asyncio
import logging
from typing import Any

import pytest

from harness.clips import compose_clip
from harness.image_leaks import SIGNATURES, WRITTEN, confine, find_images
from harness.malformed_images import malformed_images
from harness.servers import serve_voila
from harness.visitor import Visitor

pytestmark = pytest.mark.timeout(600)


@pytest.mark.parametrize("content", [*SIGNATURES, *(mark.encode() for mark in WRITTEN)])
def test_find_images_finds_one(tmp_path, content):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "log").write_bytes(b"before " + content + b" after")
    assert find_images(tmp_path) == ["a/log"]


async def record(visitor: Visitor) -> None:
    """Start recording after the stream has started: a new stream ends a recording."""
    await asyncio.sleep(1)
    await visitor.send_custom({"type": "record", "on": True})


def read_file(message: dict[str, Any]) -> bytes:
    """Return the downloaded file of a message, or nothing."""
    is_file = message["content"].get("data", {}).get("content", {}).get("type") == "file"
    return bytes(message["buffers"][0]) if is_file else b""


def test_live_page_leaves_no_image_data(tmp_path):
    """Home folder, temporary folder and the logs of server and kernel are in one folder, which is searched."""

    async def use(url: str) -> tuple[int, int, bytes]:
        visitor = Visitor(url)
        await visitor.open()
        jpegs = compose_clip(10).jpegs
        await visitor.stream(jpegs, 10, 2)
        await asyncio.gather(visitor.stream([*jpegs, *malformed_images().values()], 30, 5), record(visitor))
        await visitor.send_custom({"type": "record", "on": False})
        await visitor.send_custom({"type": "download", "kind": "csv"})
        file = await asyncio.wait_for(visitor.receive(read_file), 120)
        await visitor.send_custom({"type": "nonsense"}, [jpegs[0]])
        before = find_images(tmp_path)
        await visitor.stream(jpegs, 10, 2)
        visitor.close()
        return len(visitor.result_times_s), len(before), file

    with serve_voila(environment=confine(tmp_path), log=tmp_path / "log") as url:
        processed, before, file = asyncio.run(use(url))
        assert find_images(tmp_path) == []
    assert processed > 5
    assert file.startswith(b"time_s,"), "the recording must not be empty"
    assert file.count(b"\n") > 2
    assert before == 0
    assert (tmp_path / "log").stat().st_size > 0
    assert find_images(tmp_path) == []


def test_service_leaves_no_image_data(caplog, tmp_path, monkeypatch):
    """Uploads leave no image data in logs or temporary files, whether processed, refused or failed with an internal error."""
    from fastapi.testclient import TestClient

    from fer_lib.service.app import create_app
    from fer_lib.settings import ServiceSettings

    class FailingEngine:
        network_sha256 = "0" * 64

        def detect(self, frame):
            raise RuntimeError(f"failed for a frame of shape {frame.shape}")

        analyze = classify = open_stream = detect

    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    monkeypatch.setattr("tempfile.tempdir", None)
    (tmp_path / "tmp").mkdir()
    with (
        caplog.at_level(logging.DEBUG),
        TestClient(
            create_app(ServiceSettings(allowed_hosts="testserver"), FailingEngine()), raise_server_exceptions=False
        ) as client,
    ):
        statuses = {
            client.post("/infer", files={"file": ("p.jpg", data)}, data={"model_type": "face"}).status_code
            for data in malformed_images().values()
        }
    assert statuses == {500, 415, 413}
    (tmp_path / "tmp" / "log").write_text(caplog.text, encoding="utf-8")
    assert "failed for a frame of shape" in caplog.text
    assert find_images(tmp_path) == []
