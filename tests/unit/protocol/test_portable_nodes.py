"""All of a node's items, whether the account gives them at once or in pages."""

from __future__ import annotations

import asyncio
from xml.etree.ElementTree import fromstring

import pytest

from tests.unit.session.streams import come, make_session
from xmppctl.errors import RefusedError, UnsupportedError
from xmppctl.protocol.portable import nodes

PS = "http://jabber.org/protocol/pubsub"
RSM = "http://jabber.org/protocol/rsm"
STANZAS = "urn:ietf:params:xml:ns:xmpp-stanzas"


def ask(operation, answers):
    """What ``operation`` gives; ``answers(payload)`` are (type, text) of each question."""
    session, wire, transport = make_session()

    async def both():
        task = asyncio.ensure_future(operation(session))
        while not task.done():
            await asyncio.sleep(0)
            text = transport.text
            for iq in fromstring(f"<s xmlns='jabber:client'>{text}</s>") if text else ():
                kind, payload = answers(iq[0])
                come(wire, f"<iq type='{kind}' id='{iq.get('id')}'>{payload}</iq>")
        return task.result()

    return asyncio.run(both())


def paged(count, size, *, stuck=False):
    def answers(payload):
        after = payload.findtext(f"{{{RSM}}}set/{{{RSM}}}after")
        begin = 0 if after is None or stuck else int(after) + 1
        names = range(begin, min(count, begin + size))
        rows = "".join(f"<item id='{name}'><x xmlns='urn:x'/></item>" for name in names)
        page = f"<set xmlns='{RSM}'><last>{names[-1]}</last><count>{count}</count></set>"
        return "result", f"<pubsub xmlns='{PS}'><items node='n'>{rows}</items>{page}</pubsub>"

    return answers


def test_pages_are_followed_to_the_end():
    found = ask(lambda session: nodes.items(session, "n"), paged(7, 3))
    assert [each.get("id") for each in found] == list("0123456")


def test_pages_that_do_not_end():
    with pytest.raises(RefusedError) as error:
        ask(lambda session: nodes.items(session, "n"), paged(7, 3, stuck=True))
    assert error.value.condition == "malformed-answer"


def test_a_node_without_its_configuration_is_told():
    def answers(payload):
        action = payload[0].tag.rpartition("}")[2]
        if action == "configure":
            return "error", f"<error type='cancel'><forbidden xmlns='{STANZAS}'/></error>"
        return "result", f"<pubsub xmlns='{PS}'><items node='n'/></pubsub>"

    found, errors = ask(lambda session: nodes.read_all(session, ["n"]), answers)
    assert found == []
    assert [each.condition for each in errors] == ["forbidden"]
    assert "the configuration of the node n" in errors[0].text


def test_a_node_that_is_gone_meanwhile_is_left_out():
    gone = f"<error type='cancel'><item-not-found xmlns='{STANZAS}'/></error>"
    found = ask(lambda session: nodes.read_all(session, ["n"]), lambda _: ("error", gone))
    assert found == ([], [])
    assert ask(lambda session: nodes.configuration(session, "n"), lambda _: ("error", gone)) is None


@pytest.mark.parametrize("payload", ["", "<x xmlns='urn:x'/>", f"<pubsub xmlns='{PS}'/>"])
def test_answers_that_are_none(payload):
    for operation in (nodes.items, nodes.configuration):
        with pytest.raises(RefusedError) as error:
            ask(lambda session, ask=operation: ask(session, "n"), lambda _: ("result", payload))
        assert error.value.condition == "malformed-answer"


DISCO = "http://jabber.org/protocol/disco"


def disco(info, items):
    def answers(payload):
        if payload.tag == f"{{{DISCO}#info}}query":
            return "result", f"<query xmlns='{DISCO}#info'>{info}</query>"
        return "result", f"<query xmlns='{DISCO}#items'>{items}</query>"

    return answers


def test_the_nodes_of_the_account_and_nothing_else():
    items = (
        "<item jid='alice@fake.test' node='n'/><item jid='alice@fake.test/r'/>"
        "<item jid='other@fake.test' node='m'/><item jid='alice@fake.test' node='n'/>"
    )
    pep = "<identity category='pubsub' type='pep'/>"
    assert ask(nodes.names, disco(pep, items)) == ["n"]
    assert ask(nodes.names, disco(pep, "")) == []
    with pytest.raises(UnsupportedError, match="XEP-0163"):
        ask(nodes.names, disco("", ""))
