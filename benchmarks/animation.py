"""Film the live page for the README: a small GIF of its demo, whose portrait may be published.

    python -m benchmarks.animation

The browser hands out its pictures as it draws them, with their times, and they are shown as fast as they came. Use a
quiet machine: what the page is late by is seen.
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
LARGEST_BYTES = 1_500_000

Shot = tuple[float, Image.Image]


def film_page(seconds: float, dark: bool = False) -> list[Shot]:
    """Show the demo on the live page and return what is seen in so many seconds: time in seconds and picture.

    Raises:
        FileNotFoundError: if there is no browser.
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

        def take(event: dict[str, Any]) -> None:
            session.send("Page.screencastFrameAck", {"sessionId": event["sessionId"]})
            picture = Image.open(io.BytesIO(base64.b64decode(event["data"]))).convert("RGB")
            shots.append((float(event["metadata"]["timestamp"]), picture))

        session.on("Page.screencastFrame", take)
        session.send("Page.startScreencast", {"format": "jpeg", "quality": 95})
        live.page.wait_for_timeout(1000 * seconds)
        session.send("Page.stopScreencast")
        box = live.page.locator(".fer-live").bounding_box()
    if box is None:
        raise RuntimeError("the page must show a live view, but it is gone")
    left, top = round(box["x"] - MARGIN), round(box["y"] - MARGIN)
    right, bottom = round(box["x"] + box["width"] + MARGIN), round(box["y"] + box["height"] + MARGIN)
    return [(time_s, picture.crop((left, top, right, bottom))) for time_s, picture in shots]


def choose_shots(shots: list[Shot], rate: float) -> tuple[list[Image.Image], list[int]]:
    """Return at most `rate` pictures a second, and for how many milliseconds each is shown, as long as it was seen.

    Raises:
        ValueError: if there are fewer than two.
    """
    if len(shots) < 2:
        raise ValueError(f"an animation must have at least two pictures, but got {len(shots)}")
    chosen = [shots[0]]
    for shot in shots[1:]:
        # A tenth of an interval of patience: pictures do not come in even steps.
        if shot[0] - chosen[-1][0] >= 0.9 / rate:
            chosen.append(shot)
    ends = [time_s for time_s, _ in chosen[1:]] + [max(shots[-1][0], chosen[-1][0] + 1 / rate)]
    # A GIF counts hundredths of a second.
    shown_ms = [max(20, 10 * round(100 * (end - start))) for (start, _), end in zip(chosen, ends, strict=True)]
    return [picture for _, picture in chosen], shown_ms


def write_gif(path: Path, pictures: list[Image.Image], shown_ms: list[int], width: int) -> int:
    """Write pictures as an endless GIF, `width` pixels wide, in one palette; return its size in bytes."""
    height = round(pictures[0].height * width / pictures[0].width)
    small = [picture.resize((width, height), Image.Resampling.LANCZOS) for picture in pictures]
    palette = _stack(small[:: max(1, len(small) // 4)]).quantize(COLORS, dither=Image.Dither.NONE)
    frames = [picture.quantize(palette=palette, dither=Image.Dither.NONE) for picture in small]
    frames[0].save(path, save_all=True, append_images=frames[1:], duration=shown_ms, loop=0, optimize=False)
    return path.stat().st_size


def _stack(pictures: list[Image.Image]) -> Image.Image:
    width, height = pictures[0].size
    stack = Image.new("RGB", (width, height * len(pictures)))
    for i, picture in enumerate(pictures):
        stack.paste(picture, (0, i * height))
    return stack


def main() -> None:
    """Film the page as the command line says."""
    parser = argparse.ArgumentParser(description="Film the live page for the README.")
    parser.add_argument("path", type=Path, nargs="?", default=ROOT / "docs" / "page.gif")
    parser.add_argument("--seconds", type=float, default=6, help="how long")
    parser.add_argument("--rate", type=float, default=6, help="pictures a second at most")
    parser.add_argument("--width", type=int, default=600, help="of the GIF, in pixels")
    parser.add_argument("--dark", action="store_true", help="as visitors see it whose system is dark")
    arguments = parser.parse_args()
    pictures, shown_ms = choose_shots(film_page(arguments.seconds, arguments.dark), arguments.rate)
    size = write_gif(arguments.path, pictures, shown_ms, arguments.width)
    print(f"wrote {arguments.path}: {len(pictures)} pictures, {sum(shown_ms) / 1000:.1f} s, {size / 1e6:.2f} MB")
    if size > LARGEST_BYTES:
        parser.exit(
            1, f"it must be smaller than {LARGEST_BYTES / 1e6} MB: take a smaller --rate, --seconds or --width\n"
        )


if __name__ == "__main__":
    main()
