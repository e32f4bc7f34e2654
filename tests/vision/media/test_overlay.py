from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import pytest
from factories import make_faces, make_frame

from fer_lib.faces import Faces
from fer_lib.labels import EMOTION_COLORS, EMOTIONS, label_index
from fer_lib.vision.media import overlay
from fer_lib.vision.media.overlay import draw_faces, rgb, text_color


@dataclass(frozen=True)
class Text:
    """Drawn text and the pixels that it covers."""

    content: str
    xyxy: tuple[int, int, int, int]
    size: float


@pytest.fixture
def drawn_texts(monkeypatch: pytest.MonkeyPatch) -> list[Text]:
    """Record all drawn texts."""
    texts: list[Text] = []

    def write(canvas: np.ndarray, content: str, position: tuple[int, int], font: int, size: float, *rest: Any) -> None:
        (width, rise), descent = cv2.getTextSize(content, font, size, rest[1])
        x, y = position
        texts.append(Text(content, (x, y - rise, x + width, y + descent // 2), size))

    monkeypatch.setattr(overlay.cv2, "putText", write)
    return texts


def make_face(*xyxy: float, label: str = "happy", probability: float = 0.88) -> Faces:
    probabilities = np.full((1, 7), (1 - probability) / 6)
    probabilities[0, label_index(label)] = probability
    return Faces(np.array([xyxy]), np.ones(1), probabilities=probabilities, track_id=np.array([3]))


def test_draw_faces_empty() -> None:
    frame = make_frame()
    drawn = draw_faces(frame, Faces.empty())
    np.testing.assert_array_equal(drawn, frame)
    assert drawn is not frame
    assert not np.shares_memory(drawn, frame)


def test_draw_faces_does_not_modify_the_frame() -> None:
    frame = make_frame(480, 640)
    drawn = draw_faces(frame, make_faces(4))
    np.testing.assert_array_equal(frame, make_frame(480, 640))
    assert (drawn != frame).any()
    assert (drawn.shape, drawn.dtype) == (frame.shape, np.uint8)


@pytest.mark.parametrize("label", EMOTIONS)
def test_draw_faces_emotion_colour(label: str) -> None:
    drawn = draw_faces(np.zeros((480, 640, 3), np.uint8), make_face(100, 150, 300, 400, label=label))
    color = rgb(EMOTION_COLORS[label])
    for x, y in ((100, 300), (299, 300), (200, 399)):
        assert tuple(drawn[y, x]) == color
    assert (drawn == color).all(axis=2).sum() > 2000  # background of the label
    assert not drawn[200:350, 130:270].any()


def test_draw_faces_without_probabilities(drawn_texts: list[Text]) -> None:
    faces = make_face(100, 150, 300, 400).with_columns(probabilities=None)
    drawn = draw_faces(np.zeros((480, 640, 3), np.uint8), faces)
    assert tuple(drawn[300, 100]) == (255, 255, 255)
    assert drawn_texts == []


def test_draw_faces_label_and_probability(drawn_texts: list[Text]) -> None:
    draw_faces(make_frame(480, 640), make_face(100, 150, 300, 400, label="sad", probability=0.62))
    assert [text.content for text in drawn_texts] == ["sad 62%"]


def test_draw_faces_track_id_of_several_faces(drawn_texts: list[Text]) -> None:
    draw_faces(make_frame(480, 640), make_faces(2, track_id=np.array([7, 4])))
    assert sorted(text.content.split("  ")[0] for text in drawn_texts) == ["Face 4", "Face 7"]
    drawn_texts.clear()
    draw_faces(make_frame(480, 640), make_faces(2, track_id=None))
    assert not any("Face" in text.content for text in drawn_texts)


@pytest.mark.parametrize("size", [(60, 80), (120, 160), (480, 640), (480, 60), (40, 640), (1080, 1920), (2160, 3840)])
def test_draw_faces_text_stays_inside_the_frame(drawn_texts: list[Text], size: tuple[int, int]) -> None:
    height, width = size
    boxes = [
        (0, 0, 0.3, 0.4),
        (0.9, 0, 1, 0.2),
        (0.95, 0.95, 1, 1),
        (0, 0.8, 0.2, 1),
        (0, 0, 1, 1),
        (0.5, 0.5, 0.5, 0.5),
    ]
    for box in boxes:
        draw_faces(make_frame(height, width), make_face(*np.multiply(box, [width, height] * 2), label="surprise"))
    assert len(drawn_texts) == len(boxes)
    for x1, y1, x2, y2 in (text.xyxy for text in drawn_texts):
        assert 0 <= x1 < x2 <= width
        assert 0 <= y1 < y2 <= height


def test_draw_faces_text_grows_with_the_frame(drawn_texts: list[Text]) -> None:
    for scale in (0.25, 1, 3):
        draw_faces(
            make_frame(round(480 * scale), round(640 * scale)), make_face(*np.array([90, 150, 300, 400]) * scale)
        )
    heights = [text.xyxy[3] - text.xyxy[1] for text in drawn_texts]
    assert 6 <= heights[0] < heights[1] < heights[2]
    assert heights[2] == pytest.approx(3 * heights[1], rel=0.15)


def test_draw_faces_adjacent_texts_do_not_overlap(drawn_texts: list[Text]) -> None:
    xyxy = np.array([[100, 200, 160, 270], [160, 200, 220, 270], [220, 200, 280, 270]])
    draw_faces(make_frame(480, 640), make_faces(3, xyxy=xyxy))
    spans = [text.xyxy for text in drawn_texts]
    for i, (x1, y1, x2, y2) in enumerate(spans):
        for u1, v1, u2, v2 in spans[:i]:
            assert x2 <= u1 or u2 <= x1 or y2 <= v1 or v2 <= y1


def test_draw_faces_text_does_not_cover_its_own_face(drawn_texts: list[Text]) -> None:
    for y in (0, 100, 350):
        draw_faces(make_frame(480, 640), make_face(200, y, 300, y + 130))
        _, top, _, bottom = drawn_texts[-1].xyxy
        assert bottom <= y or top >= y + 130


@pytest.mark.parametrize("shape", [(1, 1), (1, 1, 3), (2, 500, 3), (500, 2, 4), (20, 20, 1)])
def test_draw_faces_extreme_shapes(shape: tuple[int, ...]) -> None:
    frame = np.full(shape, 90, np.uint8)
    boxes = np.array([[0, 0, 1, 1], [0, 0, shape[1], shape[0]], [-50, -50, 900, 900], [3, 3, 2, 2]])
    assert draw_faces(frame, make_faces(4, xyxy=boxes)).shape == (*shape[:2], 3)


def test_rgb_known_values() -> None:
    assert rgb("#000000") == (0, 0, 0)
    assert rgb("#D55E00") == (213, 94, 0)


@pytest.mark.parametrize("label", EMOTIONS)
def test_text_color_contrast(label: str) -> None:
    """The contrast ratio is at least 4.5 : 1 (WCAG 2.1, level AA)."""
    background = rgb(EMOTION_COLORS[label])
    luminances = sorted(_luminance(color) for color in (background, text_color(background)))
    assert (luminances[1] + 0.05) / (luminances[0] + 0.05) >= 4.5


def _luminance(color: tuple[int, int, int]) -> float:
    linear = [c / 255 / 12.92 if c <= 10 else ((c / 255 + 0.055) / 1.055) ** 2.4 for c in color]
    return float(np.dot(linear, [0.2126, 0.7152, 0.0722]))
