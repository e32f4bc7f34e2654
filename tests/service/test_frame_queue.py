"""Frame queue of a stream: the newest frame replaces a waiting one."""

import asyncio

from fer_lib.service.frame_queue import FrameQueue
from fer_lib.service.protection.byte_budget import ByteBudget


def get(queue):
    return asyncio.run(queue.get())


def test_frame_queue_get_in_order():
    queue = FrameQueue(ByteBudget(1000))
    for data in (b"a", b"b"):
        queue.put(data)
        overtaken, frame = get(queue)
        assert overtaken == []
        assert frame.data == data


def test_frame_queue_get_newest():
    queue = FrameQueue(ByteBudget(1000))
    for data in (b"a", b"b", b"c"):
        queue.put(data)
    overtaken, frame = get(queue)
    assert (overtaken, frame.number, frame.data) == ([0, 1], 2, b"c")


def test_frame_queue_get_after_close():
    queue = FrameQueue(ByteBudget(1000))
    queue.put(b"a")
    queue.close()
    assert get(queue)[1] is None
