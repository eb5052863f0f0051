"""Parameter types: what they accept, and what they refuse."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Literal

import click
import pytest

from xmppctl.cli import params
from xmppctl.model.jid import Jid

NOW = datetime(2026, 3, 29, 12, 0, tzinfo=UTC)


@pytest.fixture
def berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def when(text: str) -> datetime:
    return params.WhenType(lambda: NOW.astimezone()).convert(text, None, None)


def test_jid_from_text_and_uri() -> None:
    assert params.JID.convert("Bob@Example.org/x", None, None) == Jid("bob", "example.org", "x")
    assert params.JID.convert("xmpp:bob@example.org?message", None, None).is_bare


@pytest.mark.parametrize(
    ("kind", "text", "reason"),
    [
        (params.JID, "a b@x", "must not contain"),
        (params.JID, "", "empty"),
        (params.BARE_JID, "bob@example.org/x", "has a resource"),
        (params.FULL_JID, "bob@example.org", "has no resource"),
        (params.DURATION, "5 parsecs", "duration"),
        (params.SIZE, "5X", "size"),
        (params.HOST_PORT, "example.org", "HOST:PORT"),
        (params.PIN, "md5:00", "pin"),
        (params.NONEMPTY, "", "empty"),
        (params.TEXT, "\udcff", "UTF-8"),
        (params.WHEN, "2024", "not a date"),
        (params.WHEN, "tomorrow", "not a date"),
        (params.WHEN, "9999999999w", "not a date"),
        (params.WHEN, "0001-01-01", "not a date"),
    ],
)
def test_refusals(kind: click.ParamType, text: str, reason: str) -> None:
    with pytest.raises(click.BadParameter, match=reason):
        kind.convert(text, None, None)


def test_values() -> None:
    assert params.DURATION.convert("500ms", None, None) == 0.5
    assert params.SIZE.convert("2K", None, None) == 2048
    assert params.TEXT.convert("", None, None) == ""
    assert params.NONEMPTY.convert("ä", None, None) == "ä"


@pytest.mark.usefixtures("berlin")
@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("now", "2026-03-29T12:00:00"),
        ("2h", "2026-03-29T10:00:00"),
        ("1w", "2026-03-22T12:00:00"),
        # Summer time began at two that night: midnight was still in winter time.
        ("today", "2026-03-28T23:00:00"),
        ("yesterday", "2026-03-27T23:00:00"),
        ("2026-07-01", "2026-06-30T22:00:00"),
        ("20260701", "2026-06-30T22:00:00"),
        ("2026-01-31T12:00", "2026-01-31T11:00:00"),
        ("2026-01-31T12:00:00Z", "2026-01-31T12:00:00"),
        ("2026-01-31T12:00:00+05:30", "2026-01-31T06:30:00"),
    ],
)
def test_when(text: str, utc: str) -> None:
    moment = when(text)
    assert moment.utcoffset() is not None
    assert moment == datetime.fromisoformat(utc).replace(tzinfo=UTC)


def test_when_defaults_to_the_clock() -> None:
    assert abs(params.WHEN.convert("now", None, None) - datetime.now(UTC)) < timedelta(minutes=1)


def test_several_choices_with_commas() -> None:
    kinds = params.ChoicesType(Literal["a", "b", "c"])
    assert kinds.convert("b, a", None, None) == ("b", "a")
    for wrong in ("a,d", "", "a,,b", "A"):
        with pytest.raises(click.BadParameter):
            kinds.convert(wrong, None, None)
