"""XEP-0013: Flexible Offline Message Retrieval: messages that wait, without coming online.

All messages are looked at and removed by their names: the requests for "all" would also take what
came since they were listed, and one server answers the one to look with nothing (ejabberd 23.01).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from typing import TYPE_CHECKING, Any, TypeVar
from xml.etree.ElementTree import Element, SubElement

from xmppctl.errors import ErrorInfo, RefusedError, UnsupportedError
from xmppctl.model.disco import DiscoInfo, DiscoItem
from xmppctl.model.jid import lenient
from xmppctl.model.offline import OfflineHeader, OfflineMessage, OfflineRemoval
from xmppctl.protocol import Xep, disco
from xmppctl.protocol.message import facts
from xmppctl.protocol.payload import Context
from xmppctl.session.payload import malformed
from xmppctl.session.stream import MESSAGE, Session

if TYPE_CHECKING:
    from xmppctl.protocol.opening import Opener

T = TypeVar("T")

XEPS = (Xep("0013", "1.3", "complete"),)

NS = "http://jabber.org/protocol/offline"
_OFFLINE = f"{{{NS}}}offline"
_ITEM = f"{{{NS}}}item"
_STEP = "offline"
_AT_ONCE = 50


async def count(session: Session) -> int:
    """How many messages wait (§2.2). Raises UnsupportedError, RefusedError, DeadlineError."""
    info = await _asked(session, disco.info(session, session.bare, NS))
    for form in info.forms:
        for field in form.fields if form.form_type == NS else ():
            number = field.values[0].strip() if field.values else ""
            if field.var == "number_of_messages" and number.isdecimal() and len(number) < 19:
                return int(number)
    error = malformed("the number of messages is missing", session.bare)
    error.step = _STEP
    raise error


async def headers(session: Session) -> list[OfflineHeader]:
    """The messages that wait (§2.3), the oldest first. Raises as ``count``.

    One server names them by their time, and lists them in no order (ejabberd 23.01); what is named
    otherwise stays in the order of the list.
    """
    items = await _asked(session, _items(session))
    found = [OfflineHeader(each.node, each.name, each.jid) for each in items if each.node]
    if all(each.node.isdecimal() for each in found):
        found.sort(key=lambda each: (len(each.node), each.node))
    return found


async def view(
    session: Session,
    wanted: Sequence[OfflineHeader],
    *,
    raw: bool = False,
    opener: Opener | None = None,
) -> AsyncIterator[OfflineMessage]:
    """The messages themselves, in this order (§2.4); they go on waiting. Raises as ``count``.

    One that went away since it was listed is a record with an error. ``opener`` opens what is
    encrypted.
    """
    context = Context(session.bare, note=session.trace.note)
    for begin in range(0, len(wanted), _AT_ONCE):
        part = wanted[begin : begin + _AT_ONCE]
        with session.inbox(_is_one_of(session, part)) as inbox:
            try:
                await session.request(
                    _question("view", part), step=_STEP, what="the offline messages",
                    progress=inbox,
                )  # fmt: skip
            except RefusedError as error:
                # one that is missing is a no to all of them
                if error.condition != "item-not-found":
                    raise
                session.trace.note("an offline message is gone: those left come one by one")
            found = {_node(stanza): stanza for stanza in inbox.drain()}
        for header in part:
            if header.node not in found and len(part) > 1:
                async for message in view(session, [header], raw=raw, opener=opener):
                    yield message
            elif header.node in found:
                stanza = found[header.node]
                clear = stanza if opener is None else await opener.open(stanza)
                yield _read(clear, header, context, raw)
            else:
                yield OfflineMessage(node=header.node, error_=missing(session, header.node))


async def remove(
    session: Session, wanted: Sequence[OfflineHeader]
) -> AsyncIterator[OfflineRemoval]:
    """Remove these messages (§2.5), each proven by the list, read again. Raises as ``count``."""
    for begin in range(0, len(wanted), _AT_ONCE):
        part = wanted[begin : begin + _AT_ONCE]
        await session.request(
            _question("remove", part), type="set", step=_STEP, what="removing offline messages"
        )
    left = {each.node for each in await _items(session)} if wanted else set()
    for header in wanted:
        gone = header.node not in left
        error = None if gone else _still_there(session, header.node)
        yield OfflineRemoval(header.node, header.from_, removed=gone, error=error)


def missing(session: Session, node: str) -> ErrorInfo:
    """The error for a message that does not wait."""
    return RefusedError(
        f"no offline message {node} is waiting",
        step=_STEP,
        condition="item-not-found",
        by=session.bare,
        hint="xmppctl offline list shows them",
    ).info()


def _still_there(session: Session, node: str) -> ErrorInfo:
    return RefusedError(
        f"the server said yes, but the message {node} is still there",
        step=_STEP,
        condition="not-applied",
        by=session.bare,
    ).info()


async def _items(session: Session) -> list[DiscoItem]:
    return [item async for item in disco.items(session, session.bare, NS)]


async def _asked(session: Session, question: Coroutine[Any, Any, T]) -> T:
    """What is answered, where the server announces the feature (§2.1), asked in the same flight.

    Raises UnsupportedError where it does not.
    """
    both: tuple[DiscoInfo | BaseException, T | BaseException] = await asyncio.gather(
        disco.info(session, session.domain), question, return_exceptions=True
    )
    told, answer = both
    if isinstance(told, BaseException):
        raise told
    if NS not in told.features:
        raise UnsupportedError(
            f"{session.domain} does not offer to look at offline messages (XEP-0013)",
            step=_STEP,
            condition="feature-not-implemented",
            by=session.domain,
            hint="xmppctl unread list counts in the archive",
        )
    if isinstance(answer, BaseException):
        raise answer
    return answer


def _question(action: str, part: Sequence[OfflineHeader]) -> Element:
    question = Element(_OFFLINE)
    for header in part:
        SubElement(question, _ITEM, {"action": action, "node": header.node})
    return question


def _node(stanza: Element) -> str | None:
    item = stanza.find(f"{_OFFLINE}/{_ITEM}")
    return item.get("node") if item is not None else None


def _is_one_of(session: Session, part: Sequence[OfflineHeader]) -> Callable[[Element], bool]:
    """Only the server adds the name of a message; a sender who writes one has another JID."""
    senders = {header.node: header.from_ for header in part}

    def matches(stanza: Element) -> bool:
        node = _node(stanza) if stanza.tag == MESSAGE else None
        if node not in senders:
            return False
        sender, told = stanza.get("from"), senders[node]
        if told is not None and (sender is None or lenient(sender) != lenient(told)):
            session.trace.note(f"dropped a forged offline message: it came from {sender}")
            return False
        return True

    return matches


def _read(stanza: Element, header: OfflineHeader, context: Context, raw: bool) -> OfflineMessage:
    known = facts(stanza, context, raw=raw)
    known["extensions"] = [tag for tag in known["extensions"] if tag != _OFFLINE]
    return OfflineMessage(**known, node=header.node)
