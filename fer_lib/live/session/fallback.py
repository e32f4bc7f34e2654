"""Remote inference with a local fallback: the kernel runs the networks while the service is unreachable."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

import numpy as np

from fer_lib.faces import Faces
from fer_lib.live.session.loading import StreamPipeline
from fer_lib.live.session.remote import (
    RemoteStream,
    ServiceFullError,
    ServiceUnavailableError,
    is_unencrypted,
    public_address,
    sanitize,
)
from fer_lib.neutral_offset import Floats, add_offset, check_offset
from fer_lib.settings.remote import RemoteSettings
from fer_lib.settings.vision import VisionSettings
from fer_lib.vision.smoothing import Smoother

REMOTE_NOTICE = "An inference service processes the frames."
UNENCRYPTED_NOTICE = f"{REMOTE_NOTICE} They are sent to it without encryption."
LOCAL_NOTICE = (
    "The inference service is {state}; this page's own kernel processes the frames until the service is available."
)

logger = logging.getLogger(__name__)


class FallbackPipeline:
    """Pipeline that runs at the service, and falls back to local networks while the service is unreachable.

    The local networks are loaded at the first fallback. Every switch starts with new `track_id`s and none is used
    twice, so that a recording never mixes two faces. The service detects, tracks and classifies; neutral calibration and smoothing
    always run in the kernel.

    Attributes:
        notice: one sentence for the visitor about where the frames are processed.
        timings_ms: milliseconds by stage of the last frame; only `total` for the service.
    """

    def __init__(
        self, vision: VisionSettings, remote: RemoteSettings, load: Callable[[VisionSettings], StreamPipeline]
    ) -> None:
        self._remote_notice = self.notice = REMOTE_NOTICE
        if is_unencrypted(remote):
            self._remote_notice = self.notice = UNENCRYPTED_NOTICE
            address = public_address(remote)
            logger.warning("frames are sent to %s without encryption; use https unless the network is private", address)
        self.timings_ms: dict[str, float] = {}
        self._vision, self._remote, self._load = vision, remote, load
        self._stream: RemoteStream | None = None
        self._local: StreamPipeline | None = None
        self._offset: Floats | None = None
        self._smoother = Smoother(vision)
        self._is_reachable = threading.Event()
        self._is_reachable.set()
        self._first_id = self._next_id = 0
        try:
            self._open()
        except ServiceUnavailableError as error:
            self._switch_to_local(error)

    def process_jpeg(self, data: bytes, time_s: float) -> Faces:
        """Return the faces of the next frame, from the service or the local networks.

        Raises:
            ValueError: if the frame can't be processed.
            RuntimeError: if the service is unreachable and the local networks can't be loaded.
        """
        if self._is_reachable.is_set():
            try:
                return self._calibrate_and_smooth(self._offset_track_ids(self._process_remotely(data)), time_s)
            except ServiceUnavailableError as error:
                self._switch_to_local(error)
        local = self._load_local()
        faces = local.process_jpeg(data, time_s)
        self.timings_ms = local.timings_ms
        return self._offset_track_ids(faces)

    def reset(self) -> None:
        """Reset the state for a new stream, at the service too."""
        self._close()
        self._first_id = self._next_id = 0
        self._smoother = Smoother(self._vision)
        if self._local is not None:
            self._local.reset()

    def adjust(self, smoothing_s: float) -> None:
        """Set the time constant of smoothing from the next frame on."""
        self._vision = self._smoother.settings = self._vision.model_copy(update={"smoothing_s": smoothing_s})
        if self._local is not None:
            self._local.adjust(smoothing_s)

    def calibrate(self, offset: Floats | None) -> None:
        """Set the logit offset of every face from the next frame on; it is added before smoothing.

        Args:
            offset: `(7,)`, as `fer_lib.neutral_offset.estimate_offset` returns it; `None`: no offset.

        Raises:
            ValueError: if its shape or a value is invalid; the former offset stays.
        """
        self._offset = None if offset is None else check_offset(offset)
        if self._local is not None:
            self._local.calibrate(self._offset)

    def _process_remotely(self, data: bytes) -> Faces:
        """Send a frame to the service; if it has closed the stream, such as after a long pause, reopen it once."""
        if self._stream is not None:
            try:
                return self._exchange(self._stream, data)
            except ServiceFullError:
                raise
            except ServiceUnavailableError:
                self._close()
        return self._exchange(self._open(), data)

    def _exchange(self, stream: RemoteStream, data: bytes) -> Faces:
        faces = stream.process_jpeg(data)
        self.timings_ms = stream.timings_ms
        self.notice = self._remote_notice
        return faces

    def _open(self) -> RemoteStream:
        self._first_id = self._next_id
        self._stream = RemoteStream(self._remote)
        return self._stream

    def _close(self) -> None:
        if self._stream is not None:
            self._stream.close()
            self._stream = None

    def _switch_to_local(self, error: ServiceUnavailableError) -> None:
        logger.warning("the service at %s is unreachable: %s", public_address(self._remote), sanitize(str(error)))
        self._close()
        self._first_id = self._next_id
        self._is_reachable.clear()
        self.notice = LOCAL_NOTICE.format(state="full" if isinstance(error, ServiceFullError) else "unreachable")
        if self._local is not None:
            self._local.reset()
        threading.Thread(target=self._poll_service, name="poll-service", daemon=True).start()
        self._load_local()

    def _load_local(self) -> StreamPipeline:
        if self._local is None:
            try:
                self._local = self._load(self._vision)
            except (OSError, ValueError, ImportError) as error:
                raise RuntimeError(f"the inference service is unreachable, and {error}") from None
            self._local.calibrate(self._offset)
        return self._local

    def _poll_service(self) -> None:
        while not self._is_reachable.wait(self._remote.retry_s):
            try:
                RemoteStream(self._remote).close()
            except ServiceUnavailableError:
                continue
            self._is_reachable.set()

    def _calibrate_and_smooth(self, faces: Faces, time_s: float) -> Faces:
        """Add the neutral offset to the network's output and smooth it, as the local pipeline does."""
        # Services without `raw_probabilities` return smoothed ones only.
        rows = faces.probabilities if faces.raw_probabilities is None else faces.raw_probabilities
        if self._offset is not None:
            rows = add_offset(np.asarray(rows), self._offset)
        smooth = self._smoother.smooth(faces.with_columns(probabilities=rows), time_s)
        # Boxes and landmarks are smoothed by the service.
        return faces.with_columns(probabilities=smooth.probabilities)

    def _offset_track_ids(self, faces: Faces) -> Faces:
        if faces.track_id is None or len(faces) == 0:
            return faces
        track_ids = np.asarray(faces.track_id) + self._first_id
        self._next_id = max(self._next_id, int(track_ids.max()) + 1)
        return faces.with_columns(track_id=track_ids)
