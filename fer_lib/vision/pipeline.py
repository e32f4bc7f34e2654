"""A frame becomes faces with emotions: detect or follow, recognise, track, smooth.

A full detection costs ten times as much as everything else, so most frames of a stream only follow the
faces that are known already, and the emotion network only looks at faces that have changed.
"""

from __future__ import annotations

import math

import numpy as np

from fer_lib.boxes import box_sizes, clip_boxes, overlap
from fer_lib.crops import Pixels
from fer_lib.faces import Faces
from fer_lib.settings import VisionSettings
from fer_lib.vision.caching import ResultCache
from fer_lib.vision.detection import Detector
from fer_lib.vision.frames import as_frame, decode_jpeg
from fer_lib.vision.recognition import Recognizer
from fer_lib.vision.schedule import DetectionSchedule
from fer_lib.vision.smoothing import Smoother
from fer_lib.vision.stopwatch import Stopwatch
from fer_lib.vision.tracking import Tracker


def load_pipeline(settings: VisionSettings | None = None) -> Pipeline:
    """Load the networks and put the pipeline together; without `settings` they are resolved as usual.

    Raises:
        FileNotFoundError: if weights are missing.
        ValueError: if weights are damaged or a setting is wrong.
    """
    settings = settings or VisionSettings.load()
    return Pipeline(Detector(settings), Recognizer(settings), settings)


class Pipeline:
    """One stream of frames, and single pictures beside it. For one thread at a time.

    Attributes:
        settings: the knobs it was made with.
        mode: what the last frame needed: `detect`, `follow`, or `idle` if it was not looked at because there
            was no face a moment ago.
        timings_ms: milliseconds of each stage of the last frame, only of those that ran: `decode`, `follow`,
            `detect`, `track` (with smoothing), `recognize`, and `total`.
    """

    def __init__(self, detector: Detector, recognizer: Recognizer, settings: VisionSettings | None = None) -> None:
        self.settings = settings or VisionSettings.load()
        self._detector = detector
        self._recognizer = recognizer
        self.reset()

    def reset(self) -> None:
        """Forget the stream: faces, numbers and results. The networks stay loaded."""
        self.mode = "idle"
        self.timings_ms: dict[str, float] = {}
        self._schedule = DetectionSchedule(self.settings)
        self._tracker = Tracker(self.settings)
        self._cache = ResultCache(self.settings)
        self._smoother = Smoother(self.settings)
        self._last = Faces.empty()
        self._size = (0, 0)

    def adjust(self, smoothing_s: float) -> None:
        """Smooth the probabilities with another time constant from the next frame on; the stream goes on.

        Raises:
            ValueError: if it is not one of the values that the setting allows; nothing changes.
        """
        checked = VisionSettings.load(smoothing_s=smoothing_s).smoothing_s
        self.settings = self._smoother.settings = self.settings.model_copy(update={"smoothing_s": checked})

    def process(self, frame: Pixels, time_s: float) -> Faces:
        """Understand the next frame of the stream.

        Args:
            frame: RGB `(h, w, 3)` uint8; grey or with alpha will do.
            time_s: when it was taken, in seconds on any clock. Repeated, reordered or far-apart times are fine.

        Returns:
            All columns of every face, the largest face first; no faces are normal.

        Raises:
            ValueError: if `frame` is not a picture or `time_s` is not finite.
        """
        watch = Stopwatch()
        with watch.measure("total"):
            faces = self._process(as_frame(frame), time_s, watch)
        self.timings_ms = watch.timings_ms
        return faces

    def process_jpeg(self, data: bytes, time_s: float) -> Faces:
        """Do the same with a picture in a file's bytes: JPEG, PNG or WebP.

        Raises:
            ValueError: if `data` can't be decoded or has more than `max_pixels`, or `time_s` is not finite; the stream is not disturbed.
        """
        watch = Stopwatch()
        with watch.measure("total"):
            with watch.measure("decode"):
                frame = decode_jpeg(data, self.settings.max_pixels)
            faces = self._process(frame, time_s, watch)
        self.timings_ms = watch.timings_ms
        return faces

    def analyze(self, frame: Pixels) -> Faces:
        """Understand one picture on its own: full detection, no memory, no `track_id`; the stream goes on after it.

        Raises:
            ValueError: if `frame` is not a picture.
        """
        frame = as_frame(frame)
        return self._recognizer.recognize(frame, self._detector.detect(frame))

    def _process(self, frame: Pixels, time_s: float, watch: Stopwatch) -> Faces:
        if not math.isfinite(time_s):
            raise ValueError(f"`time_s` must be a finite number of seconds, but got {time_s}")
        found = self._find(frame, time_s, watch)
        with watch.measure("track"):
            self._last = self._tracker.track(found, time_s)
        with watch.measure("recognize"):
            faces = self._recognize(frame, self._last, time_s)
        with watch.measure("track"):
            smooth = self._smoother.smooth(faces, time_s)
            return smooth.with_columns(xyxy=clip_boxes(smooth.xyxy, frame.shape[1], frame.shape[0]))

    def _find(self, frame: Pixels, time_s: float, watch: Stopwatch) -> Faces:
        """Find the faces, as cheaply as possible: `xyxy`, `confidence` and `landmarks`, the largest first."""
        known = self._known(frame)
        followed = Faces.empty()
        self.mode = "idle"
        if len(known):
            self.mode = "follow"
            with watch.measure("follow"):
                followed = self._follow(frame, time_s)
        lost = len(followed) < len(known)
        if self._schedule.due(time_s, following=len(followed) > 0, lost=lost):
            self.mode = "detect"
            with watch.measure("detect"):
                detected = self._detector.detect(frame)
            # The detector asks for more confidence than following does, so that faces do not come and go.
            followed = add_missing(detected, followed, self.settings.track_overlap)
        elif lost:
            # Until the next detection decides, a lost face stays where it was: better than a flickering box.
            followed = add_missing(followed, known, self.settings.track_overlap)
        largest_first = np.argsort(-box_sizes(followed.xyxy).prod(axis=1), kind="stable")
        return followed[largest_first[: self.settings.max_faces]]

    def _known(self, frame: Pixels) -> Faces:
        """Return the faces of the last frame, unless it was of another size, where boxes mean nothing now."""
        if frame.shape[:2] != self._size:
            self._size = frame.shape[:2]
            self._last = Faces.empty()
            self._schedule = DetectionSchedule(self.settings)
        return self._last

    def _follow(self, frame: Pixels, time_s: float) -> Faces:
        expected = clip_boxes(self._tracker.predict(time_s), frame.shape[1], frame.shape[0])
        return self._detector.follow(frame, expected[box_sizes(expected).min(axis=1) >= 1])

    def _recognize(self, frame: Pixels, faces: Faces, time_s: float) -> Faces:
        """Add `probabilities`; all faces that need a new look go through the network in one batch."""
        track_id = np.asarray(faces.track_id)
        crops = self._recognizer.crop(frame, faces)
        stale = self._cache.stale(crops, track_id, time_s)
        self._cache.store(crops[stale], track_id[stale], self._recognizer.classify(crops[stale]), time_s)
        return faces.with_columns(probabilities=self._cache.read(track_id))


def add_missing(first: Faces, second: Faces, least_overlap: float) -> Faces:
    """Return `first` and those faces of `second` that overlap none of them: `xyxy`, `confidence`, `landmarks`."""
    missing = second[~(overlap(second.xyxy, first.xyxy) >= least_overlap).any(axis=1)]
    tables = [table for table in (first, missing) if len(table)]
    if not tables:
        return Faces.empty()
    landmarks = [table.landmarks for table in tables if table.landmarks is not None]
    return Faces(
        xyxy=np.concatenate([table.xyxy for table in tables]),
        confidence=np.concatenate([table.confidence for table in tables]),
        landmarks=np.concatenate(landmarks) if len(landmarks) == len(tables) else None,
    )
