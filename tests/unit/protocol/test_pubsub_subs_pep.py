"""Personal eventing: the nodes of an account, who is believed, what a server has to be told."""

import asyncio
from contextlib import aclosing
from xml.etree.ElementTree import fromstring

import pytest

from tests.unit.session.streams import come, make_session
from xmppctl.errors import RefusedError, UnsupportedError
from xmppctl.model.jid import parse
from xmppctl.protocol.pubsub import pepwatch
from xmppctl.protocol.pubsub.watch import Options
from xmppctl.session.xml import serialise

DISCO = "http://jabber.org/protocol/disco#"
EVENT = "http://jabber.org/protocol/pubsub#event"
CAPS = "http://jabber.org/protocol/caps"
OWN, BOB = "alice@fake.test", "bob@fake.test"
TUNE = "http://jabber.org/protocol/tune"
PEP = "<identity category='pubsub' type='pep'/>"
ROSTER = (
    f"<query xmlns='jabber:iq:roster'><item jid='{BOB}' subscription='to'/>"
    "<item jid='carol@fake.test' subscription='from'/></query>"
)


class Server:
    """``identity`` and ``items``: of the account; ``before``: what comes with the presence."""

    def __init__(self, identity=PEP, items="", before=()):
        self.session, self.wire, self.transport = make_session()
        self.identity = identity
        self.items = items
        self.before = before
        self.log = []

    def answer(self):
        text = self.transport.text
        for stanza in fromstring(f"<s xmlns='jabber:client'>{text}</s>") if text else ():
            self.log.append(serialise(stanza, "").replace('"', "'"))
            if stanza.tag.endswith("presence") and self.before:
                come(self.wire, *self.before)
                self.before = ()
            if not stanza.tag.endswith("iq") or stanza.get("type") not in ("get", "set"):
                continue
            found = ""
            if "disco#info" in self.log[-1]:
                found = f"<query xmlns='{DISCO}info'>{self.identity}</query>"
            elif "disco#items" in self.log[-1]:
                found = f"<query xmlns='{DISCO}items'>{self.items}</query>"
            elif "iq:roster" in self.log[-1]:
                found = ROSTER
            sender = f"from='{stanza.get('to')}'" if stanza.get("to") else ""
            come(self.wire, f"<iq type='result' id='{stanza.get('id')}' {sender}>{found}</iq>")

    def run(self, operation):
        async def both():
            task = asyncio.ensure_future(operation())
            while not task.done():
                await asyncio.sleep(0)
                self.answer()
            return task.result()

        return asyncio.run(both())

    def watch(self, jid=None, **how):
        """Who published what, as a watch tells it."""

        async def collect():
            options = Options(**{"seconds": 0.05, **how})
            watching = pepwatch.watch(self.session, jid, [TUNE], options, lambda: None)
            async with aclosing(watching) as found:
                return [(each.service, each.node) async for each in found]

        return self.run(collect)


def event(sender, node=TUNE):
    item = f"<items node='{node}'><item id='1'/></items>"
    return f"<message from='{sender}'><event xmlns='{EVENT}'>{item}</event></message>"


def test_the_nodes_of_an_account():
    items = (
        f"<item jid='{OWN}' node='{TUNE}' name='Tune'/><item jid='{OWN}/r'/>"
        f"<item jid='{OWN}/r' node='a'/><item jid='{BOB}' node='b'/><item jid='{OWN}'/>"
    )
    server = Server(items=items)
    (found,) = server.run(lambda: pepwatch.nodes(server.session, None))
    assert (found.jid, found.node, found.name) == (OWN, TUNE, "Tune")


def test_an_account_without_personal_eventing():
    server = Server(identity="<identity category='account' type='registered'/>")
    with pytest.raises(UnsupportedError):
        server.run(lambda: pepwatch.nodes(server.session, parse(BOB)))


def test_contacts_and_the_own_account_are_believed_in_their_own_name():
    senders = (BOB, OWN, f"{BOB}/phone", "carol@fake.test", "eve@evil.lit", "fake.test")
    server = Server(before=[*(event(each) for each in senders), event(BOB, "other")])
    assert server.watch() == [(BOB, TUNE), (OWN, TUNE)]
    server = Server(before=[event(each) for each in senders])
    assert server.watch(parse(BOB)) == [(BOB, TUNE)]


def test_who_does_not_tell_cannot_be_watched():
    with pytest.raises(RefusedError) as raised:
        Server().watch(parse("carol@fake.test"))
    assert raised.value.condition == "subscription-required"


@pytest.mark.parametrize("sender", [OWN, f"{OWN}/r", "fake.test", None])
def test_the_server_learns_what_is_of_interest(sender):
    """It asks, and is told; the last items of before come with other capabilities."""
    by = "" if sender is None else f"from='{sender}'"
    asking = f"<iq type='get' id='q' {by}><query xmlns='{DISCO}info'/></iq>"
    server = Server(before=[asking])
    server.watch(seconds=0.5)
    (told,) = [each for each in server.log if "id='q'" in each]
    assert f"<feature var='{TUNE}+notify'/>" in told
    assert len([each for each in server.log if each.startswith("<presence")]) == 1  # no caps asked


def test_it_appears_again_where_it_was_asked_for_its_capabilities():
    server = Server()
    server.watch()
    (first,) = [each for each in server.log if each.startswith("<presence")]
    node = f"{capabilities(first).get('node')}#{capabilities(first).get('ver')}"
    asking = f"<iq type='get' id='q' from='{OWN}/r'><query xmlns='{DISCO}info' node='{node}'/></iq>"
    server = Server(before=[asking])
    server.watch(seconds=0.5)
    shown = [capabilities(each).attrib for each in server.log if each.startswith("<presence")]
    assert len(shown) == 3
    assert shown[0] == shown[2] != shown[1]
    # nothing of that where the items came
    server = Server(before=[asking, event(BOB)])
    server.watch(seconds=0.5)
    assert len([each for each in server.log if each.startswith("<presence")]) == 1
    # nor for somebody else
    server = Server(before=[asking.replace(f"{OWN}/r", f"{BOB}/x")])
    server.watch(seconds=0.5)
    assert len([each for each in server.log if each.startswith("<presence")]) == 1


def capabilities(presence):
    return fromstring(presence).find(f"{{{CAPS}}}c")
