"""Jupyter's memory of messages stays small, in the kernel and in the server."""

import pytest
from ipykernel.kernelbase import Kernel
from ipywebrtc import CameraStream
from jupyter_client.session import Session

from fer_lib.live.digests import DIGESTS, keep_few_digests
from fer_lib.live.live_view import LiveView
from fer_lib.live.session import Session as VisitorSession


def test_keep_few_digests_in_a_kernel(monkeypatch):
    kernel = Kernel(session=Session())
    monkeypatch.setattr(Kernel, "_instance", kernel)
    keep_few_digests()
    assert kernel.session.digest_history_size == DIGESTS


def test_session_prepare_limits_the_message_history_and_live_view_does_not(monkeypatch):
    kernel = Kernel(session=Session())
    before = kernel.session.digest_history_size
    assert before != DIGESTS
    monkeypatch.setattr("fer_lib.live.digests.Kernel", FakeKernelClass(kernel))
    LiveView(CameraStream())
    assert kernel.session.digest_history_size == before
    VisitorSession(load=lambda settings: object()).prepare()
    assert kernel.session.digest_history_size == DIGESTS


class FakeKernelClass:
    """The kernel's class, with an instance that other code, such as widgets, does not see."""

    def __init__(self, kernel: Kernel) -> None:
        self.instance = lambda: kernel
        self.initialized = lambda: True


@pytest.mark.parametrize("extra", [0, 1, DIGESTS])
def test_a_session_forgets_what_is_too_much(extra):
    session = Session(digest_history_size=DIGESTS)
    for number in range(DIGESTS + extra):
        session._add_digest(str(number).encode())
    assert 0.8 * DIGESTS < len(session.digest_history) <= DIGESTS


def test_keep_few_digests_outside_a_kernel_does_nothing():
    assert not Kernel.initialized()
    keep_few_digests()
