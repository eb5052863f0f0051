"""XEP-0283: Moved: an account says where it has moved to, and contacts check that it does.

Nothing but the statement in the old account's own node counts (§4.3), and only of a contact who may
see the presence. An account that answers that it is gone, and where to, has said the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree.ElementTree import Element, SubElement

from xmppctl.errors import DeadlineError, ErrorInfo, RefusedError
from xmppctl.model.jid import Jid, lenient, parse
from xmppctl.model.moved import MoveCheck, MovedStatement
from xmppctl.model.roster import ContactChange
from xmppctl.protocol import Xep, flights, pep, roster, subscription
from xmppctl.protocol.pubsub import NS as NS_PUBSUB
from xmppctl.protocol.pubsub import NS_OWNER, OWNER, PUBSUB, Item
from xmppctl.protocol.subscription import NS_MOVED as NS
from xmppctl.records import dataclass
from xmppctl.session.conditions import NS_STANZAS, stanza_error
from xmppctl.session.stream import Pending, Session

XEPS = (Xep("0283", "0.2.0", "complete"),)

NODE = NS
CURRENT = "current"

_STEP = "moved"
_MOVED = f"{{{NS}}}moved"
_NEW = f"{{{NS}}}new-jid"
_FEATURE = "personal eventing (XEP-0163)"
_AT_ONCE = 64
_ITEM = f"{PUBSUB}/{{{NS_PUBSUB}}}items/{{{NS_PUBSUB}}}item"


async def publish(session: Session, new: Jid, *, access: str) -> MovedStatement:
    """Say that the own account has moved to ``new`` (§4.1), to whom ``access`` lets read it.

    Raises RefusedError, UnsupportedError, DeadlineError.
    """
    statement = Element(_MOVED)
    SubElement(statement, _NEW).text = str(new)
    want = {"persist_items": "1", "access_model": access}
    await pep.publish(session, NODE, [Item(CURRENT, statement)], want, reconfigure=True)
    told = _named(next(iter(await pep.read(session, NODE)), None))
    if told != str(new):
        raise RefusedError(
            "the server said yes, but the statement is not there",
            step=_STEP,
            condition="not-confirmed",
            by=session.bare,
        )
    return MovedStatement(session.bare, told, True)


async def withdraw(session: Session, *, if_exists: bool = False) -> MovedStatement:
    """Take the statement back, and the node with it.

    Raises RefusedError (item-not-found where there is none, unless ``if_exists``),
    UnsupportedError, DeadlineError.
    """
    if not await pep.read(session, NODE):
        if if_exists:
            return MovedStatement(session.bare, None, False)
        raise RefusedError(
            f"{session.bare} does not say that it has moved",
            step=_STEP,
            condition="item-not-found",
            by=session.bare,
            hint="--if-exists takes that for success",
        )
    query = Element(OWNER)
    SubElement(query, f"{{{NS_OWNER}}}delete", {"node": NODE})
    await session.request(
        query, type="set", step=_STEP, what="to take the statement back", feature=_FEATURE
    )
    if await pep.read(session, NODE):
        raise RefusedError(
            "the server said yes, but the statement is still there",
            step=_STEP,
            condition="not-confirmed",
            by=session.bare,
        )
    return MovedStatement(session.bare, None, False)


async def notify(session: Session, old: Jid, jids: Sequence[Jid] | None) -> list[ContactChange]:
    """Ask ``jids``, by default all contacts, for their presence, as who was ``old`` (§4.2).

    Nobody is asked where ``old`` says that it moved elsewhere. Raises as ``publish``.
    """
    asked = _asking(session, old)
    before = await roster.fetch(session, beside=[asked])
    answer = await session.answer(asked, step=_STEP)
    statement = _read(session, answer, str(old))
    if statement.new is not None and not _same(statement.new, session.bare):
        raise RefusedError(
            f"{old} says that it has moved to {statement.new}, not to {session.bare}: nobody was "
            "asked",
            step=_STEP,
            condition="not-verified",
            by=str(old),
            hint=f"as {old}: xmppctl account move --to {session.bare}",
        )
    if statement.new is None:
        session.trace.note(f"whether {old} says that it has moved here cannot be seen")
    if jids is None:
        jids = [lenient(each.jid) for each in before]
    jids = [jid for jid in dict.fromkeys(jids) if not _same(jid, str(old))]
    note = subscription.Note(moved=str(old))
    return await subscription.subscribe(session, jids, note, before=before)


async def verify(session: Session, jid: Jid, old: Jid | None) -> MoveCheck:
    """Whether a contact says that it has moved to ``jid``, or as ``jid`` says where it has.

    Only ``old`` is asked where it is given. Of a contact it is believed only where it may see the
    own presence (§4.3). Raises UnsupportedError, DeadlineError for the own server.
    """
    contacts = {
        roster.key(each.jid): each.jid
        for each in await roster.fetch(session)
        if each.subscription in ("from", "both")
    }
    new = jid.bare
    if old is not None:
        if roster.key(old) not in contacts:
            text = f"{old} is no contact who may see the presence: whatever it says is ignored"
            return _refuted(session, str(old), str(new), text)
        return await _checked(session, str(old), new)
    if roster.key(new) in contacts:
        (statement,) = (await _statements(session, [str(new)])).values()
        if statement.new is not None and not _same(statement.new, new):
            return MoveCheck(str(new), statement.new, True, f"{new} says so itself")
    statements = await _statements(
        session, [each for name, each in contacts.items() if name != roster.key(new)]
    )
    for contact, statement in statements.items():
        if statement.new is not None and _same(statement.new, new):
            return MoveCheck(contact, str(new), True, f"{contact} says so itself")
    silent = {name: each.error for name, each in statements.items() if each.error is not None}
    text = f"no contact who may see the presence says that it has moved to {new}"
    if silent:
        name, first = next(iter(silent.items()))
        text += f"; {len(silent)} of {len(statements)} did not tell: {name} ({first.condition})"
    return _refuted(session, None, str(new), text)


@dataclass(frozen=True)
class _Statement:
    """What an account says: the JID it names, or why that cannot be read."""

    new: str | None = None
    error: ErrorInfo | None = None


async def _checked(session: Session, old: str, new: Jid) -> MoveCheck:
    (statement,) = (await _statements(session, [old])).values()
    if statement.error is not None:
        text = statement.error.text or "it cannot be asked"
        return MoveCheck(old, str(new), False, text, statement.error)
    if statement.new is None:
        return _refuted(session, old, str(new), f"{old} does not say that it has moved")
    if not _same(statement.new, new):
        text = f"{old} says that it has moved to {statement.new}, not to {new}"
        return _refuted(session, old, str(new), text)
    return MoveCheck(old, str(new), True, f"{old} says so itself")


async def _statements(session: Session, jids: Sequence[str]) -> dict[str, _Statement]:
    """What these accounts say, many asked at once."""
    found: dict[str, _Statement] = {}
    for begin in range(0, len(jids), _AT_ONCE):
        flight = {jid: _asking(session, jid) for jid in jids[begin : begin + _AT_ONCE]}
        session.send(*(pending.element for pending in flight.values()))
        answers = await flights.answers(session, flight, step=_STEP)
        for jid in flight:
            if jid in answers:
                found[jid] = _read(session, answers[jid], jid)
                continue
            error = DeadlineError(
                f"nothing came from {lenient(jid).domain} within {session.account.timeout:g} s",
                step=_STEP,
                condition="timeout",
                by=jid,
            )
            found[jid] = _Statement(error=error.info())
    return found


def _asking(session: Session, jid: Jid | str) -> Pending:
    query = Element(PUBSUB)
    holder = SubElement(query, f"{{{NS_PUBSUB}}}items", {"node": NODE})
    SubElement(holder, f"{{{NS_PUBSUB}}}item", {"id": CURRENT})
    return session.ask(query, to=str(lenient(str(jid)).bare))


def _read(session: Session, answer: Element, jid: str) -> _Statement:
    if answer.get("type") == "error":
        error = stanza_error(answer, f"what {jid} says of where it has moved")
        error.step, error.by = _STEP, error.by or jid
        gone = _gone(answer)
        if gone is not None:
            return _Statement(gone)
        if error.condition == "item-not-found":
            return _Statement()
        return _Statement(error=error.info())
    for item in answer.iterfind(_ITEM):
        if item.get("id") in (CURRENT, None) and len(item):
            return _Statement(_named(Item(None, item[0])))
    return _Statement()


def _gone(answer: Element) -> str | None:
    """Where an account is that is gone (§4.3, RFC 6120 §8.3.3.5)."""
    told = (answer.findtext(f"*/{{{NS_STANZAS}}}gone") or "").strip()
    if not told.lower().startswith("xmpp:"):
        return None
    try:
        jid = parse(told)
    except ValueError:
        return None
    return str(jid) if jid.is_bare else None


def _named(item: Item | None) -> str | None:
    """The JID that a statement names; None where it names none, or a full one."""
    if item is None or item.payload.tag != _MOVED:
        return None
    try:
        jid = parse((item.payload.findtext(_NEW) or "").strip())
    except ValueError:
        return None
    return str(jid) if not jid.is_full else None


def _same(one: Jid | str, other: Jid | str) -> bool:
    return roster.key(str(one)) == roster.key(str(other))


def _refuted(session: Session, old: str | None, new: str | None, text: str) -> MoveCheck:
    error = RefusedError(text, step=_STEP, condition="not-verified", by=old or session.bare)
    return MoveCheck(old, new, False, text, error.info())
