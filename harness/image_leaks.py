"""Does a picture of somebody lie on the disk or in a log?

Whatever a server and its kernels write is sent into one folder (`confine`), which is then searched (`find_pictures`).
"""

from __future__ import annotations

from pathlib import Path

SIGNATURES = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"WEBPVP8")
WRITTEN = ("/9j/", "iVBORw0KGgo", "\\xff\\xd8", "\\x89PNG", "ÿØÿ")  # the same as text: base64, escaped, as Latin-1


def confine(folder: Path) -> dict[str, str]:
    """Make the places that a server writes to within `folder`, and return the environment that sends it there."""
    places = {
        "HOME": folder / "home",
        "TMPDIR": folder / "tmp",
        "JUPYTER_RUNTIME_DIR": folder / "runtime",
        "JUPYTER_DATA_DIR": folder / "data",
        "IPYTHONDIR": folder / "home" / "ipython",
    }
    for place in places.values():
        place.mkdir(parents=True)
    return {name: str(place) for name, place in places.items()}


def find_pictures(folder: Path) -> list[str]:
    """Return the files within `folder` that hold a picture, as bytes or as text, as paths relative to it."""
    return [str(path.relative_to(folder)) for path in sorted(folder.rglob("*")) if path.is_file() and _holds_one(path)]


def _holds_one(path: Path) -> bool:
    data = path.read_bytes()
    text = data.decode("utf-8", errors="replace")
    return any(mark in data for mark in SIGNATURES) or any(mark in text for mark in WRITTEN)
