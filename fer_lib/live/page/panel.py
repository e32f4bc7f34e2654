"""The page: live view, privacy notice, limits and model card."""

from __future__ import annotations

from html import escape
from typing import Any

from ipywebrtc.webrtc import MediaStream
from ipywidgets import HTML, VBox

from fer_lib.live.page.camera import open_camera
from fer_lib.live.page.comm_guard import restrict_widgets
from fer_lib.live.page.live_view import LiveView
from fer_lib.live.session.model_card import render_model_card
from fer_lib.live.session.session import Session
from fer_lib.settings.remote import RemoteSettings
from fer_lib.settings.vision import VisionSettings

PRIVACY = (
    "Frames are sent only to this page's own kernel, stay in memory and are never written to a disk. "
    "A recording contains numbers and no images, in the same memory, until you delete it or the kernel ends. "
    "Snapshots and clips are made by your browser and stay on your device."
)
REMOTE_PRIVACY = (
    "Frames are sent from this page's own kernel to an inference service, stay in memory and are never written to a "
    "disk. A recording contains numbers and no images, in the kernel's memory, until you delete it or the kernel ends. "
    "Snapshots and clips are made by your browser and stay on your device."
)
LIMITS = (
    "An expression is not an emotion: the page shows what a face looks like, not what a person feels. It can be wrong."
)


class Panel(VBox):
    """All widgets of the page, connected to a session.

    Attributes:
        session: stream and page state of the visitor.
        view: the live view.
    """

    def __init__(self, session: Session | None = None, stream: MediaStream | None = None) -> None:
        self.session = session or Session()
        vision = self.session.vision or VisionSettings.load()
        self.view = LiveView(stream or open_camera(self.session.live), self.session.live, vision.smoothing_s)
        self.view.on_msg(self._on_message)
        self.session.prepare()
        card = render_model_card(vision.weights_dir)
        is_remote = RemoteSettings.load().url is not None
        privacy = REMOTE_PRIVACY if is_remote else PRIVACY
        notes = HTML(f"<p><strong>Privacy.</strong> {privacy}</p><p><strong>Limits.</strong> {LIMITS}</p>{card}")
        children = [self.view, *([self._create_notice()] if is_remote else []), notes.add_class("fer-notes")]
        super().__init__(children)
        self.add_class("fer-page")
        restrict_widgets(self, self._count_refused)

    def _create_notice(self) -> HTML:
        notice = HTML().add_class("fer-notes").add_class("fer-notice")

        def update(_: Any = None) -> None:
            notice.value = f"<p role='status'>{escape(self.session.notice)}</p>"

        self.session.observe(update, "notice")
        update()
        return notice

    def _count_refused(self) -> None:
        self.session.errors += 1

    def _on_message(self, view: LiveView, content: Any, buffers: list[memoryview]) -> None:
        reply = self.session.handle_message(content, buffers)
        if reply is None:
            return
        binary = reply.pop("buffers", None)
        if binary is None:
            view.send(reply)
        else:
            view.send(reply, binary)
