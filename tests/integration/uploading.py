"""An upload service as a script of the fake server, and a look at a file without xmppctl."""

from __future__ import annotations

import ssl
import urllib.request
from collections.abc import Awaitable, Callable
from email.message import Message
from pathlib import Path
from xml.etree.ElementTree import Element
from xml.sax.saxutils import quoteattr

from tests.servers.fake import FakeConnection

NS = "urn:xmpp:http:upload:0"
REQUEST = f"{{{NS}}}request"
INFO = "http://jabber.org/protocol/disco#info"
ITEMS = "http://jabber.org/protocol/disco#items"

Answer = Callable[[FakeConnection, Element], None]


def look(url: str, ca_file: Path) -> tuple[bytes, Message]:
    """The bytes and headers behind a URL, by another HTTP client."""
    context = ssl.create_default_context(cafile=ca_file)
    with urllib.request.urlopen(url, context=context, timeout=10) as response:
        return response.read(), response.headers


def slot(put: str, get: str | None = None, headers: str = "") -> str:
    """The payload of a slot."""
    return (
        f"<slot xmlns='{NS}'><put url={quoteattr(put)}>{headers}</put>"
        f"<get url={quoteattr(put if get is None else get)}/></slot>"
    )


def about(limit: int | str | None, *features: str) -> str:
    """The disco#info of an upload service."""
    names = "".join(f"<feature var='{each}'/>" for each in (NS, *features))
    form = (
        ""
        if limit is None
        else "<x xmlns='jabber:x:data' type='result'><field var='FORM_TYPE' type='hidden'>"
        f"<value>{NS}</value></field><field var='max-file-size'><value>{limit}</value></field></x>"
    )
    return f"<query xmlns='{INFO}'>{names}{form}</query>"


def serving(
    infos: dict[str, str | None], answer: Answer
) -> Callable[[FakeConnection], Awaitable[None]]:
    """A server whose services are ``infos`` (None: silent); ``answer`` answers slot requests."""
    listed = "".join(f"<item jid='{jid}'/>" for jid in infos if jid != "fake.test")

    async def script(conn: FakeConnection) -> None:
        await conn.login()
        while True:
            iq = await conn.recv()
            payload = next(iter(iq), None)
            tag = "" if payload is None else payload.tag
            to = iq.get("to", "fake.test")
            if tag == f"{{{ITEMS}}}query":
                conn.result(iq, f"<query xmlns='{ITEMS}'>{listed}</query>")
            elif tag == f"{{{INFO}}}query":
                info = infos.get(to, f"<query xmlns='{INFO}'/>")
                if info is not None:
                    conn.result(iq, info)
            elif tag == REQUEST:
                answer(conn, iq)
            elif tag:
                conn.error(iq, "service-unavailable")

    return script


def giving(payload: str) -> Answer:
    """Every request gets this slot."""
    return lambda conn, iq: conn.result(iq, payload)
