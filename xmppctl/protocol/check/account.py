"""The checks that need an account, all side by side over one session.

What counts how:

- ``fail``: it is offered or listed, and does not work: an error, silence, another result than
  promised. Silence of the whole server is told by ``server.ping`` alone; the rest is ``unknown``.
- ``warn``: it works, but not as it should; or it is not offered, and users of today need it: what
  XEP-0479 asks of servers for instant messaging at either level (contact list, carbons, archive,
  block list, personal nodes with publish-options), and a contact for abuse (XEP-0157).
- ``ok`` with the value false: it is not offered, and that is the administrator's to choose: push,
  uploads, STUN and TURN. ``ok`` without a value: version and uptime that are kept private.
- ``unknown``: the server does not tell its time; or an earlier step failed, which another finding
  names.

CORS: without any header for web clients it is ``warn``; one answer that allows what another one
denies is ``fail``. STUN and TURN: a server that is named and does not answer is ``fail``, also one
that gives relays to anybody.

Targets: the domain; the account for what is the account's; the JID of a service; for STUN and TURN
the URI. ``login.time`` has one finding for the whole login and one for each of its phases (dns,
tcp, tls, auth, bind), which are named behind the account.

Of a domain that is not the account's, what it tells to other servers is checked: ``server`` but for
its ping, ``component``, and ``s2s.ping``, which starts at the account's own server.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from contextlib import suppress
from typing import Any

from xmppctl.errors import XmppctlError
from xmppctl.model.disco import DiscoInfo
from xmppctl.model.jid import Jid
from xmppctl.protocol.check import own, services, stun, upload
from xmppctl.protocol.check.context import Context
from xmppctl.protocol.check.facts import Facts, untested, who
from xmppctl.protocol.upload import service_of
from xmppctl.session.stream import Session

_PHASES = {
    "dns": "dns", "host-meta": "dns",
    "tcp": "tcp", "proxy": "tcp",
    "starttls": "tls", "tls": "tls",
    "stream": "auth", "auth": "auth", "websocket": "auth", "bosh": "auth",
    "bind": "bind", "session": "bind",
}  # fmt: skip
"""The steps of a login by the phases that are told; what stands before them is no part of it."""

_NAMES = tuple(dict.fromkeys(_PHASES.values()))


async def probe(context: Context, session: Session, *, peers: tuple[str, ...] = ()) -> None:
    """Run the checks that are wanted, and report to ``context``; ``peers`` are pinged (s2s).

    What fails is a finding. Nothing is left behind but one small file at each upload service.
    """
    server = Jid(None, session.domain, None)
    if session.jid.idna != context.domain:
        server = Jid(None, _in_unicode(context.domain), None)
    elif context.wants("login.time"):
        await login(context, session)
    facts = Facts(context, session, server)
    try:
        await _together(_checks(facts, peers))
    finally:
        await facts.close()


def _in_unicode(domain: str) -> str:
    """A domain as JIDs have it (RFC 7622 §3.2)."""
    try:
        return domain.encode("ascii").decode("idna")
    except UnicodeError:
        return domain


async def login(context: Context, session: Session) -> None:
    """login.time: how long the login took, from the look-up to the resource, and its phases."""
    trace, spent = session.trace, dict.fromkeys(_NAMES, 0.0)
    late = not session.settled_now
    target = who(session)
    try:
        await session.settled()
    except XmppctlError as error:
        context.tell("login.time", target, "fail", error.text, advice=error.hint)
        raise
    trace.enter("check")
    for step, milliseconds in trace.milliseconds.items():
        # a session that was there at once has been waiting for these checks since
        if step in _PHASES and (late or step != "session"):
            spent[_PHASES[step]] += milliseconds
    whole = sum(spent.values())
    slowest = max(spent, key=lambda name: spent[name])
    way = session.trace.way()
    detail = f"{whole:.0f} ms, most of it for {slowest}" + (f"; {way}" if way else "")
    status = context.limits.of_time(whole / 1000)
    context.tell("login.time", target, status, detail, value=round(whole, 3), unit="ms")
    for name, milliseconds in spent.items():
        context.tell(
            "login.time",
            f"{target} {name}",
            context.limits.of_time(milliseconds / 1000),
            f"{milliseconds:.0f} ms for {name}",
            value=round(milliseconds, 3),
            unit="ms",
        )


def _checks(facts: Facts, peers: tuple[str, ...]) -> list[Awaitable[Any]]:
    """What is wanted, not begun yet."""
    wants = facts.context.wants
    asked = dict(services.CHECKS)
    if facts.own:
        asked |= own.CHECKS
    else:
        del asked["server.ping"]  # which is s2s.ping then
    found: list[Awaitable[Any]] = [run(facts) for name, run in asked.items() if wants(name)]
    uploads = facts.own and wants(*upload.CHECKS)
    if uploads or wants("component.disco"):
        found.append(_components(facts, uploads=uploads))
    if facts.own and wants(*stun.CHECKS):
        found.append(stun.services(facts))
    if wants("s2s.ping"):
        found += [services.peer(facts, each) for each in dict.fromkeys(peers)]
    return found


async def _components(facts: Facts, *, uploads: bool) -> None:
    """The services that the server lists, and uploads at those that take them, as they answer."""
    running: list[asyncio.Task[None]] = []
    able: list[str] = []

    def found(info: DiscoInfo) -> None:
        if uploads and service_of(info) is not None:
            able.append(info.jid)
            running.append(facts.begin(upload.service(facts, info)))

    async def itself() -> None:
        if uploads:
            with suppress(XmppctlError):  # others tell of that
                found(await facts.info(str(facts.server)))

    _, answered = await asyncio.gather(itself(), services.components(facts, found))
    await _together(running)
    if not uploads or able:
        return
    target = facts.context.domain
    check = next(name for name in upload.CHECKS if facts.context.wants(name))
    if answered:
        text = f"{target} offers no file upload (XEP-0363)"
        facts.context.tell(check, target, "ok", text, value=False)
    else:
        untested(facts, check, target, "no upload service among those that answer")


async def _together(work: Any) -> None:
    """Run all to their end; when this is cancelled, too. Raises the first bug."""
    for outcome in await asyncio.gather(*work, return_exceptions=True):
        if isinstance(outcome, BaseException):
            raise outcome
