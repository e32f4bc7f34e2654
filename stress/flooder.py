"""Flood the live page as one visitor: `python -m stress.flooder http://localhost:8866/ frames 20`.

Arguments: address, kind (`frames`, `garbage` or `huge`) and seconds. With a rate in messages per second as a fourth argument,
the messages go to a null websocket at that rate, and not to the server. The first line of output is a JSON object with the
`kernel_id`, the last one has the counts.
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
from stress.null_websocket import open_null_websocket

KINDS = ("frames", "garbage", "huge")
HUGE = 7_900_000  # bytes: just below the size limit of a frame
RETRY_S = 1.0  # the flooder reconnects after a disconnection, as the page does


async def flood(url: str, kind: str, seconds: float) -> dict[str, float]:
    """Send frames, malformed messages or huge frames without waiting for results; return the counts of `_send`."""
    visitor = Visitor(url)
    await visitor.open()
    print(json.dumps({"kernel_id": visitor.kernel_id}), flush=True)
    counts = await _send(visitor, kind, seconds, float("inf"))
    return {**counts, "answered": len(visitor.result_times_s)}


async def flood_null_websocket(kind: str, seconds: float, rate: float) -> dict[str, float]:
    """Send messages at a fixed rate to a null websocket: the same load for this process, none for the server."""
    with open_null_websocket() as url:
        visitor = Visitor(url)
        await visitor.connect()
        print(json.dumps({"kernel_id": ""}), flush=True)
        return await _send(visitor, kind, seconds, rate)


async def _send(visitor: Visitor, kind: str, seconds: float, rate: float) -> dict[str, float]:
    """Send messages and reconnect after each disconnection; return `sent`, `disconnected` and `seconds`."""
    jpeg = compose_clip(1).jpegs[0]
    frame = jpeg + bytes(HUGE - len(jpeg)) if kind == "huge" else jpeg
    start, sent, disconnected = time.monotonic(), 0, 0
    reader = asyncio.create_task(visitor.read_results())
    while (elapsed_s := time.monotonic() - start) < seconds:
        await asyncio.sleep(max((sent + 1) / rate - elapsed_s, 0))
        try:
            if kind == "garbage":
                await visitor.write(b"\0\0\0\x01\0\0\0\x08" + b"{" * 100)
            else:
                await visitor.send_custom({"type": "frame", "id": sent, "time_s": time.monotonic()}, [frame])
            sent += 1
        except WebSocketClosedError:
            disconnected += 1
            reader.cancel()
            await _reconnect(visitor, start + seconds)
            reader = asyncio.create_task(visitor.read_results())
    reader.cancel()
    visitor.close()
    return {"sent": sent, "disconnected": disconnected, "seconds": time.monotonic() - start}


async def _reconnect(visitor: Visitor, until_s: float) -> None:
    """Try to connect once a second until it succeeds or the time is over."""
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
        print(json.dumps(asyncio.run(flood_null_websocket(kind, float(seconds), float(rate[0])))))
    else:
        print(json.dumps(asyncio.run(flood(url, kind, float(seconds)))))
