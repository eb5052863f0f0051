"""XEP-0115 and XEP-0390: what an entity announces about its capabilities, and what that is worth.

A hash is computed from the elements of the answer, not from records of them: an answer that says
a thing twice is ill-formed, and a record would not show it any more. SHA-1 is what XEP-0115 is
built upon (§9.1); it is accepted there and nowhere else.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from typing import Any
from xml.etree.ElementTree import Element

from xmppctl.model import digest
from xmppctl.protocol import Xep, hashes
from xmppctl.records import dataclass
from xmppctl.session.xml import LANG, split

XEPS = (
    Xep("0115", "1.6.0", "partial", "checked by entity caps, and not cached"),
    Xep("0390", "0.3.2", "partial", "checked by entity caps, and not announced"),
)

NS = "http://jabber.org/protocol/caps"
NS_HASHES = "urn:xmpp:caps"

_INFO = "{http://jabber.org/protocol/disco#info}"
_DATA = "{jabber:x:data}"

ALGORITHMS: dict[str, Callable[[], Any]] = {
    "sha-1": lambda: hashlib.sha1(usedforsecurity=False),
    "sha-224": hashlib.sha224,
    "sha-256": hashlib.sha256,
    "sha-384": hashlib.sha384,
    "sha-512": hashlib.sha512,
}
"""Of XEP-0115, by their IANA names; those of XEP-0390 are ``digest.ALGORITHMS``."""


class IllFormedError(ValueError):
    """An answer from which no hash may be computed; the text says why."""


@dataclass(frozen=True)
class Announced:
    """What an entity announces: by XEP-0115 (``node`` None: it does not), by XEP-0390."""

    node: str | None
    ver: str | None
    hash: str | None
    hashes: tuple[tuple[str, str], ...]

    @property
    def info_node(self) -> str | None:
        """The node to ask what the ``ver`` of XEP-0115 stands for (§6.2)."""
        return None if self.node is None else f"{self.node}#{self.ver}"


def read(parent: Element) -> Announced | None:
    """What stands in a presence or in stream features, None where nothing is announced.

    ``hashes`` holds (algorithm, base64) pairs.
    """
    caps = parent.find(f"{{{NS}}}c")
    if caps is not None and not (caps.get("node") and caps.get("ver")):
        caps = None
    found = tuple(
        (element.get("algo", ""), (element.text or "").strip())
        for element in parent.findall(f"{{{NS_HASHES}}}c/{{{hashes.NS}}}hash")
        if element.get("algo") and (element.text or "").strip()
    )
    if caps is None:
        return Announced(None, None, None, found) if found else None
    return Announced(caps.get("node"), caps.get("ver"), caps.get("hash") or None, found)


def hash_node(algorithm: str, value: str) -> str:
    """The node to ask what a hash of XEP-0390 stands for (§4.3)."""
    return f"{NS_HASHES}#{algorithm}.{value}"


# --- XEP-0115 §5


def verification(query: Element, algorithm: str = "sha-1") -> str:
    """The ``ver`` of a disco#info ``<query/>``.

    Raises IllFormedError (§5.4), KeyError for an algorithm that is not known.
    """
    made = ALGORITHMS[algorithm]()
    identities = [_identity(element) for element in query.findall(f"{_INFO}identity")]
    features = [element.get("var", "") for element in query.findall(f"{_INFO}feature")]
    _no_doubles(identities, "identity")
    _no_doubles(features, "feature")
    parts = ["/".join(identity) for identity in sorted(identities, key=_octets)]
    parts += sorted(features, key=str.encode)
    for form_type, fields in _forms(query):
        parts.append(form_type)
        for var, values in fields:
            parts += [var, *values]
    # "<" separates the parts; inside of one it stays the "&lt;" that it was on the wire
    made.update("".join(part.replace("<", "&lt;") + "<" for part in parts).encode())
    return base64.b64encode(made.digest()).decode()


def _identity(element: Element) -> tuple[str, str, str, str]:
    return (
        element.get("category", ""),
        element.get("type", ""),
        element.get(LANG, ""),
        element.get("name", ""),
    )


def _octets(parts: tuple[str, ...]) -> tuple[bytes, ...]:
    return tuple(part.encode() for part in parts)


def _no_doubles(found: list[Any], what: str) -> None:
    seen: set[Any] = set()
    for each in found:
        if each in seen:
            shown = each if isinstance(each, str) else "/".join(each)
            raise IllFormedError(f"the {what} {shown} is there twice")
        seen.add(each)


def _forms(query: Element) -> list[tuple[str, list[tuple[str, list[str]]]]]:
    """FORM_TYPE and fields with sorted values of the forms that count, sorted."""
    found: dict[str, list[tuple[str, list[str]]]] = {}
    for form in query.findall(f"{_DATA}x"):
        form_type: str | None = None
        fields: list[tuple[str, list[str]]] = []
        for field in form.findall(f"{_DATA}field"):
            values = _values(field)
            if field.get("var") != "FORM_TYPE":
                fields.append((field.get("var", ""), sorted(values, key=str.encode)))
            elif len(set(values)) > 1:
                raise IllFormedError("a form has several FORM_TYPEs")
            elif field.get("type") == "hidden" and values:
                form_type = values[0]
        if form_type is None:
            continue
        if form_type in found:
            raise IllFormedError(f"the form {form_type} is there twice")
        found[form_type] = sorted(fields, key=lambda field: field[0].encode())
    return sorted(found.items(), key=lambda item: item[0].encode())


def _values(field: Element) -> list[str]:
    return [value.text or "" for value in field.findall(f"{_DATA}value")]


# --- XEP-0390 §4.1


def hash_input(query: Element, lang: str = "") -> bytes:
    """The octets that are hashed; ``lang`` is the language that the query inherits.

    Raises IllFormedError.
    """
    identities, features, forms = [], [], []
    inherited = query.get(LANG, lang)
    for element in query:
        if element.tag == f"{_INFO}identity":
            category, kind, _, name = _identity(element)
            parts = (category, kind, element.get(LANG, inherited), name)
            identities.append(_joined(*parts) + b"\x1e")
        elif element.tag == f"{_INFO}feature":
            features.append(_joined(element.get("var", "")))
        elif element.tag == f"{_DATA}x":
            forms.append(_form_input(element))
        else:
            raise IllFormedError(f"<{split(element.tag)[1]}/> does not belong there")
    return b"".join(
        b"".join(sorted(section)) + b"\x1c" for section in (features, identities, forms)
    )


def _joined(*parts: str) -> bytes:
    return b"".join(part.encode() + b"\x1f" for part in parts)


def _form_input(form: Element) -> bytes:
    fields = form.findall(f"{_DATA}field")
    if form.find(f"{_DATA}reported") is not None or form.find(f"{_DATA}item") is not None:
        raise IllFormedError("a form is a table")
    types = [field for field in fields if field.get("var") == "FORM_TYPE"]
    if len(types) != 1 or types[0].get("type") != "hidden" or len(_values(types[0])) != 1:
        raise IllFormedError("a form has no proper FORM_TYPE")
    return b"".join(sorted(map(_field_input, fields))) + b"\x1d"


def _field_input(field: Element) -> bytes:
    values = b"".join(sorted(_joined(value) for value in _values(field)))
    return _joined(field.get("var", "")) + values + b"\x1e"


def hash_value(query: Element, algorithm: str, lang: str = "") -> str:
    """The base64 of a hash of XEP-0390 over a disco#info ``<query/>``.

    Raises IllFormedError, KeyError for an algorithm that is not known.
    """
    made = digest.ALGORITHMS[algorithm]()
    made.update(hash_input(query, lang))
    return base64.b64encode(made.digest()).decode()
