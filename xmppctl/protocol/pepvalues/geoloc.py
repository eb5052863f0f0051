"""XEP-0080: User Location."""

from __future__ import annotations

import math
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from decimal import Decimal
from typing import Any
from xml.etree.ElementTree import Element

from xmppctl.model.pep import Location
from xmppctl.protocol import Xep
from xmppctl.protocol.dates import format_datetime, parse_datetime
from xmppctl.protocol.pepvalues import Value, make, text
from xmppctl.session.xml import LANG

XEPS = (Xep("0080", "1.10.0", "complete"),)

NODE = "http://jabber.org/protocol/geoloc"
TAG = f"{{{NODE}}}geoloc"

NUMBERS = ("accuracy", "alt", "altaccuracy", "bearing", "lat", "lon", "speed")
TEXTS = (
    "area",
    "building",
    "country",
    "countrycode",
    "datum",
    "description",
    "floor",
    "locality",
    "postalcode",
    "region",
    "regioncode",
    "room",
    "street",
    "text",
    "tzo",
    "uri",
)
FIELDS = tuple(sorted((*NUMBERS, *TEXTS, "timestamp")))
"""In the order of the schema; its <error/> is one of arc minutes, and deprecated."""


def build(values: Mapping[str, Any]) -> Element:
    """``<geoloc/>`` (§3) of the values that are not None; the empty one: nothing is told any more.

    ``values``: FIELDS and "lang"; numbers are floats, the timestamp is an aware datetime.
    """
    element = make(TAG, {name: _written(values.get(name)) for name in FIELDS})
    if values.get("lang") is not None:
        element.set(LANG, values["lang"])
    return element


def read(jid: str, value: Value) -> Location:
    """The place; what is no number or date where there has to be one is left out."""
    payload = value.payload
    told = {name: text(payload, f"{{{NODE}}}{name}") for name in FIELDS}
    known: dict[str, Any] = {name: told[name] for name in TEXTS}
    for name in NUMBERS:
        known[name] = _number(told[name])
    known["timestamp"] = None
    with suppress(ValueError):
        known["timestamp"] = parse_datetime(told["timestamp"] or "")
    return Location(jid, **known, lang=payload.get(LANG), at=value.at)


def _written(value: str | float | datetime | None) -> str | None:
    if isinstance(value, datetime):
        return format_datetime(value)
    if isinstance(value, float):  # xs:decimal knows no exponents
        return f"{Decimal(repr(value)):f}".removesuffix(".0")
    return value


def _number(told: str | None) -> float | None:
    try:
        number = float(told) if told and told.isascii() and "_" not in told else math.nan
    except ValueError:
        return None
    return number if math.isfinite(number) else None
