"""Fakes of package classes for tests."""

from fer_lib.faces import Faces


class FakePipeline:
    """Pipeline that returns the same faces for data that begins with FACE; other data raises ValueError.

    Attributes:
        times: `time_s` of each frame.
        smoothings: values of each call of `adjust`.
        offsets: values of each call of `calibrate`.
        resets: number of calls of `reset`.
    """

    def __init__(self, faces: Faces) -> None:
        self.timings_ms = {"decode": 0.8123, "total": 4.5678}
        self.times: list[float] = []
        self.smoothings: list[float] = []
        self.offsets: list[object] = []
        self.resets = 0
        self._faces = faces

    def process_jpeg(self, data: bytes, time_s: float) -> Faces:
        self.times.append(time_s)
        if not data.startswith(b"FACE"):
            raise ValueError("`data` must be an image, but it can't be decoded")
        return self._faces

    def reset(self) -> None:
        self.resets += 1

    def adjust(self, smoothing_s: float) -> None:
        self.smoothings.append(smoothing_s)

    def calibrate(self, offset: object) -> None:
        self.offsets.append(offset)
