"""Allow-list of the messages that a visitor's browser may send to the kernel.

Voila allows a few message types and checks only the type. A `comm_open` for the target `jupyter.widget` creates any
registered widget in the kernel, some of which write files (ipywebrtc's recorders), and a `comm_msg` with the method
`update` sets traits of existing widgets. The live page needs neither: it reads the state of all widgets once, through
the target `jupyter.widget.control`, and then sends custom messages to the live view.

A message is parsed as the server and the kernel parse it (JSON of Python), and rejected where they could read it
differently: duplicate keys, bytes that are not UTF-8, content that is JSON inside a string, other protocol versions
(which Jupyter converts), subshells, channels other than `shell`. Headers must be flat, as those of the page: the kernel
searches headers for dates at every depth, and a value that it can't parse or can't send back writes a traceback of up
to 130 kB to the log of the server.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from jupyter_client.jsonutil import parse_date
from jupyter_server.services.kernels.connection.base import deserialize_msg_from_ws_v1

from fer_lib.live.server.wire_format import is_well_formed

CONTROL_TARGET = "jupyter.widget.control"
CHANNEL = "shell"
PROTOCOL = "5."  # major version of Jupyter's message protocol
MAX_JSON_BYTES = 16 * 1024  # header, metadata and content together; the page sends less than 1 kB
MAX_ID_CHARS = 128  # a UUID has 36
PARTS = ("header", "parent_header", "metadata", "content")

JsonObject = dict[str, Any]


def is_allowed(message: bytes | str, is_v1: bool) -> bool:
    """Return whether a websocket message of a visitor may reach the kernel.

    Args:
        message: as received.
        is_v1: whether the connection uses the protocol v1.kernel.websocket.jupyter.org, and not the legacy one.
    """
    if not is_well_formed(message, is_v1):
        return False
    try:
        channel, parts, has_buffers = _parse_v1(message) if is_v1 else _parse_legacy(message)
    except (ValueError, RecursionError):
        return False
    if channel != CHANNEL or not all(isinstance(parts.get(name), dict) for name in PARTS):
        return False
    header, content = parts["header"], parts["content"]
    if not (_is_header(header) and _is_flat(parts["parent_header"])):
        return False
    check = CHECKS.get(header["msg_type"])
    is_custom = header["msg_type"] == "comm_msg" and _get_method(content) == "custom"
    return check is not None and check(content) and (is_custom or not has_buffers)


def _parse_v1(message: Any) -> tuple[str, JsonObject, bool]:
    channel, parts = deserialize_msg_from_ws_v1(message)
    if sum(map(len, parts[: len(PARTS)])) > MAX_JSON_BYTES:
        raise ValueError(f"the JSON of a message must have at most {MAX_JSON_BYTES} bytes")
    values = [_parse_json(part.decode()) for part in parts[: len(PARTS)]]
    return channel, dict(zip(PARTS, values, strict=True)), len(parts) > len(PARTS)


def _parse_legacy(message: bytes | str) -> tuple[Any, JsonObject, bool]:
    if isinstance(message, str):
        text, has_buffers = message, False
    else:
        count, start = (int.from_bytes(message[at : at + 4], "big") for at in (0, 4))
        end = int.from_bytes(message[8:12], "big") if count > 1 else len(message)
        text, has_buffers = message[start:end].decode(), count > 1
    if len(text) > MAX_JSON_BYTES:
        raise ValueError(f"the JSON of a message must have at most {MAX_JSON_BYTES} bytes")
    value = _parse_json(text)
    if not isinstance(value, dict):
        raise ValueError("a message must be an object")
    # Buffers in the JSON of a text message would not be bytes.
    if isinstance(message, str) and value.get("buffers"):
        raise ValueError("a text message must have no buffers")
    return value.get("channel"), value, has_buffers


def _parse_json(text: str) -> Any:
    return json.loads(text, object_pairs_hook=_build_object, parse_constant=_reject_constant)


def _build_object(pairs: list[tuple[str, Any]]) -> JsonObject:
    built = dict(pairs)
    if len(built) != len(pairs):
        raise ValueError("the keys of an object must be unique")
    return built


def _reject_constant(name: str) -> None:
    raise ValueError(f"a number must be finite, but got {name}")


def _is_header(header: JsonObject) -> bool:
    version = header.get("version")
    return (
        all(_is_id(header.get(name)) for name in ("msg_id", "msg_type", "session"))
        and isinstance(version, str)
        and version.startswith(PROTOCOL)
        and header.get("subshell_id") is None
        and _is_flat(header)
    )


def _is_flat(header: JsonObject) -> bool:
    """Return whether all values are `None` or strings that the kernel can read as dates and send back."""
    return all(value is None or _is_readable(value) for item in header.items() for value in item)


def _is_readable(value: Any) -> bool:
    try:
        value.encode()
        parse_date(value)
    except (AttributeError, ValueError, OverflowError):
        return False
    return True


def _is_id(value: Any) -> bool:
    # The kernel logs unknown ids; they must contain no control sequences of a terminal.
    return isinstance(value, str) and 0 < len(value) <= MAX_ID_CHARS and value.isascii() and value.isprintable()


def _get_method(content: JsonObject) -> Any:
    data = content.get("data")
    return data.get("method") if isinstance(data, dict) else None


def _is_comm_open(content: JsonObject) -> bool:
    return _is_id(content.get("comm_id")) and content.get("target_name") == CONTROL_TARGET


def _is_comm_msg(content: JsonObject) -> bool:
    return _is_id(content.get("comm_id")) and _get_method(content) in ("custom", "request_state", "request_states")


def _is_comm_close(content: JsonObject) -> bool:
    return _is_id(content.get("comm_id"))


def _is_comm_info_request(content: JsonObject) -> bool:
    return isinstance(content.get("target_name", ""), str)


def _is_kernel_info_request(content: JsonObject) -> bool:
    return True


CHECKS: dict[str, Callable[[JsonObject], bool]] = {
    "comm_open": _is_comm_open,
    "comm_msg": _is_comm_msg,
    "comm_close": _is_comm_close,
    "comm_info_request": _is_comm_info_request,
    "kernel_info_request": _is_kernel_info_request,
}
