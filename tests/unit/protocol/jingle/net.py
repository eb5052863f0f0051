"""Sessions that reach each other without a network: a server that passes stanzas on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element, fromstring

from tests.unit.session.streams import account, come, make_wire
from xmppctl.model.jid import Jid, lenient
from xmppctl.model.jid import parse as jid
from xmppctl.session.stream import Session
from xmppctl.session.xml import parse, serialise

STANZAS = "urn:ietf:params:xml:ns:xmpp-stanzas"
ITEMS = "http://jabber.org/protocol/disco#items"
INFO = "http://jabber.org/protocol/disco#info"
BYTESTREAMS = "http://jabber.org/protocol/bytestreams"
PROXY = "proxy.fake.test"


class Net:
    """The server of fake.test; ``log`` has every stanza with its sender and addressee.

    ``drop``: stanzas that are lost. ``proxy``: where a SOCKS5 proxy listens, None for no proxy.
    """

    def __init__(self) -> None:
        self.sessions: dict[str, tuple[Session, Any, Any]] = {}
        self.log: list[Element] = []
        self.drop: Callable[[Element], bool] = lambda stanza: False
        self.proxy: Relay | None = None
        self.rosters: dict[str, dict[str, str]] = {}
        self.scripts: dict[str, Callable[[Element], None]] = {}

    def login(self, name: str, resource: str = "r") -> Session:
        """A session of NAME@fake.test."""
        wire, transport = make_wire()
        full = jid(f"{name}@fake.test/{resource}")
        settings = account(timeout=3.0)
        session = Session(wire, settings, full, parse("<f/>"), wire.trace)
        self.sessions[str(full)] = (session, wire, transport)
        return session

    def say(self, sender: str, to: str, stanza: str) -> None:
        """A client without a session, of which only stanzas are seen, says something."""
        element = fromstring(stanza)
        element.set("from", sender)
        element.set("to", to)
        self._route(element)

    def said(self, sender: str, path: str) -> list[Element]:
        """The stanzas of that sender that have such an element."""
        return [
            each for each in self.log if each.get("from") == sender and each.find(path) is not None
        ]

    async def run(self, *work: Coroutine[Any, Any, Any]) -> list[Any]:
        """Pass stanzas on until all the work is done."""
        task = asyncio.gather(*work)
        try:
            async with asyncio.timeout(20):
                while not task.done():
                    if not self._pump():
                        await asyncio.sleep(0.001)
                    await asyncio.sleep(0)
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError, Exception):
                await task
        self._pump()
        return task.result()

    def _pump(self) -> bool:
        moved = False
        for full, (_, _, transport) in list(self.sessions.items()):
            text = transport.text
            if not text:
                continue
            moved = True
            for stanza in fromstring(f"<s xmlns='jabber:client'>{text.split('</stream')[0]}</s>"):
                stanza.set("from", full)
                self._route(stanza)
        return moved

    def _route(self, stanza: Element) -> None:
        self.log.append(stanza)
        if self.drop(stanza):
            return
        to = stanza.get("to")
        target = None if to is None else str(lenient(to))
        if target in self.sessions:
            come(self.sessions[target][1], serialise(stanza))
        elif target in self.scripts:
            self.scripts[target](stanza)
        elif target in (None, "fake.test", PROXY):
            self._serve(stanza, target)
        else:
            self._to_account(stanza, lenient(target))

    def _to_account(self, stanza: Element, to: Jid) -> None:
        name = stanza.tag.rpartition("}")[2]
        here = [full for full in self.sessions if lenient(full).bare == to and not to.is_full]
        if name == "message" and here:
            for full in here:
                come(self.sessions[full][1], serialise(stanza))
        elif name == "iq" and stanza.get("type") in ("get", "set"):
            self._answer(stanza, "error", _error("service-unavailable"))

    def _serve(self, stanza: Element, target: str | None) -> None:
        if not stanza.tag.endswith("}iq") or stanza.get("type") not in ("get", "set"):
            return
        payload = stanza[0].tag
        sender = stanza.get("from", "")
        if payload == "{jabber:iq:roster}query":
            contacts = self.rosters.get(sender.partition("/")[0], {})
            rows = "".join(f"<item jid='{j}' subscription='{s}'/>" for j, s in contacts.items())
            self._answer(stanza, "result", f"<query xmlns='jabber:iq:roster'>{rows}</query>")
        elif payload == f"{{{ITEMS}}}query":
            rows = f"<item jid='{PROXY}'/>" if self.proxy is not None else ""
            self._answer(stanza, "result", f"<query xmlns='{ITEMS}'>{rows}</query>")
        elif payload == f"{{{INFO}}}query":
            kind = ("proxy", "bytestreams") if target == PROXY else ("server", "im")
            row = f"<identity category='{kind[0]}' type='{kind[1]}'/>"
            self._answer(stanza, "result", f"<query xmlns='{INFO}'>{row}</query>")
        elif payload == f"{{{BYTESTREAMS}}}query" and self.proxy is not None:
            self._bytestreams(stanza)
        else:
            self._answer(stanza, "result", "")

    def _bytestreams(self, stanza: Element) -> None:
        assert self.proxy is not None
        if stanza.get("type") == "get":
            host = f"<streamhost host='127.0.0.1' jid='{PROXY}' port='{self.proxy.port}'/>"
            self._answer(stanza, "result", f"<query xmlns='{BYTESTREAMS}'>{host}</query>")
            return
        peer = stanza[0].findtext(f"{{{BYTESTREAMS}}}activate") or ""
        if self.proxy.activate(stanza[0].get("sid", ""), stanza.get("from", ""), peer):
            self._answer(stanza, "result", "")
        else:
            self._answer(stanza, "error", _error("not-allowed"))

    def _answer(self, stanza: Element, kind: str, payload: str) -> None:
        sender = f" from='{stanza.get('to')}'" if stanza.get("to") else ""
        come(
            self.sessions[stanza.get("from", "")][1],
            f"<iq type='{kind}' id='{stanza.get('id')}'{sender}>{payload}</iq>",
        )


def _error(condition: str) -> str:
    return f"<error type='cancel'><{condition} xmlns='{STANZAS}'/></error>"


class Relay:
    """A SOCKS5 proxy as XEP-0065 has it: it joins two connections when they are activated."""

    def __init__(self) -> None:
        self.port = 0
        self.passed = 0
        self._waiting: dict[str, list[tuple[asyncio.StreamReader, asyncio.StreamWriter]]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> Relay:
        self._server = await asyncio.start_server(self._met, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _met(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        _, count = await reader.readexactly(2)
        await reader.readexactly(count)
        writer.write(b"\x05\x00")
        head = await reader.readexactly(5)
        name = await reader.readexactly(head[4])
        await reader.readexactly(2)
        writer.write(b"\x05\x00\x00\x03" + bytes([len(name)]) + name + b"\x00\x00")
        self._waiting.setdefault(name.decode(), []).append((reader, writer))

    def activate(self, sid: str, requester: str, target: str) -> bool:
        """Join both; False where they are not there."""
        from hashlib import sha1

        key = sha1(f"{sid}{requester}{target}".encode()).hexdigest()
        pair = self._waiting.pop(key, [])
        if len(pair) != 2:
            return False
        one, other = pair
        for reader, writer in ((one[0], other[1]), (other[0], one[1])):
            self._tasks.add(asyncio.ensure_future(self._pass(reader, writer)))
        return True

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(65536):
                self.passed += len(data)
                writer.write(data)
                await writer.drain()
            writer.close()


class Store:
    """Files as they are received, in a directory."""

    def __init__(self, path: Path) -> None:
        from xmppctl.commands.file._places import Directory

        self.path = path
        self.directory = Directory(str(path), force=False, resume=False)

    @property
    def names(self) -> list[str]:
        """What lies there."""
        return sorted(each.name for each in self.path.iterdir())
