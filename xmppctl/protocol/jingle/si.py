"""XEP-0095: Stream Initiation, which Jingle has replaced: read, and refused."""

from __future__ import annotations

from contextlib import suppress
from xml.etree.ElementTree import Element

from xmppctl.model.jingle import OfferedFile, SiOffer
from xmppctl.protocol import Xep
from xmppctl.protocol.dates import parse_datetime
from xmppctl.session.responder import RefusalError

XEPS = (Xep("0095", "1.2", "partial", "offers are refused and told of; Jingle takes its place"),)

NS = "http://jabber.org/protocol/si"
NS_FILE = "http://jabber.org/protocol/si/profile/file-transfer"
TAG = f"{{{NS}}}si"

_LONGEST = 2000


def read(element: Element) -> SiOffer:
    """What is offered."""
    file = element.find(f"{{{NS_FILE}}}file")
    return SiOffer(
        id=(element.get("id") or "")[:_LONGEST] or None,
        profile=(element.get("profile") or "")[:_LONGEST] or None,
        file=None if file is None else _file(file),
    )


def _file(element: Element) -> OfferedFile:
    size = (element.get("size") or "").strip()
    date = None
    with suppress(ValueError):
        date = parse_datetime(element.get("date") or "")
    return OfferedFile(
        name=(element.get("name") or "")[:_LONGEST] or None,
        size=int(size) if size.isascii() and size.isdigit() and len(size) < 19 else None,
        media_type=None,
        date=date,
        desc=(element.findtext(f"{{{NS_FILE}}}desc") or "").strip()[:_LONGEST] or None,
    )


def refusal(element: Element) -> RefusalError:
    """The answer: none of the streams, or not even the profile, is known (§3)."""
    profile = element.get("profile", NS_FILE)
    detail = "no-valid-streams" if profile == NS_FILE else "bad-profile"
    kind = "cancel" if profile == NS_FILE else "modify"
    return RefusalError("bad-request", kind, f"{{{NS}}}{detail}")
