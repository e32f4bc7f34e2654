"""Text of a kernel that is for the owner of the server and not for its visitors: tracebacks, printed text, code."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from jupyter_client.session import DELIM

MAX_CHARS = 4000
COLOR = re.compile(r"\x1b\[[0-9;]*m")


def read_private_text(message: Sequence[bytes]) -> str | None:
    """Return the text of an `error` or `stream` message of a kernel; `None` for messages that visitors may have.

    Error replies have their traceback in the content as well, whatever their type is called. `execute_input` brings the
    code of the cell that runs, which needs no line in the log: its text is empty.

    Args:
        message: the parts as they come from the kernel: identities, delimiter, signature, header, parent header,
            metadata, content, buffers.
    """
    try:
        first = list(message).index(DELIM) + 2
        kind = json.loads(message[first]).get("msg_type")
        if kind == "execute_input":
            return ""
        if kind not in ("error", "stream") and b'"traceback"' not in message[first + 3]:
            return None
        content = json.loads(message[first + 3])
    except (ValueError, IndexError, AttributeError):
        return None
    if kind == "stream":
        return _escape(str(content.get("text", "")))
    if "traceback" not in content:
        return None
    return _escape("\n".join([*map(str, content["traceback"]), str(content.get("evalue", ""))]))


def _escape(text: str) -> str:
    """Return the end of a text without colours, with control characters escaped and every further line indented."""
    plain = COLOR.sub("", text.strip())[-MAX_CHARS:]
    return "\n    ".join("".join(c if c.isprintable() else ascii(c)[1:-1] for c in line) for line in plain.split("\n"))
