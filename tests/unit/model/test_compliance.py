"""Levels of the compliance suites: what keeps from one, and what cannot."""

import pytest

from xmppctl.model.compliance import Requirement, needed, reached


def row(category, level, requirement, status="ok"):
    return Requirement(category, level, "f", requirement, "t", status, "live", "")


SUITE = [
    row("core", "server", "C1"),
    row("core", "advanced", "C2"),
    row("im", "server", "I1"),
    row("im", "advanced", "I2"),
    row("mobile", "server", "M1"),
    row("im", "note", "N"),
    row(None, "future", "F"),
]


def suite(**statuses):
    return [
        row(each.category, each.level, each.requirement, statuses.get(each.requirement, "ok"))
        for each in SUITE
    ]


def test_a_level_needs_those_below_it_and_the_core():
    names = {each.requirement for each in needed(SUITE, "im", "advanced")}
    assert names == {"C1", "C2", "I1", "I2"}
    assert {each.requirement for each in needed(SUITE, "im", "server")} == {"C1", "I1"}
    assert {each.requirement for each in needed(SUITE, "core", "server")} == {"C1"}
    assert {each.requirement for each in needed(SUITE, "mobile", "advanced")} == {"C1", "C2", "M1"}


@pytest.mark.parametrize(
    ("statuses", "category", "level", "missing", "unknown"),
    [
        ({}, "im", "advanced", [], []),
        ({"I2": "fail"}, "im", "server", ["I2"], []),
        ({"C2": "fail"}, "im", "server", ["C2"], []),
        ({"C1": "fail", "C2": "fail"}, "im", None, ["C1"], []),
        ({"C1": "unknown"}, "im", None, [], ["C1"]),
        ({"C2": "unknown", "I2": "fail"}, "im", "server", ["I2"], ["C2"]),
        ({"C1": "unknown", "I1": "fail", "I2": "unknown"}, "im", None, ["I1"], ["C1"]),
        ({"I1": "fail", "N": "absent", "F": "absent"}, "core", "advanced", [], []),
    ],
)
def test_reached(statuses, category, level, missing, unknown):
    found = reached(suite(**statuses), category)
    assert (found.level, found.missing, found.unknown) == (level, missing, unknown)


def test_what_is_named_twice_is_named_once():
    twice = [row("im", "server", "X", "fail"), row("im", "server", "X", "fail")]
    assert reached(twice, "im").missing == ["X"]


def test_what_no_client_can_know_keeps_from_nothing():
    found = [Requirement("core", "server", "f", "C", "t", "unknown", "none", "")]
    assert reached(found, "core").level == "advanced"


def test_only_levels_are_required():
    assert [each.requirement for each in SUITE if not each.required] == ["N", "F"]
