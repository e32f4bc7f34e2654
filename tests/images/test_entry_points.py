"""Every entry point for image files parses them before decoding."""

import ast
import json
import subprocess
import sys
import time

import numpy as np
import pytest
from fastapi.testclient import TestClient

from fer_lib.cli.photo import main as photo
from fer_lib.crops import CropSpec
from fer_lib.dataset.image_folders import decode_faces
from fer_lib.faces import Faces
from fer_lib.images import decoding
from fer_lib.images.headers import PHOTO, WEB
from fer_lib.live.session.session import Session
from fer_lib.service.app import create_app
from fer_lib.settings import ServiceSettings
from fer_lib.vision.pipeline import load_pipeline
from harness.costly_images import costly_images, make_png

# Largest size of files of 8 × 8 pixels without metadata.
MAX_DECODED_BYTES = 4000
# Decoders of the installed packages; `evaluate.robustness` and `plots.saving` decode only data that they encoded.
DECODERS = {"imdecode", "imread", "imdecodemulti", "imreadmulti", "imdecodeanimation", "imreadanimation", "ImageFolder"}
PACKAGES = {"PIL", "imageio", "skimage", "tifffile"}
DECODING_MODULES = {"images/decoding.py", "evaluate/robustness.py", "plots/saving.py"}


class NoFaceEngine:
    """Inference engine that finds no face in any frame."""

    network_sha256 = "0" * 64

    def analyze(self, frame):
        assert frame.dtype == np.uint8
        return Faces.empty()

    detect = analyze

    def process(self, frame, time_s):
        return Faces.empty().with_columns(track_id=np.zeros(0, np.int64), probabilities=np.zeros((0, 7), np.float32))

    def open_stream(self):
        return self


@pytest.fixture
def decoded_sizes(monkeypatch):
    """Collect the sizes in bytes of all files that reach the decoder."""
    sizes = []
    imdecode = decoding.cv2.imdecode

    def decode(data, flags):
        sizes.append(data.size)
        return imdecode(data, flags)

    monkeypatch.setattr(decoding.cv2, "imdecode", decode)
    return sizes


def accepted_by_photo(files, folder):
    for number, data in enumerate(files.values()):
        (folder / f"{number:02}.jpg").write_bytes(data)
    capture = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("builtins.print", lambda *words, **options: capture.append((words, options.get("file"))))
        photo([str(folder), "--json"])
    lines = [json.loads(words[0]) for words, stream in capture if stream is None]
    return ["error" not in line for line in lines]


def accepted_by_service(files, folder):
    with TestClient(create_app(ServiceSettings(allowed_hosts="testserver"), NoFaceEngine())) as client:
        responses = [
            client.post("/infer", files={"file": ("a", data)}, data={"model_type": "face"}) for data in files.values()
        ]
    assert {response.status_code for response in responses} == {200, 415}
    return [response.status_code == 200 for response in responses]


def accepted_by_stream(files, folder):
    accepted = []
    with (
        TestClient(create_app(ServiceSettings(allowed_hosts="testserver"), NoFaceEngine())) as client,
        client.websocket_connect("/stream") as socket,
    ):
        for data in files.values():
            socket.send_bytes(data)
            accepted.append("faces" in socket.receive_json())
    return accepted


def accepted_by_page(files, folder):
    session = Session(load=load_pipeline)
    assert session.wait_until_loaded(20)
    replies = [
        session.handle_message({"type": "frame", "id": number, "time_s": time.monotonic()}, [data])
        for number, data in enumerate(files.values())
    ]
    return [reply["type"] == "faces" for reply in replies]


def accepted_by_dataset(files, folder):
    paths = []
    for number, data in enumerate(files.values()):
        paths.append(folder / f"{number:02}.png")
        paths[-1].write_bytes(data)
    return [face is not None for face in decode_faces(paths, CropSpec(size=32), quiet=True)]


@pytest.mark.parametrize(
    "accepted_files",
    [accepted_by_photo, accepted_by_service, accepted_by_stream, accepted_by_page, accepted_by_dataset],
)
def test_entry_points_strip_or_refuse_costly_images(accepted_files, tmp_path, decoded_sizes):
    files = costly_images(WEB)
    accepted = accepted_files(files, tmp_path)
    expected = [name.endswith("shown") for name in files]
    assert [
        name for name, is_accepted, right in zip(files, accepted, expected, strict=True) if is_accepted != right
    ] == []
    assert len(decoded_sizes) == sum(expected)
    assert max(decoded_sizes) <= MAX_DECODED_BYTES


def test_photo_strips_or_refuses_costly_tiff_and_bmp(tmp_path, decoded_sizes):
    files = costly_images(tuple(set(PHOTO) - set(WEB)))
    assert len(files) > 5
    assert accepted_by_photo(files, tmp_path) == [name.endswith("shown") for name in files]
    assert len(decoded_sizes) == sum(name.endswith("shown") for name in files)


def test_images_decoding_is_the_only_decoder(project_root):
    package = project_root / "fer_lib"
    found = set()
    for path in package.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = {node.attr} if isinstance(node, ast.Attribute) else set()
            if isinstance(node, ast.ImportFrom):
                names = {alias.name for alias in node.names} | {(node.module or "").split(".")[0]}
            elif isinstance(node, ast.Import):
                names = {alias.name.split(".")[0] for alias in node.names}
            if names & (DECODERS | PACKAGES):
                found.add(path.relative_to(package).as_posix())
    assert found == DECODING_MODULES


DECODE_ALL = """
import re, sys, time
from pathlib import Path
from fer_lib.images.decoding import decode
from fer_lib.images.headers import PHOTO
def peak_mb():
    # Unlike the peak of `getrusage`, VmHWM is not inherited from the parent process.
    return int(re.search("VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) / 1024

small, *costly = sorted(Path(sys.argv[1]).iterdir())
decode(small.read_bytes())
before, start = peak_mb(), time.process_time()
for path in costly:
    try:
        decode(path.read_bytes(), kinds=PHOTO)
    except ValueError:
        pass
print(time.process_time() - start, peak_mb() - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="peak memory is read from /proc")
def test_decode_costly_images_time_and_memory(tmp_path, project_root):
    """Compare time and peak memory of decoding all costly images with those of one small image."""
    for number, data in enumerate([make_png(), *costly_images(PHOTO).values()]):
        (tmp_path / f"{number:03}").write_bytes(data)
    command = [sys.executable, "-c", DECODE_ALL, str(tmp_path)]
    process = subprocess.run(command, cwd=project_root, capture_output=True, text=True, check=True)
    seconds, megabytes = map(float, process.stdout.split())
    assert seconds < 2
    assert megabytes < 30
