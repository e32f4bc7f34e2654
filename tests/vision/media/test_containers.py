"""Opening of video files: playlists and irregular files are refused, whatever their name is."""

import os
import struct
from pathlib import Path

import av
import pytest
from clips import make_noise, make_shades, write_video

from fer_lib.vision.media import containers
from fer_lib.vision.media.containers import VideoFile
from fer_lib.vision.media.video import Video

# Each refers to the clip of another folder.
PLAYLISTS = {
    "HLS": "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:0.4,\n{clip}\n#EXT-X-ENDLIST\n",
    "endless HLS": "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:0.4,\n{clip}\n",
    "HLS after a byte order mark": "\ufeff#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:0.4,\n{clip}\n#EXT-X-ENDLIST\n",
    "HLS of subfile": "#EXTM3U\n#EXTINF:1,\nsubfile,,start,0,end,0,,:{clip}\n#EXT-X-ENDLIST\n",
    "HLS of concat": "#EXTM3U\n#EXTINF:1,\nconcat:{clip}|{clip}\n#EXT-X-ENDLIST\n",
    "ffconcat": "ffconcat version 1.0\nfile private/clip.ts\n",
    "DASH": '<?xml version="1.0"?>\n<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" mediaPresentationDuration="PT1S">'
    "<Period><AdaptationSet><Representation><BaseURL>{clip}</BaseURL></Representation></AdaptationSet></Period></MPD>",
    "SDP": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 9 RTP/AVP 96\na=rtpmap:96 H264/90000\n",
    "SAMI": "<SAMI>\n<BODY>\n<SYNC Start=0><P Class=ENUSCC>{clip}\n</BODY></SAMI>\n",
    "WebVTT": "WEBVTT\n\n00:00.000 --> 00:01.000\n{clip}\n",
    "ffmetadata": ";FFMETADATA1\ntitle={clip}\n",
}


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    (tmp_path / "private").mkdir()
    return write_video(tmp_path / "private" / "clip.ts", make_shades(10))


@pytest.mark.parametrize("name", ["in.mp4", "in.m3u8", "in.ffconcat", "in.mpd", "in"])
@pytest.mark.parametrize("kind", PLAYLISTS)
def test_video_playlists(tmp_path, clip, kind, name) -> None:
    (tmp_path / name).write_text(PLAYLISTS[kind].format(clip=clip), encoding="utf-8")
    with pytest.raises(ValueError, match=r"must be a video, but it .*supported are MP4 and MOV"):
        Video(tmp_path / name)


@pytest.mark.parametrize(
    ("kind", "message"),
    [("HLS", "an HLS playlist"), ("ffconcat", "ffconcat"), ("DASH", "a DASH manifest"), ("SDP", "SDP")],
)
def test_video_playlist_message(tmp_path, clip, kind, message) -> None:
    (tmp_path / "in.mp4").write_text(PLAYLISTS[kind].format(clip=clip))
    with pytest.raises(ValueError, match=message):
        Video(tmp_path / "in.mp4")


@pytest.mark.parametrize("kind", ["HLS", "ffconcat"])
def test_open_container_blocks_other_files(tmp_path, clip, monkeypatch, kind) -> None:
    monkeypatch.setattr(containers, "CONTAINERS", {"hls": "HLS", "concat": "concat", "mpegts": "MPEG-TS"})
    (tmp_path / "in.m3u8").write_text(PLAYLISTS[kind].format(clip=clip))
    with pytest.raises(ValueError, match="must"):
        Video(tmp_path / "in.m3u8")


def add_external_reference(movie: bytes, name: bytes) -> bytes:
    """Make the track of a QuickTime movie refer to the samples of the file `name` beside it."""
    record = bytearray(150)
    struct.pack_into(">HH", record, 130, 1, 1)  # one folder up, one down: a relative path
    record += struct.pack(">HH", 2, len(name) + len(name) % 2) + name.ljust(len(name) + len(name) % 2, b"\0")
    record += struct.pack(">HH", 0xFFFF, 0)
    alias = struct.pack(">I4sI", 12 + len(record), b"alis", 0) + record
    position = movie.index(b"dref") + 12
    (old,) = struct.unpack_from(">I", movie, position)
    changed = bytearray(movie[:position] + alias + movie[position + old :])
    for box in (b"moov", b"trak", b"mdia", b"minf", b"dinf", b"dref"):
        # The last occurrence: the name of a data handler may precede it.
        start = changed.rindex(box) - 4
        struct.pack_into(">I", changed, start, struct.unpack_from(">I", changed, start)[0] + len(alias) - old)
    return bytes(changed)


def test_video_quicktime_external_reference(tmp_path) -> None:
    movie = write_video(tmp_path / "secret.mov", make_shades(3)).read_bytes()
    (tmp_path / "in.mov").write_bytes(add_external_reference(movie, b"/secret.mov"))
    with av.open(str(tmp_path / "in.mov"), options={"enable_drefs": "1"}) as container:
        assert len(list(container.decode(video=0))) == 3  # FFmpeg follows the reference if it is permitted
    with pytest.raises(ValueError, match="none of its frames can be decoded"):
        Video(tmp_path / "in.mov")


KINDS = {
    "mov": ("libx264", "yuv420p"),
    "matroska": ("libx264", "yuv420p"),
    "avi": ("mpeg4", "yuv420p"),
    "mpegts": ("mpeg2video", "yuv420p"),
    "mpeg": ("mpeg2video", "yuv420p"),
    "mpeg2video": ("mpeg2video", "yuv420p"),
    "m4v": ("mpeg4", "yuv420p"),
    "h264": ("libx264", "yuv420p"),
    "flv": ("flv", "yuv420p"),
    "ogg": ("libvpx", "yuv420p"),
    "asf": ("wmv2", "yuv420p"),
    "mxf": ("mpeg2video", "yuv420p"),
    "ivf": ("libvpx", "yuv420p"),
    "gif": ("gif", "rgb8"),
    "yuv4mpegpipe": ("wrapped_avframe", "yuv420p"),
}


@pytest.mark.parametrize("kind", KINDS)
def test_video_each_container(tmp_path, kind) -> None:
    encoder, pixels = KINDS[kind]
    with av.open(str(tmp_path / "in.bin"), "w", format=kind) as container:
        stream = container.add_stream(encoder, rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, pixels
        for number, frame in enumerate(make_noise(12)):
            video_frame = av.VideoFrame.from_ndarray(frame, format="rgb24").reformat(format=pixels)
            video_frame.pts = number
            container.mux(stream.encode(video_frame))
        container.mux(stream.encode(None))
    with Video(tmp_path / "in.bin") as video:
        assert len(list(video.frames())) == 12
        assert set(video._container.format.name.split(",")) & containers.CONTAINERS.keys()


@pytest.mark.parametrize(
    "name", ["a:b.mp4", "concat:x.mp4", "file:x.mp4", "data:,x.mp4", "%03d.mp4", "pipe:0", "-i.mp4"]
)
def test_video_name_like_a_url(tmp_path, monkeypatch, name) -> None:
    write_video(tmp_path / "in.mp4", make_shades(3)).rename(tmp_path / name)
    monkeypatch.chdir(tmp_path)
    with Video(name) as video:
        assert len(list(video.frames())) == 3


@pytest.mark.skipif(os.name == "nt", reason="byte names need POSIX")
def test_video_name_invalid_utf8(tmp_path) -> None:
    path = tmp_path / os.fsdecode(b"\xff\xfe.mp4")
    write_video(tmp_path / "in.mp4", make_shades(3)).rename(path)
    with Video(path) as video:
        assert len(list(video.frames())) == 3


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_video_named_pipe_or_device(tmp_path) -> None:
    os.mkfifo(tmp_path / "pipe.mp4")
    for path in (tmp_path / "pipe.mp4", Path("/dev/zero")):
        with pytest.raises(ValueError, match="must be a regular file"):
            Video(path)


def test_video_file_keeps_its_length(tmp_path) -> None:
    path = tmp_path / "in.mp4"
    path.write_bytes(b"12345")
    with VideoFile(path) as file:
        path.write_bytes(b"1234567890")
        assert file.seek(-2, 2) == 3
        assert (file.read(10), file.read(10), file.read()) == (b"45", b"", b"")
        assert (file.seek(1), file.read()) == (1, b"2345")
        assert (file.seek(2), file.seek(1, 1), file.seek(-9, 1), file.read(1)) == (2, 3, -1, b"4")
        assert (file.seek(2**62), file.read()) == (2**62, b"")


def test_video_too_many_streams(tmp_path) -> None:
    frame = av.VideoFrame.from_ndarray(make_shades(1, 16, 16)[0], format="rgb24").reformat(format="yuv420p")
    with av.open(str(tmp_path / "in.mp4"), "w") as container:
        streams = [container.add_stream("mpeg4", rate=25) for _ in range(containers.MAX_STREAMS + 1)]
        for stream in streams:
            stream.width, stream.height, stream.pix_fmt = 16, 16, "yuv420p"
        for stream in streams:
            container.mux([*stream.encode(frame), *stream.encode(None)])
    with pytest.raises(ValueError, match=f"more than {containers.MAX_STREAMS} streams"):
        Video(tmp_path / "in.mp4")


def test_video_closes_the_file(tmp_path) -> None:
    path = write_video(tmp_path / "in.mp4", make_shades(3))
    with Video(path) as video:
        file = video._container
    with pytest.raises(AssertionError):
        next(file.demux())
    (tmp_path / "no.mp4").write_text("hello")
    opened = len(os.listdir("/proc/self/fd")) if Path("/proc/self/fd").exists() else 0
    for _ in range(3):
        with pytest.raises(ValueError, match="must be a video"):
            Video(tmp_path / "no.mp4")
    assert not opened or len(os.listdir("/proc/self/fd")) == opened
