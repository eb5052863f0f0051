"""XEP-0280: Message Carbons. Here: switching them on, and telling true ones from forged ones."""

from __future__ import annotations

from typing import Literal
from xml.etree.ElementTree import Element

from xmppctl.errors import UnsupportedError, XmppctlError
from xmppctl.model.jid import lenient
from xmppctl.protocol import Xep
from xmppctl.session.conditions import UNSUPPORTED, stanza_error
from xmppctl.session.stream import MESSAGE

XEPS = (Xep("0280", "1.0.1", "complete"),)

NS = "urn:xmpp:carbons:2"
ENABLE = f"{{{NS}}}enable"

_FORWARDED = "{urn:xmpp:forward:0}forwarded"

Direction = Literal["sent", "received"]


def check(answer: Element, domain: str) -> None:
    """The answer to ``<enable/>`` (§4). Raises UnsupportedError, RefusedError."""
    if answer.get("type") != "error":
        return
    error: XmppctlError = stanza_error(answer, "carbons")
    if error.condition in UNSUPPORTED:
        error = UnsupportedError(
            f"{domain} does not offer message carbons (XEP-0280)",
            condition=error.condition,
            type=error.type,
            by=error.by,
        )
    error.step, error.by = "carbons", error.by or domain
    raise error


def is_carbon(stanza: Element) -> bool:
    """Whether the message pretends to be a carbon."""
    return any(child.tag in (f"{{{NS}}}sent", f"{{{NS}}}received") for child in stanza)


def unwrap(stanza: Element, own: str) -> tuple[Direction, Element] | None:
    """Direction and the message inside a carbon; None for what must be ignored.

    Only the own account may send carbons (§11): anybody can write such an element. ``own`` is the
    own bare JID. A message without sender is the own account's (RFC 6120 §8.1.2.1).
    """
    if str(lenient(stanza.get("from", own))) != own:
        return None
    for direction in ("sent", "received"):
        wrapper = stanza.find(f"{{{NS}}}{direction}")
        if wrapper is None:
            continue
        inner = wrapper.find(f"{_FORWARDED}/{MESSAGE}")
        if inner is None:
            return None
        sender, to = inner.get("from"), inner.get("to")
        # what was sent is from the own account, what was received is for it
        party = sender if direction == "sent" else to
        if party is not None and str(lenient(party).bare) != own:
            return None
        return ("sent", inner) if direction == "sent" else ("received", inner)
    return None
