"""From a stream that is reached to a session: login, resource, and what is remembered of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, Literal
from xml.etree.ElementTree import Element

from xmppctl.errors import ConnectError, XmppctlError
from xmppctl.model.account import Account
from xmppctl.model.jid import Jid
from xmppctl.model.memory import Known
from xmppctl.session import acks, beginning
from xmppctl.session.beginning import Beginning, Begun, Bind
from xmppctl.session.conditions import TokenRefusedError, WrongGuessError
from xmppctl.session.login import LoggedIn, Login
from xmppctl.session.offer import NS_BIND2
from xmppctl.session.secret import Secret
from xmppctl.session.stream import Session
from xmppctl.session.trace import Trace
from xmppctl.session.wire import Wire
from xmppctl.session.xml import XmlError, parse, serialise

if TYPE_CHECKING:
    from xmppctl.session.connect import Clock
    from xmppctl.session.early import Early

Want = Literal["acks", "carbons", "inactive"]

_INLINE = {
    "acks": f"{{{acks.NS}}}enable",
    "carbons": "{urn:xmpp:carbons:2}enable",
    "inactive": "{urn:xmpp:csi:0}inactive",
}
_DISCO = "{http://jabber.org/protocol/disco#info}query"
_FEATURE = "{http://jabber.org/protocol/disco#info}feature"
_ARCHIVES = frozenset({"urn:xmpp:mam:2", "urn:xmpp:mam:1"})

_TOKENS = 2
"""Tokens that are tried, each on a new stream: the newest of a device, and the one before."""

_PATIENCE = 86400.0
"""Seconds for which a server that did not take what was sent ahead is waited for."""


class Entry:
    """The way in for one account; ``session`` may be called again after a failure."""

    def __init__(
        self,
        account: Account,
        trace: Trace,
        secret: Secret,
        wants: Collection[Want] = (),
        invalidate: bool = False,
        early: Early | None = None,
    ) -> None:
        self._early = early
        self._account = account
        self._trace = trace
        self._secret = secret
        self._wants = wants
        self._invalidate = invalidate
        self._tokens = True
        self._patience = 0.0

    async def session(self, clock: Clock) -> Session:
        """A session that may still be about to bind its resource.

        Raises as ``open_session``.
        """
        memory = self._account.memory
        known = memory.known() if memory is not None else None
        self._patience = known.patience if known is not None else 0.0
        try:
            return await self._attempt(clock, known)
        except WrongGuessError as wrong:
            if wrong.patient:
                self._be_patient()
            elif memory is not None:
                memory.forget()
            return await self._attempt(clock, None)

    async def _attempt(self, clock: Clock, known: Known | None) -> Session:
        wire, done = await self._login(clock, known)
        try:
            session = await self._bind(wire, done, clock, known)
        except BaseException:
            await wire.close(None)
            raise
        self._tell(wire)
        self._trace.fact("bind", "bind" if done.jid is None else "bind2")
        if session.settled_now:
            session.tell_login()
        self._look_for_archive(session, done, known)
        return session

    def _be_patient(self) -> None:
        """From now on, and in the runs that come, say nothing that was not asked for."""
        self._trace.note("the server did not take what was sent ahead; once more without")
        self._patience = time.time() + _PATIENCE
        if self._account.memory is not None:
            self._account.memory.forget()

    @property
    def _patient(self) -> bool:
        return time.time() < self._patience

    async def _login(self, clock: Clock, known: Known | None) -> tuple[Wire, LoggedIn]:
        for _ in range(_TOKENS):
            try:
                return await self._login_once(clock, known)
            except TokenRefusedError as refused:
                self._tokens = refused.ended
        self._tokens = False
        return await self._login_once(clock, known)

    async def _login_once(self, clock: Clock, known: Known | None) -> tuple[Wire, LoggedIn]:
        from xmppctl.session.reach import reach

        logins: dict[Wire, Login] = {}

        def greet(wire: Wire) -> None:
            if any(each.ended_ahead for each in logins.values()):
                self._be_patient()
            logins[wire] = Login(
                wire,
                self._account,
                self._secret,
                known,
                inline=tuple(Element(_INLINE[want]) for want in self._wants),
                invalidate=self._invalidate,
                tokens=self._tokens,
                patient=self._patient,
            )
            logins[wire].begin()

        self._secret.waited = clock.extend
        early, self._early = self._early, None
        try:
            wire = await reach(self._account, self._trace, clock, greet, early)
        except ConnectError as error:
            if logins and list(logins.values())[-1].ended_ahead:
                raise WrongGuessError() from error
            raise
        try:
            return wire, await logins[wire].run(self._limit(clock))
        except BaseException:
            await wire.close(None)
            raise

    def _limit(self, clock: Clock) -> Callable[[], float]:
        return lambda: min(clock.left(), self._account.timeout)

    async def _bind(self, wire: Wire, done: LoggedIn, clock: Clock, known: Known | None) -> Session:
        """The session behind a login; where it can be, the request to bind is still to be sent."""
        account, trace = self._account, self._trace
        trace.enter("bind")
        limit = self._limit(clock)
        guess = None
        ahead = wire.speaks_first and not self._patient
        if done.profile == "sasl1" and ahead and not account.anonymous:
            guess = _features(known)  # an anonymous account has no name before it is bound
        if done.profile == "sasl1":
            wire.gather()
            wire.open(account.domain, self._sender())
        if guess is not None and not beginning.needs_session(guess):
            bind = Bind(account, wire.peer)
            wire.send(bind.request)
            return self._begin(wire, bind, guess, done, known, limit(), guessed=True)
        if done.profile == "sasl1":
            begun = await self._bind_now(wire, done, limit, known)
            return Session(wire, account, begun.jid, begun.features, trace)
        features = await wire.features(limit(), "bind")
        self._learn(wire, done, known, features)
        if done.jid is not None:
            session = Session(wire, account, done.jid, features, trace)
            self._enabled(session, done)
            return session
        if beginning.needs_session(features):
            begun = await self._bound(wire, Bind(account, wire.peer), features, limit)
            return Session(wire, account, begun.jid, features, trace)
        wire.gather()
        bind = Bind(account, wire.peer)
        wire.send(bind.request)
        return self._begin(wire, bind, features, done, known, limit(), guessed=False)

    def _begin(
        self,
        wire: Wire,
        bind: Bind,
        features: Element,
        done: LoggedIn,
        known: Known | None,
        limit: float,
        *,
        guessed: bool,
    ) -> Session:
        jid = self._account.jid.bare._replace(resource=bind.resource)
        start = Beginning(
            bind,
            guessed=guessed,
            learn=lambda features: self._learn(wire, done, known, features),
            again=self._again,
            limit=limit,
        )
        return Session(wire, self._account, jid, features, self._trace, start)

    async def _bind_now(
        self, wire: Wire, done: LoggedIn, limit: Callable[[], float], known: Known | None
    ) -> Begun:
        """Bind on a stream that was opened anew, without knowing its features beforehand."""
        bind = Bind(self._account, wire.peer)
        ahead = wire.speaks_first and not self._patient
        if ahead:
            wire.send(bind.request)
        try:
            features = await wire.features(limit(), "bind")
        except XmppctlError as error:
            if ahead and wire.error is not None:  # nothing of the operation was sent
                raise WrongGuessError() from error
            raise
        self._learn(wire, done, known, features)
        return await self._bound(wire, bind, features, limit, sent=ahead)

    async def _bound(
        self,
        wire: Wire,
        bind: Bind,
        features: Element,
        limit: Callable[[], float],
        *,
        sent: bool = False,
    ) -> Begun:
        if features.find(beginning.BIND) is None:
            raise ConnectError(
                f"{wire.peer} offers no resource binding",
                step="bind",
                condition="bind-not-offered",
                by=wire.peer,
            )
        if not sent:
            wire.send(bind.request)
        try:
            jid = await self._outcome(wire, bind, limit)
        except ConnectError as error:
            if error.condition != "conflict" or not bind.own_choice:
                raise
            bind = Bind(self._account, wire.peer)
            wire.send(bind.request)
            jid = await self._outcome(wire, bind, limit)
        if beginning.needs_session(features):
            request = beginning.session_request()
            wire.send(request)
            while (await wire.receive(limit(), "bind")).get("id") != request.get("id"):
                pass
        return Begun(wire, jid, features)

    async def _outcome(self, wire: Wire, bind: Bind, limit: Callable[[], float]) -> Jid:
        while not bind.answers(answer := await wire.receive(limit(), "bind")):
            pass
        return bind.outcome(answer)

    async def _again(self, unbound: bool) -> Begun:
        """A new stream without any guess, for what is proven not to have been processed.

        ``unbound``: the server ended the stream instead of answering the bind.
        """
        from xmppctl.session.connect import bounded

        if unbound:
            self._be_patient()
        elif self._account.memory is not None:
            self._account.memory.forget()
        async with bounded(self._account, self._trace) as clock:
            wire, done = await self._login(clock, None)
            try:
                limit = self._limit(clock)
                if done.profile == "sasl1":
                    wire.gather()
                    wire.open(self._account.domain, self._sender())
                    begun = await self._bind_now(wire, done, limit, None)
                else:
                    features = await wire.features(limit(), "bind")
                    self._learn(wire, done, None, features)
                    begun = await self._bound(wire, Bind(self._account, wire.peer), features, limit)
            except BaseException:
                await wire.close(None)
                raise
        self._trace.enter("session")
        return begun

    def _sender(self) -> str | None:
        account = self._account
        if account.anonymous or account.jid.local is None:
            return None
        return str(account.jid.bare)

    def _enabled(self, session: Session, done: LoggedIn) -> None:
        """What Bind 2 turned on with the login."""
        bound = done.bound
        if bound is None:
            return
        if bound.find(f"{{{acks.NS}}}enabled") is not None:
            session.outbound, session.inbound = acks.Outbound(), acks.Inbound()
        inline = done.offer.inline
        session.carbons = "carbons" in self._wants and "urn:xmpp:carbons:2" in inline
        session.inactive = "inactive" in self._wants and "urn:xmpp:csi:0" in inline

    # --- what is remembered

    def _learn(self, wire: Wire, done: LoggedIn, known: Known | None, features: Element) -> None:
        memory = self._account.memory
        if memory is None:
            return
        offer = done.offer
        memory.learn(
            Known(
                mechanisms=offer.mechanisms,
                sasl2=offer.sasl2,
                fast=offer.fast,
                inline=offer.inline,
                bindings=offer.bindings,
                features=serialise(features, ""),
                place=wire.place,
                archive=known.archive if known is not None else False,
                unbound=done.unbound,
                patience=self._patience if self._patient else 0.0,
            )
        )

    def _look_for_archive(self, session: Session, done: LoggedIn, known: Known | None) -> None:
        """Ask, along with the operation, what the next login has to know before it may use Bind 2.

        Bind 2 deletes the messages that wait offline because they are in the archive.
        """
        memory = self._account.memory
        if memory is None or NS_BIND2 not in done.offer.inline:
            return
        if done.jid is not None or (known is not None and known.archive):
            return

        def answered(iq: Element) -> None:
            found = {each.get("var") for each in iq.iter(_FEATURE)}
            last = memory.known()
            if _ARCHIVES & found and last is not None:
                memory.learn(last._replace(archive=True))

        session.ask_aside(Element(_DISCO), to=session.bare, answered=answered)

    def _tell(self, wire: Wire) -> None:
        facts = self._trace.facts
        self._trace.enter("session")
        facts["transport"] = wire.transport


def _features(known: Known | None) -> Element | None:
    if known is None or not known.features:
        return None
    try:
        return parse(known.features)
    except XmlError:
        return None
