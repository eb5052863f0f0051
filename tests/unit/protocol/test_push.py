"""Push without a server: what is asked, and what the answers prove."""

import asyncio
from xml.etree.ElementTree import fromstring

import pytest

from tests.unit.session.streams import come, make_session
from xmppctl.errors import RefusedError, UnsupportedError, UsageError
from xmppctl.model.jid import parse
from xmppctl.model.push import Push, PushService
from xmppctl.protocol import push
from xmppctl.session.xml import serialise

NS = "urn:xmpp:push:0"
DISCO = "http://jabber.org/protocol/disco#"
STANZAS = "urn:ietf:params:xml:ns:xmpp-stanzas"
SERVICE = parse("push-5.client.example")


def error(condition, kind="cancel"):
    return f"<error type='{kind}'><{condition} xmlns='{STANZAS}'/></error>"


class Server:
    """``enabled``: services and nodes. ``telling``: says what was not enabled. ``pushes``: JIDs
    of its items that are push services."""

    def __init__(self, *enabled, telling=True, features=(NS,), pushes=(), refusal=None):
        self.session, self.wire, self.transport = make_session()
        self.enabled = set(enabled)
        self.telling = telling
        self.features = features
        self.pushes = pushes
        self.refusal = refusal
        self.asked = []

    def run(self, operation):
        async def both():
            task = asyncio.ensure_future(operation)
            while not task.done():
                await asyncio.sleep(0)
                text = self.transport.text
                for iq in fromstring(f"<s xmlns='jabber:client'>{text}</s>") if text else ():
                    answer = self._answer(iq)
                    kind = "error" if answer.startswith("<error") else "result"
                    sender = f"from='{iq.get('to')}'" if iq.get("to") else ""
                    come(self.wire, f"<iq type='{kind}' id='{iq.get('id')}' {sender}>{answer}</iq>")
            return task.result()

        return asyncio.run(both())

    def _answer(self, iq):
        payload, to = iq[0], iq.get("to")
        if payload.tag == f"{{{DISCO}info}}query":
            return self._info(to)
        if payload.tag == f"{{{DISCO}items}}query":
            items = "".join(f"<item jid='{each}'/>" for each in ("dead.test", *self.pushes))
            return f"<query xmlns='{DISCO}items'>{items}</query>"
        assert to is None and iq.get("type") == "set"
        self.asked.append(serialise(payload, ""))
        if self.refusal is not None:
            return self.refusal
        key = (payload.get("jid"), payload.get("node"))
        if payload.tag == f"{{{NS}}}enable":
            self.enabled.add(key)
            return ""
        found = {each for each in self.enabled if each[0] == key[0] and key[1] in (None, each[1])}
        self.enabled -= found
        return "" if found or not self.telling else error("item-not-found")

    def _info(self, to):
        if to == "dead.test":
            return error("service-unavailable")
        kind = "push" if to in self.pushes else "im"
        features = "".join(f"<feature var='{each}'/>" for each in self.features)
        return (
            f"<query xmlns='{DISCO}info'><identity category='pubsub' type='{kind}'/>{features}"
            "</query>"
        )

    def enable(self, service=SERVICE, node="yxs32uqsflafdk3iuqo", **options):
        values = {name: [value] for name, value in options.items()}
        return self.run(push.enable(self.session, service, node, values))

    def disable(self, node="n", *, known=False):
        return self.run(push.disable(self.session, SERVICE, node, known=known))


def test_the_examples():
    server = Server()
    assert server.enable() == Push(str(SERVICE), "yxs32uqsflafdk3iuqo", True)
    server.enable(secret="eruio234vzxc2kla-91")
    plain, with_secret = server.asked
    assert plain == (
        f"<enable xmlns='{NS}' jid='push-5.client.example' node='yxs32uqsflafdk3iuqo'/>"
    )
    form = fromstring(with_secret)[0]
    assert [(field.get("var"), field[0].text) for field in form] == [
        ("FORM_TYPE", "http://jabber.org/protocol/pubsub#publish-options"),
        ("secret", "eruio234vzxc2kla-91"),
    ]
    assert form.get("type") == "submit"
    server.disable(None)
    assert server.asked[-1] == f"<disable xmlns='{NS}' jid='push-5.client.example'/>"


def test_a_server_without_push():
    server = Server(features=())
    with pytest.raises(UnsupportedError, match="push notifications"):
        server.enable()
    assert server.asked == []
    with pytest.raises(UnsupportedError):
        server.disable()
    assert server.run(push.status(server.session)).supported is False
    status = Server(features=("urn:xmpp:push:1", NS, "other"))
    found = status.run(push.status(status.session))
    assert (found.supported, found.features) == (True, [NS, "urn:xmpp:push:1"])


def test_a_service_is_looked_for():
    with pytest.raises(UnsupportedError, match="names no push service"):
        Server().enable(None, None)
    server = Server(pushes=("one.test",))
    assert server.enable(None, None) == Push("one.test", None, True)
    assert server.run(push.services(server.session, "fake.test")) == [PushService("one.test")]
    with pytest.raises(UsageError, match=r"one\.test, two\.test"):
        Server(pushes=("one.test", "two.test")).enable(None, None)


def test_refusals():
    with pytest.raises(RefusedError, match="bad-request"):
        Server(refusal=error("bad-request", "modify")).enable()
    with pytest.raises(UnsupportedError, match="only with a node"):
        Server(refusal=error("feature-not-implemented")).enable(node=None)
    with pytest.raises(RefusedError):
        Server(refusal=error("feature-not-implemented")).enable(node="n")
    with pytest.raises(RefusedError, match="forbidden"):
        Server(refusal=error("forbidden", "auth")).disable(known=True)


def test_a_server_that_tells_is_believed():
    here = (str(SERVICE), "n")
    for known in (True, False):
        server = Server(here, (str(SERVICE), "m"))
        server.disable(known=known)
        assert server.enabled == {(str(SERVICE), "m")}
        with pytest.raises(RefusedError) as refused:
            server.disable(known=known)
        assert refused.value.condition == "item-not-found"


def test_of_one_that_tells_nothing_it_counts_what_is_known_here():
    here = (str(SERVICE), "n")
    server = Server(here, telling=False)
    server.disable(known=True)
    assert server.enabled == set()
    server = Server(here, telling=False)
    with pytest.raises(RefusedError, match="was not enabled here") as refused:
        server.disable()
    assert refused.value.condition == "item-not-found"
    assert server.enabled == set()  # as the text says
