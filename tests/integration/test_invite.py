"""`xmppctl invite` and `roster pars` (XEP-0401, XEP-0379, XEP-0445): the tokens work."""

import re
from datetime import UTC, datetime, timedelta

import pytest

from tests.peers.rawxml import RawClient
from tests.servers.base import Account
from tests.servers.quirks import Feature

ROSTER = "jabber:iq:roster"


def roster(account):
    with RawClient.login_as(account) as client:
        answer = client.iq(f"<query xmlns='{ROSTER}'/>")
    return {item.get("jid"): item.get("subscription") for item in answer.iter(f"{{{ROSTER}}}item")}


def test_no_invitations(xmppctl, alice, server):
    if Feature.INVITES in server.features:
        run = xmppctl("--json", "invite", "account", account=alice).expect(6)
        assert run.error()["condition"] == "forbidden"
        return
    for args in (("invite", "contact"), ("invite", "account"), ("roster", "pars", "new")):
        run = xmppctl("--json", *args, account=alice).expect(7)
        assert "XEP-0401" in run.error()["text"]


@pytest.mark.servers("prosody")
def test_an_invitation_makes_an_account(xmppctl, server):
    admin, host = server.admin(), server.hosts["invite"]
    args = ("--json", "--debug-xml", "invite", "account", "--service", host)
    run = xmppctl(*args, "--landing", "https://i.example/x/", account=admin).expect()
    made = run.json()
    token = re.fullmatch(rf"xmpp:{host}\?register;preauth=([\w-]+)", made["uri"])[1]
    assert token not in run.err
    assert made["landing_url"] == f"https://i.example/x/#{made['uri'][5:]}"
    left = datetime.fromisoformat(made["expire"]) - datetime.now(UTC)
    assert timedelta(days=6) < left < timedelta(days=8)
    guest = Account(f"guest-{token[:6].lower().strip('-_')}@{host}", "guest-PASSWORD", server)
    create = ("--json", "register", "create", "--uri", made["uri"], guest.jid)
    options = {
        "env": {"XMPPCTL_PASSWORD": guest.password},
        "server": server,
    }
    xmppctl(*create, **options).expect()
    RawClient.login_as(guest).close()
    # each lets in one
    assert (
        xmppctl(*create[:-1], f"more{guest.jid}", **options).expect(6).error()["step"] == "preauth"
    )
    # a wish that the server does not ask about
    run = xmppctl("--json", "invite", "account", "--username", "carol", account=admin).expect(7)
    assert "username" in run.error()["text"]


@pytest.mark.servers("prosody")
@pytest.mark.parametrize("verb", [("invite", "contact"), ("roster", "pars", "new")])
def test_an_invitation_makes_a_contact(xmppctl, server, verb):
    host = server.hosts["invite"]
    mary, ned = server.account("mary", host), server.account("ned", host)
    uri = xmppctl("-o", "plain", *verb, account=mary).expect().out.strip()
    assert uri.startswith(f"xmpp:{mary.jid}?roster;preauth=")
    xmppctl("roster", "add", uri, account=ned).expect()
    # nobody of mary's was there to approve; the server does not tell ned's side
    assert roster(mary)[ned.jid] in ("from", "both")
