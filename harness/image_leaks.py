"""Detect image data on disk or in a log.

The environment of `confine` makes a server and its kernels write into one folder; `find_images` searches it.
"""

from __future__ import annotations

from pathlib import Path

SIGNATURES = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"WEBPVP8")
WRITTEN = ("/9j/", "iVBORw0KGgo", "\\xff\\xd8", "\\x89PNG", "ÿØÿ")  # the same as text: base64, escaped, as Latin-1


def confine(folder: Path) -> dict[str, str]:
    """Create the folders that a server writes to within `folder`; return the environment that selects them."""
    folders = {
        "HOME": folder / "home",
        "TMPDIR": folder / "tmp",
        "JUPYTER_RUNTIME_DIR": folder / "runtime",
        "JUPYTER_DATA_DIR": folder / "data",
        "IPYTHONDIR": folder / "home" / "ipython",
    }
    for path in folders.values():
        path.mkdir(parents=True)
    return {name: str(path) for name, path in folders.items()}


def find_images(folder: Path) -> list[str]:
    """Return the files within `folder` that contain an image as bytes or as text, as paths relative to it."""
    return [
        str(path.relative_to(folder)) for path in sorted(folder.rglob("*")) if path.is_file() and _contains_image(path)
    ]


def _contains_image(path: Path) -> bool:
    data = path.read_bytes()
    text = data.decode("utf-8", errors="replace")
    return any(mark in data for mark in SIGNATURES) or any(mark in text for mark in WRITTEN)
