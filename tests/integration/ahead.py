"""A fake server whose clients may say more than they have been asked for."""

from __future__ import annotations

import base64
from collections.abc import Awaitable, Callable
from typing import Any
from xml.etree.ElementTree import Element

from tests.integration.failing import JID, PASSWORD, secured, tag
from tests.peers.process import Result, Xmppctl
from tests.peers.stream import SASL, SM, StreamClosed
from tests.servers.ca import Authority, Certificate
from tests.servers.fake import FakeConnection, FakeServer
from tests.servers.scram import ScramServer

AUTH = f"{{{SASL}}}auth"
ENABLE = f"{{{SM}}}enable"
STREAM_MANAGEMENT = f"<sm xmlns='{SM}'/>"


class Visit:
    """What one connection showed: ``early``: the mechanism whose <auth/> came with the header."""

    def __init__(self) -> None:
        self.early: str | None = None
        self.mechanisms: list[str] = []
        self.resource = ""
        self.messages: list[str] = []
        self.stanzas: list[Element] = []


Step = Callable[[FakeConnection, Visit], Awaitable[None]]


class Scripted:
    """A server that does as it is told, and may be told otherwise between two runs.

    ``mechanisms``: its offer. ``features``: those behind the login. Each connection runs
    ``login``, ``bind`` and ``serve``, any of which a test may replace; ``visits`` are the
    connections that came so far.
    """

    def __init__(self, authority: Authority, *mechanisms: str) -> None:
        self.mechanisms = mechanisms
        self.features = STREAM_MANAGEMENT
        self.password = PASSWORD
        self.visits: list[Visit] = []
        self.login: Step = self.by_sasl
        self.bind: Step = self.bound
        self.serve: Step = self.served
        self._authority = authority
        self._fake = FakeServer("fake.test", authority.issue("fake.test"), self._script)

    def __enter__(self) -> Scripted:
        self._fake.__enter__()
        return self

    def __exit__(self, *args: Any) -> None:
        self._fake.__exit__(*args)

    def run(self, xmppctl: Xmppctl, *args: str, password: str = PASSWORD, **more: Any) -> Result:
        """xmppctl as alice@fake.test, by default a ping of the server."""
        return xmppctl(
            *(args or ("ping", "--json")),
            jid=JID,
            password=password,
            connect=self._fake.address,
            ca_file=self._authority.ca_file,
            **more,
        )

    def show(self, certificate: Certificate) -> None:
        """From now on this is the certificate."""
        self._fake.certificate = certificate

    def warm(self, xmppctl: Xmppctl) -> None:
        """A first run, after which a client knows this server; it is not among ``visits``."""
        self.run(xmppctl).expect(0)
        self.visits.clear()

    @property
    def messages(self) -> list[str]:
        """The bodies of all messages that were processed, on whatever connection."""
        return [body for visit in self.visits for body in visit.messages]

    async def _script(self, conn: FakeConnection) -> None:
        visit = Visit()
        self.visits.append(visit)
        await secured(conn)
        await self.login(conn, visit)
        await self.bind(conn, visit)
        await self.serve(conn, visit)

    # --- the steps

    async def header(self, conn: FakeConnection, visit: Visit) -> None:
        """The client's header, and what came with it."""
        await conn.header()
        first = conn.waiting[:1]
        visit.early = first[0].get("mechanism") if first else None

    async def by_sasl(self, conn: FakeConnection, visit: Visit) -> None:
        """SCRAM or PLAIN, with any number of attempts."""
        await self.header(conn, visit)
        conn.send_header()
        offered = "".join(f"<mechanism>{each}</mechanism>" for each in self.mechanisms)
        conn.send(
            f"<stream:features><mechanisms xmlns='{SASL}'>{offered}</mechanisms></stream:features>"
        )
        while not await self.attempt(conn, visit):
            pass

    async def attempt(self, conn: FakeConnection, visit: Visit) -> bool:
        """One <auth/> and what it leads to."""
        auth = await conn.expect(AUTH)
        name = auth.get("mechanism", "")
        visit.mechanisms.append(name)
        if name not in self.mechanisms:
            conn.send(f"<failure xmlns='{SASL}'><invalid-mechanism/></failure>")
            return False
        if name == "PLAIN":
            good = decoded(auth) == f"\0alice\0{self.password}".encode()
            final: bytes | None = b"" if good else None
        else:
            scram = ScramServer(name, self.password)
            conn.send(
                f"<challenge xmlns='{SASL}'>{encoded(scram.challenge(decoded(auth)))}</challenge>"
            )
            final = scram.final(decoded(await conn.expect(f"{{{SASL}}}response")))
        if final is None:
            conn.send(f"<failure xmlns='{SASL}'><not-authorized/></failure>")
            return False
        conn.username = "alice"
        conn.send(f"<success xmlns='{SASL}'>{encoded(final)}</success>")
        return True

    async def bound(self, conn: FakeConnection, visit: Visit) -> None:
        """The stream behind the login, and a resource."""
        visit.resource = (await conn.bind(self.features)).partition("/")[2]

    async def served(self, conn: FakeConnection, visit: Visit) -> None:
        """Take everything, confirm everything."""
        handled, counting = 0, False
        while True:
            try:
                element = await conn.recv()
            except StreamClosed:
                return
            if element.tag == ENABLE:
                conn.send(f"<enabled xmlns='{SM}'/>")
                counting, handled = True, 0
                continue
            if element.tag == f"{{{SM}}}r":
                conn.send(f"<a xmlns='{SM}' h='{handled}'/>")
                continue
            handled += counting
            self.took(visit, element)
            if element.tag == tag("iq") and element.get("type") in ("get", "set"):
                conn.result(element)

    def took(self, visit: Visit, stanza: Element) -> None:
        """A stanza was processed."""
        visit.stanzas.append(stanza)
        if stanza.tag == tag("message"):
            visit.messages.append(stanza.findtext(tag("body")) or "")


def decoded(element: Element) -> bytes:
    """The data of a SASL element."""
    return base64.b64decode(element.text or "")


def encoded(data: bytes) -> str:
    """Data for a SASL element."""
    return base64.b64encode(data).decode()
