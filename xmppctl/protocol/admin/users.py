"""XEP-0133: Service Administration. Here: accounts and their sessions."""

from __future__ import annotations

import asyncio
import math
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from typing import TypeVar

from xmppctl.errors import ErrorInfo, RefusedError, UnsupportedError, UsageError
from xmppctl.model.admin import (
    AdminSession,
    AdminUser,
    Kick,
    UserAction,
    UserChange,
    UserState,
    UserStats,
)
from xmppctl.model.jid import Jid, lenient
from xmppctl.protocol import admin, disco
from xmppctl.protocol.adhoc import Move, Stage
from xmppctl.protocol.admin import STEP, Task, task
from xmppctl.session.stream import Session

T = TypeVar("T")

_ACCOUNT = ("accountjid",)
_ACCOUNTS = ("accountjids", "accountjid")
_PASSWORD = ("password",)
_AGAIN = ("password-verify",)
_DETAILS = ("email", "given_name", "surname")

_NODES: dict[UserAction, str] = {
    "delete": "delete-user",
    "disable": "disable-user",
    "enable": "reenable-user",
}
_LISTS: dict[UserState, str] = {
    "registered": "get-registered-users-list",
    "disabled": "get-disabled-users-list",
    "online": "get-online-users-list",
    "active": "get-active-users",
    "idle": "get-idle-users",
}
_ONLINE = "online users"
"""The node below which one server lists all sessions."""

_LINE = re.compile(
    r" - (?P<resource>.+): (?P<show>[^:(]*)\((?P<priority>-?[0-9]*)\), IP: \[(?P<ip>.*)\]"
)
"""A session in a list of users online with details, as one server writes it."""

_PARALLEL = 8


async def each(jids: Sequence[Jid], work: Callable[[Jid], Awaitable[T]]) -> list[T]:
    """``work`` for every JID, side by side; the results in the order of the JIDs."""
    gate = asyncio.Semaphore(_PARALLEL)

    async def one(jid: Jid) -> T:
        async with gate:
            return await work(jid)

    return await asyncio.gather(*(one(jid) for jid in jids))


async def listed(
    session: Session, service: Jid, state: UserState, limit: int | None
) -> tuple[list[AdminUser], bool]:
    """The users of a list, each once, and whether there may be more of them.

    Raises UnsupportedError where the service has no such list, RefusedError, DeadlineError.
    """
    wanted = task(_LISTS[state], f"list the {state} users")
    stage, most = await _list(session, service, wanted, limit, {})
    found = dict.fromkeys(_bare(line) for line in stage.values(f"{state}userjids"))
    users = [AdminUser(jid, state) for jid in found if jid]
    more = most is not None and len(users) >= most
    if limit is not None and len(users) > limit:
        users, more = users[:limit], True
    return users, more


def _bare(line: str) -> str:
    return "" if line.startswith(" - ") else str(lenient(line.strip()).bare) if line.strip() else ""


async def _list(
    session: Session, service: Jid, wanted: Task, limit: int | None, more: Mapping[str, str]
) -> tuple[Stage, int | None]:
    """A list, as a service gives it at once or after it asked how much of it (§4.18).

    The last stage, and how many were asked for at most (None: all).
    """
    most: int | None = None

    async def decide(stage: Stage) -> Move:
        nonlocal most
        answers: dict[str, list[str]] = {}
        for each in stage.asked:
            if each.var == "max_items":
                options = [option.value for option in each.options]
                value = _how_many(options, limit)
                if value:
                    answers["max_items"] = [value]
                    most = int(value) if value.isdecimal() else None
            elif each.var is not None and each.var in more:
                answers[each.var] = [more[each.var]]
        return Move(stage.default, answers)

    return await admin.begin(session, service, wanted, decide), most


def _how_many(options: Sequence[str], limit: int | None) -> str | None:
    if not options:
        return None if limit is None else str(limit)
    enough = admin.choose(options, limit) if limit is not None else None
    if enough is not None:
        return enough
    words = [each for each in options if not each.isdecimal()]
    return next((each for each in ("all", "none") if each in words), None) or max(
        (each for each in options if each.isdecimal()), key=int, default=options[-1]
    )


async def sessions(session: Session, service: Jid) -> list[AdminSession]:
    """All sessions of the users of a service.

    Told by its list of users online, where that has details; by its list of them (disco), or else
    user by user. Raises UnsupportedError, RefusedError, DeadlineError.
    """
    wanted = task(_LISTS["online"], "list the online users")
    told, items = await asyncio.gather(
        _list(session, service, wanted, None, {"details": "1"}),
        _online(session, service),
        return_exceptions=True,
    )
    if isinstance(items, list) and items:
        return items
    if isinstance(told, BaseException):
        raise told
    lines = told[0].values("onlineuserjids")
    found = _detailed(lines)
    if found or not lines:
        return found
    users = list(dict.fromkeys(lenient(line.strip()).bare for line in lines if line.strip()))
    by_user = await each(users, lambda jid: of_user(session, service, jid))
    return [one for sessions in by_user for one in sessions]


async def _online(session: Session, service: Jid) -> list[AdminSession]:
    found = []
    async for item in disco.items(session, service, _ONLINE):
        if lenient(item.jid).is_full and lenient(item.jid).domain == service.domain:
            found.append(AdminSession(item.jid))
    return found


def _detailed(lines: Sequence[str]) -> list[AdminSession]:
    user, found = "", []
    for line in lines:
        match = _LINE.fullmatch(line)
        if match is None:
            user = line.strip()
        elif user:
            found.append(
                AdminSession(
                    f"{user}/{match['resource']}",
                    match["show"].strip() or None,
                    _priority(match["priority"]),
                    match["ip"] or None,
                )
            )
    return found


def _priority(text: str) -> int | None:
    """A priority (RFC 6121 §4.7.2.3); None for what is none."""
    with suppress(ValueError):
        if len(text) < 5 and -128 <= (number := int(text)) <= 127:
            return number
    return None


async def of_user(session: Session, service: Jid, jid: Jid) -> list[AdminSession]:
    """The sessions of one user. Raises UnsupportedError, RefusedError, DeadlineError."""
    found = await _stats(session, service, jid)
    resources, addresses = _texts(found, "onlineresources"), _texts(found, "ipaddresses")
    together = len(resources) == len(addresses)
    return [
        AdminSession(f"{jid.bare}/{resource}", ip=addresses[place] if together else None)
        for place, resource in enumerate(resources)
    ]


async def of_account(session: Session, service: Jid, jid: Jid) -> list[AdminSession]:
    """As ``of_user``, but an account that does not exist is RefusedError (item-not-found)."""
    found = await of_user(session, service, jid)
    if not found:
        await stats(session, service, jid)
    return found


async def _stats(session: Session, service: Jid, jid: Jid) -> Stage:
    does = f"tell statistics of {jid.bare}"
    return await admin.run(session, service, task("user-stats", does, {_ACCOUNT: [str(jid.bare)]}))


async def stats(session: Session, service: Jid, jid: Jid) -> UserStats:
    """What the service knows about the use that ``jid`` makes of it (§4.9, §4.10).

    Raises UnsupportedError, RefusedError, DeadlineError.
    """
    does = f"tell the last login of {jid}"
    login = task("get-user-lastlogin", does, {_ACCOUNT: [str(jid)]})
    found, last = await asyncio.gather(
        _stats(session, service, jid), admin.run(session, service, login), return_exceptions=True
    )
    if isinstance(last, BaseException) and not isinstance(last, RefusedError | UnsupportedError):
        raise last
    lastlogin = [] if isinstance(last, BaseException) else _texts(last, "lastlogin")
    if isinstance(found, BaseException):
        if not isinstance(found, UnsupportedError) or not lastlogin:
            raise found
        return UserStats(str(jid), last_login=lastlogin[0])
    seen = _texts(found, "onlineresources") or admin.number(found, "rostersize")
    if not seen and lastlogin and not any(char.isdigit() for char in lastlogin[0]):
        await _check(session, service, jid)
    return UserStats(
        jid=str(jid),
        roster_size=admin.number(found, "rostersize"),
        online_resources=_texts(found, "onlineresources"),
        ip_addresses=_texts(found, "ipaddresses"),
        stanzas_per_second=_fraction(found, "stanzaspersecond"),
        logins_per_minute=_fraction(found, "loginsperminute"),
        last_login=lastlogin[0] if lastlogin else None,
    )


async def _check(session: Session, service: Jid, jid: Jid) -> None:
    """Raise RefusedError (item-not-found) where there is no account ``jid``.

    One server has statistics of everybody: of who does not exist, that there is nothing.
    """
    try:
        found, more = await listed(session, service, "registered", None)
    except (RefusedError, UnsupportedError):
        return
    if not more and str(jid.bare) not in {user.jid for user in found}:
        raise RefusedError(
            f"{service} has no account {jid.bare}",
            step=STEP,
            condition="item-not-found",
            by=str(service),
        )


def _texts(stage: Stage, var: str) -> list[str]:
    return [value.strip() for value in stage.values(var) if value.strip()]


def _fraction(stage: Stage, var: str) -> float | None:
    with suppress(ValueError, IndexError):
        number = float(_texts(stage, var)[0])
        return number if math.isfinite(number) else None  # JSON has no other
    return None


async def add(
    session: Session, service: Jid, jid: Jid, password: str, details: Mapping[str, str]
) -> UserChange:
    """Make an account (§4.1). Raises RefusedError, UnsupportedError, DeadlineError."""
    required: dict[tuple[str, ...], list[str]] = {_ACCOUNT: [str(jid)], _PASSWORD: [password]}
    required |= {(name,): [details[name]] for name in _DETAILS if name in details}
    wanted = task("add-user", "add users", required, {_AGAIN: [password]})
    stage = await _done(session, service, wanted, jid)
    return UserChange(str(jid), "add", notes=admin.notes(stage))


async def password(session: Session, service: Jid, jid: Jid, new: str) -> UserChange:
    """Change the password of an account (§4.7). Raises as ``add``."""
    required: admin.Values = {_ACCOUNT: [str(jid)], _PASSWORD: [new]}
    wanted = task("change-user-password", "change passwords", required, {_AGAIN: [new]})
    stage = await _done(session, service, wanted, jid)
    return UserChange(str(jid), "password", notes=admin.notes(stage))


async def _done(session: Session, service: Jid, wanted: Task, jid: Jid) -> Stage:
    """What is to be done with one account. Raises RefusedError in words that are the same for all
    servers, where it says what they do not."""
    try:
        stage = await admin.run(session, service, wanted)
        admin.check_notes(stage, jid)
    except RefusedError as error:
        adding = wanted.node.endswith("#add-user")
        if error.condition == "item-not-found" and not adding:
            error.text, error.hint = f"{service} has no account {jid.bare}", None
        elif error.condition == "conflict" and adding:
            error.text, error.hint = f"{service} has an account {jid} already", None
        raise
    return stage


async def change(
    session: Session, service: Jid, jid: Jid, action: UserAction, *, if_exists: bool = False
) -> UserChange:
    """Delete, disable or enable an account (§4.2 to §4.4); a failure stands in the record.

    ``if_exists``: that there is no such account is none.
    """
    if jid.local is None:
        return UserChange(str(jid), action, False, error=_no_account(jid))
    wanted = task(_NODES[action], f"{action} users", {_ACCOUNTS: [str(jid)]})
    try:
        stage = await _done(session, service, wanted, jid)
    except (RefusedError, UnsupportedError) as error:
        if error.condition == "item-not-found" and if_exists:
            return UserChange(str(jid), action, notes=[error.text])
        return UserChange(str(jid), action, False, error=error.info())
    return UserChange(str(jid), action, notes=admin.notes(stage))


def _no_account(jid: Jid) -> ErrorInfo:
    text = f"{jid} is no account, but a domain"
    return UsageError(text, step="input", condition="jid-malformed").info()


async def kick(session: Session, service: Jid, jid: Jid, *, if_exists: bool = False) -> Kick:
    """End a session, or all of an account (§4.5); a failure stands in the record.

    A service says that it is done also where there was none: what there is, is asked before.
    ``if_exists``: that there is none is no failure.
    """
    if jid.local is None:
        return Kick(str(jid), ok=False, error=_no_account(jid))
    found: list[str] | None = None
    try:
        found = [one.jid for one in await of_user(session, service, jid)]
    except UnsupportedError:
        pass  # there may be some
    except RefusedError as error:
        if error.condition != "item-not-found":
            return Kick(str(jid), ok=False, error=error.info())
        found = []
    if found is not None:
        found = [one for one in found if jid.resource is None or lenient(one) == jid]
        if not found:
            gone = RefusedError(
                f"{jid} has no session at {service}",
                step=STEP,
                condition="item-not-found",
                by=str(service),
            )
            if if_exists:
                return Kick(str(jid), notes=[gone.text])
            return Kick(str(jid), ok=False, error=gone.info())
    wanted = task("end-user-session", "end sessions", {_ACCOUNTS: [str(jid)]})
    try:
        stage = await _done(session, service, wanted, jid)
    except (RefusedError, UnsupportedError) as error:
        return Kick(str(jid), ok=False, error=error.info())
    return Kick(str(jid), found or [], notes=admin.notes(stage))
