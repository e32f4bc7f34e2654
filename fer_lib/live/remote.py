"""A stream at the service: frames go there over a WebSocket, faces come back."""

from __future__ import annotations

import time
from urllib.parse import urlsplit, urlunsplit

import numpy as np
import websocket
from numpy.typing import NDArray

from fer_lib.faces import Faces
from fer_lib.hosts import is_loopback_address
from fer_lib.labels import EMOTIONS
from fer_lib.live.limited_socket import LimitedWebSocket
from fer_lib.service.schemas import Probabilities, StreamFace, StreamResponse
from fer_lib.settings.remote import RemoteSettings

MAX_FACES = 200  # the upper limit of `FER_MAX_FACES`
MAX_ANSWER_BYTES = 1_000_000  # five times an answer with so many faces
MAX_PIXEL = 1e6  # largest coordinate, in pixels
MAX_TRACK_ID = 2**31
MAX_SENTENCE = 300
FORBIDDEN = "`FER_SERVICE_ALLOWED_HOSTS` of the service must hold the name in `FER_REMOTE_URL`"


class ServiceGoneError(Exception):
    """The service can't be reached, or stopped to answer."""


class ServiceFullError(ServiceGoneError):
    """The service answers that it has no room for this stream, or no time for this frame."""


class RemoteStream:
    """One stream whose faces the service finds, follows and reads; for one thread at a time.

    The service is not trusted: its answers are limited in bytes, time and number of faces, and are checked.

    Attributes:
        timings_ms: `total`, from sending the last frame to its answer.

    Raises:
        ServiceGoneError: if there is no service that takes a stream.
    """

    def __init__(self, settings: RemoteSettings) -> None:
        self.timings_ms: dict[str, float] = {}
        self._frames = 0
        timeout_s = settings.timeout_s
        self._socket = LimitedWebSocket(timeout_s)
        try:
            # Redirects could lead frames to another computer. An `Origin` is what browsers send, and a proxy that
            # changes the `Host` would make it a foreign one.
            options = {"timeout": timeout_s, "redirect_limit": 0, "suppress_origin": True}
            self._socket.connect(stream_address(settings), **options)
        except websocket.WebSocketBadStatusException as error:
            kind = ServiceFullError if error.status_code == 503 else ServiceGoneError
            hint = f" ({FORBIDDEN})" if error.status_code == 403 else ""
            raise kind(f"it answers with status {error.status_code}{hint}") from None
        except (OSError, ValueError, LookupError, websocket.WebSocketException) as error:
            raise ServiceGoneError(printable(str(error))) from None

    def process_jpeg(self, data: bytes) -> Faces:
        """Send the next frame and wait for its faces.

        Raises:
            ValueError: if the frame can't be looked at.
            ServiceGoneError: if there is no answer; this stream is of no more use.
        """
        start = time.perf_counter()
        try:
            text = self._socket.exchange(data, MAX_ANSWER_BYTES)
        except (OSError, ValueError, websocket.WebSocketException) as error:
            raise ServiceGoneError(printable(str(error))) from None
        answer = parse_answer(text, self._frames)
        self._frames += 1
        faces = read_faces(answer)
        self.timings_ms = {"total": (time.perf_counter() - start) * 1000}
        return faces

    def close(self) -> None:
        """Close the connection without a closing handshake."""
        self._socket.shutdown()


def stream_address(settings: RemoteSettings) -> str:
    """Return where the service takes streams; `url` must be set."""
    # http becomes ws, and https wss.
    return f"{settings.url}".rstrip("/").replace("http", "ws", 1) + "/stream"


def is_unencrypted(settings: RemoteSettings) -> bool:
    """Return whether frames leave this computer without encryption on their way to the service."""
    parts = urlsplit(settings.url or "")
    return parts.scheme in ("http", "ws") and not is_loopback_address(parts.hostname or "")


def public_address(settings: RemoteSettings) -> str:
    """Return the address of the service for logs: without a user, a password and a query."""
    parts = urlsplit(settings.url or "")
    return printable(urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", "")))


def printable(text: str) -> str:
    """Return the beginning of a text from elsewhere, in one line without control characters."""
    return "".join(one if one.isprintable() else " " for one in text[:MAX_SENTENCE])


def parse_answer(text: str | bytes, number: int) -> StreamResponse:
    """Return the answer to a frame.

    Raises:
        ServiceFullError: if the service has no time for it.
        ServiceGoneError: if it is no answer to the frame of this number.
    """
    if not text:
        raise ServiceGoneError("it closed the stream")
    try:
        answer = StreamResponse.model_validate_json(text)
    except ValueError:
        raise ServiceGoneError("it answers in a way that is not understood") from None
    if answer.frame != number:
        raise ServiceGoneError("it answers another frame")
    if answer.status == 503:
        raise ServiceFullError(printable(answer.detail or "it has no room"))
    return answer


def read_faces(answer: StreamResponse) -> Faces:
    """Return the faces of an answer.

    Raises:
        ValueError: if the service could not process the frame.
        ServiceGoneError: if the faces are impossible.
    """
    if answer.detail is not None:
        raise ValueError(printable(answer.detail))
    rows = answer.faces
    if rows is None or len(rows) > MAX_FACES:
        raise ServiceGoneError("it answers without faces, or with too many")
    if not rows:
        return Faces.empty()
    try:
        return _table(rows)
    except (ValueError, OverflowError):
        raise ServiceGoneError("it answers with impossible faces") from None


def _table(rows: list[StreamFace]) -> Faces:
    boxes = np.array([row.box for row in rows])
    # What the service does not know it leaves out.
    landmarks = None if any(row.landmarks is None for row in rows) else np.array([row.landmarks for row in rows])
    for pixels in (boxes, landmarks):
        if pixels is not None and not (np.abs(pixels) <= MAX_PIXEL).all():
            raise ValueError("coordinates must be numbers of pixels")
    track_ids = [row.track_id for row in rows]
    if len(set(track_ids)) < len(rows) or not all(one is not None and 0 <= one < MAX_TRACK_ID for one in track_ids):
        raise ValueError("every face must have a number of its own")
    raw = [row.raw_probabilities for row in rows]
    return Faces(
        xyxy=boxes.astype(np.float32),
        confidence=np.array([row.confidence for row in rows], np.float32),
        probabilities=_probabilities([row.probabilities for row in rows]),
        landmarks=None if landmarks is None else landmarks.astype(np.float32),
        raw_probabilities=_probabilities([one for one in raw if one is not None]) if all(raw) else None,
        track_id=np.array(track_ids),
    )


def _probabilities(rows: list[Probabilities]) -> NDArray[np.float32]:
    return np.array([[getattr(row, label) for label in EMOTIONS] for row in rows], np.float32)
