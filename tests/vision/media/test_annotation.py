import json

import cv2
import numpy as np
import pytest
from clips import make_noise, make_shades, make_walk, write_video
from factories import make_faces, make_portrait

from fer_lib.faces import Faces
from fer_lib.recording import read_recording
from fer_lib.settings import VisionSettings
from fer_lib.vision import annotate_photo, annotate_video, load_pipeline
from fer_lib.vision.media.photo import read_photo, write_photo
from fer_lib.vision.media.video import Video
from fer_lib.vision.media.video_writer import open_video


class FixedFacePipeline:
    """Pipeline that returns the same face for every frame, and records its calls."""

    settings = VisionSettings()

    def __init__(self, stop_at: int = -1, stop: type[BaseException] = KeyboardInterrupt) -> None:
        self.times: list[float] = []
        self.resets = 0
        self._stop_at, self._stop = stop_at, stop

    def reset(self) -> None:
        self.resets += 1

    def process(self, frame: np.ndarray, time_s: float) -> Faces:
        if len(self.times) == self._stop_at:
            raise self._stop
        self.times.append(time_s)
        return make_faces(1, width=frame.shape[1], height=frame.shape[0])

    def analyze(self, frame: np.ndarray) -> Faces:
        return make_faces(1, width=frame.shape[1], height=frame.shape[0])


@pytest.fixture(scope="module")
def pipeline():
    return load_pipeline()


def test_annotate_video_moving_face(tmp_path, pipeline) -> None:
    source = write_video(tmp_path / "in.mp4", make_walk(12), sound=True)
    report = annotate_video(source, tmp_path / "out.mp4", csv=tmp_path / "out.csv", pipeline=pipeline)
    assert (report.frames, report.damage, report.notes) == (12, [], [])
    table = read_recording(tmp_path / "out.csv")
    assert table["track_id"].tolist() == [1] * 12
    centers = (table["x1"] + table["x2"]) / 2
    assert centers.iloc[-1] - centers.iloc[0] == pytest.approx(22, abs=8)
    with Video(source) as before, Video(tmp_path / "out.mp4") as after:
        assert after.sound is not None
        (first_s, plain), (copied_s, drawn) = next(before.frames()), next(after.frames())
    assert first_s == copied_s == 0
    changed = np.abs(plain.astype(int) - drawn).max(axis=2) > 60
    assert 0.005 < changed.mean() < 0.2


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".webm", ".MOV"])
def test_annotate_video_variable_rate(tmp_path, suffix) -> None:
    times_ms = [0, 40, 50, 300, 1000, 1033]
    source, fake = write_video(tmp_path / "in.mp4", make_shades(6), times_ms), FixedFacePipeline()
    annotate_video(source, tmp_path / f"out{suffix}", json=tmp_path / "out.json", pipeline=fake)
    np.testing.assert_allclose(fake.times, np.array(times_ms) / 1000, atol=1e-4)
    with Video(tmp_path / f"out{suffix}") as video:
        np.testing.assert_allclose([time_s for time_s, _ in video.frames()], fake.times, atol=1.1e-3)
    written = json.loads((tmp_path / "out.json").read_text())["frames"]
    assert [frame["frame"] for frame in written] == list(range(6))
    np.testing.assert_allclose([frame["time_s"] for frame in written], fake.times, atol=1e-6)


def test_open_video_pads_odd_sides(tmp_path) -> None:
    source = write_video(tmp_path / "in.avi", make_shades(3))
    with Video(source) as video:
        frames = [(time_s, frame[:47, :63]) for time_s, frame in video.frames()]
        video.width, video.height = 63, 47
        with open_video(tmp_path / "out.mp4", video) as writer:
            for time_s, frame in frames:
                writer.write(time_s, frame)
    with Video(tmp_path / "out.mp4") as video:
        assert (video.width, video.height) == (64, 48)


def test_annotate_video_keeps_colours(tmp_path) -> None:
    colours = np.array([[200, 40, 40], [40, 180, 60], [40, 60, 200]], np.uint8)
    frame = np.repeat(np.repeat(colours[None], 48, axis=0), 32, axis=1)
    source = write_video(tmp_path / "in.mp4", [frame] * 3)
    with Video(source) as video:
        _, before = next(video.frames())

    class NoFacePipeline(FixedFacePipeline):
        def process(self, frame, time_s):
            return Faces.empty()

    annotate_video(source, tmp_path / "out.mp4", pipeline=NoFacePipeline())
    with Video(tmp_path / "out.mp4") as video:
        _, after = next(video.frames())
    np.testing.assert_allclose(after[:, 16::32].astype(int), before[:, 16::32], atol=6)


def test_annotate_video_without_outputs(tmp_path) -> None:
    fake, calls = FixedFacePipeline(), []
    report = annotate_video(
        write_video(tmp_path / "in.mp4", make_shades(5)), pipeline=fake, on_frame=lambda video: calls.append(video)
    )
    assert (report.frames, len(calls), fake.resets) == (5, 5, 1)
    assert report.tally.by_face()[0]["seen_s"] == 0.2
    assert [path.name for path in tmp_path.iterdir()] == ["in.mp4"]


def test_annotate_video_damaged_file(tmp_path) -> None:
    source = write_video(tmp_path / "in.mp4", make_noise(100), movflags="+faststart")
    source.write_bytes(source.read_bytes()[: source.stat().st_size // 2])
    report = annotate_video(source, tmp_path / "out.mp4", csv=tmp_path / "out.csv", pipeline=FixedFacePipeline())
    assert "it ends after" in report.damage[0]
    assert len(read_recording(tmp_path / "out.csv")) == report.frames
    with Video(tmp_path / "out.mp4") as video:
        assert len(list(video.frames())) == report.frames


@pytest.mark.parametrize("stop", [KeyboardInterrupt, SystemExit, ValueError])
def test_annotate_video_interrupted(tmp_path, stop) -> None:
    source = write_video(tmp_path / "in.mp4", make_shades(20))
    (tmp_path / "out.mp4").write_text("older output")
    outputs = {"out": tmp_path / "out.mp4", "csv": tmp_path / "out.csv", "json": tmp_path / "out.json"}
    with pytest.raises(stop):
        annotate_video(source, **outputs, pipeline=FixedFacePipeline(7, stop))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.mp4", "out.mp4"]
    assert (tmp_path / "out.mp4").read_text() == "older output"


def test_annotate_video_unsupported_sound(tmp_path) -> None:
    source = write_video(tmp_path / "in.mp4", make_shades(5), sound=True)
    report = annotate_video(source, tmp_path / "out.webm", pipeline=FixedFacePipeline())
    assert report.notes == ["the container does not support the sound (aac), which is omitted"]


@pytest.mark.parametrize(("pixels", "tune"), [(64 * 48, None), (64 * 48 - 1, "zerolatency")])
def test_open_video_large_frames(tmp_path, monkeypatch, pixels, tune) -> None:
    monkeypatch.setattr("fer_lib.vision.media.video_writer.LARGE_PIXELS", pixels)
    source = write_video(tmp_path / "in.mp4", make_shades(5))
    with Video(source) as video, open_video(tmp_path / "out.mp4", video) as writer:
        assert writer._stream.options.get("tune") == tune
        for time_s, frame in video.frames():
            writer.write(time_s, frame)
    with Video(tmp_path / "out.mp4") as video:
        assert len(list(video.frames())) == 5


def test_annotate_video_unknown_sound_codec(tmp_path) -> None:
    source = write_video(tmp_path / "in.mkv", make_shades(5), sound=True)
    source.write_bytes(source.read_bytes().replace(b"A_AAC", b"A_ZZZ"))
    report = annotate_video(source, tmp_path / "out.mp4", pipeline=FixedFacePipeline())
    assert (report.frames, report.notes) == (
        5,
        ["the container does not support the sound (of an unknown codec), which is omitted"],
    )


def test_write_sound_invalid_times(tmp_path) -> None:
    source = write_video(tmp_path / "in.mp4", make_shades(5), sound=True)
    with Video(source) as video, open_video(tmp_path / "out.mp4", video) as writer:
        writer._start_s = -1e30
        for time_s, frame in video.frames(writer.write_sound):
            writer.write(time_s, frame)
    assert writer.notes == ["the sound is damaged and ends early"]


@pytest.mark.parametrize(
    ("outputs", "message"),
    [
        ({"out": "out.gif"}, "must end in .mp4"),
        ({"out": "in.mp4"}, "must not take the place of the input"),
        ({"out": "none/out.mp4"}, "mkdir -p"),
        ({"csv": "out.json"}, "`csv` must end in .csv"),
        ({"json": "out.txt"}, "must end in .csv or .json"),
    ],
)
def test_annotate_video_invalid_outputs(tmp_path, outputs, message) -> None:
    source, fake = write_video(tmp_path / "in.mp4", make_shades(2)), FixedFacePipeline()
    with pytest.raises((ValueError, FileNotFoundError), match=message):
        annotate_video(source, **{name: tmp_path / path for name, path in outputs.items()}, pipeline=fake)
    assert fake.times == []


def test_annotate_photo_draws_faces(tmp_path, pipeline) -> None:
    write_photo(tmp_path / "in.png", make_portrait(300))
    faces = annotate_photo(tmp_path / "in.png", tmp_path / "out.jpg", pipeline)
    assert len(faces) == 1
    drawn = read_photo(tmp_path / "out.jpg")
    assert drawn.shape == (300, 300, 3)
    assert (np.abs(drawn.astype(int) - make_portrait(300)).max(axis=2) > 60).mean() > 0.01


def test_annotate_photo_output_is_the_input(tmp_path) -> None:
    write_photo(tmp_path / "in.png", make_portrait(50))
    with pytest.raises(ValueError, match="must not take the place of the input"):
        annotate_photo(tmp_path / "in.png", tmp_path / "in.png", FixedFacePipeline())


def test_annotate_photo_wrong_suffix(tmp_path) -> None:
    write_photo(tmp_path / "in.png", make_portrait(50))
    with pytest.raises(ValueError, match="a photo must end in"):
        annotate_photo(tmp_path / "in.png", tmp_path / "out.pdf", FixedFacePipeline())


def test_read_photo_applies_exif_orientation(tmp_path) -> None:
    frame = np.zeros((40, 60, 3), np.uint8)
    frame[:20] = 255
    _, data = cv2.imencode(".jpg", frame)
    # Orientation 6: rotate clockwise by 90 degrees.
    tiff = b"MM\x00*\x00\x00\x00\x08" + b"\x00\x01" + b"\x01\x12\x00\x03\x00\x00\x00\x01\x00\x06\x00\x00" + bytes(4)
    exif = b"Exif\x00\x00" + tiff
    data = data.tobytes()
    (tmp_path / "in.jpg").write_bytes(data[:2] + b"\xff\xe1" + (len(exif) + 2).to_bytes(2, "big") + exif + data[2:])
    upright = read_photo(tmp_path / "in.jpg")
    assert upright.shape == (60, 40, 3)
    assert upright[:, 30:].min() > 200
    assert upright[:, :10].max() < 50


def test_read_photo_invalid_file(tmp_path) -> None:
    (tmp_path / "in.jpg").write_text("hello")
    with pytest.raises(ValueError, match="must be a photo"):
        read_photo(tmp_path / "in.jpg")
    with pytest.raises(FileNotFoundError, match="no such file"):
        read_photo(tmp_path / "none.jpg")


@pytest.mark.parametrize("suffix", [".png", ".bmp", ".tif", ".TIFF"])
def test_write_photo_round_trip(tmp_path, suffix) -> None:
    frame = make_noise(1)[0]
    write_photo(tmp_path / f"a{suffix}", frame)
    np.testing.assert_array_equal(read_photo(tmp_path / f"a{suffix}"), frame)
    assert len(list(tmp_path.iterdir())) == 1
