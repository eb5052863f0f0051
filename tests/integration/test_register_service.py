"""`xmppctl register` with services of a server: a gateway that a test plays, and room services."""

import json
from xml.etree.ElementTree import tostring

import pytest

from tests.peers.rawxml import RawComponent

pytestmark = pytest.mark.in_turn

NS = "{jabber:iq:register}"
QUERY = f"{NS}query"
INFO = "{http://jabber.org/protocol/disco#info}query"
IDENTITY = "<identity category='gateway' type='irc'/>"
GATEWAY_PASSWORD = "other-network-s3cret"


class Gateway:
    """A gateway with the fields of XEP-0077, attached to the server as a component."""

    def __init__(self, component):
        self.component = component
        self.known = {}
        self.sets = []

    def answer(self, requests):
        """Answer so many requests; what is registered afterwards."""
        for _ in range(requests):
            iq = self.component.expect(lambda e: len(e) == 1 and e[0].tag in (QUERY, INFO))
            query = iq[0]
            payload = ""
            if query.tag == INFO:
                payload = f"<query xmlns='{INFO[1:-6]}'>{IDENTITY}</query>"
            elif iq.get("type") == "get":
                payload = "".join(f"<{k}>{v}</{k}>" for k, v in self.fields().items())
                head = "<registered/>" if self.known else ""
                payload = (
                    f"<query xmlns='jabber:iq:register'>{head}<instructions>Your nick"
                    f"</instructions>{payload}</query>"
                )
            elif query.find(f"{NS}remove") is not None:
                self.known = {}
            else:
                self.sets.append(tostring(query, encoding="unicode"))
                self.known = {child.tag.removeprefix(NS): child.text for child in query}
            self.component.send(
                f"<iq type='result' id='{iq.get('id')}' from='{iq.get('to')}' "
                f"to='{iq.get('from')}'>{payload}</iq>"
            )
        return self.known

    def fields(self):
        return self.known or {"username": "", "password": "", "misc": ""}


@pytest.fixture
def gateway(server):
    with RawComponent.attach(server) as component:
        yield Gateway(component)


def run(xmppctl, gateway, requests, *args, account, input=None, code=0):
    started = xmppctl.start("--json", "register", *args, account=account)
    if input is not None:
        started.write(input, close=True)
    gateway.answer(requests)
    return xmppctl.finish(started).expect(code)


def test_a_gateway(xmppctl, server, alice, gateway):
    def go(*args, **more):
        return run(xmppctl, gateway, *args, account=alice, **more)

    ext = server.component
    shown = go(2, "form", ext).json()
    assert [f["var"] for f in shown["fields"]] == ["username", "password", "misc"]
    assert (shown["jid"], shown["registered"]) == (ext, False)
    assert (shown["form"], shown["instructions"]) == (None, "Your nick")
    assert go(1, "status", ext).json()["registered"] is False

    told = go(1, "service", ext, "--field", "username=al", code=2).error()["text"]
    assert "password, misc" in told
    told = go(1, "service", ext, "--field", "user=al", code=2).error()["text"]
    assert "'user'" in told
    xmppctl(
        "register", "service", ext, "--field", f"password={GATEWAY_PASSWORD}", account=alice
    ).expect(2)
    assert not gateway.sets

    secret = json.dumps({"password": GATEWAY_PASSWORD, "misc": ""})
    args = ["service", ext, "--field", "username=al", "--form-json", "-"]
    done = go(2, *args, input=secret).json()
    assert (done["jid"], done["registered"]) == (ext, True)
    assert gateway.known == {"username": "al", "password": GATEWAY_PASSWORD, "misc": None}

    status = go(1, "status", ext)
    assert status.json()["registered"] is True
    assert GATEWAY_PASSWORD not in status.out
    # what is not given stays as it is registered
    gateway.known["misc"] = "x"
    go(2, "service", ext, "--field", "username=alice")
    assert gateway.known == {"username": "alice", "password": GATEWAY_PASSWORD, "misc": "x"}

    xmppctl("register", "cancel", ext, account=alice).expect(2)
    assert go(2, "cancel", ext, "--yes").json()["registered"] is False
    assert gateway.known == {}
    gone = go(1, "cancel", ext, "--yes", code=6)
    assert gone.error()["condition"] == "item-not-found"
    assert go(1, "cancel", ext, "--yes", "--if-exists").json()["registered"] is False


def test_a_service_that_registers_nobody(xmppctl, server, alice):
    for verb in (["form"], ["status"], ["service"], ["cancel", "--yes"]):
        run = xmppctl("--json", "register", *verb, server.pubsub, account=alice).expect(7)
        assert "XEP-0077" in run.error()["text"]


def test_a_room_service(xmppctl, ejabberd, raw):
    account = ejabberd.account("alice")
    service = ejabberd.conference

    def go(*args):
        return xmppctl("--json", "register", *args, account=account)

    shown = go("form", service).expect().json()
    assert shown["form"]["form_type"] == "http://jabber.org/protocol/muc#register"
    nick = f"Nick-{account.local}"
    assert "muc#register_roomnick" in go("service", service).expect(2).error()["text"]
    go("service", service, "--field", f"roomnick={nick}").expect()
    other = raw(account)
    query = other.iq("<query xmlns='jabber:iq:register'/>", to=service).find(QUERY)
    assert query.find(f"{NS}registered") is not None
    assert query.findtext(f"{NS}nick") == nick
    second = ejabberd.account("bob")
    args = ["--json", "register", "service", service, "--field", f"roomnick={nick}"]
    assert xmppctl(*args, account=second).expect(6).error()["condition"] == "conflict"
    go("cancel", service, "--yes").expect()
    query = other.iq("<query xmlns='jabber:iq:register'/>", to=service).find(QUERY)
    assert query.find(f"{NS}registered") is None
    assert go("cancel", service, "--yes").expect(6).error()["condition"] == "item-not-found"


def test_a_room_that_registers_its_members_alone(xmppctl, prosody, raw):
    """Where it does not say more, nobody is registered."""
    owner, stranger = prosody.account("owner"), prosody.account("stranger")
    room = f"room-{owner.local}@{prosody.conference}"
    peer = raw(owner)
    peer.send(f"<presence to='{room}/o'><x xmlns='http://jabber.org/protocol/muc'/></presence>")
    peer.expect(lambda e: e.tag.endswith("}message"))  # the subject: it is in
    form = "<x xmlns='jabber:x:data' type='submit'/>"
    peer.iq(
        f"<query xmlns='http://jabber.org/protocol/muc#owner'>{form}</query>", type="set", to=room
    )
    args = ["--json", "register"]
    done = xmppctl(*args, "status", room, account=stranger).expect()
    assert (done.json()["jid"], done.json()["registered"]) == (room, False)
    run = xmppctl(*args, "cancel", room, "--yes", account=stranger).expect(6)
    assert run.error()["condition"] == "item-not-found"
