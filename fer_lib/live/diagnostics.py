"""What the kernel knows of itself, for the page's doctor: versions and weights, without any path of the server."""

from __future__ import annotations

from pathlib import Path

from fer_lib.doctor import NAME, NEEDED, describe_python, verify_network
from fer_lib.live.messages import Message
from fer_lib.packages import find_version
from fer_lib.settings import VisionSettings
from fer_lib.weights import DETECTOR, EMOTION


def collect_diagnostics(settings: VisionSettings | None) -> Message:
    """Return `versions` and `weights`, each a sentence by name; reads the weights once, in some 50 ms."""
    versions = {"python": describe_python()}
    versions |= {name: find_version(name) or "not installed" for name in (NAME, *NEEDED)}
    folder = (settings or VisionSettings.load()).weights_dir
    return {
        "type": "checkup",
        "versions": versions,
        "weights": {name: _check(name, folder) for name in (*DETECTOR, EMOTION)},
    }


def _check(name: str, folder: Path | None) -> str:
    try:
        return verify_network(name, folder)
    except FileNotFoundError:
        return "missing"
    except (OSError, ValueError):
        return "damaged, or not what its card says; `fer-lib doctor` says more"
