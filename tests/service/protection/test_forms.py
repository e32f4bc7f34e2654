"""Limits of form data: number and length of its parts, and forms that are costly to parse."""

import pytest

from tests.service.conftest import served
from tests.service.protection.test_body_limit import HEAD, PART
from tests.service.raw_sockets import connect, health_ms


@pytest.mark.parametrize(
    ("part", "sentence"),
    [
        (b'Content-Disposition: form-data; name="file"; filename="a"\r\n\r\n', "Too many files"),
        (b'Content-Disposition: form-data; name="model_type"\r\n\r\nface', "Too many fields"),
    ],
)
def test_form_with_many_parts_is_400(make_client, part, sentence):
    body = b"".join(b"--x\r\n" + part + b"\r\n" for _ in range(100)) + b"--x--\r\n"
    response = make_client().post(
        "/infer/batch", content=body, headers={"Content-Type": "multipart/form-data; boundary=x"}
    )
    assert response.status_code == 400
    assert sentence in response.json()["detail"]


def test_form_with_a_long_text_field_is_400(make_client, portrait):
    response = make_client().post("/infer", files={"file": portrait}, data={"model_type": "x" * 100_000})
    assert response.status_code == 400
    assert "maximum size of 1KB" in response.json()["detail"]


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
def test_costly_form_does_not_block_other_clients(engine, body):
    """Each form has 4 MB; `/health` responds meanwhile."""
    with served(engine) as url:
        head = (
            HEAD
            if not body.startswith(b"a&")
            else HEAD.replace(b"multipart/form-data; boundary=x", b"application/x-www-form-urlencoded")
        )
        one = connect(url)
        one.sendall(head % len(body))
        try:
            for start in range(0, len(body), 1_000_000):
                one.sendall(body[start : start + 1_000_000])
                assert health_ms(url) < 1000
            assert 400 <= int(one.recv(100).split()[1]) < 500
        except ConnectionError:  # refused before all was sent
            assert health_ms(url) < 1000
