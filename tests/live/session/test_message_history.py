"""Size of the message signature history in the kernel and in the server."""

import pytest
from ipykernel.kernelbase import Kernel
from jupyter_client.session import Session

from fer_lib.live.session.message_history import HISTORY_SIZE, limit_message_history


def test_limit_message_history_in_kernel(monkeypatch):
    kernel = Kernel(session=Session())
    monkeypatch.setattr(Kernel, "_instance", kernel)
    limit_message_history()
    assert kernel.session.digest_history_size == HISTORY_SIZE


@pytest.mark.parametrize("extra", [0, 1, HISTORY_SIZE])
def test_history_size_of_jupyter_session(extra):
    session = Session(digest_history_size=HISTORY_SIZE)
    for number in range(HISTORY_SIZE + extra):
        session._add_digest(str(number).encode())
    assert 0.8 * HISTORY_SIZE < len(session.digest_history) <= HISTORY_SIZE


def test_limit_message_history_outside_kernel():
    assert not Kernel.initialized()
    limit_message_history()
