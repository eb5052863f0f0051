"""RFC 6121 §5: one message, and the answer to it.

The answer may go to the account and not to this client. So it is seen for that time, with a
priority that lets messages to the account come here, and gets copies of those that go to its other
clients (XEP-0280). Whatever else comes meanwhile is not acknowledged, and so stays for them.
"""

from __future__ import annotations

import asyncio
from contextlib import aclosing, suppress
from dataclasses import replace
from re import Pattern
from typing import Any

from xmppctl.errors import DeadlineError, Exit, UnsupportedError, from_info
from xmppctl.model.jid import lenient
from xmppctl.model.sent import SendResult
from xmppctl.model.stanza import Stanza
from xmppctl.protocol import listen
from xmppctl.protocol.delivery import deliver
from xmppctl.protocol.encrypting import Encryptor, encrypted_one
from xmppctl.protocol.opening import Opener
from xmppctl.protocol.outgoing import Outgoing
from xmppctl.protocol.settling import Settling
from xmppctl.records import dataclass
from xmppctl.session.stream import Session
from xmppctl.session.xml import NS_CLIENT

_THREAD = f"{{{NS_CLIENT}}}thread"


async def ask(
    session: Session,
    message: Outgoing,
    *,
    matching: Pattern[str] | None = None,
    seconds: float | None = None,
    encryptor: Encryptor | None = None,
    opener: Opener | None = None,
) -> Stanza:
    """Send the message and give the answer: the next one with a text from who was addressed.

    Where both have a thread it is the same one; ``matching`` finds something in the body. What
    could not be decrypted is an answer too, in which nothing is found; what was rejected is none.
    It is waited for ``seconds`` (default: the account's timeout) behind the proof that the message
    was delivered. ``encryptor`` hides it, ``opener`` opens answers. Raises DeadlineError (step
    "reply") where none came, the error of a message that was not delivered or encrypted, and what
    ended the stream.
    """
    question = _Question(session, message, matching, opener)
    if encryptor is not None:
        sealed = await encrypted_one(message, encryptor)
        await encryptor.close()
        if isinstance(sealed, SendResult):
            assert sealed.error is not None
            raise from_info(sealed.error)
        question.message = sealed
    limit = session.account.timeout if seconds is None else seconds
    try:
        return await _answer(question, limit, copies=True)
    except UnsupportedError as error:
        if error.step != "carbons":
            raise
        session.trace.note(f"{error.text}: answers to other clients of the account are not seen")
    return await _answer(question, limit, copies=False)


class _Question:
    """The message, and what of all that comes in has to do with it."""

    def __init__(
        self,
        session: Session,
        message: Outgoing,
        matching: Pattern[str] | None,
        opener: Opener | None,
    ) -> None:
        self.session = session
        self.message = message
        self.opener = opener
        self._matching = matching
        self._thread = message.stanza.findtext(_THREAD) or None
        self._to = lenient(str(message.to.bare))
        self._own = {lenient(session.bare), lenient(session.domain)}
        self._out = False
        self._delivered = False

    async def put(self) -> SendResult:
        """Send it; what fails is in the record."""
        self._out = True
        result = await deliver(
            self.session, self.message, Settling(self.session), _nothing,
            wait="confirmed", timeout=None, wait_timeout=0,
        )  # fmt: skip
        self._delivered = True
        return result

    def concerns(self, record: Stanza) -> bool:
        """Whether that is the answer, or a bounce behind the proof of delivery."""
        sender = lenient(record.from_ or self.session.bare)
        if record.type == "error":
            mine = self._delivered and record.id == self.message.id
            return mine and sender.bare in {self._to, *self._own}
        return (
            self._out
            and record.stanza == "message"
            and record.type != "groupchat"
            and record.carbon != "sent"
            and record.delay is None  # it was stored before
            and sender.bare == self._to
            and sender != lenient(str(self.session.jid))
            and (None in (record.thread, self._thread) or record.thread == self._thread)
            and self._says_it(record)
        )

    def _says_it(self, record: Stanza) -> bool:
        texts = [text for text in (record.body, *record.bodies.values()) if text]
        hidden = record.encryption
        if hidden is not None and hidden.state != "decrypted":
            # what was said is not known; and what was rejected is not by who was asked
            return hidden.state != "rejected" and self._matching is None
        if self._matching is None:
            return bool(texts)
        return any(self._matching.search(text) for text in texts)


def _nothing() -> None:
    """Nobody waits for the place of this message."""


@dataclass(frozen=True)
class _Wanted(listen.Filter):
    """What has to do with a question."""

    question: _Question | None = None

    def accepts(self, record: Stanza) -> bool:
        """Whether this has."""
        return self.question is not None and self.question.concerns(record)


async def _answer(question: _Question, limit: float, *, copies: bool) -> Stanza:
    ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    answers = listen.listen(
        question.session,
        _Wanted(question=question),
        listen.Options(carbons=copies, count=1, opener=question.opener),
        lambda: ready.set_result(None),
    )
    async with aclosing(answers):
        following: asyncio.Future[Stanza] = asyncio.ensure_future(anext(answers))
        tasks: set[asyncio.Future[Any]] = {following, ready}
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            if not following.done():
                delivery = asyncio.ensure_future(question.put())
                tasks.add(delivery)
                either: set[asyncio.Future[Any]] = {following, delivery}
                await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
                if not following.done():
                    _check(delivery.result())
                    await _until(following, question, limit)
            record = following.result()
            if record.error_ is not None:
                raise from_info(replace(record.error_, step="send"))
            with suppress(StopAsyncIteration):  # the answer was taken over
                await anext(answers)
            return record
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)


def _check(result: SendResult) -> None:
    """Raise what became of a message that has certainly not arrived.

    Where only the proof is missing an answer may still come.
    """
    error = result.error
    if error is not None and not (result.acked and error.code == Exit.TIMEOUT):
        raise from_info(error)


async def _until(following: asyncio.Future[Stanza], question: _Question, limit: float) -> None:
    question.session.trace.enter("reply")
    done, _ = await asyncio.wait({following}, timeout=limit)
    if not done:
        to = question.message.to.bare
        raise DeadlineError(
            f"no answer from {to} within {limit:g} s",
            step="reply",
            condition="timeout",
            by=str(to),
            hint="the message was sent; --wait-timeout gives the answer longer",
        )
