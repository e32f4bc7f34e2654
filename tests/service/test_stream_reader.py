"""Text messages of streams: the smoothing setting, and invalid messages."""

import pytest
from fastapi import HTTPException

from fer_lib.service.stream_reader import read_smoothing


def test_read_smoothing():
    assert read_smoothing('{"smoothing_s": 0.5}') == 0.5
    assert read_smoothing(' \n{"smoothing_s": 60}') == 60


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('{"smoothing_s": 0.5, "foo": 1}', "`foo` is not a setting"),
        ('{"smooth": 1}', "`smoothing_s` must be given; `smooth` is not a setting"),
        ("{}", "`smoothing_s` must be given"),
        ('{"smoothing_s": -1}', "`smoothing_s` must be a number from 0 to 60, but got -1"),
        ('{"smoothing_s": 61}', "`smoothing_s` must be a number from 0 to 60, but got 61"),
        ('{"smoothing_s": 1e999}', "`smoothing_s` must be a number from 0 to 60, but got inf"),
        ('{"smoothing_s": NaN}', "`smoothing_s` must be a number from 0 to 60, but got nan"),
        ('{"smoothing_s": "fast"}', "`smoothing_s` must be a number from 0 to 60, but got 'fast'"),
        ('{"smoothing_s": null}', "`smoothing_s` must be a number from 0 to 60, but got None"),
        ('{"smoothing_s": ' + "9" * 900 + "}", "`smoothing_s` must be a number from 0 to 60, but got"),
        ('{"smoothing_s": ' + "[" * 900, "must be JSON"),
        ("{", "must be JSON"),
        ("data:image/jpeg;base64,/9j/4AAQ", "but got a text message"),
        ("/9j/4AAQ", "but got a text message"),
        ("", "but got a text message"),
        ("7", "but got a text message"),
        ("{" + " " * 2000, "but got a text message"),
        ('{"' + "\u0000" * 300 + '": 1}', "must be JSON"),
    ],
)
def test_read_smoothing_invalid_text(text, sentence):
    with pytest.raises(HTTPException) as refused:
        read_smoothing(text)
    assert sentence in refused.value.detail
    assert len(refused.value.detail) < 300
    assert refused.value.status_code == 415
