import numpy as np
import pytest

from harness.synthetic_camera import FRAMES, HEIGHT, WIDTH, draw_frame, face_box, read_number, write_clip


@pytest.mark.parametrize("number", [0, 1, 2, 77, 179, 4095])
def test_read_number_of_a_drawn_frame(number):
    assert read_number(draw_frame(number)) == number


def test_read_number_without_one():
    assert read_number(np.zeros((HEIGHT, WIDTH, 3), np.uint8)) == -1
    assert read_number(np.full((HEIGHT, WIDTH, 3), 255, np.uint8)) == -1


def test_draw_frame_moves_the_scene_with_the_face():
    (x1, y1, x2, y2), (u1, v1, u2, v2) = (face_box(number).astype(int) for number in (0, 60))
    assert (x1, y1) != (u1, v1)
    assert np.array_equal(draw_frame(0)[y1:y2, x1:x2], draw_frame(60)[v1:v2, u1:u2])


def test_face_box_stays_in_the_frame_and_closes_the_round():
    boxes = np.array([face_box(number) for number in range(FRAMES)])
    assert boxes.min() >= 0
    assert boxes[:, [0, 2]].max() <= WIDTH
    assert boxes[:, [1, 3]].max() <= HEIGHT
    assert np.array_equal(face_box(0), face_box(FRAMES))
    assert np.abs(np.diff(boxes, axis=0)).max() < 10


def test_draw_frame_without_face():
    sharpness = [
        np.abs(np.diff(draw_frame(0, with_face)[20:].astype(int), axis=1)).mean() for with_face in (True, False)
    ]
    assert sharpness[0] > 5 * sharpness[1]


def test_write_clip_is_uncompressed_video(tmp_path):
    data = write_clip(tmp_path / "clip.y4m", frames=3).read_bytes()
    header, rest = data.split(b"\n", 1)
    assert header == b"YUV4MPEG2 W640 H480 F30:1 Ip A1:1 C420mpeg2"
    assert len(rest) == 3 * (len(b"FRAME\n") + WIDTH * HEIGHT * 3 // 2)
