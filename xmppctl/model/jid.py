"""RFC 7622: JIDs, from the command line and from the network."""

from __future__ import annotations

import unicodedata
from typing import NamedTuple

from xmppctl.model.xep import Xep

XEPS = (Xep("0147", "1.2", "partial", "the JID of a URI; its query is not carried out"),)

_FORBIDDEN_LOCAL = frozenset("\"&'/:<>@ ")
_IN_LABEL = frozenset("abcdefghijklmnopqrstuvwxyz0123456789_-")


class Jid(NamedTuple):
    """A JID in its prepared form; ``str()`` gives it back as text."""

    local: str | None
    domain: str
    resource: str | None

    def __str__(self) -> str:
        text = self.domain if self.local is None else f"{self.local}@{self.domain}"
        return text if self.resource is None else f"{text}/{self.resource}"

    @property
    def bare(self) -> Jid:
        """The bare JID: the same without resource."""
        return self._replace(resource=None)

    @property
    def is_bare(self) -> bool:
        """Whether it has a localpart and no resource."""
        return self.local is not None and self.resource is None

    @property
    def is_full(self) -> bool:
        """Whether it has a resource."""
        return self.resource is not None

    @property
    def is_domain(self) -> bool:
        """Whether it is a domain alone."""
        return self.local is None and self.resource is None

    @property
    def idna(self) -> str:
        """The domain in its ASCII form, for DNS and certificates.

        Raises ValueError where the domain has none.
        """
        if self.domain.isascii():
            return self.domain.strip("[]")
        return self.domain.encode("idna").decode("ascii")


def parse(text: str) -> Jid:
    """A JID as a person wrote it, or the JID of an ``xmpp:`` URI (XEP-0147, RFC 5122).

    Raises ValueError with a sentence that says what is wrong.
    """
    if text[:5].lower() == "xmpp:":
        text = _from_uri(text)
    if not text:
        raise ValueError("the JID is empty")
    before, slash, resource = text.partition("/")
    local, at, domain = before.rpartition("@")
    if at and not local:
        raise ValueError("the part before '@' is empty")
    if slash and not resource:
        raise ValueError("the resource after '/' is empty")
    return Jid(
        _localpart(local) if at else None,
        _domainpart(domain),
        _resourcepart(resource) if slash else None,
    )


def lenient(text: str) -> Jid:
    """A JID from the network: split by the rules of RFC 7622 §3.2, but never refused.

    Only what compares equal on every server is folded (case of domain and localpart).
    """
    before, slash, resource = text.partition("/")
    local, at, domain = before.rpartition("@")
    return Jid(local.lower() if at else None, domain.lower(), resource if slash else None)


def _from_uri(text: str) -> str:
    rest = text[5:]
    if rest.startswith("//"):  # xmpp://authority/path: the path names the entity (RFC 5122 §2.2)
        _, _, rest = rest[2:].partition("/")
    from urllib.parse import unquote

    path = rest.split("#", 1)[0].split("?", 1)[0]
    return unquote(path, errors="strict")


def _check_characters(text: str, what: str) -> None:
    for char in text:
        category = unicodedata.category(char)
        if category in ("Cc", "Cs", "Co", "Cn", "Zl", "Zp"):
            raise ValueError(f"the {what} contains U+{ord(char):04X}, which no JID may contain")
    if len(text.encode()) > 1023:
        raise ValueError(f"the {what} is longer than 1023 bytes")


def _localpart(text: str) -> str:
    # UsernameCaseMapped (RFC 8265 §3.3) plus the characters of RFC 7622 §3.3.1
    text = unicodedata.normalize("NFC", _narrow(text).lower())
    _check_characters(text, "localpart")
    for char in text:
        if char in _FORBIDDEN_LOCAL:
            raise ValueError(f"the localpart must not contain {char!r}")
        if unicodedata.category(char) == "Zs":
            raise ValueError("the localpart must not contain spaces")
    return text


def _resourcepart(text: str) -> str:
    # OpaqueString (RFC 8265 §4.2): case kept, all spaces become U+0020
    text = "".join(" " if unicodedata.category(char) == "Zs" else char for char in text)
    text = unicodedata.normalize("NFC", text)
    _check_characters(text, "resource")
    return text


def _domainpart(text: str) -> str:
    if not text:
        raise ValueError("the domain is empty")
    if text.startswith("["):
        import ipaddress

        try:
            return f"[{ipaddress.IPv6Address(text[1:].removesuffix(']'))}]"
        except ValueError:
            raise ValueError(f"{text!r} is not an IPv6 address") from None
    text = unicodedata.normalize("NFC", _narrow(text).lower()).removesuffix(".")
    text = text.replace("\u3002", ".")
    _check_characters(text, "domain")
    try:
        ascii_form = text if text.isascii() else text.encode("idna").decode("ascii")
    except UnicodeError as error:
        raise ValueError(f"{text!r} is not a domain name ({error})") from None
    for label in ascii_form.split("."):
        if not _is_label(label):
            raise ValueError(f"{text!r} is not a domain name")
    return text


def _is_label(text: str) -> bool:
    """RFC 1035 §2.3.1, with the underscores of service names at any place but the last."""
    if not 1 <= len(text) <= 63 or not _IN_LABEL.issuperset(text):
        return False
    return text[0] != "-" and text[-1] != "-" and (text[-1] != "_" or len(text) == 1)


def _narrow(text: str) -> str:
    """Fullwidth and halfwidth characters in their usual width (RFC 8264 §5.2.1)."""
    if text.isascii():
        return text
    return "".join(
        unicodedata.normalize("NFKC", char)
        if unicodedata.decomposition(char).startswith(("<wide>", "<narrow>"))
        else char
        for char in text
    )
