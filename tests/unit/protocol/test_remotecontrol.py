"""Setting the presence of another client (XEP-0146) without one: what proves that it was told."""

import asyncio

import pytest

from xmppctl.errors import RefusedError, UsageError
from xmppctl.protocol import adhoc, remotecontrol
from xmppctl.session.xml import parse

FORM = (
    "<x xmlns='jabber:x:data' type='{}'><field var='status' type='list-single'>"
    "<option><value>away</value></option></field></x>"
)


class Client:
    bare = "alice@fake.test"

    def __init__(self, *answers):
        self.answers = list(answers)
        self.asked = []

    async def request(self, payload, **_):
        self.asked.append(payload)
        status, inner = ("canceled", "")
        if payload.get("action") != "cancel":
            status, inner = self.answers.pop(0)
        head = f"<command xmlns='{adhoc.NS}' node='n' sessionid='s' status='{status}'>"
        return parse(f"{head}{inner}</command>")

    def away(self):
        return asyncio.run(remotecontrol.set_presence(self, "desk", "away", None, None))


def test_a_client_that_asks():
    client = Client(("executing", FORM.format("form")), ("completed", ""))
    assert client.away().show == "away"
    assert "".join(client.asked[-1].itertext()).endswith("away")


def test_a_client_that_does_not_ask():
    with pytest.raises(RefusedError) as info:
        Client(("completed", "")).away()
    assert info.value.condition == "malformed-answer"


def test_a_form_that_is_not_to_be_filled_in():
    with pytest.raises(UsageError, match="does not ask for status"):
        Client(("executing", FORM.format("result")), ("completed", "")).away()
