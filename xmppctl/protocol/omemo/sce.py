"""XEP-0420: Stanza Content Encryption, with the profile of OMEMO 0.9 (XEP-0384 §4.4)."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import UTC, datetime
from xml.etree.ElementTree import Element, SubElement

from xmppctl.model.jid import lenient
from xmppctl.protocol.dates import format_datetime, parse_datetime
from xmppctl.protocol.omemo.wire import MalformedError
from xmppctl.session.xml import XmlError, parse, serialise

NS = "urn:xmpp:sce:1"
_LEAST, _MORE = 64, 200
"""Characters of padding: to so many in all, and up to so many on top (§3)."""


class MismatchError(ValueError):
    """It was decrypted, and is not by or for whom the stanza says; the text says so."""


def wrap(content: Sequence[Element], *, sender: str, to: str) -> bytes:
    """What is encrypted: ``content`` from and to bare JIDs, of now, its length hidden."""
    envelope = Element(f"{{{NS}}}envelope")
    inner = SubElement(envelope, f"{{{NS}}}content")
    inner.extend(content)
    SubElement(envelope, f"{{{NS}}}time", {"stamp": format_datetime(datetime.now(UTC))})
    SubElement(envelope, f"{{{NS}}}to", {"jid": to})
    SubElement(envelope, f"{{{NS}}}from", {"jid": sender})
    length = len(serialise(envelope, ""))
    padding = SubElement(envelope, f"{{{NS}}}rpad")
    padding.text = secrets.token_urlsafe(_LEAST + _MORE)[
        : max(0, _LEAST - length) + secrets.randbelow(_MORE + 1)
    ]
    return serialise(envelope, "").encode()


def unwrap(
    plain: bytes, *, sender: str, to: str, group: bool
) -> tuple[list[Element], datetime | None]:
    """The elements in an envelope, and when its sender says that it was made.

    ``sender`` and ``to``: the bare JIDs of the stanza; in a ``group`` the second has to be there.
    Raises MalformedError, and MismatchError where they are others.
    """
    try:
        envelope = parse(plain)
    except (XmlError, UnicodeDecodeError) as error:
        raise MalformedError(f"its content is no XML: {error}") from None
    content = envelope.find(f"{{{NS}}}content")
    if envelope.tag != f"{{{NS}}}envelope" or content is None:
        raise MalformedError("its content is no envelope (XEP-0420)")
    _check(envelope.find(f"{{{NS}}}from"), sender, "is from", needed=False)
    _check(envelope.find(f"{{{NS}}}to"), to, "is for", needed=group)
    stamp = envelope.find(f"{{{NS}}}time")
    when = None
    if stamp is not None:
        try:
            when = parse_datetime(stamp.get("stamp", ""))
        except ValueError:
            raise MalformedError("its time is none") from None
    return list(content), when


def _check(element: Element | None, jid: str, what: str, *, needed: bool) -> None:
    if element is None:
        if needed:
            raise MismatchError("what was encrypted does not say which room it is for")
        return
    told = str(lenient(element.get("jid", "")).bare)
    if told != jid:
        raise MismatchError(f"what was encrypted {what} {told}, the message {what} {jid}")
