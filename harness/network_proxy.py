"""TCP proxy that injects network faults: cut connections, silence, latency, and limited bandwidth."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Thread
from urllib.parse import urlsplit

CHUNK = 4096  # bytes
BUFFER = 65_536  # bytes in transit per direction; more wait at the sender (back-pressure)


class Proxy:
    """Proxy before a server; its attributes can be changed at any time.

    Attributes:
        url: address of the server through this proxy.
        delay_s: latency in each direction.
        bytes_per_s: bandwidth in each direction of each connection.
        is_open: whether new connections are accepted; otherwise they are closed at once.
        is_silent: whether bytes are held back while the connections stay open, as without radio reception.
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
        """Listen on a free port."""
        listening = await asyncio.start_server(self._accept, "127.0.0.1", 0, limit=BUFFER)
        port = listening.sockets[0].getsockname()[1]
        self.url = f"http://localhost:{port}{self._server.path}"
        self._loop = asyncio.get_running_loop()
        return listening

    async def stop(self, listening: asyncio.Server) -> None:
        """Stop listening and abort every connection."""
        listening.close()
        self._close_all()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    def cut(self) -> None:
        """Close every connection and refuse new ones until `restore`."""
        self.is_open = False
        self._loop.call_soon_threadsafe(self._close_all)

    def restore(self) -> None:
        """Accept connections and deliver bytes again."""
        self.is_open, self.is_silent = True, False

    def _close_all(self) -> None:
        for writer in self._writers:
            writer.transport.abort()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not self.is_open:
            return writer.transport.abort()
        try:
            server_reader, server_writer = await asyncio.open_connection(
                self._server.hostname, self._server.port, limit=BUFFER
            )
        except OSError:  # the server is down
            return writer.transport.abort()
        pair = (writer, server_writer)
        self._writers.update(pair)
        try:
            await asyncio.gather(self._forward(reader, server_writer), self._forward(server_reader, writer))
        finally:
            self._writers.difference_update(pair)
            for end in pair:
                end.transport.abort()

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Read until the end of the stream, and deliver each chunk when latency and bandwidth allow it."""
        in_transit: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(BUFFER // CHUNK)
        delivering = asyncio.create_task(self._deliver(in_transit, writer))
        free_s = 0.0
        with suppress(OSError):
            while chunk := await reader.read(CHUNK):
                free_s = max(free_s, time.monotonic()) + len(chunk) / self.bytes_per_s
                await in_transit.put((free_s + self.delay_s, chunk))
        await in_transit.put((0.0, b""))
        await delivering

    async def _deliver(self, in_transit: asyncio.Queue[tuple[float, bytes]], writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, RuntimeError):  # the receiver has disconnected
            while True:
                due_s, chunk = await in_transit.get()
                while self.is_silent or time.monotonic() < due_s:
                    await asyncio.sleep(0.02 if self.is_silent else max(due_s - time.monotonic(), 0))
                if not chunk:
                    return writer.write_eof()
                writer.write(chunk)
                await writer.drain()


@contextmanager
def open_proxy(server: str) -> Iterator[Proxy]:
    """Run a proxy before a server in a thread; close every connection at the end."""
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
