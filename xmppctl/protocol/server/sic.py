"""XEP-0279: Server IP Check: from which address the server sees this client come."""

from __future__ import annotations

import ipaddress
from xml.etree.ElementTree import Element

from xmppctl.model.jid import Jid
from xmppctl.model.server import OwnAddress
from xmppctl.protocol import Xep
from xmppctl.protocol.server.asking import ask, misread, number
from xmppctl.session.stream import Session

XEPS = (Xep("0279", "0.2", "complete"),)

NS = "urn:xmpp:sic:1"

_STEP = "myip"


async def fetch(session: Session) -> OwnAddress:
    """The own address and port. Raises UnsupportedError, RefusedError, DeadlineError."""
    server = Jid(None, session.domain, None)
    answer = await ask(
        session,
        server,
        Element(f"{{{NS}}}address"),
        feature=NS,
        named="an IP check (XEP-0279)",
        step=_STEP,
        what="the own address",
    )
    text = (answer.findtext(f"{{{NS}}}ip") or "").strip()
    try:
        found = ipaddress.ip_address(text)
    except ValueError:
        raise misread(f"{text!r} is no IP address", server, _STEP) from None
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped is not None:
        found = found.ipv4_mapped
    port = number(answer.findtext(f"{{{NS}}}port"))
    return OwnAddress(str(found), port if port in range(1, 65536) else None, str(server))
