"""`fer-lib evaluate` is `python -m fer_lib.evaluate`."""

from __future__ import annotations

from fer_lib.evaluate.__main__ import main as judge


def main(words: list[str]) -> int:
    """Run the command and return the exit status."""
    return judge(words, "fer-lib evaluate")
