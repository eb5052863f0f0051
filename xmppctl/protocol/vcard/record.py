"""A card as the record that people and scripts see, and back."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable
from contextlib import suppress
from dataclasses import asdict, replace
from typing import Any

from xmppctl.model.vcard import CardAddress, CardName, CardPhoto, CardProperty, VCard
from xmppctl.protocol import pictures
from xmppctl.protocol.vcard import ADDRESS_PARTS, NAME_PARTS, Card, Property, data_of, jcard
from xmppctl.protocol.vcard.edit import FIELDS, SEVERAL, Change, apply
from xmppctl.protocol.vcard.temp import number


def describe(card: Iterable[Property], jid: str, version: int) -> VCard:
    """The record; the bytes of the picture are left out."""
    card = list(card)
    first = next((each for each in card if each.name == "photo"), None)
    return VCard(
        jid=jid,
        version=version,
        **{name: text(card, name) for name in FIELDS},
        n=_name(card),
        email=[each.text for each in _of(card, "email") if each.text],
        tel=[number(each) for each in _of(card, "tel") if each.text],
        adr=[_address(each) for each in _of(card, "adr") if not each.empty],
        impp=[each.text for each in _of(card, "impp") if each.text],
        photo=None if first is None else _photo(first),
        properties=[_property(each, each is not first) for each in card if not each.empty],
    )


def _of(card: Card, name: str) -> list[Property]:
    return [each for each in card if each.name == name]


def text(card: Card, name: str) -> str | None:
    """One of the fields that are a text."""
    found = [each for each in _of(card, name) if not each.empty]
    if name == "note" and not found:
        found = [each for each in _of(card, "desc") if not each.empty]
    if name == "nickname":
        return ",".join(value for each in found for value in each.values if value) or None
    if not found:
        return None
    return found[0].parts[0] or None if name == "org" else found[0].text


def _name(card: Card) -> CardName | None:
    found = next((each for each in _of(card, "n") if not each.empty), None)
    if found is None:
        return None
    return CardName(**{key: part or None for key, part in zip(NAME_PARTS, found.parts)})  # noqa: B905


def _address(each: Property) -> CardAddress:
    parts = {key: part or None for key, part in zip(ADDRESS_PARTS, each.parts)}  # noqa: B905
    return CardAddress(list(each.params.get("type", [])), **parts)


def _photo(each: Property) -> CardPhoto | None:
    if each.empty:
        return None
    data = photo([each])
    if data is None:
        return CardPhoto(url=each.text if each.text[:5].lower() != "data:" else None)
    kind = pictures.kind_of(data)  # what it is said to be is anybody's guess (XEP-0153 §4)
    if kind is None:
        with suppress(ValueError):
            kind = (data_of(each.text) or (None,))[0]
    return CardPhoto(kind, len(data), hashlib.sha1(data, usedforsecurity=False).hexdigest())


def photo(card: Iterable[Property]) -> bytes | None:
    """The bytes of the first picture that is in the card; None without one."""
    for each in card:
        if each.name == "photo":
            with suppress(ValueError):
                found = data_of(each.text)
                if found is not None and found[1]:
                    return found[1]
    return None


_TOLD = frozenset({*FIELDS, *SEVERAL, "n", "adr", "photo", "desc"})


def told(each: CardProperty) -> bool:
    """Whether the other fields of the record tell all of it."""
    types_told = each.name == "adr" and each.parameters.keys() <= {"type"}
    return each.name in _TOLD and (types_told or not each.parameters) and each.group is None


def unkept(wanted: Card, card: Card, lost: Iterable[str], asked: Collection[str]) -> list[str]:
    """Names of fields that were ``asked`` for, and are not in ``card`` as they are ``wanted``.

    ``lost``: names of properties that are not all there.
    """
    names = {"n" if name in NAME_PARTS else name for name in asked}
    texts = [name for name in FIELDS if name in names and text(card, name) != text(wanted, name)]
    return texts + [name for name in ("n", "email", "tel", "photo") if name in {*names} & {*lost}]


def _property(each: Property, complete: bool) -> CardProperty:
    hidden = not complete and each.text[:5].lower() == "data:"
    values = None if hidden else list(each.values)
    return CardProperty(each.name, each.params, each.type, values, each.group)


# --- JSON


def write(card: Card, jid: str, version: int) -> str:
    """The record as JSON, with the bytes of the picture, so that ``read`` has the whole card."""
    record = describe(card, jid, version)
    whole = replace(record, properties=[_property(each, True) for each in card if not each.empty])
    return json.dumps(asdict(whole), ensure_ascii=False, indent=2) + "\n"


def read(data: dict[str, Any], *, whole: bool) -> Card:
    """The card that a record tells; its other fields count where ``properties`` differ from them.

    A field that is null says nothing. ``whole``: the bytes of its picture must be there. Raises
    ValueError with a sentence that says what is wrong.
    """
    for name in data:
        if name not in VCard.__dataclass_fields__:
            raise ValueError(f"a card has no field {name!r}")
    rows = data.get("properties") or []
    if not isinstance(rows, list):
        raise ValueError("properties is no array")  # noqa: TRY004 - what a file says
    card = [each for each in map(_read_property, rows) if each is not None]
    if whole and len(card) < len(rows):
        raise ValueError("the bytes of its picture are missing, which vcard get --as json writes")
    flat = json.loads(json.dumps(asdict(describe(card, "", 4))))
    changes: list[Change] = []
    for name in (*FIELDS, *SEVERAL):
        if data.get(name) and data[name] != flat[name]:
            changes.append((name, _checked(name, data[name], several=name in SEVERAL)))
    for name, parts in (("n", NAME_PARTS), ("adr", ADDRESS_PARTS)):
        if data.get(name) and data[name] != flat[name]:
            changes.append((name, _structured(name, data[name], parts)))
    url = data["photo"].get("url") if isinstance(data.get("photo"), dict) else None
    if isinstance(url, str) and url and flat["photo"] is None:
        changes.append(("photo", url))
    return apply(card, changes)


def _read_property(data: Any) -> Property | None:
    """None for one whose bytes were left out."""
    keys = {"name", "parameters", "type", "values", "group"}
    if not isinstance(data, dict) or data.keys() - keys or "name" not in data:
        raise ValueError("a property is an object with name, parameters, type and values")
    params, values, group = data.get("parameters") or {}, data.get("values"), data.get("group")
    if values is None:
        return None
    if not isinstance(params, dict) or not isinstance(values, list) or not values:
        raise ValueError(f"the property {data['name']!r} has no proper parameters or values")
    if any(not isinstance(each, list) for each in params.values()):
        raise ValueError(f"a parameter of {data['name']!r} is no array")
    if group is not None and not isinstance(group, str):
        raise ValueError(f"the group of {data['name']!r} is no text")
    texts = {key: [str(value) for value in each] for key, each in params.items()}
    return jcard.make(data["name"], texts, data.get("type", "text"), values, group)


def _checked(name: str, value: Any, *, several: bool) -> Any:
    if several:
        if isinstance(value, list) and all(isinstance(each, str) for each in value):
            return tuple(value)
        raise ValueError(f"{name} is no array of texts")
    if isinstance(value, str):
        return value
    raise ValueError(f"{name} is no text")


def _structured(name: str, value: Any, parts: tuple[str, ...]) -> Any:
    found = []
    for row in value if isinstance(value, list) else [value]:
        if not isinstance(row, dict) or row.keys() - {*parts, "types"}:
            raise ValueError(f"{name} has other parts than {', '.join(parts)}")
        texts = [row.get(each) or "" for each in parts]
        kinds = row.get("types") or []
        if not all(isinstance(each, str) for each in [*texts, *kinds]):
            raise ValueError(f"a part of {name} is no text")
        params = {"type": list(kinds)} if kinds else {}
        found.append(Property(name, (texts,), "text", params))
    return tuple(found)
