"""Inference pipeline for a stream of frames: detect or follow, track, classify, smooth.

A full detection costs ten times as much as all other stages. Therefore most frames only follow the known faces with
the O-Net, and the emotion network only classifies faces whose crop has changed.
"""

from __future__ import annotations

import math

import numpy as np

from fer_lib.boxes import box_sizes, clip_boxes
from fer_lib.crops import Pixels
from fer_lib.faces import Faces
from fer_lib.images.decoding import decode_reduced
from fer_lib.neutral_offset import Floats, add_offset, check_offset
from fer_lib.settings.vision import VisionSettings
from fer_lib.vision.malloc_trim import trim_memory
from fer_lib.vision.matching import merge_faces, move_faces, scale_faces, unmatched_faces
from fer_lib.vision.media.frames import as_frame
from fer_lib.vision.mtcnn.detection import SAME_FACE_IOU, STANDARD_SIDE, Detector
from fer_lib.vision.recognition import Recognizer
from fer_lib.vision.result_cache import ResultCache
from fer_lib.vision.round_robin import RoundRobin
from fer_lib.vision.schedule import DetectionSchedule
from fer_lib.vision.smoothing import Smoother
from fer_lib.vision.stopwatch import Stopwatch
from fer_lib.vision.tracking import Tracker


def load_pipeline(settings: VisionSettings | None = None) -> Pipeline:
    """Load the networks and build a pipeline; `settings` default to those of the environment.

    Raises:
        FileNotFoundError: if weights are missing.
        ValueError: if weights are damaged or a setting is invalid.
    """
    settings = settings or VisionSettings.load()
    pipeline = Pipeline(Detector(settings), Recognizer(settings), settings)
    trim_memory()
    return pipeline


class Pipeline:
    """Detection, tracking and classification of one stream of frames, and of single images. Not thread-safe.

    Attributes:
        settings: of all stages.
        mode: processing of the last frame: `detect`, `follow`, or `idle` if there were no faces to follow and no
            detection was due.
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
        """Reset the state of the stream: faces, track IDs and cached results. Networks and neutral offset are kept."""
        self.mode = "idle"
        self.timings_ms: dict[str, float] = {}
        self._schedule = DetectionSchedule(self.settings)
        self._tracker = Tracker(self.settings)
        self._round_robin = RoundRobin()
        self._cache = ResultCache(self.settings)
        self._smoother = Smoother(self.settings)
        self._last = Faces.empty()
        self._size = (0, 0)

    def adjust(self, smoothing_s: float) -> None:
        """Change the time constant of the smoothed probabilities from the next frame on, without a reset.

        Raises:
            ValueError: if the setting does not allow the value; nothing changes then.
        """
        checked = VisionSettings.validate_value("smoothing_s", smoothing_s)
        self.settings = self._smoother.settings = self.settings.model_copy(update={"smoothing_s": checked})

    def calibrate(self, offset: Floats | None) -> None:
        """Set the neutral calibration: an offset of the logits of every face from the next frame on, before smoothing.

        `raw_probabilities` remain the output of the network without the offset.

        Args:
            offset: `(7,)` from `fer_lib.neutral_offset.estimate_offset`; `None` removes the calibration.

        Raises:
            ValueError: if it has another shape or values out of range; nothing changes then.
        """
        self._offset = None if offset is None else check_offset(offset)

    def process(self, frame: Pixels, time_s: float) -> Faces:
        """Process the next frame of the stream.

        Args:
            frame: RGB `(h, w, 3)` uint8; grey and RGBA are converted.
            time_s: capture time in seconds on any clock. Repeated, reordered or distant times are valid.

        Returns:
            Faces with all columns, the largest first; may be empty.

        Raises:
            TypeError: if `frame` is not an array of uint8.
            ValueError: if `frame` has another shape or `time_s` is not finite.
        """
        watch = Stopwatch()
        with watch.measure("total"):
            faces = self._process(as_frame(frame), time_s, watch)
        self.timings_ms = watch.timings_ms
        return faces

    def process_jpeg(self, data: bytes, time_s: float) -> Faces:
        """Decode and process the next frame of the stream from the content of a JPEG, PNG or WebP file.

        A JPEG of 1280 pixels or more is decoded at a fraction of its size, which is faster and sufficient for
        detection; boxes and landmarks are in pixels of the full size.

        Raises:
            ValueError: if `data` can't be decoded or has more than `max_pixels`, or `time_s` is not finite; the state
                of the stream is unchanged then.
        """
        watch = Stopwatch()
        with watch.measure("total"):
            with watch.measure("decode"):
                frame, factor = decode_reduced(data, STANDARD_SIDE, self.settings.max_pixels)
            faces = scale_faces(self._process(frame, time_s, watch), factor)
        self.timings_ms = watch.timings_ms
        return faces

    def analyze(self, frame: Pixels) -> Faces:
        """Detect and classify the faces of a single image, without `track_id`; the state of the stream is unchanged.

        Raises:
            TypeError: if `frame` is not an array of uint8.
            ValueError: if `frame` has another shape.
        """
        frame = as_frame(frame)
        return self._recognizer.recognize(frame, self._detector.detect(frame))

    def _process(self, frame: Pixels, time_s: float, watch: Stopwatch) -> Faces:
        if not math.isfinite(time_s):
            raise ValueError(f"`time_s` must be a finite number of seconds, but got {time_s}")
        located = self._locate(frame, time_s, watch)
        with watch.measure("track"):
            self._last = self._tracker.track(located, time_s)
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

    def _locate(self, frame: Pixels, time_s: float, watch: Stopwatch) -> Faces:
        """Locate the faces by following or detection: `xyxy`, `confidence` and `landmarks`, the largest first."""
        known = self._known_faces(frame)
        confirmed = predicted = Faces.empty()
        self.mode = "idle"
        if len(known):
            self.mode = "follow"
            with watch.measure("follow"):
                confirmed, predicted = self._follow(frame, known, time_s)
        followed = merge_faces(confirmed, predicted, SAME_FACE_IOU) if len(predicted) else confirmed
        lost = len(followed) < len(known)
        if self._schedule.is_due(time_s, following=len(followed) > 0, lost=lost):
            self.mode = "detect"
            with watch.measure("detect"):
                followed = self._detect(frame, confirmed, predicted)
        elif lost:
            # Keep a lost face at its last place until the next detection, so that its box does not flicker.
            followed = merge_faces(followed, known, self.settings.track_overlap)
        by_size = np.argsort(-box_sizes(followed.xyxy).prod(axis=1), kind="stable")
        return followed[by_size[: self.settings.max_faces]]

    def _detect(self, frame: Pixels, confirmed: Faces, predicted: Faces) -> Faces:
        """Detect the faces of a frame, and keep followed faces that the detector misses."""
        # Hysteresis: the threshold of detection is higher than that of following, so that faces do not flicker.
        faces = merge_faces(self._detector.detect(frame), confirmed, self.settings.track_overlap)
        # Drop faces that the O-Net can't confirm, even if they were not scheduled in this frame.
        unconfirmed = unmatched_faces(faces, predicted, self.settings.track_overlap)
        if not len(unconfirmed):
            return faces
        return merge_faces(faces, self._detector.follow(frame, unconfirmed.xyxy), self.settings.track_overlap)

    def _known_faces(self, frame: Pixels) -> Faces:
        """Return the faces of the last frame; none if the frame size has changed, because their boxes are invalid then."""
        if frame.shape[:2] != self._size:
            self._size = frame.shape[:2]
            self._last = Faces.empty()
            self._schedule = DetectionSchedule(self.settings)
        return self._last

    def _follow(self, frame: Pixels, known: Faces, time_s: float) -> tuple[Faces, Faces]:
        """Follow the faces that are due (round robin).

        Returns:
            The faces that the O-Net confirms, and those not due, at the boxes that the tracker predicts.
        """
        expected = clip_boxes(self._tracker.predict(time_s), frame.shape[1], frame.shape[0])
        inside = box_sizes(expected).min(axis=1) >= 1
        known, expected = known[inside], expected[inside]
        due = self._round_robin.select(np.asarray(known.track_id), self.settings.follow_at_once)
        others = np.setdiff1d(np.arange(len(known)), due)
        return self._detector.follow(frame, expected[due]), move_faces(known[others], expected[others])

    def _recognize(self, frame: Pixels, faces: Faces, time_s: float) -> Faces:
        """Add `probabilities`; all faces with a stale result are classified in one batch."""
        track_id = np.asarray(faces.track_id)
        crops = self._recognizer.crop(frame, faces)
        stale = self._cache.stale(crops, track_id, time_s)
        self._cache.store(crops[stale], track_id[stale], self._recognizer.classify(crops[stale]), time_s)
        return faces.with_columns(probabilities=self._cache.read(track_id))
