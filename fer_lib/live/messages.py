"""What page and kernel say to each other, as plain values.

page → kernel   frame {id, time_s} with one JPEG, state {state, detail},
stats {results_per_s, round_trip_ms, frame_to_overlay_ms}, record {on}, forget, download {kind},
adjust {smoothing_s}, baseline {on}, examine, demo
kernel → page   answers to a frame: faces {id, faces, ms, recording when it got full, baseline while it is made},
skipped {id}, loading {id}, broken {id, detail}; to a state that is off: news {recording, baseline} if that ended them;
to the others: recording {on, full, frames, rows, span_s, everyone, people, more}, file {kind} with its text,
baseline {running, on, left_s, detail}, checkup {versions, weights}, demo with a picture, refused {detail};
and of its own accord: start, stop
"""

from __future__ import annotations

import sys
from typing import Any

from fer_lib.faces import Faces

Message = dict[str, Any]
LARGEST = sys.float_info.max


def describe_faces(faces: Faces) -> list[Message]:
    """Return faces as plain values for the page, some 150 bytes each; unknown columns are left out."""
    rows: list[Message] = []
    for i, xyxy in enumerate(faces.xyxy.tolist()):
        row: Message = {"xyxy": [round(v, 1) for v in xyxy], "confidence": round(float(faces.confidence[i]), 3)}
        if faces.track_id is not None:
            row["track_id"] = int(faces.track_id[i])
        if faces.probabilities is not None:
            values = [round(v, 4) for v in faces.probabilities[i].tolist()]
            row |= {"label": faces.labels[i], "probability": max(values), "probabilities": values}
        rows.append(row)
    return rows


def is_number(value: Any) -> bool:
    """Say whether a value from the page is a finite number."""
    # An integer of JSON has any number of digits, and only compares with a float where it can't become one.
    return isinstance(value, (int, float)) and not isinstance(value, bool) and -LARGEST <= value <= LARGEST
