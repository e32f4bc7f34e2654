"""Restrict the widget messages that this kernel accepts from browsers.

The server filters the messages of visitors (`fer_lib.live.server.message_filter`). Where another server than our own hosts
the page (JupyterHub, Binder, Voila inside of Jupyter Server without `voila.json`), the kernel does the same itself:

- the comm target `jupyter.widget` is removed and the widget registry emptied, so that no widget can be created from
  outside; widgets that the kernel creates need neither;
- the target `jupyter.widget.control`, by which a page reads the state of all widgets, has one comm at a time;
- the widgets of the page accept no updates of their traits, and custom messages only where they have a handler.

Widgets of other cells in JupyterLab are not restricted.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

from ipywidgets import Widget
from ipywidgets.comm import get_comm_manager
from ipywidgets.widgets import widget as widget_module

from fer_lib.live.server.message_filter import CONTROL_TARGET
from fer_lib.rate_limit import TokenBucket

WIDGET_TARGET = "jupyter.widget"
ALL_STATES_BURST = 8  # requests of the state of all widgets at once; a page sends one
STATE_BURST = 40  # requests of the state of one widget at once; a page sends none, or one for each (about 12)
STATES_PER_S = 2.0  # of either, from then on; a reply is thousands of times as large as its request


class ControlTarget:
    """Handler of `jupyter.widget.control` that keeps one comm open, because ipywidgets replies to the latest only."""

    def __init__(self) -> None:
        self._comm: Any = None
        self._requests = TokenBucket(STATES_PER_S, ALL_STATES_BURST)

    def __call__(self, comm: Any, message: dict[str, Any]) -> None:
        """Open the comm and close the former one."""
        Widget.handle_control_comm_opened(comm, message)
        if self._comm is not None and self._comm.comm_id != comm.comm_id:
            self._comm.close()
        self._comm = comm

        def handle(request: dict[str, Any]) -> None:
            if _method(request) == "request_states" and self._requests.take(1, time.monotonic()):
                Widget._handle_control_comm_msg(request)

        comm.on_msg(handle)


def restrict_kernel() -> None:
    """Prevent browsers from creating widgets in this kernel; idempotent, and without effect outside of a kernel."""
    targets = get_comm_manager().targets
    targets.pop(WIDGET_TARGET, None)
    if not isinstance(targets.get(CONTROL_TARGET), ControlTarget):
        targets[CONTROL_TARGET] = ControlTarget()
    widget_module._registry = widget_module.WidgetRegistry()


def restrict_widgets(root: Widget, refuse: Callable[[], None]) -> None:
    """Make the traits of `root` and of all widgets that it refers to read-only for browsers.

    Args:
        root: the displayed widget.
        refuse: called for each message that is dropped.
    """
    requests = TokenBucket(STATES_PER_S, STATE_BURST)
    for widget in find_widgets(root):
        widget.comm.on_msg(_make_handler(widget, requests, refuse))


def find_widgets(root: Widget) -> Iterator[Widget]:
    """Yield `root` and every widget that its synchronised traits refer to, directly or through other widgets."""
    found: dict[str, Widget] = {}
    pending = [root]
    while pending:
        widget = pending.pop()
        if widget.model_id not in found:
            found[widget.model_id] = widget
            pending += [one for name in widget.keys for one in _list_widgets(getattr(widget, name))]
    yield from found.values()


def _list_widgets(value: Any) -> list[Widget]:
    if isinstance(value, Widget):
        return [value]
    if isinstance(value, dict):
        value = list(value.values())
    return [one for item in value for one in _list_widgets(item)] if isinstance(value, (list, tuple)) else []


def _make_handler(
    widget: Widget, requests: TokenBucket, refuse: Callable[[], None]
) -> Callable[[dict[str, Any]], None]:
    def handle(message: dict[str, Any]) -> None:
        method = _method(message)
        if method == "custom" and widget._msg_callbacks.callbacks:
            widget._handle_custom_msg(message["content"]["data"].get("content"), message.get("buffers", []))
        elif method == "request_state" and requests.take(1, time.monotonic()):
            widget.send_state()
        else:
            refuse()

    return handle


def _method(message: dict[str, Any]) -> Any:
    content = message.get("content")
    data = content.get("data") if isinstance(content, dict) else None
    return data.get("method") if isinstance(data, dict) else None
