"""XEP-0065 §4: proxies for bytestreams: which there are, where they listen, their activation."""

from __future__ import annotations

import asyncio
from xml.etree.ElementTree import Element, SubElement

from xmppctl.errors import ConnectError, RefusedError, UnsupportedError, XmppctlError
from xmppctl.model.disco import DiscoInfo
from xmppctl.model.jid import lenient, parse
from xmppctl.model.jingle import StreamHost
from xmppctl.protocol import Xep, disco
from xmppctl.session.payload import malformed
from xmppctl.session.stream import Session

XEPS = (Xep("0065", "1.8.2", "partial", "proxies and hosts of Jingle sessions, over TCP"),)

NS = "http://jabber.org/protocol/bytestreams"
QUERY = f"{{{NS}}}query"
FEATURE = "SOCKS5 bytestream proxy (XEP-0065)"

_STREAMHOST = f"{{{NS}}}streamhost"
_MOST = 50
"""Items of a domain that are asked what they are."""


async def fetch(session: Session, domain: str | None = None) -> list[StreamHost]:
    """The proxies of a domain, by default of the own one; it may be a proxy itself.

    What one of them refuses to tell is in its record. Raises UnsupportedError where there is
    none, RefusedError, DeadlineError.
    """
    where = domain or session.domain
    session.trace.enter("disco#info")
    about, listed = await asyncio.gather(
        disco.info(session, where), _items(session, where), return_exceptions=True
    )
    for answer in (about, listed):
        if isinstance(answer, BaseException) and not isinstance(answer, RefusedError):
            raise answer
    if isinstance(about, RefusedError) and isinstance(listed, RefusedError):
        raise about
    jids = [jid for jid in (listed if isinstance(listed, list) else []) if jid != where]
    answers = await asyncio.gather(
        *(disco.info(session, jid) for jid in jids[:_MOST]), return_exceptions=True
    )
    found = [each for each in (about, *answers) if not isinstance(each, BaseException)]
    proxies = [each.jid for each in found if _is_proxy(each)]
    if not proxies:
        broken = next((e for e in answers if isinstance(e, ConnectError)), None)
        if broken is not None:
            raise broken
        raise UnsupportedError(
            f"{where} offers no {FEATURE}",
            step="disco#info",
            condition="feature-not-implemented",
            by=where,
        )
    return list(await asyncio.gather(*(_streamhost(session, jid) for jid in proxies)))


def _is_proxy(found: DiscoInfo) -> bool:
    return any(each.category == "proxy" and each.type == "bytestreams" for each in found.identities)


async def _items(session: Session, domain: str) -> list[str]:
    found: dict[str, None] = {}
    async for item in disco.items(session, domain):
        try:
            parse(item.jid)
        except ValueError:
            continue
        if not item.node:
            found[item.jid] = None
    return list(found)


async def _streamhost(session: Session, jid: str) -> StreamHost:
    try:
        answer = await session.request(
            Element(QUERY), to=jid, step="proxy", what=f"the address of the proxy {jid}"
        )
        return _read(answer, jid)
    except ConnectError:
        raise
    except XmppctlError as error:
        error.step, error.by = "proxy", error.by or jid
        return StreamHost(jid, None, None, error.info())


def _read(answer: Element | None, jid: str) -> StreamHost:
    element = answer.find(_STREAMHOST) if answer is not None and answer.tag == QUERY else None
    if element is None:
        raise malformed("no <streamhost/>", jid)
    host, port = element.get("host", "").strip(), element.get("port", "1080").strip()
    if not host or not port.isascii() or not port.isdigit() or not 0 < int(port[:9]) < 65536:
        raise malformed("no host, or no port", jid)
    named = lenient(element.get("jid") or jid)
    # one server gives itself a resource, another one with each start
    name = jid if str(named.bare) == jid else str(named)
    return StreamHost(name, host, int(port))


async def activate(session: Session, proxy: str, sid: str, peer: str) -> None:
    """Have the proxy pass on bytes between both connections (§6.3.5). Raises RefusedError, ..."""
    query = Element(QUERY, {"sid": sid})
    SubElement(query, f"{{{NS}}}activate").text = peer
    await session.request(
        query, to=proxy, type="set", step="proxy", what=f"the activation at {proxy}"
    )


async def usable(session: Session) -> list[StreamHost]:
    """Those of the own domain that told where they listen; none where something went wrong."""
    try:
        found = await fetch(session)
    except ConnectError:
        raise
    except XmppctlError as error:
        session.trace.note(f"no proxy: {error.text}")
        return []
    return [each for each in found if each.host is not None]
