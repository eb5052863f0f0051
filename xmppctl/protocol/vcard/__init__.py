"""vCards: properties as RFC 7095 has them, which every form of a card is read into.

``temp``: vcard-temp (XEP-0054). ``xcard``: the XML of vCard4 (RFC 6351). ``text``: .vcf files
(RFC 6350, RFC 2426, vCard 2.1). ``jcard``: JSON (RFC 7095).
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any
from xml.etree.ElementTree import Element

NS_TEMP = "vcard-temp"
NS_4 = "urn:ietf:params:xml:ns:vcard-4.0"
STEP = "vcard"

NAME_PARTS = ("family", "given", "middle", "prefix", "suffix")
"""The parts of a name in their order (RFC 6350 §6.2.2)."""

ADDRESS_PARTS = (
    "pobox", "extended", "street", "locality", "region", "postcode", "country",
)  # fmt: skip
"""Those of an address (§6.3.1)."""

STRUCTURED = frozenset({"n", "adr", "org", "gender", "clientpidmap"})
"""Properties whose value has parts."""

MULTIPLE = frozenset({"nickname", "categories"})
"""Properties that may have several values."""

DEFAULT_TYPES = {
    **dict.fromkeys(
        ("source", "photo", "impp", "geo", "logo", "member", "related", "uid", "key", "url",
         "sound", "fburl", "caladruri", "caluri"), "uri"),
    "bday": "date-and-or-time", "anniversary": "date-and-or-time", "rev": "timestamp",
    "lang": "language-tag",
    **dict.fromkeys(
        ("kind", "xml", "fn", "n", "nickname", "gender", "adr", "tel", "email", "tz", "title",
         "role", "org", "categories", "note", "prodid", "clientpidmap", "label", "mailer",
         "sort-string", "class", "agent", "name", "profile"), "text"),
}  # fmt: skip
"""Type of a property's value where no other is told (RFC 6350 §6)."""

BINARY = frozenset({"photo", "logo", "sound", "key"})
"""Properties that may hold bytes; these are a data: URI."""


@dataclass(frozen=True)
class Property:
    """One property.

    ``values``: text, or a list of parts for a structured one, a part with several values being a
    list itself. ``origin``: the element it was read from, which is written again as it was.
    """

    name: str
    values: tuple[Any, ...]
    type: str = "text"
    params: dict[str, list[str]] = field(default_factory=dict)
    group: str | None = None
    origin: Element | None = field(default=None, compare=False, repr=False)

    @property
    def text(self) -> str:
        """The first value, where that is text."""
        return self.values[0] if self.values and isinstance(self.values[0], str) else ""

    @property
    def parts(self) -> list[str]:
        """The parts of a structured value, several values of a part with commas between them."""
        value = self.values[0] if self.values else ""
        if isinstance(value, str):
            return [value]
        return [each if isinstance(each, str) else ",".join(each) for each in value]

    @property
    def empty(self) -> bool:
        """Whether it says nothing."""
        return not any(_says(value) for value in self.values)

    def changed(self, *values: Any) -> Property:
        """With other values."""
        return replace(self, values=values, origin=None)


NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]*")
"""What names of properties, parameters and types look like: all are names of elements too."""

Card = list[Property]
"""The properties of one card in their order."""


def _says(value: Any) -> bool:
    if isinstance(value, str):
        return bool(value.strip())
    return any(_says(each) for each in value)


def is_empty(card: Iterable[Property]) -> bool:
    """Whether a card says nothing: servers keep the empty parts of one that was removed."""
    return all(each.empty for each in card)


def data_uri(data: bytes, kind: str | None) -> str:
    """The bytes as a data: URI (RFC 2397)."""
    return f"data:{kind or ''};base64,{base64.b64encode(data).decode('ascii')}"


def data_of(uri: str) -> tuple[str | None, bytes] | None:
    """Media type and bytes of a data: URI; None for another URI. Raises ValueError."""
    if uri[:5].lower() != "data:":
        return None
    head, comma, body = uri[5:].partition(",")
    kind, _, coding = head.partition(";")
    if not comma and "base64" not in head:
        # the mapping of XEP-0292 §7.6 leaves out how the data is coded
        body, coding = coding, "base64"
    if "base64" in coding.lower():
        return kind.strip().lower() or None, unbase64(body)
    from urllib.parse import unquote_to_bytes

    return kind.strip().lower() or None, unquote_to_bytes(body)


def unbase64(text: str) -> bytes:
    """The bytes; white space counts for nothing. Raises ValueError."""
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except binascii.Error:
        raise ValueError("it is not base64") from None
