"""`xmppctl push`: a component is the push service, and is told of messages or not."""

from __future__ import annotations

import pytest

from tests.peers.rawxml import RawComponent
from tests.servers.quirks import Quirk

pytestmark = pytest.mark.in_turn

NS = "urn:xmpp:push:0"
PS = "http://jabber.org/protocol/pubsub"
INFO = "http://jabber.org/protocol/disco#info"
FIELD = "{jabber:x:data}field"
VALUE = "{jabber:x:data}value"


class Service:
    """A push service, which takes all that is published to it."""

    def __init__(self, component):
        self.component = component
        self.jid = component.domain

    def answer(self, stanza, payload=""):
        self.component.send(
            f"<iq type='result' id='{stanza.get('id')}' from='{self.jid}' "
            f"to='{stanza.get('from')}'>{payload}</iq>"
        )

    def published(self, stanza):
        """Node and secret of a notification; None for anything else, which gets an answer too."""
        if stanza.get("type") in ("get", "set"):
            self.answer(stanza)
        publish = stanza.find(f"{{{PS}}}pubsub/{{{PS}}}publish")
        if publish is None or publish.find(f".//{{{NS}}}notification") is None:
            return None
        form = stanza.iterfind(f"{{{PS}}}pubsub/{{{PS}}}publish-options//{FIELD}")
        return publish.get("node"), {field.get("var"): field.findtext(VALUE) for field in form}.get(
            "secret"
        )

    def told_of(self, sender, to, text, nodes=()):
        """All notifications of a message, when those of ``nodes`` have come."""
        sender.message(to, text)
        found = set()
        while not set(nodes) <= {node for node, _ in found}:
            found |= {self.published(self.component.recv())}
            found.discard(None)
        # comes behind whatever else the message gave rise to
        end = f"end-{text}"
        sender.send(f"<iq type='get' id='{end}' to='{self.jid}'><ping xmlns='urn:xmpp:ping'/></iq>")
        while (stanza := self.component.recv()).get("id") != end:
            found |= {self.published(stanza)}
        return found - {None}


@pytest.fixture
def service(server):
    with RawComponent.attach(server) as component:
        yield Service(component)


@pytest.fixture
def push(xmppctl, bob):
    """``push("enable", ...)`` as bob: the record, or the error object."""

    def run(*args, code=0):
        result = xmppctl("--json", "push", *args, account=bob).expect(code)
        return result.error() if code else result.json()

    return run


def test_enabled_it_outlives_the_session(push, alice, bob, raw, service):
    sender = raw(alice)
    record = push("enable", service.jid, "tok", "--option", "secret=s3cret")
    assert record == {"service": service.jid, "node": "tok", "enabled": True}
    push("enable", service.jid, "other")
    both = {("tok", "s3cret"), ("other", None)}
    assert service.told_of(sender, bob.jid, "one", ["tok", "other"]) == both
    record = push("disable", service.jid, "tok")
    assert record == {"service": service.jid, "node": "tok", "enabled": False}
    assert service.told_of(sender, bob.jid, "two", ["other"]) == {("other", None)}
    assert push("status")["enabled_here"] == [
        {"service": service.jid, "node": "other", "enabled": True}
    ]
    push("disable", service.jid)
    assert service.told_of(sender, bob.jid, "three") == set()
    assert push("status")["enabled_here"] == []


def test_a_secret_from_a_file(xmppctl, push, alice, bob, raw, service, tmp_path):
    file = tmp_path / "secret"
    file.write_text("from a file\n")
    file.chmod(0o600)
    arguments = ("--debug-xml", "push", "enable", service.jid, "n", "--secret-file", str(file))
    run = xmppctl(*arguments, account=bob).expect()
    assert "[redacted]" in run.err and "from a file" not in run.err + run.out
    assert service.told_of(raw(alice), bob.jid, "one", ["n"]) == {("n", "from a file")}


def test_disabling_what_is_not_enabled(push, server):
    service = f"push.{server.domain}"
    assert push("disable", service, "n", code=6)["condition"] == "item-not-found"
    push("enable", service, "n")
    push("disable", service, "n")
    for arguments in ((service, "n"), (service,)):
        error = push("disable", *arguments, code=6)
        assert (error["condition"], error["by"]) == ("item-not-found", server.domain)
    assert push("disable", service, "--if-exists")["enabled"] is False


def test_what_another_client_enabled(push, alice, bob, raw, service, server):
    other = raw(bob)
    enable = f"<enable xmlns='{NS}' jid='{service.jid}' node='theirs'/>"
    assert other.iq(enable, type="set").get("type") == "result"
    other.close()
    sender = raw(alice)
    assert service.told_of(sender, bob.jid, "one", ["theirs"]) == {("theirs", None)}
    if Quirk.PUSH_DISABLE_UNKNOWN_REFUSED in server.quirks:
        push("disable", service.jid, "theirs")
    else:  # the server does not tell whether it was enabled
        error = push("disable", service.jid, "theirs", code=6)
        assert "was not enabled here" in error["text"]
    assert service.told_of(sender, bob.jid, "two") == set()


def test_no_push_service(push, xmppctl, bob, server):
    assert push("service") == []
    assert xmppctl("push", "service", "--fail-empty", account=bob).code == 10
    error = push("enable", code=7)
    assert (error["step"], error["by"]) == ("push", server.domain)
    assert "pubsub/push" in error["text"]
    status = push("status")
    assert (status["jid"], status["supported"], status["features"]) == (bob.jid, True, [NS])


def test_a_push_service_is_found(xmppctl, bob, service):
    def run(*args):
        running = xmppctl.start("--json", "push", *args, account=bob)
        query = f"<identity category='pubsub' type='push' name='Pushes'/><feature var='{NS}'/>"
        asked = service.component.expect(lambda e: e.find(f"{{{INFO}}}query") is not None)
        service.answer(asked, f"<query xmlns='{INFO}'>{query}</query>")
        return xmppctl.finish(running)

    assert run("service").expect().json() == [{"jid": service.jid, "name": "Pushes"}]
    result = run("enable")
    if result.code == 7:  # it needs a node
        assert f"push enable {service.jid} NODE" in result.error()["hint"]
    else:
        assert result.expect().json()["service"] == service.jid
