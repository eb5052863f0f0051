"""Notifications: the XEP's examples, who is believed, what was there before; how a watch ends."""

import asyncio
from contextlib import aclosing
from xml.etree.ElementTree import fromstring

import pytest

from tests.unit.session.streams import come, make_session
from xmppctl.errors import DeadlineError, RefusedError
from xmppctl.model.jid import parse
from xmppctl.protocol.pubsub import events, watch
from xmppctl.protocol.pubsub.watch import Options
from xmppctl.session.xml import serialise

PS = "http://jabber.org/protocol/pubsub"
STANZAS = "urn:ietf:params:xml:ns:xmpp-stanzas"
SERVICE = "pubsub.shakespeare.lit"
OWN = "alice@fake.test"
FULL = f"{OWN}/r"
NODE = "princely_musings"
ENTRY = "<entry xmlns='http://www.w3.org/2005/Atom'><title>Soliloquy</title></entry>"
DELAY = "<delay xmlns='urn:xmpp:delay' stamp='2003-12-13T23:58:37Z'/>"


def message(inner, *, sender=SERVICE, to=FULL, more=""):
    return (
        f"<message xmlns='jabber:client' from='{sender}' to='{to}'>"
        f"<event xmlns='{PS}#event'>{inner}</event>{more}</message>"
    )


def items(*ids, node=NODE, text=ENTRY):
    rows = "".join(f"<item id='{each}'>{text}</item>" for each in ids)
    return f"<items node='{node}'>{rows}</items>"


def read(text, nodes=(NODE,)):
    return list(events.read(fromstring(text), OWN, nodes))


# --- one notification


def test_an_item_with_its_payload():
    (event,) = read(message(items("ae890")))
    assert (event.service, event.node, event.type) == (SERVICE, NODE, "items")
    (item,) = event.items
    assert (item.id, item.text) == ("ae890", "Soliloquy")
    assert item.payload_ns == "http://www.w3.org/2005/Atom"
    assert not event.delayed
    assert event.timestamp is not None


def test_what_else_happens():
    (gone,) = read(message(f"<items node='{NODE}'><retract id='ae890'/><retract/></items>"))
    assert (gone.retracted, gone.items) == (["ae890"], [])
    (purged,) = read(message(f"<purge node='{NODE}'/>"))
    assert purged.type == "purge"
    (deleted,) = read(message(f"<delete node='{NODE}'><redirect uri='xmpp:a.b'/></delete>"))
    assert (deleted.type, deleted.redirect) == ("delete", "xmpp:a.b")
    (changed,) = read(message(f"<subscription node='{NODE}' jid='a@b.c' subscription='none'/>"))
    assert (changed.type, changed.jid, changed.state) == ("subscription", "a@b.c", "none")
    (odd,) = read(message(f"<subscription node='{NODE}' subscription='king'/>"))
    assert (odd.jid, odd.state) == (None, None)
    form = "<x xmlns='jabber:x:data' type='result'><field var='a'><value>1</value></field></x>"
    (configured,) = read(message(f"<configuration node='{NODE}'>{form}</configuration>"))
    assert configured.form.fields[0].values == ["1"]


def test_headers_tell_of_subscriptions_and_collections():
    headers = (
        "<headers xmlns='http://jabber.org/protocol/shim'><header name='SubID'>123-abc</header>"
        "<header name='SubID'>004-yyy</header><header name='Collection'>blogs</header></headers>"
    )
    (event,) = read(message(items("1"), more=headers))
    assert event.shim == {"SubID": "123-abc\n004-yyy", "Collection": "blogs"}
    (event,) = read(message(items("1"), more=headers), nodes=("blogs",))
    assert event.node == NODE
    assert read(message(items("1"), more=headers), nodes=("other",)) == []


@pytest.mark.parametrize(
    "inner",
    [
        "",
        "<items/>",
        "<items node=''/>",
        f"<king node='{NODE}'/>",
        items("1", node="other"),
        "text",
    ],
)
def test_nothing_to_tell(inner):
    assert read(message(inner)) == []


@pytest.mark.parametrize(
    ("by", "delayed"),
    [("", True), (f" from='{SERVICE}'", True), (" from='fake.test'", True), (" from='x'", False)],
)
def test_a_delay_counts_from_the_service_and_the_own_server(by, delayed):
    more = DELAY.replace("<delay", f"<delay{by}")
    (event,) = read(message(items("1"), more=more))
    assert event.delayed is delayed
    assert (event.timestamp.year == 2003) is delayed


def test_a_date_that_is_none_is_no_delay():
    (event,) = read(message(items("1"), more="<delay xmlns='urn:xmpp:delay' stamp='old'/>"))
    assert not event.delayed


@pytest.mark.parametrize(
    ("text", "believed"),
    [
        (message(items("1")), True),
        (message(items("1"), sender=f"{SERVICE}/x"), False),
        (message(items("1"), sender="eve@evil.lit"), False),
        (message(items("1")).replace("<message", "<message type='error'"), False),
        (message(items("1", node="other")), False),
        (message(items("1")).replace("message", "presence"), False),
        (message(items("1")).replace(f"{PS}#event", "other"), False),
    ],
)
def test_only_the_service_in_its_own_name_is_believed(text, believed):
    session, *_ = make_session()
    matches = events.may_tell(session, lambda jid: jid == parse(SERVICE), [NODE])
    assert matches(fromstring(text)) is believed


# --- what was there before


def answer(*ids):
    return fromstring(f"<iq><pubsub xmlns='{PS}'>{items(*ids)}</pubsub></iq>")


def event(*ids, more=""):
    return read(message(items(*ids), more=more))[0]


def test_what_was_read_before_is_old_until_the_watch_is_in_effect():
    past = events.Past(lasting=False)
    past.knows(SERVICE, NODE, answer("a"))
    assert past.has(event("a"))
    assert not past.has(event("b"))  # published since it was read
    past.ends()
    assert not past.has(event("a"))
    assert past.has(event("c", more=DELAY))


def test_what_could_not_be_read_is_old_as_long():
    past = events.Past(lasting=True)
    past.knows(SERVICE, NODE, fromstring("<iq type='error'/>"))
    assert past.has(event("a"))
    assert not past.has(read(message(f"<purge node='{NODE}'/>"))[0])
    past.ends()
    assert not past.has(event("a"))


def test_a_last_item_may_come_late_but_once():
    past = events.Past(lasting=True)
    past.knows(SERVICE, NODE, answer("a"))
    past.ends()
    assert past.has(event("a"))
    assert not past.has(event("a"))
    told = events.Past(lasting=True)
    told.knows(SERVICE, NODE, answer("a"))
    assert told.has(event("a"))
    told.ends()
    assert not told.has(event("a"))


def test_the_same_id_with_other_content_is_new():
    past = events.Past(lasting=True)
    past.knows(SERVICE, NODE, answer("current"))
    changed = read(message(items("current", text="<x xmlns='y'/>")))[0]
    assert not past.has(changed)


# --- a watch


class Service:
    """Answers requests; ``subscribed``: the answer to a subscription, or an error."""

    def __init__(self, known="", subscribed=None, last=""):
        self.session, self.wire, self.transport = make_session()
        self.known = known
        self.last = last
        self.subscribed = subscribed or self.row(FULL)
        self.log = []
        self.feed = []

    @staticmethod
    def row(jid, state="subscribed"):
        return f"<subscription node='{NODE}' jid='{jid}' subid='s1' subscription='{state}'/>"

    def answer(self):
        text = self.transport.text
        for stanza in fromstring(f"<s xmlns='jabber:client'>{text}</s>") if text else ():
            shown = serialise(stanza, "").replace('"', "'")
            self.log.append(shown)
            if not stanza.tag.endswith("iq"):
                continue
            kind, found = "result", ""
            if "<subscriptions" in shown:
                found = f"<pubsub xmlns='{PS}'><subscriptions>{self.known}</subscriptions></pubsub>"
            elif "<subscribe " in shown:
                if self.last:
                    come(self.wire, self.last)
                found = f"<pubsub xmlns='{PS}'>{self.subscribed}</pubsub>"
                if self.subscribed.startswith("<error"):
                    kind, found = "error", self.subscribed
            elif "<items" in shown:
                found = f"<pubsub xmlns='{PS}'>{items('old')}</pubsub>"
            sender = f"from='{stanza.get('to')}'" if stanza.get("to") else ""
            come(self.wire, f"<iq type='{kind}' id='{stanza.get('id')}' {sender}>{found}</iq>")

    def watch(self, *incoming, cancel=False, **how):
        """The ids of the items of the events of a watch, of the stanzas that come in it."""
        seen = []

        def ready():
            if incoming:
                come(self.wire, *incoming)

        async def collect():
            options = Options(**{"count": 1, "seconds": 5.0, **how})
            watching = watch.watch(self.session, parse(SERVICE), [NODE], options, ready)
            async with aclosing(watching) as found:
                async for each in found:
                    seen.append([item.id for item in each.items])

        async def both():
            task = asyncio.ensure_future(collect())
            while not task.done():
                await asyncio.sleep(0)
                self.answer()
                if cancel and not cancelled and any("ping" in each for each in self.log):
                    task.cancel()
                    cancelled.append(True)
            await task

        cancelled = []
        asyncio.run(both())
        return seen

    def sent(self, text):
        return [each for each in self.log if text in each]


def test_a_watch_subscribes_and_ends_that():
    service = Service()
    assert service.watch(message(items("new"))) == [["new"]]
    assert f"jid='{FULL}'" in service.sent("<subscribe ")[0]
    assert "subid='s1'" in service.sent("<unsubscribe ")[0]
    assert not service.sent("<presence")


def test_an_own_subscription_of_this_client_is_left_alone():
    service = Service(known=Service.row(FULL))
    assert service.watch(message(items("new"))) == [["new"]]
    assert not service.sent("<subscribe ")
    assert not service.sent("<unsubscribe ")


def test_what_is_for_the_account_is_not_told_twice():
    service = Service(known=Service.row(OWN))
    both = (message(items("1"), to=OWN), message(items("1")), message(items("2")))
    assert service.watch(*both, count=2) == [["1"], ["2"]]
    assert len(service.sent("<unsubscribe ")) == 1


def test_new_only_leaves_out_what_the_subscription_brings():
    last = message(items("old"))
    assert Service(last=last).watch(message(items("new"))) == [["old"]]
    assert Service(last=last).watch(message(items("new")), new_only=True) == [["new"]]


def test_a_node_that_owners_approve():
    service = Service(subscribed=Service.row(FULL, "pending"))
    with pytest.raises(RefusedError) as raised:
        service.watch()
    assert raised.value.condition == "pending-subscription"
    assert service.sent("<unsubscribe ")  # the request is not left behind


def test_a_subscription_that_is_refused():
    refused = f"<error type='auth'><forbidden xmlns='{STANZAS}'/></error>"
    service = Service(subscribed=refused)
    with pytest.raises(RefusedError) as raised:
        service.watch()
    assert raised.value.condition == "forbidden"
    assert not service.sent("<unsubscribe ")


def test_too_few_is_a_timeout_and_ends_the_subscription():
    service = Service()
    with pytest.raises(DeadlineError):
        service.watch(seconds=0.01)
    assert service.sent("<unsubscribe ")


def test_a_signal_ends_the_subscription():
    service = Service()
    with pytest.raises(asyncio.CancelledError):
        service.watch(cancel=True)
    assert service.sent("<unsubscribe ")


def test_forged_notifications_are_neither_told_nor_taken():
    service = Service()
    forged = message(items("forged"), sender="eve@evil.lit/x")
    assert service.watch(forged, message(items("new"))) == [["new"]]
