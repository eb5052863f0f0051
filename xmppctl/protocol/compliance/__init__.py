"""XEP-0479: XMPP Compliance Suites 2023: whether a server meets what they ask of servers.

What can be used is used: on the account's own server with a room, a node and a file that are made
for it, all but the file removed again. What cannot be used counts where it is announced.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any
from xml.etree.ElementTree import Element

from xmppctl.errors import XmppctlError
from xmppctl.model.compliance import Requirement, Status
from xmppctl.model.disco import DiscoInfo
from xmppctl.model.jid import Jid
from xmppctl.protocol import carbons
from xmppctl.protocol.compliance import (
    asking,
    files,
    messages,
    nodes,
    rooms,
    services,
    ways,
)
from xmppctl.protocol.compliance.services import Sight
from xmppctl.protocol.compliance.suite import ROWS, Row
from xmppctl.protocol.compliance.verdict import Verdict, Verdicts, strongest, unknown
from xmppctl.protocol.compliance.ways import Named
from xmppctl.session.stream import MESSAGE, Session

__all__ = ["Named", "assess"]

_UNSEEN = unknown("only who is logged in there can see it")


async def assess(
    session: Session,
    domain: Jid | None = None,
    *,
    passive: bool = False,
    named: Named | None = None,
) -> list[Requirement]:
    """Every requirement, and whether ``domain`` (the account's own by default) meets it.

    ``passive``: nothing is made at the server. Of another domain than the own one only that is
    found out which everybody may know. ``named``: where its WebSocket and BOSH are. Raises
    RefusedError (another domain cannot be reached), and what ended the stream.
    """
    named = named or Named()
    found = dict.fromkeys((row.test for row in ROWS), _UNSEEN)
    if domain is None or domain.domain == session.domain:
        found |= await _own(session, passive, named)
    else:
        found |= await _other(session, domain, named)
    found |= _concluded(found)
    return [_requirement(row, found[row.test]) for row in ROWS]


async def _own(session: Session, passive: bool, named: Named) -> dict[str, Verdict]:
    account = ways.nobody(session.account, session.domain)

    def is_copy(stanza: Element) -> bool:
        return stanza.tag == MESSAGE and carbons.unwrap(stanza, session.bare) is not None

    # copies for this session alone, as soon as they are on: nobody else waits for them
    with session.inbox(is_copy):
        answers, listed, opened, *others = await _together(
            asking.ask(session),
            _services(session, passive),
            ways.before_login(account),
            asking.capabilities(session),
            ways.direct_tls(account),
            ways.web(account, named),
            messages.test(session),
            *(() if passive else (nodes.test(session),)),
        )
    seen, of_services = listed
    sight = Sight(answers.domain, answers.account, seen)
    return strongest(
        [
            {"7590": ways.tls(session.trace.facts.get("tls", ""))},
            answers.verdicts,
            of_services,
            *others,
            ways.outside(opened),
            services.announced(sight, own=True),
        ]
    )


async def _services(session: Session, passive: bool) -> tuple[list[DiscoInfo], dict[str, Verdict]]:
    """The services of the own domain, and what those for rooms and files do."""
    found = await services.find(session, session.domain)
    tests: list[Coroutine[Any, Any, dict[str, Verdict]]] = []
    if not passive:
        for each in found:
            if services.is_rooms(each):
                tests.append(rooms.test(session, each.jid))
                break
        for each in found:
            if services.is_upload(each):
                tests.append(files.test(session, each))
                break
    return found, strongest(await _together(*tests))


async def _other(session: Session, domain: Jid, named: Named) -> dict[str, Verdict]:
    account = ways.nobody(session.account, domain.domain)
    told, listed, opened, *others = await _together(
        asking.ask_other(session, domain),
        services.find(session, domain.domain),
        ways.before_login(account),
        ways.direct_tls(account),
        ways.web(account, named),
    )
    if told.error is not None and isinstance(opened, XmppctlError):
        raise told.error
    sight = Sight(told.info, None, listed)
    return strongest(
        [
            told.verdicts,
            *others,
            ways.outside(opened),
            services.announced(sight, own=False),
        ]
    )


def _concluded(found: Verdicts) -> dict[str, Verdict]:
    """What follows for specifications that ask little of a server from what it has."""
    result: dict[str, Verdict] = {}
    private, bookmarks, cards = found["0223"], found["0049"], found["0054"]
    if bookmarks.met:
        result["0048"] = bookmarks._replace(detail="bookmarks can be kept in private XML storage")
    elif private.met:
        result["0048"] = private._replace(detail="bookmarks can be kept in a private node")
    else:
        result["0048"] = bookmarks
    if found["0153"].met is None:
        detail = "pictures can be kept in vCards" if cards.met else f"vCards: {cards.detail}"
        result["0153"] = cards._replace(detail=detail)
    return result


def _requirement(row: Row, verdict: Verdict) -> Requirement:
    status: Status = "ok" if verdict.met else "fail"
    if verdict.met is None:
        status = "unknown"
    elif not verdict.met and row.level in ("note", "future"):
        status = "absent"
    return Requirement(
        category=row.category,
        level=row.level,
        feature=row.feature,
        requirement=row.requirement,
        title=row.title,
        status=status,
        method=verdict.method,
        detail=verdict.detail,
    )


async def _together(*tests: Coroutine[Any, Any, Any]) -> list[Any]:
    """What all of them give; one that fails ends the others, which tidy up."""
    tasks = [asyncio.ensure_future(each) for each in tests]
    try:
        return list(await asyncio.gather(*tasks))
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
