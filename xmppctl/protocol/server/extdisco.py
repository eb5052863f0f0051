"""XEP-0215: External Service Discovery, and the credentials for such services.

Pushes of changes are not waited for.
"""

from __future__ import annotations

import re
from contextlib import suppress
from typing import NamedTuple
from xml.etree.ElementTree import Element, SubElement

from xmppctl.errors import RefusedError
from xmppctl.model.jid import Jid
from xmppctl.model.server import Credentials, ExternalService
from xmppctl.protocol import Xep
from xmppctl.protocol.dates import parse_datetime
from xmppctl.protocol.server.asking import ask, number
from xmppctl.session.stream import Session

XEPS = (Xep("0215", "1.0.0", "partial", "asks; pushes are not waited for"),)

NS = "urn:xmpp:extdisco:2"

_SERVICES, _SERVICE = f"{{{NS}}}services", f"{{{NS}}}service"
_STEP = "services"
_NAMED = "external services (XEP-0215)"
_PLACE = re.compile(
    r"(?:([^:\[\]\s/@]+):)?(\[[0-9A-Fa-f:.]+\]|[^:\[\]\s/@]+)(?::([0-9]{1,5}))?", re.ASCII
)


class Place(NamedTuple):
    """Where a service is: ``type`` and ``port`` None where they were not said."""

    type: str | None
    host: str
    port: int | None

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        before = "" if self.type is None else f"{self.type}:"
        return before + (host if self.port is None else f"{host}:{self.port}")


def parse_place(text: str) -> Place:
    """``[TYPE:]HOST[:PORT]``, an IPv6 address in brackets. Raises ValueError."""
    match = _PLACE.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is not [TYPE:]HOST[:PORT], such as turn:turn.example.org")
    kind, host, port = match.groups()
    if kind is not None and port is None and host.isdecimal():
        kind, host, port = None, kind, host
    if port is not None and not 0 < int(port) < 65536:
        raise ValueError(f"{port} is no port")
    return Place(kind, host.strip("[]").lower(), None if port is None else int(port))


async def fetch(session: Session, server: Jid, kind: str | None = None) -> list[ExternalService]:
    """The services that ``server`` knows (§3.1), of the type ``kind`` alone where that is given.

    Raises UnsupportedError, RefusedError, DeadlineError.
    """
    payload = Element(_SERVICES, {} if kind is None else {"type": kind})
    answer = await ask(
        session,
        server,
        payload,
        feature=NS,
        named=_NAMED,
        step=_STEP,
        what=f"the external services of {server}",
    )
    found = [each for element in answer.findall(_SERVICE) if (each := _read(element)) is not None]
    return [each for each in found if kind is None or each.type == kind]


async def credentials(session: Session, server: Jid, place: Place) -> list[Credentials]:
    """User name and password for a service (§3.3), which has one record for each port.

    Raises RefusedError (item-not-found where there are none), UnsupportedError, DeadlineError.
    """
    kinds = [place.type] if place.type is not None else await _kinds(session, server, place)
    found: list[Credentials] = []
    for kind in kinds:
        payload = Element(f"{{{NS}}}credentials")
        wanted = {"host": place.host, "type": kind}
        if place.port is not None:
            wanted["port"] = str(place.port)
        SubElement(payload, _SERVICE, wanted)
        answer = await ask(
            session,
            server,
            payload,
            feature=NS,
            named=_NAMED,
            step=_STEP,
            what=f"the credentials for {kind} at {place.host}",
            tags=(_SERVICES,),  # as ejabberd answers
        )
        for element in answer.findall(_SERVICE):
            each = _read(element)
            # of all that is told, only what was asked for
            if each is None or not each.password:
                continue
            if (each.host.lower(), each.type) == (place.host, kind):
                found.append(Credentials(**vars(each)))
    if not found:
        raise _none(server, place, f"no credentials for {place}")
    return found


async def _kinds(session: Session, server: Jid, place: Place) -> list[str]:
    """The types of the services at that place that need credentials, or of all of them."""
    there = [
        each
        for each in await fetch(session, server)
        if each.host.lower() == place.host and place.port in (None, each.port)
    ]
    if not there:
        raise _none(server, place, f"no service {place}")
    chosen = [each.type for each in there if each.restricted or each.password] or [
        each.type for each in there
    ]
    return list(dict.fromkeys(chosen))


def _none(server: Jid, place: Place, what: str) -> RefusedError:
    return RefusedError(
        f"{server} knows {what}",
        step=_STEP,
        condition="item-not-found",
        by=str(server),
        hint="xmppctl server services lists what it knows",
    )


def _read(element: Element) -> ExternalService | None:
    """The record of a ``<service/>``; None where host or type are missing, which it has to have."""
    kind, host = element.get("type"), element.get("host")
    if not kind or not host:
        return None
    expires = None
    with suppress(ValueError):
        expires = parse_datetime(element.get("expires") or "")
    return ExternalService(
        type=kind,
        host=host,
        port=number(element.get("port")),
        transport=element.get("transport") or None,
        username=element.get("username"),
        password=element.get("password"),
        expires=expires,
        restricted=element.get("restricted", "").strip() in ("1", "true"),
        name=element.get("name") or None,
        action=element.get("action") or None,
    )
