"""The two ways in which SASL is spoken on a stream: RFC 6120 §6 and XEP-0388 (SASL2)."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from typing import Literal, Protocol
from xml.etree.ElementTree import Element

from xmppctl.errors import AuthError
from xmppctl.session.conditions import NS_SASL
from xmppctl.session.offer import NS_SASL2
from xmppctl.session.xml import split

Kind = Literal["success", "failure", "challenge", "continue"]


class Profile(Protocol):
    """How the messages of a mechanism become elements."""

    name: str

    def first(self, mechanism: str, payload: bytes | None, extra: Sequence[Element]) -> Element:
        """The element that begins; ``extra`` are the inline requests of SASL2."""

    def response(self, payload: bytes) -> Element:
        """The answer to a challenge."""

    def kind(self, element: Element) -> Kind | None:
        """What the server's element is; None for one that has no place here."""

    def data(self, element: Element, peer: str) -> bytes | None:
        """The mechanism's data in it, None where there is none. Raises AuthError."""


class Sasl1:
    """RFC 6120 §6.4."""

    name = "sasl1"

    def first(self, mechanism: str, payload: bytes | None, extra: Sequence[Element]) -> Element:
        """<auth/>; an empty initial response is "=" (§6.4.2)."""
        element = Element(f"{{{NS_SASL}}}auth", {"mechanism": mechanism})
        element.text = "" if payload is None else _encode(payload) or "="
        return element

    def response(self, payload: bytes) -> Element:
        """<response/>."""
        element = Element(f"{{{NS_SASL}}}response")
        element.text = _encode(payload) or "="
        return element

    def kind(self, element: Element) -> Kind | None:
        """See Profile."""
        ns, name = split(element.tag)
        if ns == NS_SASL and name in ("success", "failure", "challenge"):
            return name  # type: ignore[return-value]  # one of Kind
        return None

    def data(self, element: Element, peer: str) -> bytes | None:
        """See Profile."""
        text = "".join((element.text or "").split())
        if not text:
            return None
        return b"" if text == "=" else _decode(text, peer)


class Sasl2:
    """XEP-0388 §2.4-§2.7."""

    name = "sasl2"

    def first(self, mechanism: str, payload: bytes | None, extra: Sequence[Element]) -> Element:
        """<authenticate/> with what is to happen together with the login."""
        element = Element(f"{{{NS_SASL2}}}authenticate", {"mechanism": mechanism})
        if payload is not None:
            response = Element(f"{{{NS_SASL2}}}initial-response")
            response.text = _encode(payload)
            element.append(response)
        element.extend(extra)
        return element

    def response(self, payload: bytes) -> Element:
        """<response/>."""
        element = Element(f"{{{NS_SASL2}}}response")
        element.text = _encode(payload)
        return element

    def kind(self, element: Element) -> Kind | None:
        """See Profile."""
        ns, name = split(element.tag)
        if ns == NS_SASL2 and name in ("success", "failure", "challenge", "continue"):
            return name  # type: ignore[return-value]  # one of Kind
        return None

    def data(self, element: Element, peer: str) -> bytes | None:
        """See Profile; that of an outcome is in <additional-data/>."""
        found: Element | None = element
        if split(element.tag)[1] != "challenge":
            found = element.find(f"{{{NS_SASL2}}}additional-data")
        if found is None:
            return None
        return _decode("".join((found.text or "").split()), peer)


def _encode(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def _decode(text: str, peer: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise AuthError(
            f"{peer} sent a SASL message that is not base64",
            step="auth",
            condition="incorrect-encoding",
            by=peer,
        ) from error
