"""A small XMPP server of the tests' own that is well, or broken in one way that can be chosen.

    with Bench("bench.test", authority) as bench:
        xmppctl("server", "check", bench.domain, env={"XMPPCTL_NAMESERVER": bench.nameserver}, ...)

It has what a check of a server looks at: a zone, ways in with STARTTLS and direct TLS for clients
and servers, a login, the answers of a server, an account and its services, and an upload service
with a web server behind it. Real servers cannot be made to do most of what is wrong here.
"""

from __future__ import annotations

import asyncio
import base64
import socket
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import randint
from typing import Literal
from xml.etree.ElementTree import Element, tostring

from tests.peers.stream import BIND, CLIENT, SASL, TLS, StreamClosed
from tests.servers.ca import Authority, Certificate
from tests.servers.dns import Fault, NameServer, Records, Zone
from tests.servers.fake import FakeConnection, FakeServer
from tests.servers.scram import ScramServer
from tests.servers.web import WebConnection, WebServer

SERVER = "jabber:server"
REGISTER = "jabber:iq:register"
UPLOAD = "urn:xmpp:http:upload:0"
PUBSUB = "http://jabber.org/protocol/pubsub"
OWNER = f"{PUBSUB}#owner"
INFO = "http://jabber.org/protocol/disco#info"
ITEMS = "http://jabber.org/protocol/disco#items"
MAM = "urn:xmpp:mam:2"
CARBONS = "urn:xmpp:carbons:2"
BLOCKING = "urn:xmpp:blocking"
TIME = "urn:xmpp:time"

PASSWORD = "secret"
PORTS = {"starttls": 5222, "direct": 5223, "server": 5269}
"""Those that everybody has, on an address that nobody else has."""

_BINDING = (
    "<sasl-channel-binding xmlns='urn:xmpp:sasl-cb:0'><channel-binding type='tls-exporter'/>"
    "<channel-binding type='tls-server-end-point'/></sasl-channel-binding>"
)
_ALLOWED = ("Access-Control-Allow-Origin: *",)
_PREFLIGHT = (
    *_ALLOWED,
    "Access-Control-Allow-Methods: OPTIONS, HEAD, GET, PUT",
    "Access-Control-Allow-Headers: Content-Type, Authorization",
    "Access-Control-Max-Age: 7200",
)


@dataclass(frozen=True)
class Habits:
    """How the server behaves; what is not named is as it should be.

    ``early``: features that it tells before TLS. ``silent``: it takes connections and says nothing.
    ``closed``: registration is told to be there, and refused to whoever asks. ``ahead``: how far
    its clock is. ``dead``: a service that it lists gives no answer. ``cors``: web clients are told
    that they may upload, and then may not read the answer.
    """

    starttls: bool = True
    early: str = ""
    mechanisms: tuple[str, ...] = (
        "SCRAM-SHA-256-PLUS",
        "SCRAM-SHA-256",
        "SCRAM-SHA-1-PLUS",
        "SCRAM-SHA-1",
        "PLAIN",
    )
    silent: bool = False
    closed: bool = False
    ahead: timedelta = timedelta()
    dead: bool = False
    cors: bool = True


@dataclass
class Bench:
    """``domain`` with its name server, ways in and services.

    ``certificate``: that of all ways in, a good one by default. ``records``: of the zone, in the
    place of what a domain that is well has; see ``zone``. ``ways``: which ways in there are.
    """

    domain: str
    authority: Authority
    habits: Habits = field(default_factory=Habits)
    certificate: Certificate | None = None
    swapped: bool = False
    records: Mapping[str, Records | Fault] = field(default_factory=dict)
    ways: tuple[Literal["starttls", "direct", "server"], ...] = ("starttls", "direct", "server")

    def __enter__(self) -> Bench:
        self.ip = _address()
        shown = self.certificate or self.authority.issue(self.domain)
        self._open = ExitStack()
        with ExitStack() as stack:
            self._nodes: dict[str, str] = {}
            self._files: dict[str, bytes] = {}
            self.web = stack.enter_context(WebServer(self._serve_web, self.authority.issue("web")))
            for way in self.ways:
                direct = way == "direct" and not self.habits.silent
                tls: Literal["direct", "none"] = "direct" if direct else "none"
                at = (self.ip, PORTS[way])
                stack.enter_context(FakeServer(self.domain, shown, self._serve, tls=tls, at=at))
            self.dns = stack.enter_context(NameServer({**self.zone(), **self.records}))
            self._open = stack.pop_all()
        return self

    def __exit__(self, *error: object) -> None:
        self._open.__exit__(*error)  # type: ignore[arg-type]

    @property
    def nameserver(self) -> str:
        """For XMPPCTL_NAMESERVER."""
        return self.dns.nameserver

    @property
    def host(self) -> str:
        """What the SRV records point to."""
        return f"xmpp.{self.domain}"

    def zone(self) -> Zone:
        """The records of a domain that is well; with ports exchanged where that is wanted."""
        ports = {way: PORTS[way] for way in self.ways}
        if self.swapped:
            ports |= {"starttls": PORTS["server"], "server": PORTS["starttls"]}
        names = {"starttls": "_xmpp-client", "direct": "_xmpps-client", "server": "_xmpp-server"}
        here: Records = {"A": [self.ip]}
        zone: dict[str, Records | Fault] = {self.domain: here, self.host: here}
        for way, port in ports.items():
            zone[f"{names[way]}._tcp.{self.domain}"] = {"SRV": [f"5 0 {port} {self.host}."]}
        for name in ("upload", "rooms"):
            zone[f"{name}.{self.domain}"] = here
        return zone

    # --- the stream ---------------------------------------------------------------------------

    async def _serve(self, conn: FakeConnection) -> None:
        if self.habits.silent:
            await asyncio.sleep(60)
        conn.timeout = 30
        with suppress(StreamClosed):  # then the stream is closed from here too
            await self._streams(conn)

    async def _streams(self, conn: FakeConnection) -> None:
        ours = SERVER if conn.server.address[1] == PORTS["server"] else CLIENT
        secure, known = conn.server.tls == "direct", False
        while True:
            header = await conn.header()
            conn.send_header(namespace=ours)
            if conn.namespace != ours:
                return conn.stream_error("invalid-namespace")
            if header.get("to", self.domain) != self.domain:
                return conn.stream_error("host-unknown")
            conn.send(f"<stream:features>{self._features(ours, secure, known)}</stream:features>")
            restart = False
            while not restart:
                element = await conn.recv()
                kind = element.tag.rpartition("}")[2]
                if element.tag == f"{{{TLS}}}starttls" and not secure and self.habits.starttls:
                    conn.send(f"<proceed xmlns='{TLS}'/>")
                    await conn.handshake()
                    secure = restart = True
                elif element.tag == f"{{{SASL}}}auth" and secure:
                    known = restart = await self._login(conn, element)
                elif kind == "iq" and element.get("type") in ("get", "set"):
                    self._answer(conn, element, known=known)

    def _features(self, namespace: str, secure: bool, known: bool) -> str:
        if not secure:
            offer = f"<starttls xmlns='{TLS}'><required/></starttls>"
            return (offer if self.habits.starttls else "") + self.habits.early
        if not known:
            register = "<register xmlns='http://jabber.org/features/iq-register'/>"
            offered = register if self.habits.closed and namespace == CLIENT else ""
            return self._mechanisms(namespace) + offered
        return f"<bind xmlns='{BIND}'><required/></bind>"

    def _mechanisms(self, namespace: str) -> str:
        if namespace == SERVER:
            names: tuple[str, ...] = ("EXTERNAL",)
            more = "<dialback xmlns='urn:xmpp:features:dialback'/>"
        else:
            names, more = self.habits.mechanisms, _BINDING
        offer = "".join(f"<mechanism>{name}</mechanism>" for name in names)
        return f"<mechanisms xmlns='{SASL}'>{offer}</mechanisms>{more}"

    async def _login(self, conn: FakeConnection, auth: Element) -> bool:
        """Whether the password was right; channel bindings are not looked at."""
        name, first = auth.get("mechanism", ""), base64.b64decode(auth.text or "")
        if name == "PLAIN":
            _, conn.username, password = first.decode().split("\0")
            if password == PASSWORD:
                conn.send(f"<success xmlns='{SASL}'/>")
                return True
        elif name in self.habits.mechanisms:
            server = ScramServer(name.removesuffix("-PLUS"), PASSWORD)
            challenge = base64.b64encode(server.challenge(first)).decode()
            conn.send(f"<challenge xmlns='{SASL}'>{challenge}</challenge>")
            response = await conn.expect(f"{{{SASL}}}response")
            final = server.final(base64.b64decode(response.text or ""))
            if final is not None:
                conn.username = server.username
                told = base64.b64encode(final).decode()
                conn.send(f"<success xmlns='{SASL}'>{told}</success>")
                return True
        conn.send(f"<failure xmlns='{SASL}'><not-authorized/></failure>")
        return False

    # --- requests -----------------------------------------------------------------------------

    def _answer(self, conn: FakeConnection, iq: Element, *, known: bool) -> None:
        payload = iq[0] if len(iq) else Element("none")
        ns, _, name = payload.tag.removeprefix("{").rpartition("}")
        to = iq.get("to") or ""
        if not known:
            conn.error(iq, "not-allowed" if ns == REGISTER else "not-authorized")
        elif ns == BIND:
            conn.jid = f"{conn.username}@{self.domain}/bench"
            conn.result(iq, f"<bind xmlns='{BIND}'><jid>{conn.jid}</jid></bind>")
        elif not (self.habits.dead and to == f"rooms.{self.domain}"):
            answer = self._told(to, f"{conn.username}@{self.domain}", ns, name, payload)
            if answer is None:
                conn.error(iq, "service-unavailable")
            else:
                conn.result(iq, answer)

    def _told(self, to: str, account: str, ns: str, name: str, payload: Element) -> str | None:
        if to in ("", account):
            return self._of_account(ns, name, payload)
        if to == self.domain:
            return self._of_server(ns, name)
        return self._of_service(to, ns, name, payload)

    def _of_account(self, ns: str, name: str, payload: Element) -> str | None:
        match ns, name:
            case ("jabber:iq:roster", "query"):
                return f"<query xmlns='{ns}'/>"
            case (_, "query") if ns == INFO:
                pubsub = ("access-whitelist", "auto-create", "create-and-configure", "create-nodes",
                          "config-node", "delete-nodes", "item-ids", "multi-items",
                          "persistent-items", "publish", "publish-options", "purge-nodes",
                          "retract-items", "retrieve-items", "config-node-max")  # fmt: skip
                return _info(
                    [("account", "registered"), ("pubsub", "pep")],
                    [MAM, BLOCKING, f"{PUBSUB}", *(f"{PUBSUB}#{each}" for each in pubsub)],
                )
            case (_, "query") if ns == ITEMS:
                return f"<query xmlns='{ITEMS}'/>"
            case (_, "query") if ns == MAM:
                rsm = "http://jabber.org/protocol/rsm"
                return f"<fin xmlns='{MAM}' complete='true'><set xmlns='{rsm}'/></fin>"
            case (_, "pubsub") if ns in (PUBSUB, OWNER):
                return self._of_nodes(payload)
            case ("urn:xmpp:ping", _) | ("jabber:iq:version", _):
                return self._of_server(ns, name)
        return self._of_session(ns, name)

    def _of_session(self, ns: str, name: str) -> str | None:
        """What the server does for a session, asked without an address."""
        if ns == CARBONS and name in ("enable", "disable"):
            return ""
        if ns == BLOCKING and name == "blocklist":
            return f"<blocklist xmlns='{BLOCKING}'/>"
        return None

    def _of_nodes(self, request: Element) -> str | None:
        """Just enough of a store: an item that was published comes back until its node goes."""
        child = request[0]
        kind, node = child.tag.rpartition("}")[2], child.get("node", "")
        match kind:
            case "publish":
                item = child[0]
                self._nodes[node] = tostring(item, encoding="unicode")
                return (
                    f"<pubsub xmlns='{PUBSUB}'><publish node='{node}'>"
                    f"<item id='{item.get('id', '1')}'/></publish></pubsub>"
                )
            case "create":
                self._nodes[node] = ""
                return f"<pubsub xmlns='{PUBSUB}'><create node='{node}'/></pubsub>"
            case "items" if node in self._nodes:
                items = f"<items node='{node}'>{self._nodes[node]}</items>"
                return f"<pubsub xmlns='{PUBSUB}'>{items}</pubsub>"
            case "configure" if node in self._nodes:
                return (
                    f"<pubsub xmlns='{OWNER}'><configure node='{node}'>"
                    "<x xmlns='jabber:x:data' type='form'><field var='FORM_TYPE' type='hidden'>"
                    f"<value>{PUBSUB}#node_config</value></field>"
                    "<field var='pubsub#access_model' type='list-single'>"
                    "<value>whitelist</value></field></x></configure></pubsub>"
                )
            case "delete" if self._nodes.pop(node, None) is not None:
                return ""
        return None

    def _of_server(self, ns: str, name: str) -> str | None:
        match ns, name:
            case (_, "query") if ns == INFO:
                extras = ["urn:xmpp:ping", "jabber:iq:version", "jabber:iq:last", TIME, CARBONS,
                          BLOCKING, "urn:xmpp:push:0", "jabber:iq:roster", MAM]  # fmt: skip
                form = _form(
                    "http://jabber.org/network/serverinfo",
                    {
                        "abuse-addresses": f"mailto:abuse@{self.domain}",
                        "admin-addresses": f"mailto:admin@{self.domain}",
                        "support-addresses": f"mailto:support@{self.domain}",
                    },
                )
                return _info([("server", "im"), ("pubsub", "pep")], extras, form)
            case (_, "query") if ns == ITEMS:
                names = (f"rooms.{self.domain}", f"upload.{self.domain}")
                items = "".join(f"<item jid='{jid}'/>" for jid in names)
                return f"<query xmlns='{ITEMS}'>{items}</query>"
            case ("urn:xmpp:ping", "ping"):
                return ""
            case ("jabber:iq:version", "query"):
                return f"<query xmlns='{ns}'><name>Bench</name><version>1.0</version></query>"
            case ("jabber:iq:last", "query"):
                return f"<query xmlns='{ns}' seconds='86400'/>"
            case (_, "time") if ns == TIME:
                told = (datetime.now(UTC) + self.habits.ahead).isoformat(timespec="milliseconds")
                utc = told.replace("+00:00", "Z")
                return f"<time xmlns='{TIME}'><tzo>+00:00</tzo><utc>{utc}</utc></time>"
            case ("urn:xmpp:extdisco:2", "services"):
                return f"<services xmlns='{ns}'/>"
        return self._of_session(ns, name)

    def _of_service(self, jid: str, ns: str, name: str, payload: Element) -> str | None:
        uploads = jid.startswith("upload.")
        if ns == INFO and name == "query" and uploads:
            return _info([("store", "file")], [UPLOAD], _form(UPLOAD, {"max-file-size": "1048576"}))
        if ns == INFO and name == "query":
            return _info([("conference", "text")], ["http://jabber.org/protocol/muc"])
        if ns == ITEMS and name == "query":
            return f"<query xmlns='{ITEMS}'/>"
        if ns == "urn:xmpp:ping":
            return ""
        if ns == UPLOAD and name == "request" and uploads:
            number = len(self._files)
            self._files[f"/{number}/{payload.get('filename')}"] = b""
            url = self.web.url(f"/{number}/{payload.get('filename')}")
            return f"<slot xmlns='{UPLOAD}'><put url='{url}'/><get url='{url}'/></slot>"
        return None

    # --- the web ------------------------------------------------------------------------------

    def _serve_web(self, conn: WebConnection) -> None:
        request = conn.request()
        allowed = _ALLOWED if self.habits.cors else ()
        if request.method == "OPTIONS":
            conn.respond(204, b"", *_PREFLIGHT)
        elif request.target not in self._files:
            conn.respond(404, b"", *allowed)
        elif request.method == "PUT":
            size = int(request.all("content-length")[0])
            self._files[request.target] = conn.body(size)
            conn.respond(201, b"", *allowed)
        else:
            body = b"" if request.method == "HEAD" else self._files[request.target]
            conn.respond(200, body, "Content-Type: application/octet-stream", *allowed)


def _address() -> str:
    """A loopback address that no other bench uses, in this process or another."""
    while True:
        ip = f"127.{randint(1, 254)}.{randint(0, 255)}.{randint(1, 254)}"
        try:
            socket.create_server((ip, min(PORTS.values()))).close()
        except OSError:
            continue
        return ip


def _info(identities: list[tuple[str, str]], features: list[str], form: str = "") -> str:
    told = "".join(f"<identity category='{cat}' type='{kind}'/>" for cat, kind in identities)
    told += "".join(f"<feature var='{feature}'/>" for feature in [INFO, ITEMS, *features])
    return f"<query xmlns='{INFO}'>{told}{form}</query>"


def _form(kind: str, fields: Mapping[str, str]) -> str:
    told = f"<field var='FORM_TYPE' type='hidden'><value>{kind}</value></field>"
    for var, value in fields.items():
        told += f"<field var='{var}'><value>{value}</value></field>"
    return f"<x xmlns='jabber:x:data' type='result'>{told}</x>"
