"""XEP-0133: Service Administration: commands (XEP-0050) with known names and fields.

Servers differ in which they offer, in the names of fields, and in whether they ask before they
answer. So a form is filled in by what it has, and what a service does not offer at all is told
from its list of commands.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from xmppctl.errors import RefusedError, UnsupportedError, UsageError, XmppctlError
from xmppctl.model.jid import Jid
from xmppctl.protocol import Xep, adhoc
from xmppctl.protocol.adhoc import Move, Stage
from xmppctl.records import dataclass
from xmppctl.session.payload import malformed
from xmppctl.session.stream import Session

XEPS = (
    Xep(
        "0133", "1.3.1", "partial", "users, sessions, numbers, announcements, message of the day, "
        "shutdown; everything else by adhoc run",
    ),
)  # fmt: skip

NS = "http://jabber.org/protocol/admin"
STEP = "admin"

Values = Mapping[tuple[str, ...], Sequence[str]]
"""Values by the names that a field may have."""

_SAID = {"account already exists": "conflict", "user does not exist": "item-not-found"}
"""What a server says in an error note, where others answer with a condition."""

_EXTRAS = frozenset({"email", "given_name", "surname", "subject"})
"""Fields that a service may do without."""

_FAILED = "could not be"
"""How one server says in a note of type info that it was not done."""


@dataclass(frozen=True)
class Task:
    """A command: its node, what it is for, and the values for its form.

    ``required`` have to be asked for; ``optional`` are left out where they are not.
    """

    node: str
    does: str
    required: Values
    optional: Values


def task(
    name: str, does: str, required: Values | None = None, optional: Values | None = None
) -> Task:
    """The command ``name`` of the XEP; ``does`` completes the sentence "it does not offer to"."""
    return Task(f"{NS}#{name}", does, required or {}, optional or {})


async def run(session: Session, service: Jid, wanted: Task) -> Stage:
    """Have a service do it; the last stage, which is completed.

    Raises UnsupportedError where the service has no such command, RefusedError, DeadlineError,
    UsageError for values that its form does not take.
    """
    left = dict(wanted.required)

    async def decide(stage: Stage) -> Move:
        answers: dict[str, list[str]] = {}
        names = {each.var for each in stage.asked}
        for known, values in {**wanted.optional, **wanted.required}.items():
            for name in [name for name in known if name in names][:1]:
                answers[name] = list(values)
                left.pop(known, None)
        if left and stage.default == "complete":
            raise _unasked(service, wanted, next(iter(left))[0])
        return Move(stage.default, answers)

    stage = await begin(session, service, wanted, decide)
    if left:  # it was done to nobody, or to whom the service likes
        raise _unasked(service, wanted, next(iter(left))[0])
    return stage


async def begin(session: Session, service: Jid, wanted: Task, decide: adhoc.Decide) -> Stage:
    """As ``run``, with a form that is filled in by ``decide``."""
    try:
        stage = await adhoc.run(
            session,
            service,
            wanted.node,
            decide,
            step=STEP,
            what=f"the request to {wanted.does}",
            missing=lambda error: _missing(session, service, wanted, error),
        )
    except RefusedError as error:
        if error.condition == "forbidden":
            error.hint = f"it takes an administrator of {service}"
        raise
    return done(stage)


def _unasked(service: Jid, wanted: Task, name: str) -> XmppctlError:
    if name in _EXTRAS:
        return UsageError(
            f"{service} takes no {name.replace('_', ' ')} here; nothing was submitted", step=STEP
        )
    return unreadable(f"{wanted.node} asks for no {name}", service)


def unreadable(text: str, service: Jid) -> RefusedError:
    """The service did something else than a command of this kind is there for."""
    error = malformed(text, str(service))
    error.step = STEP
    return error


def done(stage: Stage) -> Stage:
    """The stage, which says that it is done. Raises RefusedError."""
    if stage.status != "completed" or stage.failure is not None:
        error = adhoc.failed(stage, STEP)
        said = (stage.failure or "").lower().rstrip(".")
        error.condition = _SAID.get(said, error.condition)
        raise error
    return stage


def check_notes(stage: Stage, jid: Jid) -> None:
    """Raise RefusedError where a note says that it was not done for ``jid``."""
    for note in stage.notes:
        before, failed, named = note.text.partition(_FAILED)
        if failed and str(jid) in named.split() and str(jid) not in before.split():
            raise RefusedError(
                f"{stage.by}: {note.text}", step=STEP, condition="item-not-found", by=stage.by
            )


def notes(stage: Stage) -> list[str]:
    """What was said beside."""
    return [note.text for note in stage.notes if note.text]


def number(stage: Stage, var: str) -> int | None:
    """The number in a field, None where there is none."""
    text = "".join(stage.values(var)[:1]).strip()
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 16 else None


def lines(text: str) -> list[str]:
    """The values of a field for several lines."""
    return text.split("\n")


async def _missing(
    session: Session, service: Jid, wanted: Task, error: XmppctlError
) -> XmppctlError:
    try:
        offered = {each.node for each in await adhoc.listed(session, service)}
    except UnsupportedError as reason:
        return reason
    except RefusedError:
        return error
    return error if wanted.node in offered else lacks(service, wanted)


def lacks(service: Jid, wanted: Task) -> UnsupportedError:
    """The service has no such command."""
    return UnsupportedError(
        f"{service} does not offer to {wanted.does} ({wanted.node})",
        step=STEP,
        condition="feature-not-implemented",
        by=str(service),
        hint=f"xmppctl adhoc list {service}",
    )


def choose(options: Sequence[str], least: float) -> str | None:
    """The smallest of the numbers among ``options`` that is not below ``least``, None without."""
    numbers = sorted(int(each) for each in options if each.isdecimal() and each.isascii())
    return next((str(number) for number in numbers if number >= least), None)
