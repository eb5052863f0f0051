"""XEP-0045 §9: affiliations, by request and without being in the room.

No room comes into being by such a request: each server says that there is none.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Sequence
from typing import get_args
from xml.etree.ElementTree import Element, SubElement

from xmppctl.errors import ConnectError, ErrorInfo, RefusedError, XmppctlError
from xmppctl.model.jid import Jid, lenient
from xmppctl.model.muc import Affiliated, Affiliation, AffiliationResult, Listed, UserAction
from xmppctl.protocol.muc.rooms import explained
from xmppctl.protocol.room import NS
from xmppctl.records import dataclass
from xmppctl.session.payload import malformed
from xmppctl.session.stream import Session

NS_ADMIN = f"{NS}#admin"
ITEM = f"{{{NS_ADMIN}}}item"
_QUERY = f"{{{NS_ADMIN}}}query"
_REASON = f"{{{NS_ADMIN}}}reason"

_WINDOW = 32
"""Changes under way at once."""


@dataclass(frozen=True)
class Change:
    """An affiliation to be set; with ``error``, a line of the input that says nothing usable."""

    jid: str
    affiliation: Affiliation | None
    reason: str | None = None
    error: ErrorInfo | None = None


def item(reason: str | None = None, **attributes: str) -> Element:
    """A question or a change about one user."""
    query = Element(_QUERY)
    child = SubElement(query, ITEM, attributes)
    if reason is not None:
        SubElement(child, _REASON).text = reason
    return query


async def affiliations(
    session: Session, room: Jid, which: Sequence[Listed] = ()
) -> list[Affiliated]:
    """Who has an affiliation with the room (§9.5, §9.8, §10.5): all four lists by default.

    Raises RefusedError where the account may not see one of them, UnsupportedError.
    """
    chosen = which or get_args(Listed)
    answers = await asyncio.gather(*(_listed(session, room, each) for each in chosen))
    return [entry for answer in answers for entry in answer]


async def _listed(session: Session, room: Jid, which: Listed) -> list[Affiliated]:
    what = f"the list of {which}s of {room}"
    answer = await _request(session, room, item(affiliation=which), "get", what)
    if answer is None or answer.tag != _QUERY:
        raise malformed("no list of affiliations", str(room))
    return [
        Affiliated(
            jid=str(lenient(child.get("jid", ""))),
            affiliation=which,
            nick=child.get("nick"),
            role=child.get("role"),
            reason=child.findtext(_REASON) or None,
        )
        for child in answer.findall(ITEM)
        if child.get("jid")
    ]


async def change(
    session: Session, room: Jid, jid: str, affiliation: Affiliation, reason: str | None
) -> UserAction:
    """Set one affiliation (§9.1-§9.7, §10.3-§10.8). Raises RefusedError, UnsupportedError."""
    query = item(reason, jid=jid, affiliation=affiliation)
    what = f"the affiliation {affiliation} of {jid} in {room}"
    await _request(session, room, query, "set", what)
    return UserAction(str(room), reason=reason, jid=jid, affiliation=affiliation)


async def _request(
    session: Session, room: Jid, query: Element, kind: str, what: str
) -> Element | None:
    try:
        return await session.request(query, to=room, type=kind, step="affiliation", what=what)
    except RefusedError as error:
        raise explained(error, room) from None


async def change_all(
    session: Session, room: Jid, wanted: AsyncIterator[Change]
) -> AsyncIterator[AffiliationResult]:
    """Set many affiliations, the results in the order of the changes.

    One request for each: one server takes the first item of a request and says nothing of the
    others, another refuses all for one. Raises ConnectError.
    """
    under_way: deque[asyncio.Task[AffiliationResult]] = deque()
    try:
        async for each in wanted:
            under_way.append(asyncio.ensure_future(_outcome(session, room, each)))
            while under_way and (len(under_way) >= _WINDOW or under_way[0].done()):
                yield await under_way.popleft()
        while under_way:
            yield await under_way.popleft()
    finally:
        for task in under_way:
            task.cancel()


async def _outcome(session: Session, room: Jid, wanted: Change) -> AffiliationResult:
    error = wanted.error
    if error is None and wanted.affiliation is not None:
        try:
            await change(session, room, wanted.jid, wanted.affiliation, wanted.reason)
        except ConnectError:
            raise
        except XmppctlError as failure:
            error = failure.info()
    return AffiliationResult(
        room=str(room),
        jid=wanted.jid,
        affiliation=wanted.affiliation,
        reason=wanted.reason,
        ok=error is None,
        error=error,
    )


async def unban(
    session: Session, room: Jid, jid: Jid, reason: str | None, *, if_exists: bool
) -> UserAction:
    """Take an outcast off the ban list (§9.2).

    Nobody else loses an affiliation by it. Raises RefusedError (item-not-found) for somebody who
    is not banned, unless ``if_exists``.
    """
    banned = {entry.jid for entry in await affiliations(session, room, ("outcast",))}
    if str(jid) in banned:
        return await change(session, room, str(jid), "none", reason)
    if if_exists:
        return UserAction(str(room), jid=str(jid))
    raise RefusedError(
        f"{jid} is not banned from {room}",
        step="affiliation",
        condition="item-not-found",
        by=str(room),
        hint="--if-exists makes this no error",
    )
