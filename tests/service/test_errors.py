"""Error responses: status codes, and JSON with one sentence."""

import struct
import threading
import time
import zlib

import pytest
from factories import make_frame

from tests.service.conftest import encode

HUGE_PNG = b"\x89PNG\r\n\x1a\n" + b"".join(
    struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    for kind, data in [(b"IHDR", struct.pack(">IIBBBBB", 20000, 20000, 8, 2, 0, 0, 0)), (b"IEND", b"")]
)


def post(client, data=b"", model_type="face", **options):
    return client.post("/infer", files={"file": ("p.jpg", data)}, data={"model_type": model_type}, **options)


def check(response, status):
    """Check the shape of an error response and return its sentence."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/json"
    assert list(response.json()) == ["detail"]
    detail = response.json()["detail"]
    assert isinstance(detail, str)
    assert "\n" not in detail
    assert "Traceback" not in detail
    return detail


def check_size_limit(response):
    detail = check(response, 413)
    assert "5000 bytes" in detail
    assert "`FER_SERVICE_MAX_UPLOAD_MB`" in detail


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
def test_infer_invalid_image_is_415(client, data, model_type):
    assert check(post(client, data, model_type), 415).startswith("`file` must be")


def test_infer_decompression_bomb_is_413(client):
    assert len(HUGE_PNG) < 100
    assert "20000 × 20000" in check(post(client, HUGE_PNG), 413)


def test_infer_max_pixels(make_client):
    client = make_client(max_pixels=3000)
    assert post(client, encode(make_frame(50, 60))).status_code == 200
    detail = check(post(client, encode(make_frame(50, 61))), 413)
    assert "3000" in detail
    assert "61 × 50" in detail


def test_infer_content_length_over_the_limit_is_413(make_client):
    client = make_client(max_upload_mb=0.005)
    response = post(client, bytes(6000))
    check_size_limit(response)
    assert response.headers["connection"] == "close"


def test_infer_streamed_body_over_the_limit_is_413(make_client):
    client = make_client(max_upload_mb=0.005)
    head = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'

    def body():
        yield head
        for _ in range(10):
            yield bytes(1000)

    response = client.post("/infer", content=body(), headers={"Content-Type": "multipart/form-data; boundary=x"})
    check_size_limit(response)


def test_infer_wrong_model_type_is_422(client, portrait):
    detail = check(post(client, portrait, "smile"), 422)
    assert detail.startswith("`model_type`:")
    assert all(f"'{name}'" in detail for name in ("face", "emotion", "faces"))


def test_infer_missing_fields_are_422(client, portrait):
    assert "`file`" in check(client.post("/infer", data={"model_type": "face"}), 422)
    assert "`model_type`" in check(client.post("/infer", files={"file": portrait}), 422)
    assert "`file`" in check(client.post("/infer", json={"model_type": "face"}), 422)
    assert "`files`" in check(client.post("/infer/batch", data={"model_type": "face"}), 422)


def test_infer_text_field_as_file_is_422(client):
    check(client.post("/infer", data={"model_type": "face", "file": "hello"}), 422)


def test_infer_invalid_form_is_400(client):
    check(client.post("/infer", content=b"x", headers={"Content-Type": "multipart/form-data; boundary=y"}), 400)
    check(client.post("/infer", content=b"x", headers={"Content-Type": "multipart/form-data"}), 400)


def test_infer_batch_over_max_batch_is_413(make_client, portrait):
    client = make_client(max_batch=2)
    response = client.post("/infer/batch", files=[("files", portrait)] * 3, data={"model_type": "face"})
    detail = check(response, 413)
    assert detail.startswith("`files` must be at most 2")
    assert "3" in detail


def test_unknown_path_is_404_and_method_405(client):
    check(client.get("/nothing"), 404)
    assert check(client.get("/infer"), 405)


def test_infer_internal_error_is_500_without_traceback(client, engine, portrait, caplog):
    engine.fault = RuntimeError("a secret")
    assert "secret" not in check(post(client, portrait), 500)
    assert "a secret" in caplog.text


def test_infer_overload_is_503_with_retry_after(make_client, engine, portrait):
    client = make_client(threads=1, max_waiting=1, retry_after_s=3)
    engine.gate.clear()
    responses = []
    threads = [threading.Thread(target=lambda: responses.append(post(client, portrait))) for _ in range(2)]
    for thread in threads:
        thread.start()
    assert engine.started.acquire(timeout=20)
    end_s = time.monotonic() + 20
    while client.get("/health").json()["busy"] < 2:
        assert time.monotonic() < end_s
    refused = post(client, portrait)
    assert "3 s" in check(refused, 503)
    assert refused.headers["retry-after"] == "3"
    engine.gate.set()
    for thread in threads:
        thread.join()
    assert [response.status_code for response in responses] == [200, 200]
    assert post(client, portrait).status_code == 200
