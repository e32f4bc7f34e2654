"""Random JSON values from fuzzer input, with the words of the page's and the widgets' protocols."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import atheris

with atheris.instrument_imports(include=["fer_lib"]):
    from fer_lib.live.session.messages import PAGE_MESSAGES
    from fer_lib.live.session.recording import FILE_KINDS
    from fer_lib.live.session.states import STATES

if TYPE_CHECKING:
    from stress.widgets import Widgets

# Message kinds of the page, field names and field values.
DICTIONARY = tuple(
    dict.fromkeys(
        ["type", *PAGE_MESSAGES, *(name for names in PAGE_MESSAGES.values() for name in names), *FILE_KINDS, *STATES]
    )
)
# The same for the Jupyter widget protocol; comm ids come from the widgets themselves.
METHODS = ("update", "custom", "request_state", "request_states", "echo_update")
COMM_DICTIONARY = ("comm_id", "target_name", "data", "method", "content", "state", "buffer_paths", *METHODS,
                   "jupyter.widget", "jupyter.widget.control", "autosave", "filename",
                   "value", "msg_type", "version", "5.3", "shell", "control", "subshell_id", "layout", "children", "_esm")  # fmt: skip


def make_json_value(provider: atheris.FuzzedDataProvider, words: list[str], depth: int) -> Any:
    """Return a random JSON value of at most `depth` levels; some strings and all keys are from `words`."""
    kind = provider.ConsumeIntInRange(0, 8 if depth else 5)
    if kind == 0:
        return provider.PickValueInList(words)
    if kind == 1:
        return provider.ConsumeInt(9)
    if kind == 2:
        return provider.ConsumeFloat()
    if kind == 3:
        return provider.PickValueInList([None, True, False, 0, 0.5, "", 10**400, -1])
    if kind in (4, 5):
        return provider.ConsumeUnicode(12)
    if kind == 6:
        return [make_json_value(provider, words, depth - 1) for _ in range(provider.ConsumeIntInRange(0, 3))]
    count = provider.ConsumeIntInRange(0, 6)
    return {provider.PickValueInList(words): make_json_value(provider, words, depth - 1) for _ in range(count)}


def make_comm_content(provider: atheris.FuzzedDataProvider, widgets: Widgets, words: list[str]) -> Any:
    """Return the content of a message that updates a widget or creates one."""
    names = [provider.PickValueInList(widgets.traits) for _ in range(provider.ConsumeIntInRange(0, 3))]
    state = {name: make_json_value(provider, words, 1) for name in names}
    if provider.ConsumeBool():
        state |= provider.PickValueInList(widgets.classes)
    method = provider.PickValueInList(list(METHODS))
    data = {"method": method, "state": state, "content": make_json_value(provider, words, 1)}
    targets = ["jupyter.widget", "jupyter.widget.control", provider.ConsumeUnicode(4)]
    target, comm_id = provider.PickValueInList(targets), provider.PickValueInList([*widgets.ids, "new", "other"])
    return {"comm_id": comm_id, "target_name": target, "data": data}
