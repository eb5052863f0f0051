"""`xmppctl admin` (XEP-0133): what was done is seen by who logs in, and by the server's own API."""

import os

import pytest

from tests.peers.rawxml import RawClient
from tests.peers.stream import StreamClosed
from tests.servers.base import Account
from tests.servers.quirks import Feature

pytestmark = pytest.mark.in_turn

FIRST, SECOND = "first-SECRET-1", "second-SECRET-2"


@pytest.fixture
def admin(server):
    return server.admin()


@pytest.fixture
def administer(xmppctl, admin):
    """Runs "xmppctl --json admin ..."; the record, or the error where one is expected."""

    def run(*args, code=0, secret=None, options=()):
        env = {"XMPPCTL_NEW_PASSWORD": secret} if secret else {}
        done = xmppctl("--json", *options, "admin", *args, account=admin, env=env).expect(code)
        assert FIRST not in done.err
        return done.json() if code == 0 else done.error()

    return run


def may_log_in(account):
    try:
        RawClient.login_as(account).close()
    except PermissionError:
        return False
    return True


def exists(server, account):
    """What the server's own administration says, or else who tries to log in."""
    if Feature.HTTP_API in server.features:
        return server.api("check_account", user=account.local, host=account.domain) == 0
    return may_log_in(account)


def test_the_life_of_an_account(administer, server, admin):
    jid = f"carol-{os.urandom(4).hex()}@{server.domain}"
    carol = Account(jid, FIRST, server)
    made = administer("users", "add", jid, secret=FIRST, options=("--debug-xml",))
    assert (made["jid"], made["action"], made["ok"], made["error"]) == (jid, "add", True, None)
    assert may_log_in(carol)
    assert administer("users", "add", jid, secret=FIRST, code=6)["condition"] == "conflict"

    administer("users", "password", jid, secret=SECOND)
    assert not may_log_in(carol)
    carol = Account(jid, SECOND, server)
    with RawClient.login_as(carol, "desk") as desk:
        (session,) = administer("users", "sessions", jid)
        assert session["jid"] == f"{jid}/desk"
        assert "127.0.0.1" in session["ip"]
        found = administer("users", "stats", jid)
        assert (found["online_resources"], found["roster_size"]) == (["desk"], 0)
        assert f"{jid}/desk" in {each["jid"] for each in administer("sessions")}
        (kicked,) = administer("users", "kick", jid)
        assert (kicked["sessions"], kicked["ok"]) == ([f"{jid}/desk"], True)
        with pytest.raises((StreamClosed, OSError)):
            while True:
                desk.recv()

    assert administer("users", "delete", jid, code=2)["hint"] == "give --yes to go ahead"
    assert exists(server, carol)
    (gone,) = administer("users", "delete", jid, "--yes")
    assert gone["ok"]
    assert not exists(server, carol)


def test_accounts_that_are_not_there(administer, xmppctl, server, admin):
    nobody = f"nobody-{os.urandom(4).hex()}@{server.domain}"
    assert administer("users", "delete", nobody, "--yes", code=6)["condition"] == "item-not-found"
    (gone,) = administer("users", "delete", nobody, "--yes", "--if-exists")
    assert gone["error"] is None
    assert administer("users", "kick", nobody, code=6)["condition"] == "item-not-found"
    assert administer("users", "stats", nobody, code=6)["condition"] == "item-not-found"
    run = administer("users", "password", nobody, secret=FIRST, code=6)
    assert (run["condition"], run["text"]) == (
        "item-not-found", f"{server.domain} has no account {nobody}"
    )  # fmt: skip
    there = server.account("dave")
    run = xmppctl("--json", "admin", "users", "delete", "-", "--yes", account=admin,
                  input=f"{there.jid}\n\n{nobody}\nno jid@@\n").expect(9)  # fmt: skip
    assert [(each["jid"], each["ok"]) for each in run.json()] == [
        (there.jid, True), (nobody, False), ("no jid@@", False)
    ]  # fmt: skip
    assert not may_log_in(there)


def test_users_and_their_number(administer, server, slix, bob):
    slix(bob).send_presence()
    online = administer("users", "list", "--online")
    assert {"jid": bob.jid, "state": "online"} in online
    assert len(administer("users", "list", "--state", "online", "--limit", "1")) == 1
    told = administer("stats")
    assert (told["service"], told["disabled"]) == (server.domain, None)
    assert told["online"] >= 2
    if Feature.USER_LISTS not in server.features:
        run = administer("users", "list", code=7)
        assert "http://jabber.org/protocol/admin#get-registered-users-list" in run["text"]
        assert told["registered"] is None
        return
    users = {each["jid"] for each in administer("users", "list")}
    assert users == {f"{name}@{server.domain}" for name in server.api(
        "registered_users", host=server.domain)}  # fmt: skip
    assert told["registered"] == len(users)


def test_what_no_server_here_offers(administer, bob):
    for verb, node in (("disable", "disable-user"), ("enable", "reenable-user")):
        run = administer("users", verb, bob.jid, code=7)
        assert f"http://jabber.org/protocol/admin#{node}" in run["text"]


def test_who_is_no_administrator(xmppctl, alice, bob):
    for args in (("users", "delete", bob.jid, "--yes"), ("stats",)):
        run = xmppctl("--json", "admin", *args, account=alice).expect(6)
        assert run.error()["condition"] == "forbidden"
    assert may_log_in(bob)


def test_announcements(administer, xmppctl, server, admin, slix, bob):
    peer = slix(bob)
    peer.send_presence()
    sent = administer("announce", "--subject", "S", "--", "-e \u202eone\ntwo")
    assert (sent["audience"], sent["subject"]) == ("online", "S")
    got = peer.wait(lambda s: s.name == "message" and s["body"] == "-e \u202eone\ntwo")
    assert (got["from"].bare, got["subject"]) == (server.domain, "S")
    run = xmppctl("--json", "admin", "announce", "--all", account=admin, input="to all\n")
    if Feature.USER_LISTS not in server.features:
        assert "announce-all" in run.expect(7).error()["text"]
        return
    assert run.expect().json()["audience"] == "all"
    peer.wait(lambda s: s.name == "message" and s["body"] == "to all")


def test_the_message_of_the_day(administer, server, slix, bob):
    if Feature.MOTD not in server.features:
        for args in ((), ("--set", "x"), ("--edit", "x"), ("--delete",)):
            assert "-motd" in administer("motd", *args, code=7)["text"]
        return
    administer("motd", "--delete", "--if-exists")
    assert administer("motd", "--set", "Welcome")["action"] == "set"
    administer("motd", "--edit", "--", "Hello\nagain")
    assert administer("motd")["text"] == "Hello\nagain"
    peer = slix(bob)
    peer.send_presence()
    peer.wait(lambda s: s.name == "message" and s["body"] == "Hello\nagain")
    administer("motd", "--delete")
    assert administer("motd", "--delete", code=6)["condition"] == "item-not-found"


@pytest.mark.servers("ejabberd")  # the other one takes five seconds
def test_a_server_of_its_own_is_shut_down(xmppctl, server, authority, tmp_path):
    own = type(server)(tmp_path / "own", authority)
    try:
        own.start()
        admin = own.admin()
        assert "--yes" in xmppctl("--json", "admin", "shutdown", account=admin).expect(2).err
        late = xmppctl("--json", "admin", "shutdown", "--delay", "2d", "--yes", account=admin)
        assert "seconds" in late.expect(2).error()["hint"]
        done = xmppctl("--json", "admin", "shutdown", "--delay", "1s", "--yes", account=admin)
        record = done.expect().json()
        assert (record["service"], record["delay_seconds"]) == (own.domain, 1)
        assert own.wait_end() == 0
    finally:
        own.stop()


def test_the_api_is_what_tells_the_truth(server, bob):
    """``exists`` would see an account that is not there."""
    assert exists(server, bob)
    assert not exists(server, Account(f"no-{bob.jid}", bob.password, server))
