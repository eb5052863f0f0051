"""Changes of a card that leave alone what they do not name."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from xmppctl.protocol.vcard import DEFAULT_TYPES, NAME_PARTS, Card, Property
from xmppctl.protocol.vcard.temp import number

FIELDS = ("fn", "nickname", "org", "title", "role", "url", "bday", "note")
"""Those that are a text."""

SEVERAL = ("email", "tel", "impp")
"""Those that are several texts."""

Change = tuple[str, Any]
"""Name of a field, and what it is to be.

One of ``FIELDS`` and ``photo`` (a URI): text. ``email``, ``tel``, ``impp``: all of them.
``n``, ``adr``: properties. A part of the name: text. What is empty removes the field.
"""


def apply(card: Iterable[Property], changes: Iterable[Change]) -> Card:
    """The card with the changes; everything else as it was, and where it was."""
    card = list(card)
    for name, value in changes:
        if name in NAME_PARTS:
            card = _part(card, name, value)
        elif name in SEVERAL:
            card = _several(card, name, value)
        elif name in ("n", "adr"):
            card = replaced(card, {name}, value)
        else:
            card = _text(card, name, value)
    return card


def merge(card: Iterable[Property], other: Card) -> Card:
    """The card with the properties of another in place of its own of the same names."""
    card = list(card)
    elements = {each.text for each in other if each.name == "xml"}
    found = [each for each in card if each.name != "xml" or each.text not in elements]
    for name in dict.fromkeys(each.name for each in other):
        ours = [each for each in other if each.name == name]
        found = found + ours if name == "xml" else replaced(found, {name}, ours)
    return found


def replaced(card: Card, names: set[str], by: Iterable[Property]) -> Card:
    """With other properties in place of those of these names."""
    place = next((i for i, each in enumerate(card) if each.name in names), len(card))
    before = [each for each in card[:place] if each.name not in names]
    return [*before, *by, *(each for each in card[place:] if each.name not in names)]


def _text(card: Card, name: str, text: str) -> Card:
    names = {name}
    if name == "note" and not any(each.name == "note" and not each.empty for each in card):
        names.add("desc")  # where vcard-temp keeps it too
    if not text or name in ("nickname", "photo"):
        by = [Property(name, (text,), DEFAULT_TYPES[name])] if text else []
        return replaced(card, names, by)
    value: Any = [text] if name == "org" else text
    place = next((i for i, each in enumerate(card) if each.name in names and not each.empty), None)
    if place is None:
        return replaced(card, names, [Property(name, (value,), DEFAULT_TYPES[name])])
    old = card[place]
    if old.name == "org" and old.parts[0] == text:
        return card
    return [*card[:place], old.changed(value), *card[place + 1 :]]


def _several(card: Card, name: str, texts: Iterable[str]) -> Card:
    """Those that are there already keep their parameters."""
    known = {_plain(each): each for each in card if each.name == name}
    kind = "uri" if name == "impp" else "text"
    by = []
    for text in dict.fromkeys(texts):
        new = Property(name, (text,), kind)
        by.append(known.get(_plain(new), new))
    return replaced(card, {name}, by)


def _plain(each: Property) -> str:
    return digits(number(each)) if each.name == "tel" else each.text


def digits(text: str) -> str:
    """A telephone number without what only makes it easier to read."""
    return "".join(char for char in text if char not in " ()-./")


def _part(card: Card, name: str, text: str) -> Card:
    old = next((each for each in card if each.name == "n"), None)
    parts: list[Any] = []
    if old is not None and isinstance(old.values[0], list):
        parts = list(old.values[0])
    parts += [""] * (len(NAME_PARTS) - len(parts))
    parts[NAME_PARTS.index(name)] = text
    new = Property("n", (parts,)) if old is None else old.changed(parts)
    return replaced(card, {"n"}, [] if new.empty else [new])
