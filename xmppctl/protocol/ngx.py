"""The way in which ngx-chat keeps what was read, and what contacts have received and seen.

No XEP: two private nodes (XEP-0223) of the own account with one item each, ``current``. Times are
milliseconds since 1970.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from xml.etree.ElementTree import Element, SubElement

from xmppctl.model.jid import Jid, parse
from xmppctl.model.unread import ChatState, Displayed
from xmppctl.protocol import pep
from xmppctl.protocol.pubsub import Item
from xmppctl.session.stream import Session

READ = "ngxchat:unreadmessagedate"
STATES = "ngxchat:contactmessagestates"
_ITEM = "current"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_LATEST = 253_402_300_799_999
"""The end of the year 9999 in milliseconds; later times are nonsense."""


async def fetch(session: Session) -> dict[Jid, Displayed]:
    """Up to when each conversation was read, by JID. Raises as ``pep.read``."""
    found: dict[Jid, Displayed] = {}
    for jid, element in _children(await _current(session, READ), READ, "last-read"):
        date = moment(element.get("date"))
        if date is not None:
            found[jid] = Displayed(at=date)
        else:
            session.trace.note(f"ignored the date of {jid} in {READ}")
    return found


async def states(session: Session) -> list[ChatState]:
    """What contacts have received and seen. Raises as ``pep.read``."""
    return [
        ChatState(
            jid=str(jid),
            last_received_at=moment(element.get("lastRecipientReceived")),
            last_seen_at=moment(element.get("lastRecipientSeen")),
            last_sent_at=moment(element.get("lastSent")),
        )
        for jid, element in _children(
            await _current(session, STATES), STATES, "contact-message-state"
        )
    ]


async def publish(
    session: Session, markers: Mapping[Jid, Displayed], *, reconfigure: bool = False
) -> None:
    """Set up to when these conversations were read; all else in the item stays as it is.

    Raises as ``pep.read`` and ``pep.publish``.
    """
    entries = changed(await _current(session, READ), markers)
    await pep.publish(session, READ, [Item(_ITEM, entries)], pep.PRIVATE, reconfigure=reconfigure)


def changed(entries: Element, markers: Mapping[Jid, Displayed]) -> Element:
    """A copy of ``<entries/>`` with the dates of ``markers``; one entry for each of their JIDs."""
    made = deepcopy(entries)
    tag = f"{{{READ}}}last-read"
    for jid, marker in markers.items():
        found = [element for other, element in _children(made, READ, "last-read") if other == jid]
        for each in found[1:]:
            made.remove(each)
        element = found[0] if found else SubElement(made, tag, {"jid": str(jid)})
        if marker.at is not None:
            element.set("date", str((marker.at - _EPOCH) // _MILLISECOND))
    return made


def moment(text: str | None) -> datetime | None:
    """A time in milliseconds since 1970; None for what is none, and for 0: it never was."""
    if text is None or not text.isascii() or not text.isdecimal() or len(text) > 15:
        return None
    number = int(text)
    return _EPOCH + number * _MILLISECOND if 0 < number <= _LATEST else None


async def _current(session: Session, node: str) -> Element:
    """The ``<entries/>`` of a node; empty where there are none."""
    for item in await pep.read(session, node):
        if item.id == _ITEM and item.payload.tag == f"{{{node}}}entries":
            return item.payload
    return Element(f"{{{node}}}entries")


def _children(entries: Element, ns: str, name: str) -> Iterator[tuple[Jid, Element]]:
    for element in list(entries.iterfind(f"{{{ns}}}{name}")):
        try:
            yield parse(element.get("jid") or ""), element
        except ValueError:
            continue
