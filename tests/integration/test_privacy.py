"""`xmppctl privacy`: lists that another client made; which of them holds is read by that client."""

from __future__ import annotations

import pytest

NS = "{jabber:iq:privacy}"
RULES = (
    "<item type='jid' value='tybalt@example.com' action='deny' order='7'><message/><iq/></item>"
    "<item type='subscription' value='both' action='allow' order='1'/>"
    "<item action='allow' order='68'/>"
)


@pytest.fixture
def account(server):
    """On a host that has privacy lists."""
    return server.account("alice", server.hosts.get("privacy"))


@pytest.fixture
def peer(raw, account):
    client = raw(account, "peer")
    for name in ("public", "other <1>"):
        ask(client, f"<list name='{name.replace('<', '&lt;')}'>{RULES}</list>", "set")
    return client


def ask(client, payload, kind="get"):
    answer = client.iq(f"<query xmlns='jabber:iq:privacy'>{payload}</query>", type=kind)
    assert answer.get("type") == "result"
    return answer.find(f"{NS}query")


def default(client):
    element = ask(client, "").find(f"{NS}default")
    return None if element is None else element.get("name")


def test_lists_and_their_rules(xmppctl, account, peer):
    ask(peer, "<default name='public'/>", "set")
    found = xmppctl("--json", "privacy", "list", account=account).expect().json()
    assert sorted(found, key=lambda each: each["name"]) == [
        {"name": "other <1>", "default": False, "active": False},
        {"name": "public", "default": True, "active": False},
    ]
    rules = xmppctl("--json", "privacy", "get", "other <1>", account=account).expect().json()
    assert [(each["order"], each["action"], each["type"], each["value"]) for each in rules] == [
        (1, "allow", "subscription", "both"),
        (7, "deny", "jid", "tybalt@example.com"),
        (68, "allow", None, None),
    ]
    assert [each["stanzas"] for each in rules] == [[], ["message", "iq"], []]
    run = xmppctl("--json", "privacy", "get", "none", account=account).expect(6)
    assert run.error()["condition"] == "item-not-found"
    run = xmppctl("--json", "privacy", "list", "none", account=account).expect(6)
    assert run.error()["condition"] == "item-not-found"


def test_the_default(xmppctl, account, peer, raw):
    peer.close()  # a server may refuse it to one client while another is there (§2.5)

    def held():
        with raw(account, "reader") as client:
            return default(client)

    def use(*args, code=0):
        return xmppctl("--json", "privacy", "use", *args, account=account).expect(code)

    assert use("public").json() == {"default": "public", "changed": True}
    assert held() == "public"
    assert use("public", "--default").json() == {"default": "public", "changed": False}
    assert use("none", code=6).error()["condition"] == "item-not-found"
    assert held() == "public"
    assert use("--none").json() == {"default": None, "changed": True}
    assert held() is None
    assert "or --none" in use(code=2).err
    use("public", "--none", code=2)


@pytest.mark.servers("prosody")
def test_a_server_without_them(xmppctl, alice):
    for args in (("list",), ("get", "x"), ("use", "--none")):
        run = xmppctl("--json", "privacy", *args, account=alice).expect(7)
        assert "XEP-0016" in run.error()["text"]
