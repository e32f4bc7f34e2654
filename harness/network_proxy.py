"""A network that can be made bad: a proxy before a server, whose connections can be cut, held up and slowed down."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Thread
from urllib.parse import urlsplit

CHUNK = 4096  # bytes
BUFFER = 65_536  # bytes that are under way in a direction; more wait with their sender, as before a real bottleneck


class Proxy:
    """Hands bytes on in both directions, through a network whose faults can be changed at any time.

    Attributes:
        url: where the server can be reached through this network.
        delay_s: how long every byte is under way, in each direction.
        bytes_per_s: what gets through in each direction of each connection.
        is_open: whether new connections reach the server; otherwise they are closed at once.
        is_silent: whether bytes stay where they are while the connections stay open, as behind a dead radio.
    """

    def __init__(self, server: str) -> None:
        self._server = urlsplit(server)
        self.delay_s = 0.0
        self.bytes_per_s = float("inf")
        self.is_open = True
        self.is_silent = False
        self.url = ""
        self._writers: set[asyncio.StreamWriter] = set()

    async def start(self) -> asyncio.Server:
        """Begin to listen at a free port."""
        listening = await asyncio.start_server(self._accept, "127.0.0.1", 0, limit=BUFFER)
        port = listening.sockets[0].getsockname()[1]
        self.url = f"http://localhost:{port}{self._server.path}"
        self._loop = asyncio.get_running_loop()
        return listening

    async def stop(self, listening: asyncio.Server) -> None:
        """End every connection, and with them what is under way."""
        listening.close()
        self._close_all()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    def cut(self) -> None:
        """Close every connection and let none through until `mend`."""
        self.is_open = False
        self._loop.call_soon_threadsafe(self._close_all)

    def mend(self) -> None:
        """Let everything through again."""
        self.is_open, self.is_silent = True, False

    def _close_all(self) -> None:
        for writer in self._writers:
            writer.transport.abort()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not self.is_open:
            return writer.transport.abort()
        try:
            there, back = await asyncio.open_connection(self._server.hostname, self._server.port, limit=BUFFER)
        except OSError:  # the server is down
            return writer.transport.abort()
        pair = (writer, back)
        self._writers.update(pair)
        try:
            await asyncio.gather(self._carry(reader, back), self._carry(there, writer))
        finally:
            self._writers.difference_update(pair)
            for one in pair:
                one.transport.abort()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Read until the sender has said everything, and deliver each chunk when it is due."""
        under_way: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(BUFFER // CHUNK)
        delivering = asyncio.create_task(self._deliver(under_way, writer))
        free_s = 0.0
        with suppress(OSError):
            while chunk := await reader.read(CHUNK):
                free_s = max(free_s, time.monotonic()) + len(chunk) / self.bytes_per_s
                await under_way.put((free_s + self.delay_s, chunk))
        await under_way.put((0.0, b""))
        await delivering

    async def _deliver(self, under_way: asyncio.Queue[tuple[float, bytes]], writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, RuntimeError):  # the other side has gone
            while True:
                due_s, chunk = await under_way.get()
                while self.is_silent or time.monotonic() < due_s:
                    await asyncio.sleep(0.02 if self.is_silent else max(due_s - time.monotonic(), 0))
                if not chunk:
                    return writer.write_eof()
                writer.write(chunk)
                await writer.drain()


@contextmanager
def open_proxy(server: str) -> Iterator[Proxy]:
    """Put a network before a server, in a thread of its own; every connection ends with it."""
    proxy = Proxy(server)
    loop = asyncio.new_event_loop()
    thread = Thread(target=loop.run_forever, name="proxy", daemon=True)
    thread.start()
    listening = asyncio.run_coroutine_threadsafe(proxy.start(), loop).result(10)
    try:
        yield proxy
    finally:
        asyncio.run_coroutine_threadsafe(proxy.stop(listening), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(5)
