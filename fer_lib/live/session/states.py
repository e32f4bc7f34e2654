"""States of the live page: the sentence shown for each, and what is possible in it.

`{faces}` and `{detail}` are filled in by the page, for which `.ci/page_constants.py` generates a copy of these tables.
"""

from __future__ import annotations

STATES: dict[str, str] = {
    "ready": "Press Start and allow the camera.",
    "waiting": "Waiting for your permission: the browser asks whether this page may use the camera.",
    "opening": "Opening …",
    "loading": "Loading the networks …",
    "running": "Live. Faces in view: {faces}.",
    "no-face": "No face in view. Move closer to the camera, or turn on a light.",
    "no-reply": "No reply: the connection or the server is slow. The page keeps trying.",
    "paused": "Paused while this page is hidden.",
    "stopped": "Stopped. The camera is off.",
    "refused": "The camera was refused. Allow it for this page in the browser's address bar, then press Start.",
    "unreadable": "This file can't be shown. {detail}",
    "no-camera": "No camera was found. Connect one, then press Start.",
    "in-use": "The camera is in use by another program. Close that program, then press Start.",
    "insecure": "Browsers allow the camera on secure pages only. Open this page over https or on localhost.",
    "disconnected": "The camera was disconnected. Connect it again, then press Start.",
    "kernel-ended": "The kernel of this page has ended, so the camera was switched off. Reload the page, or run the notebook again.",
    "offline": "The connection to the server is lost, so the camera was switched off. The page keeps trying to reconnect.",
    "reconnected": "The connection to the server is restored. Press Start.",
    "broken": "The frames can't be processed, so the camera was switched off. {detail}",
    "failed": "The camera could not be started. {detail}",
}

# A source is being opened; a new stream begins.
OPENING_STATES = frozenset({"waiting", "opening"})
# A stream is open: a recording or a neutral calibration continues.
STREAMING_STATES = frozenset({"loading", "running", "no-face", "no-reply", "paused"})
# Recording, snapshot, clip and calibration are enabled: a stream is open and the networks are loaded.
TOOL_STATES = STREAMING_STATES - {"loading"}
# The camera is off: Start is enabled.
OFF_STATES = frozenset(STATES) - OPENING_STATES - STREAMING_STATES
