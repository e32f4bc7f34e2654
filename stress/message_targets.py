"""Fuzz targets for messages to the kernel: session messages, the wire format, and widget messages (comms)."""

from __future__ import annotations

import contextlib
import json
import logging

import atheris
import numpy as np

with atheris.instrument_imports(include=["fer_lib"]):
    from fer_lib.faces import Faces
    from fer_lib.live.server.message_filter import is_allowed
    from fer_lib.live.server.wire_format import is_well_formed
    from fer_lib.live.session.messages import PAGE_MESSAGES
    from fer_lib.live.session.session import Session
    from fer_lib.settings import LiveSettings, VisionSettings

from jupyter_server.services.kernels.connection.base import deserialize_binary_message, deserialize_msg_from_ws_v1

from stress.image_targets import FuzzTarget
from stress.random_json import COMM_DICTIONARY, DICTIONARY, make_comm_content, make_json_value

COMM_KINDS = ("comm_open", "comm_msg", "comm_close", "comm_info_request", "kernel_info_request", "execute_request")


class FakePipeline:
    """A pipeline that returns one face for each frame, and raises `ValueError` for bytes that begin with NUL."""

    timings_ms: dict[str, float] = {"total": 1.0}  # noqa: RUF012 (never changed)

    def process_jpeg(self, data: bytes, time_s: float) -> Faces:
        """Return one face."""
        if data.startswith(b"\0"):
            raise ValueError("the frame must be a JPEG image")
        return Faces(
            xyxy=np.array([[1, 2, 3, 4]], np.float32),
            confidence=np.ones(1, np.float32),
            probabilities=np.full((1, 7), 1 / 7, np.float32),
            track_id=np.ones(1, np.int64),
        )

    def reset(self) -> None:
        """Do nothing: there are no tracks."""

    def adjust(self, smoothing_s: float) -> None:
        """Do nothing: there is no smoothing."""

    def calibrate(self, offset: object) -> None:
        """Do nothing: there is no logit offset."""


def make_messages_target() -> FuzzTarget:
    """Make a target that sends messages to a session: a reply that JSON can hold, or none; never an exception."""
    logging.disable(logging.WARNING)

    def start_session() -> Session:
        session = Session(
            VisionSettings.load(), LiveSettings.load(max_recording_rows=50), load=lambda _: FakePipeline()
        )
        session.wait_until_loaded()
        return session

    sessions = [start_session()]
    kinds, words = list(PAGE_MESSAGES), list(DICTIONARY)

    def fuzz_one(data: bytes) -> None:
        provider = atheris.FuzzedDataProvider(data)
        if provider.ConsumeProbability() < 0.02:
            sessions[:] = [start_session()]
        for _ in range(provider.ConsumeIntInRange(1, 6)):
            content = make_json_value(provider, words, 3)
            if isinstance(content, dict) and provider.ConsumeBool():
                content["type"] = provider.PickValueInList(kinds)
            buffers = [provider.ConsumeBytes(40) for _ in range(provider.ConsumeIntInRange(0, 2))]
            reply = sessions[0].handle_message(content, buffers)
            if reply is not None:
                assert isinstance(reply["type"], str)
                json.dumps({name: value for name, value in reply.items() if name != "buffers"}, allow_nan=False)

    return fuzz_one


def make_wire_format_target() -> FuzzTarget:
    """Make a target that parses messages as Jupyter Server does, if `is_well_formed` accepts their offsets."""

    def fuzz_one(data: bytes) -> None:
        for is_v1, read in ((True, deserialize_msg_from_ws_v1), (False, deserialize_binary_message)):
            if is_well_formed(data, is_v1):
                with contextlib.suppress(ValueError, KeyError, TypeError, AttributeError, RecursionError):
                    read(data)

    return fuzz_one


def make_comms_target() -> FuzzTarget:
    """Make a target that sends widget messages: no widget is created or changed, with the server's filter or without.

    The first byte selects the protocol, and raw bytes or a composed message.
    """
    from stress.widgets import Widgets  # only here: the other targets need no widgets

    logging.disable(logging.CRITICAL)
    widgets = Widgets()
    words = [*COMM_DICTIONARY, *DICTIONARY, *widgets.ids]

    def fuzz_one(data: bytes) -> None:
        is_v1, is_raw = data[:1] < b"\x80", data[:1] < b"\x40" or data[:1] >= b"\xc0"
        if is_raw:
            raw = data[1:]
        else:
            provider = atheris.FuzzedDataProvider(data[1:])
            is_comm = provider.ConsumeBool()
            content = make_comm_content(provider, widgets, words) if is_comm else make_json_value(provider, words, 4)
            raw = widgets.serialize(provider.PickValueInList(list(COMM_KINDS)), content, is_v1)
        is_passed = is_allowed(raw, is_v1)
        kind, content = widgets.deliver(raw, is_v1)
        assert not is_passed or kind in COMM_KINDS[:-1], kind
        assert not (is_passed and kind == "comm_open") or content["target_name"] == "jupyter.widget.control"
        widgets.check()

    return fuzz_one
