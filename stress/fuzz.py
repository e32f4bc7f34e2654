"""Does any input break a door? Coverage-guided, with seeds that are kept for the next time.

    python -m stress.fuzz                              # every door, some 150,000 inputs in all
    python -m stress.fuzz pictures --inputs 1000000
    python -m stress.fuzz --json

Each door runs in a process of its own, which libFuzzer ends when it takes more than 600 MB, or more than 30 seconds for
one input. What made new code run is kept in `.fuzz/<door>/`, so that the next call goes on from there; an input that broke
something lies in `.fuzz/` and `python -m stress.fuzz_targets <door> <file>` tries it again.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import os
import re
import struct
import subprocess
import sys
import time
import zlib
from pathlib import Path
from typing import Any, cast

import av
from jupyter_server.services.kernels.connection.base import serialize_binary_message, serialize_msg_to_ws_v1

from fer_lib.images.headers import PHOTO
from fer_lib.live.session.messages import PAGE_MESSAGES
from harness.costly_images import (
    costly_images,
    make_chunk,
    make_exif_of_texts,
    make_jpeg,
    make_png,
    make_segment,
    make_vp8l_of_groups,
    make_webp,
)
from harness.malformed_images import odd_pictures
from harness.reporting import add_json, print_json

INPUTS = {
    "headers": 40_000,
    "pictures": 30_000,
    "pipeline": 10_000,
    "messages": 30_000,
    "wire_format": 20_000,
    "comms": 20_000,
    "service": 4_000,
    "folder": 6_000,
    "photo": 4_000,
    "videos": 5_000,
    "hosts": 50_000,
}
MEMORY_MB = 600
PATIENCE_S = 30
MAX_SEED_BYTES = 4096
HOME = Path(".fuzz")


def main() -> int:
    """Fuzz from the shell; the status is 1 if something broke."""
    parser = argparse.ArgumentParser(description="Try to break every door with inputs that nobody would think of.")
    parser.add_argument("doors", nargs="*", metavar="door", help=f"of {', '.join(INPUTS)} (default: all)")
    parser.add_argument("--inputs", type=int, help="how many at each door (default: its share of some 150,000)")
    add_json(parser)
    given = parser.parse_args()
    unknown = sorted(set(given.doors) - set(INPUTS))
    if unknown:
        parser.error(f"there is no door {', '.join(unknown)}")
    found = {door: knock(door, given.inputs or INPUTS[door]) for door in given.doors or INPUTS}
    print(
        f"{sum(one['inputs'] for one in found.values()):,} inputs, {sum(one['broke'] for one in found.values())} broke something"
    )
    print_json(given, found)
    return int(any(one["broke"] for one in found.values()))


def knock(door: str, inputs: int) -> dict[str, Any]:
    """Try so many inputs at one door.

    Returns:
        `inputs` that were tried, `broke` if one broke something, `kept` inputs that made new code run, the largest
        memory in MB and the slowest input in whole seconds.
    """
    corpus = HOME / door
    plant(corpus, door)
    options = [f"-runs={inputs}", f"-rss_limit_mb={MEMORY_MB}", f"-timeout={PATIENCE_S}", f"-max_len={MAX_SEED_BYTES}"]
    options += ["-print_final_stats=1", f"-artifact_prefix={HOME}/", "-len_control=0"]
    started = time.monotonic()
    log = HOME / f"{door}.log"
    with log.open("wb") as stream:
        command = [sys.executable, "-m", "stress.fuzz_targets", door, str(corpus), *options]
        environment = {**os.environ, "OPENCV_LOG_LEVEL": "OFF"}
        done = subprocess.run(command, stdout=stream, stderr=subprocess.STDOUT, env=environment, check=False)
    said = log.read_text(errors="replace")
    figures = {
        "inputs": _figure(said, "number_of_executed_units"),
        "broke": int(done.returncode != 0),
        "kept": len(list(corpus.iterdir())),
        "memory_mb": _figure(said, "peak_rss_mb"),
        "slowest_s": _figure(said, "slowest_unit_time_sec"),
        "seconds": round(time.monotonic() - started),
    }
    print(f"{door:10}" + "".join(f"{value:10,} {name}" for name, value in figures.items()), flush=True)
    if done.returncode:
        print(said[-3000:])
    return figures


def plant(corpus: Path, door: str) -> None:
    """Put the seeds of a door into its folder; those that are there stay."""
    corpus.mkdir(parents=True, exist_ok=True)
    for data in seeds(door):
        (corpus / hashlib.sha256(data).hexdigest()[:16]).write_bytes(data)


def seeds(door: str) -> list[bytes]:
    """Return inputs to begin with."""
    costly = [data for data in costly_images(PHOTO).values() if len(data) <= MAX_SEED_BYTES]
    pictures = [*odd_pictures().values(), *costly, *_small_costly()]
    if door == "pipeline":
        return [struct.pack("<e", number) + bytes(2) + data for number, data in enumerate(pictures)]
    if door == "service":
        return [b"\x00--x\r\n", *(bytes([0x40 + number % 3]) + data for number, data in enumerate(pictures))]
    if door == "wire_format":
        parts = [b"{}", b"{}", b"{}", b"{}", b"\xff\xd8"]
        return [serialize_msg_to_ws_v1(parts, "shell"), serialize_binary_message({"header": {}, "buffers": [b"\xff"]})]
    if door == "comms":
        return comm_seeds()
    if door == "hosts":
        names = ("localhost", "LOCALHOST.:80", "127.0.0.1:8866", "[::1]:8866", "evil.example", "localhost.evil.example")
        odd = ("localhost@evil.example", "127.1", "[::ffff:127.0.0.1]", "localhost, evil.example", "[::1%25lo]", "")
        return [name.encode() for name in (*names, *odd)]
    if door == "videos":
        return video_seeds()
    if door == "messages":
        return [bytes(range(60)), bytes(60)]
    return pictures


def _small_costly() -> list[bytes]:
    """Return small relatives of the costly images that are too large for a seed."""
    kinds = (b"zTXt", b"iTXt", b"iCCP", b"tEXt", b"sPLT", b"fdAT")
    texts = b"".join(make_chunk(kind, b"k\0\0" + zlib.compress(bytes(99))) for kind in kinds)
    exif = make_exif_of_texts(600)
    return [
        make_png(texts + make_chunk(b"eXIf", exif)),
        make_jpeg(scans=12, before_scan=make_segment(0xFE, b"\xff\xd9") + b"\xff\xff\xd0\xff\0"),
        make_webp(make_vp8l_of_groups(16, 4)),
        make_jpeg(head=make_segment(0xE1, b"Exif\0\0" + exif) + make_segment(0xDD, b"\0\1")),
    ]


def video_seeds() -> list[bytes]:
    """Return small videos in some containers, and playlists that name one."""
    made = []
    for container, codec in (
        ("mp4", "mpeg4"),
        ("matroska", "mpeg4"),
        ("avi", "mjpeg"),
        ("gif", "gif"),
        ("mpegts", "mpeg2video"),
    ):
        target = io.BytesIO()
        with av.open(target, "w", format=container) as video:
            stream = cast(av.VideoStream, video.add_stream(codec, rate=25))
            stream.width, stream.height = 16, 16
            stream.pix_fmt = {"mjpeg": "yuvj420p", "gif": "rgb8"}.get(codec, "yuv420p")
            frame = av.VideoFrame(16, 16, stream.pix_fmt)
            for plane in frame.planes:
                plane.update(bytes(plane.buffer_size))
            video.mux([*stream.encode(frame), *stream.encode(None)])
        made.append(target.getvalue())
    lists = (
        b"#EXTM3U\n#EXTINF:1,\na.mp4\n",
        b"ffconcat version 1.0\nfile 'a.mp4'\n",
        b"<MPD></MPD>",
        b"v=0\nm=video 1 RTP/AVP 96\n",
    )
    return [one for one in made if len(one) <= MAX_SEED_BYTES] + list(lists)


def comm_seeds() -> list[bytes]:
    """Return messages of the page and of a visitor who tries more, in both protocols, and some to be put together."""
    state = {"_model_module": "jupyter-webrtc", "_model_name": "ImageRecorderModel", "filename": "x", "autosave": True}
    values = {"id": 1, "time_s": 0.5, "state": "running", "on": True, "kind": "csv"}
    customs = [
        {"type": kind, **{name: values.get(name, 0.5) for name in names}} for kind, names in PAGE_MESSAGES.items()
    ]
    contents: list[tuple[str, dict[str, Any]]] = [
        ("kernel_info_request", {}),
        ("comm_info_request", {"target_name": "jupyter.widget"}),
        ("comm_open", {"comm_id": "a", "target_name": "jupyter.widget.control", "data": {}}),
        ("comm_open", {"comm_id": "a", "target_name": "jupyter.widget", "data": {"state": state}}),
        ("comm_close", {"comm_id": "a", "data": {}}),
    ]
    datas = (
        {"method": "request_states"},
        {"method": "request_state"},
        *({"method": "custom", "content": one} for one in customs),
    )
    updates = ({"method": "update", "state": {"layout": "IPY_MODEL_a"}, "buffer_paths": [["value"]]},)
    contents += [("comm_msg", {"comm_id": "a", "data": data}) for data in (*datas, *updates)]
    seeds = [bytes([first, *range(60)]) for first in (0x40, 0x80)]
    for kind, content in contents:
        header = {"msg_id": "m", "msg_type": kind, "session": "s", "version": "5.3"}
        message = {"header": header, "parent_header": {}, "metadata": {"version": "2.1.0"}, "content": content}
        parts = [json.dumps(part).encode() for part in message.values()]
        seeds.append(b"\x00" + serialize_msg_to_ws_v1(parts, "shell"))
        seeds.append(b"\xff" + serialize_binary_message({**message, "channel": "shell", "buffers": [b"x"]}))
    return seeds


def _figure(said: str, name: str) -> int:
    found = re.search(rf"stat::{name}:\s*(\d+)", said)
    return int(found[1]) if found else 0


if __name__ == "__main__":
    sys.exit(main())
