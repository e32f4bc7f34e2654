"""The page: the live view above what a visitor should know."""

from __future__ import annotations

from html import escape
from typing import Any

from ipywebrtc.webrtc import MediaStream
from ipywidgets import HTML, VBox

from fer_lib.live.model_card import render_model_card
from fer_lib.live.camera import open_camera
from fer_lib.live.comm_guard import restrict_widgets
from fer_lib.live.live_view import LiveView
from fer_lib.live.session import Session
from fer_lib.settings import PageSettings, VisionSettings

PRIVACY = (
    "Frames go only to this page's own kernel, stay in memory and never touch a disk: nothing is stored. "
    "A recording holds numbers and no pictures, in the same memory, until you forget it or the page's kernel ends. "
    "A snapshot or a film is made by your browser and goes nowhere else."
)
PRIVACY_OF_SERVICE = (
    "Frames go from this page's own kernel to a service beside it, stay in memory and never touch a disk: nothing is "
    "stored. A recording holds numbers and no pictures, in the kernel's memory, until you forget it or the kernel ends. "
    "A snapshot or a film is made by your browser and goes nowhere else."
)
LIMITS = "An expression is not an emotion: you see what a face shows, not what a person feels. The page can be wrong."


class Panel(VBox):
    """Everything the visitor sees, connected to a session.

    Attributes:
        session: the stream and what is known of it.
        view: the live part of the page.
    """

    def __init__(self, session: Session | None = None, stream: MediaStream | None = None) -> None:
        self.session = session or Session()
        vision = self.session.vision or VisionSettings.load()
        self.view = LiveView(stream or open_camera(self.session.live), self.session.live, vision.smoothing_s)
        self.view.on_msg(self._on_message)
        self.session.prepare()
        about = render_model_card(vision.weights_dir)
        is_remote = PageSettings.load().service_url is not None
        privacy = PRIVACY_OF_SERVICE if is_remote else PRIVACY
        notes = HTML(f"<p><strong>Privacy.</strong> {privacy}</p><p><strong>Limits.</strong> {LIMITS}</p>{about}")
        children = [self.view, *([self._show_notice()] if is_remote else []), notes.add_class("fer-notes")]
        super().__init__(children)
        self.add_class("fer-page")
        restrict_widgets(self, self._count_refused)

    def _show_notice(self) -> HTML:
        notice = HTML().add_class("fer-notes").add_class("fer-notice")

        def show(_: Any = None) -> None:
            notice.value = f"<p role='status'>{escape(self.session.notice)}</p>"

        self.session.observe(show, "notice")
        show()
        return notice

    def _count_refused(self) -> None:
        self.session.errors += 1

    def _on_message(self, view: LiveView, content: Any, buffers: list[memoryview]) -> None:
        answer = self.session.handle_message(content, buffers)
        if answer is None:
            return
        files = answer.pop("buffers", None)
        if files is None:
            view.send(answer)
        else:
            view.send(answer, files)
