"""One visitor who sends all they can: `python -m faults.flooder http://localhost:8866/ frames 20`."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from contextlib import suppress

from tornado.websocket import WebSocketClosedError

from benchmarks.clips import compose_clip
from benchmarks.visitor import Visitor

KINDS = ("frames", "garbage", "huge")
HUGE = 7_900_000  # bytes: the largest that a frame may have


async def flood(url: str, kind: str, seconds: float) -> dict[str, object]:
    """Send frames, garbage or huge frames without waiting for any answer; say how many got away, and whether it ended."""
    visitor = Visitor(url)
    await visitor.open()
    print(json.dumps({"kernel_id": visitor.kernel_id}), flush=True)
    jpeg = compose_clip(1).jpegs[0]
    padded = jpeg + bytes(HUGE - len(jpeg))
    listening = asyncio.create_task(visitor.listen())
    start, sent = time.monotonic(), 0
    with suppress(WebSocketClosedError):
        while time.monotonic() - start < seconds:
            sent += 1
            if kind == "garbage":
                await visitor.write(b"\0\0\0\x01\0\0\0\x08" + b"{" * 100)
            else:
                frame = {"type": "frame", "id": sent, "time_s": time.monotonic()}
                await visitor.tell(frame, [jpeg if kind == "frames" else padded])
    listening.cancel()
    visitor.close()
    return {"sent": sent, "answered": len(visitor.answered_s), "seconds": time.monotonic() - start}


if __name__ == "__main__":
    print(json.dumps(asyncio.run(flood(sys.argv[1], sys.argv[2], float(sys.argv[3])))))
