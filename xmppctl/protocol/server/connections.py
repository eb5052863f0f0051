"""XEP-0156 and XEP-0487: the ways to connect that a domain names in its host-meta files.

Both files are asked for, over https alone, and what both name is told once. Nobody is asked by
XMPP for this, so no account is needed.
"""

from __future__ import annotations

import asyncio
import ipaddress
import json
import re
from collections.abc import Iterable
from typing import Any

from xmppctl.errors import RefusedError, UnsupportedError, XmppctlError
from xmppctl.model.server import ConnectionMethod, ConnectionMethods
from xmppctl.protocol import Xep
from xmppctl.session import hostmeta
from xmppctl.session.web import Web
from xmppctl.session.weburl import parse_url

XEPS = (
    Xep("0156", "1.4.0", "complete"),
    Xep("0487", "0.1.0", "partial", "shown; connecting goes by XEP-0156 and SRV records"),
)

_RELATION = "urn:xmpp:alt-connections:"
_SCHEMES = {"websocket": "wss", "xbosh": "https", "s2s-websocket": "wss"}
_BY_ADDRESS = ("tls", "quic", "s2s-tls", "s2s-quic")
_KINDS = (*_SCHEMES, *_BY_ADDRESS)
_MOST = 50
"""Ways of one kind that are told; a hostile file could name thousands."""
_PIN = re.compile("[A-Za-z0-9+/]{43}=")

Found = dict[str, list[ConnectionMethod]]


async def fetch(web: Web, domain: str) -> ConnectionMethods:
    """The ways that ``domain`` names.

    Raises UnsupportedError where it names none, RefusedError, ConnectError, TlsError,
    DeadlineError where its files cannot be read.
    """
    jrd, xrd = await asyncio.gather(
        hostmeta.fetch(web, hostmeta.place(domain, "host-meta.json"), read_json),
        hostmeta.fetch(web, hostmeta.place(domain, "host-meta"), _read_xrd),
        return_exceptions=True,
    )
    told = ConnectionMethods(domain)
    found: Found = {}
    errors: list[XmppctlError] = []
    if isinstance(jrd, BaseException):
        errors.append(_expected(jrd))
    else:
        told, found = jrd
    if isinstance(xrd, BaseException):
        errors.append(_expected(xrd))
    else:
        _merge(found, xrd)
    if not any(found.values()):
        for error in errors:
            if not isinstance(error, RefusedError) or error.condition not in _ABSENT:
                raise error
        raise UnsupportedError(
            f"{domain} names no ways to connect in its host-meta (XEP-0156, XEP-0487)",
            step="host-meta",
            condition="item-not-found",
            by=domain,
        )
    for error in errors:
        web.trace.note(error.text)
    ways: dict[str, Any] = {kind.replace("-", "_"): each for kind, each in found.items()}
    return ConnectionMethods(domain, ttl=told.ttl, pins=told.pins, **ways)


_ABSENT = ("item-not-found", "gone")


def _expected(error: BaseException) -> XmppctlError:
    if isinstance(error, XmppctlError):
        return error
    raise error


def read_json(body: bytes) -> tuple[ConnectionMethods, Found]:
    """What a JRD says of all (ttl, pins), and the ways by their kinds. Raises ValueError."""
    try:
        root = json.loads(body)
    except RecursionError as error:
        raise ValueError("it is nested too deep") from error
    links = root.get("links", []) if isinstance(root, dict) else None
    if not isinstance(links, list):
        raise ValueError("it is no JRD")  # noqa: TRY004 - a fault of the text, not of a caller
    common = root.get("xmpp")
    common = common if isinstance(common, dict) else {}
    pins = common.get("public-key-pins-sha-256")
    told = ConnectionMethods(
        "",
        ttl=_number(common.get("ttl")),
        pins=[each for each in _texts(pins) if _PIN.fullmatch(each)],
    )
    return told, _collect(link for link in links if isinstance(link, dict))


def _read_xrd(body: bytes) -> Found:
    return _collect({"rel": rel, "href": href} for rel, href in hostmeta.read_xrd(body))


def _collect(links: Iterable[dict[str, Any]]) -> Found:
    found: Found = {}
    for link in links:
        relation = link.get("rel")
        kind = relation.removeprefix(_RELATION) if isinstance(relation, str) else ""
        if kind not in _KINDS or not isinstance(relation, str) or kind == relation:
            continue
        method = _method(kind, link)
        known = found.setdefault(kind, [])
        if method is not None and method not in known and len(known) < _MOST:
            known.append(method)
    return found


def _method(kind: str, link: dict[str, Any]) -> ConnectionMethod | None:
    """The record of a link; None where what it needs is missing, or is not secure (§2.2)."""
    url, port = None, None
    if kind in _SCHEMES:
        url = _url(link.get("href"), _SCHEMES[kind])
        if url is None:
            return None
    else:
        port = _number(link.get("port"))
        if port is None or not 0 < port < 65536:
            return None
    return ConnectionMethod(
        url=url,
        port=port,
        ips=[each for each in _texts(link.get("ips")) if _is_address(each)],
        priority=_number(link.get("priority")),
        weight=_number(link.get("weight")),
        sni=_text(link.get("sni")),
        ech=_text(link.get("ech")),
    )


def _url(text: object, scheme: str) -> str | None:
    if not isinstance(text, str) or not text.lower().startswith(f"{scheme}://"):
        return None
    try:
        url = parse_url("https" + text[len(scheme) :])
    except ValueError:
        return None
    return scheme + url.text[len("https") :]


def _merge(found: Found, more: Found) -> None:
    """Add what is not there by the same URL: the other file may tell more of it."""
    for kind, methods in more.items():
        known = found.setdefault(kind, [])
        urls = {each.url for each in known}
        known += [each for each in methods if each.url not in urls]


def _number(value: object) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int):
        return None
    return value if 0 <= value < 1 << 53 else None


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _texts(value: object) -> list[str]:
    return [each for each in value if isinstance(each, str)] if isinstance(value, list) else []


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
