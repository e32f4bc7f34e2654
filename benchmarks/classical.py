"""Reference pipeline for comparison: facenet-pytorch's MTCNN and EfficientNet-B0 at 256 pixels, in eager torch.

It uses only the JPEG decoder of the package, so that changes of the package do not change the reference.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import torch
from facenet_pytorch import MTCNN
from numpy.typing import NDArray
from torch import nn
from torchvision.models import efficientnet_b0

from fer_lib.vision.media.frames import decode_jpeg

SIZE = 256
MEAN = torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1)
STD = torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1)
Boxes = NDArray[np.float32]


def load_path() -> Callable[[bytes, float], Boxes]:
    """Load both networks; the emotion network has random weights, which do not change its run time.

    Returns:
        A function of JPEG bytes and their time (unused) that returns boxes `(n, 4)`.
    """
    mtcnn = MTCNN()
    network = build_network().eval()

    @torch.inference_mode()
    def process_jpeg(data: bytes, time_s: float) -> Boxes:
        frame = decode_jpeg(data)
        boxes, _ = mtcnn.detect(frame)
        if boxes is None:
            return np.zeros((0, 4), np.float32)
        crops = [crop_face(frame, box) for box in boxes]
        faces = torch.from_numpy(np.stack(crops)).permute(0, 3, 1, 2).float() / 255
        network((faces - MEAN) / STD).softmax(dim=1).numpy()
        return np.asarray(boxes, np.float32)

    return process_jpeg


def build_network() -> nn.Module:
    """Build EfficientNet-B0 with the head FC(1280→512) → ReLU → Dropout → FC(512→7)."""
    network = efficientnet_b0(weights=None)
    network.classifier = nn.Sequential(nn.Linear(1280, 512), nn.ReLU(), nn.Dropout(0.4), nn.Linear(512, 7))
    return network


def crop_face(frame: NDArray[np.uint8], box: Boxes) -> NDArray[np.uint8]:
    """Crop a box from a frame and resize it to `(256, 256, 3)`."""
    height, width = frame.shape[:2]
    x1, y1 = (max(int(v), 0) for v in box[:2])
    x2, y2 = max(min(int(box[2]), width), x1 + 1), max(min(int(box[3]), height), y1 + 1)
    return np.asarray(cv2.resize(frame[y1:y2, x1:x2], (SIZE, SIZE)), np.uint8)
