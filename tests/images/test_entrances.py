"""Every entrance for image files parses them before a decoder sees them."""

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

# What is left of files of 8 × 8 pixels once metadata is dropped.
MOST_DECODED_BYTES = 4000
# The decoders of the packages that the project has; `evaluate.robustness` decodes what it has encoded itself.
DECODERS = {"imdecode", "imread", "imdecodemulti", "imreadmulti", "imdecodeanimation", "imreadanimation", "ImageFolder"}
PACKAGES = {"PIL", "imageio", "skimage", "tifffile"}
MAY_DECODE = {"pictures/decoding.py", "evaluate/robustness.py"}


class Engine:
    """Finds no face in any frame."""

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
    """The sizes in bytes of all files that reach the decoder."""
    sizes = []
    real = decoding.cv2.imdecode

    def decode(data, flags):
        sizes.append(data.size)
        return real(data, flags)

    monkeypatch.setattr(decoding.cv2, "imdecode", decode)
    return sizes


def show_as_photos(files, folder):
    for number, data in enumerate(files.values()):
        (folder / f"{number:02}.jpg").write_bytes(data)
    capture = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("builtins.print", lambda *words, **options: capture.append((words, options.get("file"))))
        photo([str(folder), "--json"])
    lines = [json.loads(words[0]) for words, stream in capture if stream is None]
    return ["error" not in line for line in lines]


def show_to_service(files, folder):
    with TestClient(create_app(ServiceSettings(allowed_hosts="testserver"), Engine())) as client:
        answers = [
            client.post("/infer", files={"file": ("a", data)}, data={"model_type": "face"}) for data in files.values()
        ]
    assert {answer.status_code for answer in answers} == {200, 415}
    return [answer.status_code == 200 for answer in answers]


def show_to_stream(files, folder):
    shown = []
    with (
        TestClient(create_app(ServiceSettings(allowed_hosts="testserver"), Engine())) as client,
        client.websocket_connect("/stream") as socket,
    ):
        for data in files.values():
            socket.send_bytes(data)
            shown.append("faces" in socket.receive_json())
    return shown


def show_on_page(files, folder):
    session = Session(load=load_pipeline)
    assert session.wait_until_loaded(20)
    answers = [
        session.handle_message({"type": "frame", "id": number, "time_s": time.monotonic()}, [data])
        for number, data in enumerate(files.values())
    ]
    return [answer["type"] == "faces" for answer in answers]


def show_to_training(files, folder):
    paths = []
    for number, data in enumerate(files.values()):
        paths.append(folder / f"{number:02}.png")
        paths[-1].write_bytes(data)
    return [face is not None for face in decode_faces(paths, CropSpec(size=32), quiet=True)]


@pytest.mark.parametrize("show", [show_as_photos, show_to_service, show_to_stream, show_on_page, show_to_training])
def test_entrance_drops_or_refuses_costly_images(show, tmp_path, decoded_sizes):
    files = costly_images(WEB)
    shown = show(files, tmp_path)
    expected = [name.endswith("shown") for name in files]
    assert [name for name, is_shown, right in zip(files, shown, expected, strict=True) if is_shown != right] == []
    assert len(decoded_sizes) == sum(expected)
    assert max(decoded_sizes) <= MOST_DECODED_BYTES


def test_photo_refuses_costly_images_of_other_kinds(tmp_path, decoded_sizes):
    files = costly_images(tuple(set(PHOTO) - set(WEB)))
    assert len(files) > 5
    assert show_as_photos(files, tmp_path) == [name.endswith("shown") for name in files]
    assert len(decoded_sizes) == sum(name.endswith("shown") for name in files)


def test_only_the_guarded_module_decodes_images(project_root):
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
    assert found == MAY_DECODE


DECODE_ALL = """
import re, sys, time
from pathlib import Path
from fer_lib.images.decoding import decode
from fer_lib.images.headers import PHOTO
def peak_mb():
    # Unlike that of `getrusage`, this peak is not inherited from the process that started this one.
    return int(re.search("VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) / 1024

small, *costly = sorted(Path(sys.argv[1]).iterdir())
decode(small.read_bytes())
before, began = peak_mb(), time.process_time()
for path in costly:
    try:
        decode(path.read_bytes(), kinds=PHOTO)
    except ValueError:
        pass
print(time.process_time() - began, peak_mb() - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the peak of a process's memory is read as Linux tells it")
def test_costly_images_cost_little(tmp_path, project_root):
    """Time and memory of a process that decodes all of them, beside those of one small image."""
    for number, data in enumerate([make_png(), *costly_images(PHOTO).values()]):
        (tmp_path / f"{number:03}").write_bytes(data)
    command = [sys.executable, "-c", DECODE_ALL, str(tmp_path)]
    done = subprocess.run(command, cwd=project_root, capture_output=True, text=True, check=True)
    seconds, megabytes = map(float, done.stdout.split())
    assert seconds < 2
    assert megabytes < 30
