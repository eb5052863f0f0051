"""XEP-0054: the XML of vcard-temp, mapped to properties of vCard4 as XEP-0292 §7 has it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from xml.etree.ElementTree import Element, SubElement

from xmppctl.protocol.vcard import (
    BINARY,
    DEFAULT_TYPES,
    NAME,
    NS_4,
    NS_TEMP,
    Card,
    Property,
    data_of,
    data_uri,
    unbase64,
    xcard,
)
from xmppctl.session.xml import serialise, split

VCARD = f"{{{NS_TEMP}}}vCard"

_SIMPLE = {
    "FN": "text", "NICKNAME": "text", "BDAY": "date-and-or-time", "MAILER": "text", "TZ": "text",
    "TITLE": "text", "ROLE": "text", "NOTE": "text", "PRODID": "text", "REV": "timestamp",
    "SORT-STRING": "text", "UID": "text", "URL": "uri", "DESC": "text",
}  # fmt: skip
_N = ("FAMILY", "GIVEN", "MIDDLE", "PREFIX", "SUFFIX")
_ADR = ("POBOX", "EXTADD", "STREET", "LOCALITY", "REGION", "PCODE", "CTRY")
_PARTS = {"N": _N, "ADR": _ADR, "TEL": ("NUMBER",), "EMAIL": ("USERID",), "LABEL": ("LINE",)}
_DEFINED = frozenset({each.upper() for each in DEFAULT_TYPES} | {"DESC", "JABBERID"})
_FLAG = re.compile(r"[A-Za-z0-9-]+")


def _tag(name: str) -> str:
    return f"{{{NS_TEMP}}}{name}"


def read(vcard: Element) -> Card:
    """The properties of ``<vCard/>``; what vcard-temp does not define becomes one named xml."""
    return [_property(child) for child in vcard if split(child.tag)[1] != "VERSION"]


def _property(element: Element) -> Property:
    ns, name = split(element.tag)
    if ns == NS_4:
        return xcard.property_of(element, None)
    found = None if ns != NS_TEMP or element.attrib else _known(element, name)
    return found or Property("xml", (serialise(element, ""),), origin=element)


def _known(element: Element, name: str) -> Property | None:
    if name in _SIMPLE and not len(element):
        return Property(name.lower(), (element.text or "",), _SIMPLE[name], origin=element)
    if name == "JABBERID" and not len(element):
        return Property("impp", (f"xmpp:{element.text or ''}",), "uri", origin=element)
    children: dict[str, list[str]] = {}
    for child in element:
        ns, inner = split(child.tag)
        if ns != NS_TEMP or len(child) or child.attrib:
            return None
        children.setdefault(inner, []).append(child.text or "")
    if name in _PARTS:
        return _structured(element, name, children)
    if name == "ORG" and children.keys() <= {"ORGNAME", "ORGUNIT"}:
        units = children.get("ORGUNIT", [])
        return Property("org", ([*children.get("ORGNAME", [""])[:1], *units],), origin=element)
    if name == "CATEGORIES" and children.keys() <= {"KEYWORD"}:
        return Property("categories", tuple(children.get("KEYWORD", [""])), origin=element)
    if name == "GEO" and children.keys() == {"LAT", "LON"}:
        place = f"geo:{children['LAT'][0]},{children['LON'][0]}"
        return Property("geo", (place,), "uri", origin=element)
    if name == "CLASS" and len(children) == 1:
        return Property("class", (next(iter(children)),), origin=element)
    if name == "KEY" and set(children) <= {"TYPE", "CRED"} and "CRED" in children:
        params = {"mediatype": children["TYPE"]} if children.get("TYPE") else {}
        return Property("key", (children["CRED"][0],), "text", params, origin=element)
    if name.lower() in BINARY and name != "KEY":
        return _binary(element, name.lower(), children)
    if not len(element) and name.isupper() and NAME.fullmatch(name) and name not in _DEFINED:
        return Property(name.lower(), (element.text or "",), origin=element)
    return None


def _structured(element: Element, name: str, children: dict[str, list[str]]) -> Property | None:
    names = _PARTS[name]
    flags = [each for each in children if each not in names]
    if any("".join(children[each]).strip() or not _FLAG.fullmatch(each) for each in flags):
        return None
    params: dict[str, list[str]] = {}
    types = [each.lower() for each in flags if each not in ("PREF", "INTERNET")]
    if types:
        params["type"] = types
    if "PREF" in flags:
        params["pref"] = ["1"]
    if name == "LABEL":
        return Property("label", ("\n".join(children.get("LINE", [])),), "text", params,
                        origin=element)  # fmt: skip
    value = [children.get(each, [""])[0] for each in names]
    found = tuple(value) if len(names) == 1 else (value,)
    return Property(name.lower(), found, "text", params, origin=element)


def _binary(element: Element, name: str, children: dict[str, list[str]]) -> Property | None:
    if "".join(children.get("BINVAL", [])).strip():
        kind = children.get("TYPE", [""])[0].strip().lower() or None
        try:
            data = unbase64(children["BINVAL"][0])
        except ValueError:
            return None
        return Property(name, (data_uri(data, kind),), "uri", origin=element)
    if children.keys() <= {"TYPE", "EXTVAL"} and "EXTVAL" in children:
        return Property(name, (children["EXTVAL"][0].strip(),), "uri", origin=element)
    if not "".join("".join(each) for each in children.values()).strip():
        return Property(name, ("",), "uri", origin=element)
    return None


def write(card: Iterable[Property]) -> Element:
    """The card as ``<vCard/>``; what vcard-temp has no element for is put in as it is in vCard4."""
    root = Element(VCARD)
    for each in card:
        if each.origin is not None and (split(each.origin.tag)[0] != NS_4 or each.name == "xml"):
            root.append(each.origin)
        else:
            root.append(_element(each))
    return root


def _element(each: Property) -> Element:
    upper = each.name.upper()
    element = Element(_tag(upper))
    if upper in _SIMPLE:
        element.text = ",".join(each.values)
    elif upper in _PARTS:
        _put_flags(element, each)
        texts = each.text.split("\n") if upper == "LABEL" else each.parts
        names = _PARTS[upper] * len(texts) if upper == "LABEL" else _PARTS[upper]
        if upper == "TEL":
            texts = [number(each)]
        for name, text in zip(names, texts, strict=False):
            if text or len(names) == 1:
                SubElement(element, _tag(name)).text = text
    elif upper == "ORG":
        for position, text in enumerate(each.parts):
            SubElement(element, _tag("ORGUNIT" if position else "ORGNAME")).text = text
    elif upper == "CATEGORIES":
        for text in each.values:
            SubElement(element, _tag("KEYWORD")).text = text
    elif upper == "CLASS" and _FLAG.fullmatch(each.text):
        SubElement(element, _tag(each.text.upper()))
    elif upper == "IMPP" and each.text[:5].lower() == "xmpp:":
        element.tag = _tag("JABBERID")
        element.text = each.text[5:]
    elif upper == "GEO" and (place := _place(each.text)) is not None:
        SubElement(element, _tag("LAT")).text, SubElement(element, _tag("LON")).text = place
    elif upper == "KEY" and each.type == "text":
        for kind in each.params.get("mediatype", [])[:1]:
            SubElement(element, _tag("TYPE")).text = kind
        SubElement(element, _tag("CRED")).text = each.text
    elif upper in ("PHOTO", "LOGO", "SOUND"):
        _put_binary(element, each)
    elif upper not in _DEFINED and each.type in ("text", "unknown") and not each.params:
        element.text = ",".join(each.values)
    else:
        return xcard.element_of(each)
    return element


def _put_flags(element: Element, each: Property) -> None:
    for flag in each.params.get("type", []):
        if _FLAG.fullmatch(flag) and flag != "internet":
            SubElement(element, _tag(flag.upper()))
    if each.name == "email" and "x400" not in each.params.get("type", []):
        SubElement(element, _tag("INTERNET"))
    if "pref" in each.params:
        SubElement(element, _tag("PREF"))


def _put_binary(element: Element, each: Property) -> None:
    try:
        found = data_of(each.text)
    except ValueError:
        found = None
    if found is None:
        SubElement(element, _tag("EXTVAL")).text = each.text
        return
    kind, data = found
    if kind is not None and each.name != "sound":
        SubElement(element, _tag("TYPE")).text = kind
    SubElement(element, _tag("BINVAL")).text = data_uri(data, None).partition(",")[2]


def number(each: Property) -> str:
    """The telephone number, without the scheme of its URI."""
    text = each.text.strip()
    return text[4:] if text[:4].lower() == "tel:" else text


def _place(text: str) -> tuple[str, str] | None:
    found = re.fullmatch(r"(?:geo:)?(-?[0-9.]+)[,;](-?[0-9.]+)(?:[,;].*)?", text.strip(), re.I)
    return None if found is None else (found[1], found[2])
