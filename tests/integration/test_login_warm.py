"""A session that begins before its resource is bound does what one does that waited for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.integration.ahead import STREAM_MANAGEMENT, Scripted
from tests.integration.failing import failure
from tests.peers.process import TRANSPORT, Xmppctl
from tests.peers.rawxml import RawClient
from tests.peers.slix import SlixClient
from tests.servers.base import Account, Server
from tests.servers.ca import Authority
from xmppctl.errors import Exit

pytestmark = pytest.mark.in_turn

CSI = "<csi xmlns='urn:xmpp:csi:0'/>"
CAPS = (
    "<c xmlns='http://jabber.org/protocol/caps' hash='sha-1' node='u:x' "
    "ver='q07IKJEyjvHSyhy//CH0CxmKi8w='/>"
)


@pytest.fixture
def fake(authority: Authority) -> Iterator[Scripted]:
    with Scripted(authority, "SCRAM-SHA-256") as server:
        yield server


@pytest.fixture(autouse=True, params=["first run", "later run"])
def known(request: pytest.FixtureRequest, xmppctl: Xmppctl) -> None:
    """Every test runs with a server that is not known yet, and with one that is."""
    if request.param == "later run" and "alice" in request.fixturenames:
        alice = request.getfixturevalue("alice")
        for _ in range(2):
            xmppctl("ping", account=alice).expect(0)
        run = xmppctl("account", "test", "--json", account=alice).expect(0)
        # nothing is sent ahead over BOSH, where each request waits for the one before
        assert run.json()["guessed"] is (TRANSPORT != "bosh")


@pytest.mark.parametrize("args", [("listen",), ("listen", "--carbons", "--inactive")])
def test_listening_as_the_jid_that_was_bound(
    xmppctl: Xmppctl,
    server: Server,
    alice: Account,
    bob: Account,
    raw: Callable[..., RawClient],
    args: tuple[str, ...],
) -> None:
    run = xmppctl.start(*args, "--count", "1", "--for", "20s", "--json", account=alice)
    jid = run.wait_line("^listening as (.*)$", "err").group(1)
    raw(bob).message(jid, "for you alone")
    (record,) = xmppctl.finish(run).expect(0).json()
    assert record["body"] == "for you alone"
    assert record["to"] == jid


def test_watching_presence_leaves_out_the_own(
    xmppctl: Xmppctl, server: Server, alice: Account, raw: Callable[..., RawClient]
) -> None:
    run = xmppctl.start(
        "presence", "watch", "--count", "1", "--for", "20s", "--json", account=alice
    )
    run.wait_line("^listening as ", "err")
    other = raw(alice, "other")
    other.send("<presence/>")
    (record,) = xmppctl.finish(run).expect(0).json()
    assert record["jid"] == f"{alice.jid}/other"


def test_the_own_presence_is_seen(
    xmppctl: Xmppctl, server: Server, alice: Account, raw: Callable[..., RawClient]
) -> None:
    other = raw(alice, "other")
    other.send("<presence/>")
    run = xmppctl.start(
        "presence", "set", "--status", "here", "--for", "1s", "--json", account=alice
    )
    jid = run.wait_line("^present as (.*)$", "err").group(1)
    assert xmppctl.finish(run).expect(0).json()["jid"] == jid
    seen = other.expect(lambda each: each.tag.endswith("presence") and each.get("from") == jid)
    assert seen.findtext("{jabber:client}status") == "here"


def test_a_room(
    xmppctl: Xmppctl, server: Server, alice: Account, host: SlixClient, room: str
) -> None:
    xmppctl("muc", "create", room, account=alice).expect(0)
    done = xmppctl("send", "--muc", room, "hello", "--json", account=alice)
    assert done.expect(0).json()[0]["confirmed"] is True
    xmppctl("muc", "destroy", room, "--yes", account=alice).expect(0)


def test_the_roster(xmppctl: Xmppctl, server: Server, alice: Account, bob: Account) -> None:
    xmppctl("roster", "add", bob.jid, "--name", "Bob", account=alice).expect(0)
    (contact,) = xmppctl("roster", "list", "--json", account=alice).expect(0).json()
    assert (contact["jid"], contact["name"]) == (bob.jid, "Bob")
    approved = xmppctl("roster", "approve", bob.jid, "--json", account=alice)
    assert approved.code in (0, 6)
    xmppctl("roster", "remove", bob.jid, account=alice).expect(0)
    assert xmppctl("roster", "list", "--json", account=alice).expect(0).json() == []


def test_the_capabilities_of_the_server(xmppctl: Xmppctl, server: Server, alice: Account) -> None:
    done = xmppctl("entity", "caps", server.domain, "--json", account=alice).expect(0)
    assert done.json()["jid"] == server.domain


# --- the features have changed ------------------------------------------------------------------


def test_nobody_looking_is_told_no_more(xmppctl: Xmppctl, fake: Scripted) -> None:
    fake.features = STREAM_MANAGEMENT + CSI
    fake.warm(xmppctl)
    fake.features = STREAM_MANAGEMENT
    run = fake.run(xmppctl, "listen", "--inactive", "--for", "1s", "--json")
    error = failure(run, Exit.UNSUPPORTED, "csi")
    assert "XEP-0352" in error["text"]


def test_capabilities_that_are_announced_no_more(xmppctl: Xmppctl, fake: Scripted) -> None:
    fake.features = STREAM_MANAGEMENT + CAPS
    fake.warm(xmppctl)
    fake.features = STREAM_MANAGEMENT
    run = fake.run(xmppctl, "entity", "caps", "fake.test", "--json")
    failure(run, Exit.UNSUPPORTED)
