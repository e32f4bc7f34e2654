"""Frame queue of one stream: keeps only the newest frame, within the byte budget of the process."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass

from fastapi import HTTPException

from fer_lib.service.errors import out_of_memory_budget
from fer_lib.service.protection.byte_budget import ByteBudget


@dataclass(frozen=True)
class QueuedFrame:
    """One message of a stream in the order of arrival: a frame, or an error.

    Attributes:
        number: index in the stream, from 0.
        time_s: time of arrival, in seconds of the monotonic clock.
        data: bytes of a JPEG file.
        error: error to respond with instead of processing the frame.
    """

    number: int
    time_s: float
    data: bytes = b""
    error: HTTPException | None = None


class FrameQueue:
    """Queue of length one: a newer frame replaces a waiting one, which is then called overtaken.

    Attributes:
        smoothing_s: requested time constant that is not applied yet.
        in_flight: frames received and not yet responded to.
    """

    def __init__(self, budget: ByteBudget, client: str | None = None, retry_after_s: int = 1) -> None:
        self.smoothing_s: float | None = None
        self.in_flight = 0
        self._budget, self._client, self._retry_after_s = budget, client, retry_after_s
        self._count = 0
        self._waiting: QueuedFrame | None = None
        self._overtaken: list[int] = []
        self._changed = asyncio.Event()
        self._closed = False

    def put(self, data: bytes, error: HTTPException | None = None) -> None:
        """Add the next frame; a waiting frame is overtaken."""
        if self._waiting is not None:
            self._overtaken.append(self._waiting.number)
            self.release(self._waiting)
        if error is None and not self._budget.acquire(len(data), self._client):
            error = out_of_memory_budget(self._retry_after_s)
        self._waiting = QueuedFrame(self._count, time.monotonic(), b"" if error else data, error)
        self._count += 1
        self.in_flight += 1
        self._changed.set()

    def close(self) -> None:
        """Close the queue and drop a waiting frame."""
        self._closed = True
        if self._waiting is not None:
            self.release(self._waiting)
            self._waiting = None
        self._changed.set()

    async def get(self) -> tuple[list[int], QueuedFrame | None]:
        """Wait for a frame; return the numbers of the overtaken frames, and the frame, which must be released.

        After `close` the frame is `None`.
        """
        await self._changed.wait()
        if not self._closed:
            self._changed.clear()
        overtaken, self._overtaken = self._overtaken, []
        frame, self._waiting = self._waiting, None
        return overtaken, frame

    def release(self, frame: QueuedFrame) -> None:
        """Return the bytes of a frame to the budget."""
        self._budget.release(len(frame.data), self._client)
