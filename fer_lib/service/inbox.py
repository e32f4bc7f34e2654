"""The frames of one stream that wait: only the newest, within the byte budget of the process."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass

from fastapi import HTTPException

from fer_lib.service.byte_budget import ByteBudget
from fer_lib.service.problems import no_room_for_bytes


@dataclass(frozen=True)
class Frame:
    """One frame of a stream, or the reason why it is none.

    Attributes:
        number: its place in the stream, from 0.
        time_s: when it came, in seconds of the monotonic clock.
        data: the bytes of a JPEG file.
        problem: why it can't be processed, if that is known already.
    """

    number: int
    time_s: float
    data: bytes = b""
    problem: HTTPException | None = None


class Inbox:
    """The newest frame that waits. With the one in process, two are in flight; older ones are overtaken.

    Attributes:
        smoothing_s: requested time constant that is not in use yet.
        unanswered: frames that came and were not answered yet.
    """

    def __init__(self, budget: ByteBudget, client: str | None = None, retry_after_s: int = 1) -> None:
        self.smoothing_s: float | None = None
        self.unanswered = 0
        self._budget, self._client, self._retry_after_s = budget, client, retry_after_s
        self._count = 0
        self._waiting: Frame | None = None
        self._overtaken: list[int] = []
        self._changed = asyncio.Event()
        self._closed = False

    def put(self, data: bytes, problem: HTTPException | None = None) -> None:
        """Add the next frame; one that still waits is overtaken."""
        if self._waiting is not None:
            self._overtaken.append(self._waiting.number)
            self.release(self._waiting)
        if problem is None and not self._budget.take(len(data), self._client):
            problem = no_room_for_bytes(self._retry_after_s)
        self._waiting = Frame(self._count, time.monotonic(), b"" if problem else data, problem)
        self._count += 1
        self.unanswered += 1
        self._changed.set()

    def close(self) -> None:
        """End the inbox: no frame will come any more, and what waits is dropped."""
        self._closed = True
        if self._waiting is not None:
            self.release(self._waiting)
            self._waiting = None
        self._changed.set()

    async def take(self) -> tuple[list[int], Frame | None]:
        """Wait for a frame; return the numbers of those it overtook, and the frame, which must be released.

        After `close` there is no frame.
        """
        await self._changed.wait()
        if not self._closed:
            self._changed.clear()
        overtaken, self._overtaken = self._overtaken, []
        frame, self._waiting = self._waiting, None
        return overtaken, frame

    def release(self, frame: Frame) -> None:
        """Give the bytes of a frame back to the budget."""
        self._budget.give_back(len(frame.data), self._client)
