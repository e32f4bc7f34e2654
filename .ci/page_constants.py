"""Generate fer_lib/live/page/scripts/protocol_constants.js: constants that the live page shares with the Python code.

`.venv/bin/python .ci/page_constants.py` writes the file again after a change of message kinds, states, stages, label
colours or limits; `--check` exits with 1 if it differs.
"""

import json
import sys
from pathlib import Path
from typing import Any

from fer_lib.labels import EMOTION_COLORS, EMOTIONS
from fer_lib.live.session.messages import KERNEL_MESSAGES, PAGE_MESSAGES
from fer_lib.live.session.recording import FILE_KINDS
from fer_lib.live.session.states import OFF_STATES, STATES, TOOL_STATES
from fer_lib.settings import LiveSettings
from fer_lib.vision.media.overlay import WHITE, rgb, text_color
from fer_lib.vision.stopwatch import STAGES

TARGET = Path(__file__).parents[1] / "fer_lib" / "live" / "page" / "scripts" / "protocol_constants.js"
HEADER = "// Generated from Python by .ci/page_constants.py; do not edit.\n"


def page_constants() -> str:
    """Return the text of protocol_constants.js."""
    bounds = LiveSettings.model_fields["uncertain_below"].metadata
    low, high = (next(getattr(one, bound) for one in bounds if hasattr(one, bound)) for bound in ("ge", "le"))
    constants: dict[str, Any] = {
        "PAGE_MESSAGES": list(PAGE_MESSAGES),
        "KERNEL_MESSAGES": list(KERNEL_MESSAGES),
        "STATES": STATES,
        "OFF_STATES": [state for state in STATES if state in OFF_STATES],
        "TOOL_STATES": [state for state in STATES if state in TOOL_STATES],
        "STAGES": STAGES,
        "LABEL_COLORS": {label: EMOTION_COLORS[label] for label in EMOTIONS},
        "LABEL_INKS": {label: _hex(text_color(rgb(EMOTION_COLORS[label]))) for label in EMOTIONS},
        "UNCERTAIN_COLOR": _hex(WHITE),
        "UNCERTAIN_INK": _hex(text_color(WHITE)),
        "UNCERTAIN_RANGE": [low, high],
        "FILE_KINDS": list(FILE_KINDS),
    }
    lines = [f"const {name} = {json.dumps(value, indent=2, ensure_ascii=False)};" for name, value in constants.items()]
    return HEADER + "\n" + "\n".join(lines) + "\n"


def _hex(color: tuple[int, int, int]) -> str:
    return "#" + "".join(f"{value:02x}" for value in color)


def main(words: list[str]) -> int:
    """Write the file, or compare it with `--check`; return the exit status."""
    text = page_constants()
    if words != ["--check"]:
        TARGET.write_text(text, encoding="utf-8")
        return 0
    if TARGET.is_file() and TARGET.read_text(encoding="utf-8") == text:
        return 0
    print(
        f"{TARGET.name} differs from the Python code; `python .ci/page_constants.py` writes it again", file=sys.stderr
    )
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
