"""XEP-0369: Mediated Information eXchange; channels are joined by the own server (XEP-0405).

A channel is asked what it is before anything else: a server may leave a request to join one that
does not exist without an answer (ejabberd 23.01). Answers are read by the names of the elements
alone, since that server has them in namespaces of other versions.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import Any
from xml.etree.ElementTree import Element, SubElement

from xmppctl.errors import DeadlineError, RefusedError, UnsupportedError, XmppctlError
from xmppctl.model.disco import DiscoInfo
from xmppctl.model.jid import Jid, lenient
from xmppctl.model.mix import Channel, ChannelChange, ChannelNick, Membership, Participant
from xmppctl.model.paging import Part
from xmppctl.model.sent import SendResult
from xmppctl.protocol import Xep, disco
from xmppctl.protocol.handover import dispatch
from xmppctl.protocol.outgoing import NS_STANZA_ID, Outgoing
from xmppctl.protocol.pubsub import items
from xmppctl.session.conditions import UNSUPPORTED, stanza_error
from xmppctl.session.payload import malformed
from xmppctl.session.stream import MESSAGE, Session
from xmppctl.session.xml import split

XEPS = (
    Xep("0369", "0.14.6", "partial", "channels, participants and messages; no configuration"),
    Xep("0405", "0.5.3", "partial", "channels are joined and left"),
)

NS = "urn:xmpp:mix:core:1"
PAM = "urn:xmpp:mix:pam:2"
_CREATE = f"{NS}#create-channel"
_NODES = "urn:xmpp:mix:nodes:"
_PARTICIPANTS = f"{_NODES}participants"
_ROSTER = "{jabber:iq:roster}"
_ANNOTATE = "{urn:xmpp:mix:roster:0}annotate"
_STEP = "mix"

NODES = ("messages", "participants", "info", "presence")
"""The nodes that are subscribed to where nothing else is asked for, without their prefix."""


async def channels(session: Session, where: Jid | None) -> AsyncGenerator[Channel, None]:
    """The channels that a service shows (§6.2); None is that of the own server.

    Raises UnsupportedError where ``where`` is no such service, RefusedError.
    """
    where = await _service(session) if where is None else where
    found = await _info(session, where, f"{where} has no channels")
    listed: AsyncGenerator[Any, None] = disco.part(session, where, None, Part())
    async with aclosing(listed):
        async for item in listed:
            if item.jid != found.jid:
                yield Channel(item.jid, item.name)


async def create(session: Session, channel: Jid) -> ChannelChange:
    """Make a channel (§7.3.2); of a domain one for ad hoc use, whose name the service makes up.

    Proven by what the channel says of itself. Raises RefusedError (conflict: it is somebody
    else's), UnsupportedError.
    """
    service = Jid(None, channel.domain, None)
    offered, before = await asyncio.gather(
        _info(session, service, f"{service} has no channels"),
        _exists(session, channel) if channel.local else _no(),
        return_exceptions=True,
    )
    if isinstance(offered, BaseException):
        raise offered
    if isinstance(before, BaseException):
        raise before
    if _CREATE not in offered.features:
        raise _lacks(f"{service} lets the account make no channels", _CREATE, service)
    request = Element(f"{{{NS}}}create", {"channel": channel.local} if channel.local else {})
    answer = await session.request(
        request, to=service, type="set", step=_STEP, what=f"making the channel {channel}"
    )
    name = channel.local or (answer.get("channel") if answer is not None else None)
    if not name:
        raise malformed("the new channel has no name", str(service))
    made = Jid(name, channel.domain, None)
    if not before:
        await _info(session, made, f"{made} is no channel")
    return ChannelChange(str(made), not before)


async def destroy(session: Session, channel: Jid, *, if_exists: bool = False) -> ChannelChange:
    """Remove a channel (§7.3.4), proven by asking for it.

    Raises RefusedError (item-not-found where there is none, unless ``if_exists``; forbidden).
    """
    try:
        await _info(session, channel, f"{channel} is no channel")
        service = Jid(None, channel.domain, None)
        request = Element(f"{{{NS}}}destroy", {"channel": channel.local or ""})
        await session.request(
            request, to=service, type="set", step=_STEP, what=f"removing the channel {channel}"
        )
    except RefusedError as error:
        if error.condition != "item-not-found" or not if_exists:
            raise
        return ChannelChange(str(channel), False)
    if await _exists(session, channel):
        raise RefusedError(
            f"{channel} is still there",
            step=_STEP,
            condition="not-applied",
            by=channel.domain,
        )
    return ChannelChange(str(channel), True)


async def join(
    session: Session, channel: Jid, *, nick: str | None = None, nodes: Sequence[str] = NODES
) -> Membership:
    """Let the own server join a channel (XEP-0405 §3.5), for all clients of the account.

    ``nodes`` are names without their prefix; which of them there are is the channel's to say.
    Raises RefusedError (item-not-found: no such channel), UnsupportedError.
    """
    await _both(session, channel)
    request = Element(f"{{{PAM}}}client-join", {"channel": str(channel)})
    inner = SubElement(request, f"{{{NS}}}join")
    for node in nodes:
        SubElement(inner, f"{{{NS}}}subscribe", {"node": f"{_NODES}{node}"})
    if nick is not None:
        SubElement(inner, f"{{{NS}}}nick").text = nick
    answer = await session.request(
        request, type="set", step=_STEP, what=f"joining the channel {channel}"
    )
    told = next(_named(answer, "join"), None) if answer is not None else None
    if told is None:
        raise malformed(f"nothing about joining {channel}", session.bare)
    identifier = told.get("id") or told.get("jid", "").partition("#")[0]
    given = next((each.text for each in _named(told, "nick")), None)
    return Membership(
        channel=str(channel),
        joined=True,
        participant_id=identifier or None,
        nick=given or None,
        nodes=[each.get("node", "") for each in _named(told, "subscribe")],
    )


async def leave(session: Session, channel: Jid, *, if_exists: bool = False) -> Membership:
    """Let the own server leave a channel (XEP-0405 §3.6); the roster tells whether it was in it.

    Raises RefusedError (item-not-found where it was not, unless ``if_exists``), UnsupportedError.
    """
    inside, found = await asyncio.gather(
        _is_joined(session, channel), _both(session, channel), return_exceptions=True
    )
    # the own server may be in a channel that was removed, and leaves that too
    gone = isinstance(found, RefusedError) and found.condition == "item-not-found"
    if isinstance(found, BaseException) and not gone:
        raise found
    if isinstance(inside, BaseException):
        raise inside
    if not inside:
        if if_exists:
            return Membership(str(channel), False)
        raise _not_joined(session, channel)
    request = Element(f"{{{PAM}}}client-leave", {"channel": str(channel)})
    SubElement(request, f"{{{NS}}}leave")
    await session.request(request, type="set", step=_STEP, what=f"leaving the channel {channel}")
    if await _is_joined(session, channel):
        raise RefusedError(
            f"the account is still in {channel}",
            step=_STEP,
            condition="not-applied",
            by=session.domain,
        )
    return Membership(str(channel), False)


async def set_nick(session: Session, channel: Jid, nick: str) -> ChannelNick:
    """Ask for a nickname (§7.1.4); the one that the channel gave."""
    await _info(session, channel, f"{channel} is no channel")
    request = Element(f"{{{NS}}}setnick")
    SubElement(request, f"{{{NS}}}nick").text = nick
    answer = await session.request(
        request, to=channel, type="set", step=_STEP, what=f"the nickname in {channel}"
    )
    given = next((e.text for e in _named(answer, "nick")), None) if answer is not None else None
    if not given:
        raise malformed("no nickname", str(channel))
    return ChannelNick(str(channel), given)


async def participants(session: Session, channel: Jid) -> list[Participant]:
    """Who takes part in a channel (§6.6). Raises RefusedError, UnsupportedError."""
    found, listed = await asyncio.gather(
        _info(session, channel, f"{channel} is no channel"),
        items.read(session, _PARTICIPANTS, service=channel),
        return_exceptions=True,
    )
    if isinstance(found, BaseException):
        raise found
    if isinstance(listed, BaseException):
        raise listed
    return [_participant(item.id, item.payload) for item in listed]


def _participant(identifier: str | None, payload: Element) -> Participant:
    """One has children, in the version of before 0.9 attributes."""
    told = {
        name: next((e.text for e in _named(payload, name)), None) or payload.get(name)
        for name in ("nick", "jid")
    }
    return Participant(identifier, told["nick"] or None, told["jid"] or None)


async def speak(session: Session, channel: Jid, message: Outgoing) -> SendResult:
    """Send a message to a channel; it is done when the channel reflected it (§7.1.6).

    What fails is in the record.
    """
    limit = session.account.timeout
    taken = False
    with session.inbox(_reflection_or_error(session, channel, message)) as inbox:
        session.trace.enter("send")
        try:
            with dispatch(session, message.stanza) as sent:
                try:
                    async with asyncio.timeout(limit):
                        stanza = await inbox.get()
                except TimeoutError:
                    raise DeadlineError(
                        f"no answer from {channel} within {limit:g} s",
                        step="send",
                        condition="timeout",
                        by=str(channel),
                        hint="who is not subscribed to the messages of a channel gets none",
                    ) from None
                finally:
                    taken = sent.taken
            if stanza.get("type") == "error":
                taken = True
                refusal = stanza_error(stanza, f"the message to {channel}")
                if refusal.condition in ("forbidden", "not-acceptable"):
                    refusal.hint = "only participants may speak: xmppctl mix join"
                raise refusal
        except XmppctlError as error:
            error.step, error.by = "send", error.by or str(channel)
            return replace(message.result, acked=taken, error=error.info())
    session.settle()
    return replace(message.result, stanza_id=stanza.get("id"), acked=True, confirmed=True)


def _reflection_or_error(
    session: Session, channel: Jid, message: Outgoing
) -> Callable[[Element], bool]:
    def matches(stanza: Element) -> bool:
        sender = lenient(stanza.get("from", ""))
        if stanza.tag != MESSAGE or sender.bare != channel:
            return False
        if stanza.get("type") == "error":
            return stanza.get("id") == message.id
        if stanza.get("type") != "groupchat":
            return False
        # a copy for another client of the account may have the origin id alone
        origin = stanza.find(f"{{{NS_STANZA_ID}}}origin-id")
        submitted = next((e.text for e in _named(stanza, "submission-id")), None)
        return message.id in (submitted, origin.get("id") if origin is not None else None)

    return matches


# --- what is there


async def _service(session: Session) -> Jid:
    """The service of the own server. Raises UnsupportedError where it has none."""
    matches = disco.matcher((NS,), "conference", "mix")
    timeout = session.account.timeout
    async with aclosing(disco.walk(session, session.domain, depth=1, timeout=timeout)) as walk:
        async for entry in walk:
            if entry.depth and matches(entry):
                return lenient(entry.jid)
    error = _lacks(f"{session.domain} offers no channels", NS, Jid(None, session.domain, None))
    error.hint = "name a service, such as mix.example.org"
    raise error


async def _info(session: Session, jid: Jid, otherwise: str) -> DiscoInfo:
    """What a service or a channel is. Raises UnsupportedError where it is none, RefusedError."""
    try:
        found = await disco.info(session, jid)
    except RefusedError as error:
        if error.condition not in UNSUPPORTED:
            error.step = _STEP
            raise
        raise _lacks(otherwise, NS, jid) from None
    if NS not in found.features:
        raise _lacks(otherwise, NS, jid)
    return found


async def _exists(session: Session, channel: Jid) -> bool:
    try:
        await disco.info(session, channel)
    except RefusedError as error:
        if error.condition not in ("item-not-found", "gone"):
            raise
        return False
    return True


async def _no() -> bool:
    return False


async def _both(session: Session, channel: Jid) -> None:
    """Check that there is the channel, and that the own server joins channels."""
    found, own = await asyncio.gather(
        _info(session, channel, f"{channel} is no channel"),
        disco.info(session, session.bare),
        return_exceptions=True,
    )
    if isinstance(own, BaseException):
        raise own
    if PAM not in own.features:
        raise _lacks(
            f"{session.domain} joins no channels for its accounts",
            PAM,
            Jid(None, session.domain, None),
            xep="0405",
        )
    if isinstance(found, BaseException):
        raise found


async def _is_joined(session: Session, channel: Jid) -> bool:
    """Whether the roster has the channel as one (XEP-0405 §3.7.3)."""
    query = Element(f"{_ROSTER}query")
    SubElement(query, _ANNOTATE)
    answer = await session.request(query, step=_STEP, what="the channels of the account")
    if answer is None:
        return False
    return any(
        lenient(item.get("jid", "")) == channel and next(_named(item, "channel"), None) is not None
        for item in answer.findall(f"{_ROSTER}item")
    )


def _named(parent: Element, name: str) -> Iterator[Element]:
    """The elements of this name below ``parent``, and itself, in whatever namespace."""
    return (each for each in parent.iter() if split(each.tag)[1] == name)


def _lacks(text: str, feature: str, by: Jid, *, xep: str = "0369") -> UnsupportedError:
    return UnsupportedError(
        f"{text} ({feature}, XEP-{xep})",
        step=_STEP,
        condition="feature-not-implemented",
        by=str(by),
    )


def _not_joined(session: Session, channel: Jid) -> RefusedError:
    return RefusedError(
        f"the account takes no part in {channel}",
        step=_STEP,
        condition="item-not-found",
        by=session.bare,
    )
