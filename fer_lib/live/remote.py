"""A stream at the service: frames go there over a websocket, faces come back."""

from __future__ import annotations

import json
import time
from typing import Any

import numpy as np
import websocket

from fer_lib.faces import Faces
from fer_lib.labels import EMOTIONS
from fer_lib.settings import PageSettings


class ServiceGoneError(Exception):
    """The service can't be reached, or stopped to answer."""


class ServiceFullError(ServiceGoneError):
    """The service answers that it has no room for this stream, or no time for this frame."""


class RemoteStream:
    """One stream whose faces the service finds, follows and reads; for one thread at a time.

    Attributes:
        timings_ms: `total`, from sending the last frame to its answer.

    Raises:
        ServiceGoneError: if there is no service that takes a stream.
    """

    def __init__(self, settings: PageSettings) -> None:
        self.timings_ms: dict[str, float] = {}
        try:
            self._socket = websocket.create_connection(
                stream_address(settings), timeout=settings.service_timeout_s, enable_multithread=False
            )
        except websocket.WebSocketBadStatusException as error:
            raise (ServiceFullError if error.status_code == 503 else ServiceGoneError)(str(error)) from None
        except (OSError, ValueError, websocket.WebSocketException) as error:
            raise ServiceGoneError(str(error)) from None

    def process_jpeg(self, data: bytes) -> Faces:
        """Send the next frame and wait for its faces.

        Raises:
            ValueError: if the frame can't be looked at.
            ServiceGoneError: if there is no answer; this stream is of no more use.
        """
        start = time.perf_counter()
        try:
            self._socket.send_binary(data)
            # Empty when the service said goodbye.
            answer = json.loads(self._socket.recv() or "null")
            faces = _read_faces(answer)
        except (OSError, websocket.WebSocketException) as error:
            raise ServiceGoneError(str(error)) from None
        except (LookupError, TypeError, AttributeError, json.JSONDecodeError):
            raise ServiceGoneError("it answers in a way that is not understood") from None
        self.timings_ms = {"total": (time.perf_counter() - start) * 1000}
        return faces

    def close(self) -> None:
        """Hang up, without waiting for a goodbye."""
        self._socket.shutdown()


def stream_address(settings: PageSettings) -> str:
    """Return where the service takes streams; `service_url` must be set."""
    # http becomes ws, and https wss.
    return f"{settings.service_url}".rstrip("/").replace("http", "ws", 1) + "/stream"


def _read_faces(answer: dict[str, Any]) -> Faces:
    if answer.get("status") == 503:
        raise ServiceFullError(answer["detail"])
    if "detail" in answer:
        raise ValueError(answer["detail"])
    rows = answer["faces"]
    if not rows:
        return Faces.empty()
    return Faces(
        xyxy=np.array([row["box"] for row in rows], np.float32),
        confidence=np.array([row["confidence"] for row in rows], np.float32),
        probabilities=_read_probabilities(rows, "probabilities"),
        # What the service does not know it leaves out.
        landmarks=np.array([row["landmarks"] for row in rows], np.float32) if "landmarks" in rows[0] else None,
        raw_probabilities=_read_probabilities(rows, "raw_probabilities") if "raw_probabilities" in rows[0] else None,
        track_id=np.array([row["track_id"] for row in rows]),
    )


def _read_probabilities(rows: list[dict[str, Any]], name: str) -> Any:
    return np.array([[row[name][label] for label in EMOTIONS] for row in rows], np.float32)
