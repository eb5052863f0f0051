"""XEP-0033: addresses in a message, and who is named to whom."""

import asyncio
from xml.etree.ElementTree import Element, fromstring

from xmppctl.model.jid import parse
from xmppctl.model.payload.delivery import Address
from xmppctl.protocol import message, multicast
from xmppctl.protocol.payload import Context, addresses

A, B, C = (parse(f"{name}@x.test") for name in "abc")


def named(stanza):
    return message.read(stanza, Context("me@x.test")).addresses


def test_reading_and_attaching():
    given = [Address("to", "a@x.test", desc="A"), Address("noreply")]
    stanza = Element("{jabber:client}message")
    addresses.attach(stanza, [Address("to", "old@x.test")])
    addresses.attach(stanza, given)
    assert named(stanza) == given
    addresses.attach(stanza, [])
    assert (named(stanza), len(stanza)) == ([], 0)
    odd = fromstring(
        "<message xmlns='jabber:client'><addresses xmlns='http://jabber.org/protocol/address'>"
        "<address jid='x'/><address type='ofrom' jid='y' delivered='true'/></addresses></message>"
    )
    assert named(odd) == [Address("ofrom", "y", delivered=True)]


def test_without_a_service_each_sees_the_public_ones_and_itself():
    plan = multicast.Plan(to=(A,), bcc=(B, C), reply_to=(C,), no_reply=True)
    template = Element("{jabber:client}message", {"id": "1"})

    async def collect():
        return [each async for each in multicast._each(template, plan)]

    made = asyncio.run(collect())
    assert [each.to for each in made] == [A, B, C]
    seen = [{(a.type, a.jid) for a in named(m.stanza)} for m in made]
    common = {("to", str(A)), ("replyto", str(C)), ("noreply", None)}
    assert seen == [common, common | {("bcc", str(B))}, common | {("bcc", str(C))}]
    assert all(m.stanza.get("to") == str(m.to) and m.id == "1" for m in made)


def test_who_is_named_twice_gets_it_once():
    assert multicast.Plan(to=(A, B), bcc=(B,)).recipients == (A, B)
