"""Face detection with MTCNN (Zhang et al., 2016): three networks in ONNX Runtime, the steps between them in NumPy."""

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
from fer_lib.vision.mtcnn.nms import nms
from fer_lib.vision.mtcnn.sampling import Table, sample_areas, summed_area_table
from fer_lib.weights import DETECTOR, load_weights

STANDARD_SIDE = 640  # pixels; `min_face_size` refers to frames whose longer side has this length
SAME_FACE_IOU = 0.7  # boxes with a greater overlap are detections of the same face
MAX_CANDIDATES = 400  # of a stage: more than frames with faces have, and a limit of the cost of a noisy frame


class Detector:
    """MTCNN: the P-Net proposes boxes, the R-Net refines them, the O-Net decides and locates five landmarks.

    It returns the same boxes as `facenet_pytorch.MTCNN` with the same thresholds, several times faster. A frame whose longer
    side is over 640 pixels is reduced to that first, and `min_face_size` means pixels at that size, so the cost
    does not grow with the resolution; smaller frames are searched for proportionally smaller faces, down to 12
    pixels. Each stage keeps at most 400 candidates, the most confident, which limits the time per frame.

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
        """Detect all faces of a frame.

        Args:
            frame: RGB uint8 `(h, w, 3)`; grey and RGBA are converted.

        Returns:
            Boxes, confidence and landmarks in pixels of the frame, the largest face first.
        """
        frame = as_frame(frame)
        reduced, factor = _reduce(frame)
        table = summed_area_table(reduced)
        boxes = self._run_pnet(table)
        boxes = self._run_rnet(table, boxes)
        boxes, confidence, landmarks = self._run_onet(table, boxes, self.settings.output_threshold)
        kept = nms(boxes, confidence, SAME_FACE_IOU, "smaller")
        return self._to_faces(frame, boxes[kept] * factor, confidence[kept], landmarks[kept] * factor)

    def follow(self, frame: Frame, xyxy: Boxes) -> Faces:
        """Follow faces of the last frame into this one, with the O-Net only.

        Args:
            frame: RGB uint8 `(h, w, 3)`.
            xyxy: `(n, 4)` expected boxes in pixels.

        Returns:
            The faces with a confidence above `follow_threshold`, in the order of `xyxy`, without duplicates.
        """
        frame = as_frame(frame)
        boxes = cascade.make_square(as_boxes(xyxy))
        region, origin = _crop_region(frame, boxes)
        if region is None:
            return _no_faces()
        reduced, factor = _reduce(region)
        shifted = (boxes - np.tile(origin, 2)) / factor
        boxes, confidence, landmarks = self._run_onet(
            summed_area_table(reduced), shifted, self.settings.follow_threshold
        )
        kept = np.sort(nms(boxes, confidence, SAME_FACE_IOU, "smaller"))
        boxes, landmarks = boxes[kept] * factor + np.tile(origin, 2), landmarks[kept] * factor + origin
        return self._to_faces(frame, boxes.astype(np.float32), confidence[kept], landmarks, largest_first=False)

    def _run_pnet(self, table: Table) -> Boxes:
        """Run the P-Net on all scales of the image pyramid; return squares."""
        height, width = table.shape[0] - 1, table.shape[1] - 1
        smallest = max(self.settings.min_face_size * max(height, width) / STANDARD_SIDE, cascade.CELL)
        full = np.array([[0, 0, width, height]])
        proposals = [_no_proposals()]
        for scale in cascade.pyramid_scales(height, width, smallest, self.settings.pyramid_factor):
            pixels = sample_areas(table, full, int(height * scale + 1), int(width * scale + 1))
            offsets, confidence = self._pnet.run(None, {"pixels": pixels})
            candidates = cascade.decode_proposals(offsets[0], confidence[0], scale, self.settings.proposal_threshold)
            best = cascade.top_k(candidates[1], MAX_CANDIDATES)
            kept = best[nms(candidates[0][best], candidates[1][best], 0.5)]
            proposals.append(tuple(column[kept] for column in candidates))
        xyxy, confidences, offsets = (np.concatenate(column) for column in zip(*proposals, strict=True))
        best = cascade.top_k(confidences, MAX_CANDIDATES)
        kept = best[nms(xyxy[best], confidences[best], 0.7)]
        return cascade.make_square(cascade.regress_boxes(xyxy[kept], offsets[kept], 0))

    def _run_rnet(self, table: Table, boxes: Boxes) -> Boxes:
        """Run the R-Net on squares; return the refined squares above its threshold."""
        boxes, outputs = self._run_on_squares(self._rnet, table, boxes, 24)
        if not outputs:
            return boxes
        offsets, confidence = outputs
        is_face = confidence > self.settings.refine_threshold
        boxes, offsets, confidence = boxes[is_face], offsets[is_face], confidence[is_face]
        kept = nms(boxes, confidence, 0.7)
        return cascade.make_square(cascade.regress_boxes(boxes[kept], offsets[kept], 1))

    def _run_onet(
        self, table: Table, boxes: Boxes, threshold: float
    ) -> tuple[Boxes, NDArray[np.float32], NDArray[np.float32]]:
        """Run the O-Net on squares; return boxes, confidence and landmarks of those above `threshold`."""
        boxes, outputs = self._run_on_squares(self._onet, table, boxes, 48)
        if not outputs:
            return boxes, np.zeros(0, np.float32), np.zeros((0, 5, 2), np.float32)
        offsets, confidence, landmarks = outputs
        is_face = confidence > threshold
        decoded = cascade.decode_landmarks(boxes[is_face], landmarks[is_face])
        return cascade.regress_boxes(boxes[is_face], offsets[is_face], 1), confidence[is_face], decoded

    def _run_on_squares(
        self, network: Any, table: Table, boxes: Boxes, size: int
    ) -> tuple[Boxes, list[NDArray[np.float32]]]:
        """Run a network on all squares in one batch; squares outside of the frame are left out, without any it does not run."""
        squares, inside = cascade.clip_to_pixels(boxes, table.shape[0] - 1, table.shape[1] - 1)
        if not inside.any():
            return boxes[inside], []
        return boxes[inside], network.run(None, {"pixels": sample_areas(table, squares[inside], size, size)})

    def _to_faces(
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
        selected = order[areas[order] > 0][: self.settings.max_faces]
        selected = selected if largest_first else np.sort(selected)
        return Faces(clipped[selected], np.clip(confidence[selected], 0, 1), landmarks[selected])


def _reduce(frame: Frame) -> tuple[Frame, float]:
    """Reduce a large frame to `STANDARD_SIDE`; return it and the factor back to the original size."""
    height, width = frame.shape[:2]
    factor = max(height, width) / STANDARD_SIDE
    if factor <= 1:
        return frame, 1.0
    size = (max(round(width / factor), 1), max(round(height / factor), 1))
    return np.asarray(cv2.resize(frame, size, interpolation=cv2.INTER_AREA), np.uint8), factor


def _crop_region(frame: Frame, boxes: Boxes) -> tuple[Frame | None, NDArray[np.float32]]:
    """Crop the region of a frame that contains all boxes, to limit the summed-area table to it; `None` without pixels."""
    squares, inside = cascade.clip_to_pixels(boxes, *frame.shape[:2])
    if not inside.any():
        return None, np.zeros(2, np.float32)
    x1, y1 = (int(v) for v in squares[inside, :2].min(axis=0))
    x2, y2 = (int(v) for v in squares[inside, 2:].max(axis=0))
    return np.ascontiguousarray(frame[y1:y2, x1:x2]), np.array([x1, y1], np.float32)


def _no_proposals() -> tuple[NDArray[np.float32], ...]:
    return np.zeros((0, 4), np.float32), np.zeros(0, np.float32), np.zeros((0, 4), np.float32)


def _no_faces() -> Faces:
    return Faces(np.zeros((0, 4), np.float32), np.zeros(0, np.float32), np.zeros((0, 5, 2), np.float32))
