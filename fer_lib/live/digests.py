"""How many signatures of messages Jupyter keeps, to know one that comes twice.

It keeps 65,536 for each connection, each watcher of a kernel and each kernel: with thirty frames a second these are some
11 MB of memory after half an hour, three times, and to sort them when they are too many stops everybody's frames.
A thousand are enough: only this computer's owner can listen to what is said between server and kernel, to say it again.
"""

from __future__ import annotations

from ipykernel.kernelbase import Kernel
from jupyter_client.session import Session

DIGESTS = 1000


def keep_few_digests(*sessions: Session) -> None:
    """Let these sessions of Jupyter remember few signatures."""
    for session in sessions:
        session.digest_history_size = DIGESTS


def keep_few_digests_here() -> None:
    """Let the kernel that this runs in remember few; nothing is done outside a kernel."""
    session = Kernel.instance().session if Kernel.initialized() else None
    if session is not None:
        keep_few_digests(session)
