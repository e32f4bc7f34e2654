"""A camera's stream over a WebSocket: JPEG frames in, tracked faces out."""

from __future__ import annotations

import asyncio
import logging
import time
from contextlib import suppress

from fastapi import HTTPException, WebSocket, WebSocketDisconnect
from fastapi.responses import JSONResponse

from fer_lib.service.answers import StreamAnswer, StreamWish, list_stream_faces
from fer_lib.service.engine import Looker, Stream
from fer_lib.service.measures import Measures
from fer_lib.service.pictures import read_picture
from fer_lib.service.problems import overloaded, too_many_bytes
from fer_lib.service.workers import Workers
from fer_lib.settings import ServiceSettings, VisionSettings

OVERTAKEN = "a newer frame came before this one was looked at"

logger = logging.getLogger(__name__)


class Inbox:
    """The newest frame that waits. With the one that is looked at, two are in flight; older ones are overtaken.

    Attributes:
        smoothing_s: time constant that was wished for and is not in use yet.
    """

    def __init__(self) -> None:
        self.smoothing_s: float | None = None
        self._count = 0
        self._waiting: tuple[int, bytes, float] | None = None
        self._overtaken: list[int] = []
        self._changed = asyncio.Event()
        self._closed = False

    def put(self, data: bytes) -> None:
        """Take in the next frame; one that still waits is overtaken."""
        if self._waiting is not None:
            self._overtaken.append(self._waiting[0])
        self._waiting = (self._count, data, time.monotonic())
        self._count += 1
        self._changed.set()

    def close(self) -> None:
        """Say that no frame will come any more."""
        self._closed = True
        self._changed.set()

    async def take(self) -> tuple[list[int], tuple[int, bytes, float] | None]:
        """Wait for a frame; return the numbers of those it overtook, and its number, bytes and time in seconds.

        After `close` there is no frame.
        """
        await self._changed.wait()
        self._changed.clear()
        overtaken, self._overtaken = self._overtaken, []
        frame, self._waiting = self._waiting, None
        return overtaken, None if self._closed else frame


class Streams:
    """All streams of one process.

    Attributes:
        open: how many there are now.
    """

    def __init__(self, engine: Looker, workers: Workers, settings: ServiceSettings, measures: Measures) -> None:
        self.open = 0
        self._engine, self._workers, self._settings, self._measures = engine, workers, settings, measures

    async def serve(self, socket: WebSocket) -> None:
        """Answer the frames of one visitor until they leave; every frame gets one answer, in their order."""
        if self.open >= self._settings.max_streams:
            problem = overloaded(self._settings.retry_after_s)
            sentence = {"detail": "too many streams are open; try again later"}
            await socket.send_denial_response(JSONResponse(sentence, problem.status_code, problem.headers))
            return
        self.open += 1
        try:
            await socket.accept()
            await self._serve(socket)
        finally:
            self.open -= 1

    async def _serve(self, socket: WebSocket) -> None:
        inbox = Inbox()
        reading = asyncio.create_task(_read(socket, inbox))
        try:
            await self._answer_all(socket, inbox)
        except WebSocketDisconnect:  # in the middle of an answer: nobody is there to be told
            pass
        except Exception:
            logger.exception("a stream failed")
            with suppress(RuntimeError):  # they are gone, too
                await socket.close(1011, "this stream failed through a fault of ours")
        finally:
            reading.cancel()

    async def _answer_all(self, socket: WebSocket, inbox: Inbox) -> None:
        stream = self._engine.open_stream()
        while True:
            overtaken, frame = await inbox.take()
            for number in overtaken:
                await self._send(socket, StreamAnswer(frame=number, detail=OVERTAKEN), "overtaken")
            if frame is None:
                return
            if inbox.smoothing_s is not None:
                stream.adjust(inbox.smoothing_s)
                inbox.smoothing_s = None
            await self._answer(socket, stream, *frame)

    async def _answer(self, socket: WebSocket, stream: Stream, number: int, data: bytes, time_s: float) -> None:
        try:
            answer = await self._workers.run(self._look, stream, number, data, time_s)
        except HTTPException as problem:
            refusal = StreamAnswer(frame=number, detail=problem.detail, status=problem.status_code)
            await self._send(socket, refusal, "refused")
        else:
            await self._send(socket, answer, "answered")

    def _look(self, stream: Stream, number: int, data: bytes, time_s: float) -> StreamAnswer:
        if len(data) > self._settings.max_upload_bytes:
            raise too_many_bytes(self._settings.max_upload_bytes)
        frame = read_picture(data, self._settings.max_pixels)
        return StreamAnswer(frame=number, faces=list_stream_faces(stream.process(frame, time_s)))

    async def _send(self, socket: WebSocket, answer: StreamAnswer, outcome: str) -> None:
        self._measures.frames.labels(outcome).inc()
        try:
            await socket.send_text(answer.model_dump_json(exclude_none=True))
        except RuntimeError:  # the connection is closed already
            raise WebSocketDisconnect(1006) from None


async def _read(socket: WebSocket, inbox: Inbox) -> None:
    """Take frames and wishes in as they come. Any other text is a frame too, and will be refused as one."""
    try:
        while True:
            message = await socket.receive()
            if message["type"] == "websocket.disconnect":
                return
            data = message.get("bytes") or (message.get("text") or "").encode()
            smoothing_s = _read_wish(data) if message.get("text") else None
            if smoothing_s is None:
                inbox.put(data)
            else:
                inbox.smoothing_s = smoothing_s
    finally:
        inbox.close()


def _read_wish(text: bytes) -> float | None:
    """Return the time constant that a text wishes for, or `None` if it is no wish that can be fulfilled."""
    try:
        wish = StreamWish.model_validate_json(text)
        return VisionSettings.load(smoothing_s=wish.smoothing_s).smoothing_s
    except ValueError:
        return None
