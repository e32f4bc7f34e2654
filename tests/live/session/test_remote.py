"""Validation of the replies of an inference service."""

import json

import pytest

from fer_lib.labels import EMOTIONS
from fer_lib.live.session.remote import (
    ServiceFullError,
    ServiceUnavailableError,
    is_unencrypted,
    parse_reply,
    public_address,
    read_faces,
)
from fer_lib.settings import RemoteSettings

from .replies import make_face, make_reply

NAN, INF = float("nan"), float("inf")


def test_read_faces_valid_reply():
    faces = read_faces(parse_reply(make_reply(make_face(), make_face(track_id=2)), 0))
    assert (len(faces), faces.track_id.tolist(), faces.labels) == (2, [1, 2], ["happy", "happy"])
    unknown = read_faces(parse_reply(make_reply(make_face(landmarks=None, raw_probabilities=None)), 0))
    assert (unknown.landmarks, unknown.raw_probabilities) == (None, None)
    assert len(read_faces(parse_reply(make_reply(), 0))) == 0


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "7",
        "[]",
        "{}",
        make_reply(make_face(), frame=1),
        make_reply(make_face(), frame=-1),
        make_reply(make_face(), frame=10**400),
        json.dumps({"frame": 0}),
        json.dumps({"frame": 0, "faces": 7}),
        make_reply(*[make_face(track_id=n) for n in range(201)]),
        make_reply(make_face(), make_face()),
        *(make_reply(make_face(track_id=one)) for one in (None, -1, 2**31, 2**70, 1.5, "x", True and [1])),
        *(make_reply(make_face(box=[1, 2, 3, one])) for one in (NAN, INF, -INF, 1e7, 10**400, "x", None)),
        make_reply(make_face(box=[1, 2, 3])),
        make_reply(make_face(box=[[1, 2, 3, 4]])),
        make_reply(make_face(landmarks=[[1, 2]] * 4)),
        make_reply(make_face(landmarks=[[1, 2]] * 100_000)),
        make_reply(make_face(landmarks=[[1, NAN]] * 5)),
        *(make_reply(make_face(confidence=one)) for one in (NAN, 1.5, -0.1, None)),
        make_reply(make_face(probabilities=dict.fromkeys(EMOTIONS, 0.5))),
        make_reply(make_face(probabilities=dict.fromkeys(EMOTIONS, NAN))),
        make_reply(make_face(raw_probabilities=dict.fromkeys(EMOTIONS, 0.0))),
        make_reply(make_face(probabilities={"happy": 1})),
        make_reply(make_face(label="<script>")),
    ],
)
def test_read_faces_invalid_reply(text):
    with pytest.raises(ServiceUnavailableError):
        read_faces(parse_reply(text, 0))


def test_read_faces_sanitizes_the_error():
    with pytest.raises(ValueError, match="too large") as refused:
        read_faces(parse_reply(json.dumps({"frame": 0, "status": 413, "detail": "too large\n\x1b[2J\u202e" * 1000}), 0))
    assert len(str(refused.value)) <= 300
    assert str(refused.value).isprintable()


def test_parse_reply_service_full():
    with pytest.raises(ServiceFullError):
        parse_reply(json.dumps({"frame": 0, "status": 503}), 0)


@pytest.mark.parametrize(
    ("url", "unencrypted"),
    [
        ("http://localhost:8000", False),
        ("ws://127.0.0.1", False),
        ("http://[::1]:8000", False),
        ("https://faces.example.org", False),
        ("wss://10.0.0.5", False),
        ("http://faces.example.org", True),
        ("ws://10.0.0.5:8000", True),
        ("http://localhost.example.org", True),
        ("http://user:localhost@faces.example.org", True),
    ],
)
def test_is_unencrypted(url, unencrypted):
    assert is_unencrypted(RemoteSettings(url=url)) == unencrypted


def test_public_address_omits_password_and_query():
    settings = RemoteSettings(url="https://ada:secret@faces.example.org:8000/api?token=secret")
    assert public_address(settings) == "https://faces.example.org:8000/api"
