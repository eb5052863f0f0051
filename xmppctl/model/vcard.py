"""Who somebody is: vCards of accounts and services."""

from __future__ import annotations

from dataclasses import field
from typing import Annotated, Any, ClassVar

from xmppctl.records import dataclass


@dataclass(frozen=True)
class CardName:
    """The parts of a name."""

    family: Annotated[str | None, "family name"] = None
    given: Annotated[str | None, "given name"] = None
    middle: Annotated[str | None, "further given names"] = None
    prefix: Annotated[str | None, "what stands before it, such as Dr."] = None
    suffix: Annotated[str | None, "what stands behind it, such as Jr."] = None

    def __str__(self) -> str:
        """For a table."""
        parts = (self.prefix, self.given, self.middle, self.family, self.suffix)
        return " ".join(each for each in parts if each)


@dataclass(frozen=True)
class CardAddress:
    """A postal address."""

    types: Annotated[list[str], "kinds, such as home and work"] = field(default_factory=list)
    pobox: Annotated[str | None, "post office box"] = None
    extended: Annotated[str | None, "flat, suite"] = None
    street: Annotated[str | None, "street and number"] = None
    locality: Annotated[str | None, "town"] = None
    region: Annotated[str | None, "state, province"] = None
    postcode: Annotated[str | None, "postal code"] = None
    country: Annotated[str | None, "country"] = None

    def __str__(self) -> str:
        """For a table."""
        parts = (self.street, self.extended, self.pobox, self.locality, self.region)
        return ", ".join(each for each in (*parts, self.postcode, self.country) if each)


@dataclass(frozen=True)
class CardPhoto:
    """The picture of a card."""

    type: Annotated[str | None, "media type, by the bytes where these are there"] = None
    bytes: Annotated[int | None, "size; null for a picture that is elsewhere"] = None
    sha1: Annotated[str | None, "SHA-1 of the bytes, hexadecimal: the avatar's id"] = None
    url: Annotated[str | None, "where it is, when it is not in the card"] = None

    def __str__(self) -> str:
        """For a table."""
        if self.bytes is None:
            return self.url or "unreadable"
        return f"{self.type or 'unknown'}, {self.bytes} bytes"


@dataclass(frozen=True)
class CardProperty:
    """A property as it is in the card, with all its parameters (RFC 6350, RFC 7095)."""

    name: Annotated[str, "name in lower case, such as email; xml for an element of no other form"]
    parameters: Annotated[dict[str, list[str]], "parameters, such as type"]
    type: Annotated[str, "type of the values, such as text or uri"]
    values: Annotated[
        list[Any] | None,
        "values; a list for one with parts. Null for the bytes of a picture, which only --as json "
        "writes",
    ]
    group: Annotated[str | None, "name of the group that it belongs to"] = None

    def __str__(self) -> str:
        """For a table."""
        told = "".join(f", {name} {' '.join(each)}" for name, each in self.parameters.items())
        return f"{self.name}{told}: {', '.join(map(_text, self.values or ['bytes']))}"


def _text(value: Any) -> str:
    return value if isinstance(value, str) else " ".join(filter(None, map(_text, value)))


@dataclass(frozen=True)
class VCard:
    """A vCard (XEP-0054, XEP-0292)."""

    PLAIN: ClassVar[str] = "fn"
    jid: Annotated[str, "whose card it is"]
    version: Annotated[int, "3: vcard-temp (XEP-0054), 4: vCard4 (XEP-0292)"]
    fn: Annotated[str | None, "full name, as it is to be shown"] = None
    n: Annotated[CardName | None, "the parts of the name"] = None
    nickname: Annotated[str | None, "nickname; several with commas between them"] = None
    email: Annotated[list[str], "e-mail addresses"] = field(default_factory=list)
    tel: Annotated[list[str], "telephone numbers"] = field(default_factory=list)
    adr: Annotated[list[CardAddress], "postal addresses"] = field(default_factory=list)
    impp: Annotated[list[str], "addresses for messages, as URIs such as xmpp:bob@example.org"] = (
        field(default_factory=list)
    )
    org: Annotated[str | None, "organisation"] = None
    title: Annotated[str | None, "job title"] = None
    role: Annotated[str | None, "function"] = None
    url: Annotated[str | None, "web site"] = None
    bday: Annotated[str | None, "birthday, as it is written"] = None
    note: Annotated[str | None, "a text about them"] = None
    photo: Annotated[CardPhoto | None, "the picture"] = None
    properties: Annotated[list[CardProperty], "everything that is in the card, in its order"] = (
        field(default_factory=list)
    )


@dataclass(frozen=True)
class CardRemoval:
    """The end of a vCard."""

    PLAIN: ClassVar[str] = "jid"

    jid: Annotated[str, "whose card it was"]
    version: Annotated[int, "3: vcard-temp, 4: vCard4"]
    removed: Annotated[bool, "there was one"]
