"""XEP-0050: Ad-Hoc Commands: what an entity offers, and running one of them to its end.

A run is a dialogue: the entity shows a stage, ``decide`` says what to do with it, until the
command is completed. Who gives up on the way says so to the entity. XEP-0146 is this, between the
clients of one account.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import field, replace
from typing import cast, get_args
from xml.etree.ElementTree import Element

from xmppctl.errors import (
    DeadlineError,
    RefusedError,
    UnsupportedError,
    UsageError,
    XmppctlError,
)
from xmppctl.model.adhoc import (
    Action,
    AdhocCommand,
    AdhocInfo,
    CommandForm,
    CommandNote,
    CommandRun,
    Status,
)
from xmppctl.model.form import Form, FormField
from xmppctl.model.jid import Jid, lenient
from xmppctl.protocol import Xep, disco, forms
from xmppctl.protocol.payload import oob
from xmppctl.records import dataclass
from xmppctl.session.payload import malformed
from xmppctl.session.stream import Session
from xmppctl.session.xml import LANG

XEPS = (
    Xep("0050", "1.3.0", "complete", "runs commands of others; offers none, and shows no lists "
        "that are pushed"),
    Xep("0146", "1.1", "complete", "as the one that controls; nobody controls xmppctl"),
)  # fmt: skip

NS = "http://jabber.org/protocol/commands"
COMMAND = f"{{{NS}}}command"

STEP = "adhoc"
UNKNOWN = frozenset({"service-unavailable", "feature-not-implemented", "item-not-found"})
"""Conditions with which an entity says that it has no such command."""

_STAGES = 32
"""Stages of a command before it is given up."""

_PATIENCE = 3.0  # seconds for the answer to a cancel that ends a failure


@dataclass(frozen=True)
class Stage:
    """What an entity answered: a stage of a command, or its end.

    ``actions``: the ways on that it allows, ``default`` the one that "execute" stands for (§3.4).
    """

    by: str
    node: str
    sessionid: str | None
    status: Status
    actions: tuple[Action, ...] = ()
    default: Action = "complete"
    notes: tuple[CommandNote, ...] = ()
    form: Form | None = None
    urls: tuple[str, ...] = ()
    lang: str | None = None

    @property
    def fillable(self) -> bool:
        """Whether the form is one to be submitted."""
        return self.form is not None and self.form.type not in ("result", "submit", "cancel")

    @property
    def asked(self) -> list[FormField]:
        """The fields that are to be filled in."""
        return self.form.fields if self.form is not None and self.fillable else []

    @property
    def failure(self) -> str | None:
        """What the error notes say (§3.6), None where there is none."""
        told = [note.text for note in self.notes if note.type == "error"]
        return (" ".join(told).strip() or "the command failed") if told else None

    def values(self, var: str) -> list[str]:
        """The values of a field of the form, empty where there is none."""
        fields = self.form.fields if self.form is not None else []
        return next((each.values for each in fields if each.var == var), [])


@dataclass(frozen=True)
class Move:
    """What to do at a stage: the action, and values for its form, by ``forms.resolve``."""

    action: Action
    answers: forms.Answers = field(default_factory=dict)


Decide = Callable[[Stage], Awaitable[Move]]
Missing = Callable[[XmppctlError], Awaitable[XmppctlError]]


def read(command: Element | None, by: str, node: str) -> Stage:
    """The record of a ``<command/>``. Raises RefusedError (malformed-answer)."""
    if command is None or command.tag != COMMAND:
        raise _malformed("no answer to a command", by)
    status = command.get("status")
    if status not in get_args(Status):
        raise _malformed(f"the command {node} has the status {status!r}", by)
    element = forms.find(command)
    urls = [each.text or "" for each in command.findall(f"{{{oob.NS}}}x/{{{oob.NS}}}url")]
    actions, default = _ways(command)
    return Stage(
        by=by,
        node=node,
        sessionid=command.get("sessionid") or None,
        status=cast(Status, status),
        actions=actions,
        default=default,
        notes=tuple(
            CommandNote(_note_type(note), (note.text or "").strip())
            for note in command.findall(f"{{{NS}}}note")
        ),
        form=forms.read(element) if element is not None else None,
        urls=tuple(url.strip() for url in urls if url.strip()),
        lang=command.get(LANG),
    )


def _note_type(note: Element) -> str:
    kind = note.get("type")
    return kind if kind in ("warn", "error") else "info"


def _ways(command: Element) -> tuple[tuple[Action, ...], Action]:
    """The allowed actions and the default one (§3.4), also where they contradict each other."""
    known: tuple[Action, ...] = ("prev", "next", "complete")
    element = command.find(f"{{{NS}}}actions")
    if element is None:
        return ("complete",), "complete"
    allowed = tuple(each for each in known if element.find(f"{{{NS}}}{each}") is not None)
    wish = element.get("execute")
    if wish in ("next", "complete") and (not allowed or wish in allowed):
        default = cast(Action, wish)
        return allowed or (default,), default
    # without the attribute it is "next"; servers leave that out where there is only the other
    return allowed or ("next",), "complete" if allowed and "next" not in allowed else "next"


async def listed(session: Session, jid: Jid) -> list[AdhocCommand]:
    """The commands that ``jid`` offers to the account (§2.2); of others it lists none.

    Raises UnsupportedError where it offers no such thing, RefusedError, DeadlineError.
    """
    facts, found = await asyncio.gather(
        disco.info(session, jid), _items(session, jid), return_exceptions=True
    )
    if isinstance(found, list) and found:
        return found
    if isinstance(facts, BaseException):  # it may be away, or talk to nobody
        raise facts
    if isinstance(found, list) and NS in facts.features:
        return found
    unknown = isinstance(found, XmppctlError) and found.condition in UNKNOWN
    if isinstance(found, BaseException) and (NS in facts.features or not unknown):
        raise found
    raise unsupported(jid)


async def _items(session: Session, jid: Jid) -> list[AdhocCommand]:
    found: dict[str, AdhocCommand] = {}
    async for item in disco.items(session, jid, NS):
        if lenient(item.jid) != lenient(str(jid)):
            session.trace.note(f"a command of {item.jid} in the list of {jid} was left out")
        elif item.node:
            found.setdefault(item.node, AdhocCommand(item.jid, item.node, item.name))
    return list(found.values())


def unsupported(jid: Jid) -> UnsupportedError:
    """The entity has nothing to do with commands."""
    return UnsupportedError(
        f"{jid} offers no commands (XEP-0050)",
        step=STEP,
        condition="feature-not-implemented",
        by=str(jid),
    )


async def info(session: Session, jid: Jid, node: str) -> AdhocInfo:
    """What ``jid`` says about a command (§2.2).

    Raises RefusedError (item-not-found) for what is no command, DeadlineError.
    """
    facts = await disco.info(session, jid, node, must_exist=True)
    own = [each for each in facts.identities if each.type == "command-node"]
    if not own and NS not in facts.features:
        raise RefusedError(
            f"{node} at {jid} is no command",
            step=STEP,
            condition="item-not-found",
            by=str(jid),
            hint=f"xmppctl adhoc list {jid}",
        )
    name = next((each.name for each in own if each.name), None)
    return AdhocInfo(str(jid), node, name, facts.identities, facts.features)


async def run(
    session: Session,
    jid: Jid,
    node: str,
    decide: Decide,
    *,
    what: str,
    step: str = STEP,
    lang: str | None = None,
    missing: Missing | None = None,
) -> Stage:
    """Run a command until it is completed or canceled; its last stage.

    ``missing`` makes of the error of a first answer that says "no such command" the one to raise.
    Where the command is given up, for whatever reason, the entity is told so. Raises what
    ``decide`` raises, RefusedError, DeadlineError, and UsageError for values that a form does not
    take.
    """
    dialogue = _Dialogue(session, jid, node, step, what, lang)
    try:
        stage = await dialogue.say("execute")
    except XmppctlError as error:
        if missing is not None and error.condition in UNKNOWN:
            raise await missing(error) from None
        raise
    before: tuple[object, ...] | None = None
    try:
        for _ in range(_STAGES):
            if stage.status != "executing":
                return stage
            if stage.failure is not None:
                raise failed(stage, step)
            move = await decide(stage)
            done = (stage.form, stage.notes, move)
            if done == before:
                raise _malformed(f"the command {node} asks for the same again and again", str(jid))
            before = done
            stage = await dialogue.say(move.action, _filled(stage, move))
        raise _malformed(f"the command {node} does not come to an end", str(jid))
    except BaseException as error:
        await dialogue.give_up(error)
        if isinstance(error, UsageError):
            error.text = error.text.replace("nothing was submitted", "the command was cancelled")
        raise


def _filled(stage: Stage, move: Move) -> Element | None:
    if move.action in ("prev", "cancel") or stage.form is None or not stage.fillable:
        return None
    return forms.fill(stage.form, move.answers)


class _Dialogue:
    """The requester's side of one run."""

    def __init__(
        self, session: Session, jid: Jid, node: str, step: str, what: str, lang: str | None
    ) -> None:
        self._session = session
        self._jid = jid
        self._node = node
        self._step = step
        self._what = what
        self._lang = lang
        self._sessionid: str | None = None
        self._open = False
        self._refused = False

    async def say(self, action: str, submission: Element | None = None) -> Stage:
        command = self._command(action)
        if submission is not None:
            command.append(submission)
        self._refused = True
        answer = await self._session.request(
            command, to=self._jid, type="set", step=self._step, what=self._what
        )
        self._refused = False
        stage = read(answer, str(self._jid), self._node)
        self._open = stage.status == "executing"
        self._sessionid = stage.sessionid or self._sessionid
        return stage

    def _command(self, action: str) -> Element:
        command = Element(COMMAND, {"node": self._node, "action": action})
        if self._sessionid is not None:
            command.set("sessionid", self._sessionid)
        if self._lang is not None:
            command.set(LANG, self._lang)
        return command

    async def give_up(self, error: BaseException) -> None:
        """Tell the entity; wait for its answer only where there is time, and somebody answers."""
        if not self._open:
            return
        self._open = False
        command = self._command("cancel")
        with suppress(XmppctlError):
            if (
                self._refused
                or not isinstance(error, Exception)
                or isinstance(error, DeadlineError)
            ):
                pending = self._session.ask(command, to=self._jid, type="set")
                self._session.send(pending.element)
            else:
                await self._session.request(
                    command, to=self._jid, type="set", step=self._step, timeout=_PATIENCE
                )


async def missing(session: Session, jid: Jid, node: str, error: XmppctlError) -> XmppctlError:
    """What it means that a command could not be begun: told by what ``jid`` offers."""
    try:
        offered = {each.node for each in await listed(session, jid)}
    except (RefusedError, UnsupportedError) as reason:
        return reason if isinstance(reason, UnsupportedError) else error
    if node in offered:
        return error
    return RefusedError(
        f"{jid} has no command {node} for this account",
        step=STEP,
        condition="item-not-found",
        by=str(jid),
        hint=f"xmppctl adhoc list {jid}",
    )


def failed(stage: Stage, step: str = STEP) -> RefusedError:
    """The command came to an end, but did not do it (§3.6)."""
    if stage.failure is not None:
        text = f"{stage.by}: {stage.failure}"
    else:
        notes = " ".join(note.text for note in stage.notes)
        text = f"{stage.by} cancelled the command {stage.node}" + (f": {notes}" if notes else "")
    return RefusedError(text, step=step, condition="undefined-condition", by=stage.by)


def completed(stage: Stage, step: str = STEP) -> Stage:
    """The stage itself; raises RefusedError where the command was not done."""
    if stage.status != "completed" or stage.failure is not None:
        raise failed(stage, step)
    return stage


def record(stage: Stage, *, canceled: bool = False) -> CommandRun:
    """What to show of a stage: no secret that a form offers, whoever put it there.

    ``canceled``: that the command is canceled is what was wanted.
    """
    going_on = stage.status == "executing"
    form = CommandForm(**vars(stage.form)) if stage.form is not None else None
    if form is not None and going_on:
        form = replace(form, fields=[_shown(each) for each in form.fields])
    bad = stage.failure is not None or (stage.status == "canceled" and not canceled)
    return CommandRun(
        jid=stage.by,
        node=stage.node,
        sessionid=stage.sessionid,
        status=stage.status,
        actions=list(stage.actions) if going_on else [],
        default_action=stage.default if going_on else None,
        notes=list(stage.notes),
        form=form if going_on else None,
        result=form if not going_on else None,
        urls=list(stage.urls),
        lang=stage.lang,
        error=failed(stage).info() if bad else None,
    )


def _shown(each: FormField) -> FormField:
    return replace(each, values=[]) if each.type == "text-private" else each


def _malformed(text: str, by: str) -> RefusedError:
    error = malformed(text, by)
    error.step = STEP
    return error
