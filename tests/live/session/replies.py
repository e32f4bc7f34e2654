"""Replies of an inference service for tests."""

import json

from fer_lib.labels import EMOTIONS


def make_face(**changes: object) -> dict:
    rows = dict.fromkeys(EMOTIONS, 0.0) | {"happy": 1.0}
    points = [[1.0, 2.0]] * 5
    face = {"box": [1, 2, 30, 40], "confidence": 0.9, "landmarks": points, "label": "happy", "probabilities": rows}
    return {**face, "raw_probabilities": rows, "track_id": 1, **changes}


def make_reply(*faces: dict, **changes: object) -> str:
    return json.dumps({"frame": 0, "faces": list(faces), **changes})
