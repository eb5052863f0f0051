import json
import unicodedata

import pytest
from hypothesis import given

from tests.unit.output.records import TEXT
from xmppctl.output.escape import safe, safe_json

BIDI = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain text, äöü 漢 😀", "plain text, äöü 漢 😀"),
        ("\x1b[31mred\x1b[0m", "\\x1b[31mred\\x1b[0m"),
        ("\x1b]0;title\x07", "\\x1b]0;title\\x07"),
        ("\x9b31m", "\\x9b31m"),
        ("\x00\x08\x7f", "\\x00\\x08\\x7f"),
        ("a\nb\tc\rd", "a\\nb\\tc\\rd"),
        ("a\\b", "a\\b"),
        ("exe.\u202egpj", "exe.\\u202egpj"),
        ("a\u2028b\u2029c", "a\\u2028b\\u2029c"),
        ("\ud800", "\\ud800"),
        ("\U000e0041", "\\U000e0041"),
        ("a\u200bb\ufeff", "a\\u200bb\\ufeff"),
        ("\U0001f469\u200d\U0001f4bb \u2764\ufe0f", "\U0001f469\u200d\U0001f4bb \u2764\ufe0f"),
    ],
)
def test_shows_what_drives_a_terminal(text: str, shown: str) -> None:
    assert safe(text) == shown


def test_newlines_and_tabs_stay_where_they_are_wanted() -> None:
    assert safe("a\nb\tc\rd\x1be", newlines=True) == "a\nb\tc\\rd\\x1be"


def drives_a_terminal(char: str) -> bool:
    return (
        unicodedata.category(char) in ("Cc", "Cs", "Zl", "Zp")
        or char in BIDI
        or 0xE0000 <= ord(char) <= 0xE007F
    )


def test_every_code_point_that_drives_a_terminal_is_escaped() -> None:
    passed = {chr(code) for code in range(0x110000) if safe(chr(code)) == chr(code)}
    assert not {char for char in passed if drives_a_terminal(char)}
    assert {"a", "é", "漢", "😀", "\\", "\u200d", "\u0301"} <= passed


@given(TEXT)
def test_nothing_that_passes_drives_a_terminal(text: str) -> None:
    assert not any(map(drives_a_terminal, safe(text)))
    assert not any(map(drives_a_terminal, set(safe(text, newlines=True)) - {"\n", "\t"}))
    safe(text).encode()


@given(TEXT)
def test_is_the_identity_on_its_own_result(text: str) -> None:
    assert safe(safe(text)) == safe(text)


@given(TEXT)
def test_json_parses_back_and_holds_nothing_raw(text: str) -> None:
    document = safe_json(json.dumps({"a": text}, ensure_ascii=False, indent=1))
    assert not any(map(drives_a_terminal, document.replace("\n", "")))

    assert units(json.loads(document)["a"]) == units(text)


def units(text: str) -> bytes:
    """UTF-16: two surrogates side by side are the one character that JSON makes of them."""
    return text.encode("utf-16-be", "surrogatepass")
