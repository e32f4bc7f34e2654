"""Diagnostics of the kernel for the page's bug report: versions and weights, without paths of the server."""

from __future__ import annotations

from pathlib import Path

from fer_lib.doctor import NAME, NEEDED, describe_python, verify_network
from fer_lib.live.session.messages import Message
from fer_lib.optional_packages import find_version
from fer_lib.settings.vision import VisionSettings
from fer_lib.weights import DETECTOR, EMOTION


def collect_diagnostics(settings: VisionSettings | None) -> Message:
    """Collect a `diagnostics` message: version by package, and hash by network; hashing takes some 50 ms."""
    versions = {"python": describe_python()}
    versions |= {name: find_version(name) or "not installed" for name in (NAME, *NEEDED)}
    folder = (settings or VisionSettings.load()).weights_dir
    return {
        "type": "diagnostics",
        "versions": versions,
        "weights": {name: _verify(name, folder) for name in (*DETECTOR, EMOTION)},
    }


def _verify(name: str, folder: Path | None) -> str:
    try:
        return verify_network(name, folder)
    except FileNotFoundError:
        return "missing"
    except (OSError, ValueError):
        return "damaged, or different from its model card; run `fer-lib doctor` for details"
