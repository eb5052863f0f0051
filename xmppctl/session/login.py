"""One login on one stream: SASL1, SASL2 or a token, guessed ahead where an earlier login told how.

RFC 6120 §6, XEP-0388 (SASL2), XEP-0386 (Bind 2), XEP-0484 (FAST). What is sent before the server
has told its offer is chosen by the same rules from the offer of the last time. If that offer does
not hold any more the server refuses, and the login begins again with the one that does; a guess is
never PLAIN, whose one message gives the password away.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element

from xmppctl.errors import AuthError, ConnectError, TlsError, XmppctlError
from xmppctl.model.account import Account
from xmppctl.model.jid import Jid
from xmppctl.model.memory import Known, Memory, Token
from xmppctl.model.xep import Xep
from xmppctl.records import dataclass
from xmppctl.session import downgrade, ht, offer, sasl, tls
from xmppctl.session.conditions import (
    SeeOtherHostError,
    TokenRefusedError,
    WrongGuessError,
    sasl_failure,
)
from xmppctl.session.offer import NS_SASL2, Offer
from xmppctl.session.saslxml import Profile, Sasl1, Sasl2
from xmppctl.session.scram import Scram
from xmppctl.session.secret import Secret
from xmppctl.session.wire import Wire

if TYPE_CHECKING:
    from xmppctl.session.inline import Inline

XEPS = (Xep("0388", "1.0.4", "partial", "no tasks after a login, such as a second factor"),)

_OFFERED = {"sasl1": "mechanisms", "sasl2": "sasl2"}
"""Where an offer has the mechanisms of a profile."""

_MAX_STEPS = 8
_MAX_ATTEMPTS = 4
_TOKEN_IS_BAD = ("not-authorized", "credentials-expired")

Limit = Callable[[], float]
"""Gives the seconds that the next wait may take."""


@dataclass(frozen=True)
class LoggedIn:
    """A login that succeeded.

    ``profile``: sasl1 (the stream has to be opened anew) or sasl2. ``offer``: what the server
    offered before it. ``jid``: the full JID, and ``bound`` what was enabled with it, where Bind 2
    was a part of the login. ``unbound``: -PLUS was refused, and the login worked without.
    """

    profile: str
    offer: Offer
    jid: Jid | None = None
    bound: Element | None = None
    unbound: bool = False


@dataclass(frozen=True)
class _Plan:
    """How to log in: ``choice`` of a mechanism, or ``token``."""

    profile: Profile
    offer: Offer
    choice: sasl.Choice | None = None
    token: Token | None = None
    guessed: bool = False
    accepted: bool = False

    @property
    def name(self) -> str:
        """The mechanism."""
        if self.token is not None:
            return self.token.mechanism
        assert self.choice is not None
        return self.choice.name


class Login:
    """A login on ``wire``, which is under TLS and not yet opened.

    ``known``: the last offer; None: nothing is sent ahead. ``inline``: what to enable with the
    login where Bind 2 can, by namespace. ``invalidate``: the token is to end with this login.
    """

    def __init__(
        self,
        wire: Wire,
        account: Account,
        secret: Secret,
        known: Known | None,
        *,
        inline: tuple[Element, ...] = (),
        invalidate: bool = False,
        tokens: bool = True,
        patient: bool = False,
    ) -> None:
        self._wire = wire
        self._account = account
        self._secret = secret
        self._known = known
        self._enable = inline
        self._invalidate = invalidate
        self._inline: Inline | None = None
        self._tokens = tokens
        self._patient = patient
        self._memory: Memory | None = account.memory
        self._bindings: dict[str, Callable[[], bytes]] = {}
        self._unbound = known is not None and known.unbound
        self._fell_back = False
        self._next: _Plan | None = None
        self._mechanism: sasl.Mechanism | None = None
        self._proof_sent = False

    def begin(self) -> None:
        """Open the stream, with the first message of the login behind it where that is known."""
        wire = self._wire
        if wire.ssl_object is not None:
            self._bindings = tls.channel_bindings(wire.ssl_object)
        wire.gather()
        local = self._account.jid.local is not None and not self._account.anonymous
        wire.open(self._account.domain, str(self._account.jid.bare) if local else None)
        if self._known is not None and wire.speaks_first and not self._patient:
            self._guess(offer.of(self._known))
        wire.flush()

    @property
    def ended_ahead(self) -> bool:
        """Whether the stream ended when nothing but what was sent ahead can have been at fault."""
        if self._next is None or not self._next.guessed or self._proof_sent:
            return False
        error = self._wire.error
        return isinstance(error, ConnectError) and not isinstance(error, SeeOtherHostError)

    async def run(self, limit: Limit) -> LoggedIn:
        """Bring the login to its end.

        Raises AuthError, TlsError ("downgrade"), UsageError (no password), ConnectError,
        DeadlineError, and WrongGuessError where only what was sent ahead can have been at fault.
        """
        wire = self._wire
        wire.trace.enter("auth")
        try:
            features = await wire.features(limit(), "stream")
            actual = offer.read(features)
            guess = self._next
            if guess is not None and not getattr(actual, _OFFERED[guess.profile.name]):
                raise WrongGuessError(patient=False)  # no answer may come at all
            return await self._attempts(actual, limit)
        except XmppctlError as error:
            if self.ended_ahead:
                raise WrongGuessError() from error
            raise

    # --- which mechanism

    def _guess(self, last: Offer) -> None:
        try:
            plan = self._plan(last)
        except XmppctlError:
            return  # what the server offers now is to decide, and to be told
        if plan.name == "PLAIN" or (plan.token is None and not self._secret.asked):
            return
        self._send_first(replace(plan, guessed=True))

    def _plan(self, given: Offer) -> _Plan:
        account = self._account
        if account.sasl == "sasl2" and not given.sasl2:
            raise AuthError(
                f"{self._wire.peer} does not offer SASL2 (XEP-0388)",
                step="auth",
                condition="no-acceptable-mechanism",
                by=self._wire.peer,
                hint="leave out --sasl to take what it offers",
            )
        sasl2 = bool(given.sasl2) and account.sasl != "sasl1"
        if sasl2 and (token := self._token(given)) is not None:
            return _Plan(Sasl2(), given, token=token)
        try:
            choice = self._choice(given, sasl2=sasl2)
        except TlsError:
            # XEP-0440 §3 is harder on SASL2, where the server has to announce what it binds by
            if not sasl2 or account.sasl == "sasl2" or not given.mechanisms:
                raise
            sasl2 = False
            choice = self._choice(given, sasl2=False)
        accepted = downgrade.check(
            choice,
            self._strongest(),
            allow=account.allow_downgrade or account.sasl_mechanism is not None,
            server=self._wire.peer,
        )
        # a mechanism that this run names says nothing of those to come
        accepted = accepted and account.allow_downgrade
        return _Plan(Sasl2() if sasl2 else Sasl1(), given, choice=choice, accepted=accepted)

    def _strongest(self) -> str | None:
        """The mechanism that a login must not be weaker than.

        Servers bind no channel over WebSocket and BOSH, where TLS may end at a proxy of theirs. Who
        asks for such a transport is content with that; one that was only fallen back to is not, as
        whoever blocks TCP can bring that about.
        """
        strongest = self._memory.strongest() if self._memory is not None else None
        asked_for = self._account.transport != "auto" or self._account.endpoint is not None
        if strongest is not None and asked_for and self._wire.transport != "tcp":
            return strongest.removesuffix("-PLUS")
        return strongest

    def _choice(self, given: Offer, *, sasl2: bool) -> sasl.Choice:
        ssl_object = self._wire.ssl_object
        return sasl.choose(
            given.sasl2 if sasl2 else given.mechanisms,
            self._account,
            tls_verified=ssl_object is not None,
            channel_bindings=self._bindings,
            announced_bindings=given.bindings,
            tls_version=ssl_object.version() if ssl_object is not None else None,
            sasl2=sasl2,
            unbound=self._unbound,
            allow_downgrade=self._account.allow_downgrade,
        )

    def _token(self, given: Offer) -> Token | None:
        account = self._account
        if self._memory is None or account.sasl_mechanism is not None or account.cert is not None:
            return None
        if not self._tokens or not given.fast:
            return None
        token = self._memory.token()
        if token is None or token.mechanism not in given.fast:
            return None
        return token if ht.usable(token.mechanism, self._bindings, given.bindings) else None

    def _best(self, actual: Offer) -> tuple[str, sasl.Choice | None]:
        plan = self._plan(actual)
        return plan.profile.name, plan.choice

    # --- the exchange

    async def _attempts(self, actual: Offer, limit: Limit) -> LoggedIn:
        for _ in range(_MAX_ATTEMPTS):
            if self._next is None:
                self._send_first(self._plan(actual))
            plan = self._next
            assert plan is not None
            self._wire.trace.fact("mechanism", plan.name)
            failure = await self._exchange(plan, actual, limit)
            if isinstance(failure, LoggedIn):
                return failure
            self._next = self._after(plan, actual, failure)
            if self._next is not None:
                self._send_first(self._next)
        raise self._endless(self._next.name if self._next is not None else "SASL")

    def _after(self, plan: _Plan, actual: Offer, failure: AuthError) -> _Plan | None:
        """What to try behind a failure; None: choose anew. Raises the failure where it is final."""
        wire = self._wire
        if plan.token is not None:
            wire.trace.note(f"the token was refused ({failure.condition})")
            assert self._memory is not None
            ended = failure.condition in _TOKEN_IS_BAD
            if ended:
                self._memory.drop_token(plan.token)
            raise TokenRefusedError(ended=ended)
        assert plan.choice is not None
        best = (
            self._best(actual) if plan.guessed and not self._had_its_chance(plan, actual) else None
        )
        if best is not None and (plan.profile.name, plan.choice) != best:
            wire.trace.note(f"{plan.name} was a wrong guess: the server's offer has changed")
            bound = best[1] is not None and best[1].binding is not None
            if bound or plan.profile.name == "sasl2":
                # Prosody 0.12 has no answer to -PLUS behind a failed login on the same stream, and
                # its SASL2 takes no login at all there
                raise WrongGuessError(patient=False)
            return None
        strongest = self._strongest()
        instead = downgrade.fallback(
            plan.choice,
            self._account,
            proof_sent=self._proof_sent,
            strongest=strongest,
            allow_downgrade=self._account.allow_downgrade,
        )
        if instead is None:
            raise failure
        wire.trace.note(downgrade.fallback_note(plan.choice, instead))
        self._fell_back = True
        accepted = downgrade.weaker(instead.name, strongest)
        return replace(plan, choice=instead, guessed=False, accepted=accepted)

    def _had_its_chance(self, plan: _Plan, actual: Offer) -> bool:
        """Whether what was refused is the password, so that it is not to be tried once more."""
        assert plan.choice is not None
        offered = actual.sasl2 if plan.profile.name == "sasl2" else actual.mechanisms
        plus = any(each.endswith("-PLUS") for each in offered)
        contradicted = plan.choice.server_lacks_binding and plus  # RFC 5802 §6: it has to refuse
        return self._proof_sent and plan.name in offered and not contradicted

    def _send_first(self, plan: _Plan) -> None:
        self._next = plan
        self._proof_sent = False
        self._mechanism = self._make(plan)
        extra: list[Element] = []
        if plan.profile.name == "sasl2":
            extra = self._along().requests(plan.offer, plan.token, self._bindings)
        self._wire.send(plan.profile.first(plan.name, self._mechanism.initial(), extra))

    def _along(self) -> Inline:
        """What rides along with SASL2; loaded where that is spoken."""
        if self._inline is None:
            from xmppctl.session.inline import Inline

            self._inline = Inline(
                self._account, self._known, enable=self._enable, invalidate=self._invalidate
            )
        return self._inline

    def _make(self, plan: _Plan) -> sasl.Mechanism:
        if plan.token is not None:
            username = self._account.jid.local or ""
            return ht.make(plan.name, username, plan.token.token, self._bindings)
        assert plan.choice is not None
        secret = self._secret.get() if sasl.needs_password(plan.choice) else None
        return sasl.make(plan.choice, self._account, secret)

    async def _exchange(self, plan: _Plan, actual: Offer, limit: Limit) -> LoggedIn | AuthError:
        wire, mechanism = self._wire, self._mechanism
        assert mechanism is not None
        if isinstance(mechanism, Scram) and mechanism.offer is not None:
            # what was sent ahead was chosen from an older offer than the one that is signed
            offered = actual.sasl2 if plan.profile.name == "sasl2" else actual.mechanisms
            mechanism.offer = replace(mechanism.offer, mechanisms=offered, bindings=actual.bindings)
        for _ in range(_MAX_STEPS):
            answer = await wire.receive(limit(), "auth")
            match plan.profile.kind(answer):
                case "success":
                    mechanism.finish(plan.profile.data(answer, wire.peer))
                    return self._succeeded(plan, actual, answer)
                case "failure":
                    return sasl_failure(answer, plan.name, wire.peer)
                case "challenge":
                    data = plan.profile.data(answer, wire.peer) or b""
                    response = mechanism.respond(data)
                    self._proof_sent = True
                    wire.send(plan.profile.response(response))
                case "continue":
                    raise self._more_wanted(answer)
                case _:
                    break
        raise self._endless(plan.name)

    # --- the end

    def _succeeded(self, plan: _Plan, actual: Offer, success: Element) -> LoggedIn:
        trace, memory = self._wire.trace, self._memory
        trace.fact("sasl", plan.profile.name)
        trace.fact("mechanism", plan.name)
        binding = plan.choice.binding if plan.choice is not None else ht.binding_of(plan.name)
        trace.fact("channel_binding", binding or "")
        trace.fact("fast", "yes" if plan.token is not None else "no")
        trace.fact("guessed", "yes" if plan.guessed else "no")
        if memory is not None and plan.choice is not None:
            memory.authenticated(plan.name, downgrade.ORDER, accepted=plan.accepted)
        unbound = self._fell_back or (self._unbound and not plan.name.endswith("-PLUS"))
        if plan.profile.name == "sasl1":
            return LoggedIn("sasl1", actual, unbound=unbound)
        self._along().keep_token(success, plan.token)
        jid, bound = self._along().bound(success, self._wire.peer)
        return LoggedIn("sasl2", actual, jid, bound, unbound)

    def _more_wanted(self, answer: Element) -> AuthError:
        tasks = [task.text or "" for task in answer.iter(f"{{{NS_SASL2}}}task")]
        return AuthError(
            f"{self._wire.peer} wants more than the password: {', '.join(tasks) or 'a task'}",
            step="auth",
            condition="additional-task-required",
            by=self._wire.peer,
            hint="tasks such as a second factor are not known here; --sasl sasl1 may do without",
        )

    def _endless(self, name: str) -> AuthError:
        return AuthError(
            f"{self._wire.peer} does not come to an end with {name}",
            step="auth",
            condition="malformed-request",
            by=self._wire.peer,
        )
