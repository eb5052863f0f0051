"""The checks of the DNS: where the ways into a domain's servers are, and whether that is right.

What no client or server could get over is a failure: a set of records that cannot be read, a target
without address, a record for clients that leads to servers. What most get over, or what merely
leads nobody anywhere, is a warning. A domain that is not in the DNS is told by dns.srv alone, and
so is one that says it has no service.

A domain whose hosts all have private addresses is one of an inner network, or of a test bench:
there neither these nor a missing IPv6 are worth a warning. Neither is the want of DNSSEC or of
TLSA records anywhere. What --connect says plays no part.
"""

from __future__ import annotations

from collections.abc import Sequence

from xmppctl.errors import TlsError
from xmppctl.model.account import Account
from xmppctl.model.check import Status
from xmppctl.model.dns import ServiceRecord, Way
from xmppctl.model.jid import Jid
from xmppctl.protocol.check.context import Context
from xmppctl.protocol.server import dns, dnsrules
from xmppctl.session import dane, resolve

_OF_SET = ("too-many", "not-alone", "duplicate")
_ADVICE = {
    "too-many": "a handful of records is enough",
    "not-alone": 'take either "." or the other records away',
    "duplicate": "take one of the two records away",
    "cname": "name the host itself in the SRV record",
    "address-target": "name a host with A and AAAA records in the SRV record",
    "hosts-file": "publish the host in the DNS",
    "lookup-failed": "see to the name servers of the host",
}
_OF_TARGET = tuple(_ADVICE)[3:]
_OF_PORT = ("swapped-port", "shared-port")


async def probe(context: Context, *, s2s: bool, opened: bool = False) -> list[Way]:
    """Tell of dns.srv, dns.target, dns.port, dns.ipv6, dns.dnssec; the ways in by TCP, in order.

    ``s2s``: also those of servers. ``opened``: every way is going to be opened, and ``port`` tells
    of dns.port then. Never raises for what the DNS says or does not say.
    """
    roles = [dns.CLIENT, dns.SERVER] if s2s else [dns.CLIENT]
    services = [each for role in roles for each in role]
    found = await dns.survey(context.domain, dns.Lookups(context.account), services)
    records = [each for each in found if _is_wanted(each.service, context.account)]
    ways: list[Way] = []
    for role in roles:
        of_role = [each for each in records if each.service in role]
        for service in role:
            if _is_wanted(service, context.account):
                _tell_set(context, service, of_role)
        ways += _tell_targets(context, of_role, opened=opened)
    _tell_ipv6(context, records)
    _tell_dnssec(context, records)
    return ways


def port(
    context: Context, way: Way, target: str, foreign: bool | str | None, *, opened: bool = True
) -> None:
    """Tell by dns.port whether the port of ``way`` is for those whom its record is for.

    ``target``: as for ``certificate``. ``foreign``: whether the stream showed that it is not, for
    clients where the record is for servers or the other way round; None where there was none; in
    words, what else the port is not for.
    ``opened``: whether one was tried. What a stream showed stands above what numbers suggest.
    """
    whose, others = ("clients", "servers")
    if way.service.endswith("-server"):
        whose, others = others, whose
    advice = "correct the port, or the name of the record"
    if foreign:
        detail = f"the record is for {whose}, and the port is for {others}"
        if isinstance(foreign, str):
            detail = foreign
        context.tell("dns.port", target, "fail", detail, value=way.port, advice=advice)
    elif foreign is None and way.doubt is not None:
        status: Status = "fail" if way.doubt.id == "swapped-port" else "warn"
        context.tell("dns.port", target, status, way.doubt.text, value=way.port, advice=advice)
    elif foreign is None and opened:
        detail = "not tested: no stream could be opened"
        context.tell("dns.port", target, "unknown", detail, value=way.port)
    else:
        detail = f"for {whose}" if opened else str(way.port)
        context.tell("dns.port", target, "ok", detail, value=way.port)


def certificate(
    context: Context, way: Way, target: str, sent: Sequence[bytes], verified: Sequence[bytes]
) -> None:
    """Tell by dns.dnssec whether a certificate fits the TLSA records of ``way``, if it has any.

    ``target``: the name of the way with the address that was connected to. Chains in DER form, the
    end certificate first: as sent, and as verified (empty where it is not trusted). ``sent`` is
    empty where there was no TLS.
    """
    if not way.tlsa or way.secure is False:  # which ``probe`` has told
        return
    records = dane.counting(map(_tlsa, way.tlsa))
    chain = sent if dane.replaces_authorities(records) else verified
    if not records:
        detail, advice = "no TLSA record is of a kind that is in use", "take them away"
        context.tell("dns.dnssec", target, "warn", detail, value=False, advice=advice)
    elif not chain:
        why = "the certificate is not trusted" if sent else "there is no connection with TLS"
        context.tell("dns.dnssec", target, "unknown", f"not tested: {why}")
    else:
        place = resolve.Target(way.host, way.port, way.direct_tls, way.source)
        try:
            fits = dane.check(records, chain, place, Account(Jid(None, context.domain, None)))
        except TlsError as error:
            advice = "publish records of the certificate that is in use"
            context.tell("dns.dnssec", target, "fail", error.text, value=False, advice=advice)
        else:
            detail = f"the certificate fits the TLSA record {fits}"
            context.tell("dns.dnssec", target, "ok", detail, value=True)


def _tlsa(text: str) -> dane.Record:
    usage, selector, matching, data = text.split(" ")
    return dane.Record(int(usage), int(selector), int(matching), bytes.fromhex(data))


def _is_wanted(service: str, account: Account) -> bool:
    """Whether --tls leaves this way in; it is a choice of clients."""
    other = {"auto": None, "direct": "xmpp-client", "starttls": "xmpps-client"}[account.tls]
    return service != other


def _tell_set(context: Context, service: str, of_role: Sequence[ServiceRecord]) -> None:
    """dns.srv of one set of records; ``of_role``: also those of the other kind of TLS."""
    target = f"_{service}._tcp.{context.domain}"
    own = [each for each in of_role if each.service == service and each.source == "srv"]
    offered = [each for each in own if each.host != "."]

    def tell(status: Status, detail: str, advice: str | None = None) -> None:
        count = None if own and own[0].host is None else len(offered)
        context.tell("dns.srv", target, status, detail, value=count, advice=advice)

    if own and own[0].error is not None and own[0].host is None:
        text = own[0].error.text or "the records cannot be read"
        tell("fail", text, "see to the name servers of the domain")
    elif offered:
        found = [each for record in own for each in record.problems if each.id in _OF_SET]
        # the order of trying is drawn anew each time
        detail = ", ".join(sorted(f"{each.host}:{each.port}" for each in offered))
        if found:
            tell("warn", f"{found[0].text}: {detail}", _ADVICE[found[0].id])
        else:
            tell("ok", detail)
    elif own:
        if any(each.host != "." for each in of_role):
            tell("ok", 'not offered, by the record "."')
        else:
            whose = "servers" if service.endswith("-server") else "clients"
            tell(
                "fail",
                f'the domain has no service for {whose}, by the record "."',
                "publish records of the hosts that serve it, if any do",
            )
    else:
        tell(*_without(context, service, of_role))


def _without(
    context: Context, service: str, of_role: Sequence[ServiceRecord]
) -> tuple[Status, str, str | None]:
    """What it means that a set is empty: status, detail, advice."""
    advice = "publish SRV records"
    fallback = next((each for each in of_role if each.source == "fallback"), None)
    if service.startswith("xmpps"):
        if service == "xmpps-client" and context.account.tls == "direct":
            return "fail", "no record, and without one there is no direct TLS", advice
        return "ok", "no record: direct TLS is not offered", None
    if fallback is None:
        return "ok", "no record", None
    if fallback.error is not None:
        return "fail", f"no record, and {fallback.error.text}", advice
    lost = [each for each in fallback.problems if each.id == "no-fallback"]
    if lost:
        return "warn", f"no record, and {lost[0].text}", advice
    return "ok", f"no record: {fallback.host}:{fallback.port} takes its place", None


def _tell_targets(context: Context, records: Sequence[ServiceRecord], *, opened: bool) -> list[Way]:
    """dns.target and dns.port of every host and port, once each; those with addresses as ways."""
    ways: dict[str, Way] = {}
    told: set[str] = set()
    mixed = any(dnsrules.public(each.addresses) for each in records)
    for each in records:
        # a fallback that is not tried is none of this domain's ways; without address it is told
        # of by dns.srv
        idle = each.source == "fallback" and (each.order is None or each.error is not None)
        if each.host in (None, ".") or idle:
            continue
        way = _way(each)
        if str(way) in told:
            continue
        told.add(str(way))
        status, detail, advice = _of_target(each, mixed)
        context.tell(
            "dns.target", str(way), status, detail, value=len(each.addresses), advice=advice
        )
        if each.addresses:
            ways[str(way)] = way
        if not opened or not each.addresses:
            port(context, way, str(way), None, opened=False)
    return list(ways.values())


def _way(record: ServiceRecord) -> Way:
    assert record.host is not None
    assert record.port is not None
    secure = record.secure
    if record.tlsa and secure is not None:
        secure = not _has(record, "tlsa-unsigned")
    return Way(
        record.service,
        record.host,
        record.port,
        record.service.startswith("xmpps"),
        tuple(record.addresses),
        record.source,
        tuple(record.tlsa or ()),
        secure,
        doubt=next((each for each in record.problems if each.id in _OF_PORT), None),
    )


def _of_target(record: ServiceRecord, mixed: bool) -> tuple[Status, str, str | None]:
    """How good a target is; ``mixed``: it or another one has a public address."""
    if record.error is not None:
        return "fail", record.error.text or "", "correct the SRV record, or publish the host"
    kinds = {each: dnsrules.kind(each) for each in sorted(record.addresses)}
    unusable = [each for each in kinds if kinds[each] == "unusable"]
    if unusable:
        status: Status = "fail" if len(unusable) == len(kinds) else "warn"
        return status, f"nobody can connect to {', '.join(unusable)}", "publish its real address"
    found = [each for each in record.problems if each.id in _OF_TARGET]
    if found:
        return "warn", "; ".join(each.text for each in found), _ADVICE[found[0].id]
    private = [each for each in kinds if kinds[each] != "public"]
    if private and mixed:
        text = f"among public addresses, not to be reached from elsewhere: {', '.join(private)}"
        return "warn", text, "keep inner addresses out of the public DNS"
    listed = ", ".join(kinds)
    return "ok", f"{listed} (not public)" if private else listed, None


def _tell_ipv6(context: Context, records: Sequence[ServiceRecord]) -> None:
    """One finding for the domain, about clients and, where they were looked for, servers."""
    lacking, known, anywhere = [], False, False
    for whose, suffix in (("clients", "-client"), ("servers", "-server")):
        addresses = [
            address
            for each in records
            if each.service.endswith(suffix) and each.order is not None
            for address in each.addresses
        ]
        known = known or bool(addresses)
        public = dnsrules.public(addresses)
        anywhere = anywhere or bool(public)
        if public and not any(":" in each for each in public):
            lacking.append(whose)
    if not known:
        context.tell("dns.ipv6", context.domain, "unknown", "not tested: no address is known")
    elif lacking and any(_has(each, "lookup-failed") for each in records):
        detail = "not tested: addresses of one family cannot be looked up (dns.target)"
        context.tell("dns.ipv6", context.domain, "unknown", detail)
    elif lacking:
        detail = f"no IPv6 address for {' and '.join(lacking)}"
        advice = "publish AAAA records, where the hosts have IPv6"
        context.tell("dns.ipv6", context.domain, "warn", detail, value=False, advice=advice)
    elif anywhere:
        context.tell("dns.ipv6", context.domain, "ok", "reachable by IPv6", value=True)
    else:
        detail = "no public address at all, and so none of IPv6"
        context.tell("dns.ipv6", context.domain, "ok", detail)


def _tell_dnssec(context: Context, records: Sequence[ServiceRecord]) -> None:
    """The domain's answers; and the TLSA records that no certificate has to be seen for."""
    words = [each.secure for each in records if each.host is not None]
    if not words:
        detail = "not tested: nothing is known of the domain"
        context.tell("dns.dnssec", context.domain, "unknown", detail)
    elif None in words:
        detail = "not known: no name server that is trusted about it was asked"
        context.tell("dns.dnssec", context.domain, "ok", detail)
    else:
        value = all(words)
        detail = "signed (DNSSEC)" if value else "not signed, or not all of it (DNSSEC)"
        context.tell("dns.dnssec", context.domain, "ok", detail, value=value)
    told: set[str] = set()
    for each in records:
        for problem in each.problems:
            failed = problem.id == "tlsa-failed" and each.secure
            if not failed and problem.id != "tlsa-unsigned":
                continue
            target = str(_way(each))
            if target not in told:
                told.add(target)
                advice = "see to the name servers" if failed else "sign the zone, or take them away"
                status: Status = "fail" if failed else "warn"
                context.tell("dns.dnssec", target, status, problem.text, value=False, advice=advice)


def _has(record: ServiceRecord, problem: str) -> bool:
    return any(each.id == problem for each in record.problems)
