"""Where are faces? MTCNN's three networks in ONNX Runtime, with everything between them in NumPy and OpenCV."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from fer_lib.boxes import Boxes, as_boxes, box_sizes, clip_boxes
from fer_lib.faces import Faces
from fer_lib.settings.vision import VisionSettings
from fer_lib.vision.media.frames import Frame, as_frame
from fer_lib.vision.mtcnn import cascade
from fer_lib.vision.mtcnn.networks import open_network
from fer_lib.vision.mtcnn.nms import suppress
from fer_lib.vision.mtcnn.sampling import Table, sample_areas, sum_areas
from fer_lib.weights import DETECTOR, load_weights

STANDARD_SIDE = 640  # pixels; `min_face_size` is meant for frames with this longer side
SAME_FACE = 0.7  # from this overlap on, two boxes are answers about the same face
MOST_CANDIDATES = 400  # per stage: more than any frame of people has, few enough for a frame of noise


class Detector:
    """MTCNN: P-Net proposes, R-Net refines, O-Net decides and finds five landmarks.

    The same boxes as `facenet_pytorch.MTCNN` with the same thresholds, several times faster. A frame whose longer
    side is over 640 pixels is reduced to that first, and `min_face_size` means pixels at that size, so the cost
    does not grow with the resolution; smaller frames are searched for proportionally smaller faces, down to 12
    pixels. Each stage keeps at most 400 candidates, the most confident, so that no frame can take forever.

    Args:
        settings: thresholds, sizes, threads and the folder of the weights.

    Raises:
        FileNotFoundError: if weights are missing.
        ValueError: if they are damaged.
    """

    def __init__(self, settings: VisionSettings | None = None) -> None:
        self.settings = settings if settings is not None else VisionSettings.load()
        folder, threads = self.settings.weights_dir, self.settings.threads
        self._pnet, self._rnet, self._onet = (open_network(load_weights(name, folder), threads) for name in DETECTOR)

    def detect(self, frame: Frame) -> Faces:
        """Find all faces of a frame.

        Args:
            frame: RGB uint8 `(h, w, 3)`; grey and transparent ones are taken too.

        Returns:
            Boxes, confidence and landmarks in pixels of the frame, the largest face first.
        """
        frame = as_frame(frame)
        reduced, factor = _reduce(frame)
        table = sum_areas(reduced)
        boxes = self._propose(table)
        boxes = self._refine(table, boxes)
        boxes, confidence, landmarks = self._decide(table, boxes, self.settings.output_threshold)
        kept = suppress(boxes, confidence, SAME_FACE, "smaller")
        return self._report(frame, boxes[kept] * factor, confidence[kept], landmarks[kept] * factor)

    def follow(self, frame: Frame, xyxy: Boxes) -> Faces:
        """Find faces again that were seen a moment ago, by the O-Net alone.

        Args:
            frame: RGB uint8 `(h, w, 3)`.
            xyxy: `(n, 4)` where the faces were, in pixels.

        Returns:
            The faces that are still there with at least `follow_threshold`, in the order of `xyxy`, each once.
        """
        frame = as_frame(frame)
        boxes = cascade.make_square(as_boxes(xyxy))
        near, origin = _cut_surroundings(frame, boxes)
        if near is None:
            return _no_faces()
        reduced, factor = _reduce(near)
        shifted = (boxes - np.tile(origin, 2)) / factor
        found, confidence, landmarks = self._decide(sum_areas(reduced), shifted, self.settings.follow_threshold)
        kept = np.sort(suppress(found, confidence, SAME_FACE, "smaller"))
        found, landmarks = found[kept] * factor + np.tile(origin, 2), landmarks[kept] * factor + origin
        return self._report(frame, found.astype(np.float32), confidence[kept], landmarks, largest_first=False)

    def _propose(self, table: Table) -> Boxes:
        """Search all scales with the P-Net; return squares."""
        height, width = table.shape[0] - 1, table.shape[1] - 1
        smallest = max(self.settings.min_face_size * max(height, width) / STANDARD_SIDE, cascade.CELL)
        whole = np.array([[0, 0, width, height]])
        found = [_no_proposals()]
        for scale in cascade.pyramid_scales(height, width, smallest, self.settings.pyramid_factor):
            pixels = sample_areas(table, whole, int(height * scale + 1), int(width * scale + 1))
            shifts, sure = self._pnet.run(None, {"pixels": pixels})
            proposals = cascade.read_proposals(shifts[0], sure[0], scale, self.settings.proposal_threshold)
            best = cascade.keep_best(proposals[1], MOST_CANDIDATES)
            kept = best[suppress(proposals[0][best], proposals[1][best], 0.5)]
            found.append(tuple(column[kept] for column in proposals))
        xyxy, sure, shifts = (np.concatenate(column) for column in zip(*found, strict=True))
        best = cascade.keep_best(sure, MOST_CANDIDATES)
        kept = best[suppress(xyxy[best], sure[best], 0.7)]
        return cascade.make_square(cascade.shift_boxes(xyxy[kept], shifts[kept], 0))

    def _refine(self, table: Table, boxes: Boxes) -> Boxes:
        """Ask the R-Net about squares; return the squares that stay."""
        boxes, answers = self._ask(self._rnet, table, boxes, 24)
        if not answers:
            return boxes
        offsets, confidence = answers
        sure = confidence > self.settings.refine_threshold
        boxes, offsets, confidence = boxes[sure], offsets[sure], confidence[sure]
        kept = suppress(boxes, confidence, 0.7)
        return cascade.make_square(cascade.shift_boxes(boxes[kept], offsets[kept], 1))

    def _decide(
        self, table: Table, boxes: Boxes, threshold: float
    ) -> tuple[Boxes, NDArray[np.float32], NDArray[np.float32]]:
        """Ask the O-Net about squares; return boxes, confidence and landmarks of those that are faces."""
        boxes, answers = self._ask(self._onet, table, boxes, 48)
        if not answers:
            return boxes, np.zeros(0, np.float32), np.zeros((0, 5, 2), np.float32)
        offsets, confidence, landmarks = answers
        sure = confidence > threshold
        placed = cascade.place_landmarks(boxes[sure], landmarks[sure])
        return cascade.shift_boxes(boxes[sure], offsets[sure], 1), confidence[sure], placed

    def _ask(self, network: Any, table: Table, boxes: Boxes, size: int) -> tuple[Boxes, list[NDArray[np.float32]]]:
        """Show a network all squares in one batch; those outside the frame are left out, nothing is asked about none."""
        squares, inside = cascade.cut_squares(boxes, table.shape[0] - 1, table.shape[1] - 1)
        if not inside.any():
            return boxes[inside], []
        return boxes[inside], network.run(None, {"pixels": sample_areas(table, squares[inside], size, size)})

    def _report(
        self,
        frame: Frame,
        boxes: Boxes,
        confidence: NDArray[np.float32],
        landmarks: NDArray[np.float32],
        largest_first: bool = True,
    ) -> Faces:
        clipped = clip_boxes(boxes, frame.shape[1], frame.shape[0])
        areas = box_sizes(clipped).prod(axis=1)
        order = np.argsort(-areas, kind="stable")
        chosen = order[areas[order] > 0][: self.settings.max_faces]
        chosen = chosen if largest_first else np.sort(chosen)
        return Faces(clipped[chosen], np.clip(confidence[chosen], 0, 1), landmarks[chosen])


def _reduce(frame: Frame) -> tuple[Frame, float]:
    """Reduce a large frame to the standard side; return it and how much smaller it is."""
    height, width = frame.shape[:2]
    factor = max(height, width) / STANDARD_SIDE
    if factor <= 1:
        return frame, 1.0
    size = (max(round(width / factor), 1), max(round(height / factor), 1))
    return np.asarray(cv2.resize(frame, size, interpolation=cv2.INTER_AREA), np.uint8), factor


def _cut_surroundings(frame: Frame, boxes: Boxes) -> tuple[Frame | None, NDArray[np.float32]]:
    """Cut out the part of a frame that holds all boxes, so that only there areas are summed; `None` if they hold none."""
    squares, inside = cascade.cut_squares(boxes, *frame.shape[:2])
    if not inside.any():
        return None, np.zeros(2, np.float32)
    x1, y1 = (int(v) for v in squares[inside, :2].min(axis=0))
    x2, y2 = (int(v) for v in squares[inside, 2:].max(axis=0))
    return np.ascontiguousarray(frame[y1:y2, x1:x2]), np.array([x1, y1], np.float32)


def _no_proposals() -> tuple[NDArray[np.float32], ...]:
    return np.zeros((0, 4), np.float32), np.zeros(0, np.float32), np.zeros((0, 4), np.float32)


def _no_faces() -> Faces:
    return Faces(np.zeros((0, 4), np.float32), np.zeros(0, np.float32), np.zeros((0, 5, 2), np.float32))
