"""XEP-0131: Stanza Headers and Internet Metadata, in messages."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element, SubElement

from xmppctl.model.jid import Jid
from xmppctl.protocol import Xep, flights
from xmppctl.protocol.dates import format_datetime

if TYPE_CHECKING:
    from xmppctl.protocol.payload import Children, Context, Fields
    from xmppctl.session.stream import Session

XEPS = (Xep("0131", "1.2", "partial", "in messages; which headers are understood is not told"),)

NS = "http://jabber.org/protocol/shim"
HEADERS = f"{{{NS}}}headers"
TAGS = frozenset({HEADERS})

_HEADER = f"{{{NS}}}header"
_INFO = "{http://jabber.org/protocol/disco#info}"

_MOST = 100
"""Headers of a message that are read: who sends more wants something else."""


def read(stanza: Element, children: Children, context: Context) -> Fields:
    """``headers``: values by name; several of one name are one value, a line for each."""
    found: dict[str, str] = {}
    elements = [each for parent in children[HEADERS] for each in parent.findall(_HEADER)]
    if len(elements) > _MOST:
        context.note(f"ignored all but {_MOST} of the {len(elements)} headers of a message")
    for element in elements[:_MOST]:
        name, value = element.get("name"), element.text or ""
        if name:
            found[name] = f"{found[name]}\n{value}" if name in found else value
    return {"headers": found} if found else {}


def attach(stanza: Element, headers: Sequence[tuple[str, str]]) -> None:
    """Put headers into the message, behind those that it has.

    Where one tells how long the message is valid, another has to tell since when (§5.5).
    """
    parent = stanza.find(HEADERS)
    if parent is None:
        parent = SubElement(stanza, HEADERS)
    for name, value in headers:
        SubElement(parent, _HEADER, {"name": name}).text = value
    names = {element.get("name") for element in parent.findall(_HEADER)}
    if "TTL" in names and "Created" not in names:
        created = format_datetime(datetime.now(UTC).replace(microsecond=0))
        SubElement(parent, _HEADER, {"name": "Created"}).text = created


async def not_understood(
    session: Session, names: Iterable[str], recipients: Sequence[Jid]
) -> list[Jid]:
    """The recipients that do not say that they understand the headers of these ``names`` (§3.2).

    Only clients and services can be asked; the rest does not say so.
    """
    wanted = {f"{NS}#{name}" for name in names}
    asked = {
        jid: session.ask(Element(f"{_INFO}query", {"node": NS}), to=jid)
        for jid in recipients
        if jid.is_full or jid.local is None
    }
    if asked:
        session.send(*(pending.element for pending in asked.values()))
    answers = await flights.answers(session, asked, step="headers")
    understanding = {
        jid
        for jid, answer in answers.items()
        if wanted <= {each.get("var") for each in answer.iterfind(f"{_INFO}query/{_INFO}feature")}
        and answer.get("type") == "result"
    }
    return [jid for jid in recipients if jid not in understanding]
