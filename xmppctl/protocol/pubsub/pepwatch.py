"""XEP-0163: the nodes of an account, and what the own account and its contacts publish.

Who is available gets what its entity capabilities say an interest in: ``NODE+notify`` (§4.3).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Collection, Iterable, Sequence
from contextlib import aclosing, suppress
from xml.etree.ElementTree import Element

from xmppctl.errors import RefusedError, XmppctlError
from xmppctl.model.jid import Jid, lenient
from xmppctl.model.pubsubsub import NodeEvent, PepNode
from xmppctl.protocol import Xep, caps_own, disco, presence
from xmppctl.protocol.pubsub import STEP, asking, events
from xmppctl.protocol.pubsub.events import Past
from xmppctl.protocol.pubsub.watch import PATIENCE, Options, follow, quiet
from xmppctl.session.inbox import Inbox
from xmppctl.session.stream import Session

XEPS = (Xep("0163", "1.2.2", "partial", "nodes are listed; what is published is watched"),)

_MOST = 200
"""Nodes of contacts that are looked at."""

_SEEN = ("to", "both")


async def nodes(session: Session, jid: Jid | None) -> list[PepNode]:
    """The nodes of an account (None: the own one), as it shows them to this one.

    Raises UnsupportedError where the account has no personal eventing; RefusedError.
    """
    who = session.jid.bare if jid is None else jid

    async def items() -> list[PepNode]:
        # an account lists its clients too
        return [
            PepNode(str(who), item.node, item.name)
            async for item in disco.items(session, who)
            if item.node and lenient(item.jid) == who
        ]

    offer, found = await asyncio.gather(disco.info(session, who), items(), return_exceptions=True)
    for told in (offer, found):
        if isinstance(told, BaseException):
            raise told
    assert not isinstance(offer, BaseException) and not isinstance(found, BaseException)
    if not any((each.category, each.type) == ("pubsub", "pep") for each in offer.identities):
        raise asking.unsupported(f"the nodes of {who}", str(who), asking.PEP)
    return found


async def watch(
    session: Session,
    jid: Jid | None,
    wanted: Sequence[str],
    options: Options,
    ready: Callable[[], None],
) -> AsyncGenerator[NodeEvent, None]:
    """What the own account and contacts publish to these nodes; only ``jid`` where it is given.

    Contacts see the account as online meanwhile. Ends as ``watch.watch`` does. Raises
    DeadlineError where ``count`` was not reached, RefusedError (subscription-required).
    """
    names = list(dict.fromkeys(wanted))
    contacts: dict[str, str] = {}
    own = session.jid.bare

    def tells(sender: Jid) -> bool:
        if jid is not None and sender != jid.bare:
            return False
        return sender == own or contacts.get(str(sender)) in _SEEN

    def counted(stanza: Element) -> Collection[str]:
        return names if tells(events.sender(stanza, session.bare)) else ()

    features = caps_own.FEATURES | {f"{name}+notify" for name in names}
    # who may tell is known when the roster is there
    matches = events.may_tell(session, lambda _: True, names)
    with session.inbox(matches, keep=False) as box, _Again(session, box, features) as again:
        first = presence.compose(features=features)
        contacts.update(await presence.appear(session, first, features=features, asked=again.asked))
        if jid is not None and not tells(jid.bare):
            raise RefusedError(
                f"{jid.bare} tells the account nothing: there is no subscription to its presence",
                step=STEP,
                condition="subscription-required",
                by=session.domain,
                hint=f"xmppctl roster subscribe {jid.bare}",
            )
        past = Past(lasting=True)
        if options.new_only:
            seen = [lenient(name) for name, kind in contacts.items() if kind in _SEEN]
            await _look(session, [own, *seen] if jid is None else [jid.bare], names, past)
            await quiet(box)
        async with aclosing(follow(session, box, counted, options, past, ready)) as found:
            async for event in found:
                yield event


class _Again:
    """Appears once more where the server had to ask what this client is interested in.

    One server has sent the last items by then to who it knew was interested, and does so again
    only where the capabilities change.
    """

    def __init__(self, session: Session, box: Inbox, features: Iterable[str]) -> None:
        self._session = session
        self._box = box
        self._features = features
        self._done = False
        self._timer: asyncio.TimerHandle | None = None

    def __enter__(self) -> _Again:
        return self

    def __exit__(self, *_: object) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def asked(self, iq: Element) -> None:
        """A disco#info is about to be answered."""
        sender = lenient(iq.get("from", self._session.bare)).bare
        # one server asks in the name of the very client
        server = sender in (self._session.jid.bare, lenient(self._session.domain))
        if server and iq[0].get("node") and not self._done:
            self._done = True
            self._timer = asyncio.get_running_loop().call_later(presence.QUIET, self._appear)

    def _appear(self) -> None:
        if self._box.count:
            return
        # of a name that nobody else has: nothing is learnt of other clients by that
        other, own = (presence.compose(features=self._features) for _ in range(2))
        for capabilities in other.iter(f"{{{caps_own.NS}}}c"):
            capabilities.set("node", f"{caps_own.NODE}/again")
        with suppress(XmppctlError):  # the watch tells how the stream ended
            self._session.send(other, own)


async def _look(
    session: Session, accounts: Sequence[Jid], names: Sequence[str], past: Past
) -> None:
    """Learn what is there already."""
    own = session.jid.bare
    places = [(account, name) for account in accounts for name in names][:_MOST]
    asked = {
        place: session.ask(asking.glance(place[1]), to=None if place[0] == own else place[0])
        for place in places
    }
    session.send(*(each.element for each in asked.values()))
    done, _ = await asyncio.wait({each.future for each in asked.values()}, timeout=PATIENCE)
    for (account, name), each in asked.items():
        if each.future in done:
            past.knows(str(account), name, each.future.result())
        session.forget(each)
