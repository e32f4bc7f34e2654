"""A camera's stream over a WebSocket: JPEG frames in, tracked faces out."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from contextlib import suppress

from fastapi import HTTPException, WebSocket, WebSocketDisconnect
from fastapi.responses import JSONResponse

from fer_lib.service.access import deny_socket
from fer_lib.service.addresses import client_key
from fer_lib.service.answers import StreamAnswer, list_stream_faces
from fer_lib.service.byte_budget import ByteBudget
from fer_lib.service.engine import Looker, Stream
from fer_lib.service.inbox import Frame, Inbox
from fer_lib.service.measures import Measures
from fer_lib.service.pictures import read_picture
from fer_lib.service.problems import overloaded, too_many_bytes
from fer_lib.service.stream_reading import Closing, StreamReader
from fer_lib.service.workers import Workers
from fer_lib.settings.service import ServiceSettings

OVERTAKEN = "a newer frame came before this one was looked at"
CLOSE_TIMEOUT_S = 2.0
INTERNAL = 1011  # close code of RFC 6455, section 7.4.1

logger = logging.getLogger(__name__)


class Streams:
    """All streams of one process.

    Attributes:
        open: how many there are now.
    """

    def __init__(
        self, engine: Looker, workers: Workers, settings: ServiceSettings, measures: Measures, budget: ByteBudget
    ) -> None:
        self.open = 0
        self._open_by: Counter[str] = Counter()
        self._engine, self._workers, self._settings, self._measures = engine, workers, settings, measures
        self._budget = budget

    async def serve(self, socket: WebSocket) -> None:
        """Answer the frames of one client until it leaves; every frame gets one answer, in their order."""
        client = client_key(socket.scope)
        if sentence := self._find_limit(client):
            problem = overloaded(self._settings.retry_after_s)
            await deny_socket(socket, JSONResponse({"detail": sentence}, problem.status_code, problem.headers))
            return
        self._count(client, 1)
        try:
            await socket.accept()
            await self._serve(socket, Inbox(self._budget, client, self._settings.retry_after_s))
        finally:
            self._count(client, -1)

    def _find_limit(self, client: str | None) -> str | None:
        if self.open >= self._settings.max_streams:
            return "too many streams are open; try again later"
        if client is not None and self._open_by[client] >= self._settings.max_streams_per_address:
            return "too many streams of your address are open; close one of them"
        return None

    def _count(self, client: str | None, change: int) -> None:
        self.open += change
        if client is not None:
            self._open_by[client] += change
            if not self._open_by[client]:
                del self._open_by[client]

    async def _serve(self, socket: WebSocket, inbox: Inbox) -> None:
        reading = asyncio.create_task(StreamReader(socket, inbox, self._settings).read())
        answering = asyncio.create_task(self._answer_all(socket, inbox))
        try:
            await asyncio.wait((reading, answering), return_when=asyncio.FIRST_COMPLETED)
            if answering.done():
                answering.result()
            closing = await reading
        except WebSocketDisconnect:  # in the middle of an answer: nobody is there to be told
            closing = None
        except Exception:
            logger.exception("a stream failed")
            closing = Closing(INTERNAL, "this stream failed because of an internal error; see the log of the service")
        finally:
            for task in (reading, answering):
                task.cancel()
            await asyncio.wait((reading, answering))
        if closing is not None:
            # The client has left, too, or does not read.
            with suppress(RuntimeError, WebSocketDisconnect, TimeoutError):
                await asyncio.wait_for(socket.close(*closing), CLOSE_TIMEOUT_S)

    async def _answer_all(self, socket: WebSocket, inbox: Inbox) -> None:
        stream = self._engine.open_stream()
        while True:
            overtaken, frame = await inbox.take()
            if frame is None:
                return
            try:
                for number in overtaken:
                    await self._send(socket, StreamAnswer(frame=number, detail=OVERTAKEN), "overtaken")
                if inbox.smoothing_s is not None:
                    stream.adjust(inbox.smoothing_s)
                    inbox.smoothing_s = None
                await self._answer(socket, stream, frame)
            finally:
                inbox.release(frame)
            inbox.unanswered -= len(overtaken) + 1

    async def _answer(self, socket: WebSocket, stream: Stream, frame: Frame) -> None:
        try:
            if frame.problem is not None:
                raise frame.problem
            answer = await self._workers.run(
                client_key(socket.scope), self._look, stream, frame.number, frame.data, frame.time_s
            )
        except HTTPException as problem:
            refusal = StreamAnswer(frame=frame.number, detail=problem.detail, status=problem.status_code)
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
            async with asyncio.timeout(self._settings.stream_idle_s):
                await socket.send_text(answer.model_dump_json(exclude_none=True))
        except (RuntimeError, TimeoutError):  # the connection is closed already, or the client does not read
            raise WebSocketDisconnect(1006) from None
