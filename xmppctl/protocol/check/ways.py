"""One way into a server, at one address: what a client, or another server, meets there.

Every check of a way gives one finding, whatever happens: what could not be looked at because
something before it failed is ``unknown``, and says which check that was.

A connection is opened only as far as it is needed, and a few at a time with one address. The first
goes on to the stream features; short ones beside it ask for old versions and broken suites of TLS.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from xml.etree.ElementTree import Element

from xmppctl.errors import ConnectError, DeadlineError, TlsError, XmppctlError
from xmppctl.model.dns import Way
from xmppctl.protocol.check import certificates, kinds, offers, tlsprobe
from xmppctl.protocol.check.certificates import JUDGED_ELSEWHERE, Shown, Verdict
from xmppctl.protocol.check.context import Context
from xmppctl.protocol.check.kinds import BlindError, NoTlsError
from xmppctl.protocol.check.register import Registration
from xmppctl.protocol.check.waychecks import ADVICE, CHECKS, SLOW, applicable
from xmppctl.session import probe, probehello
from xmppctl.session.conditions import SeeOtherHostError
from xmppctl.session.probe import ANY_ISSUER, ProbeWire, Slots
from xmppctl.session.proxy import for_stream
from xmppctl.session.resolve import Candidate, Target
from xmppctl.session.tls import peer_chain
from xmppctl.session.tlschannel import TlsChannel
from xmppctl.session.tlserror import tls_error
from xmppctl.session.trace import Trace


class Door:
    """A way in at one of its addresses.

    ``guess``: nobody knows whether the port speaks TLS from the first byte on.
    """

    def __init__(
        self,
        context: Context,
        way: Way,
        address: str,
        slots: Slots,
        registration: Registration,
        trace: Trace,
        *,
        guess: bool = False,
    ) -> None:
        self.context = context
        self.way = way
        self.address = address
        self.server = way.service.endswith("-server")
        self.limit = min(context.account.connect_timeout, context.account.timeout)
        self._guess = guess
        self._slots = slots
        self._registration = registration
        self._trace = trace
        self._told: dict[str, Verdict] = {}
        self._silent: XmppctlError | None = None
        self._foreign: bool | None = None
        self._mixed_up: str | None = None
        self._met = False
        self._shown = Shown((), ())

    @property
    def name(self) -> str:
        """The name of the target."""
        shown = str(self.way)
        return shown if self.address == self.way.host else f"{shown} [{self.address}]"

    @property
    def _sender(self) -> str | None:
        """Who opens the stream under TLS: some offer FAST to those alone who say that."""
        jid = self.context.account.jid
        return str(jid.bare) if jid.local is not None and not self.server else None

    # --- what is told

    def _tell(self, check: str, verdict: Verdict) -> None:
        """Tell once: what a later connection meets is no news."""
        if check in self._told:
            return
        self._told[check] = verdict
        status, detail, value, unit, advice = verdict
        self.context.tell(check, self.name, status, detail, value=value, unit=unit, advice=advice)

    def _tell_failure(self, check: str, error: XmppctlError) -> None:
        if isinstance(error, SeeOtherHostError):  # which clients follow
            self._tell(check, Verdict("warn", error.text, advice="let SRV records point there"))
        elif check in ADVICE:
            self._tell(check, Verdict("fail", error.text, advice=ADVICE[check]))

    def _timed(self, check: str, milliseconds: float, told: Verdict) -> None:
        """Tell how long it took, and what else there is to be told."""
        slow = self.context.limits.of_time(milliseconds / 1000)
        status, advice = (told.status, told.advice) if slow == "ok" else (slow, SLOW)
        value = round(milliseconds, 1)
        self._tell(check, Verdict(status, f"{told.detail}; {value:g} ms", value, "ms", advice))

    def _wants_behind(self, check: str) -> bool:
        """Whether anything is wanted of what comes after ``check``."""
        rest = CHECKS[CHECKS.index(check) + 1 :]
        return self.context.wants(*rest, "register.open", "dns.port", "dns.dnssec")

    # --- the way

    async def look(self) -> None:
        """Tell of every check that applies here. Raises UsageError and LocalError alone."""
        if not self.context.wants(*applicable(self.way), "register.open", "dns.port", "dns.dnssec"):
            return
        hellos: list[asyncio.Task[None]] = []
        why = "stream.features"
        try:
            await self._go_in(hellos)
        except BlindError as blind:
            why = await self._tell_blind(blind)
        finally:
            await _finished(hellos)
        reachable = self._told["tcp.connect"].status != "unknown"
        for check in applicable(self.way) if reachable else ():
            self._tell(check, Verdict("unknown", f"not tested: {self._reason(why)}"))
        self._tell_dns(reachable=reachable)

    async def _tell_blind(self, blind: BlindError) -> str:
        """Tell what hides the rest; the check that names it."""
        if await self._is_mixed_up(blind):
            own, other = "STARTTLS", "direct TLS"
            if self.way.direct_tls:
                own, other = other, own
            self._mixed_up = f"the record is for {own}, and the port speaks {other}"
            return "dns.port"
        if isinstance(blind, NoTlsError):
            await self._say_hello(None, None)
            if self._told["tls.versions"].status == "fail":
                return "tls.versions"
        self._tell_failure(blind.check, blind.error)
        return blind.check

    def _reason(self, check: str) -> str:
        """That a check failed; and why, where nobody is told otherwise."""
        why = self._told.get(check)
        if why is None or self.context.wants(check):
            return f"{check} failed"
        return f"{check} failed ({why.detail})"

    def _tell_dns(self, *, reachable: bool) -> None:
        """What the DNS says of this way, beside what was found there."""
        from xmppctl.protocol.check import dns

        # otherwise its numbers have been looked at
        if self.way.source != "connect" and self.context.wants(*CHECKS, "register.open"):
            found = self._foreign if self._mixed_up is None else self._mixed_up
            dns.port(self.context, self.way, self.name, found, opened=reachable)
        if reachable:
            shown = self._shown
            dns.certificate(self.context, self.way, self.name, shown.sent, shown.verified)

    async def _go_in(self, hellos: list[asyncio.Task[None]]) -> None:
        """As far as it goes. Raises BlindError."""
        account = self.context.account
        alone = bool(account.pins) and account.ca_file is None
        passed_over = {ANY_ISSUER} if alone else set()
        error: ssl.SSLCertVerificationError | None = None
        while True:
            async with self._connection() as wire:
                if self._guess and not await self._speaks_clear(wire):
                    continue
                self._timed("tcp.connect", wire.milliseconds, Verdict("ok", "connected"))
                if not self._wants_behind("tcp.connect"):
                    return
                await self._reach_tls(wire)
                refused = await self._handshake(wire, passed_over)
                if refused is not None:
                    other = JUDGED_ELSEWHERE.get(refused.verify_code, ANY_ISSUER)
                    if other in passed_over:
                        other = ANY_ISSUER
                    if other == ANY_ISSUER:
                        error = refused
                    passed_over.add(other)
                    continue
                layer = wire.ssl_object
                assert layer is not None
                verified = ANY_ISSUER not in passed_over
                self._shown = Shown(
                    peer_chain(layer, verified=False),
                    peer_chain(layer, verified=True) if verified else (),
                    error,
                )
                self._judge(both=not alone)
                cipher = layer.cipher()
                suite = cipher[0] if cipher else None
                hellos.append(asyncio.ensure_future(self._say_hello(layer.version(), suite)))
                if self._wants_behind("tls.key"):
                    await self._in_stream(wire)
                return

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[ProbeWire]:
        """A connection, closed in the end."""
        target = Target(self.way.host, self.way.port, self.way.direct_tls, "connect")
        family = socket.AF_INET6 if ":" in self.address else socket.AF_INET
        candidate: Candidate = (target, family, self.address)
        if proxy := for_stream(target.host, target.port, self.context.account.ca_file):
            candidate = (replace(target, proxy=proxy), family, self.address)
        async with self._slots.taken(self.address):
            trace = self._trace.beside()
            try:
                wire = await probe.connect(candidate, trace, self.limit, server=self.server)
            except (ConnectError, DeadlineError, TlsError) as error:
                raise self._unreachable(error) from None
            try:
                yield wire
            finally:
                await wire.close(None)

    def _unreachable(self, error: XmppctlError) -> BlindError:
        if error.condition == "unreachable" and not probe.has_route(self.address):
            kind = "IPv6" if ":" in self.address else "IPv4"
            detail = f"cannot be told from here: this machine has no way to {kind} addresses"
            self._tell("tcp.connect", Verdict("unknown", detail))
        return BlindError("tcp.connect", error)

    async def _speaks_clear(self, wire: ProbeWire) -> bool:
        """Open the stream; where it is TLS that is spoken here, the way is one by direct TLS."""
        self._guess = False
        wire.open(self.context.domain)
        try:
            await wire.ready(self.limit, "stream")
        except DeadlineError as error:
            self._silent = error
        except XmppctlError:
            if not wire.header and await self._speaks_tls():
                service = self.way.service.replace("xmpp-", "xmpps-")
                self.way = replace(self.way, service=service, direct_tls=True)
                return False
        return True

    async def _speaks_tls(self) -> bool:
        return await kinds.is_tls(self._connection(), self._channel({ANY_ISSUER}), self.limit)

    async def _is_mixed_up(self, blind: BlindError) -> bool:
        """Whether the record is one for the other kind of TLS, which is what failed."""
        if self.way.source != "srv" or isinstance(blind.error, DeadlineError):
            return False
        if self.way.direct_tls:
            possible = blind.check == "tls.handshake" and blind.error.condition in kinds.NO_TLS
            channel = None
        else:
            possible = blind.check == "stream.features" and not self._met
            channel = self._channel({ANY_ISSUER})
        opened = self._connection()
        return possible and await kinds.is_stream(opened, self.context.domain, self.limit, channel)

    async def _reach_tls(self, wire: ProbeWire) -> None:
        """Up to the place where TLS begins."""
        if self.way.direct_tls:
            return
        if self._silent is not None:
            raise BlindError("stream.features", self._silent)
        if not wire.opened:
            wire.open(self.context.domain)
        features = await self._features(wire)
        if not self.server:
            self._tell("sasl.cleartext", offers.cleartext(features))
        if not probe.offers_tls(features):
            missing = TlsError("STARTTLS is not offered", step="starttls")
            raise BlindError("tls.starttls", missing)
        try:
            await probe.request_tls(wire, self.limit)
        except XmppctlError as error:
            raise BlindError("tls.starttls", error) from None
        self._tell("tls.starttls", offers.starttls(features, server=self.server))

    async def _handshake(
        self, wire: ProbeWire, passed_over: Collection[str]
    ) -> ssl.SSLCertVerificationError | None:
        """TLS as a client of today begins it; what a client would not trust, if there is any."""
        loop = asyncio.get_running_loop()
        begin = loop.time()
        try:
            async with asyncio.timeout(self.limit):
                await wire.start_tls(self._channel(passed_over))
        except ssl.SSLCertVerificationError as error:
            return error
        except (OSError, ConnectError, TlsError) as error:
            told = tls_error(error, wire.peer, self.context.domain)
            if isinstance(told, DeadlineError) or told.condition == "not-tls":
                raise BlindError("tls.handshake", told) from None
            raise NoTlsError("tls.handshake", told) from None
        layer = wire.ssl_object
        assert layer is not None
        cipher = layer.cipher()
        what = f"{layer.version()} with {cipher[0] if cipher else 'no cipher'}"
        self._timed("tls.handshake", (loop.time() - begin) * 1000, Verdict("ok", what))
        return None

    def _channel(self, passed_over: Collection[str]) -> TlsChannel:
        alpn = f"xmpp-{'server' if self.server else 'client'}" if self.way.direct_tls else None
        account = self.context.account
        return probe.channel(account.ca_file, self.context.domain, alpn, passed_over)

    def _judge(self, *, both: bool) -> None:
        verdicts = certificates.judge(
            self._shown,
            self.context.domain,
            self.context.limits,
            service="xmpp-server" if self.server else "xmpp-client",
            pins=self.context.account.pins,
            both=both,
        )
        for check, verdict in verdicts.items():
            self._tell(check, verdict)

    async def _features(self, wire: ProbeWire, check: str = "stream.features") -> Element:
        """The stream features, of a stream of the right kind. Raises BlindError."""
        try:
            found, error = await wire.features(self.limit, "stream"), None
        except XmppctlError as reason:
            found, error = None, reason
        self._met = self._met or bool(wire.header)
        if (foreign := wire.is_foreign) is not None:
            self._foreign = foreign
        if foreign:
            side, other = ("servers", "clients") if self.server else ("clients", "servers")
            error = ConnectError(f"the port is for {other}, and not for {side}")
            check = check if self.way.source == "connect" else "dns.port"
        if found is None or error is not None:
            assert error is not None
            raise BlindError(check, error)
        return found

    async def _in_stream(self, wire: ProbeWire) -> None:
        """What is offered under TLS."""
        domain, loop = self.context.domain, asyncio.get_running_loop()
        begin = loop.time()
        wire.open(domain, self._sender)
        found = await self._features(wire)
        told = offers.features(found, wire.header, domain)
        self._timed("stream.features", (loop.time() - begin) * 1000, told)
        if self.server:
            return
        layer = wire.ssl_object
        self._tell("sasl.mechanisms", offers.mechanisms(found))
        self._tell("sasl.binding", offers.binding(found, layer.version() if layer else None))
        self._tell("sasl.sasl2", offers.sasl2(found))
        await self._registration.look(wire, found)

    # --- versions and suites

    async def _say_hello(self, version: str | None, suite: str | None) -> None:
        """Tell of tls.versions and tls.ciphers; what a client of today gets, None for nothing."""

        async def versions() -> None:
            # without it nobody could tell whether a handshake fails for want of a version
            if version is None or self.context.wants("tls.versions"):
                self._tell("tls.versions", await tlsprobe.versions(self._ask, version))

        async def ciphers() -> None:
            if self.context.wants("tls.ciphers"):
                self._tell("tls.ciphers", await tlsprobe.ciphers(self._ask, suite))

        await asyncio.gather(versions(), ciphers())

    async def _ask(self, newest: int, suites: Collection[int]) -> probehello.Answer:
        """The answer to a hello on a connection of its own. Raises XmppctlError."""
        alpn = "xmpp-server" if self.server else "xmpp-client"
        message = probehello.hello(
            newest, suites, name=self.context.domain, alpn=alpn if self.way.direct_tls else None
        )
        try:
            async with self._connection() as wire:
                await self._reach_tls(wire)
                async with asyncio.timeout(self.limit):
                    data = await wire.exchange(message, lambda data: bool(probehello.read(data)))
                answer = probehello.read(data, ended=True)
                assert answer is not None
                return answer
        except TimeoutError:
            raise wire.silence(self.limit, "tls") from None
        except BlindError as blind:
            raise blind.error from None


async def _finished(tasks: Sequence[asyncio.Task[None]]) -> None:
    """Wait for them; where whoever waits is cancelled already, they are too."""
    current = asyncio.current_task()
    if current is not None and current.cancelling():
        for task in tasks:
            task.cancel()
    await asyncio.gather(*tasks)
