"""The service looks at a visitor's frames while it is there, and the kernel itself while it is gone."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

import numpy as np

from fer_lib.neutral_offset import Floats, add_offset, check_offset
from fer_lib.faces import Faces
from fer_lib.live.loading import StreamPipeline
from fer_lib.live.remote import (
    RemoteStream,
    ServiceFullError,
    ServiceGoneError,
    is_unencrypted,
    printable,
    public_address,
)
from fer_lib.settings import PageSettings, VisionSettings
from fer_lib.vision.smoothing import Smoother

AT_SERVICE = "A service beside this page looks at the frames."
UNENCRYPTED = f"{AT_SERVICE} They travel to it without encryption."
HERE = "The service that looks at the frames {why}. Until it is back, this page's own kernel looks at them."

logger = logging.getLogger(__name__)


class FallbackPipeline:
    """A pipeline at the service, with the kernel's own networks for the time when the service is gone.

    These are loaded only then. People are numbered anew after every change, and no number is used twice, so that
    a recording takes nobody for somebody else. The service finds and follows the faces and says what its network
    thinks of each; the visitor's baseline and smoothing are the kernel's, whoever looks.

    Attributes:
        notice: one sentence for the visitor about who looks at the frames.
        timings_ms: milliseconds of the last frame: of the service only `total`.
    """

    def __init__(
        self, vision: VisionSettings, page: PageSettings, load: Callable[[VisionSettings], StreamPipeline]
    ) -> None:
        self._at_service = self.notice = AT_SERVICE
        if is_unencrypted(page):
            self._at_service = self.notice = UNENCRYPTED
            address = public_address(page)
            logger.warning("frames travel to %s without encryption; use https unless the network is private", address)
        self.timings_ms: dict[str, float] = {}
        self._vision, self._page, self._load = vision, page, load
        self._stream: RemoteStream | None = None
        self._local: StreamPipeline | None = None
        self._offset: Floats | None = None
        self._smoother = Smoother(vision)
        self._is_there = threading.Event()
        self._is_there.set()
        self._first = self._next = 0
        try:
            self._open()
        except ServiceGoneError as error:
            self._take_over(error)

    def process_jpeg(self, data: bytes, time_s: float) -> Faces:
        """Find the faces of the next frame, wherever that can be done.

        Raises:
            ValueError: if the frame can't be looked at.
            RuntimeError: if the service is gone and the kernel's own networks can't be loaded.
        """
        if self._is_there.is_set():
            try:
                return self._steady(self._number(self._ask(data)), time_s)
            except ServiceGoneError as error:
                self._take_over(error)
        local = self._load_local()
        faces = local.process_jpeg(data, time_s)
        self.timings_ms = local.timings_ms
        return self._number(faces)

    def reset(self) -> None:
        """Forget the stream: another one begins, at the service too."""
        self._close()
        self._first = self._next = 0
        self._smoother = Smoother(self._vision)
        if self._local is not None:
            self._local.reset()

    def adjust(self, smoothing_s: float) -> None:
        """Smooth the probabilities with another time constant from the next frame on."""
        self._vision = self._smoother.settings = self._vision.model_copy(update={"smoothing_s": smoothing_s})
        if self._local is not None:
            self._local.adjust(smoothing_s)

    def calibrate(self, offset: Floats | None) -> None:
        """Add an offset to the logits of every face from the next frame on, before smoothing.

        Args:
            offset: `(7,)`, as `fer_lib.neutral_offset.estimate_offset` returns it; `None`: none any more.

        Raises:
            ValueError: if it has another shape, or holds impossible numbers; nothing changes.
        """
        self._offset = None if offset is None else check_offset(offset)
        if self._local is not None:
            self._local.calibrate(self._offset)

    def _ask(self, data: bytes) -> Faces:
        """Ask the service; a stream that it has closed meanwhile, such as in a long pause, is opened again once."""
        if self._stream is not None:
            try:
                return self._answer(self._stream, data)
            except ServiceFullError:
                raise
            except ServiceGoneError:
                self._close()
        return self._answer(self._open(), data)

    def _answer(self, stream: RemoteStream, data: bytes) -> Faces:
        faces = stream.process_jpeg(data)
        self.timings_ms = stream.timings_ms
        self.notice = self._at_service
        return faces

    def _open(self) -> RemoteStream:
        self._first = self._next
        self._stream = RemoteStream(self._page)
        return self._stream

    def _close(self) -> None:
        if self._stream is not None:
            self._stream.close()
            self._stream = None

    def _take_over(self, error: ServiceGoneError) -> None:
        logger.warning("the service at %s does not answer: %s", public_address(self._page), printable(str(error)))
        self._close()
        self._first = self._next
        self._is_there.clear()
        self.notice = HERE.format(why="has no room now" if isinstance(error, ServiceFullError) else "is gone")
        if self._local is not None:
            self._local.reset()
        threading.Thread(target=self._look_for_service, name="look-for-service", daemon=True).start()
        self._load_local()

    def _load_local(self) -> StreamPipeline:
        if self._local is None:
            try:
                self._local = self._load(self._vision)
            except (OSError, ValueError, ImportError) as error:
                raise RuntimeError(f"the service that looks at the frames is gone, and {error}") from None
            self._local.calibrate(self._offset)
        return self._local

    def _look_for_service(self) -> None:
        while not self._is_there.wait(self._page.service_retry_s):
            try:
                RemoteStream(self._page).close()
            except ServiceGoneError:
                continue
            self._is_there.set()

    def _steady(self, faces: Faces, time_s: float) -> Faces:
        """Add the baseline to what the service's network said, and smooth that as the kernel's own pipeline does."""
        # A service that does not tell it apart has smoothed it already.
        rows = faces.probabilities if faces.raw_probabilities is None else faces.raw_probabilities
        if self._offset is not None:
            rows = add_offset(np.asarray(rows), self._offset)
        smooth = self._smoother.smooth(faces.with_columns(probabilities=rows), time_s)
        # Boxes and landmarks come smoothed.
        return faces.with_columns(probabilities=smooth.probabilities)

    def _number(self, faces: Faces) -> Faces:
        if faces.track_id is None or len(faces) == 0:
            return faces
        numbers = np.asarray(faces.track_id) + self._first
        self._next = max(self._next, int(numbers.max()) + 1)
        return faces.with_columns(track_id=numbers)
