"""Headers of MP4 and MOV that claim too many samples are refused before FFmpeg reads them."""

import io
import struct
import zlib
from pathlib import Path

import av
import numpy as np
import pytest
from clips import make_noise, make_shades, write_video

from fer_lib.vision.media import movie_header
from fer_lib.vision.media.movie_header import MAX_EDITS, MAX_SAMPLES, check_movie_header, is_movie
from fer_lib.vision.media.video import Video

HUGE = 0x7FFFFFFF


def box(name: bytes, *content: bytes) -> bytes:
    data = b"".join(content)
    return struct.pack(">I4s", 8 + len(data), name) + data


def table(name: bytes, *numbers: int) -> bytes:
    return box(name, struct.pack(f">{len(numbers) + 1}I", 0, *numbers))


def check(*boxes: bytes) -> None:
    check_movie_header(io.BytesIO(b"".join(boxes)))


@pytest.mark.parametrize("options", [{}, {"movflags": "+faststart"}, {"movflags": "frag_keyframe+empty_moov"}])
@pytest.mark.parametrize("suffix", [".mp4", ".mov"])
def test_check_movie_header_valid_files(tmp_path, suffix, options) -> None:
    path = write_video(tmp_path / f"in{suffix}", make_noise(20), sound=True, **options)
    assert is_movie(path.read_bytes()[:8])
    with Video(path) as video:
        assert len(list(video.frames())) == 20


def write_pcm_sound(path: Path, seconds: int) -> Path:
    """Write uncompressed sound, whose table has one size for all samples."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=48000, layout="mono")
        for second in range(seconds):
            frame = av.AudioFrame.from_ndarray(np.zeros((1, 48000), np.int16), format="s16", layout="mono")
            frame.sample_rate, frame.pts = 48000, 48000 * second
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def test_check_movie_header_long_pcm_sound(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(movie_header, "MAX_SAMPLES", 10_000)
    with write_pcm_sound(tmp_path / "in.mov", 3).open("rb") as file:
        check_movie_header(file)  # 144,000 samples, and bytes for each


@pytest.mark.parametrize(
    "boxes",
    [
        table(b"stsz", 1, HUGE),
        table(b"stsz", 0, HUGE),
        table(b"stz2", 4, HUGE),
        table(b"trun", HUGE),
        table(b"stsz", 0, MAX_SAMPLES // 2) + table(b"trun", MAX_SAMPLES // 2 + 1),
        table(b"stsz", 1, HUGE) + table(b"stts", 1, HUGE, 1),  # as PCM sound, but the file is too small for it
        table(b"stsz", 1, HUGE) + table(b"stts", 1, HUGE, 2),
    ],
)
@pytest.mark.parametrize("around", [b"moov", b"free", b"udta", b"uuid", b"abcd"])
def test_check_movie_header_too_many_samples(boxes, around) -> None:
    with pytest.raises(ValueError, match="must have at most 5,000,000 samples"):
        check(box(b"ftyp", b"isom"), box(b"mdat", bytes(100)), box(around, box(b"trak", boxes)))


@pytest.mark.parametrize("samples", [0, MAX_SAMPLES])
def test_check_movie_header_too_many_edits(samples) -> None:
    edits = MAX_EDITS + 1 if samples == 0 else 5
    with pytest.raises(ValueError, match=f"claims {edits} edits of {samples:,} samples"):
        check(box(b"moov", table(b"elst", edits), table(b"stsz", 0, samples)))


def test_check_movie_header_compressed() -> None:
    data = zlib.compress(bytes(1_000_000))
    with pytest.raises(ValueError, match="must have an uncompressed header"):
        check(box(b"moov", box(b"cmov", box(b"dcom", b"zlib"), box(b"cmvd", struct.pack(">I", 1_000_000), data))))


@pytest.mark.parametrize("outer", [b"moov", b"free", b"uuid"])
def test_check_movie_header_still_images(outer) -> None:
    items = box(b"meta", bytes(4), box(b"iinf", bytes(6)), box(b"iloc", bytes(8)))
    with pytest.raises(ValueError, match="still images"):
        check(box(b"ftyp", b"heic"), items)
    with pytest.raises(ValueError, match="still images"):
        check(box(b"ftyp", b"isom"), box(outer, items))


def test_check_movie_header_ignores_mdat() -> None:
    bomb = table(b"stsz", 1, HUGE)
    check(box(b"ftyp"), box(b"mdat", bomb))
    check(box(b"ftyp"), struct.pack(">I4sQ", 1, b"mdat", 16 + len(bomb)), bomb)
    with pytest.raises(ValueError, match="samples"):
        check(struct.pack(">I4sQ", 1, b"mdat", 16), bomb)


def test_check_movie_header_tables_across_chunks(monkeypatch) -> None:
    for shift in range(40):
        monkeypatch.setattr(movie_header, "_CHUNK", 64 + shift)
        with pytest.raises(ValueError, match=f"claims {MAX_SAMPLES + 1:,}$"):
            check(box(b"moov", bytes(100), table(b"stsz", 0, MAX_SAMPLES + 1), bytes(100)))


@pytest.mark.parametrize("data", [b"", b"\0", bytes(20), b"\0\0\0\7moov", b"\0\0\0\1moov", b"\0\0\0\0moovstsz"])
def test_check_movie_header_damaged_boxes(data) -> None:
    check(data)


def test_check_movie_header_too_many_boxes(monkeypatch) -> None:
    monkeypatch.setattr(movie_header, "MAX_BOXES", 100)
    with pytest.raises(ValueError, match="at most 100 boxes"):
        check(box(b"free") * 101)


@pytest.mark.parametrize("first", [b"ftyp", b"abcd"])
def test_video_header_claims_too_many_samples(tmp_path, first) -> None:
    movie = bytearray(write_video(tmp_path / "in.mov", make_shades(3)).read_bytes())
    position = movie.index(b"stsz")
    struct.pack_into(">II", movie, position + 8, 1, 50_000_000)
    struct.pack_into(">I", movie, movie.index(b"stsc") + 16, 50_000_000)
    movie[4:8] = first
    (tmp_path / "in.mov").write_bytes(movie)
    with pytest.raises(ValueError, match="must"):
        Video(tmp_path / "in.mov")
