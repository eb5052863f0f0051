"""A session whose server has the three stores of bookmarks; others may write in between."""

import asyncio
from xml.etree.ElementTree import fromstring

from tests.unit.session.streams import come, make_session
from xmppctl.protocol.bookmarks import changes, stores
from xmppctl.protocol.bookmarks.manner import Manner
from xmppctl.session.xml import serialise

NS = "urn:xmpp:bookmarks:1"
LEGACY = "storage:bookmarks"
PS = "http://jabber.org/protocol/pubsub"
OPTIONS = f"{PS}#publish-options"
STANZAS = "urn:ietf:params:xml:ns:xmpp-stanzas"
COMPAT = (f"{NS}#compat", f"{NS}#compat-pep")
NAMES = {NS: "pep", LEGACY: "pep-legacy"}


def storage(inner):
    return f"<storage xmlns='{LEGACY}'>{inner}</storage>"


class Account:
    """``pep``: items by JID; ``private``, ``legacy``: what is inside the element, None for none.

    ``lacking``: stores that are answered service-unavailable. ``deaf``: yes to all, and nothing
    is stored. ``meddle(account, what)`` is called before each request.
    """

    def __init__(
        self,
        *features,
        pep=None,
        private=None,
        legacy=None,
        lacking=(),
        deaf=False,
        meddle=lambda account, what: None,
    ):
        self.session, self.wire, self.transport = make_session()
        self.features = {OPTIONS, *features}
        self.nodes = {}
        if pep is not None:
            self.nodes[NS] = {str(jid): text for jid, text in pep.items()}
        if legacy is not None:
            self.nodes[LEGACY] = {"current": storage(legacy)}
        self.private = None if private is None else storage(private)
        self.lacking = lacking
        self.deaf = deaf
        self.meddle = meddle
        self.log = []
        self.warnings = []
        self.manner = Manner(self.warnings.append)

    def run(self, operation):
        async def both():
            task = asyncio.ensure_future(operation)
            while not task.done():
                await asyncio.sleep(0)
                text = self.transport.text
                for iq in fromstring(f"<s xmlns='jabber:client'>{text}</s>") if text else ():
                    assert iq.get("to") in (None, self.session.bare)
                    answer = self._answer(iq)
                    kind = "error" if answer.startswith("<error") else "result"
                    come(self.wire, f"<iq type='{kind}' id='{iq.get('id')}'>{answer}</iq>")
            return task.result()

        return asyncio.run(both())

    def _answer(self, iq):
        payload = iq[0]
        if payload.tag.endswith("#info}query"):
            self.log.append("disco")
            features = "".join(f"<feature var='{each}'/>" for each in self.features)
            return f"<query xmlns='http://jabber.org/protocol/disco#info'>{features}</query>"
        inner = payload[0]
        verb = inner.tag.rpartition("}")[2]
        store = NAMES[inner.get("node")] if verb != "storage" else "private"
        what = f"{iq.get('type') if store == 'private' else verb} {store}"
        self.log.append(what)
        self.meddle(self, what)
        if store in self.lacking:
            return error("service-unavailable")
        if store == "private":
            return self._private(iq.get("type"), inner)
        return self._pubsub(verb, inner, payload)

    def _private(self, kind, inner):
        if kind == "get":
            found = self.private or storage("")
            return f"<query xmlns='jabber:iq:private'>{found}</query>"
        if not self.deaf:
            self.private = serialise(inner, "")
        return ""

    def _pubsub(self, verb, inner, payload):
        node = inner.get("node")
        if verb == "items":
            if node not in self.nodes:
                return error("item-not-found")
            items = "".join(f"<item id='{i}'>{x}</item>" for i, x in self.nodes[node].items())
            return f"<pubsub xmlns='{PS}'><items node='{node}'>{items}</items></pubsub>"
        (item,) = inner
        if verb == "publish":
            options = {field.get("var"): field[0].text for field in payload[1][0]}
            assert options["pubsub#access_model"] == "whitelist"
            assert options["pubsub#persist_items"] == "1"
        else:
            assert inner.get("notify") == "true"
            if item.get("id") not in self.nodes.get(node, {}):
                return error("item-not-found")
        if self.deaf:
            return ""
        if verb == "publish":
            self.nodes.setdefault(node, {})[item.get("id")] = serialise(item[0], "")
        else:
            del self.nodes[node][item.get("id")]
        return ""

    # what is stored

    def item(self, jid):
        return fromstring(self.nodes[NS][str(jid)])

    def blob(self, store="private"):
        return fromstring(self.private if store == "private" else self.nodes[LEGACY]["current"])

    # what is tested

    def fetch(self, choice="auto", **more):
        return self.run(stores.fetch(self.session, choice, self.warnings.append, **more))

    def put(self, subject, wish, choice="auto", mode="put"):
        wishes = {subject: wish}
        (record,) = self.run(changes.put(self.session, wishes, choice, mode, self.manner))
        return record

    def remove(self, *subjects, choice="auto", **more):
        return self.run(changes.remove(self.session, subjects, choice, self.manner, **more))

    def convert(self, to, source="auto"):
        return self.run(changes.convert(self.session, to, source, self.manner))


def error(condition):
    return f"<error type='cancel'><{condition} xmlns='{STANZAS}'/></error>"
