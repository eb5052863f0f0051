"""The ways to a domain: a stream before the login, direct TLS, WebSocket and BOSH.

Each is really opened, and nobody logs in there.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Literal, NamedTuple
from xml.etree.ElementTree import Element

from xmppctl.errors import LocalError, UsageError, XmppctlError
from xmppctl.model.account import Account
from xmppctl.model.jid import Jid
from xmppctl.protocol import caps
from xmppctl.protocol.compliance.verdict import Verdict, failed, unknown
from xmppctl.session import hostmeta, offer, open_stream, resolve
from xmppctl.session.trace import Trace

_OURS = (UsageError, LocalError)
"""What is wrong here, not there."""

_BESIDE_CONNECT = 3.0
"""Most seconds for the DNS and the web where the user named a place: they need not know any."""

_MOST = 3
"""Endpoints of one kind that are tried."""

_PRE_LOGIN = {
    "0077": "{http://jabber.org/features/iq-register}register",
    "0445": "{urn:xmpp:ibr-token:0}register",
}
_IM_NG = "urn:xmpp:im-ng:0"


class Opened(NamedTuple):
    """A stream that was opened: what it offers before the login, its peer, its TLS version."""

    features: Element
    peer: str
    tls: str


class Named(NamedTuple):
    """Addresses that the user names; None: the domain has to."""

    websocket: str | None = None
    bosh: str | None = None


def nobody(account: Account, domain: str) -> Account:
    """How to reach ``domain`` without a login; ``--connect`` is for the account's own alone."""
    own = domain == account.jid.domain
    return replace(
        account,
        jid=Jid(None, domain, None),
        password=None,
        prompts=False,
        cert=None,
        key=None,
        memory=None,
        retry=0,
        connect=account.connect if own else None,
        transport=account.transport if own else "auto",
        endpoint=account.endpoint if own else None,
    )


async def before_login(account: Account) -> Opened | XmppctlError:
    """The stream as everybody can open it, or why it does not."""
    try:
        return await _open(account)
    except _OURS:
        raise
    except XmppctlError as error:
        return error


def outside(opened: Opened | XmppctlError) -> dict[str, Verdict]:
    """What a stream shows to everybody."""
    if isinstance(opened, XmppctlError):
        unseen = unknown(f"no stream could be opened: {opened.text}")
        return dict.fromkeys(("6120", "7590", *_PRE_LOGIN, "0386", "0409"), unseen)
    found = {
        "6120": Verdict(True, "stream", "a stream was opened, without a login"),
        "7590": tls(opened.tls),
    }
    for test, tag in _PRE_LOGIN.items():
        there = opened.features.find(tag) is not None
        found[test] = Verdict(there, "stream", _offered(there))
    inline = offer.read(opened.features).inline
    for test, namespace in (("0386", offer.NS_BIND2), ("0409", _IM_NG)):
        found[test] = Verdict(namespace in inline, "stream", _offered(namespace in inline))
    if caps.read(opened.features) is not None:
        found["0115"] = Verdict(True, "stream", "the stream announces them; not verified")
    return found


def tls(version: str) -> Verdict:
    """A connection that stands was verified before anything was sent on it."""
    return Verdict(True, "live", f"{version or 'TLS'}, with a certificate that is trusted")


async def direct_tls(account: Account) -> dict[str, Verdict]:
    """XEP-0368: a stream over TLS from the first byte on, where the DNS says that there is one."""
    limit = account.connect_timeout
    named = account.connect is not None or account.endpoint is not None
    if named:
        limit = min(limit, _BESIDE_CONNECT)
    straight = replace(account, tls="direct", transport="tcp", endpoint=None)
    by_name = replace(straight, connect=None)
    none = "no SRV record names a port for it"
    try:
        targets = await resolve.targets(by_name, timeout=limit)
    except _OURS:
        raise
    except XmppctlError as error:
        if error.condition == "service-not-offered":
            return {"0368": Verdict(False, "live", error.text)}
        return {"0368": await _direct_beside(straight, error.text)}
    if targets[0].source == "srv":
        return {"0368": await _direct(by_name, "")}
    if named:
        return {"0368": await _direct_beside(straight, none)}
    return {"0368": await _direct(by_name, none)}


async def _direct_beside(account: Account, why: str) -> Verdict:
    """Where the DNS does not tell: at the port of ``--connect``, which may be of the other kind."""
    if account.connect is None:
        return unknown(why)
    found = await _direct(account, why)
    return found if found.met else unknown(f"{why}, and the port of --connect is another")


async def _direct(account: Account, remark: str) -> Verdict:
    try:
        opened = await _open(account)
    except _OURS:
        raise
    except XmppctlError as error:
        if remark and error.condition in ("nxdomain", "no-address"):
            return unknown(error.text)
        return failed(error, remark or None)
    return Verdict(
        True, "live", f"direct TLS at {opened.peer}" + (f", though {remark}" if remark else "")
    )


async def web(account: Account, named: Named) -> dict[str, Verdict]:
    """RFC 7395 and XEP-0206: streams at the addresses that host-meta or the user names."""
    websocket, bosh = ([] if url is None else [url] for url in named)
    if account.endpoint is not None:
        (websocket if account.transport == "websocket" else bosh).append(account.endpoint)
    limit = min(account.connect_timeout, account.timeout)
    if account.connect is not None or account.endpoint is not None:
        limit = min(limit, _BESIDE_CONNECT)
    found = await hostmeta.discover(account, limit, Trace())
    first, second = await asyncio.gather(
        _endpoint(account, "websocket", websocket or found.websocket, found),
        _endpoint(account, "bosh", bosh or found.bosh, found),
    )
    return {"7395": first, "0206": second, "0156": _host_meta(found)}


def _host_meta(found: hostmeta.Endpoints) -> Verdict:
    if found:
        return Verdict(True, "live", f"host-meta: {', '.join(found.websocket + found.bosh)}")
    if found.error is not None:
        return unknown(f"host-meta cannot be read: {found.error.text}")
    return Verdict(False, "live", "host-meta names no WebSocket and no BOSH")


async def _endpoint(
    account: Account, transport: str, urls: Sequence[str], found: hostmeta.Endpoints
) -> Verdict:
    if not urls:
        return _nowhere(transport, found)
    problems: list[str] = []
    for url in urls[:_MOST]:
        kind: Literal["websocket", "bosh"] = "websocket" if transport == "websocket" else "bosh"
        try:
            await _open(replace(account, transport=kind, endpoint=url, connect=None))
        except _OURS:
            raise
        except XmppctlError as error:
            problems.append(f"{url}: {error.text}")
        else:
            return Verdict(True, "live", f"a stream was opened at {url}")
    return Verdict(False, "live", "; ".join(problems))


def _nowhere(transport: str, found: hostmeta.Endpoints) -> Verdict:
    name = {"websocket": "WebSocket"}.get(transport, "BOSH")
    if found:
        return Verdict(False, "live", f"host-meta names no {name}")
    why = "the domain has no host-meta that names it"
    if found.error is not None:
        why = f"host-meta cannot be read: {found.error.text}"
    return unknown(f"{why}; --{transport} names the address")


async def _open(account: Account) -> Opened:
    trace = Trace()
    async with open_stream(account, trace=trace) as stream:
        return Opened(stream.features, trace.facts.get("peer", ""), trace.facts.get("tls", ""))


def _offered(there: bool) -> str:
    return "offered before the login" if there else "not offered before the login"
