"""What is wrong, or odd, with the records of a domain: rules on what the DNS told, no questions.

RFC 2782, RFC 6120 §3.2, XEP-0368 §2, RFC 7671. A problem keeps nobody from connecting for certain;
what does is the error of a record.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Sequence
from dataclasses import replace

from xmppctl.errors import XmppctlError
from xmppctl.model.dns import Problem, ServiceRecord

_CLIENT_PORTS, _SERVER_PORTS = (5222, 5223), (5269, 5270)
_DIRECT_PORTS, _STARTTLS_PORTS = (5223, 5270), (5222, 5269)
_PRIVATE = (
    "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7",
)  # fmt: skip
_NETWORKS = tuple(map(ipaddress.ip_network, _PRIVATE))

HOSTS_FILE = Problem("hosts-file", "not in the DNS: a hosts file or this network alone knows it")
UNSIGNED_TLSA = Problem("tlsa-unsigned", "TLSA records without DNSSEC: nobody may believe them")


def kind(address: str) -> str:
    """Of what kind an address is: public, private, loopback, link-local, or unusable.

    Those for documentation are public: examples and tests are full of them.
    """
    ip = ipaddress.ip_address(address.partition("%")[0])
    ip = getattr(ip, "ipv4_mapped", None) or ip
    if ip.is_loopback:
        return "loopback"
    if ip.is_link_local:
        return "link-local"
    reserved = ip.version == 4 and ip.is_reserved  # of IPv6 that is most of what there is
    if ip.is_unspecified or ip.is_multicast or reserved:
        return "unusable"
    return "private" if any(ip in each for each in _NETWORKS) else "public"


def public(addresses: Iterable[str]) -> list[str]:
    """Those that can be reached from anywhere."""
    return [each for each in addresses if kind(each) == "public"]


def of_lookup(count: int, most: int, failed: Sequence[XmppctlError]) -> tuple[Problem, ...]:
    """Problems of an address look-up that found ``count``; ``failed``: of one of the families."""
    found = []
    if count > most:
        found.append(Problem("too-many", f"{count} addresses, of which {most} are looked at"))
    if failed:
        text = f"one address family cannot be looked up: {failed[0].text}"
        found.append(Problem("lookup-failed", text))
    return tuple(found)


def no_tlsa(error: XmppctlError) -> Problem:
    """A question for TLSA records that failed: in a signed zone, a way that is closed."""
    return Problem("tlsa-failed", f"TLSA records cannot be looked up: {error.text}")


def nowhere(error: XmppctlError) -> Problem:
    """A fallback that leads nowhere."""
    return Problem("no-fallback", f"clients that know only STARTTLS find nothing: {error.text}")


def of_set(records: list[ServiceRecord], count: int) -> list[ServiceRecord]:
    """The records of one set, which has ``count``, with the problems of the set."""
    result = []
    for number, each in enumerate(records):
        problems = list(each.problems)
        if number == 0 and count > len(records):
            text = f"{count} records, of which {len(records)} are looked at"
            problems.append(Problem("too-many", text))
        if each.host == "." and len(records) > 1:
            text = 'says "not offered" while other records of the set offer it (RFC 2782)'
            problems.append(Problem("not-alone", text))
        elif each.host != ".":
            problems += _twice(each, records[:number])
        result.append(replace(each, problems=problems))
    return result


def _twice(record: ServiceRecord, before: Sequence[ServiceRecord]) -> list[Problem]:
    same = [each for each in before if _host(each) == _host(record)]
    if any(each.port == record.port for each in same):
        return [Problem("duplicate", "the same host and port as another record of the set")]
    if same:
        text = f"the same host as at port {same[0].port}: no reserve when the host is down"
        return [Problem("same-host", text)]
    return []


def judge(
    records: Sequence[ServiceRecord], everything: Sequence[ServiceRecord]
) -> list[ServiceRecord]:
    """``records`` with all their problems; ``everything``: also those that were not asked for."""
    return [
        replace(each, problems=[*each.problems, *_of_port(each, everything), *of_host(each)])
        for each in records
    ]


def _of_port(record: ServiceRecord, everything: Sequence[ServiceRecord]) -> list[Problem]:
    if record.source != "srv" or record.host in (None, "."):
        return []
    servers, direct = record.service.endswith("-server"), record.service.startswith("xmpps")
    whose, others = ("servers", "clients") if servers else ("clients", "servers")
    own = _SERVER_PORTS if servers else _CLIENT_PORTS
    if record.port in (_CLIENT_PORTS if servers else _SERVER_PORTS):
        text = f"a record for {whose}, and {record.port} is the usual port for {others}"
        return [Problem("swapped-port", text)]
    if record.port in (_STARTTLS_PORTS if direct else _DIRECT_PORTS):
        of, usual = ("direct TLS", "STARTTLS") if direct else ("STARTTLS", "direct TLS")
        return [Problem("tls-port", f"a record for {of}, and {record.port} is usual for {usual}")]
    for each in everything:
        same = (_host(each), each.port) == (_host(record), record.port)
        other = each.service.endswith("-server") is not servers
        # with direct TLS, ALPN tells clients from servers at one port (XEP-0368 §2)
        by_alpn = direct and each.service.startswith("xmpps")
        if same and other and not by_alpn and record.port not in own:
            return [Problem("shared-port", f"for {whose}, and another record says for {others}")]
    return []


def of_host(record: ServiceRecord) -> list[Problem]:
    """Problems of the host that a record names."""
    found = []
    if record.source == "srv" and record.cname is not None:
        text = f"the target is an alias of {record.cname}, which RFC 2782 forbids"
        found.append(Problem("cname", text))
    if record.source == "srv" and _is_address(record.host or ""):
        text = "the target is an address where a name has to be: many will not find it"
        found.append(Problem("address-target", text))
    for each in record.addresses:
        sort = kind(each)
        if sort == "unusable":
            found.append(Problem("unusable-address", f"nobody can connect to {each}"))
        elif sort != "public":
            text = f"{each} is a {sort} address, not to be reached from elsewhere"
            found.append(Problem("private-address", text))
    if any(each.id == "lookup-failed" for each in record.problems):
        return found  # nobody knows what else there is
    # of a public host only public addresses count
    families = {":" in each for each in public(record.addresses) or record.addresses}
    if families == {False}:
        found.append(Problem("no-ipv6", "no IPv6 address"))
    if families == {True}:
        found.append(Problem("no-ipv4", "no IPv4 address"))
    return found


def _host(record: ServiceRecord) -> str:
    return (record.host or "").lower().rstrip(".")


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
