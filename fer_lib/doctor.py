"""Is everything in place? Each check says what it found in plain words, for people and for bug reports."""

from __future__ import annotations

import platform
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

from fer_lib.packages import find_version
from fer_lib.settings.vision import VisionSettings
from fer_lib.weights import DETECTOR, EMOTION, load_emotion_weights, load_weights

NAME = "face-emotion-detection"
NEEDED = ("numpy", "opencv-python-headless", "onnxruntime", "voila", "ipywidgets", "anywidget", "ipywebrtc")
# What some things need and others don't.
OPTIONAL = {
    "av": "videos from the shell",
    "tqdm": "videos from the shell, judging",
    "pandas": "reading recordings",
    "jupyterlab": "the notebooks",
    "scikit-learn": "judging",
    "torch": "training",
}
EXTENSIONS = {
    "@jupyter-widgets/jupyterlab-manager": "ipywidgets",
    "anywidget": "anywidget",
    "jupyter-webrtc": "ipywebrtc",
}
TEMPLATE = "voila/templates/fer"
SECURE = (
    "browsers give the camera only to secure pages: http://localhost and http://127.0.0.1 on this computer, or "
    "https anywhere; seen from another computer, plain http shows a page without a camera"
)
ROUNDS = 10  # of each timing; the median counts


@dataclass(frozen=True)
class Finding:
    """What one check found.

    Attributes:
        about: the topic, for example `weights`.
        name: of what was looked at.
        ok: whether all is well; `None` for what is good to know and never wrong.
        says: what was found and, if something is wrong, what cures it.
    """

    about: str
    name: str
    ok: bool | None
    says: str


def examine(settings: VisionSettings | None = None) -> list[Finding]:
    """Check versions, weights, extensions and the camera, and time the stages; takes a few seconds."""
    settings = settings or VisionSettings.load()
    checks = [*check_versions(), *check_weights(settings), *check_extensions(), *check_camera()]
    return checks + time_stages(settings)


def as_dict(findings: list[Finding]) -> dict[str, Any]:
    """Return the findings as plain values: `ok` for all together, and `findings`."""
    return {"ok": all(one.ok is not False for one in findings), "findings": [asdict(one) for one in findings]}


def describe_python() -> str:
    """Return Python's version and what it runs on."""
    return f"{platform.python_version()} on {platform.system()} {platform.machine()}"


def check_versions() -> list[Finding]:
    """Look for Python, our package and those that it needs or can use."""
    found = [Finding("versions", "python", sys.version_info >= (3, 11), describe_python())]
    ours = find_version(NAME)
    says = f"{ours} in {Path(__file__).parent}" if ours else f"not installed, used from {Path(__file__).parent}"
    found.append(Finding("versions", NAME, None, says))
    for name in NEEDED:
        has = find_version(name)
        found.append(Finding("versions", name, has is not None, has or f"missing; `pip install {name}`"))
    for name, use in OPTIONAL.items():
        has = find_version(name)
        found.append(Finding("versions", name, None, has or f"not installed, needed for {use}: `pip install {name}`"))
    return found


def check_weights(settings: VisionSettings) -> list[Finding]:
    """Compare every network with the SHA-256 of its card."""
    found = []
    for name in (*DETECTOR, EMOTION):
        try:
            found.append(Finding("weights", name, True, verify_network(name, settings.weights_dir)))
        except (OSError, ValueError) as error:
            found.append(Finding("weights", name, False, str(error)))
    return found


def verify_network(name: str, folder: Path | None) -> str:
    """Compare a network with its card, and say so if they agree.

    Raises:
        FileNotFoundError: if file or card is missing.
        ValueError: if the file is not what its card says.
    """
    load = load_emotion_weights if name == EMOTION else load_weights
    return f"as its card says, SHA-256 {load(folder=folder, name=name).card['sha256'][:12]}…"


def check_extensions() -> list[Finding]:
    """Look where Jupyter looks for the extensions and the template of the live page."""
    from jupyter_core.paths import jupyter_path

    found = []
    for name, package in EXTENSIONS.items():
        has = any((Path(folder) / name / "package.json").is_file() for folder in jupyter_path("labextensions"))
        cure = f"missing; `pip install --force-reinstall {package}` brings it"
        found.append(Finding("extensions", name, has, "found" if has else cure))
    has = any(Path(folder).is_dir() for folder in jupyter_path(*TEMPLATE.split("/")))
    cure = "missing; `pip install .` in the project's folder brings it, or `make app`"
    return [*found, Finding("extensions", "voila template fer", has, "found" if has else cure)]


def check_camera() -> list[Finding]:
    """Say what can be said of the camera from here: the browser opens it, not Python."""
    found = [Finding("camera", "secure page", None, SECURE)]
    if sys.platform == "linux":
        devices = sorted(str(path) for path in Path("/dev").glob("video*"))
        none = "none on this computer; that is fine if the browser runs on another one"
        found.append(Finding("camera", "devices", None, ", ".join(devices) or none))
    elif sys.platform == "darwin":
        hint = "System Settings, Privacy & Security, Camera must allow your browser"
        found.append(Finding("camera", "permission", None, hint))
    elif sys.platform == "win32":
        found.append(Finding("camera", "permission", None, "Settings, Privacy, Camera must allow desktop apps"))
    return found


def time_stages(settings: VisionSettings) -> list[Finding]:
    """Time each stage on this computer, in milliseconds; nothing if OpenCV or a network is missing."""
    try:
        from fer_lib.vision.detection import Detector
        from fer_lib.vision.recognition import Recognizer

        start = perf_counter()
        detector, recognizer = Detector(settings), Recognizer(settings)
        loading = (perf_counter() - start) * 1000
    except (ImportError, OSError, ValueError) as error:
        return [Finding("timing", "load", False, f"the networks can't be loaded: {error}")]
    frame, faces = _still_life()
    return [
        _timed("load the networks", loading),
        _timed("search a 640×480 frame for faces", _median_ms(lambda: detector.detect(frame))),
        _timed("follow a face", _median_ms(lambda: detector.follow(frame, faces.xyxy))),
        _timed("name the emotion of a face", _median_ms(lambda: recognizer.recognize(frame, faces))),
    ]


def _still_life() -> tuple[Any, Any]:
    """Return a frame of soft colours and where a face could be."""
    import numpy as np

    from fer_lib.faces import Faces

    rows, columns = np.mgrid[0:480, 0:640]
    frame = np.stack([rows / 480, columns / 640, (rows + columns) / 1120], axis=2)
    box = np.array([[220, 120, 400, 340]], np.float32)
    return (frame * 255).astype(np.uint8), Faces(box, np.ones(1, np.float32))


def _median_ms(work: Any) -> float:
    times = []
    for _ in range(ROUNDS):
        start = perf_counter()
        work()
        times.append((perf_counter() - start) * 1000)
    return sorted(times)[ROUNDS // 2]


def _timed(name: str, milliseconds: float) -> Finding:
    return Finding("timing", name, None, f"{milliseconds:.1f} ms")
