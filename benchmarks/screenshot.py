"""Take the screenshot for the README: the live page with a portrait that may be published.

    python -m benchmarks.screenshot

The portrait is scikit-image's `astronaut`, Eileen Collins (NASA, public domain), played as a camera.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import cv2
from playwright.sync_api import sync_playwright
from skimage.data import astronaut

from harness.browser import LivePage, open_browser, require_chromium
from harness.servers import ROOT, serve_voila

WIDTH, HEIGHT = 640, 480
RESULTS = 150  # until boxes, bars and the rate have settled


def write_still(path: Path) -> Path:
    """Write a camera clip of one still frame, `(480, 640)`, as uncompressed video (y4m)."""
    frame = cv2.resize(astronaut()[8:308, 32:432], (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)
    planes = cv2.cvtColor(frame, cv2.COLOR_RGB2YUV_I420).tobytes()
    path.write_bytes(f"YUV4MPEG2 W{WIDTH} H{HEIGHT} F30:1 Ip A1:1 C420mpeg2\nFRAME\n".encode() + planes)
    return path


def take_screenshot(path: Path, width: int, height: int, dark: bool = False) -> None:
    """Open the live page in a viewport of `width` × `height` pixels, press Start, and save a screenshot.

    Raises:
        FileNotFoundError: if Chromium is not installed.
        RuntimeError: if the page does not show one face.
    """
    chromium = require_chromium()
    with tempfile.TemporaryDirectory() as folder, serve_voila() as url:
        clip = write_still(Path(folder, "camera.y4m"))
        with sync_playwright() as playwright, open_browser(playwright, chromium, clip) as browser:
            scheme = "dark" if dark else "light"
            live = LivePage(
                browser, url, viewport={"width": width, "height": height}, color_scheme=scheme, device_scale_factor=1.5
            )
            live.wait_until_ready()
            live.press("Start")
            live.wait_for_results(RESULTS)
            if len(live.faces) != 1:
                raise RuntimeError(f"the page must show one face, but got {len(live.faces)}")
            live.page.screenshot(path=path)


def main() -> None:
    """Run from the shell."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.screenshot", description="Take the screenshot of the live page for the README."
    )
    parser.add_argument("path", type=Path, nargs="?", default=ROOT / "docs" / "page.png")
    parser.add_argument("--width", type=int, default=1080, help="size of the viewport in pixels")
    parser.add_argument("--height", type=int, default=720, help="size of the viewport in pixels")
    parser.add_argument("--dark", action="store_true", help="use the dark color scheme")
    arguments = parser.parse_args()
    take_screenshot(arguments.path, arguments.width, arguments.height, arguments.dark)
    print(f"wrote {arguments.path}")


if __name__ == "__main__":
    main()
