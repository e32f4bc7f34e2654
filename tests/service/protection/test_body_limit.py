"""Limits of request bodies: incomplete, slow and concurrent bodies, and costly forms."""

import asyncio
import time

import psutil

from fer_lib.service.protection import body_limit
from tests.service.conftest import served
from tests.service.raw_sockets import connect, health_ms

HEAD = b"POST /infer HTTP/1.1\r\nHost: localhost\r\nContent-Type: multipart/form-data; boundary=x\r\nContent-Length: %d\r\n\r\n"
CHUNKED = HEAD.replace(b"Content-Length: %d", b"Transfer-Encoding: chunked")
PART = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'


def begin(url, size, total):
    """Send a request whose body of `total` bytes stops after `size`."""
    one = connect(url)
    one.sendall(HEAD % total + PART + bytes(size))
    return one


def read_response(one):
    """Return status and body of the response, after which the server must close the connection."""
    data = b""
    while part := one.recv(65536):
        data += part
    head, _, body = data.partition(b"\r\n\r\n")
    assert b"connection: close" in head.lower()
    return int(head.split()[1]), body.decode()


def wait_for(condition):
    end_s = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end_s
        time.sleep(0.01)


def test_incomplete_bodies_stay_within_the_byte_budget(engine):
    """40 clients each send 3 MB of an incomplete body; the budget is 12 MB."""
    with served(engine, max_waiting_mb=12) as url:
        before = psutil.Process().memory_info().rss
        waiting = []
        for _ in range(40):
            one = connect(url)
            waiting.append(one)
            try:
                one.sendall(HEAD % 4_000_000 + PART + bytes(3_000_000))
            except ConnectionError:  # refused and closed
                continue
            assert health_ms(url) < 2000
        assert psutil.Process().memory_info().rss - before < 40e6
        for one in waiting:
            one.close()


def test_body_over_the_byte_budget_is_503_unread(engine):
    with served(engine, max_upload_mb=1, max_waiting_mb=1) as url:
        first = begin(url, 900_000, 950_000)
        other = connect(url)
        wait_for(lambda: refuses(url, 500_000))
        other.sendall(HEAD % 500_000)
        status, body = read_response(other)
        assert (status, "1 s" in body) == (503, True)
        assert health_ms(url) < 2000
        first.close()
        wait_for(lambda: not refuses(url, 500_000))


def refuses(url, size):
    """Return whether a body of `size` bytes is refused unread; with `Expect` the server responds before the body."""
    with connect(url) as one:
        one.sendall((HEAD % size).replace(b"\r\n\r\n", b"\r\nExpect: 100-continue\r\n\r\n"))
        return b" 503 " in one.recv(100)


def test_chunked_body_over_the_byte_budget_is_503(engine):
    with served(engine, max_upload_mb=1, max_waiting_mb=1) as url:
        first = begin(url, 900_000, 950_000)
        wait_for(lambda: refuses(url, 500_000))
        chunked = connect(url)
        data = PART + bytes(110_000)  # slightly above the limit, so that the server has read all before it closes
        chunked.sendall(CHUNKED + b"%x\r\n" % len(data) + data)
        assert read_response(chunked)[0] == 503
        first.close()


def test_stalled_body_is_408(engine, monkeypatch):
    monkeypatch.setattr(body_limit, "IDLE_S", 0.2)
    with served(engine) as url:
        status, body = read_response(begin(url, 1000, 100_000))
        assert (status, "`FER_SERVICE_BODY_TIMEOUT_S`" in body) == (408, True)
        assert health_ms(url) < 2000


def test_slow_body_is_408(engine):
    with served(engine, body_timeout_s=0.5) as url:
        slow = begin(url, 10, 100_000)
        status = None
        while status is None:
            try:
                slow.sendall(b"x")
                time.sleep(0.05)
                slow.setblocking(False)
                status = int(slow.recv(1000).split()[1])
            except BlockingIOError:
                slow.setblocking(True)
        assert status == 408


def test_byte_budget_is_released_after_every_status(make_client, engine, portrait):
    client = make_client()
    budget = client.app.state.service.budget
    form = {"data": {"model_type": "face"}}
    assert client.post("/infer", files={"file": portrait}, **form).status_code == 200
    assert client.post("/infer", files={"file": b"x"}, **form).status_code == 415
    assert client.post("/infer", files={"other": portrait}, **form).status_code == 422
    assert (
        client.post("/infer", content=b"x" * 1000, headers={"Content-Type": "multipart/form-data"}).status_code == 400
    )
    assert client.post("/nothing", content=portrait).status_code == 404
    engine.fault = RuntimeError("a fault")
    assert client.post("/infer", files={"file": portrait}, **form).status_code == 500
    assert budget.used == 0


def test_byte_budget_per_address(make_client):
    app = make_client(max_upload_mb=0.001, max_waiting_mb=0.002).app

    async def post(client, size):
        head = {"type": "http", "method": "POST", "path": "/infer", "query_string": b"", "root_path": ""}
        headers = [(b"host", b"localhost"), (b"content-type", b"multipart/form-data; boundary=x")]
        statuses, stop = [], asyncio.Event()

        async def receive():
            if not statuses and not stop.is_set():
                stop.set()
                return {"type": "http.request", "body": PART.ljust(size, b"x"), "more_body": True}
            await asyncio.sleep(0.2)
            return {"type": "http.disconnect"}

        async def send(message):
            statuses.append(message.get("status"))

        length = [(b"content-length", b"%d" % size)]
        try:
            await app({**head, "headers": headers + length, "client": (client, 1)}, receive, send)
        except Exception:
            return None
        return statuses[0] if statuses else None

    async def post_all():
        return await asyncio.gather(post("10.0.0.1", 900), post("10.0.0.1", 900), post("10.0.0.2", 900))

    statuses = asyncio.run(post_all())
    assert statuses[1] == 503
    assert statuses[0] != 503
    assert statuses[2] != 503
