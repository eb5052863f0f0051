"""A client that gives and takes files by hand: raw stanzas, and SOCKS5 of its own."""

from __future__ import annotations

import base64
import hashlib
import socket
from collections.abc import Callable
from xml.etree.ElementTree import Element

from tests.peers.rawxml import RawClient

CLIENT = "{jabber:client}"
NS = "urn:xmpp:jingle:1"
FT = "urn:xmpp:jingle:apps:file-transfer:5"
IBB = "http://jabber.org/protocol/ibb"
S5B = "urn:xmpp:jingle:transports:s5b:1"
INFO = "http://jabber.org/protocol/disco#info"
FEATURES = (NS, FT, "urn:xmpp:jingle:transports:ibb:1", S5B)


class Filer:
    """Jingle by hand, as a client of one session with ``peer``."""

    def __init__(self, raw: RawClient, peer: str = "", sid: str = "a73sjjvkla37jfea") -> None:
        self.raw = raw
        self.peer = peer
        self.sid = sid
        self._kept: list[Element] = []
        assert raw.jid is not None
        self.jid: str = raw.jid

    # --- stanzas

    def answer(self, iq: Element, payload: str = "") -> None:
        """Acknowledge a request."""
        self.raw.send(f"<iq type='result' id='{iq.get('id')}' to='{iq.get('from')}'>{payload}</iq>")

    def wait(self, matches: Callable[[Element], bool]) -> Element:
        """The next request that matches; the others are kept for later."""
        for each in self._kept:
            if matches(each):
                self._kept.remove(each)
                return each
        while True:
            stanza = self.raw.recv()
            if stanza.tag != f"{CLIENT}iq" or stanza.get("type") not in ("get", "set"):
                continue
            if stanza.find(f"{{{INFO}}}query") is not None:
                rows = "".join(f"<feature var='{each}'/>" for each in FEATURES)
                self.answer(stanza, f"<query xmlns='{INFO}'>{rows}</query>")
            elif matches(stanza):
                return stanza
            else:
                self._kept.append(stanza)

    def action(self, name: str) -> Element:
        """The next action of this name, acknowledged."""

        def is_it(stanza: Element) -> bool:
            jingle = stanza.find(f"{{{NS}}}jingle")
            return jingle is not None and jingle.get("action") == name

        iq = self.wait(is_it)
        self.answer(iq)
        self.peer = self.peer or iq.get("from", "")
        jingle = iq.find(f"{{{NS}}}jingle")
        assert jingle is not None
        self.sid = jingle.get("sid", "")
        return jingle

    def block(self, name: str) -> Element:
        """The next open, data or close of an in-band bytestream, acknowledged."""
        iq = self.wait(lambda each: each.find(f"{{{IBB}}}{name}") is not None)
        self.answer(iq)
        return iq[0]

    def ask(self, payload: str) -> Element:
        """A request to the peer; its answer. What comes meanwhile is kept."""
        ident = f"f{id(payload)}"
        self.raw.send(f"<iq type='set' id='{ident}' to='{self.peer}'>{payload}</iq>")
        while True:
            stanza = self.raw.recv()
            if stanza.get("id") == ident and stanza.get("type") in ("result", "error"):
                return stanza
            if stanza.get("type") in ("get", "set"):
                self._kept.append(stanza)

    def act(self, action: str, inside: str = "") -> Element:
        """An action of the session; it must be acknowledged."""
        answer = self.ask(
            f"<jingle xmlns='{NS}' action='{action}' sid='{self.sid}'>{inside}</jingle>"
        )
        assert answer.get("type") == "result", answer.get("type")
        return answer

    # --- files

    def offer(self, data: bytes, transport: str, *, name: str = "raw.bin") -> None:
        """Offer a file."""
        digest = base64.b64encode(hashlib.sha256(data).digest()).decode()
        self.act(
            "session-initiate",
            f"<content creator='initiator' name='f' senders='initiator'>"
            f"<description xmlns='{FT}'><file><name>{name}</name><size>{len(data)}</size>"
            f"<hash xmlns='urn:xmpp:hashes:2' algo='sha-256'>{digest}</hash></file></description>"
            f"{transport}</content>",
        )

    def info(self, sid: str, told: str) -> None:
        """Tell something of the transport."""
        self.act(
            "transport-info",
            f"<content creator='initiator' name='f'>"
            f"<transport xmlns='{S5B}' sid='{sid}'>{told}</transport></content>",
        )

    def send_blocks(self, data: bytes, sid: str, size: int) -> None:
        """All of a file, in band."""
        assert (
            self.ask(f"<open xmlns='{IBB}' block-size='{size}' sid='{sid}' stanza='iq'/>").get(
                "type"
            )
            == "result"
        )
        for seq, start in enumerate(range(0, len(data), size)):
            text = base64.b64encode(data[start : start + size]).decode()
            answer = self.ask(f"<data xmlns='{IBB}' seq='{seq}' sid='{sid}'>{text}</data>")
            assert answer.get("type") == "result"
        self.ask(f"<close xmlns='{IBB}' sid='{sid}'/>")


def streamhost(host: str, port: int, sid: str, offerer: str, other: str) -> socket.socket:
    """A connection with a proxy for a bytestream, by SOCKS5 as XEP-0065 has it."""
    address = hashlib.sha1(f"{sid}{offerer}{other}".encode()).hexdigest().encode()
    connection = socket.create_connection((host, port), 10)
    connection.sendall(b"\x05\x01\x00")
    assert connection.recv(2) == b"\x05\x00"
    connection.sendall(b"\x05\x01\x00\x03" + bytes([len(address)]) + address + b"\x00\x00")
    answer = connection.recv(512)
    assert answer[:2] == b"\x05\x00", answer
    return connection
