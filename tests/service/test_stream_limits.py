"""Limits of streams: idle timeout, streams per address, byte budget, and invalid text messages."""

import asyncio
import json
import time

import pytest
from starlette.testclient import WebSocketDenialResponse
from starlette.websockets import WebSocketDisconnect

from tests.service.conftest import served
from tests.service.raw_sockets import BINARY, frame, open_stream, read_close


def test_stream_text_as_frame_is_415(client, engine, portrait):
    with client.websocket_connect("/stream") as socket:
        socket.send_text("data:image/jpeg;base64,/9j/4AAQ")
        response = socket.receive_json()
        assert (response["frame"], response["status"]) == (0, 415)
        assert "text message" in response["detail"]
        socket.send_text('{"smoothing_s": 0.5, "foo": 1}')
        assert "`foo`" in socket.receive_json()["detail"]
        socket.send_bytes(portrait)
        assert socket.receive_json()["frame"] == 2
    assert engine.streams[0].smoothings == []


def test_stream_settings_without_environment_and_file(client, engine, portrait, monkeypatch):
    from fer_lib.settings import Settings, sources

    monkeypatch.setattr(Settings, "load", None)
    monkeypatch.setattr(sources, "find_dotenv", None)
    with client.websocket_connect("/stream") as socket:
        socket.send_text('{"smoothing_s": 0.75}')
        socket.send_bytes(portrait)
        assert socket.receive_json()["frame"] == 0
    assert engine.streams[0].smoothings == [0.75]


def wait_until_closed(socket):
    with pytest.raises(WebSocketDisconnect) as closed:
        socket.receive_json()
    return closed.value.code, closed.value.reason


def test_stream_idle_timeout_before_the_first_frame(make_client):
    client = make_client(stream_idle_s=0.1)
    with client.websocket_connect("/stream") as socket:
        assert wait_until_closed(socket) == (1000, "no frame for 0.1 s")
    assert client.get("/health").json()["streams"] == 0


def test_stream_idle_timeout_after_a_frame(make_client, portrait):
    """Text messages do not restart it."""
    client = make_client(stream_idle_s=0.3)
    with client.websocket_connect("/stream") as socket:
        socket.send_bytes(portrait)
        assert socket.receive_json()["frame"] == 0
        socket.send_text('{"smoothing_s": 0.5}')
        assert wait_until_closed(socket)[0] == 1000


def test_stream_idle_timeout_frees_a_slot(engine, portrait):
    with served(engine, max_streams=2, stream_idle_s=0.2) as url:
        silent = [open_stream(url) for _ in range(2)]
        open_stream(url, status=503).close()
        assert [read_close(one)[0] for one in silent] == [1000, 1000]
        other = open_stream(url)
        other.sendall(frame(BINARY, portrait))
        assert b'"frame":0' in other.recv(1000)


def test_stream_client_that_does_not_read_is_disconnected(make_client, portrait):
    """The server's `send` blocks while the send buffer is full."""
    app = make_client(stream_idle_s=0.2).app
    scope = {
        "type": "websocket",
        "path": "/stream",
        "headers": [(b"host", b"localhost")],
        "query_string": b"",
        "client": ("10.0.0.1", 1),
        "subprotocols": [],
    }

    async def run_stream():
        messages = [{"type": "websocket.connect"}] + [{"type": "websocket.receive", "bytes": portrait}] * 50
        sent = []

        async def receive():
            await asyncio.sleep(0.05)
            return messages.pop(0)

        async def send(message):
            sent.append(message["type"])
            if message["type"] != "websocket.accept":
                await asyncio.Event().wait()

        await asyncio.wait_for(app(scope, receive, send), 20)
        assert messages, "the stream must end while frames still arrive"
        return sent

    assert asyncio.run(run_stream()) == ["websocket.accept", "websocket.send"]
    assert app.state.service.streams.open == 0


def test_max_streams_per_address(make_client, portrait):
    client = make_client("192.0.2.1", max_streams_per_address=2)
    with client.websocket_connect("/stream"), client.websocket_connect("/stream"):
        with pytest.raises(WebSocketDenialResponse) as refused, client.websocket_connect("/stream"):
            pass
        assert refused.value.status_code == 503
        assert "your address" in refused.value.json()["detail"]
        assert refused.value.headers["retry-after"] == "1"
    with client.websocket_connect("/stream") as socket:
        socket.send_bytes(portrait)
        assert socket.receive_json()["frame"] == 0


@pytest.mark.parametrize(("trusted", "status"), [("127.0.0.1", 503), ("10.9.9.9", 101)])
def test_max_streams_per_forwarded_address(engine, trusted, status):
    """`X-Forwarded-For` of an untrusted proxy is ignored, because clients could forge it."""
    with served(engine, max_streams_per_address=1, trusted_proxies=trusted) as url:
        first = open_stream(url, "X-Forwarded-For: 10.0.0.1")
        open_stream(url, "X-Forwarded-For: 1.2.3.4, 10.0.0.1", status=status).close()
        open_stream(url, "X-Forwarded-For: 10.0.0.2").close()
        first.close()


def test_max_streams_per_address_excludes_loopback(engine):
    with served(engine, max_streams_per_address=1) as url:
        streams = [open_stream(url) for _ in range(3)]
        for one in streams:
            one.close()


def test_byte_budget_of_all_streams(make_client, engine, portrait):
    client = make_client(max_upload_mb=len(portrait) / 1e6, max_waiting_mb=len(portrait) / 1e6)
    engine.gate.clear()
    with client.websocket_connect("/stream") as first, client.websocket_connect("/stream") as second:
        first.send_bytes(portrait)
        assert engine.started.acquire(timeout=20)
        second.send_bytes(portrait)
        refused = second.receive_json()
        assert (refused["status"], "bytes" in refused["detail"]) == (503, True)
        engine.gate.set()
        assert len(first.receive_json()["faces"]) == 2
        second.send_bytes(portrait)
        assert len(second.receive_json()["faces"]) == 2
    assert client.app.state.service.budget.used == 0


def test_byte_budget_is_released_by_overtaken_frames(make_client, engine, portrait):
    client = make_client()
    engine.gate.clear()
    with client.websocket_connect("/stream") as socket:
        socket.send_bytes(portrait)
        assert engine.started.acquire(timeout=20)
        for _ in range(3):
            socket.send_bytes(portrait)
        with client.websocket_connect("/stream"):
            client.get("/health")
        assert client.app.state.service.budget.used == 2 * len(portrait)
    engine.gate.set()
    end_s = time.monotonic() + 20
    while client.get("/health").json()["streams"]:
        assert time.monotonic() < end_s
    assert client.app.state.service.budget.used == 0


def test_internal_error_log_without_image_data(client, engine, portrait, caplog):
    engine.fault = RuntimeError("out of memory")
    with client.websocket_connect("/stream") as socket:
        socket.send_bytes(portrait)
        assert wait_until_closed(socket)[0] == 1011
    client.post("/infer", files={"file": portrait}, data={"model_type": "face"})
    client.get("/%0Aforged%20line")
    assert "out of memory" in caplog.text
    assert "JFIF" not in caplog.text
    assert repr(portrait[:30])[2:-1] not in caplog.text
    assert json.dumps(list(portrait[:10]))[1:-1] not in caplog.text
