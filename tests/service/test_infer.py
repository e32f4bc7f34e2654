"""Responses of /infer and /infer/batch, whose shapes are a contract."""

import io

import numpy as np
import pytest
from factories import compose_frame, make_frame, make_portrait
from PIL import Image

from fer_lib.crops import resize_face
from fer_lib.labels import EMOTIONS
from fer_lib.vision.media.frames import decode_jpeg
from tests.service.conftest import encode


def infer(client, data, model_type="face", name="image.jpg"):
    response = client.post("/infer", files={"file": (name, data)}, data={"model_type": model_type})
    assert response.status_code == 200, response.text
    return response.json()


def save(pixels, kind, **options):
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, kind, **options)
    return stream.getvalue()


def test_infer_face_returns_boxes_only(real, portrait):
    response = infer(real, portrait)
    assert list(response) == ["boxes"]
    (box,) = response["boxes"]
    assert [type(value) for value in box] == [float] * 4
    x1, y1, x2, y2 = box
    assert x1 < 200 < x2
    assert y1 < 240 < y2


def test_infer_emotion_returns_probabilities_only(real, portrait):
    response = infer(real, portrait, "emotion")
    assert list(response) == ["probabilities"]
    assert tuple(response["probabilities"]) == EMOTIONS
    assert sum(response["probabilities"].values()) == pytest.approx(1, abs=1e-4)


def test_infer_faces_returns_all_columns(real, portrait):
    response = infer(real, portrait, "faces")
    assert list(response) == ["width", "height", "faces"]
    assert (response["width"], response["height"]) == (640, 480)
    (face,) = response["faces"]
    assert list(face) == ["box", "confidence", "landmarks", "label", "probabilities", "track_id"]
    assert 0.8 < face["confidence"] <= 1
    assert np.shape(face["landmarks"]) == (5, 2)
    assert face["label"] == max(face["probabilities"], key=face["probabilities"].get)
    assert face["track_id"] is None


def test_infer_without_faces(real):
    image = encode(compose_frame()[0])
    assert infer(real, image) == {"boxes": []}
    assert infer(real, image, "faces") == {"width": 640, "height": 480, "faces": []}


def test_infer_agrees_with_the_pipeline(real, real_engine, portrait):
    faces = real_engine.open_stream().analyze(decode_jpeg(portrait))
    (face,) = infer(real, portrait, "faces")["faces"]
    assert face["box"] == pytest.approx(faces.xyxy[0].tolist(), abs=0.01)
    assert face["landmarks"] == [pytest.approx(point, abs=0.01) for point in faces.landmarks[0].tolist()]
    assert list(face["probabilities"].values()) == pytest.approx(faces.probabilities[0].tolist(), abs=1e-5)


def test_infer_emotion_square_image_as_in_training(real, real_engine):
    image = make_portrait(48)
    recognizer = real_engine._recognizer
    expected = recognizer.classify(resize_face(image, recognizer.spec)[None])[0]
    response = infer(real, encode(image, ".png"), "emotion")
    assert list(response["probabilities"].values()) == pytest.approx(expected.tolist(), abs=1e-5)


def test_infer_emotion_keeps_the_aspect_ratio(real):
    wide = np.pad(make_portrait(100), ((0, 0), (30, 30), (0, 0)), mode="edge")
    square = np.pad(wide, ((30, 30), (0, 0), (0, 0)), mode="edge")
    assert infer(real, encode(wide, ".png"), "emotion") == infer(real, encode(square, ".png"), "emotion")


@pytest.mark.parametrize("ending", [".jpg", ".png", ".webp"])
def test_infer_file_formats(client, ending):
    assert infer(client, encode(make_frame(), ending), "faces")["width"] == 64


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_infer_exif_orientation(client, engine, monkeypatch, kind, orientation):
    frames = []
    monkeypatch.setattr(
        engine, "analyze", lambda frame, analyze=engine.analyze: (frames.append(frame), analyze(frame))[1]
    )
    upright = np.zeros((60, 40, 3), np.uint8)
    upright[:20, :20] = 255
    exif = Image.Exif()
    exif[0x0112] = orientation
    response = infer(client, save(stored_as(upright, orientation), kind, exif=exif.tobytes()), "faces")
    assert (response["width"], response["height"]) == (40, 60)
    assert np.abs(frames[0].astype(int) - upright).mean() < 8


def stored_as(upright, orientation):
    """Return the pixels as stored by a camera with this EXIF orientation (EXIF 2.3, 4.6.4)."""
    transforms = {
        1: lambda a: a,
        2: lambda a: a[:, ::-1],
        3: lambda a: a[::-1, ::-1],
        4: lambda a: a[::-1],
        5: lambda a: a.transpose(1, 0, 2),
        6: lambda a: np.rot90(a),
        7: lambda a: a[::-1, ::-1].transpose(1, 0, 2),
        8: lambda a: np.rot90(a, -1),
    }
    return np.ascontiguousarray(transforms[orientation](upright))


def test_infer_unusual_pixel_formats(client):
    pixels = make_frame(32, 48)
    cmyk = io.BytesIO()
    Image.fromarray(pixels).convert("CMYK").save(cmyk, "JPEG")
    deep = save(np.full((32, 48), 40000, np.uint16), "PNG")
    palette = io.BytesIO()
    Image.fromarray(pixels).convert("P").save(palette, "PNG")
    transparent = save(np.dstack([pixels, pixels[..., 0]]), "PNG")
    for data in (cmyk.getvalue(), deep, palette.getvalue(), transparent, save(pixels[..., 0], "PNG")):
        response = infer(client, data, "faces")
        assert (response["width"], response["height"]) == (48, 32)


def test_infer_face_in_a_cmyk_image(real):
    stream = io.BytesIO()
    Image.fromarray(compose_frame([(200, 240, 200)])[0]).convert("CMYK").save(stream, "JPEG")
    assert len(infer(real, stream.getvalue())["boxes"]) == 1


def test_infer_batch_keeps_order_and_reports_invalid_images(client):
    images = [encode(make_frame(20, 30)), b"no image", encode(make_frame(40, 50))]
    files = [("files", ("p.jpg", data)) for data in images]
    response = client.post("/infer/batch", files=files, data={"model_type": "faces"})
    assert response.status_code == 200, response.text
    first, second, third = response.json()["results"]
    assert (first["width"], first["height"], third["width"]) == (30, 20, 50)
    assert second["status"] == 415
    assert second["detail"].startswith("`file` must be")


@pytest.mark.parametrize(("model_type", "keys"), [("face", ["boxes"]), ("emotion", ["probabilities"])])
def test_infer_batch_result_shapes(client, portrait, model_type, keys):
    response = client.post("/infer/batch", files=[("files", portrait)] * 2, data={"model_type": model_type}).json()
    assert [list(result) for result in response["results"]] == [keys, keys]
    assert response["results"][0] == infer(client, portrait, model_type)
