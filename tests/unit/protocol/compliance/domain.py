"""A domain that has all that is asked of servers, and may lack or spoil some of it."""

from __future__ import annotations

from typing import Any
from xml.etree.ElementTree import Element, fromstring, tostring

from tests.unit.protocol.serving import INFO, ITEMS, Serving, error, info
from tests.unit.session.streams import come
from xmppctl.protocol import caps

MUC = "http://jabber.org/protocol/muc"
PUBSUB = "http://jabber.org/protocol/pubsub"
MAM = "urn:xmpp:mam:2"

ROOMS = "conference.fake.test"
FILES = "upload.fake.test"

DOMAIN = (
    "vcard-temp", "urn:xmpp:blocking", "urn:xmpp:extdisco:2", "urn:xmpp:carbons:2",
    "jabber:iq:register",
)  # fmt: skip
ACCOUNT = (
    MAM, "urn:xmpp:push:0", "urn:xmpp:pep-vcard-conversion:0", "urn:xmpp:bookmarks:1#compat",
    f"{PUBSUB}#publish-options", f"{PUBSUB}#filtered-notifications",
)  # fmt: skip
CONFERENCE = "<identity category='conference' type='text'/>"
EVENTING = "<identity category='pubsub' type='pep'/>"

PAYLOADS = {
    "{jabber:iq:roster}query": "<query xmlns='jabber:iq:roster'/>",
    "{vcard-temp}vCard": "<vCard xmlns='vcard-temp'/>",
    "{urn:xmpp:carbons:2}enable": "",
    "{urn:xmpp:blocking}blocklist": "<blocklist xmlns='urn:xmpp:blocking'/>",
    "{jabber:iq:private}query": "<query xmlns='jabber:iq:private'/>",
    f"{{{MAM}}}query": f"<fin xmlns='{MAM}' complete='true'/>",
    "{urn:xmpp:push:0}disable": "",
    "{urn:xmpp:extdisco:2}services": "<services xmlns='urn:xmpp:extdisco:2'/>",
    "{jabber:iq:version}query": "<query xmlns='jabber:iq:version'><name>Prosody</name></query>",
    "{urn:xmpp:ping}ping": "",
    f"{{{MUC}#owner}}query": (
        f"<query xmlns='{MUC}#owner'><x xmlns='jabber:x:data' type='form'>"
        "<field var='muc#roomconfig_persistentroom' type='boolean'><value>1</value></field>"
        "<field var='mam' type='boolean'><value>0</value></field></x></query>"
    ),
}  # fmt: skip

Answer = str | tuple[str, str] | None


class Domain(Serving):
    """fake.test. ``answers``: what is answered instead, by the tag of the payload, or by tag and
    the name of its first child with a slash between; None is silence.

    ``domain``, ``account``, ``room``: features. ``items``: what is listed. ``stream``: features of
    the stream. ``own``: more in the own presence in a room.
    """

    def __init__(self, answers: dict[str, Answer] | None = None, **more: Any) -> None:
        self.answers = answers or {}
        self.domain = more.get("domain", DOMAIN)
        self.account = more.get("account", ACCOUNT)
        self.room = more.get("room", (MUC, MAM, "urn:xmpp:message-retract:1"))
        self.items = more.get("items", (ROOMS, FILES))
        self.own = more.get("own", "")
        self.codes = more.get("codes", (110, 201))
        self.drops = more.get("drops", ())
        stream = more.get("stream", "<sm xmlns='urn:xmpp:sm:3'/><csi xmlns='urn:xmpp:csi:0'/>")
        ver = caps.verification(fromstring(self._info("fake.test")))
        announced = f"<c xmlns='{caps.NS}' hash='sha-1' node='n' ver='{ver}'/>"
        super().__init__(self._answer, f"<f>{stream}{announced}</f>")

    def names(self) -> list[str]:
        """The local names of the payloads of all requests so far, with that of a first child."""
        return [_name(iq[0]) for iq in self.asked if iq.tag.endswith("}iq") and len(iq)]

    # --- what it does

    def _take(self, stanza: Element) -> None:
        kind = stanza.tag.rpartition("}")[2]
        if kind == "iq" and stanza.get("type") in ("get", "set"):
            super()._take(stanza)
            return
        self.asked.append(stanza)
        if kind == "enable":
            come(self.wire, "<enabled xmlns='urn:xmpp:sm:3'/>")
        elif kind == "presence":
            self._presence(stanza)
        elif kind == "message" and "message" not in self.drops:
            self._message(stanza)

    def _presence(self, stanza: Element) -> None:
        refusal = self.answers.get("presence")
        if refusal is not None:
            payload = refusal[1]
            come(
                self.wire, f"<presence from='{stanza.get('to')}' type='error'>{payload}</presence>"
            )
        elif stanza.get("type") is None:
            codes = "".join(f"<status code='{code}'/>" for code in self.codes)
            come(
                self.wire,
                f"<presence from='{stanza.get('to')}'><x xmlns='{MUC}#user'>{codes}</x>{self.own}"
                "</presence>",
            )
        else:
            come(
                self.wire,
                f"<presence from='{stanza.get('to')}' type='unavailable'>"
                f"<x xmlns='{MUC}#user'><status code='110'/></x></presence>",
            )

    def _message(self, stanza: Element) -> None:
        sender = stanza.get("to")
        if stanza.get("type") == "groupchat":
            sender = f"{sender}/alice"
        answer = self.answers.get("message", "".join(tostring(e).decode() for e in stanza))
        kind = stanza.get("type")
        if isinstance(answer, tuple):
            kind, answer = answer
        come(
            self.wire,
            f"<message from='{sender}' type='{kind}' id='{stanza.get('id')}'>{answer}</message>",
        )

    def _answer(self, iq: Element) -> Answer:
        payload, to = iq[0], iq.get("to", "")
        for key in (f"{to} {payload.tag}", f"{payload.tag}/{_first(payload)}", payload.tag):
            if key in self.answers:
                return self.answers[key]
        if payload.tag == f"{{{INFO}}}query":
            return self._info(to)
        if payload.tag == f"{{{ITEMS}}}query":
            return self._items(payload.get("node"))
        if payload.tag.endswith("}pubsub"):
            return self._pubsub(payload)
        return PAYLOADS.get(payload.tag, error("service-unavailable"))

    def _info(self, to: str) -> str:
        if to == "fake.test":
            return info(*self.domain, identities="<identity category='server' type='im'/>")
        if to == "alice@fake.test":
            return info(*self.account, identities=EVENTING)
        if to == FILES:
            return info("urn:xmpp:http:upload:0")
        if to == ROOMS:
            return info(MUC, identities=CONFERENCE)
        return info(*self.room, identities=CONFERENCE)

    def _items(self, node: str | None) -> str:
        rows = "".join(f"<item jid='{jid}'/>" for jid in (self.items if node is None else ()))
        return f"<query xmlns='{ITEMS}'>{rows}</query>"

    def _pubsub(self, payload: Element) -> str:
        action = _first(payload)
        if action == "publish":
            item = "<item id='current'/>"
            return f"<pubsub xmlns='{PUBSUB}'><publish node='n'>{item}</publish></pubsub>"
        if action == "items":
            return f"<pubsub xmlns='{PUBSUB}'><items node='n'><item id='current'/></items></pubsub>"
        if action == "configure":
            return configuration("whitelist")
        return ""


def configuration(access: str) -> str:
    """How the owner sees a node."""
    return (
        f"<pubsub xmlns='{PUBSUB}#owner'><configure node='n'><x xmlns='jabber:x:data' type='form'>"
        f"<field var='pubsub#access_model' type='list-single'><value>{access}</value></field>"
        "</x></configure></pubsub>"
    )


def _first(payload: Element) -> str:
    return payload[0].tag.rpartition("}")[2] if len(payload) else ""


def _name(payload: Element) -> str:
    first = _first(payload)
    name = payload.tag.rpartition("}")[2]
    return f"{name}/{first}" if first else name
