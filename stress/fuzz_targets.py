"""The doors by which strangers' bytes come in, each as a function of bytes that a fuzzer may call.

    python -m stress.fuzz_targets pictures CORPUS [options of libFuzzer]

A door lets a result or a clear error through; anything else is a finding, and ends the process. `stress.fuzz` opens
one door after the other.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import itertools
import json
import logging
import sys
import tempfile
from collections.abc import Callable
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import atheris
import numpy as np

with atheris.instrument_imports(include=["fer_lib"]):
    from fer_lib.cli import photo as photo_command
    from fer_lib.crops import CropSpec
    from fer_lib.dataset.image_folders import load_split
    from fer_lib.faces import Faces
    from fer_lib.hosts import is_local_host
    from fer_lib.images.decoding import decode
    from fer_lib.images.headers import PHOTO, check_decoding_cost, parse_image_file
    from fer_lib.images.jpeg import MAX_SCANS
    from fer_lib.live.server.message_filter import is_allowed
    from fer_lib.live.server.wire_format import is_well_formed
    from fer_lib.live.session.messages import PAGE_MESSAGES
    from fer_lib.live.session.recording import FILE_KINDS
    from fer_lib.live.session.session import Session
    from fer_lib.live.session.states import STATES
    from fer_lib.service.app import create_app
    from fer_lib.settings import LiveSettings, ServiceSettings, VisionSettings
    from fer_lib.vision.media.frames import as_frame
    from fer_lib.vision.media.video import read_frames
    from fer_lib.vision.pipeline import Pipeline, load_pipeline

from jupyter_server.services.kernels.connection.base import deserialize_binary_message, deserialize_msg_from_ws_v1

if TYPE_CHECKING:
    from stress.widgets import Widgets

Door = Callable[[bytes], None]
FEW = 200_000  # pixels; larger pictures only take longer
PLAYLISTS = (b"#extm3u", b"ffconcat", b"<mpd", b"v=0", b"[playlist]")
MAX_ADDED_BYTES = 400  # a new directory of TIFF
# Message kinds of the page, names and values of their fields.
WORDS = tuple(
    dict.fromkeys(
        ["type", *PAGE_MESSAGES, *(name for names in PAGE_MESSAGES.values() for name in names), *FILE_KINDS, *STATES]
    )
)
# The same of the protocol of widgets; the ids of comms come from the widgets themselves.
COMM_KINDS = ("comm_open", "comm_msg", "comm_close", "comm_info_request", "kernel_info_request", "execute_request")
METHODS = ("update", "custom", "request_state", "request_states", "echo_update")
COMM_WORDS = ("comm_id", "target_name", "data", "method", "content", "state", "buffer_paths", *METHODS,
              "jupyter.widget", "jupyter.widget.control", "autosave", "filename",
              "value", "msg_type", "version", "5.3", "shell", "control", "subshell_id", "layout", "children", "_esm")  # fmt: skip


def open_headers() -> Door:
    """A size, or a refusal; what is passed to the decoder parses to the same, so that nothing was hidden by parsing."""

    def knock(data: bytes) -> None:
        with contextlib.suppress(ValueError):
            image = parse_image_file(data, PHOTO)
            assert image.width > 0
            assert image.height > 0
            assert 1 <= image.orientation <= 8
            assert 1 <= image.scans <= MAX_SCANS
            assert len(image.data) <= len(data) + MAX_ADDED_BYTES
            again = parse_image_file(image.data, PHOTO)
            assert (again.width, again.height, again.scans) == (image.width, image.height, image.scans)
            assert again.orientation == 1
            if image.width * image.height <= FEW:
                check_decoding_cost(image)
            assert again.data == image.data or data.startswith((b"II", b"MM"))  # TIFF: a directory more each time

    return knock


def open_pictures() -> Door:
    """What was decoded has the size that the header said: no decoder sees a larger picture than we judged."""

    def knock(data: bytes) -> None:
        with contextlib.suppress(ValueError):
            pixels = decode(data, FEW, PHOTO, keep_grey=len(data) % 2 == 0)
            image = parse_image_file(data, PHOTO)
            size = (image.height, image.width) if image.orientation < 5 else (image.width, image.height)
            assert pixels.shape[:2] == size, (pixels.shape, image)
            assert pixels.dtype == np.uint8
            assert as_frame(pixels).shape[2] == 3

    return knock


def open_pipeline() -> Door:
    """Faces that lie in the picture, or a refusal; the first bytes are the time."""
    pipeline = load_pipeline(VisionSettings.load(max_pixels=FEW))

    def knock(data: bytes) -> None:
        with contextlib.suppress(ValueError):
            time_s = float(np.frombuffer(data[:4], np.float16)[0]) if len(data) >= 4 else 0.0
            _check(pipeline.process_jpeg(data[4:], time_s))

    return knock


def _check(faces: Faces) -> None:
    assert np.isfinite(faces.xyxy).all()
    if faces.probabilities is not None and len(faces):
        assert np.allclose(faces.probabilities.sum(axis=1), 1, atol=1e-4)


def open_messages() -> Door:
    """An answer that can be sent, or none; a session never raises, whatever the page says."""
    logging.disable(logging.WARNING)

    def begin() -> Session:
        session = Session(VisionSettings.load(), LiveSettings.load(max_recording_rows=50), load=lambda _: _Seer())
        session.wait_until_loaded()
        return session

    sessions = [begin()]
    kinds, words = list(PAGE_MESSAGES), list(WORDS)

    def knock(data: bytes) -> None:
        told = atheris.FuzzedDataProvider(data)
        if told.ConsumeProbability() < 0.02:
            sessions[:] = [begin()]
        for _ in range(told.ConsumeIntInRange(1, 6)):
            content = _invent(told, words, 3)
            if isinstance(content, dict) and told.ConsumeBool():
                content["type"] = told.PickValueInList(kinds)
            buffers = [told.ConsumeBytes(40) for _ in range(told.ConsumeIntInRange(0, 2))]
            answer = sessions[0].handle_message(content, buffers)
            if answer is not None:
                assert isinstance(answer["type"], str)
                json.dumps({name: value for name, value in answer.items() if name != "buffers"}, allow_nan=False)

    return knock


def _invent(told: Any, words: list[str], depth: int) -> Any:
    """Return any value that JSON can hold, and some of the words that pages use."""
    kind = told.ConsumeIntInRange(0, 8 if depth else 5)
    if kind == 0:
        return told.PickValueInList(words)
    if kind == 1:
        return told.ConsumeInt(9)
    if kind == 2:
        return told.ConsumeFloat()
    if kind == 3:
        return told.PickValueInList([None, True, False, 0, 0.5, "", 10**400, -1])
    if kind in (4, 5):
        return told.ConsumeUnicode(12)
    if kind == 6:
        return [_invent(told, words, depth - 1) for _ in range(told.ConsumeIntInRange(0, 3))]
    count = told.ConsumeIntInRange(0, 6)
    return {told.PickValueInList(words): _invent(told, words, depth - 1) for _ in range(count)}


def _invent_comm(told: Any, widgets: Widgets, words: list[str]) -> Any:
    """Return the content of a message to a widget, or of one that would create another."""
    names = [told.PickValueInList(widgets.traits) for _ in range(told.ConsumeIntInRange(0, 3))]
    state = {name: _invent(told, words, 1) for name in names}
    if told.ConsumeBool():
        state |= told.PickValueInList(widgets.classes)
    data = {"method": told.PickValueInList(list(METHODS)), "state": state, "content": _invent(told, words, 1)}
    targets = ["jupyter.widget", "jupyter.widget.control", told.ConsumeUnicode(4)]
    target, comm_id = told.PickValueInList(targets), told.PickValueInList([*widgets.ids, "new", "other"])
    return {"comm_id": comm_id, "target_name": target, "data": data}


class _Seer:
    """A pipeline that sees one face in everything but an empty frame."""

    timings_ms: dict[str, float] = {"total": 1.0}  # noqa: RUF012 (never changed)

    def process_jpeg(self, data: bytes, time_s: float) -> Faces:
        if data.startswith(b"\0"):
            raise ValueError("no picture")
        return Faces(
            xyxy=np.array([[1, 2, 3, 4]], np.float32),
            confidence=np.ones(1, np.float32),
            probabilities=np.full((1, 7), 1 / 7, np.float32),
            track_id=np.ones(1, np.int64),
        )

    def reset(self) -> None:
        """Nothing is remembered."""

    def adjust(self, smoothing_s: float) -> None:
        """Nothing is smoothed."""

    def calibrate(self, offset: object) -> None:
        """Nothing is added."""


def open_wire_format() -> Door:
    """Parse messages that `is_well_formed` accepts, as Jupyter Server does: no part may lie outside of them."""

    def knock(data: bytes) -> None:
        for is_v1, read in ((True, deserialize_msg_from_ws_v1), (False, deserialize_binary_message)):
            if is_well_formed(data, is_v1):
                with contextlib.suppress(ValueError, KeyError, TypeError, AttributeError, RecursionError):
                    read(data)

    return knock


def open_comms() -> Door:
    """What a visitor sends to widgets creates none and changes none, whether the server's filter passes it or not.

    The first byte chooses between the protocols, and between raw bytes and a message that is put together.
    """
    from stress.widgets import Widgets  # only here: the other targets need no widgets

    logging.disable(logging.CRITICAL)
    widgets = Widgets()
    words = [*COMM_WORDS, *WORDS, *widgets.ids]

    def knock(data: bytes) -> None:
        is_v1, is_raw = data[:1] < b"\x80", data[:1] < b"\x40" or data[:1] >= b"\xc0"
        if is_raw:
            raw = data[1:]
        else:
            told = atheris.FuzzedDataProvider(data[1:])
            content = _invent_comm(told, widgets, words) if told.ConsumeBool() else _invent(told, words, 4)
            raw = widgets.write(told.PickValueInList(list(COMM_KINDS)), content, is_v1)
        passed = is_allowed(raw, is_v1)
        kind, content = widgets.deliver(raw, is_v1)
        assert not passed or kind in COMM_KINDS[:-1], kind
        assert not (passed and kind == "comm_open") or content["target_name"] == "jupyter.widget.control"
        widgets.check()

    return knock


def open_service() -> Door:
    """An answer, or a refusal in one sentence; never a fault of ours. The body is any, or a form with a picture."""
    import httpx

    pipeline = load_pipeline(VisionSettings.load())
    app = create_app(ServiceSettings.load(max_pixels=FEW, max_upload_mb=0.1), _FakeEngine(pipeline))
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    loop = asyncio.new_event_loop()
    client = httpx.AsyncClient(transport=transport, base_url="http://localhost")

    def knock(data: bytes) -> None:
        form = {"Content-Type": "multipart/form-data; boundary=x"}
        if data[:1] < b"\x40":
            request = client.post("/infer", content=data[1:], headers=form)
        else:
            kind = ("face", "emotion", "faces")[data[0] % 3]
            head = f'--x\r\nContent-Disposition: form-data; name="model_type"\r\n\r\n{kind}\r\n--x\r\n'
            file = 'Content-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
            request = client.post("/infer", content=(head + file).encode() + data[1:] + b"\r\n--x--\r\n", headers=form)
        answer = loop.run_until_complete(request)
        assert answer.status_code in (200, 400, 413, 415, 422), (answer.status_code, answer.text)
        assert answer.status_code == 200 or isinstance(answer.json()["detail"], str)

    return knock


class _FakeEngine:
    """What the service needs of an engine, over one pipeline."""

    network_sha256 = "0" * 64

    def __init__(self, pipeline: Pipeline) -> None:
        self.analyze = self.detect = pipeline.analyze

    def classify(self, frame: np.ndarray) -> np.ndarray:
        return np.full(7, 1 / 7, np.float32)

    def open_stream(self) -> Any:
        raise RuntimeError("nobody streams here")


def open_folder() -> Door:
    """A split of pictures, or a sentence that none can be read."""
    folder = Path(tempfile.mkdtemp(prefix="fer-fuzz-"))
    path = folder / "train" / "happy" / "a.png"
    path.parent.mkdir(parents=True)

    def knock(data: bytes) -> None:
        path.write_bytes(data)
        with contextlib.suppress(FileNotFoundError):
            split = load_split(folder, "train", CropSpec(size=32), max_images=10, quiet=True)
            assert split.images.shape == (1, 32, 32, 1)

    return knock


def open_photo() -> Door:
    """`fer-lib photo` answers with a line of JSON, and with 2 where the photo could not be used."""
    folder = Path(tempfile.mkdtemp(prefix="fer-fuzz-"))
    pipeline = load_pipeline(VisionSettings.load(max_pixels=FEW))
    photo_command_pipeline = "fer_lib.vision.pipeline.load_pipeline"
    from unittest.mock import patch

    def knock(data: bytes) -> None:
        path = folder / "a.jpg"
        path.write_bytes(data)
        told = io.StringIO()
        with (
            patch(photo_command_pipeline, lambda _: pipeline),
            contextlib.redirect_stdout(told),
            contextlib.redirect_stderr(io.StringIO()),
        ):
            status = photo_command.main([str(path), "--json"])
        assert (status == 2) == ("error" in json.loads(told.getvalue()))

    return knock


def open_videos() -> Door:
    """Frames within the size limit, or a sentence; playlists and other files that name files are always refused."""
    path = Path(tempfile.mkdtemp(prefix="fer-fuzz-")) / "a.mp4"

    def knock(data: bytes) -> None:
        path.write_bytes(data)
        read = 0
        with contextlib.suppress(ValueError, OSError):
            for _, frame in itertools.islice(read_frames(path, FEW), 20):
                assert frame.shape[0] * frame.shape[1] <= FEW
                read += 1
        assert not (read and data.lstrip().lower().startswith(PLAYLISTS))

    return knock


def open_hosts() -> Door:
    """Of all `Host` headers only the names of this computer are answered, as another parser of URLs reads them too."""

    def knock(data: bytes) -> None:
        host = data.decode("latin-1")
        if is_local_host(host, ()):
            name = urlsplit(f"http://{host}/").hostname or ""
            assert name.removesuffix(".") in ("localhost", "127.0.0.1") or ip_address(name) == ip_address("::1")

    return knock


DOORS: dict[str, Callable[[], Door]] = {
    "headers": open_headers,
    "pictures": open_pictures,
    "pipeline": open_pipeline,
    "messages": open_messages,
    "wire_format": open_wire_format,
    "comms": open_comms,
    "service": open_service,
    "folder": open_folder,
    "photo": open_photo,
    "videos": open_videos,
    "hosts": open_hosts,
}


def main() -> None:
    """Knock at one door until libFuzzer has had enough."""
    door = DOORS[sys.argv[1]]()
    atheris.Setup([sys.argv[0], *sys.argv[2:]], door)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
