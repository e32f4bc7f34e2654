import struct
from contextlib import suppress

import cv2
import pytest

from fer_lib.images.decoding import decode
from fer_lib.images.headers import PHOTO
from fer_lib.images.silence import silent_opencv

ROWS = 1000
SHORT, LONG = 3, 4


def make_damaged_fax(compression: int) -> bytes:
    """Make a TIFF of one strip whose rows have more pixels than the image is wide."""
    strip = b"\x55" * 2 * ROWS
    entries = [(256, LONG, 8), (257, LONG, ROWS), (258, SHORT, 1), (259, SHORT, compression), (262, SHORT, 0)]
    start = 8 + 2 + 12 * (len(entries) + 4) + 4
    entries += [(273, LONG, start), (277, SHORT, 1), (278, LONG, ROWS), (279, LONG, len(strip))]
    table = b"".join(struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in entries)
    return b"II*\0" + struct.pack("<IH", 8, len(entries)) + table + bytes(4) + strip


@pytest.mark.parametrize("compression", [2, 3, 4])
def test_decode_damaged_tiff_logs_nothing(capfd, compression) -> None:
    assert decode(make_damaged_fax(compression), kinds=PHOTO).shape == (ROWS, 8, 3)
    assert capfd.readouterr() == ("", "")


def test_silent_opencv_restores_the_log_level() -> None:
    before = cv2.utils.logging.getLogLevel()
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_ERROR)
    try:
        with silent_opencv():
            with suppress(ValueError), silent_opencv():
                raise ValueError
            assert cv2.utils.logging.getLogLevel() == cv2.utils.logging.LOG_LEVEL_SILENT
        assert cv2.utils.logging.getLogLevel() == cv2.utils.logging.LOG_LEVEL_ERROR
    finally:
        cv2.utils.logging.setLogLevel(before)
