"""A small authoritative name server on a loopback port, UDP and TCP, for SRV and failure tests.

xmppctl asks it when ``XMPPCTL_NAMESERVER`` holds ``server.nameserver``.
"""

from __future__ import annotations

import select
import socket
import struct
import threading
from collections.abc import Mapping
from contextlib import suppress
from enum import Enum, auto

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset

from tests.servers.ports import LOOPBACK


class Fault(Enum):
    """What may stand in the place of records."""

    NXDOMAIN = auto()
    SERVFAIL = auto()
    REFUSED = auto()
    SILENCE = auto()


Records = Mapping[str, "list[str] | Fault"]
Zone = Mapping[str, "Records | Fault"]
_TTL = 60
_LONGEST_CHAIN = 20
_RCODES = {
    Fault.NXDOMAIN: dns.rcode.NXDOMAIN,
    Fault.SERVFAIL: dns.rcode.SERVFAIL,
    Fault.REFUSED: dns.rcode.REFUSED,
}


class NameServer:
    """Answers from ``zone``: ``{"a.test": {"A": ["127.0.0.1"]}, "slow.test": Fault.SILENCE}``.

    Record data is text as in a zone file (``"0 5 5222 host.test."``). A name that is not there is
    NXDOMAIN, a type that is not there an empty answer; CNAMEs are followed, round and round too,
    as far as a resolver goes. A type may have a fault of its own. ``zone`` may be replaced at any
    time. ``delay`` holds back every UDP answer, in seconds. Names in ``large``
    are told by TCP only. The answers about names in ``signed``, or below one of them, are called
    authentic (AD), as those of a resolver that checked DNSSEC. ``queries`` lists what was asked:
    (name, type, "udp" or "tcp").
    """

    def __init__(
        self,
        zone: Zone,
        *,
        delay: float = 0.0,
        large: frozenset[str] = frozenset(),
        signed: frozenset[str] = frozenset(),
    ):
        self.zone = zone
        self.signed = signed
        self.delay = delay
        self.large = large
        self.queries: list[tuple[str, str, str]] = []
        self._tcp, self._udp = _pair()
        self.port: int = self._udp.getsockname()[1]
        self._stop_read, self._stop_write = socket.socketpair()
        self._thread = threading.Thread(target=self._serve, name="dns", daemon=True)

    @property
    def nameserver(self) -> str:
        """``host:port`` for XMPPCTL_NAMESERVER."""
        return f"{LOOPBACK}:{self.port}"

    def __enter__(self) -> NameServer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop_write.send(b".")
        self._thread.join(10)
        for each in (self._tcp, self._udp, self._stop_read, self._stop_write):
            each.close()

    def _serve(self) -> None:
        while True:
            ready, _, _ = select.select([self._udp, self._tcp, self._stop_read], [], [])
            if self._stop_read in ready:
                return
            with suppress(OSError, struct.error):  # a client may go before it has asked
                if self._udp in ready:
                    self._datagram()
                if self._tcp in ready:
                    self._stream()

    def _datagram(self) -> None:
        data, peer = self._udp.recvfrom(4096)
        answer = self._answer(data, "udp")
        if answer is not None:
            # later, not by waiting: queries that were asked at once are answered at once
            timer = threading.Timer(self.delay, self._reply, (answer, peer))
            timer.daemon = True
            timer.start()

    def _reply(self, answer: bytes, peer: tuple[str, int]) -> None:
        with suppress(OSError):  # the test may be over
            self._udp.sendto(answer, peer)

    def _stream(self) -> None:
        connection, _ = self._tcp.accept()
        with connection:
            connection.settimeout(2)
            with connection.makefile("rb") as stream:
                (length,) = struct.unpack("!H", stream.read(2))
                answer = self._answer(stream.read(length), "tcp")
            if answer is not None:
                connection.sendall(struct.pack("!H", len(answer)) + answer)

    def _answer(self, data: bytes, transport: str) -> bytes | None:
        query = dns.message.from_wire(data)
        question = query.question[0]
        name = question.name.to_text(omit_final_dot=True).lower()
        self.queries.append((name, dns.rdatatype.to_text(question.rdtype), transport))
        reply = dns.message.make_response(query, recursion_available=True)
        reply.flags |= dns.flags.AA
        asked = bool(query.flags & dns.flags.AD)  # RFC 6840 §5.7: who does not ask is not told
        if asked and any(f".{name}".endswith(f".{each}") for each in self.signed):
            reply.flags |= dns.flags.AD
        if transport == "udp" and name in self.large:
            reply.flags |= dns.flags.TC
            return reply.to_wire()
        fault = self._fill(reply, question.name, question.rdtype)
        if fault is Fault.SILENCE:
            return None
        if fault is not None:
            reply.set_rcode(_RCODES[fault])
        return reply.to_wire()

    def _fill(
        self, reply: dns.message.Message, name: dns.name.Name, kind: dns.rdatatype.RdataType
    ) -> Fault | None:
        entry = self.zone.get(name.to_text(omit_final_dot=True).lower(), Fault.NXDOMAIN)
        if isinstance(entry, Fault):
            return entry
        records = entry.get(dns.rdatatype.to_text(kind))
        if isinstance(records, Fault):
            return records
        aliases = entry.get("CNAME")
        if records is not None:
            reply.answer.append(dns.rrset.from_text_list(name, _TTL, "IN", kind, records))
        elif isinstance(aliases, list) and len(reply.answer) < _LONGEST_CHAIN:
            alias = dns.rrset.from_text_list(name, _TTL, "IN", "CNAME", aliases)
            reply.answer.append(alias)
            return self._fill(reply, alias[0].target, kind)
        return None


def _pair() -> tuple[socket.socket, socket.socket]:
    """A listening TCP socket and a UDP socket on the same port."""
    while True:
        tcp = socket.create_server((LOOPBACK, 0))
        udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            udp.bind(tcp.getsockname())
        except OSError:
            tcp.close()
            udp.close()
            continue
        return tcp, udp
