"""Size of the message signature history, by which Jupyter detects replayed messages.

`jupyter_client.session.Session` keeps 65,536 signatures in each kernel, and as many for each websocket and each
monitored kernel of the server. At 30 frames per second each history is full after half an hour and takes some 8 MB, and
pruning it interrupts the stream. 1,000 are enough, since only the owner of this computer can read the messages between
server and kernel. The servers are configured by `voila.json` and their other configuration files
(`Session.digest_history_size`), the kernel by this module.
"""

from __future__ import annotations

HISTORY_SIZE = 1000


def limit_message_history() -> None:
    """Set the history size of the kernel in this process, if there is one."""
    from ipykernel.kernelbase import Kernel  # only here: it imports tornado, which nothing else in this package needs

    session = Kernel.instance().session if Kernel.initialized() else None
    if session is not None:
        session.digest_history_size = HISTORY_SIZE
