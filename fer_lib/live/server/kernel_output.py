"""Output of a kernel that the owner of the server may read and a visitor may not: tracebacks, printed text, code."""

from __future__ import annotations

import json
import re

from fer_lib.live.server.wire_format import KernelMessage

MAX_CHARS = 4000
COLOR = re.compile(r"\x1b\[[0-9;]*m")


def extract_private_output(message: KernelMessage) -> str | None:
    """Return the text of an `error`, `stream` or `execute_input` message; `None` for messages that visitors may receive.

    Replies with the status `error` contain the traceback as well, whatever their message type is. The text of
    `execute_input`, which contains the code of a cell, is empty: it needs no line in the log.
    """
    try:
        kind = json.loads(message.header).get("msg_type")
        if kind == "execute_input":
            return ""
        if kind not in ("error", "stream") and b'"traceback"' not in message.content:
            return None
        content = json.loads(message.content)
        if kind == "stream":
            return _escape(str(content.get("text", "")))
    except (ValueError, AttributeError):
        return None
    if not isinstance(content, dict) or "traceback" not in content:
        return None
    return _escape("\n".join([*map(str, content["traceback"]), str(content.get("evalue", ""))]))


def _escape(text: str) -> str:
    """Return the end of a text without colours, with control characters escaped and all lines but the first indented."""
    plain = COLOR.sub("", text.strip())[-MAX_CHARS:]
    return "\n    ".join("".join(c if c.isprintable() else ascii(c)[1:-1] for c in line) for line in plain.split("\n"))
