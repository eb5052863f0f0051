"""Invitations without a server: those that are asked for, and those that come at once."""

import asyncio
from datetime import UTC, datetime

import pytest

from xmppctl.errors import RefusedError, UnsupportedError, UsageError
from xmppctl.protocol import adhoc, invites
from xmppctl.session.xml import parse

URI = "xmpp:juliet@example.com?register;preauth=TOKEN"

# XEP-0401 §4.4, the form and the result
FORM = (
    "<actions execute='complete'><complete/></actions><x xmlns='jabber:x:data' type='form'>"
    "<field var='username' label='Username' type='text-single'/>"
    "<field var='roster-subscription' label='Roster subscription' type='boolean'/></x>"
)


def result(kind="result", **fields):
    inner = "".join(
        f"<field var='{name.replace('_', '-')}'><value>{value}</value></field>"
        for name, value in fields.items()
    )
    return f"<x xmlns='jabber:x:data' type='{kind}'>{inner}</x>"


class Server:
    domain = "example.com"

    def __init__(self, *answers):
        self.answers = list(answers)
        self.asked = []

    async def request(self, payload, **_):
        self.asked.append(payload)
        status, inner = (
            self.answers.pop(0) if payload.get("action") != "cancel" else ("canceled", "")
        )
        head = f"<command xmlns='{adhoc.NS}' node='n' sessionid='s' status='{status}'>"
        return parse(f"{head}{inner}</command>")


def make(server, node=invites.ACCOUNT, landing=None, **wishes):
    wanted = {name.replace("_", "-"): value for name, value in wishes.items()}
    return asyncio.run(invites.make(server, node, wanted, landing))


def submitted(server):
    return {
        field.get("var"): field.findtext("{jabber:x:data}value")
        for field in server.asked[-1].iter("{jabber:x:data}field")
    }


def test_the_example_of_the_xep():
    told = result(
        FORM_TYPE="urn:xmpp:invite#invitation", uri=URI, expire="2017-11-06T02:56:15Z",
        landing_url="https://example.com/invite/#TOKEN",
    )  # fmt: skip
    server = Server(("executing", FORM), ("completed", told))
    found = make(server, username="juliet", roster_subscription="1")
    assert submitted(server) == {"username": "juliet", "roster-subscription": "1"}
    assert (found.uri, found.landing_url) == (URI, "https://example.com/invite/#TOKEN")
    assert found.expire == datetime(2017, 11, 6, 2, 56, 15, tzinfo=UTC)


def test_a_result_that_calls_itself_a_form_and_lacks_the_rest():
    server = Server(("completed", result("form", uri=URI, landing_url="", expire="soon")))
    found = make(server, invites.CONTACT, landing="https://i.example/x/")
    assert (found.uri, found.expire) == (URI, None)
    assert found.landing_url == "https://i.example/x/#juliet@example.com?register;preauth=TOKEN"
    assert make(Server(("completed", result(uri=URI)))).landing_url is None
    script = result(uri=URI, landing_url="javascript:alert(1)")
    assert make(Server(("completed", script))).landing_url is None


@pytest.mark.parametrize("inner", ["", result(uri=""), result(uri="javascript:alert(1)")])
def test_no_invitation(inner):
    with pytest.raises(RefusedError) as info:
        make(Server(("completed", inner)))
    assert info.value.condition == "malformed-answer"


def test_wishes_that_the_server_does_not_ask_about():
    server = Server(("executing", FORM))
    with pytest.raises(UnsupportedError, match="ttl"):
        make(server, ttl="60")
    assert server.asked[-1].get("action") == "cancel"
    # given at once, by chance as wanted or not
    assert make(Server(("completed", result(uri=URI))), username="juliet").uri == URI
    for wishes in ({"username": "romeo"}, {"ttl": "60"}, {"username": "juliet", "ttl": "60"}):
        with pytest.raises(UnsupportedError):
            make(Server(("completed", result(uri=URI))), **wishes)


def test_a_name_that_has_to_be_given():
    required = FORM.replace("type='text-single'/>", "type='text-single'><required/></field>")
    server = Server(("executing", required))
    with pytest.raises(UsageError, match="username"):
        make(server)
    assert server.asked[-1].get("action") == "cancel"


def test_a_failure():
    with pytest.raises(RefusedError, match="only for some"):
        make(Server(("completed", "<note type='error'>only for some</note>")))
