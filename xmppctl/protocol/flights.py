"""Many requests to many entities, none of which may hold up the others."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TypeVar
from xml.etree.ElementTree import Element

from xmppctl.model.jid import Jid
from xmppctl.session.responder import PING
from xmppctl.session.stream import Pending, Session

K = TypeVar("K")


UNREACHABLE = frozenset({"remote-server-not-found", "remote-server-timeout"})
"""With these a barrier's answer says itself that nothing can have arrived."""


def barrier(session: Session, to: Jid | str | None = None) -> Pending:
    """A ping, of the own server without ``to``: its answer comes behind what came of all before it.

    Stanzas between two entities are processed in order (RFC 6120 §10.1).
    """
    return session.ask(Element(PING), to=to or session.domain)


async def answers(
    session: Session,
    pending: Mapping[K, Pending],
    *,
    step: str,
    enough: asyncio.Future[None] | None = None,
) -> dict[K, Element]:
    """The answers that came; the wait is over when none comes for the account's timeout.

    It ends early when ``enough`` is done. What nobody answered is left out. Raises what ended the
    stream.
    """
    session.trace.enter(step)
    waiting: set[asyncio.Future[Element]] = {each.future for each in pending.values()}
    try:
        while waiting:
            everything: set[asyncio.Future[Element] | asyncio.Future[None]] = {*waiting}
            if enough is not None:
                everything.add(enough)
            done, _ = await asyncio.wait(
                everything,
                timeout=session.account.timeout,
                return_when=asyncio.FIRST_COMPLETED,
            )
            if not done or (enough is not None and enough.done()):
                break
            waiting = {each for each in waiting if not each.done()}
        return {key: each.future.result() for key, each in pending.items() if each.future.done()}
    finally:
        for each in pending.values():
            session.forget(each)
