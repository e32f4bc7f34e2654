"""Seed inputs of the fuzz targets: malformed images, small videos, page and widget messages, host names."""

from __future__ import annotations

import io
import json
import struct
import zlib
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
from harness.malformed_images import malformed_images

MAX_SEED_BYTES = 4096


def make_seeds(target: str) -> list[bytes]:
    """Return the seed inputs of a fuzz target."""
    costly = [data for data in costly_images(PHOTO).values() if len(data) <= MAX_SEED_BYTES]
    images = [*malformed_images().values(), *costly, *_make_small_costly()]
    if target == "pipeline":
        return [struct.pack("<e", number) + bytes(2) + data for number, data in enumerate(images)]
    if target == "service":
        return [b"\x00--x\r\n", *(bytes([0x40 + number % 3]) + data for number, data in enumerate(images))]
    if target == "wire_format":
        parts = [b"{}", b"{}", b"{}", b"{}", b"\xff\xd8"]
        return [serialize_msg_to_ws_v1(parts, "shell"), serialize_binary_message({"header": {}, "buffers": [b"\xff"]})]
    if target == "comms":
        return make_comm_seeds()
    if target == "hosts":
        names = ("localhost", "LOCALHOST.:80", "127.0.0.1:8866", "[::1]:8866", "evil.example", "localhost.evil.example")
        others = ("localhost@evil.example", "127.1", "[::ffff:127.0.0.1]", "localhost, evil.example", "[::1%25lo]", "")
        return [name.encode() for name in (*names, *others)]
    if target == "videos":
        return make_video_seeds()
    if target == "messages":
        return [bytes(range(60)), bytes(60)]
    return images


def _make_small_costly() -> list[bytes]:
    """Return small variants of those costly images that exceed `MAX_SEED_BYTES`."""
    kinds = (b"zTXt", b"iTXt", b"iCCP", b"tEXt", b"sPLT", b"fdAT")
    texts = b"".join(make_chunk(kind, b"k\0\0" + zlib.compress(bytes(99))) for kind in kinds)
    exif = make_exif_of_texts(600)
    return [
        make_png(texts + make_chunk(b"eXIf", exif)),
        make_jpeg(scans=12, before_scan=make_segment(0xFE, b"\xff\xd9") + b"\xff\xff\xd0\xff\0"),
        make_webp(make_vp8l_of_groups(16, 4)),
        make_jpeg(head=make_segment(0xE1, b"Exif\0\0" + exif) + make_segment(0xDD, b"\0\1")),
    ]


def make_video_seeds() -> list[bytes]:
    """Return small videos in five containers, and playlists that name a video file."""
    videos = []
    for container, codec in (
        ("mp4", "mpeg4"),
        ("matroska", "mpeg4"),
        ("avi", "mjpeg"),
        ("gif", "gif"),
        ("mpegts", "mpeg2video"),
    ):
        buffer = io.BytesIO()
        with av.open(buffer, "w", format=container) as container_file:
            stream = cast(av.VideoStream, container_file.add_stream(codec, rate=25))
            stream.width, stream.height = 16, 16
            stream.pix_fmt = {"mjpeg": "yuvj420p", "gif": "rgb8"}.get(codec, "yuv420p")
            frame = av.VideoFrame(16, 16, stream.pix_fmt)
            for plane in frame.planes:
                plane.update(bytes(plane.buffer_size))
            container_file.mux([*stream.encode(frame), *stream.encode(None)])
        videos.append(buffer.getvalue())
    playlists = (
        b"#EXTM3U\n#EXTINF:1,\na.mp4\n",
        b"ffconcat version 1.0\nfile 'a.mp4'\n",
        b"<MPD></MPD>",
        b"v=0\nm=video 1 RTP/AVP 96\n",
    )
    return [one for one in videos if len(one) <= MAX_SEED_BYTES] + list(playlists)


def make_comm_seeds() -> list[bytes]:
    """Return widget messages in both wire protocols: those that the page sends, and some that it never sends.

    The first byte selects the protocol, as in the `comms` target.
    """
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
    commands = (
        {"method": "request_states"},
        {"method": "request_state"},
        *({"method": "custom", "content": one} for one in customs),
    )
    updates = ({"method": "update", "state": {"layout": "IPY_MODEL_a"}, "buffer_paths": [["value"]]},)
    contents += [("comm_msg", {"comm_id": "a", "data": data}) for data in (*commands, *updates)]
    made = [bytes([first, *range(60)]) for first in (0x40, 0x80)]
    for kind, content in contents:
        header = {"msg_id": "m", "msg_type": kind, "session": "s", "version": "5.3"}
        message = {"header": header, "parent_header": {}, "metadata": {"version": "2.1.0"}, "content": content}
        parts = [json.dumps(part).encode() for part in message.values()]
        made.append(b"\x00" + serialize_msg_to_ws_v1(parts, "shell"))
        made.append(b"\xff" + serialize_binary_message({**message, "channel": "shell", "buffers": [b"x"]}))
    return made
