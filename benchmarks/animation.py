"""Record the demo of the live page as a small GIF for the README.

    python -m benchmarks.animation

The browser's screencast delivers images with their times, and the GIF plays at the same speed. Use an idle computer: delays of
the page are visible in the GIF.
"""

from __future__ import annotations

import argparse
import base64
import io
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import sync_playwright

from harness.browser import LivePage, open_browser, require_chromium
from harness.servers import ROOT, serve_voila

WIDTH, HEIGHT = 1080, 700
RESULTS = 60  # until bars and rate have settled
MARGIN = 16  # around the live view
COLORS = 96
MAX_BYTES = 1_500_000

Shot = tuple[float, Image.Image]


def record_page(seconds: float, dark: bool = False) -> list[Shot]:
    """Run the demo on the live page and return its screencast: time in seconds and image of each shot.

    Raises:
        FileNotFoundError: if Chromium is not installed.
    """
    chromium = require_chromium()
    with serve_voila() as url, sync_playwright() as playwright, open_browser(playwright, chromium) as browser:
        scheme = "dark" if dark else "light"
        live = LivePage(browser, url, viewport={"width": WIDTH, "height": HEIGHT}, color_scheme=scheme)
        live.wait_until_ready()
        live.press("Demo")
        live.wait_for_results(RESULTS)
        shots: list[Shot] = []
        session = live.page.context.new_cdp_session(live.page)

        def on_frame(event: dict[str, Any]) -> None:
            session.send("Page.screencastFrameAck", {"sessionId": event["sessionId"]})
            image = Image.open(io.BytesIO(base64.b64decode(event["data"]))).convert("RGB")
            shots.append((float(event["metadata"]["timestamp"]), image))

        session.on("Page.screencastFrame", on_frame)
        session.send("Page.startScreencast", {"format": "jpeg", "quality": 95})
        live.page.wait_for_timeout(1000 * seconds)
        session.send("Page.stopScreencast")
        box = live.page.locator(".fer-live").bounding_box()
    if box is None:
        raise RuntimeError("the page must contain a live view, but does not")
    left, top = round(box["x"] - MARGIN), round(box["y"] - MARGIN)
    right, bottom = round(box["x"] + box["width"] + MARGIN), round(box["y"] + box["height"] + MARGIN)
    return [(time_s, image.crop((left, top, right, bottom))) for time_s, image in shots]


def select_shots(shots: list[Shot], rate: float) -> tuple[list[Image.Image], list[int]]:
    """Select at most `rate` images per second; return them and the display time of each in milliseconds.

    Raises:
        ValueError: if there are fewer than two shots.
    """
    if len(shots) < 2:
        raise ValueError(f"an animation must have at least two images, but got {len(shots)}")
    selected = [shots[0]]
    for shot in shots[1:]:
        # A tolerance of a tenth of the interval: shots are not equally spaced.
        if shot[0] - selected[-1][0] >= 0.9 / rate:
            selected.append(shot)
    ends = [time_s for time_s, _ in selected[1:]] + [max(shots[-1][0], selected[-1][0] + 1 / rate)]
    # Display times of a GIF are multiples of 10 ms.
    shown_ms = [max(20, 10 * round(100 * (end - start))) for (start, _), end in zip(selected, ends, strict=True)]
    return [image for _, image in selected], shown_ms


def write_gif(path: Path, images: list[Image.Image], shown_ms: list[int], width: int) -> int:
    """Write images as a looping GIF, `width` pixels wide, with one palette; return its size in bytes."""
    height = round(images[0].height * width / images[0].width)
    small = [image.resize((width, height), Image.Resampling.LANCZOS) for image in images]
    palette = _stack(small[:: max(1, len(small) // 4)]).quantize(COLORS, dither=Image.Dither.NONE)
    frames = [image.quantize(palette=palette, dither=Image.Dither.NONE) for image in small]
    frames[0].save(path, save_all=True, append_images=frames[1:], duration=shown_ms, loop=0, optimize=False)
    return path.stat().st_size


def _stack(images: list[Image.Image]) -> Image.Image:
    width, height = images[0].size
    stack = Image.new("RGB", (width, height * len(images)))
    for i, image in enumerate(images):
        stack.paste(image, (0, i * height))
    return stack


def main() -> None:
    """Run from the shell."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.animation", description="Record the demo of the live page as a GIF."
    )
    parser.add_argument("path", type=Path, nargs="?", default=ROOT / "docs" / "page.gif")
    parser.add_argument("--seconds", type=float, default=6, help="duration (default: 6)")
    parser.add_argument("--rate", type=float, default=6, help="largest number of images per second (default: 6)")
    parser.add_argument("--width", type=int, default=600, help="width of the GIF in pixels (default: 600)")
    parser.add_argument("--dark", action="store_true", help="use the dark color scheme")
    arguments = parser.parse_args()
    images, shown_ms = select_shots(record_page(arguments.seconds, arguments.dark), arguments.rate)
    size = write_gif(arguments.path, images, shown_ms, arguments.width)
    print(f"wrote {arguments.path}: {len(images)} images, {sum(shown_ms) / 1000:.1f} s, {size / 1e6:.2f} MB")
    if size > MAX_BYTES:
        parser.exit(
            1,
            f"the GIF must be smaller than {MAX_BYTES / 1e6} MB, but got {size / 1e6:.2f} MB; reduce --rate, --seconds or --width\n",
        )


if __name__ == "__main__":
    main()
