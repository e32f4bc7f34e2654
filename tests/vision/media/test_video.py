import struct
from fractions import Fraction

import av
import cv2
import numpy as np
import pytest
from clips import make_noise, make_shades, write_video

from fer_lib.vision import read_frames
from fer_lib.vision.media.containers import VideoFile, decoder_limit, open_container
from fer_lib.vision.media.video import Video
from fer_lib.vision.media.video_stream import to_upright_rgb, valid_rate


def test_read_frames_times_and_pixels(tmp_path) -> None:
    shades = make_shades(10)
    decoded = list(read_frames(write_video(tmp_path / "in.mp4", shades)))
    np.testing.assert_allclose([time_s for time_s, _ in decoded], np.arange(10) / 25)
    assert {(frame.shape, frame.dtype.name) for _, frame in decoded} == {((48, 64, 3), "uint8")}
    np.testing.assert_allclose([frame.mean() for _, frame in decoded], [shade.mean() for shade in shades], atol=3)


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".webm"])
def test_read_frames_variable_rate(tmp_path, suffix) -> None:
    times_ms = [0, 40, 50, 300, 1000, 1033]
    decoded = list(read_frames(write_video(tmp_path / f"in{suffix}", make_shades(6), times_ms)))
    np.testing.assert_allclose([time_s for time_s, _ in decoded], np.array(times_ms) / 1000, atol=1e-3)


def test_video_times_begin_at_zero(tmp_path) -> None:
    with Video(write_video(tmp_path / "in.ts", make_noise(20), range(5000, 5800, 40))) as video:
        assert video.start_s > 4.9
        assert [time_s for time_s, _ in video.frames()] == pytest.approx(np.arange(20) / 25, abs=1e-3)


@pytest.mark.parametrize("rotation", [90, 180, -90])
def test_video_rotation(tmp_path, rotation) -> None:
    frame = make_shades(1)[0]
    frame[:16, :16] = (250, 0, 0)
    ((_, upright),) = read_frames(write_video(tmp_path / "in.mp4", [frame], rotation=rotation))
    np.testing.assert_allclose(upright, np.rot90(frame, rotation // 90), atol=80)
    assert upright.flags.c_contiguous


def test_video_pixel_aspect_ratio(tmp_path) -> None:
    with Video(write_video(tmp_path / "in.mp4", make_shades(2), aspect=Fraction(4, 3))) as video:
        assert (video.width, video.height) == (85, 48)
        assert [frame.shape for _, frame in video.frames()] == [(48, 85, 3)] * 2


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".ts", ".avi", ".webm", ".flv"])
def test_video_too_large_frames(tmp_path, suffix) -> None:
    path = write_video(tmp_path / f"in{suffix}", make_shades(10))
    with pytest.raises(ValueError, match="MAX_PIXELS"):
        Video(path, max_pixels=64 * 48 - 1)
    with Video(path, max_pixels=64 * 48) as video:
        assert len(list(video.frames())) == 10


@pytest.mark.parametrize("suffix", [".mp4", ".ts", ".mkv", ".avi"])
def test_decoder_limit_refuses_large_frames(tmp_path, suffix) -> None:
    path = write_video(tmp_path / f"in{suffix}", make_shades(6, 640, 480))
    with VideoFile(path) as file, open_container(file, path, 100_000) as container:
        context = container.streams.video[0].codec_context
        context.options = {"max_pixels": str(decoder_limit(100_000))}
        with pytest.raises(av.error.FFmpegError):
            next(container.decode(video=0))


def test_video_stream_larger_than_its_container_states(tmp_path) -> None:
    """The container states 64 × 48, the stream has 640 × 480."""
    path = write_video(tmp_path / "in.mp4", make_shades(3, 640, 480))
    path.write_bytes(path.read_bytes().replace(struct.pack(">HH", 640, 480), struct.pack(">HH", 64, 48)))
    with pytest.raises(ValueError, match="MAX_PIXELS"):
        Video(path, max_pixels=100_000)


def test_video_max_pixels_of_square_pixels(tmp_path) -> None:
    path = write_video(tmp_path / "in.mp4", make_shades(2), aspect=Fraction(4, 3))
    with pytest.raises(ValueError, match="have 85 × 48 with square pixels; increase `MAX_PIXELS`"):
        Video(path, max_pixels=85 * 48 - 1)
    with Video(path, max_pixels=85 * 48) as video:
        assert video.width == 85


def test_to_upright_rgb_extreme_aspect_ratios(tmp_path) -> None:
    frame = av.VideoFrame(64, 48, "rgb24")
    assert to_upright_rgb(frame, Fraction(1, 1000)).shape == (48, 1, 3)
    assert to_upright_rgb(frame, Fraction(-1, 1)).shape == (48, 64, 3)


def test_video_frame_size_grows_beyond_max_pixels(tmp_path) -> None:
    parts = [write_video(tmp_path / f"{width}.ts", make_shades(10, width, 480)).read_bytes() for width in (64, 640)]
    (tmp_path / "in.ts").write_bytes(b"".join(parts))
    for max_pixels in (64 * 480, 640 * 480 - 1):  # the second limit is checked here, not by FFmpeg
        with Video(tmp_path / "in.ts", max_pixels=max_pixels) as video:
            assert {frame.shape for _, frame in video.frames()} == {(480, 64, 3)}
            assert f"`MAX_PIXELS` = {max_pixels:,} permits no larger frames" in video.damage[-1]
    with Video(tmp_path / "in.ts") as video:
        assert {frame.shape for _, frame in video.frames()} == {(480, 64, 3), (480, 640, 3)}


@pytest.mark.parametrize(("frames", "threads"), [(1, 1), (2, 2)])
def test_video_limits_decoder_threads(tmp_path, monkeypatch, frames, threads) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 64)
    with Video(write_video(tmp_path / "in.mp4", make_shades(3)), max_pixels=frames * 64 * 48 + 1) as video:
        assert video._stream.codec_context.thread_count == threads


@pytest.mark.parametrize("times_ms", [[0, 40, 10**14], [0, 10**14, 10**14 + 40]])
def test_video_times_out_of_range(tmp_path, times_ms) -> None:
    with Video(write_video(tmp_path / "in.mkv", make_shades(3), times_ms)) as video:
        assert [time_s for time_s, _ in video.frames()] == pytest.approx([0, 0.04, 0.08])
        assert any("out of range" in sentence for sentence in video.damage)


@pytest.mark.parametrize("rate", [None, Fraction(1, 10**9), Fraction(10**9), Fraction(-1), Fraction(0)])
def test_valid_rate_out_of_range(rate) -> None:
    assert valid_rate(rate) == 25


def test_video_limits_early_sound(tmp_path, monkeypatch) -> None:
    path = write_video(tmp_path / "in.mp4", make_shades(30), sound=True)
    sizes: list[int] = []
    monkeypatch.setattr("fer_lib.vision.media.sound_buffer.MAX_SOUND_BYTES", 0)
    with Video(path) as video:
        early = video._early_sound
        early.add(type("Packet", (), {"size": 1})())
        assert early.has_overflowed
        list(video.frames(lambda packet: sizes.append(packet.size)))
        assert any("sound before the first frame" in sentence for sentence in video.damage)
    assert early.pop_all() == []


def test_video_attributes(tmp_path) -> None:
    with Video(write_video(tmp_path / "in.mp4", make_shades(10), sound=True)) as video:
        assert (video.width, video.height, video.rate, video.expected_frames) == (64, 48, 25, 10)
        assert video.duration_s == pytest.approx(0.4, abs=0.1)
        assert video.sound is not None


def test_frames_passes_sound_packets(tmp_path) -> None:
    kinds = []
    with Video(write_video(tmp_path / "in.mp4", make_shades(30), sound=True)) as video:
        assert len(list(video.frames(lambda packet: kinds.append(packet.stream.type)))) == 30
        assert not video.damage
    assert set(kinds) == {"audio"}


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_video_truncated_file(tmp_path, suffix) -> None:
    path = write_video(tmp_path / f"in{suffix}", make_noise(100), movflags="+faststart")
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with Video(path) as video:
        count = len(list(video.frames()))
        (sentence,) = video.damage
    assert 30 < count < 60
    assert sentence.startswith("it ends after ")
    assert sentence.endswith(" s instead of 4.0 s")


def test_video_damaged_part(tmp_path) -> None:
    path = write_video(tmp_path / "in.mp4", make_noise(100))
    data = bytearray(path.read_bytes())
    data[len(data) // 2 : len(data) // 2 + 3000] = bytes(3000)
    path.write_bytes(data)
    with Video(path) as video:
        times = [time_s for time_s, _ in video.frames()]
        (sentence,) = video.damage
    assert times[-1] == pytest.approx(3.96)
    assert "could not be decoded" in sentence


def test_read_frames_damaged_video_warns(tmp_path) -> None:
    path = write_video(tmp_path / "in.mkv", make_noise(100))
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.warns(UserWarning, match="is damaged: it ends after"):
        assert list(read_frames(path))


def test_video_missing_index(tmp_path) -> None:
    path = write_video(tmp_path / "in.mp4", make_noise(50))
    path.write_bytes(path.read_bytes()[:10000])
    with pytest.raises(ValueError, match="its index is missing: it is truncated"):
        Video(path)


@pytest.mark.parametrize("content", [b"", b"hello\n" * 100, bytes(5000)])
@pytest.mark.parametrize("name", ["in.mp4", "in.txt", "in.avi"])
def test_video_other_content(tmp_path, name, content) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ValueError, match="must be a video, but"):
        Video(tmp_path / name)


def test_video_photo(tmp_path) -> None:
    for name in ("in.png", "in.jpg"):
        cv2.imwrite(str(tmp_path / name), make_noise(1)[0])
        with pytest.raises(ValueError, match="it is a photo; `fer-lib photo`"):
            Video(tmp_path / name)


def test_video_sound_only(tmp_path) -> None:
    with av.open(str(tmp_path / "in.m4a"), "w", format="mp4") as container:
        stream = container.add_stream("aac", rate=8000, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
        frame.sample_rate = 8000
        container.mux([*stream.encode(frame), *stream.encode(None)])
    with pytest.raises(ValueError, match="has no video stream"):
        Video(tmp_path / "in.m4a")


def test_video_unknown_codec(tmp_path) -> None:
    path = write_video(tmp_path / "in.mp4", make_shades(3))
    path.write_bytes(path.read_bytes().replace(b"avc1", b"zzzz"))
    with pytest.raises(ValueError, match="supported codec"):
        Video(path)


def test_video_missing_file_or_folder(tmp_path) -> None:
    with pytest.raises(FileNotFoundError, match="no such file"):
        Video(tmp_path / "none.mp4")
    with pytest.raises(FileNotFoundError, match="a folder"):
        Video(tmp_path)


def test_video_without_pyav(tmp_path, hide_module) -> None:
    hide_module("av")
    with pytest.raises(ModuleNotFoundError, match="`pip install av tqdm`"):
        Video(tmp_path / "in.mp4")
