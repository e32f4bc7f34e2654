"""Streams over WebSockets: JPEG frames in, tracked faces out."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from contextlib import suppress

from fastapi import HTTPException, WebSocket, WebSocketDisconnect
from fastapi.responses import JSONResponse

from fer_lib.service.addresses import client_key
from fer_lib.service.errors import INTERNAL_ERROR, overloaded, too_many_bytes
from fer_lib.service.frame_queue import FrameQueue, QueuedFrame
from fer_lib.service.image_body import read_image
from fer_lib.service.inference import InferenceEngine, Stream
from fer_lib.service.metrics_endpoint import Metrics
from fer_lib.service.protection.access import deny_socket
from fer_lib.service.protection.byte_budget import ByteBudget
from fer_lib.service.schemas import StreamResponse, list_stream_faces
from fer_lib.service.stream_reader import CloseReason, StreamReader
from fer_lib.service.workers import Workers
from fer_lib.settings.service import ServiceSettings

OVERTAKEN = "skipped, because a newer frame arrived before this one was processed"
CLOSE_TIMEOUT_S = 2.0
INTERNAL = 1011  # close code of RFC 6455, section 7.4.1

logger = logging.getLogger(__name__)


class Streams:
    """All streams of one process, with limits in total and per client.

    Attributes:
        open: number of open streams.
    """

    def __init__(
        self, engine: InferenceEngine, workers: Workers, settings: ServiceSettings, metrics: Metrics, budget: ByteBudget
    ) -> None:
        self.open = 0
        self._open_by: Counter[str] = Counter()
        self._engine, self._workers, self._settings, self._metrics = engine, workers, settings, metrics
        self._budget = budget

    async def serve(self, socket: WebSocket) -> None:
        """Process the frames of one client until it disconnects; each gets one response, in order of arrival."""
        client = client_key(socket.scope)
        if detail := self._find_exceeded_limit(client):
            error = overloaded(self._settings.retry_after_s)
            await deny_socket(socket, JSONResponse({"detail": detail}, error.status_code, error.headers))
            return
        self._count(client, 1)
        try:
            await socket.accept()
            await self._serve(socket, FrameQueue(self._budget, client, self._settings.retry_after_s))
        finally:
            self._count(client, -1)

    def _find_exceeded_limit(self, client: str | None) -> str | None:
        if self.open >= self._settings.max_streams:
            return "too many streams are open; try again later"
        if client is not None and self._open_by[client] >= self._settings.max_streams_per_address:
            return "too many streams from your address are open; close one of them"
        return None

    def _count(self, client: str | None, change: int) -> None:
        self.open += change
        if client is not None:
            self._open_by[client] += change
            if not self._open_by[client]:
                del self._open_by[client]

    async def _serve(self, socket: WebSocket, queue: FrameQueue) -> None:
        reading = asyncio.create_task(StreamReader(socket, queue, self._settings).read())
        processing = asyncio.create_task(self._process_frames(socket, queue))
        try:
            await asyncio.wait((reading, processing), return_when=asyncio.FIRST_COMPLETED)
            if processing.done():
                processing.result()
            reason = await reading
        except WebSocketDisconnect:  # while sending a response
            reason = None
        except Exception:
            logger.exception("a stream failed")
            reason = CloseReason(INTERNAL, INTERNAL_ERROR)
        finally:
            for task in (reading, processing):
                task.cancel()
            await asyncio.wait((reading, processing))
        if reason is not None:
            # Raised if the client has disconnected meanwhile, or does not read.
            with suppress(RuntimeError, WebSocketDisconnect, TimeoutError):
                await asyncio.wait_for(socket.close(*reason), CLOSE_TIMEOUT_S)

    async def _process_frames(self, socket: WebSocket, queue: FrameQueue) -> None:
        stream = self._engine.open_stream()
        while True:
            overtaken, frame = await queue.get()
            if frame is None:
                return
            try:
                for number in overtaken:
                    await self._send(socket, StreamResponse(frame=number, detail=OVERTAKEN), "overtaken")
                if queue.smoothing_s is not None:
                    stream.adjust(queue.smoothing_s)
                    queue.smoothing_s = None
                await self._process_frame(socket, stream, frame)
            finally:
                queue.release(frame)
            queue.in_flight -= len(overtaken) + 1

    async def _process_frame(self, socket: WebSocket, stream: Stream, frame: QueuedFrame) -> None:
        try:
            if frame.error is not None:
                raise frame.error
            response = await self._workers.run(
                client_key(socket.scope), self._infer, stream, frame.number, frame.data, frame.time_s
            )
        except HTTPException as error:
            refusal = StreamResponse(frame=frame.number, detail=error.detail, status=error.status_code)
            await self._send(socket, refusal, "refused")
        else:
            await self._send(socket, response, "answered")

    def _infer(self, stream: Stream, number: int, data: bytes, time_s: float) -> StreamResponse:
        if len(data) > self._settings.max_upload_bytes:
            raise too_many_bytes(self._settings.max_upload_bytes)
        frame = read_image(data, self._settings.max_pixels)
        return StreamResponse(frame=number, faces=list_stream_faces(stream.process(frame, time_s)))

    async def _send(self, socket: WebSocket, response: StreamResponse, outcome: str) -> None:
        self._metrics.frames.labels(outcome).inc()
        try:
            async with asyncio.timeout(self._settings.stream_idle_s):
                await socket.send_text(response.model_dump_json(exclude_none=True))
        except (RuntimeError, TimeoutError):  # the connection is closed, or the client does not read
            raise WebSocketDisconnect(1006) from None
