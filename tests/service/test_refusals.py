"""Every error is JSON with one sentence."""

import struct
import threading
import zlib

import pytest
from factories import make_frame

from .conftest import encode

HUGE_PNG = b"\x89PNG\r\n\x1a\n" + b"".join(
    struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    for kind, data in [(b"IHDR", struct.pack(">IIBBBBB", 20000, 20000, 8, 2, 0, 0, 0)), (b"IEND", b"")]
)


def post(client, data=b"", model_type="face", **options):
    return client.post("/infer", files={"file": ("p.jpg", data)}, data={"model_type": model_type}, **options)


def check(answer, status):
    """Every refusal has this shape; return its sentence."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/json"
    assert list(answer.json()) == ["detail"]
    detail = answer.json()["detail"]
    assert isinstance(detail, str)
    assert "\n" not in detail
    assert "Traceback" not in detail
    return detail


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"GIF89a\x01\x00\x01\x00\x00\x00\x00;",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"\xff\xd8",
        b"\x89PNG\r\n\x1a\n",
        b"RIFF\x00\x00\x00\x00WEBP",
        encode(make_frame())[:-40],
        encode(make_frame())[:30],
        encode(make_frame(), ".png")[:-30],
        encode(make_frame(), ".webp")[:-30],
    ],
    ids=["empty", "gif", "svg", "jpeg-2", "png-8", "webp-12", "jpeg-cut", "jpeg-head", "png-cut", "webp-cut"],
)
@pytest.mark.parametrize("model_type", ["face", "emotion", "faces"])
def test_what_is_no_whole_picture_is_415(client, data, model_type):
    assert check(post(client, data, model_type), 415).startswith("`file` must be a JPEG, PNG or WebP picture, but ")


def test_a_decompression_bomb_is_413_from_its_header(client):
    assert len(HUGE_PNG) < 100
    assert "20000 × 20000" in check(post(client, HUGE_PNG), 413)


def test_pixels_up_to_the_limit_are_taken(make_client):
    client = make_client(max_pixels=3000)
    assert post(client, encode(make_frame(50, 60))).status_code == 200
    assert check(post(client, encode(make_frame(50, 61))), 413) == (
        "a picture must have at most 3000 pixels, but got 61 × 50"
    )


def test_a_body_that_says_it_is_too_large_is_413_unread(make_client):
    client = make_client(max_upload_mb=0.005)
    answer = post(client, bytes(6000))
    assert "at most 5000 bytes" in check(answer, 413)
    assert answer.headers["connection"] == "close"


def test_a_body_that_grows_too_large_is_413(make_client):
    client = make_client(max_upload_mb=0.005)
    head = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'

    def body():
        yield head
        for _ in range(10):
            yield bytes(1000)

    answer = client.post("/infer", content=body(), headers={"Content-Type": "multipart/form-data; boundary=x"})
    assert "at most 5000 bytes" in check(answer, 413)


def test_a_wrong_model_type_is_422(client, portrait):
    detail = check(post(client, portrait, "smile"), 422)
    assert detail == "`model_type`: Input should be 'face', 'emotion' or 'faces'"


def test_missing_fields_are_422(client, portrait):
    assert "`file`" in check(client.post("/infer", data={"model_type": "face"}), 422)
    assert "`model_type`" in check(client.post("/infer", files={"file": portrait}), 422)
    assert "`file`" in check(client.post("/infer", json={"model_type": "face"}), 422)
    assert "`files`" in check(client.post("/infer/batch", data={"model_type": "face"}), 422)


def test_a_text_field_in_the_place_of_the_file_is_422(client):
    check(client.post("/infer", data={"model_type": "face", "file": "hello"}), 422)


def test_a_broken_form_is_400(client):
    check(client.post("/infer", content=b"x", headers={"Content-Type": "multipart/form-data; boundary=y"}), 400)
    check(client.post("/infer", content=b"x", headers={"Content-Type": "multipart/form-data"}), 400)


def test_too_many_pictures_are_413(make_client, portrait):
    client = make_client(max_batch=2)
    answer = client.post("/infer/batch", files=[("files", portrait)] * 3, data={"model_type": "face"})
    assert "at most 2 pictures, but got 3" in check(answer, 413)


def test_unknown_paths_and_methods_are_json(client):
    check(client.get("/nothing"), 404)
    assert check(client.get("/infer"), 405)


def test_a_fault_of_ours_is_500_without_its_trace(client, engine, portrait, caplog):
    engine.fault = RuntimeError("a secret")
    assert "secret" not in check(post(client, portrait), 500)
    assert "a secret" in caplog.text


def test_overload_is_503_and_says_when_to_retry(make_client, engine, portrait):
    client = make_client(threads=1, max_waiting=1, retry_after_s=3)
    engine.gate.clear()
    answers = []
    threads = [threading.Thread(target=lambda: answers.append(post(client, portrait))) for _ in range(2)]
    for thread in threads:
        thread.start()
    assert engine.started.acquire(timeout=20)
    while client.get("/health").json()["busy"] < 2:
        pass
    refused = post(client, portrait)
    assert check(refused, 503) == "too many pictures are waiting; try again in 3 s"
    assert refused.headers["retry-after"] == "3"
    engine.gate.set()
    for thread in threads:
        thread.join()
    assert [answer.status_code for answer in answers] == [200, 200]
    assert post(client, portrait).status_code == 200
