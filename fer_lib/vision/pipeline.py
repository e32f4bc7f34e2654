"""A frame becomes faces with emotions: detect or follow, recognise, track, smooth.

A full detection costs ten times as much as everything else, so most frames of a stream only follow the
faces that are known already, and the emotion network only looks at faces that have changed.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from fer_lib.boxes import Boxes, box_centers, box_sizes, clip_boxes, iou
from fer_lib.crops import Pixels
from fer_lib.faces import Faces
from fer_lib.images.decoding import decode_reduced
from fer_lib.neutral_offset import Floats, add_offset, check_offset
from fer_lib.settings.vision import VisionSettings
from fer_lib.vision.malloc_trim import trim_memory
from fer_lib.vision.media.frames import as_frame
from fer_lib.vision.mtcnn.detection import SAME_FACE, STANDARD_SIDE, Detector
from fer_lib.vision.recognition import Recognizer
from fer_lib.vision.result_cache import ResultCache
from fer_lib.vision.round_robin import RoundRobin
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
    pipeline = Pipeline(Detector(settings), Recognizer(settings), settings)
    trim_memory()
    return pipeline


class Pipeline:
    """One stream of frames, and single pictures beside it. For one thread at a time.

    Attributes:
        settings: the knobs it was made with.
        mode: what the last frame needed: `detect`, `follow`, or `idle` if it was not looked at because there
            was no face a moment ago.
        timings_ms: milliseconds by stage (`STAGES`) of the last frame, only of the stages that ran; `track` includes
            smoothing.
    """

    def __init__(self, detector: Detector, recognizer: Recognizer, settings: VisionSettings | None = None) -> None:
        self.settings = settings or VisionSettings.load()
        self._detector = detector
        self._recognizer = recognizer
        self._offset: Floats | None = None
        self.reset()

    def reset(self) -> None:
        """Forget the stream: faces, numbers and results. The networks stay loaded, and the neutral offset stays."""
        self.mode = "idle"
        self.timings_ms: dict[str, float] = {}
        self._schedule = DetectionSchedule(self.settings)
        self._tracker = Tracker(self.settings)
        self._turns = RoundRobin()
        self._cache = ResultCache(self.settings)
        self._smoother = Smoother(self.settings)
        self._last = Faces.empty()
        self._size = (0, 0)

    def adjust(self, smoothing_s: float) -> None:
        """Smooth the probabilities with another time constant from the next frame on; the stream goes on.

        Raises:
            ValueError: if it is not one of the values that the setting allows; nothing changes.
        """
        checked = VisionSettings.validate_value("smoothing_s", smoothing_s)
        self.settings = self._smoother.settings = self.settings.model_copy(update={"smoothing_s": checked})

    def calibrate(self, offset: Floats | None) -> None:
        """Add an offset to the logits of every face of the stream from the next frame on, before smoothing.

        `raw_probabilities` stay what the network said.

        Args:
            offset: `(7,)`, as `fer_lib.neutral_offset.estimate_offset` returns it; `None`: none any more.

        Raises:
            ValueError: if it has another shape, or holds impossible numbers; nothing changes.
        """
        self._offset = None if offset is None else check_offset(offset)

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

        A JPEG from 1280 pixels on is decoded at a part of its size, which faces can do without and costs much less;
        boxes and landmarks are still in pixels of the picture.

        Raises:
            ValueError: if `data` can't be decoded or has more than `max_pixels`, or `time_s` is not finite; the stream is not disturbed.
        """
        watch = Stopwatch()
        with watch.measure("total"):
            with watch.measure("decode"):
                frame, part = decode_reduced(data, STANDARD_SIDE, self.settings.max_pixels)
            faces = enlarge(self._process(frame, time_s, watch), part)
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
            smooth = self._smoother.smooth(self._calibrated(faces), time_s)
            boxes = clip_boxes(smooth.xyxy, frame.shape[1], frame.shape[0])
            return smooth.with_columns(xyxy=boxes, raw_probabilities=faces.probabilities)

    def _calibrated(self, faces: Faces) -> Faces:
        if self._offset is None:
            return faces
        return faces.with_columns(probabilities=add_offset(np.asarray(faces.probabilities), self._offset))

    def _find(self, frame: Pixels, time_s: float, watch: Stopwatch) -> Faces:
        """Find the faces, as cheaply as possible: `xyxy`, `confidence` and `landmarks`, the largest first."""
        known = self._known(frame)
        seen = unseen = Faces.empty()
        self.mode = "idle"
        if len(known):
            self.mode = "follow"
            with watch.measure("follow"):
                seen, unseen = self._follow(frame, known, time_s)
        followed = add_missing(seen, unseen, SAME_FACE) if len(unseen) else seen
        lost = len(followed) < len(known)
        if self._schedule.due(time_s, following=len(followed) > 0, lost=lost):
            self.mode = "detect"
            with watch.measure("detect"):
                followed = self._detect(frame, seen, unseen)
        elif lost:
            # Until the next detection decides, a lost face stays where it was: better than a flickering box.
            followed = add_missing(followed, known, self.settings.track_overlap)
        largest_first = np.argsort(-box_sizes(followed.xyxy).prod(axis=1), kind="stable")
        return followed[largest_first[: self.settings.max_faces]]

    def _detect(self, frame: Pixels, seen: Faces, unseen: Faces) -> Faces:
        """Detect the faces of a frame; those that were seen in it by following, and were not detected, stay."""
        # The detector asks for more confidence than following does, so that faces do not come and go.
        faces = add_missing(self._detector.detect(frame), seen, self.settings.track_overlap)
        # Whoever can't be followed either has left, also if it was not their turn.
        doubtful = find_missing(faces, unseen, self.settings.track_overlap)
        if not len(doubtful):
            return faces
        return add_missing(faces, self._detector.follow(frame, doubtful.xyxy), self.settings.track_overlap)

    def _known(self, frame: Pixels) -> Faces:
        """Return the faces of the last frame, unless it was of another size, where boxes mean nothing now."""
        if frame.shape[:2] != self._size:
            self._size = frame.shape[:2]
            self._last = Faces.empty()
            self._schedule = DetectionSchedule(self.settings)
        return self._last

    def _follow(self, frame: Pixels, known: Faces, time_s: float) -> tuple[Faces, Faces]:
        """Find those faces again whose turn it is; return them, and the others, which are taken to move on as they did."""
        expected = clip_boxes(self._tracker.predict(time_s), frame.shape[1], frame.shape[0])
        inside = box_sizes(expected).min(axis=1) >= 1
        known, expected = known[inside], expected[inside]
        asked = self._turns.take(np.asarray(known.track_id), self.settings.follow_at_once)
        others = np.setdiff1d(np.arange(len(known)), asked)
        return self._detector.follow(frame, expected[asked]), move(known[others], expected[others])

    def _recognize(self, frame: Pixels, faces: Faces, time_s: float) -> Faces:
        """Add `probabilities`; all faces that need a new look go through the network in one batch."""
        track_id = np.asarray(faces.track_id)
        crops = self._recognizer.crop(frame, faces)
        stale = self._cache.stale(crops, track_id, time_s)
        self._cache.store(crops[stale], track_id[stale], self._recognizer.classify(crops[stale]), time_s)
        return faces.with_columns(probabilities=self._cache.read(track_id))


def enlarge(faces: Faces, factor: NDArray[np.float32]) -> Faces:
    """Return faces of a frame whose pixels are `factor` times as large, `(2,)` as x and y."""
    if (factor == 1).all():
        return faces
    landmarks = None if faces.landmarks is None else faces.landmarks * factor
    return faces.with_columns(xyxy=faces.xyxy * np.tile(factor, 2), landmarks=landmarks)


def move(faces: Faces, xyxy: Boxes) -> Faces:
    """Return the faces with other boxes, `(n, 4)` pixels, and their landmarks moved along."""
    landmarks = faces.landmarks
    if landmarks is not None:
        landmarks = landmarks + (box_centers(xyxy) - box_centers(faces.xyxy))[:, None]
    return faces.with_columns(xyxy=xyxy, landmarks=landmarks)


def find_missing(first: Faces, second: Faces, least_overlap: float) -> Faces:
    """Return those faces of `second` that overlap none of `first`."""
    return second[~(iou(second.xyxy, first.xyxy) >= least_overlap).any(axis=1)]


def add_missing(first: Faces, second: Faces, least_overlap: float) -> Faces:
    """Return `first` and those faces of `second` that overlap none of them: `xyxy`, `confidence`, `landmarks`."""
    tables = [table for table in (first, find_missing(first, second, least_overlap)) if len(table)]
    if not tables:
        return Faces.empty()
    landmarks = [table.landmarks for table in tables if table.landmarks is not None]
    return Faces(
        xyxy=np.concatenate([table.xyxy for table in tables]),
        confidence=np.concatenate([table.confidence for table in tables]),
        landmarks=np.concatenate(landmarks) if len(landmarks) == len(tables) else None,
    )
