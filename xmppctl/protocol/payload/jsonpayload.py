"""XEP-0335: JSON Containers, and XEP-0432: Simple JSON Messaging: data for programs."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any, NoReturn
from xml.etree.ElementTree import Element, SubElement

from xmppctl.protocol import Xep

if TYPE_CHECKING:
    from xmppctl.model.payload.content import JsonPayload
    from xmppctl.protocol.payload import Children, Context, Fields

XEPS = (
    Xep("0335", "0.1.1", "partial", "in messages, and as items of nodes"),
    Xep("0432", "0.1.1", "complete"),
)

NS = "urn:xmpp:json:0"
NS_MESSAGE = "urn:xmpp:json-msg:0"
JSON = f"{{{NS}}}json"
PAYLOAD = f"{{{NS_MESSAGE}}}payload"
TAGS = frozenset({JSON, PAYLOAD})

MAX_CHARACTERS = 1024 * 1024
"""Longest text that is parsed."""
MAX_DEPTH = 100
"""Deepest nesting of a value that is given on: whoever prints it walks down."""

_MOST = 64
_LONGEST_TYPE = 1024


def attach(stanza: Element, text: str, datatype: str | None = None) -> None:
    """Put JSON into a message; with ``datatype`` in an envelope that says what it is."""
    parent = stanza if datatype is None else SubElement(stanza, PAYLOAD, {"datatype": datatype})
    parent.append(container(text))


def container(text: str) -> Element:
    """The element that carries JSON (XEP-0335 §3)."""
    element = Element(JSON)
    element.text = text
    return element


def parse(text: str) -> Any:
    """The value of a JSON text (RFC 8259).

    Raises ValueError with a sentence, also for what Python's parser takes beside JSON (NaN), for
    numbers and texts that cannot be written again, and above the limits.
    """
    if len(text) > MAX_CHARACTERS:
        raise ValueError(f"more than {MAX_CHARACTERS} characters")
    try:
        value = json.loads(text, parse_constant=_refuse, parse_float=_finite)
    except RecursionError:
        raise ValueError(f"nested more than {MAX_DEPTH} deep") from None
    _check(value)
    return value


def read(stanza: Element, children: Children, context: Context) -> Fields:
    """``json``: each of them, in or without an envelope; what is no JSON is given as text."""
    found: list[JsonPayload] = []
    for child in stanza:
        if child.tag == JSON:
            found.append(_read(child, None))
        elif child.tag == PAYLOAD:
            datatype, inside = child.get("datatype") or "", child.findall(JSON)
            if 0 < len(datatype) <= _LONGEST_TYPE and len(inside) == 1:
                found.append(_read(inside[0], datatype))
        if len(found) == _MOST:
            break
    return {"json": found} if found else {}


def _read(element: Element, datatype: str | None) -> JsonPayload:
    from xmppctl.model.payload.content import JsonPayload  # not needed by who sends one

    text = element.text or ""
    try:
        if not len(element):
            return JsonPayload(datatype, parse(text))
    except ValueError:
        pass
    return JsonPayload(datatype, text=text)


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no JSON")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"the number {text[:20]} is too large")
    return number


def _check(value: Any) -> None:
    """Raise ValueError for lone surrogates, which UTF-8 cannot carry, and for deep nesting."""
    level = [value]
    for _ in range(MAX_DEPTH):
        texts = [each for each in level if isinstance(each, str)]
        following: list[Any] = []
        for each in level:
            if isinstance(each, list):
                following += each
            elif isinstance(each, dict):
                texts += each
                following += each.values()
        if any(not text.isascii() and _has_surrogate(text) for text in texts):
            raise ValueError("a text with half of a surrogate pair")
        if not following:
            return
        level = following
    raise ValueError(f"nested more than {MAX_DEPTH} deep")


def _has_surrogate(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return True
    return False
