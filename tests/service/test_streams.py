"""Streams over WebSockets: tracked faces, one response per frame, newest frame first."""

import pytest
from factories import compose_frame, make_frame
from starlette.testclient import WebSocketDenialResponse

from fer_lib.service.streams import OVERTAKEN
from tests.service.conftest import encode

IMAGE = encode(make_frame())


def test_stream_tracks_faces(real):
    with real.websocket_connect("/stream") as socket:
        found = []
        for number in range(4):
            socket.send_bytes(encode(compose_frame([(200 + 6 * number, 240, 200), (480, 250, 130)])[0]))
            response = socket.receive_json()
            assert response["frame"] == number
            found.append({face["track_id"]: face for face in response["faces"]})
    assert [len(faces) for faces in found] == [2, 2, 2, 2]
    assert len({frozenset(faces) for faces in found}) == 1
    assert sum(found[0][min(found[0])]["probabilities"].values()) == pytest.approx(1, abs=1e-4)


def test_streams_are_independent(client, engine):
    with client.websocket_connect("/stream") as first, client.websocket_connect("/stream") as second:
        for socket in (first, second, first):
            socket.send_bytes(IMAGE)
            assert [face["track_id"] for face in socket.receive_json()["faces"]] == [7, 3]
    times = [stream.times_s for stream in engine.streams]
    assert [len(one) for one in times] == [2, 1]
    assert times[0] == sorted(times[0])


def test_stream_continues_after_an_invalid_frame(client):
    with client.websocket_connect("/stream") as socket:
        socket.send_bytes(b"no image")
        response = socket.receive_json()
        assert response["frame"] == 0
        assert response["detail"].startswith("`file` must be")
        socket.send_text("hello")
        assert socket.receive_json()["frame"] == 1
        socket.send_bytes(IMAGE)
        assert len(socket.receive_json()["faces"]) == 2


def test_stream_frame_size_limits(make_client):
    client = make_client(max_upload_mb=0.001, max_pixels=1000)
    with client.websocket_connect("/stream") as socket:
        socket.send_bytes(bytes(1001))
        assert "at most 1000 bytes" in socket.receive_json()["detail"]
        socket.send_bytes(encode(make_frame(40, 40)[:, :, :1].repeat(3, 2) * 0))
        assert "at most 1000 pixels" in socket.receive_json()["detail"]


def test_stream_processes_the_newest_frame_and_responds_to_all(client, engine):
    engine.gate.clear()
    with client.websocket_connect("/stream") as socket:
        socket.send_bytes(IMAGE)
        assert engine.started.acquire(timeout=20)
        for _ in range(3):
            socket.send_bytes(IMAGE)
        # One event loop reads all sockets in order of arrival: after a later request the frames have been read.
        with client.websocket_connect("/stream"):
            client.get("/health")
        engine.gate.set()
        responses = [socket.receive_json() for _ in range(4)]
    assert [response["frame"] for response in responses] == [0, 1, 2, 3]
    assert [response.get("detail") for response in responses] == [None, OVERTAKEN, OVERTAKEN, None]
    assert len(engine.streams[0].times_s) == 2


def test_stream_overload_is_503(make_client, engine):
    client = make_client(threads=1, max_waiting=0)
    engine.gate.clear()
    with client.websocket_connect("/stream") as first, client.websocket_connect("/stream") as second:
        first.send_bytes(IMAGE)
        assert engine.started.acquire(timeout=20)
        second.send_bytes(IMAGE)
        assert second.receive_json()["status"] == 503
        engine.gate.set()
        assert len(first.receive_json()["faces"]) == 2


def test_max_streams_is_503(make_client):
    client = make_client(max_streams=1)
    with client.websocket_connect("/stream"):
        assert client.get("/health").json()["streams"] == 1
        with pytest.raises(WebSocketDenialResponse) as refused, client.websocket_connect("/stream"):
            pass
    assert refused.value.status_code == 503
    assert refused.value.headers["retry-after"] == "1"
    assert list(refused.value.json()) == ["detail"]
    with client.websocket_connect("/stream") as socket:
        socket.send_bytes(IMAGE)
        assert socket.receive_json()["frame"] == 0


@pytest.mark.parametrize("kind", [LookupError, RuntimeError])
def test_stream_internal_error_is_1011_without_traceback(client, engine, caplog, kind):
    engine.fault = kind("a secret")
    with client.websocket_connect("/stream") as socket:
        socket.send_bytes(IMAGE)
        message = socket.receive()
    assert message["type"] == "websocket.close"
    assert message["code"] == 1011
    assert "secret" not in message["reason"]
    assert "a secret" in caplog.text


def test_stream_settings_have_no_response(client, engine):
    with client.websocket_connect("/stream") as socket:
        socket.send_text('{"smoothing_s": 0.75}')
        socket.send_bytes(IMAGE)
        assert socket.receive_json()["frame"] == 0
    assert engine.streams[0].smoothings == [0.75]


@pytest.mark.parametrize("text", ['{"smoothing_s": -1}', '{"smoothing_s": "x"}', '{"smooth": 1}', "{}", "7"])
def test_stream_invalid_settings_are_415(client, engine, text):
    with client.websocket_connect("/stream") as socket:
        socket.send_text(text)
        response = socket.receive_json()
        assert (response["frame"], response["status"]) == (0, 415)
    assert engine.streams[0].smoothings == []


def test_stream_raw_probabilities(real):
    with real.websocket_connect("/stream") as socket:
        for number in range(2):
            socket.send_bytes(encode(compose_frame([(200 + 6 * number, 240, 200)])[0]))
            (face,) = socket.receive_json()["faces"]
            assert sum(face["raw_probabilities"].values()) == pytest.approx(1, abs=1e-4)
