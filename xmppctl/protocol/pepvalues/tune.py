"""XEP-0118: User Tune."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from xml.etree.ElementTree import Element

from xmppctl.model.pep import Tune
from xmppctl.protocol import Xep
from xmppctl.protocol.pepvalues import Value, make, text

XEPS = (Xep("0118", "1.3.0", "complete"),)

NODE = "http://jabber.org/protocol/tune"
TAG = f"{{{NODE}}}tune"

FIELDS = (
    "artist",
    "composer",
    "date",
    "genre",
    "language",
    "length",
    "lyricist",
    "performer",
    "rating",
    "source",
    "title",
    "track",
    "uri",
)
"""In the order of the schema."""

_NUMBERS = frozenset({"length", "rating"})


def build(values: Mapping[str, Any]) -> Element:
    """``<tune/>`` (§2.1) of those FIELDS that are not None; the empty one says that it stopped."""
    given = ((name, values.get(name)) for name in FIELDS)
    return make(TAG, {name: None if value is None else str(value) for name, value in given})


def read(jid: str, value: Value) -> Tune:
    """What is played; a number that is none is left out."""
    found = {name: text(value.payload, f"{{{NODE}}}{name}") for name in FIELDS}
    known: dict[str, Any] = {**found, **{name: _number(found[name]) for name in _NUMBERS}}
    return Tune(jid, **known, at=value.at)


def _number(told: str | None) -> int | None:
    return int(told) if told and told.isascii() and told.isdigit() and len(told) < 10 else None
