"""Find words that the project avoids in code and docs: `.venv/bin/python .ci/words.py [FILE ...]`.

Metaphors and personification hide what the code does; `AVOIDED` maps each word to the standard term. Words inside
identifiers (`tell_end`, `HouseRule`) count too. A line that quotes the words of others ends with `words: allow`.
"""

import re
import subprocess
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
AVOIDED = {
    "knob": "setting",
    "house": "package or project",
    "room": "unit, package, or space",
    "wish": "command or setting",
    "doorman": "admission control",
    "stranger": "adversarial client, or third party",
    "look at": "process, classify, search, or check",
    "tell": "report, print, log, state, or distinguish",
    "door": "fuzz target or entry point",
    "guest": "library",
    "picture": "image, frame, photo, crop, or figure",
    "draft": "temporary file (atomic write)",
    "judge": "evaluate",
    "whoever": "a client that, a visitor who",
    "patience": "timeout",
    "hung up": "disconnected",
    "say": "state, report, contain, or name",
    "anew": "again",
    "faultless": "correct",
}
FORMS = {
    "tell": ("tell", "tells", "telling", "told"),
    "say": ("say", "says", "said", "saying"),
    "judge": ("judge", "judges", "judged", "judging", "judgement"),
    "wish": ("wish", "wishes", "wished"),
    "look at": ("look at", "looks at", "looked at", "looking at"),
    "doorman": ("doorman", "doormen"),
}
SUFFIXES = {
    ".py",
    ".md",
    ".js",
    ".ts",
    ".css",
    ".ipynb",
    ".toml",
    ".yml",
    ".yaml",
    ".example",
    ".html",
    ".j2",
    ".conf",
    "",
}
# Licences quote other texts; recipes and the changelog are records of earlier versions.
EXEMPT = (
    "docs/licences.md",
    "LICENSE",
    "weights/shipped/",
    "weights/plan/",
    "CHANGELOG.md",
    ".ci/words.py",
    "tests/test_words.py",
)
WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")


def avoided_forms() -> dict[tuple[str, ...], str]:
    """Return every form of an avoided word, as lower-case words, with the word that it is a form of."""
    return {tuple(form.split()): word for word in AVOIDED for form in FORMS.get(word, (word, f"{word}s"))}


def find_avoided(text: str) -> Iterator[tuple[int, str]]:
    """Yield line number (from 1) and avoided word of each occurrence in a text."""
    forms = avoided_forms()
    for number, line in enumerate(text.splitlines(), 1):
        if "words: allow" in line:
            continue
        words = [word.lower() for word in WORD.findall(line)]
        for pair in pairwise([*words, ""]):
            for length in (1, 2):
                if word := forms.get(pair[:length]):
                    yield number, word


def project_files() -> list[Path]:
    """Return the versioned text files that the rule applies to."""
    listed = subprocess.run(["git", "ls-files"], cwd=PROJECT, capture_output=True, text=True, check=True)  # noqa: S607
    paths = [Path(line) for line in listed.stdout.splitlines()]
    return [path for path in paths if path.suffix in SUFFIXES and not str(path).startswith(EXEMPT)]


def main(arguments: list[str]) -> int:
    """Print each occurrence as `file:line: word`, and return 1 if there is one."""
    found = 0
    for path in [Path(argument) for argument in arguments] or project_files():
        try:
            text = (PROJECT / path).read_text(encoding="utf-8")
        except (UnicodeDecodeError, FileNotFoundError):
            continue
        for number, word in find_avoided(text):
            found += 1
            print(f"{path}:{number}: avoid {word!r}: {AVOIDED[word]}")
    return int(found > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
