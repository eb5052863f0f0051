"""Questions to DNS servers (RFC 1035): one name, one type, several servers, UDP then TCP.

Only names as they are given are asked: XMPP domains are absolute, the search list of resolv.conf
does not apply to them. The questions are on their way before dnspython is imported: its 30 ms pass
while the answers travel. No cache: a process asks once.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import ipaddress
import os
import socket
import struct
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from xmppctl.errors import ConnectError, DeadlineError
from xmppctl.records import dataclass
from xmppctl.session.race import AllFailedError, race

if TYPE_CHECKING:
    import dns.message

Server = tuple[str, int]

RESOLV_CONF = Path("/etc/resolv.conf")
A, AAAA, SRV, TLSA = 1, 28, 33, 52

_RECURSION_DESIRED, _AUTHENTIC_DATA = 0x0100, 0x0020

_STAGGER = 1.5
"""Seconds of silence after which the next server, or the same once more, is asked as well."""

_ROUNDS = 3
"""How often each server is asked at most."""

_LONGEST = 253
"""Characters of a name (RFC 1035 §3.1); labels below a long domain go beyond."""

_MOST_SERVERS = 3
"""As many lines of resolv.conf count as in resolv.conf(5), MAXNS."""


@dataclass(frozen=True)
class Answer:
    """What the DNS knows: whether the name exists, and its records of the type asked for.

    ``secure``: a server that is ``trusted`` says that DNSSEC vouches for all of it. ``alias``: the
    name that the one asked for is an alias of (CNAME), None where it is none.
    """

    exists: bool
    records: tuple[Any, ...] = ()
    secure: bool = False
    alias: str | None = None


class _UselessError(Exception):
    """A server answered, but not the question; the text is its reason (SERVFAIL, REFUSED, ...)."""


def servers() -> list[Server]:
    """The DNS servers of this machine, in the order of resolv.conf(5); none named: loopback."""
    found: list[Server] = []
    with contextlib.suppress(OSError):
        for line in RESOLV_CONF.read_text(encoding="utf-8", errors="replace").splitlines():
            words = line.split()
            if len(words) > 1 and words[0] == "nameserver":
                found.append((words[1], 53))
    return found[:_MOST_SERVERS] or [("127.0.0.1", 53)]


def trusted(at: Sequence[Server]) -> bool:
    """Whether all of ``at`` are believed when they call an answer authentic (DNSSEC).

    They are if they run on this machine, or are those of a resolv.conf with the option "trust-ad":
    on any network in between, the bit is as easy to forge as the answer (RFC 6840 §5.8).
    """
    return all(map(_is_loopback, at)) or (list(at) == servers() and _trust_ad())


def _is_loopback(server: Server) -> bool:
    try:
        return ipaddress.ip_address(server[0]).is_loopback
    except ValueError:
        return False


def _trust_ad() -> bool:
    with contextlib.suppress(OSError):
        for line in RESOLV_CONF.read_text(encoding="utf-8", errors="replace").splitlines():
            words = line.split()
            if words[:1] == ["options"] and "trust-ad" in words:
                return True
    return False


async def ask(name: str, kind: int, at: Sequence[Server], *, timeout: float) -> Answer:
    """The records of type ``kind`` that ``name`` (ASCII, absolute) has; a name too long has none.

    Raises ConnectError (step "dns", condition "servfail") where no server can answer and
    DeadlineError (step "dns") when they are silent for ``timeout`` seconds.
    """
    if len(name.rstrip(".")) > _LONGEST:
        return Answer(False)
    believed = trusted(at)
    wire = _question(name, kind, authentic=believed)
    attempts: list[Callable[[], Awaitable[Answer]]] = [
        functools.partial(_ask_one, server, wire, believed, kind == TLSA)
        for server in list(at) * _ROUNDS
    ]
    try:
        async with asyncio.timeout(timeout):
            return await race(attempts, delay=_STAGGER)
    except TimeoutError:
        raise DeadlineError(
            f"no answer about {name} from the DNS server {_listed(at)} within {timeout:g} s",
            step="dns",
            condition="timeout",
            by=_listed(at),
            hint="check the name servers of this machine, or skip DNS with --connect HOST:PORT",
        ) from None
    except AllFailedError as error:
        reasons = dict.fromkeys(_reason(each) for each in error.errors)
        raise ConnectError(
            f"the DNS server {_listed(at)} could not answer about {name} ({', '.join(reasons)})",
            step="dns",
            condition="servfail",
            by=_listed(at),
            hint="try again later, or skip DNS with --connect HOST:PORT",
        ) from None


def _listed(at: Sequence[Server]) -> str:
    return ", ".join(host if port == 53 else f"{host} port {port}" for host, port in at)


def _reason(error: Exception) -> str:
    if isinstance(error, OSError):
        return error.strerror or type(error).__name__
    return str(error) or type(error).__name__


def _question(name: str, kind: int, *, authentic: bool) -> bytes:
    # header: id, flags, one question. No EDNS: old home routers choke on it, and what does not fit
    # into 512 bytes comes by TCP. The AD bit asks for the same bit in the answer (RFC 6840 §5.7).
    flags = _RECURSION_DESIRED | (_AUTHENTIC_DATA if authentic else 0)
    wire = struct.pack("!6H", int.from_bytes(os.urandom(2)), flags, 1, 0, 0, 0)
    for label in name.rstrip(".").encode("ascii").split(b"."):
        wire += bytes((len(label),)) + label
    return wire + struct.pack("!BHH", 0, kind, 1)


async def _ask_one(server: Server, wire: bytes, believed: bool, partly: bool) -> Answer:
    family, kind, protocol, _, address = socket.getaddrinfo(
        *server, type=socket.SOCK_DGRAM, flags=socket.AI_NUMERICHOST
    )[0]
    loop = asyncio.get_running_loop()
    with socket.socket(family, kind, protocol) as sock:
        sock.setblocking(False)
        # connected: the kernel drops what others send, and tells when nobody listens
        sock.connect(address)
        sock.send(wire)
        await asyncio.sleep(0)  # the other questions go out before the import below
        asked = _message(wire)
        assert asked is not None
        while True:
            reply = _message(await loop.sock_recv(sock, 65535), partly=partly)
            if reply is None or not asked.is_response(reply):  # RFC 5452 §9.1
                continue
            if _truncated(reply):
                reply = await _ask_by_tcp(server, wire, partly)
                if reply is None or not asked.is_response(reply):
                    raise _UselessError("not an answer to the question")
            return _answer(reply, believed=believed)


async def _ask_by_tcp(server: Server, wire: bytes, partly: bool) -> dns.message.Message | None:
    reader, writer = await asyncio.open_connection(*server)
    try:
        writer.write(struct.pack("!H", len(wire)) + wire)
        (length,) = struct.unpack("!H", await reader.readexactly(2))
        return _message(await reader.readexactly(length), partly=partly)
    except asyncio.IncompleteReadError:
        raise _UselessError("cut short") from None
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


def _message(data: bytes, *, partly: bool = False) -> dns.message.Message | None:
    """The message, or None where the bytes are none.

    ``partly``: a record that breaks the rules of its type does not spoil the others; of TLSA one
    that nobody can use may stand beside good ones (RFC 6698 §4.1).
    """
    import dns.exception
    import dns.message

    try:
        return dns.message.from_wire(data, ignore_trailing=True, continue_on_error=partly)
    except (dns.exception.DNSException, ValueError):
        return None


def _truncated(reply: dns.message.Message) -> bool:
    import dns.flags

    return bool(reply.flags & dns.flags.TC)


def _answer(reply: dns.message.Message, *, believed: bool) -> Answer:
    import dns.exception
    import dns.flags
    import dns.message
    import dns.rcode

    if reply.rcode() not in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN):
        raise _UselessError(dns.rcode.to_text(reply.rcode()))
    assert isinstance(reply, dns.message.QueryMessage)
    try:
        found = reply.resolve_chaining()
    except dns.exception.DNSException as error:
        raise _UselessError(str(error) or type(error).__name__) from None
    exists = reply.rcode() == dns.rcode.NOERROR
    secure = believed and bool(reply.flags & dns.flags.AD)
    records = tuple(found.answer) if found.answer is not None else ()
    alias = found.canonical_name.to_text(omit_final_dot=True) if found.cnames else None
    return Answer(exists, records, secure, alias)
