"""Bodies that do not end, are too slow or too many together, and forms of very many parts."""

import asyncio
import time

import psutil
import pytest

from fer_lib.service import limits

from .conftest import served
from .raw_sockets import connect, health_ms

HEAD = b"POST /infer HTTP/1.1\r\nHost: localhost\r\nContent-Type: multipart/form-data; boundary=x\r\nContent-Length: %d\r\n\r\n"
CHUNKED = HEAD.replace(b"Content-Length: %d", b"Transfer-Encoding: chunked")
PART = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'


def begin(url, size, total):
    """Begin a request whose body of `total` bytes stops after `size`."""
    one = connect(url)
    one.sendall(HEAD % total + PART + bytes(size))
    return one


def answer(one):
    """Return status and sentence of the answer, after which the server must close the connection."""
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


def test_unfinished_bodies_do_not_grow_beyond_the_budget(engine, portrait):
    """40 clients each send 3 MB of a body that does not end; the budget has 12 MB."""
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


def test_body_without_room_is_503_before_it_is_read(engine, portrait):
    with served(engine, max_upload_mb=1, max_waiting_mb=1) as url:
        first = begin(url, 900_000, 950_000)
        other = connect(url)
        wait_for(lambda: refuses(url, 500_000))
        other.sendall(HEAD % 500_000)
        status, sentence = answer(other)
        assert (status, "too many bytes are waiting; try again in 1 s" in sentence) == (503, True)
        assert health_ms(url) < 2000
        first.close()
        wait_for(lambda: not refuses(url, 500_000))


def refuses(url, size):
    """Whether a body of `size` bytes is refused unread. Without an `Expect` of the client a reader would wait."""
    with connect(url) as one:
        one.sendall((HEAD % size).replace(b"\r\n\r\n", b"\r\nExpect: 100-continue\r\n\r\n"))
        return b" 503 " in one.recv(100)


def test_chunked_bodies_are_counted_as_they_come(engine):
    with served(engine, max_upload_mb=1, max_waiting_mb=1) as url:
        first = begin(url, 900_000, 950_000)
        wait_for(lambda: refuses(url, 500_000))
        chunked = connect(url)
        data = PART + bytes(110_000)  # a little too much, so that the server has read all when it closes
        chunked.sendall(CHUNKED + b"%x\r\n" % len(data) + data)
        assert answer(chunked)[0] == 503
        first.close()


def test_body_that_stops_is_408(engine, monkeypatch):
    monkeypatch.setattr(limits, "IDLE_S", 0.2)
    with served(engine) as url:
        status, sentence = answer(begin(url, 1000, 100_000))
        assert (status, "without long pauses" in sentence) == (408, True)
        assert health_ms(url) < 2000


def test_body_that_comes_byte_by_byte_is_408(engine):
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


def test_budget_is_given_back_after_every_kind_of_answer(make_client, engine, portrait):
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


def test_one_address_leaves_room_for_others(make_client):
    app = make_client(max_upload_mb=0.001, max_waiting_mb=0.002).app

    async def ask(client, size):
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

    async def ask_all():
        return await asyncio.gather(ask("10.0.0.1", 900), ask("10.0.0.1", 900), ask("10.0.0.2", 900))

    found = asyncio.run(ask_all())
    assert found[1] == 503
    assert found[0] != 503
    assert found[2] != 503


@pytest.mark.parametrize(
    ("part", "sentence"),
    [
        (b'Content-Disposition: form-data; name="file"; filename="a"\r\n\r\n', "Too many files"),
        (b'Content-Disposition: form-data; name="model_type"\r\n\r\nface', "Too many fields"),
    ],
)
def test_forms_of_many_parts_are_refused(make_client, part, sentence):
    body = b"".join(b"--x\r\n" + part + b"\r\n" for _ in range(100)) + b"--x--\r\n"
    answer = make_client().post(
        "/infer/batch", content=body, headers={"Content-Type": "multipart/form-data; boundary=x"}
    )
    assert answer.status_code == 400
    assert sentence in answer.json()["detail"]


def test_long_text_fields_are_refused(make_client, portrait):
    answer = make_client().post("/infer", files={"file": portrait}, data={"model_type": "x" * 100_000})
    assert answer.status_code == 400
    assert "maximum size of 1KB" in answer.json()["detail"]


@pytest.mark.parametrize(
    "body",
    [
        b"\r" * 4_000_000,
        b"\r\n" * 2_000_000,
        b"--x\r\n" + b"A" * 4_000_000,
        b"--x\r\n" + b"A: b\r\n" * 600_000,
        PART + b"\r\n-" * 1_300_000,
        PART + b"\r\n--y" * 800_000,
        b"a&" * 2_000_000,
    ],
    ids=["cr", "lines", "long-header", "many-headers", "dashes", "almost-boundaries", "fields"],
)
def test_forms_that_are_costly_to_parse_keep_nobody_waiting(engine, body):
    """Each of 4 MB; a client that asks meanwhile is answered."""
    with served(engine) as url:
        kind = (
            HEAD
            if not body.startswith(b"a&")
            else HEAD.replace(b"multipart/form-data; boundary=x", b"application/x-www-form-urlencoded")
        )
        one = connect(url)
        one.sendall(kind % len(body))
        try:
            for start in range(0, len(body), 1_000_000):
                one.sendall(body[start : start + 1_000_000])
                assert health_ms(url) < 1000
            assert 400 <= int(one.recv(100).split()[1]) < 500
        except ConnectionError:  # it was refused before all was sent
            assert health_ms(url) < 1000
