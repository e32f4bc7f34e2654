"""Check the installation: package versions, weights, Jupyter extensions, cameras and run times."""

from __future__ import annotations

import platform
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

from fer_lib.optional_packages import find_version
from fer_lib.settings.vision import VisionSettings
from fer_lib.weights import DETECTOR, EMOTION, load_emotion_weights, load_weights

NAME = "face-emotion-detection"
NEEDED = ("numpy", "opencv-python-headless", "onnxruntime", "voila", "ipywidgets", "anywidget", "ipywebrtc")
# Packages that single features need.
OPTIONAL = {
    "av": "videos from the shell",
    "tqdm": "videos from the shell, evaluation",
    "pandas": "reading recordings",
    "jupyterlab": "the notebooks",
    "scikit-learn": "evaluation",
    "torch": "training",
}
EXTENSIONS = {
    "@jupyter-widgets/jupyterlab-manager": "ipywidgets",
    "anywidget": "anywidget",
    "jupyter-webrtc": "ipywebrtc",
}
TEMPLATE = "voila/templates/fer"
SECURE = (
    "browsers give the camera only to secure pages: http://localhost and http://127.0.0.1 on this computer, https on "
    "any other; a page that another computer opens over plain http has no camera"
)
REPEATS = 10  # of each timing; the median is reported


@dataclass(frozen=True)
class CheckResult:
    """The result of one check.

    Attributes:
        topic: the group of checks, for example `weights`.
        name: the name of what was checked.
        ok: whether the check passed; `None` for information that cannot fail.
        message: what was found and, after a failure, the remedy.
    """

    topic: str
    name: str
    ok: bool | None
    message: str


def check_installation(settings: VisionSettings | None = None) -> list[CheckResult]:
    """Check versions, weights, extensions and cameras, and measure the run time of the stages; takes a few seconds."""
    settings = settings or VisionSettings.load()
    checks = [*check_versions(), *check_weights(settings), *check_extensions(), *check_camera()]
    return checks + time_stages(settings)


def as_dict(results: list[CheckResult]) -> dict[str, Any]:
    """Return the results as JSON values: `ok` for all together, and `checks`."""
    return {"ok": all(result.ok is not False for result in results), "checks": [asdict(result) for result in results]}


def describe_python() -> str:
    """Return the version of Python, the operating system and the architecture."""
    return f"{platform.python_version()} on {platform.system()} {platform.machine()}"


def check_versions() -> list[CheckResult]:
    """Check the versions of Python, of this package, and of required and optional packages."""
    found = [CheckResult("versions", "python", sys.version_info >= (3, 11), describe_python())]
    version = find_version(NAME)
    message = (
        f"{version} in {Path(__file__).parent}" if version else f"not installed, used from {Path(__file__).parent}"
    )
    found.append(CheckResult("versions", NAME, None, message))
    for name in NEEDED:
        version = find_version(name)
        found.append(CheckResult("versions", name, version is not None, version or f"missing; `pip install {name}`"))
    for name, use in OPTIONAL.items():
        message = find_version(name) or f"not installed, needed for {use}: `pip install {name}`"
        found.append(CheckResult("versions", name, None, message))
    return found


def check_weights(settings: VisionSettings) -> list[CheckResult]:
    """Compare the weights of every network with the SHA-256 of their card."""
    found = []
    for name in (*DETECTOR, EMOTION):
        try:
            found.append(CheckResult("weights", name, True, verify_network(name, settings.weights_dir)))
        except (OSError, ValueError) as error:
            found.append(CheckResult("weights", name, False, str(error)))
    return found


def verify_network(name: str, folder: Path | None) -> str:
    """Compare the weights of a network with the SHA-256 of their card, and return a message with its first digits.

    Raises:
        FileNotFoundError: if the file or the card is missing.
        ValueError: if they differ.
    """
    load = load_emotion_weights if name == EMOTION else load_weights
    return f"matches its card, SHA-256 {load(folder=folder, name=name).card['sha256'][:12]}…"


def check_extensions() -> list[CheckResult]:
    """Find the Jupyter extensions and the Voila template of the live page in Jupyter's data folders."""
    from jupyter_core.paths import jupyter_path

    found = []
    for name, package in EXTENSIONS.items():
        exists = any((Path(folder) / name / "package.json").is_file() for folder in jupyter_path("labextensions"))
        remedy = f"missing; `pip install --force-reinstall {package}` installs it"
        found.append(CheckResult("extensions", name, exists, "found" if exists else remedy))
    exists = any(Path(folder).is_dir() for folder in jupyter_path(*TEMPLATE.split("/")))
    remedy = "missing; `pip install .` in the project's folder or `make app` installs it"
    return [*found, CheckResult("extensions", "voila template fer", exists, "found" if exists else remedy)]


def check_camera() -> list[CheckResult]:
    """Return information about access to cameras. The browser opens the camera, so nothing here can fail."""
    found = [CheckResult("camera", "secure page", None, SECURE)]
    if sys.platform == "linux":
        devices = sorted(str(path) for path in Path("/dev").glob("video*"))
        none = "none on this computer; not needed if the browser runs on another one"
        found.append(CheckResult("camera", "devices", None, ", ".join(devices) or none))
    elif sys.platform == "darwin":
        hint = "System Settings, Privacy & Security, Camera must allow your browser"
        found.append(CheckResult("camera", "permission", None, hint))
    elif sys.platform == "win32":
        found.append(CheckResult("camera", "permission", None, "Settings, Privacy, Camera must allow desktop apps"))
    return found


def time_stages(settings: VisionSettings) -> list[CheckResult]:
    """Measure the median run time of each stage in milliseconds; one failed check if OpenCV or weights are missing."""
    try:
        from fer_lib.vision.mtcnn.detection import Detector
        from fer_lib.vision.recognition import Recognizer

        start = perf_counter()
        detector, recognizer = Detector(settings), Recognizer(settings)
        loading = (perf_counter() - start) * 1000
    except (ImportError, OSError, ValueError) as error:
        return [CheckResult("timing", "load", False, f"the networks can't be loaded: {error}")]
    frame, faces = _make_frame()
    return [
        _timed("load the networks", loading),
        _timed("detect faces in a 640×480 frame", _median_ms(lambda: detector.detect(frame))),
        _timed("follow one face", _median_ms(lambda: detector.follow(frame, faces.xyxy))),
        _timed("classify the emotion of one face", _median_ms(lambda: recognizer.recognize(frame, faces))),
    ]


def _make_frame() -> tuple[Any, Any]:
    """Return a 640×480 frame of colour gradients, and one box to recognise."""
    import numpy as np

    from fer_lib.faces import Faces

    rows, columns = np.mgrid[0:480, 0:640]
    frame = np.stack([rows / 480, columns / 640, (rows + columns) / 1120], axis=2)
    box = np.array([[220, 120, 400, 340]], np.float32)
    return (frame * 255).astype(np.uint8), Faces(box, np.ones(1, np.float32))


def _median_ms(function: Callable[[], object]) -> float:
    times = []
    for _ in range(REPEATS):
        start = perf_counter()
        function()
        times.append((perf_counter() - start) * 1000)
    return sorted(times)[REPEATS // 2]


def _timed(name: str, milliseconds: float) -> CheckResult:
    return CheckResult("timing", name, None, f"{milliseconds:.1f} ms")
