"""DANE: certificates that the DNS vouches for, where DNSSEC vouches for the DNS.

RFC 6698 and RFC 7671 (TLSA records), RFC 7673 (with SRV). Without a resolver whose word about
DNSSEC is trusted (``dnsclient.trusted``) nothing of this happens: no question is asked. Where a
server's name has usable records, its certificate must fit one of them, whoever signed it.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import ipaddress
from collections.abc import Iterable, Sequence

from xmppctl.errors import ConnectError, DeadlineError, TlsError
from xmppctl.model.account import Account
from xmppctl.records import dataclass
from xmppctl.session import dnsclient
from xmppctl.session.certificate import load, spki
from xmppctl.session.resolve import Target

PKIX_TA, PKIX_EE, DANE_TA, DANE_EE = range(4)

_NAMES = ("PKIX-TA", "PKIX-EE", "DANE-TA", "DANE-EE")
_DIGESTS = {1: "sha256", 2: "sha512"}
_SIZES = {1: 32, 2: 64}


@dataclass(frozen=True)
class Record:
    """A TLSA record (RFC 6698 §2.1) of a kind that is known here."""

    usage: int
    selector: int
    matching: int
    data: bytes

    def __str__(self) -> str:
        return f"{_NAMES[self.usage]} {self.usage} {self.selector} {self.matching}"

    def fits(self, der: bytes) -> bool:
        """Whether it is about this certificate."""
        chosen = der if self.selector == 0 else spki(der)
        if chosen is None:
            return False
        name = _DIGESTS.get(self.matching)
        seen = chosen if name is None else hashlib.new(name, chosen).digest()
        return hmac.compare_digest(seen, self.data)


def usable(account: Account) -> list[dnsclient.Server]:
    """The DNS servers to ask for records of ``account``'s server; empty: DANE does not apply.

    Reads resolv.conf, asks nobody. A pin is the user's own word, which stands above the DNS.
    """
    at = [account.nameserver] if account.nameserver is not None else dnsclient.servers()
    return at if not account.pins and dnsclient.trusted(at) else []


async def lookup(target: Target, account: Account, *, timeout: float) -> tuple[Record, ...]:
    """The records of a server, ``_PORT._tcp.HOST``; empty where DANE has no say.

    That is so unless the way from the JID to the host is secure (RFC 7673 §3.3) and the answer as
    well; never with --connect or after see-other-host, which name no host that stands for the
    domain. To be run beside the address lookup: it needs nothing of it.
    Raises ConnectError and DeadlineError, step "dns", where the question went unanswered for a
    name in a signed zone: whoever can keep the records back could keep them from being seen.
    """
    at = usable(account)
    if not at or not target.secure or _is_address(target.host):
        return ()
    name = f"_{target.port}._tcp.{target.host}"
    try:
        answer = await dnsclient.ask(name, dnsclient.TLSA, at, timeout=timeout)
    except (ConnectError, DeadlineError):
        # RFC 7672 §2.2.2: servers of unsigned zones that choke on TLSA are not to do any harm
        addresses = await dnsclient.ask(target.host, dnsclient.A, at, timeout=timeout)
        if addresses.secure:
            raise
        return ()
    if not answer.secure:
        return ()
    return counting(
        Record(each.usage, each.selector, each.mtype, each.cert) for each in answer.records
    )


def counting(records: Iterable[Record]) -> tuple[Record, ...]:
    """Those that a certificate has to fit one of; none where all are of unknown kinds."""
    known = tuple(filter(_known, records))
    # those that stand alone need no other authority, and can only be checked without one
    alone = tuple(each for each in known if each.usage in (DANE_TA, DANE_EE))
    return alone or known


class Lookups:
    """The records of all targets of an account, on their way while addresses are looked up.

    To be made inside a running loop, and closed in the end. Where DANE does not apply it does
    nothing at all.
    """

    def __init__(self, targets: Iterable[Target], account: Account, *, timeout: float) -> None:
        """``timeout``: seconds for each question."""
        self._tasks: dict[tuple[str, int], asyncio.Task[tuple[Record, ...]]] = {}
        if not usable(account):
            return
        for each in targets:
            if each.secure and (each.host, each.port) not in self._tasks:
                question = lookup(each, account, timeout=timeout)
                self._tasks[each.host, each.port] = asyncio.create_task(question)

    async def of(self, target: Target) -> tuple[Record, ...]:
        """The records that count for ``target``. Raises as ``lookup``."""
        task = self._tasks.get((target.host, target.port))
        return await task if task is not None and target.secure else ()

    def close(self) -> None:
        """Nothing more is wanted."""
        for task in self._tasks.values():
            task.cancel()
            # a failure that nobody waited for is none
            task.add_done_callback(lambda each: each.cancelled() or each.exception())


def replaces_authorities(records: Sequence[Record]) -> bool:
    """Whether the handshake must not verify the certificate, because ``check`` does.

    Otherwise the usual authorities have to vouch for it as well (PKIX-TA, PKIX-EE).
    """
    return any(each.usage in (DANE_TA, DANE_EE) for each in records)


def check(
    records: Sequence[Record], chain: Sequence[bytes], target: Target, account: Account
) -> Record:
    """The record that a server's certificate fits; to be called before anything is sent to it.

    ``chain``: certificates in DER form, the end certificate first: the verified chain, or what the
    server sent where ``replaces_authorities``. Raises TlsError, step "tls", "dane-mismatch".
    """
    names = (account.domain, target.host)
    for record in records:
        if record.usage in (DANE_EE, PKIX_EE):
            # RFC 7671 §5.1: name and validity are those of the record, not of the certificate
            fits = bool(chain) and record.fits(chain[0])
        elif record.usage == PKIX_TA:
            fits = any(map(record.fits, chain[1:]))
        else:
            fits = _vouched(record, chain, names)
        if fits:
            return record
    raise TlsError(
        f"the certificate of {target} for {account.domain} fits none of the {len(records)} TLSA "
        f"records of its name ({', '.join(dict.fromkeys(map(str, records)))})",
        step="tls",
        condition="dane-mismatch",
        by=str(target),
        hint="the server's administrator has to correct the records or the certificate; to trust "
        "its key in spite of them, give --pin",
    )


def _known(record: Record) -> bool:
    size = _SIZES.get(record.matching)
    return (
        record.usage in range(4)
        and record.selector in (0, 1)
        and record.matching in (0, 1, 2)
        and bool(record.data)
        and (size is None or len(record.data) == size)
    )


def _vouched(record: Record, chain: Sequence[bytes], names: Sequence[str]) -> bool:
    """RFC 7671 §5.2: a chain to the authority of the record, for one of the names, valid today."""
    from cryptography import x509
    from cryptography.x509.verification import PolicyBuilder, Store, VerificationError

    anchors = [der for der in chain[1:] if record.fits(der)]
    if record.selector == 0 and record.matching == 0:
        anchors.append(record.data)
    for anchor in anchors:
        for name in names:
            try:
                store = Store([load(anchor)])
                verifier = PolicyBuilder().store(store).build_server_verifier(x509.DNSName(name))
                verifier.verify(load(chain[0]), [load(der) for der in chain[1:]])
            except (ValueError, VerificationError):
                continue
            return True
    return False


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
