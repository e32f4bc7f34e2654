"""What is happening, in words that a visitor understands.

The page shows the sentence of its state; `{faces}` and `{detail}` are filled in there.
"""

# The camera is on, and what is recorded goes on.
LIVE = frozenset({"loading", "running", "no-face", "unheard", "paused"})

STATES: dict[str, str] = {
    "ready": "Press Start and allow the camera.",
    "waiting": "Waiting for your permission: the browser asks whether this page may use the camera.",
    "opening": "Opening …",
    "loading": "Loading the networks …",
    "running": "Live. Faces in view: {faces}.",
    "no-face": "No face in view. Come a little closer, or turn on a light.",
    "unheard": "No answer for a moment: the connection or the server is slow. The page keeps trying.",
    "paused": "Paused while this page is hidden.",
    "stopped": "Stopped. The camera is off.",
    "refused": "The camera was refused. Allow it for this page in the browser's address bar, then press Start.",
    "unreadable": "This file can't be shown. {detail}",
    "no-camera": "No camera was found. Connect one, then press Start.",
    "in-use": "The camera is in use by another program. Close that program, then press Start.",
    "insecure": "Browsers give the camera to secure pages only. Open this page over https or on localhost.",
    "disconnected": "The camera was disconnected. Connect it again, then press Start.",
    "kernel-gone": "The kernel behind this page is gone, so the camera was switched off. Reload the page, or run the notebook again.",
    "offline": "The connection to the server is lost, so the camera was switched off. The page keeps trying to get it back.",
    "back": "The connection to the server is back. Press Start.",
    "broken": "Faces can't be read, so the camera was switched off. {detail}",
    "failed": "The camera could not be started. {detail}",
}
