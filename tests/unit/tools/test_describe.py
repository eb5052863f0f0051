"""What the tree says about itself."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Annotated, Any, ClassVar, Literal

import click
import pytest

from tools import describe
from tools.describe import Item
from xmppctl.cli import Command, group
from xmppctl.cli.params import BARE_JID, DURATION
from xmppctl.errors import ErrorInfo, Exit


class Kind(Enum):
    SMALL = "small"
    LARGE = "large"


@dataclass(frozen=True)
class Part:
    """A part."""

    number: Annotated[int, "its number"]


@dataclass(frozen=True)
class Whole:
    """A whole."""

    PLAIN: ClassVar[str] = "parts"
    SPARSE: ClassVar[bool] = True

    from_: Annotated[str | None, "where it comes from"]
    parts: Annotated[list[Part], "its parts"]
    named: Annotated[dict[str, Part | None], "its parts by name"]
    error: Annotated[ErrorInfo | None, "what is wrong"] = None


class Plain:
    def code(self, text: str) -> str:
        return f"'{text}'"

    def record(self, record: type) -> str:
        return f"<{record.__name__}>"


cmd = group("thing", section="Data", help="Things.")


def monitor(records: Any) -> Any:
    raise NotImplementedError


@cmd.command("list", examples=("xmppctl thing list",), monitor=monitor)
@click.argument("words", nargs=-1, metavar="[WORD]...")
@click.argument("jid", type=BARE_JID)
@click.argument("later", type=DURATION, required=False, metavar="[LATER]")
@click.option("--one/--many", help="How many.")
@click.option("-n", "--number", type=click.IntRange(2, 9), default=3, show_default=True,
              help="A number.")  # fmt: skip
@click.option("--kind", type=click.Choice(["a", "b"]), multiple=True, required=True, help="Kinds.")
@click.option("--secret", hidden=True, help="Nobody needs it.")
async def list_(**values: Any) -> AsyncIterator[Whole]:
    """List the things.

    All of
    them.

    \b
    As they
    stand.
    """
    raise NotImplementedError
    yield


@cmd.command("quiet", examples=("xmppctl thing quiet",), hidden=True)
def quiet() -> None:
    """Say nothing."""


def verb(name: str) -> Command:
    found = cmd.commands[name]
    assert isinstance(found, Command)
    return found


def test_leaves_are_the_visible_verbs() -> None:
    assert [path for path, _ in describe.leaves("thing", cmd)] == ["thing list"]


def test_synopsis() -> None:
    line = "xmppctl thing list [OPTIONS] [WORD]... JID [LATER]"
    assert describe.synopsis("thing list", verb("list")) == line


def test_paragraphs_keep_the_lines_that_must_be_kept() -> None:
    found = describe.paragraphs(verb("list").help)
    assert found == ["List the things.", "All of them.", "\nAs they\nstand."]
    assert describe.paragraphs("Shown.\n\f\nNot shown.") == ["Shown."]
    assert describe.paragraphs(None) == []


def test_arguments_whose_form_is_checked() -> None:
    assert describe.arguments(verb("list")) == [
        Item("JID", "a bare JID"),
        Item("LATER", "a duration; optional"),
    ]


def test_options() -> None:
    assert describe.own_options(verb("list")) == [
        Item("--one / --many", "How many."),
        Item("-n, --number N", "A number. (default: 3; 2 to 9)"),
        Item("--kind [a|b]", "Kinds. Repeatable. (required)"),
        Item("--fail-empty", "Exit with 10 when nothing was found."),
    ]
    assert describe.own_options(verb("quiet")) == []


def test_special_exits() -> None:
    assert [code for code, _ in describe.special_exits(verb("list"))] == ["10", "0 to 3"]
    assert describe.special_exits(verb("quiet")) == []


def test_prints() -> None:
    assert describe.prints(verb("list"), Plain()) == [
        "Prints <Whole> records, each as soon as it is there.",
        "'-o plain' prints 'parts'.",
        "It has '-o nagios' and '-o prometheus', too.",
    ]
    assert describe.prints(verb("quiet"), Plain()) == []


def test_fields_of_a_record() -> None:
    assert describe.record_fields(Whole, Plain()) == [
        ("from", "string or null", "where it comes from"),
        ("parts", "array of <Part>", "its parts"),
        ("named", "object, each value <Part> or null", "its parts by name"),
        ("error", "<ErrorInfo> or null", "what is wrong"),
    ]
    assert describe.is_sparse(Whole)
    assert not describe.is_sparse(Part)


@pytest.mark.parametrize(
    ("hint", "text"),
    [
        (Literal["a", ""] | None, "'a', '\"\"' or null"),
        (Kind, "'small' or 'large'"),
        (datetime | int | float, "time, integer or number"),
        (list[bool], "array of boolean"),
        (Any, "any value"),
    ],
)
def test_types_in_words(hint: Any, text: str) -> None:
    assert describe.type_text(hint, Plain()) == text


def test_records_inside_of_records() -> None:
    assert describe.records(Whole, Part) == [Whole, Part, ErrorInfo]


def test_every_exit_code_has_a_meaning() -> None:
    found = describe.exit_codes()
    assert [code for code, _ in found] == list(Exit)
    assert all(text for _, text in found)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("with -o nagios, or --no-input.", ["-o nagios", "--no-input"]),
        ("write - or -- before; XMPPCTL_JID", ["-", "--", "XMPPCTL_JID"]),
        ("SCRAM-SHA-1, well-known", []),
    ],
)
def test_what_is_literal_in_a_sentence(text: str, found: list[str]) -> None:
    assert describe.LITERAL.findall(text) == found
