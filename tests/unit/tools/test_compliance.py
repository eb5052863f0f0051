"""What is claimed of the compliance suites is declared, proven, and not more than that."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tools import compliance, gen_xeps
from tools.compliance import ROWS, Claims
from tools.describe import leaves, sections
from xmppctl.cli.tree import Tree
from xmppctl.model.xep import Status, Support, Xep, merge
from xmppctl.protocol import implemented

TESTS = Path(__file__).resolve().parents[2] / "integration"
NEEDS = sorted({number for row in ROWS for number in row.needs if number.startswith("0")})


def declared(**statuses: Status | None) -> Claims:
    """Everything complete but for those named: ``x0198="partial"``, or None for not there."""
    given = {number: statuses.get(f"x{number}", "complete") for number in NEEDS}
    return Claims(
        [
            Support(Xep(number, "1", status, "the other half"), ("m",))
            for number, status in given.items()
            if status is not None
        ]
    )


def row(feature: str) -> compliance.Row:
    return next(each for each in ROWS if each.feature == feature)


def test_what_is_claimed_is_there() -> None:
    paths = set()
    for members in sections(Tree()).values():
        for name, member in members:
            paths |= {name, *(path for path, _ in leaves(name, member))}
    assert list(compliance.check(Claims(merge(implemented())), paths, TESTS)) == []


def test_what_names_nothing_is_found() -> None:
    found = "\n".join(compliance.check(declared(), set(), Path("/nonexistent")))
    assert "Core, TLS: no command account test" in found
    assert "Core, TLS: no test tls" in found
    assert "A/V, Encryption: nothing proves it" in found


@pytest.mark.parametrize("status", [None, "planned", "wontfix", "removed", "deprecated"])
def test_a_level_is_not_claimed_with_something_missing(status: Status | None) -> None:
    claims = declared(x0234=status)
    assert claims.answer(row("Direct File Transfer")) == "no"
    assert claims.lacking(row("Direct File Transfer")) == ("0234",)
    assert [each.feature for each in claims.level("IM", "Advanced Client")] == [
        "Direct File Transfer"
    ]
    assert claims.level("IM", "Client") == []
    assert "| IM | Advanced Client | no; missing: XEP-0234 |" in compliance.table(claims, TESTS)
    assert "| IM | Client | yes |" in compliance.table(claims, TESTS)


def test_the_core_is_needed_everywhere() -> None:
    claims = declared(x0163=None)
    for category in compliance.CATEGORIES:
        assert claims.level(category, "Client") == []
        assert [each.feature for each in claims.level(category, "Advanced Client")] == [
            "Event publishing"
        ]


def test_partly_is_told_and_enough() -> None:
    claims = declared(x0198="partial")
    assert claims.answer(row("Stream Management")) == "partly"
    assert claims.level("Mobile", "Client") == []
    text = compliance.table(claims, TESTS)
    assert "| Mobile | Client | yes; in part: XEP-0198 |" in text
    assert "| Core | Client | yes |" in text
    assert "| partly: the other half | `send`, `listen` |" in text


def test_one_of_two_ways_is_enough() -> None:
    web = row("Web Connection Mechanisms")
    assert declared(x0206=None).answer(web) == "yes"
    assert declared(x0206="partial").answer(web) == "yes"


def test_the_suite_is_whole() -> None:
    """The numbers that each level asks of clients, as the suite lists them."""
    levels: dict[tuple[str, str], set[str]] = {}
    for each in ROWS:
        levels.setdefault((each.category, each.level), set()).update(each.needs)
    assert levels == {
        ("Core", "Client"): {"6120", "7590", "0030", "0115"},
        ("Core", "Advanced Client"): {"0368", "0163"},
        ("Web", "Client"): {"7395", "0206", "0156"},
        ("IM", "Client"): {"6121", "0245", "0054", "0280", "0045", "0249", "0363"},
        ("IM", "Advanced Client"): {
            "0084", "0398", "0153", "0191", "0048", "0313", "0402", "0410", "0223", "0049", "0198",
            "0184", "0085", "0308", "0234", "0261",
        },
        ("Mobile", "Client"): {"0198", "0352"},
        ("Mobile", "Advanced Client"): {"0357"},
        ("A/V", "Client"): {"0167", "0353", "0176", "0320", "0215"},
        ("A/V", "Advanced Client"): {"0293", "0294", "0338", "0339"},
    }  # fmt: skip


def test_it_stands_in_the_page() -> None:
    supported = merge(implemented())
    text = gen_xeps.table(supported, {})
    assert "## Compliance" in text
    claims = Claims(supported)
    for category in compliance.CATEGORIES:
        for level in compliance.LEVELS:
            met = not claims.level(category, level)
            line = re.search(rf"^\| {category} \| {level} \| (yes|no)\b", text, re.MULTILINE)
            assert line is not None
            assert (line[1] == "yes") is met
