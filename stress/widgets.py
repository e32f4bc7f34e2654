"""Widgets of the live page without a kernel: messages go directly to the comm manager."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import atheris
import ipywidgets
from ipywidgets.comm import get_comm_manager
from ipywidgets.widgets import widget as widget_module
from jupyter_server.services.kernels.connection.base import (
    deserialize_binary_message,
    deserialize_msg_from_ws_v1,
    serialize_binary_message,
    serialize_msg_to_ws_v1,
)

from fer_lib.live.server.wire_format import is_well_formed

with atheris.instrument_imports(include=["fer_lib"]):
    from fer_lib.live.page.comm_guard import find_widgets, restrict_kernel
    from fer_lib.live.page.panel import Panel
    from fer_lib.live.session.session import Session

PARTS = ("header", "parent_header", "metadata", "content")
NAMES = ("_model_module", "_model_module_version", "_model_name", "_view_module", "_view_module_version", "_view_name")
UNREADABLE = (ValueError, KeyError, TypeError, AttributeError, RecursionError, IndexError)


class Widgets:
    """Widgets of one page and their comm manager, restricted as in the notebook.

    Attributes:
        ids: comm ids of the widgets.
        traits: names of their traits.
        classes: for each class in ipywidgets' registry, the state that names it in a `comm_open` message.
    """

    def __init__(self) -> None:
        ipywidgets.register_comm_target()
        self._manager = get_comm_manager()
        self._widgets = list(find_widgets(Panel(Session(load=_load_nothing))))
        self.classes = [dict(zip(NAMES, key, strict=True)) for key, _ in widget_module._registry.items()]
        restrict_kernel()
        self.traits = sorted({name for widget in self._widgets for name in widget.keys})
        self.ids = [widget.model_id for widget in self._widgets]
        self._comms = dict(self._manager.comms)
        self._states = self._read_states()

    def serialize(self, kind: str, content: Any, is_v1: bool) -> bytes:
        """Serialize a message of type `kind` with any content, in the v1 or the default wire protocol."""
        header = {"msg_id": "m", "msg_type": kind, "session": "s", "version": "5.3"}
        message = dict(zip(PARTS, (header, {}, {"version": "2.1.0"}, content), strict=True))
        if is_v1:
            return serialize_msg_to_ws_v1([json.dumps(message[name]).encode() for name in PARTS], "shell")
        return serialize_binary_message({**message, "channel": "shell", "buffers": []})

    def deliver(self, raw: bytes, is_v1: bool) -> tuple[str, Any]:
        """Pass a message to the comm manager, as a server without a filter does; return its type and content."""
        if not is_well_formed(raw, is_v1):
            return "", None
        try:
            message = self._read(raw, is_v1)
            kind, content = message["header"]["msg_type"], message["content"]
        except UNREADABLE:
            return "", None
        if kind in ("comm_open", "comm_msg", "comm_close"):
            # A kernel logs exceptions of its handlers and continues.
            with contextlib.suppress(*UNREADABLE):
                getattr(self._manager, kind)(None, b"", message)
        return kind, content

    def check(self) -> None:
        """Check that the widgets are unchanged, then reopen comms that were closed.

        Raises:
            AssertionError: if a widget was created, removed or changed, or comms are left.
        """
        assert set(widget_module._instances) == set(self.ids)
        assert len(self._manager.comms) <= len(self._comms) + 1, "one control comm at most"
        assert self._read_states() == self._states
        self._manager.comms.update(self._comms)

    def _read(self, raw: bytes, is_v1: bool) -> dict[str, Any]:
        if not is_v1:
            message: dict[str, Any] = deserialize_binary_message(raw)
            return message
        _, parts = deserialize_msg_from_ws_v1(raw)
        values = [json.loads(part.decode("utf-8", "replace")) for part in parts[:4]]
        return {**dict(zip(PARTS, values, strict=True)), "buffers": parts[4:]}

    def _read_states(self) -> list[dict[str, Any]]:
        return [widget.get_state() for widget in self._widgets]


def _load_nothing(settings: object) -> Any:
    raise FileNotFoundError("no network is loaded")
