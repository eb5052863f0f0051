"""To which client a file goes: one that is named, online, or that answers a proposal."""

from __future__ import annotations

import asyncio
from xml.etree.ElementTree import Element

from xmppctl.errors import (
    ConnectError,
    DeadlineError,
    RefusedError,
    UnsupportedError,
    XmppctlError,
)
from xmppctl.model.jid import Jid, lenient
from xmppctl.protocol import disco, presence
from xmppctl.protocol.jingle import NS_FILES, NS_IBB, NS_S5B, elements, messages
from xmppctl.protocol.jingle.elements import Reason
from xmppctl.records import dataclass
from xmppctl.session.conditions import UNSUPPORTED, stanza_error
from xmppctl.session.stream import MESSAGE, Session

FEATURE = "file transfer (Jingle, XEP-0234)"

_ROSTER = "{jabber:iq:roster}"
_PATIENCE = 5.0
"""Seconds for a client to tell what it can do; the offer itself tells it too."""

_ALL = frozenset({NS_FILES, NS_IBB, NS_S5B})


@dataclass(frozen=True)
class Peer:
    """A client: what it announces, whether its account is in the roster or the own one."""

    jid: Jid
    features: frozenset[str]
    known: bool
    proposed: bool = False


async def find(session: Session, to: Jid, sid: str, wait: float) -> Peer:
    """The client that takes the file; ``sid`` is the id of the session to come.

    Raises UnsupportedError (it takes no files), RefusedError (nobody is online, or it declined),
    DeadlineError.
    """
    own = str(to.bare) == session.bare
    if to.is_full:
        subscription, features = await asyncio.gather(
            _subscription(session, to), _features(session, to)
        )
        return Peer(to, _checked(to, features), own or subscription is not None)
    subscription = await _subscription(session, to)
    if own or subscription in ("to", "both"):
        return await _online(session, to)
    peer = await _propose(session, to, sid, wait)
    return Peer(peer, _ALL, subscription is not None, proposed=True)


async def _subscription(session: Session, jid: Jid) -> str | None:
    """None: it is not in the roster."""
    try:
        answer = await session.request(Element(f"{_ROSTER}query"), step="roster")
    except ConnectError:
        raise
    except XmppctlError:  # an account without a roster knows nobody
        return None
    for item in answer if answer is not None else ():
        if lenient(item.get("jid", "")).bare == jid.bare:
            return item.get("subscription", "none")
    return None


async def _features(session: Session, jid: Jid) -> frozenset[str] | None:
    """None: it does not say, which may mean that it does not want to be seen."""
    patience = min(_PATIENCE, session.account.timeout)
    try:
        return frozenset((await disco.info(session, jid, timeout=patience)).features)
    except DeadlineError:
        return None
    except RefusedError as error:
        if error.condition in UNSUPPORTED or error.condition in ("forbidden", "not-allowed"):
            return None
        raise


def _checked(jid: Jid, features: frozenset[str] | None) -> frozenset[str]:
    if features is None:
        return _ALL
    if NS_FILES not in features:
        raise UnsupportedError(
            f"{jid} does not offer {FEATURE}",
            step="disco#info",
            condition="feature-not-implemented",
            by=str(jid),
            hint="xmppctl upload --to sends a link instead",
        )
    return features


async def _online(session: Session, to: Jid) -> Peer:
    """The one of the clients that are online, by their priorities."""
    found = await presence.probe(session, to)
    online = [each for each in found if each.type == "available" and lenient(each.jid).is_full]
    if not online:
        raise RefusedError(
            f"{to} is not online",
            step="probe",
            condition="recipient-unavailable",
            by=str(to),
            hint=f"xmppctl upload --to {to} sends a link instead",
        )
    online.sort(key=lambda each: -(each.priority or 0))
    jids = [lenient(each.jid) for each in online]
    answers = await asyncio.gather(*(_features(session, jid) for jid in jids))
    for jid, features in zip(jids, answers, strict=True):
        if features is not None and NS_FILES in features:
            return Peer(jid, features, known=True)
    names = ", ".join(map(str, jids))
    raise UnsupportedError(
        f"no client of {to} offers {FEATURE}: {names}",
        step="disco#info",
        condition="feature-not-implemented",
        by=str(to),
        hint=f"xmppctl upload --to {to} sends a link instead",
    )


async def _propose(session: Session, to: Jid, sid: str, wait: float) -> Jid:
    """Ask all clients of an account at once (XEP-0353); the full JID of the one that will."""

    def theirs(stanza: Element) -> bool:
        return stanza.tag == MESSAGE and lenient(stanza.get("from", "")).bare == to.bare

    proposal = messages.compose("propose", to, sid)
    with session.inbox(theirs) as box:
        session.trace.enter("propose")
        session.send(proposal)
        settled = False
        try:
            async with asyncio.timeout(wait):
                while True:
                    answer = _answer(await box.get(), to, sid, proposal.get("id", ""))
                    if answer is not None:
                        settled = True
                        return answer
        except TimeoutError:
            raise DeadlineError(
                f"no client of {to} took the proposal within {wait:g} s",
                step="propose",
                condition="timeout",
                by=str(to),
                hint="--wait-timeout gives it longer; upload --to sends a link instead",
            ) from None
        except RefusedError:
            settled = True
            raise
        finally:
            if not settled:
                session.send(messages.compose("retract", to, sid, Reason("cancel")))


def _answer(stanza: Element, to: Jid, sid: str, id: str) -> Jid | None:
    if stanza.get("type") == "error":
        if stanza.get("id") != id:
            return None
        bounce = stanza_error(stanza, f"the proposal to {to}")
        bounce.step, bounce.by = "propose", bounce.by or str(to)
        raise bounce
    told = messages.read(stanza)
    if told is None or told[1] != sid:
        return None
    sender = lenient(stanza.get("from", ""))
    if told[0] == "proceed" and sender.is_full:
        return sender
    if told[0] == "reject":
        reason = elements.read_reason(told[2].find("{urn:xmpp:jingle:1}reason"))
        raise RefusedError(
            f"{sender} declined the file" + (f": {reason}" if reason else ""),
            step="propose",
            condition=reason.condition if reason else "decline",
            by=str(sender),
        )
    return None
