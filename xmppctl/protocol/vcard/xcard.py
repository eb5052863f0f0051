"""RFC 6351: the XML of vCard4, with a single ``<vcard/>`` as root (XEP-0292 §3)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from typing import Any
from xml.etree.ElementTree import Element, SubElement

from xmppctl.protocol.vcard import NAME, NS_4, Card, Property
from xmppctl.session.xml import XmlError, parse, serialise, split

VCARD = f"{{{NS_4}}}vcard"

_PARTS = {
    "n": ("surname", "given", "additional", "prefix", "suffix"),
    "adr": ("pobox", "ext", "street", "locality", "region", "code", "country"),
    "gender": ("sex", "identity"),
    "clientpidmap": ("sourceid", "uri"),
}
_NUMBER = re.compile(r"\+?[0-9][0-9 ()./-]*")
_PARAMETERS = {"pref": "integer", "language": "language-tag", "geo": "uri"}
"""Types of parameters that are no text."""


def read(vcard: Element) -> Card:
    """The properties of ``<vcard/>``; what is none becomes one of the name xml."""
    card: Card = []
    for child in vcard:
        ns, name = split(child.tag)
        if (ns, name) == (NS_4, "group"):
            group = child.get("name") or "group"
            card += [property_of(each, group) for each in child]
        else:
            card.append(property_of(child, None))
    return card


def property_of(element: Element, group: str | None) -> Property:
    """One property; of the name xml where RFC 6351 does not know such an element."""
    ns, name = split(element.tag)
    unknown = Property("xml", (serialise(element, ""),), "text", {}, group, element)
    if ns != NS_4 or name == "xml" or element.attrib or not NAME.fullmatch(name):
        return unknown
    params = _params(element.find(f"{{{NS_4}}}parameters"))
    rest = [each for each in element if each.tag != f"{{{NS_4}}}parameters"]
    if any(split(each.tag)[0] != NS_4 or len(each) or each.attrib for each in rest):
        return unknown
    if name in _PARTS:
        texts: dict[str, list[str]] = {}
        for each in rest:
            texts.setdefault(split(each.tag)[1], []).append(each.text or "")
        if texts.keys() - set(_PARTS[name]):
            return unknown
        parts = [texts.get(each, [""]) for each in _PARTS[name]]
        value = [each[0] if len(each) == 1 else each for each in parts]
        return Property(name, (value,), "text", params, group, element)
    values: tuple[Any, ...] = tuple(each.text or "" for each in rest)
    if not values:
        return unknown if (element.text or "").strip() else Property(
            name, ("",), "text", params, group, element
        )  # fmt: skip
    if name == "org":
        values = (list(values),)
    return Property(name, values, split(rest[0].tag)[1], params, group, element)


def _params(element: Element | None) -> dict[str, list[str]]:
    if element is None:
        return {}
    found = {}
    for each in element:
        # some write the value without an element for its type
        values = [inner.text or "" for inner in each] or [each.text or ""]
        if any(values):
            found[split(each.tag)[1]] = values
    return found


def write(card: Iterable[Property]) -> Element:
    """The card as ``<vcard/>``."""
    root = Element(VCARD)
    for each in card:
        element = element_of(each)
        if each.group is not None:
            holder = SubElement(root, f"{{{NS_4}}}group", {"name": each.group})
            holder.append(element)
        else:
            root.append(element)
    return root


def element_of(each: Property) -> Element:
    """One property as an element. Raises ValueError where that cannot be."""
    if each.origin is not None and split(each.origin.tag)[0] != "vcard-temp":
        return each.origin
    if each.name == "xml":
        return foreign(each)
    if each.name == "tel" and each.type == "text" and _NUMBER.fullmatch(each.text.strip()):
        # what XEP-0292 §7.3.6 has for a number, and some look for that alone
        uri = "tel:" + re.sub("[ /]+", "-", each.text.strip())
        each = replace(each, values=(uri,), type="uri")
    elif each.name == "desc":  # §7.1.1
        each = replace(each, name="note")
    element = Element(f"{{{NS_4}}}{each.name}")
    params = {name: values for name, values in each.params.items() if name != "value"}
    if params:
        holder = SubElement(element, f"{{{NS_4}}}parameters")
        for name, values in params.items():
            inner = SubElement(holder, f"{{{NS_4}}}{name}")
            for value in values:
                SubElement(inner, f"{{{NS_4}}}{_PARAMETERS.get(name, 'text')}").text = value
    if each.name in _PARTS:
        names = _PARTS[each.name]
        parts: list[Any] = [*_first(each), *[""] * len(names)]
        for name, part in zip(names, parts, strict=False):
            for text in [part] if isinstance(part, str) else part:
                SubElement(element, f"{{{NS_4}}}{name}").text = text
        return element
    kind = each.type
    if kind == "date-and-or-time":  # no element of RFC 6351, which tells them apart
        kind = "date-time" if "T" in each.text.upper() else "date"
    for value in _first(each):
        text = value if isinstance(value, str) else ",".join(value)
        SubElement(element, f"{{{NS_4}}}{kind}").text = text
    return element


def _first(each: Property) -> list[Any]:
    """The parts of the value, or the values of one without parts."""
    value = each.values[0]
    return value if isinstance(value, list) else list(each.values)


def foreign(each: Property) -> Element:
    """The element that a property of the name xml holds (RFC 6350 §6.1.5)."""
    try:
        return parse(each.text)
    except XmlError as error:
        raise ValueError(f"an XML property cannot be read: {error}") from None
