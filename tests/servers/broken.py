"""Servers and zones that are broken in one way each, and the check that has to name it."""

from __future__ import annotations

import ssl
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from tests.peers.stream import SASL
from tests.servers.bench import Habits
from tests.servers.ca import Authority, Certificate
from tests.servers.dns import Fault, Records

DOMAIN = "bench.test"

_SERVICES = ("xmpp-client", "xmpps-client", "xmpp-server", "xmpps-server")
_CLEAR = f"<mechanisms xmlns='{SASL}'><mechanism>PLAIN</mechanism></mechanisms>"


@dataclass(frozen=True)
class Broken:
    """One defect: ``check`` names it, by ``status``, and no other check has anything to say.

    Several that come together are named by one check each, separated by blanks.

    ``bench``: what makes a ``Bench`` so. ``words``: further words for server check; ``account``:
    whether somebody logs in, or tries to.
    """

    check: str
    bench: Callable[[Authority], Mapping[str, Any]] = lambda _: {}
    status: str = "fail"
    words: tuple[str, ...] = ()
    account: bool = False
    domain: str = DOMAIN


class OldTls(Certificate):
    """A certificate that is shown by a server which stopped at TLS 1.1."""

    def server_context(self) -> ssl.SSLContext:
        """A context for TLS 1.1 alone."""
        context = super().server_context()
        context.set_ciphers("DEFAULT:@SECLEVEL=0")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            context.minimum_version = ssl.TLSVersion.TLSv1_1
            context.maximum_version = ssl.TLSVersion.TLSv1_1
        return context


def old(authority: Authority, domain: str) -> OldTls:
    """A good certificate of ``domain``, shown by TLS 1.1 alone."""
    good = authority.issue(domain)
    return OldTls(good.chain, good.key, good.bundle)


def all_names(fault: Fault) -> dict[str, Records | Fault]:
    """No question about the domain has an answer."""
    names = (f"_{service}._tcp.{DOMAIN}" for service in _SERVICES)
    return dict.fromkeys((DOMAIN, *names), fault)


def with_certificate(
    make: Callable[[Authority, str], Certificate],
) -> Callable[[Authority], Mapping[str, Any]]:
    """What makes a bench show the certificate that ``make`` gives."""
    return lambda authority: {"certificate": make(authority, DOMAIN)}


def but(*ways: str, **habits: Any) -> Callable[[Authority], Mapping[str, Any]]:
    """What gives a bench other habits, and only these ways in."""
    return lambda _: {"habits": Habits(**habits), **({"ways": ways} if ways else {})}


def with_records(
    changes: Mapping[str, Records | Fault], *ways: str
) -> Callable[[Authority], Mapping[str, Any]]:
    """What gives a bench other records, and only these ways in."""
    return lambda _: {"records": changes, **({"ways": ways} if ways else {})}


_NOWHERE = {f"_xmpp-client._tcp.{DOMAIN}": {"SRV": [f"5 0 5222 nowhere.{DOMAIN}."]}}
_OTHER_KIND = {
    f"_xmpp-client._tcp.{DOMAIN}": {"SRV": [f"5 0 5223 xmpp.{DOMAIN}."]},
    f"_xmpps-client._tcp.{DOMAIN}": {"SRV": [f"5 0 5222 xmpp.{DOMAIN}."]},
}
_ALIAS = {f"xmpp.{DOMAIN}": {"CNAME": [f"{DOMAIN}."]}}
_NOT_OFFERED = {f"_{service}._tcp.{DOMAIN}": {"SRV": ["0 0 0 ."]} for service in _SERVICES}

DEFECTS: dict[str, Broken] = {
    "expired": Broken("tls.days", with_certificate(Authority.expired)),
    "expired, for servers": Broken(
        "tls.days", with_certificate(Authority.expired), words=("--s2s",)
    ),
    "expired, for an account": Broken(
        "tls.days", with_certificate(Authority.expired), account=True
    ),
    "expired, wrong name, PLAIN before TLS": Broken(
        "tls.days tls.name sasl.cleartext",
        lambda authority: {
            "certificate": authority.wrong_name(DOMAIN, ended=True),
            "habits": Habits(early=_CLEAR),
        },
    ),
    "nine days left": Broken(
        "tls.days",
        with_certificate(lambda authority, domain: authority.ending(domain, 9.5)),
        status="warn",
        words=("--strict",),
    ),
    "not yet valid": Broken("tls.chain", with_certificate(Authority.not_yet_valid)),
    "wrong name": Broken("tls.name", with_certificate(Authority.wrong_name)),
    "self-signed": Broken("tls.chain", with_certificate(Authority.self_signed)),
    "missing intermediate": Broken("tls.chain", with_certificate(Authority.without_intermediate)),
    "TLS 1.1 only": Broken("tls.versions", with_certificate(old)),
    "STARTTLS not offered": Broken("tls.starttls", but("starttls", starttls=False)),
    "PLAIN before TLS": Broken("sasl.cleartext", but(early=_CLEAR)),
    "swapped ports": Broken("dns.port", lambda _: {"swapped": True}),
    "swapped ports, for servers": Broken("dns.port", lambda _: {"swapped": True}, words=("--s2s",)),
    "ports of STARTTLS and direct TLS swapped": Broken("dns.port", with_records(_OTHER_KIND)),
    "SRV to nowhere": Broken("dns.target", with_records(_NOWHERE, "direct")),
    "target is an alias": Broken(
        "dns.target", with_records(_ALIAS), status="warn", words=("--strict",)
    ),
    "not offered": Broken("dns.srv", with_records(_NOT_OFFERED)),
    "NXDOMAIN": Broken("dns.srv", domain="gone.test"),
    "SERVFAIL": Broken("dns.srv", with_records(all_names(Fault.SERVFAIL))),
    "silent name server": Broken("dns.srv", with_records(all_names(Fault.SILENCE))),
    "silent port": Broken("stream.features", but("starttls", silent=True)),
    "silent port, direct TLS": Broken("tls.handshake", but("direct", silent=True)),
    "component dead": Broken("component.disco", but(dead=True), account=True),
    "upload lies about CORS": Broken("upload.cors", but(cors=False), account=True),
    "clock ten minutes off": Broken("server.clock", but(ahead=timedelta(minutes=10)), account=True),
    "closed registration advertised as open": Broken("register.open", but(closed=True)),
}
"""By what people call them."""
