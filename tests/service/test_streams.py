"""Streams over a WebSocket: tracked faces, one answer per frame, the newest wins."""

import asyncio

import pytest
from factories import compose_frame, make_frame
from starlette.testclient import WebSocketDenialResponse

from fer_lib.service.byte_budget import ByteBudget
from fer_lib.service.inbox import Inbox
from fer_lib.service.streams import OVERTAKEN

from .conftest import encode

PICTURE = encode(make_frame())


def take(inbox):
    return asyncio.run(inbox.take())


def test_inbox_gives_frames_in_order():
    inbox = Inbox(ByteBudget(1000))
    for data in (b"a", b"b"):
        inbox.put(data)
        overtaken, frame = take(inbox)
        assert overtaken == []
        assert frame.data == data


def test_inbox_keeps_only_the_newest():
    inbox = Inbox(ByteBudget(1000))
    for data in (b"a", b"b", b"c"):
        inbox.put(data)
    overtaken, frame = take(inbox)
    assert (overtaken, frame.number, frame.data) == ([0, 1], 2, b"c")


def test_inbox_gives_nothing_after_its_end():
    inbox = Inbox(ByteBudget(1000))
    inbox.put(b"a")
    inbox.close()
    assert take(inbox)[1] is None


def test_stream_answers_each_frame_with_tracked_faces(real):
    with real.websocket_connect("/stream") as socket:
        found = []
        for number in range(4):
            socket.send_bytes(encode(compose_frame([(200 + 6 * number, 240, 200), (480, 250, 130)])[0]))
            answer = socket.receive_json()
            assert answer["frame"] == number
            found.append({face["track_id"]: face for face in answer["faces"]})
    assert [len(faces) for faces in found] == [2, 2, 2, 2]
    assert len({frozenset(faces) for faces in found}) == 1
    assert sum(found[0][min(found[0])]["probabilities"].values()) == pytest.approx(1, abs=1e-4)


def test_streams_know_nothing_of_each_other(client, engine):
    with client.websocket_connect("/stream") as first, client.websocket_connect("/stream") as second:
        for socket in (first, second, first):
            socket.send_bytes(PICTURE)
            assert [face["track_id"] for face in socket.receive_json()["faces"]] == [7, 3]
    times = [stream.times_s for stream in engine.streams]
    assert [len(one) for one in times] == [2, 1]
    assert times[0] == sorted(times[0])


def test_stream_goes_on_after_a_frame_that_is_no_picture(client):
    with client.websocket_connect("/stream") as socket:
        socket.send_bytes(b"no picture")
        answer = socket.receive_json()
        assert answer["frame"] == 0
        assert answer["detail"].startswith("`file` must be a JPEG")
        socket.send_text("hello")
        assert socket.receive_json()["frame"] == 1
        socket.send_bytes(PICTURE)
        assert len(socket.receive_json()["faces"]) == 2


def test_stream_refuses_frames_that_are_too_large(make_client):
    client = make_client(max_upload_mb=0.001, max_pixels=1000)
    with client.websocket_connect("/stream") as socket:
        socket.send_bytes(bytes(1001))
        assert "at most 1000 bytes" in socket.receive_json()["detail"]
        socket.send_bytes(encode(make_frame(40, 40)[:, :, :1].repeat(3, 2) * 0))
        assert "at most 1000 pixels" in socket.receive_json()["detail"]


def test_stream_looks_at_the_newest_frame_and_answers_the_others(client, engine):
    engine.gate.clear()
    with client.websocket_connect("/stream") as socket:
        socket.send_bytes(PICTURE)
        assert engine.started.acquire(timeout=20)
        for _ in range(3):
            socket.send_bytes(PICTURE)
        # One loop reads all sockets, in the order in which something came: after a later request the frames are in.
        with client.websocket_connect("/stream"):
            client.get("/health")
        engine.gate.set()
        answers = [socket.receive_json() for _ in range(4)]
    assert [answer["frame"] for answer in answers] == [0, 1, 2, 3]
    assert [answer.get("detail") for answer in answers] == [None, OVERTAKEN, OVERTAKEN, None]
    assert len(engine.streams[0].times_s) == 2


def test_stream_in_an_overloaded_service_hears_so(make_client, engine):
    client = make_client(threads=1, max_waiting=0)
    engine.gate.clear()
    with client.websocket_connect("/stream") as first, client.websocket_connect("/stream") as second:
        first.send_bytes(PICTURE)
        assert engine.started.acquire(timeout=20)
        second.send_bytes(PICTURE)
        assert "too many pictures are waiting" in second.receive_json()["detail"]
        engine.gate.set()
        assert len(first.receive_json()["faces"]) == 2


def test_too_many_streams_are_503(make_client):
    client = make_client(max_streams=1)
    with client.websocket_connect("/stream"):
        assert client.get("/health").json()["streams"] == 1
        with pytest.raises(WebSocketDenialResponse) as refused, client.websocket_connect("/stream"):
            pass
    assert refused.value.status_code == 503
    assert refused.value.headers["retry-after"] == "1"
    assert "too many streams" in refused.value.json()["detail"]
    with client.websocket_connect("/stream") as socket:
        socket.send_bytes(PICTURE)
        assert socket.receive_json()["frame"] == 0


@pytest.mark.parametrize("kind", [LookupError, RuntimeError])
def test_a_fault_of_ours_ends_the_stream_without_its_trace(client, engine, caplog, kind):
    engine.fault = kind("a secret")
    with client.websocket_connect("/stream") as socket:
        socket.send_bytes(PICTURE)
        message = socket.receive()
    assert message["type"] == "websocket.close"
    assert message["code"] == 1011
    assert "secret" not in message["reason"]
    assert "a secret" in caplog.text


def test_stream_takes_wishes_without_an_answer(client, engine):
    with client.websocket_connect("/stream") as socket:
        socket.send_text('{"smoothing_s": 0.75}')
        socket.send_bytes(PICTURE)
        assert socket.receive_json()["frame"] == 0
    assert engine.streams[0].smoothings == [0.75]


@pytest.mark.parametrize("text", ['{"smoothing_s": -1}', '{"smoothing_s": "x"}', '{"smooth": 1}', "{}", "7"])
def test_stream_refuses_a_wish_that_can_not_be_fulfilled(client, engine, text):
    with client.websocket_connect("/stream") as socket:
        socket.send_text(text)
        answer = socket.receive_json()
        assert (answer["frame"], answer["status"]) == (0, 415)
    assert engine.streams[0].smoothings == []


def test_stream_tells_what_the_network_said_before_smoothing(real):
    with real.websocket_connect("/stream") as socket:
        for number in range(2):
            socket.send_bytes(encode(compose_frame([(200 + 6 * number, 240, 200)])[0]))
            (face,) = socket.receive_json()["faces"]
            assert sum(face["raw_probabilities"].values()) == pytest.approx(1, abs=1e-4)
