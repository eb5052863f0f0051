"""XEP-0133: Service Administration. Here: a service as a whole, and what its users are told."""

from __future__ import annotations

import asyncio
import re
from typing import get_args

from xmppctl.errors import RefusedError, UnsupportedError, UsageError
from xmppctl.model.admin import (
    AdminUser,
    Announcement,
    Audience,
    Motd,
    ServiceStats,
    Shutdown,
    UserState,
)
from xmppctl.model.form import FormField
from xmppctl.model.jid import Jid
from xmppctl.protocol import adhoc, admin
from xmppctl.protocol.adhoc import Move, Stage
from xmppctl.protocol.admin import STEP, Task, task, users
from xmppctl.session.stream import Session

_SUBJECT = ("subject",)
_TEXT = ("announcement", "motd", "body")
_CONFIRM = ("confirm",)

_PAUSES = (0.0, 0.05, 0.1, 0.2, 0.4, 0.8)
"""Seconds before each look at what was changed."""

_STOP = re.compile(r"running nodes/.+/shutdown", re.DOTALL)
"""The node by which one server has the command, once for each of its machines."""


async def stats(session: Session, service: Jid) -> ServiceStats:
    """How many users there are of each kind (§4.13 to §4.17), as far as the service tells.

    Raises UnsupportedError where it tells nothing, RefusedError, DeadlineError.
    """
    nodes = {each.node for each in await adhoc.listed(session, service)}
    states: tuple[UserState, ...] = get_args(UserState)
    counts = {state: task(f"get-{state}-users-num", "count its users") for state in states}
    offered = {state: wanted for state, wanted in counts.items() if wanted.node in nodes}
    lists = task("get-online-users-list", "").node in nodes and "online" not in offered
    lists = lists or not offered  # who may not see the list is told so
    online = users.listed(session, service, "online", None) if lists else _nothing()
    stages, (found, more) = await asyncio.gather(
        asyncio.gather(*(admin.run(session, service, wanted) for wanted in offered.values())),
        online,
    )
    numbers = {
        state: admin.number(stage, f"{state}usersnum")
        for state, stage in zip(offered, stages, strict=True)
    }
    if lists and not more:
        numbers["online"] = len(found)
    return ServiceStats(service=str(service), **numbers)


async def _nothing() -> tuple[list[AdminUser], bool]:
    return [], True


def _message(text: str, subject: str | None) -> admin.Values:
    required: dict[tuple[str, ...], list[str]] = {_TEXT: admin.lines(text)}
    if subject is not None:
        required[_SUBJECT] = [subject]
    return required


async def announce(
    session: Session, service: Jid, text: str, subject: str | None, audience: Audience
) -> Announcement:
    """Send a message to the users online (§4.23), or to all.

    Raises UnsupportedError, RefusedError, DeadlineError.
    """
    name = "announce" if audience == "online" else "announce-all"
    whom = "the users online" if audience == "online" else "all users"
    wanted = task(name, f"send announcements to {whom}", _message(text, subject))
    stage = await admin.run(session, service, wanted)
    return Announcement(str(service), audience, subject, text, notes=admin.notes(stage))


async def motd(session: Session, service: Jid) -> Motd:
    """The message of the day, from the form by which it is changed (§4.25).

    Raises UnsupportedError, RefusedError, DeadlineError.
    """
    shown: list[Stage] = []

    async def decide(stage: Stage) -> Move:
        shown.append(stage)
        return Move("cancel")

    wanted = task("edit-motd", "edit the message of the day")
    try:
        await admin.begin(session, service, wanted, decide)
    except RefusedError:
        if not shown:
            raise
    if not shown:
        raise admin.unreadable(f"{wanted.node} shows no form", service)
    stage = shown[0]
    text = "\n".join(next((found for name in _TEXT if (found := stage.values(name))), []))
    subject = "".join(stage.values("subject")[:1])
    return Motd(str(service), "show", subject or None, text or None)


async def set_motd(
    session: Session, service: Jid, text: str, subject: str | None, *, send: bool
) -> Motd:
    """Set the message of the day (§4.24), or without ``send`` change it unseen (§4.25).

    Where the service tells it, it is read back. Raises as ``announce``.
    """
    name = "set-motd" if send else "edit-motd"
    wanted = task(name, f"{name[:-5]} the message of the day", _message(text, subject))
    stage = await admin.run(session, service, wanted)
    await _until(session, service, text)
    return Motd(str(service), "set" if send else "edit", subject, text, notes=admin.notes(stage))


async def delete_motd(session: Session, service: Jid, *, if_exists: bool) -> Motd:
    """Delete the message of the day (§4.26).

    Raises RefusedError (item-not-found) where none is told, unless ``if_exists``; else as
    ``announce``.
    """
    present = await _told(session, service)
    if present == "" and not if_exists:
        raise RefusedError(
            f"{service} has no message of the day, or does not tell it",
            step=STEP,
            condition="item-not-found",
            by=str(service),
            hint="--if-exists deletes whatever there is",
        )
    wanted = task("delete-motd", "delete the message of the day", optional={_CONFIRM: ["1"]})
    stage = await admin.run(session, service, wanted)
    await _until(session, service, "")
    return Motd(str(service), "delete", notes=admin.notes(stage))


async def _told(session: Session, service: Jid) -> str | None:
    """The present message, empty where none is told; None where it cannot be asked for."""
    try:
        return ((await motd(session, service)).text or "").strip()
    except (UnsupportedError, RefusedError):
        return None


async def _until(session: Session, service: Jid, text: str) -> None:
    """Wait until the message of the day is ``text``: servers answer before it is.

    Raises RefusedError where it stays another one.
    """
    told = None
    for pause in _PAUSES:
        await asyncio.sleep(pause)
        told = await _told(session, service)
        if told in (None, text.strip()):
            return
    if told:
        raise RefusedError(
            f"{service} took the message of the day, but has another one",
            step=STEP,
            condition="not-applied",
            by=str(service),
        )


async def shutdown(
    session: Session,
    service: Jid,
    delay: float | None,
    announcement: str | None,
    subject: str | None,
) -> Shutdown:
    """Shut a service down (§4.31) after ``delay`` seconds, or the next longer time it offers.

    Raises UsageError for a delay that is longer than any it offers, UnsupportedError,
    RefusedError, DeadlineError.
    """
    wanted = await _stopping(session, service)
    chosen: list[int] = []

    async def decide(stage: Stage) -> Move:
        answers: dict[str, list[str]] = {}
        for each in stage.asked:
            if each.var == "delay":
                answers["delay"] = [_delay(each, delay, service)]
                chosen[:] = [int(answers["delay"][0])]
            elif each.var == "announcement" and announcement is not None:
                answers["announcement"] = admin.lines(announcement)
            elif each.var == "subject" and subject is not None:
                answers["subject"] = [subject]
        asked = {"delay": delay, "announcement": announcement, "subject": subject}
        for name, value in asked.items():
            if value is not None and name not in answers:
                raise UsageError(
                    f"{service} takes no {name} of a shutdown; nothing was submitted", step=STEP
                )
        return Move(stage.default, answers)

    stage = await admin.begin(session, service, wanted, decide)
    seconds = chosen[0] if chosen else None
    return Shutdown(str(service), wanted.node, seconds, announcement, notes=admin.notes(stage))


async def _stopping(session: Session, service: Jid) -> Task:
    """The command to shut down, by the name that it has with this service."""
    wanted = task("shutdown", "shut it down")
    nodes = [each.node for each in await adhoc.listed(session, service)]
    if wanted.node in nodes:
        return wanted
    found = [node for node in nodes if _STOP.fullmatch(node)]
    if len(found) > 1:
        raise UsageError(
            f"{service} runs on several machines, each with a command of its own",
            step=STEP,
            hint=f"xmppctl adhoc run {service} {found[0]!r}",
        )
    # where it is not offered, the answer to it says why
    return Task(found[0], wanted.does, {}, {}) if found else wanted


def _delay(field: FormField, seconds: float | None, service: Jid) -> str:
    options = [option.value for option in field.options]
    if not options:
        return str(int(seconds or 0))
    if seconds is None:
        usual = [value for value in field.values if value in options and value.isdecimal()]
        seconds = float(usual[0]) if usual else 0.0
    found = admin.choose(options, seconds)
    if found is None:
        raise UsageError(
            f"{service} does not shut down as late as that; nothing was submitted",
            step=STEP,
            hint=f"it offers {', '.join(options)} seconds",
        )
    return found
