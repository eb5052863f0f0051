"""STUN and TURN servers, as far as to see that they work (RFC 8489, RFC 8656).

A binding request, and an allocation by long-term credentials (RFC 8489 §9.2, with MD5 and SHA-1,
which every server takes) that is given back at once. Over UDP, TCP and TLS; not DTLS. A host is
asked at all of its addresses, the first answer counts.
"""

from __future__ import annotations

import asyncio
import errno
import os
import ssl
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Any, NamedTuple

from xmppctl.errors import ConnectError, DeadlineError, RefusedError, XmppctlError
from xmppctl.model.account import Account
from xmppctl.session import resolve, stunmessage
from xmppctl.session.race import AllFailedError, race
from xmppctl.session.stunmessage import Address, Attribute, Message
from xmppctl.session.tlscontext import verifying_context
from xmppctl.session.tlserror import tls_error

STEP = "stun"
UNREACHABLE = "unreachable"
"""The condition that tells that this machine has no network for any address of the server."""

_NO_NETWORK = (errno.ENETUNREACH, errno.EADDRNOTAVAIL, errno.ENETDOWN, errno.EAFNOSUPPORT)

_FIRST_WAIT = 0.5
"""Seconds until a datagram is sent again, doubled each time (RFC 8489 §6.2.1)."""

_FAREWELL = 1.0
"""Seconds that the answer to the end of an allocation is waited for."""

_MOST_ADDRESSES = 4
_LONGEST_NAME = 508  # bytes (RFC 8489 §14.3)
_LONGEST_WORD = 763  # of a realm and of a nonce (§14.9, §14.10)
_STALE = 438
_UNAUTHENTICATED = 401


class Place(NamedTuple):
    """Where a server is; ``kind``: stun, stuns, turn or turns; ``transport``: udp or tcp."""

    kind: str
    host: str
    port: int
    transport: str

    @property
    def secure(self) -> bool:
        """Whether TLS is spoken there."""
        return self.kind in ("stuns", "turns")

    def __str__(self) -> str:
        """As URI (RFC 7064, RFC 7065)."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.kind}:{host}:{self.port}?transport={self.transport}"


class StunError(RefusedError):
    """The server answered with an error; ``number`` as RFC 8489 §14.8 has it, 0: unreadable."""

    def __init__(self, place: Place, what: str, number: int, reason: str) -> None:
        says = f" {reason}" if reason else ""
        super().__init__(
            f"{place} refuses {what}: {number}{says}",
            step=STEP,
            condition=str(number),
            by=str(place),
        )
        self.number = number


class Binding(NamedTuple):
    """An answer to a binding request: its time in seconds, and the own address as seen there."""

    seconds: float
    mapped: Address | None


class Allocation(NamedTuple):
    """A relay that was given: its address; ``open``: it was given without credentials."""

    relayed: Address | None
    open: bool


async def binding(account: Account, place: Place, limit: float) -> Binding:
    """Ask for the own address (RFC 8489 §12), within ``limit`` seconds.

    Raises ConnectError, TlsError, DeadlineError, RefusedError.
    """
    async with _asking(account, place, limit, stunmessage.BINDING, ()) as first:
        if first.answer.kind == stunmessage.ERROR:
            raise StunError(place, "a binding request", *stunmessage.error_of(first.answer))
        mapped = stunmessage.address(first.answer, stunmessage.XOR_MAPPED_ADDRESS)
        # servers of RFC 3489
        mapped = mapped or stunmessage.address(first.answer, stunmessage.MAPPED_ADDRESS)
        return Binding(first.seconds, mapped)


async def allocate(
    account: Account, place: Place, credentials: tuple[str, str] | None, limit: float
) -> Allocation:
    """Have a relay given by user name and password (RFC 8656 §7), and give it back (§8).

    Asked without them first, which tells whether they are needed. Raises StunError (401: they are
    not accepted, or there are none), ConnectError, TlsError, DeadlineError, RefusedError.
    """
    wanted: tuple[Attribute, ...] = ((stunmessage.REQUESTED_TRANSPORT, stunmessage.UDP),)
    async with _asking(account, place, limit, stunmessage.ALLOCATE, wanted) as first:
        link, answer = first.link, first.answer
        if answer.kind == stunmessage.SUCCESS:
            await _give_back(link, (), None)
            return Allocation(stunmessage.address(answer, stunmessage.XOR_RELAYED_ADDRESS), True)
        refusal = StunError(place, "a relay", *stunmessage.error_of(answer))
        for _ in range(2):  # the second time with the nonce of now
            if credentials is None or refusal.number not in (_UNAUTHENTICATED, _STALE):
                raise refusal
            key, signed = _signature(place, answer, *credentials)
            answer = await _ended(
                place, limit, link.ask(stunmessage.ALLOCATE, (*wanted, *signed), key)
            )
            if answer.kind == stunmessage.SUCCESS:
                await _give_back(link, signed, key)
                relayed = stunmessage.address(answer, stunmessage.XOR_RELAYED_ADDRESS)
                return Allocation(relayed, False)
            refusal = StunError(place, "a relay", *stunmessage.error_of(answer))
            if refusal.number == _UNAUTHENTICATED:
                break
        raise refusal


def _signature(
    place: Place, challenge: Message, username: str, password: str
) -> tuple[bytes, list[Attribute]]:
    """The key, and the attributes that say whose it is (RFC 8489 §9.2.3.2)."""
    realm, nonce = challenge.get(stunmessage.REALM), challenge.get(stunmessage.NONCE)
    if realm is None or nonce is None:
        raise _odd(place, "it wants credentials, and names no realm and nonce")
    if max(len(realm), len(nonce)) > _LONGEST_WORD or len(username.encode()) > _LONGEST_NAME:
        raise _odd(place, "user name, realm or nonce are longer than allowed")
    signed = [
        (stunmessage.USERNAME, username.encode()),
        (stunmessage.REALM, realm),
        (stunmessage.NONCE, nonce),
    ]
    return stunmessage.key_of(username, realm, password), signed


async def _give_back(link: _Link, signed: Any, key: bytes | None) -> None:
    """End the allocation; whoever does not answer to that ends it in ten minutes by itself."""
    ending = [(stunmessage.LIFETIME, bytes(4)), *signed]
    with suppress(TimeoutError, XmppctlError, OSError, ValueError):
        async with asyncio.timeout(_FAREWELL):
            await link.ask(stunmessage.REFRESH, ending, key)


# --- one server, at whichever of its addresses


class _First(NamedTuple):
    """The first answer, how long it took, and the connection that it came on."""

    link: _Link
    answer: Message
    seconds: float


@asynccontextmanager
async def _asking(
    account: Account, place: Place, limit: float, method: int, attributes: tuple[Attribute, ...]
) -> AsyncIterator[_First]:
    found = await resolve.addresses(place.host, account=account, timeout=limit)
    attempts = [
        partial(_attempt, account, place, ip, method, attributes)
        for _, ip in found[:_MOST_ADDRESSES]
    ]
    try:
        racing = race(attempts, delay=_FIRST_WAIT / 2, discard=lambda each: each.link.close())
        first = await _ended(place, limit, racing)
    except AllFailedError as failed:
        raise min(failed.errors, key=_is_unreachable) from None
    try:
        yield first
    finally:
        first.link.close()


def _is_unreachable(error: Exception) -> bool:
    """Whether this machine has no network for that address, which says nothing of the server."""
    return isinstance(error, ConnectError) and error.condition == UNREACHABLE


async def _attempt(
    account: Account, place: Place, ip: str, method: int, attributes: tuple[Attribute, ...]
) -> _First:
    link: _Link | None = None
    try:
        link = await (_Datagrams if place.transport == "udp" else _Stream).open(account, place, ip)
        begin = time.perf_counter()
        answer = await link.ask(method, attributes)
        return _First(link, answer, time.perf_counter() - begin)
    except BaseException as error:
        if link is not None:
            link.close()
        raise _told(error, place) from None


async def _ended(place: Place, limit: float, work: Any) -> Any:
    """The outcome of ``work``, which has so many seconds."""
    try:
        async with asyncio.timeout(limit):
            return await work
    except TimeoutError:
        raise DeadlineError(
            f"{place} is silent for {limit:g} s", step=STEP, condition="timeout", by=str(place)
        ) from None
    except (OSError, ValueError, EOFError) as error:
        raise _told(error, place) from None


def _told(error: BaseException, place: Place) -> BaseException:
    """Errors of sockets and messages as those of xmppctl."""
    if isinstance(error, ssl.SSLError):
        found = tls_error(error, str(place), place.host)
        found.hint = None  # which is about the XMPP connection
        return found
    if isinstance(error, asyncio.IncompleteReadError | ConnectionResetError):
        return ConnectError(
            f"{place} closed the connection", step=STEP, condition="connection-closed",
            by=str(place),
        )  # fmt: skip
    if isinstance(error, ConnectionRefusedError):
        return ConnectError(
            f"{place}: nobody listens there", step=STEP, condition="connection-refused",
            by=str(place),
        )  # fmt: skip
    if isinstance(error, TimeoutError | XmppctlError):
        return error
    if isinstance(error, OSError):
        reason = os.strerror(error.errno).lower() if error.errno and error.errno > 0 else str(error)
        condition = UNREACHABLE if error.errno in _NO_NETWORK else "connection-failed"
        return ConnectError(f"{place}: {reason}", step=STEP, condition=condition, by=str(place))
    return _odd(place, str(error)) if isinstance(error, ValueError) else error


def _odd(place: Place, text: str) -> RefusedError:
    return RefusedError(f"{place}: {text}", step=STEP, condition="malformed-answer", by=str(place))


# --- connections


class _Link:
    """A connection with a server; an answer is what fits the transaction and, with a key, it."""

    def __init__(self) -> None:
        self._waiting: tuple[int, bytes, bytes | None] | None = None
        self._answer: asyncio.Future[Message] | None = None

    async def ask(self, method: int, attributes: Any = (), key: bytes | None = None) -> Message:
        """The answer to a request; what comes of others is dropped.

        Raises OSError, ValueError, EOFError; bounded by the caller.
        """
        transaction = os.urandom(12)
        self._waiting = method, transaction, key
        self._answer = asyncio.get_running_loop().create_future()
        return await self._exchange(stunmessage.encode(method, transaction, attributes, key))

    async def _exchange(self, data: bytes) -> Message:
        raise NotImplementedError

    def close(self) -> None:
        """Close it."""
        raise NotImplementedError

    def _fits(self, message: Message) -> bool:
        if self._waiting is None:
            return False
        method, transaction, key = self._waiting
        if (message.method, message.transaction) != (method, transaction):
            return False
        if message.kind == stunmessage.SUCCESS:
            return key is None or stunmessage.is_intact(message, key)
        return message.kind == stunmessage.ERROR


class _Datagrams(_Link, asyncio.DatagramProtocol):
    """UDP; the socket is connected, so that only the server itself is heard."""

    _transport: asyncio.DatagramTransport

    @classmethod
    async def open(cls, account: Account, place: Place, ip: str) -> _Datagrams:
        """Nothing is sent yet."""
        loop = asyncio.get_running_loop()
        _, link = await loop.create_datagram_endpoint(cls, remote_addr=(ip, place.port))
        return link

    def connection_made(self, transport: Any) -> None:
        """The socket is there."""
        self._transport = transport

    def datagram_received(self, data: bytes, addr: Any) -> None:
        """A datagram by the server, or by who wears its address."""
        with suppress(ValueError):
            message = stunmessage.decode(data)
            if self._answer is not None and not self._answer.done() and self._fits(message):
                self._answer.set_result(message)

    def error_received(self, exc: Exception) -> None:
        """Such as an ICMP message: nobody listens there."""
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(exc)

    async def _exchange(self, data: bytes) -> Message:
        assert self._answer is not None
        wait = _FIRST_WAIT
        while True:
            self._transport.sendto(data)
            done, _ = await asyncio.wait({self._answer}, timeout=wait)
            if done:
                return self._answer.result()
            wait *= 2

    def close(self) -> None:
        """Close the socket."""
        if self._answer is not None and not self._answer.cancel() and not self._answer.cancelled():
            self._answer.exception()  # what came too late is worth no warning
        self._transport.abort()


class _Stream(_Link):
    """TCP, or TLS over it."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        super().__init__()
        self._reader = reader
        self._writer = writer

    @classmethod
    async def open(cls, account: Account, place: Place, ip: str) -> _Stream:
        """Connected, and verified for the host where TLS is spoken."""
        reader, writer = await asyncio.open_connection(ip, place.port)
        try:
            # not in one with the connection: a handshake that fails leaves its transport open then
            if place.secure:
                context = verifying_context(account.ca_file)
                await writer.start_tls(context, server_hostname=place.host)
        except BaseException:
            writer.transport.abort()
            raise
        return cls(reader, writer)

    async def _exchange(self, data: bytes) -> Message:
        self._writer.write(data)
        while True:
            header = await self._reader.readexactly(stunmessage.HEADER)
            rest = await self._reader.readexactly(stunmessage.length(header))
            message = stunmessage.decode(header + rest)
            if self._fits(message):
                return message

    def close(self) -> None:
        """Close it without waiting for the other side."""
        self._writer.transport.abort()
