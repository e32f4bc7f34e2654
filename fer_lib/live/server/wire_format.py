"""Formats of Jupyter messages: both websocket protocols, and the frames that a kernel sends over ZeroMQ.

https://jupyter-client.readthedocs.io/en/stable/messaging.html describes the frames,
https://jupyter-server.readthedocs.io/en/latest/developers/websocket-protocols.html the websocket protocols.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

from jupyter_client.session import DELIM

V1_PROTOCOL = "v1.kernel.websocket.jupyter.org"
MAX_PARTS = 64  # of a websocket message; those of a page have up to eight


class KernelMessage(NamedTuple):
    """The JSON parts of a message of a kernel, serialised."""

    header: bytes
    parent_header: bytes
    metadata: bytes
    content: bytes


def split_kernel_message(frames: Sequence[bytes]) -> KernelMessage | None:
    """Return the JSON parts of a message of a kernel; `None` if it is malformed.

    Args:
        frames: identities, delimiter, signature, header, parent header, metadata, content, buffers.
    """
    try:
        first = list(frames).index(DELIM) + 2
    except ValueError:
        return None
    parts = frames[first : first + len(KernelMessage._fields)]
    return KernelMessage(*parts) if len(parts) == len(KernelMessage._fields) else None


def is_well_formed(message: bytes | str, is_v1: bool) -> bool:
    """Return whether all parts of a websocket message lie within it.

    Both protocols begin with the number of parts and their offsets, which Jupyter Server does not check: a large number
    would keep it busy until its memory is full.

    Args:
        message: as received.
        is_v1: whether the connection uses the v1 protocol, and not the legacy one.
    """
    if isinstance(message, str):
        return not is_v1
    width = 8 if is_v1 else 4
    order: Literal["little", "big"] = "little" if is_v1 else "big"
    numbers = [int.from_bytes(message[at : at + width], order) for at in range(0, width * (MAX_PARTS + 2), width)]
    count, offsets = numbers[0], numbers[1:]
    minimum = 6 if is_v1 else 1  # channel, four parts of JSON and the end; or the JSON alone
    if not minimum <= count <= MAX_PARTS:
        return False
    offsets = offsets[:count]
    first = width * (count + 1)
    return first <= offsets[0] and offsets[-1] <= len(message) and offsets == sorted(offsets)
