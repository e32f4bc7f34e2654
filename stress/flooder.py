"""One visitor who sends all they can: `python -m stress.flooder http://localhost:8866/ frames 20`.

With a number of messages a second as a fourth word they send exactly so many, to a sink of their own and not to the server.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time

from tornado.httpclient import HTTPClientError
from tornado.websocket import WebSocketClosedError

from harness.clips import compose_clip
from harness.visitor import Visitor
from stress.null_websocket import open_sink

KINDS = ("frames", "garbage", "huge")
HUGE = 7_900_000  # bytes: the largest that a frame may have
RETRY_S = 1.0  # who was hung up on tries again, as a page does


async def flood(url: str, kind: str, seconds: float) -> dict[str, float]:
    """Send frames, garbage or huge frames without waiting for any answer; say how many got away."""
    visitor = Visitor(url)
    await visitor.open()
    print(json.dumps({"kernel_id": visitor.kernel_id}), flush=True)
    told = await _send(visitor, kind, seconds, float("inf"))
    return {**told, "answered": len(visitor.answered_s)}


async def flood_nobody(kind: str, seconds: float, rate: float) -> dict[str, float]:
    """Send as many messages a second as a flood did, to a sink: the same work for us, and none for the server."""
    with open_sink() as url:
        visitor = Visitor(url)
        await visitor.connect()
        print(json.dumps({"kernel_id": ""}), flush=True)
        return await _send(visitor, kind, seconds, rate)


async def _send(visitor: Visitor, kind: str, seconds: float, rate: float) -> dict[str, float]:
    jpeg = compose_clip(1).jpegs[0]
    frame = jpeg + bytes(HUGE - len(jpeg)) if kind == "huge" else jpeg
    start, sent, hung_up = time.monotonic(), 0, 0
    listening = asyncio.create_task(visitor.listen())
    while (passed_s := time.monotonic() - start) < seconds:
        await asyncio.sleep(max((sent + 1) / rate - passed_s, 0))
        try:
            if kind == "garbage":
                await visitor.write(b"\0\0\0\x01\0\0\0\x08" + b"{" * 100)
            else:
                await visitor.tell({"type": "frame", "id": sent, "time_s": time.monotonic()}, [frame])
            sent += 1
        except WebSocketClosedError:
            hung_up += 1
            listening.cancel()
            await _come_back(visitor, start + seconds)
            listening = asyncio.create_task(visitor.listen())
    listening.cancel()
    visitor.close()
    return {"sent": sent, "hung_up": hung_up, "seconds": time.monotonic() - start}


async def _come_back(visitor: Visitor, until_s: float) -> None:
    while time.monotonic() < until_s:
        await asyncio.sleep(RETRY_S)
        try:
            return await visitor.connect()
        except (HTTPClientError, OSError):
            continue
    return None


if __name__ == "__main__":
    url, kind, seconds, *rate = sys.argv[1:]
    if rate:
        print(json.dumps(asyncio.run(flood_nobody(kind, float(seconds), float(rate[0])))))
    else:
        print(json.dumps(asyncio.run(flood(url, kind, float(seconds)))))
