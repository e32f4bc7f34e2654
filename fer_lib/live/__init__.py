"""The live page, the only package that imports ipywidgets, anywidget and ipywebrtc.

Names are imported on first access, because Jupyter Server imports `fer_lib.live.server` and needs no widgets for that.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fer_lib.live.page.camera import open_source
    from fer_lib.live.page.comm_guard import restrict_kernel
    from fer_lib.live.page.live_view import LiveView
    from fer_lib.live.page.panel import Panel
    from fer_lib.live.session.session import Session

__all__ = ["LiveView", "Panel", "Session", "open_source", "restrict_kernel"]

_MODULES = {
    "LiveView": "page.live_view",
    "Panel": "page.panel",
    "Session": "session.session",
    "open_source": "page.camera",
    "restrict_kernel": "page.comm_guard",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
