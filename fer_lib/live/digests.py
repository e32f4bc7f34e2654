"""How many signatures of messages Jupyter keeps, to know one that comes twice.

It keeps 65,536 in each kernel, and as many for each of the server's connections and watchers of a kernel: with thirty
frames a second each is full after half an hour and takes some 8 MB, and to sort them when they are too many stops
everybody's frames. A thousand are enough: only this computer's owner can listen to what is said between server and kernel,
to say it again. The servers are told so by their own files (`voila.json`), the kernel by this module.
"""

from __future__ import annotations

from ipykernel.kernelbase import Kernel

DIGESTS = 1000


def keep_few_digests() -> None:
    """Let the kernel that this runs in remember few signatures; nothing is done outside a kernel."""
    session = Kernel.instance().session if Kernel.initialized() else None
    if session is not None:
        session.digest_history_size = DIGESTS
