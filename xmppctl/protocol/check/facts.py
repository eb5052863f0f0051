"""What the checks with an account share: what entities say of themselves, and how errors count."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Collection, Coroutine, Iterator
from contextlib import contextmanager, suppress
from typing import Any, NamedTuple, TypeVar

from xmppctl.errors import DeadlineError, RefusedError, UnsupportedError, XmppctlError
from xmppctl.model.check import Status
from xmppctl.model.disco import DiscoInfo
from xmppctl.model.jid import Jid
from xmppctl.model.ping import Pong
from xmppctl.protocol import disco, ping
from xmppctl.protocol.check.context import Context
from xmppctl.protocol.flights import UNREACHABLE
from xmppctl.session.stream import Session

T = TypeVar("T")

PRIVATE = frozenset({"forbidden", "not-allowed", "not-authorized"})
"""Conditions with which an entity says that it tells this to others, or to nobody."""


class Lacking(NamedTuple):
    """How it counts that something is not offered: status and value of the finding, advice."""

    status: Status
    value: bool | None = False
    advice: str | None = None


OPTIONAL = Lacking("ok")


def who(session: Session) -> str:
    """The account as target of a finding; the name of an anonymous one is another each time."""
    return session.domain if session.account.anonymous else session.bare


class Facts:
    """One server that is checked over a session; each question is asked once.

    ``server``: the domain that is checked; ``own``: it is the account's, else it is reached through
    the account's server.
    """

    def __init__(self, context: Context, session: Session, server: Jid) -> None:
        self.context = context
        self.session = session
        self.server = server
        self.own = str(server) == session.domain
        self.who = who(session)
        self._tasks: list[asyncio.Task[Any]] = []
        self._infos: dict[str, asyncio.Task[DiscoInfo]] = {}
        self.pong = self.begin(self._ping())

    def begin(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Do it beside the rest, until the end of the checks."""
        task = asyncio.ensure_future(work)
        # of what nobody waits for no error is worth a warning
        task.add_done_callback(lambda each: each.cancelled() or each.exception())
        self._tasks.append(task)
        return task

    def info(self, jid: str) -> Awaitable[DiscoInfo]:
        """What an entity says of itself. Raises RefusedError, DeadlineError."""
        if jid not in self._infos:
            self._infos[jid] = self.begin(disco.info(self.session, jid))
        return asyncio.shield(self._infos[jid])

    async def features(self) -> frozenset[str]:
        """What the server and, where it is the own one, the account on it offer.

        Raises RefusedError, DeadlineError where neither says anything.
        """
        asked = [self.info(str(self.server))]
        if self.own and self.session.jid.local is not None:
            asked.append(self.info(self.session.bare))
        found: set[str] = set()
        errors: list[BaseException] = []
        for each in await asyncio.gather(*asked, return_exceptions=True):
            if isinstance(each, BaseException):
                errors.append(each)
            else:
                found.update(each.features)
        if len(errors) == len(asked) or not all(isinstance(each, RefusedError) for each in errors):
            raise errors[0]
        return frozenset(found)

    async def offered(self, feature: str, named: str, work: Awaitable[T]) -> T:
        """The outcome of ``work``, which has been begun beside the question whether it is offered.

        Raises UnsupportedError where it is not, and what ``work`` raises.
        """
        task = asyncio.ensure_future(work)
        try:
            if feature not in await self.features():
                raise absent(str(self.server), named)
            with announced():
                return await task
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError, XmppctlError):
                await task

    async def silent(self) -> bool:
        """Whether the server answers nothing at all."""
        try:
            pong = await asyncio.shield(self.pong)
        except XmppctlError:
            return True
        return pong.error is not None and pong.rtt_ms is None

    async def close(self) -> None:
        """Give up what is under way."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _ping(self) -> Pong:
        limit = self.session.account.timeout
        return await ping.ping(self.session, self.server, 1, in_room=None, timeout=limit)


@contextmanager
def announced() -> Iterator[None]:
    """What has been announced is a failure where it is not there. Raises RefusedError for that."""
    try:
        yield
    except UnsupportedError as error:
        raise RefusedError(
            f"announced, but: {error.text}", condition=error.condition, by=error.by
        ) from None


def absent(by: str, named: str) -> UnsupportedError:
    """``by`` does not offer what is called ``named``, as its service discovery says."""
    return UnsupportedError(
        f"{by} does not offer {named}", condition="feature-not-implemented", by=by
    )


async def judge(
    facts: Facts,
    check: str,
    target: str,
    work: Awaitable[None],
    lacking: Lacking = OPTIONAL,
    *,
    private: Collection[str] = (),
    advice: str | None = None,
) -> bool:
    """Let ``work`` tell its finding; where it raises, tell what that means. True: it told itself.

    Not offered: as ``lacking`` says. ``private``: the conditions with which a server keeps it to
    itself, which counts so too. Any other error is a failure, and so is silence, but where the
    server is silent altogether, which server.ping tells.
    """
    tell = facts.context.tell
    try:
        await work
    except UnsupportedError as error:
        status, value, todo = lacking
        tell(check, target, status, error.text, value=value, advice=todo)
    except XmppctlError as error:
        nobody = isinstance(error, DeadlineError) or error.condition in UNREACHABLE
        if error.condition in private:
            tell(check, target, lacking.status, f"not told: {error.text}", value=lacking.value)
        elif nobody and check not in ("server.ping", "s2s.ping") and await facts.silent():
            untested(facts, check, target, f"{facts.server} does not answer")
        else:
            todo = advice or error.hint or "look at the log of the server"
            tell(check, target, "fail", error.text, advice=todo)
    else:
        return True
    return False


def untested(facts: Facts, check: str, target: str, why: str) -> None:
    """What cannot be found out, for a reason that another finding names."""
    facts.context.tell(check, target, "unknown", f"not tested: {why}")


def some(number: int, noun: str) -> str:
    """``1 contact``, ``2 contacts``."""
    return f"{number} {noun}" + ("" if number == 1 else "s")


def took(seconds: float) -> float:
    """A time as value of a finding, in milliseconds."""
    return round(seconds * 1000, 3)
