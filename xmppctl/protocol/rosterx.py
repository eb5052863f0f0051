"""XEP-0144: Roster Item Exchange: suggestions to add, delete or modify contacts, sent and read."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import cast, get_args
from xml.etree.ElementTree import Element, SubElement

from xmppctl.errors import RefusedError, UnsupportedError, XmppctlError
from xmppctl.model.jid import Jid, parse
from xmppctl.model.rosterx import Action, Suggested, Suggestion
from xmppctl.protocol import Xep, disco
from xmppctl.protocol import send as sending
from xmppctl.session.conditions import stanza_error
from xmppctl.session.stream import MESSAGE, Session
from xmppctl.session.xml import NS_CLIENT, serialise

XEPS = (Xep("0144", "1.1.1", "complete"),)

NS = "http://jabber.org/protocol/rosterx"
X = f"{{{NS}}}x"
_ITEM = f"{{{NS}}}item"
_GROUP = f"{{{NS}}}group"
_STEP = "suggest"

MANY = 200
"""More contacts than this in one stanza are suspicious (§6)."""

_PORTION = 100
_BYTES = 8000
"""Every server takes stanzas of 10,000 bytes (RFC 6120 §13.12)."""


def read(x: Element) -> Iterator[Suggested]:
    """The items of ``<x/>``. What has no JID that can be a contact's is left out."""
    for item in x.iterfind(_ITEM):
        action = item.get("action", "add")
        try:
            jid = parse(item.get("jid", "").strip())
        except ValueError:
            continue
        if jid.is_full:
            continue
        groups = {(group.text or "").strip() for group in item.iterfind(_GROUP)} - {""}
        yield Suggested(
            # an action that is not understood counts as "add" (§3.1), which is asked about too
            action=cast(Action, action) if action in get_args(Action) else "add",
            jid=str(jid),
            name=item.get("name", "").strip() or None,
            groups=sorted(groups),
        )


def write(items: Iterable[Suggested]) -> Element:
    """``<x/>`` with ``items``."""
    x = Element(X)
    for each in items:
        item = SubElement(x, _ITEM, {"action": each.action, "jid": each.jid})
        if each.name:
            item.set("name", each.name)
        for group in each.groups:
            SubElement(item, _GROUP).text = group
    return x


def portions(items: Sequence[Suggested]) -> Iterator[list[Suggested]]:
    """``items`` for one stanza each: never two actions in one (§6)."""
    for action in get_args(Action):
        portion: list[Suggested] = []
        size = 0
        for each in (item for item in items if item.action == action):
            length = len(serialise(write([each])).encode())
            if portion and (len(portion) == _PORTION or size + length > _BYTES):
                yield portion
                portion, size = [], 0
            portion.append(each)
            size += length
        if portion:
            yield portion


async def suggest(
    session: Session, to: Jid, items: Sequence[Suggested], text: str | None = None
) -> AsyncIterator[Suggestion]:
    """Send the suggestions, a record for each stanza.

    A client that announces that it knows them gets requests, which it has to answer; everybody
    else, and who is to read ``text``, gets messages (§5) with the proof of delivery of
    ``protocol.send``.
    """
    stanzas = list(portions(items))
    if text is None and to.is_full and await _knows(session, to):
        for portion in stanzas:
            yield await _request(session, to, portion)
        return

    async def messages() -> AsyncIterator[sending.Outgoing]:
        for portion in stanzas:
            stanza = Element(MESSAGE, {"to": str(to), "id": session.new_id(), "type": "normal"})
            if text is not None:
                SubElement(stanza, f"{{{NS_CLIENT}}}body").text = text
            stanza.append(write(portion))
            yield sending.Outgoing(to, stanza)

    order = iter(stanzas)
    async for result in sending.send(session, messages()):
        yield Suggestion(
            str(to), "message", result.id, next(order), result.acked, result.confirmed, result.error
        )


async def _knows(session: Session, to: Jid) -> bool:
    try:
        return NS in (await disco.info(session, to)).features
    except (RefusedError, UnsupportedError):
        return False  # it tells strangers nothing


async def _request(session: Session, to: Jid, items: list[Suggested]) -> Suggestion:
    pending = session.ask(write(items), to=to, type="set")
    result = Suggestion(str(to), "iq", pending.element.get("id", ""), items)
    try:
        session.send(pending.element)
        answer = await session.answer(pending, step=_STEP)
    except XmppctlError as error:
        return replace(result, error=error.info())
    if answer.get("type") == "error":
        refusal = stanza_error(answer, f"the suggestion to {to}")
        refusal.step, refusal.by = _STEP, refusal.by or str(to)
        return replace(result, acked=True, error=refusal.info())
    return replace(result, acked=True, confirmed=True)
