"""XEP-0158: challenges that come as messages: whose word counts, answering and declining them.

Most runs meet none: what reads a challenge is imported where one has come.
"""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element, SubElement

from xmppctl.errors import RefusedError, XmppctlError
from xmppctl.model.jid import Jid
from xmppctl.model.sent import SendResult
from xmppctl.protocol.outgoing import Outgoing
from xmppctl.session.conditions import NS_STANZAS
from xmppctl.session.inbox import Inbox
from xmppctl.session.stream import MESSAGE, Session
from xmppctl.session.xml import NS_CLIENT

if TYPE_CHECKING:
    from xmppctl.model.form import Form
    from xmppctl.model.register import Challenge
    from xmppctl.protocol import bob

CAPTCHA = "{urn:xmpp:captcha}captcha"

_STEP = "captcha"


class DeclinedError(RefusedError):
    """A challenge that is declined, or beyond what may be done: who asks is to be told so."""


@dataclass(frozen=True)
class Posed:
    """A challenge, to be answered at ``by``. ``stanza``: as it came."""

    by: str
    id: str | None
    form: Form
    challenge: Challenge
    data: Mapping[str, bob.Data]
    stanza: Element


Solve = Callable[[Session, Posed], Awaitable[Mapping[str, Sequence[str]]]]
"""Gives the answers by field name. Raises DeclinedError, RefusedError and others where it has none.
"""


def read(stanza: Element) -> Posed | None:
    """The challenge in a message; None where its sender does not speak for whom it names (§3.1.3),
    or nothing is asked."""
    from xmppctl.protocol import bob, captcha, forms

    container = stanza.find(CAPTCHA)
    element = None if container is None else forms.find(container)
    if element is None or element.get("type") != "form" or stanza.get("type") == "error":
        return None
    form = forms.read(element)
    url = (stanza.findtext("{jabber:x:oob}x/{jabber:x:oob}url") or "").strip()
    challenge = captcha.read(form, url or None)
    sender = stanza.get("from", "")
    if challenge is None or form.form_type != captcha.NS:
        return None
    if not captcha.speaks_for(sender, challenge.from_ or ""):
        return None
    return Posed(sender, stanza.get("id"), form, challenge, bob.beside(stanza), stanza)


def about(posed: Posed, to: Jid, identifier: str) -> bool:
    """Whether it was posed for a stanza that was sent ``to`` with that id (§3.1.3)."""
    from xmppctl.model.jid import lenient

    asked = lenient(posed.challenge.from_ or "")
    return asked.bare == lenient(str(to)).bare and posed.challenge.sid == identifier


async def meet(session: Session, posed: Posed, solve: Solve | None) -> None:
    """Answer a challenge; who asked has said then that the answer is right (§3.1.4).

    Raises RefusedError (captcha-required where it is not answered), what ``solve`` raises,
    DeadlineError.
    """
    if solve is None:
        url = posed.challenge.url
        raise RefusedError(
            f"{posed.by} asks for a CAPTCHA (XEP-0158)",
            step=_STEP,
            condition="captcha-required",
            by=posed.by,
            hint=f"solve the puzzle at {url}, and try again" if url else None,
        )
    try:
        answers = await solve(session, posed)
    except DeclinedError:
        session.send(_decline(posed))
        raise
    await respond(session, posed, answers)


async def respond(session: Session, posed: Posed, answers: Mapping[str, Sequence[str]]) -> None:
    """Submit the answers, with all that is hidden in the form (§3.1.3). Raises as ``meet``."""
    from xmppctl.protocol import forms

    container = Element(CAPTCHA)
    container.append(forms.fill(posed.form, answers))
    try:
        await session.request(
            container, to=posed.by, type="set", step=_STEP, what="the answer to the CAPTCHA"
        )
    except RefusedError as error:
        if error.condition in ("not-acceptable", "not-allowed"):
            error.hint = "the answer was wrong: another try gets a new challenge"
        elif error.condition in ("service-unavailable", "item-not-found"):
            error.hint = "the challenge is not known, was answered before, or it took too long"
        raise


def _decline(posed: Posed) -> Element:
    message = Element(MESSAGE, {"type": "error", "to": posed.by})
    if posed.id is not None:
        message.set("id", posed.id)
    error = SubElement(message, f"{{{NS_CLIENT}}}error", {"type": "modify"})
    SubElement(error, f"{{{NS_STANZAS}}}not-acceptable")
    return message


class Watch:
    """The challenges to the messages of a run; ``inbox`` is to be one that ``matches``."""

    inbox: Inbox

    def __init__(self, session: Session, solve: Solve | None) -> None:
        self._session = session
        self._solve = solve
        self._expected: dict[str, Jid] = {}
        self._posed: dict[str, Posed] = {}

    async def over(
        self, messages: AsyncIterable[Outgoing | SendResult]
    ) -> AsyncIterator[Outgoing | SendResult]:
        """The same messages, which are remembered: only to them there can be a challenge."""
        async for message in messages:
            if isinstance(message, Outgoing):
                self._expected[message.id] = message.to
            yield message

    def matches(self, stanza: Element) -> bool:
        """Whether it is a challenge to one of the messages."""
        if stanza.tag != MESSAGE or stanza.find(CAPTCHA) is None:
            return False
        posed = read(stanza)
        sid = None if posed is None else posed.challenge.sid
        to = self._expected.get(sid or "")
        if posed is None or sid is None or to is None or not about(posed, to, sid):
            self._session.trace.note(f"ignored a challenge by {stanza.get('from')}")
            return False
        self._posed.setdefault(sid, posed)
        return True

    async def settle(self, result: SendResult) -> SendResult:
        """The result, once a challenge to its message was met; what fails is in it."""
        with suppress(XmppctlError):  # the stream ended, which the result says
            for _ in self.inbox.drain():
                pass
        self._expected.pop(result.id, None)
        posed = self._posed.pop(result.id, None)
        if posed is None or (result.error is not None and result.error.name != "TIMEOUT"):
            return result
        try:
            await meet(self._session, posed, self._solve)
        except XmppctlError as error:
            error.by = error.by or posed.by
            return replace(result, acked=True, confirmed=False, error=error.info())
        return replace(result, acked=True, confirmed=True, error=None)
