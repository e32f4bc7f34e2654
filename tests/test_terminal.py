"""Escapes of control characters in printed text."""

import io
import sys
import unicodedata

import pytest

from fer_lib.terminal import prepare_streams, printable


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\x1b]0;title\x07.jpg", r"a\x1b]0;title\x07.jpg"),
        ("a\nwritten: b", r"a\nwritten: b"),
        ("a\r\tb\x7f\x00", r"a\r\tb\x7f\x00"),
        ("\x9b31m\x85", r"\x9b31m\x85"),
        ("photo\u202egpj.exe", r"photo\u202egpj.exe"),
        ("\u2066\u2069\u200e\u061c\ufeff\u200b", r"\u2066\u2069\u200e\u061c\ufeff\u200b"),
        ("\u2028\u2029", r"\u2028\u2029"),
        ("\udcff\udc80", r"\udcff\udc80"),
        ("\U000e0041", r"\U000e0041"),
    ],
)
def test_printable_escapes_control_characters(text, shown) -> None:
    assert printable(text) == shown


@pytest.mark.parametrize(
    "text", ["", "Müller 10\u202f000 – 笑顔 עברית.jpg", "می\u200cخواهم", "👩\u200d🚀", r"C:\new\x1b"]
)
def test_printable_keeps_text_of_all_languages(text) -> None:
    assert printable(text) == text


def test_printable_escapes_every_control_character_of_unicode() -> None:
    every = "".join(map(chr, range(0x110000)))
    left = {unicodedata.category(char) for char in printable(every) if char not in "\u200c\u200d"}
    assert left & {"Cc", "Cf", "Cs", "Zl", "Zp"} == set()


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "utf-8"])
def test_prepare_streams_escapes_characters_that_the_encoding_lacks(monkeypatch, encoding) -> None:
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding=encoding, errors="strict"))
    monkeypatch.setattr(sys, "stderr", None)  # as for a program without a console
    prepare_streams()
    print("笑 → \udcff", flush=True)
    assert raw.getvalue().decode(encoding).strip().endswith(r"\udcff")
