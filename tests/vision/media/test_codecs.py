import struct
import zlib
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from fer_lib.images.jpeg import MAX_SCANS
from fer_lib.vision.media import codecs
from fer_lib.vision.media.codecs import VIDEO_DECODERS, probing_decoders
from fer_lib.vision.media.video import Video

SIDE = 32


def write_packets(path: Path, codec: str, pixels: str, packets: list[bytes]) -> Path:
    """Write packets without encoding, as frames of `SIDE` × `SIDE` pixels at 25 frames a second."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=25)
        stream.width, stream.height, stream.pix_fmt = SIDE, SIDE, pixels
        stream.encode(av.VideoFrame(SIDE, SIDE, pixels))  # opens the encoder, which the header needs
        for number, data in enumerate(packets):
            packet = av.Packet(data)
            packet.stream, packet.time_base, packet.is_keyframe = stream, Fraction(1, 25), True
            packet.pts = packet.dts = number
            container.mux(packet)
    return path


def make_png(*chunks: tuple[bytes, bytes]) -> bytes:
    rows = zlib.compress((b"\0" + bytes(3 * SIDE)) * SIDE)
    header = struct.pack(">IIBBBBB", SIDE, SIDE, 8, 2, 0, 0, 0)
    data = b"\x89PNG\r\n\x1a\n"
    for kind, content in ((b"IHDR", header), *chunks, (b"IDAT", rows), (b"IEND", b"")):
        data += struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
    return data


def make_jpeg(exif: bytes = b"") -> bytes:
    data = cv2.imencode(".jpg", np.full((SIDE, SIDE, 3), 90, np.uint8))[1].tobytes()
    content = b"Exif\0\0" + exif
    return data[:2] + b"\xff\xe1" + struct.pack(">H", len(content) + 2) + content + data[2:] if exif else data


def make_exif(kind: int, entries: int, text: bytes) -> bytes:
    """Make EXIF data whose entries all refer to the same bytes."""
    start = 8 + 2 + 12 * entries + 4
    size = len(text) // {3: 2, 5: 8}.get(kind, 1)
    table = b"".join(struct.pack("<HHII", 0x9000 + number, kind, size, start) for number in range(entries))
    return b"II*\0" + struct.pack("<IH", 8, entries) + table + bytes(4) + text


@pytest.mark.parametrize("suffix", ["mov", "avi"])
def test_video_still_image_codec_is_refused_before_decoding(tmp_path, monkeypatch, suffix) -> None:
    texts = [(b"zTXt", b"k%d\0\0" % number + zlib.compress(b"a" * 7_900_000)) for number in range(2)]
    path = write_packets(tmp_path / f"in.{suffix}", "png", "rgb24", [make_png(*texts)] * 2)
    with av.open(str(path), options={"codec_whitelist": probing_decoders()}) as container:
        assert container.streams.video[0].pix_fmt is None  # known once a frame is decoded
    with pytest.raises(ValueError, match=r"common codec such as H\.264, but got png"):
        Video(path)


@pytest.mark.parametrize("suffix", ["mov", "avi"])
@pytest.mark.parametrize("kind", [2, 3, 5, 7])
def test_prepare_packet_hides_exif(tmp_path, suffix, kind) -> None:
    path = write_packets(tmp_path / f"in.{suffix}", "mjpeg", "yuvj420p", [make_jpeg(make_exif(kind, 200, b"a" * 8000))])
    with Video(path) as video:
        metadata = []
        decode = video._stream.decode
        for packet in video._container.demux(video._stream):
            codecs.prepare_packet(packet, video._stream)
            metadata += [frame.metadata for frame in decode(packet)]
        (pair,) = video.frames()
    assert metadata in ([{}], [])  # the first frame was decoded when the video was opened
    assert abs(int(pair[1].mean()) - 90) <= 2


def test_prepare_packet_changes_the_signature_only(tmp_path) -> None:
    data = make_jpeg(make_exif(2, 3, b"text Exif text"))
    path = write_packets(tmp_path / "in.avi", "mjpeg", "yuvj420p", [data])
    with av.open(str(path)) as container:
        packet = next(container.demux(container.streams.video[0]))
        codecs.prepare_packet(packet, container.streams.video[0])
    assert bytes(packet) == data.replace(b"Exif", b"exif")


def test_prepare_packet_too_many_scans(tmp_path) -> None:
    plain = make_jpeg()
    scan = b"\xff\xda\0\x08\x01\x01\0\x01\x3f\x10"
    many = plain[:-2] + scan * MAX_SCANS + plain[-2:]  # one more than permitted, with its own scan
    path = write_packets(tmp_path / "in.avi", "mjpeg", "yuvj420p", [plain, many, plain])
    with Video(path) as video:
        assert len(list(video.frames())) == 2
    assert video.damage == ["1 part could not be decoded correctly, the first at 0.0 s"]


def test_probing_decoders_exclude_motion_jpeg_and_still_images() -> None:
    names = set(probing_decoders().split(","))
    assert {"h264", "vp8", "aac", "flac"} <= names
    assert not names & {"mjpeg", "png", "apng", "tiff", "exr", "webp", "jpeg2000", "psd", "ansi", "ffv1"}


def test_video_decoders_exist_in_ffmpeg() -> None:
    common = {
        "h264",
        "hevc",
        "mpeg4",
        "vp8",
        "vp9",
        "mjpeg",
        "mpeg2video",
        "theora",
        "prores",
        "dvvideo",
        "wmv2",
        "gif",
    }
    assert common <= VIDEO_DECODERS & set(av.codecs_available)
