"""Scripted visitor without a browser: opens the live page and uses the Jupyter websocket protocol as the page does."""

from __future__ import annotations

import asyncio
import json
import re
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from jupyter_server.services.kernels.connection.base import deserialize_binary_message, serialize_binary_message
from tornado.httpclient import AsyncHTTPClient
from tornado.websocket import WebSocketClientConnection, websocket_connect

IN_FLIGHT = 2  # in-flight window in frames, as in the page
KERNEL = re.compile(r'"kernelId":\s*"([0-9a-f-]{36})"')
CONTROL = "jupyter.widget.control"
OPEN_S = 120.0


@dataclass
class Visitor:
    """One open page.

    Attributes:
        url: address of the page's server.
        kernel_id: id of the page's kernel.
        result_times_s: arrival time of each result (`time.monotonic`).
        delays_ms: round-trip time of each result.
    """

    url: str
    kernel_id: str = ""
    result_times_s: list[float] = field(default_factory=list)
    delays_ms: list[float] = field(default_factory=list)
    _socket: WebSocketClientConnection | None = None
    _view: str = ""
    _sent_s: dict[int, float] = field(default_factory=dict)
    _session: str = field(default_factory=lambda: uuid.uuid4().hex)

    async def open(self) -> None:
        """Open the page, connect to its kernel, and wait for its live view.

        Raises:
            RuntimeError: if the page does not contain a kernel id.
            TimeoutError: if there is no live view in time.
        """
        page = await AsyncHTTPClient().fetch(self.url, request_timeout=OPEN_S)
        found = KERNEL.search(page.body.decode())
        if found is None:
            raise RuntimeError(f"the page at {self.url} must contain a kernel id, but does not")
        self.kernel_id = found[1]
        await self.connect()
        self._view = await asyncio.wait_for(self._find_view(), OPEN_S)

    async def connect(self) -> None:
        """Open a websocket connection to the kernel, in place of an earlier one.

        Raises:
            tornado.httpclient.HTTPClientError: if the server refuses.
        """
        address = f"{self.url.replace('http', 'ws', 1)}api/kernels/{self.kernel_id}/channels"
        self._socket = await websocket_connect(f"{address}?session_id={self._session}")

    async def stream(self, jpegs: list[bytes], rate: float, seconds: float) -> None:
        """Send frames at `rate` per second; frames outside of the in-flight window are dropped, as in the page."""
        reader = asyncio.create_task(self.read_results())
        await self.send_custom({"type": "state", "state": "waiting"})
        start = time.monotonic()
        number = 0
        while time.monotonic() - start < seconds:
            number += 1
            await asyncio.sleep(max(start + number / rate - time.monotonic(), 0))
            if len(self._sent_s) < IN_FLIGHT:
                self._sent_s[number] = time.monotonic()
                frame = {"type": "frame", "id": number, "time_s": self._sent_s[number]}
                await self.send_custom(frame, [jpegs[number % len(jpegs)]])
        reader.cancel()

    def rate(self, seconds: float) -> float:
        """Return the results per second in the last `seconds`."""
        return sum(answered > time.monotonic() - seconds for answered in self.result_times_s) / seconds

    def close(self) -> None:
        """Close the connection."""
        if self._socket is not None:
            self._socket.close()

    async def read_widgets(self) -> dict[str, Any]:
        """Request the states of all widgets of the kernel, as a reloaded page does; return them by model id."""
        comm = uuid.uuid4().hex
        opening = {"comm_id": comm, "target_name": CONTROL, "data": {}}
        await self.send("comm_open", opening, metadata={"version": "1.0.0"})
        await self.send("comm_msg", {"comm_id": comm, "data": {"method": "request_states"}})
        states: dict[str, Any] = await self.receive(lambda message: message["content"].get("data", {}).get("states"))
        return states

    async def _find_view(self) -> str:
        """Return the model id of the live view."""
        while True:
            for model, widget in (await self.read_widgets()).items():
                if "capture_width" in widget["state"].get("options", {}):
                    return model
            await asyncio.sleep(0.2)  # the notebook is still running

    async def read_results(self) -> None:
        """Receive messages and record results until cancelled."""
        while True:
            message = await self.receive(lambda message: message["content"].get("data", {}).get("content"))
            sent_s = self._sent_s.pop(message.get("id"), None)
            if sent_s is not None and message["type"] == "faces":
                now = time.monotonic()
                self.result_times_s.append(now)
                self.delays_ms.append((now - sent_s) * 1000)

    async def send_custom(self, content: dict[str, Any], buffers: list[bytes] | None = None) -> None:
        """Send a custom widget message to the session, as the page does."""
        data = {"method": "custom", "content": content}
        await self.send("comm_msg", {"comm_id": self._view, "data": data}, buffers)

    async def send(
        self, kind: str, content: dict[str, Any], buffers: list[bytes] | None = None, metadata: Any = None
    ) -> None:
        """Send a Jupyter message to the kernel."""
        header = {
            "msg_id": uuid.uuid4().hex,
            "msg_type": kind,
            "session": self._session,
            "username": "",
            "version": "5.3",
        }
        message = {
            "header": header,
            "parent_header": {},
            "metadata": metadata or {},
            "content": content,
            "channel": "shell",
            "buffers": buffers or [],
        }
        await self.write(serialize_binary_message(message))

    async def write(self, raw: bytes) -> None:
        """Send raw bytes.

        Raises:
            tornado.websocket.WebSocketClosedError: if the server closed the connection.
        """
        assert self._socket is not None
        await self._socket.write_message(raw, binary=True)

    async def receive(self, select: Callable[[dict[str, Any]], Any]) -> Any:
        """Read messages until `select` returns a true value for a widget message; return that value.

        Raises:
            RuntimeError: if the server closes the connection.
        """
        assert self._socket is not None
        while (raw := await self._socket.read_message()) is not None:
            message = deserialize_binary_message(raw) if isinstance(raw, bytes) else json.loads(raw)
            if message["msg_type"] == "comm_msg" and (found := select(message)):
                return found
        raise RuntimeError(f"the server of {self.url} closed the connection")
