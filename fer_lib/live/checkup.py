"""What the kernel knows of itself, for the page's doctor: versions and weights, without any path of the server."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from fer_lib.doctor import NAME, NEEDED
from fer_lib.live.messages import Message
from fer_lib.settings import VisionSettings
from fer_lib.weights import DETECTOR, EMOTION, load_emotion_weights, load_weights


def examine_kernel(settings: VisionSettings | None) -> Message:
    """Return `versions` and `weights`, each a sentence by name; reads the weights once, in some 50 ms."""
    versions = {"python": f"{platform.python_version()} on {platform.system()} {platform.machine()}"}
    versions |= {name: _find_version(name) for name in (NAME, *NEEDED)}
    folder = (settings or VisionSettings.load()).weights_dir
    return {
        "type": "checkup",
        "versions": versions,
        "weights": {name: _check(name, folder) for name in (*DETECTOR, EMOTION)},
    }


def _check(name: str, folder: Path | None) -> str:
    load = load_emotion_weights if name == EMOTION else load_weights
    try:
        weights = load(folder=folder, name=name)
    except FileNotFoundError:
        return "missing"
    except (OSError, ValueError):
        return "damaged, or not what its card says; `fer-lib doctor` says more"
    return f"as its card says, SHA-256 {weights.card['sha256'][:12]}…"


def _find_version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"
