"""What an answer to the question for a registration means, before the login."""

from __future__ import annotations

import asyncio

import pytest

from tests.unit.protocol.check.looking import ADVERTISED, FIELDS, account, blamed, context
from tests.unit.session.streams import come, make_wire
from xmppctl.model.check import Finding
from xmppctl.protocol.check.register import Registration
from xmppctl.session.xml import parse

NS = "jabber:iq:register"
TOKEN = "<register xmlns='urn:xmpp:ibr-token:0'/>"
STANZAS = "urn:ietf:params:xml:ns:xmpp-stanzas"
# XEP-0158 §3.2 within XEP-0077
CAPTCHA = (
    f"<query xmlns='{NS}'><x xmlns='jabber:x:data' type='form'>"
    "<field type='hidden' var='FORM_TYPE'><value>urn:xmpp:captcha</value></field>"
    "<field type='text-single' var='username'/><field type='text-private' var='password'/>"
    "<field type='text-single' var='ocr'><required/></field></x></query>"
)
OOB = (
    f"<query xmlns='{NS}'><instructions>on the web</instructions>"
    "<x xmlns='jabber:x:oob'><url>https://fake.test/register</url></x></query>"
)


def asked(features: str, *answers: str | None) -> list[Finding]:
    """What is told where a server with these features gives iqs with this inside, in order."""

    async def ask() -> list[Finding]:
        made, found = context(account(timeout=0.2, connect_timeout=0.2))
        registration = Registration(made)
        wire, transport = make_wire()
        look = asyncio.ensure_future(
            registration.look(wire, parse(f"<features>{features}</features>"))
        )
        for number, answer in enumerate(answers):
            for _ in range(5):
                await asyncio.sleep(0)
            request = parse(transport.text)
            assert request.get("type") == ("set" if number else "get")
            if number:  # nothing that could be a registration
                assert request.find(f".//{{{NS}}}password").text is None
            kind = "error" if answer and answer.startswith("<error") else "result"
            attributes = f"type='{kind}' from='fake.test' id='{request.get('id')}'"
            if answer is not None:
                come(wire, f"<iq {attributes}>{answer}</iq>")
        await look
        assert not transport.text
        # once for a domain, whatever other streams there are
        await registration.look(wire, parse("<features/>"))
        registration.over()
        return found

    return asyncio.run(ask())


def refused(condition: str) -> str:
    return f"<error type='cancel'><{condition} xmlns='{STANZAS}'/></error>"


@pytest.mark.parametrize(
    ("features", "answer", "status", "value"),
    [
        (ADVERTISED, CAPTCHA, "ok", "captcha"),
        (ADVERTISED, OOB, "ok", "elsewhere"),
        (ADVERTISED + TOKEN, FIELDS, "ok", "invitation"),
        (ADVERTISED + TOKEN, refused("not-allowed"), "ok", "invitation"),
        ("", refused("service-unavailable"), "ok", "closed"),
        ("", refused("not-authorized"), "ok", "closed"),
        (ADVERTISED, refused("service-unavailable"), "fail", "closed"),
        (ADVERTISED, refused("forbidden"), "fail", "closed"),
        (ADVERTISED, refused("resource-constraint"), "fail", "closed"),
        (ADVERTISED, "<query xmlns='urn:something-else'/>", "fail", "closed"),
        (ADVERTISED, None, "fail", None),
        (TOKEN, None, "fail", None),
        ("", None, "unknown", None),
    ],
)
def test_registration(features: str, answer: str | None, status: str, value: str | None) -> None:
    found = asked(features, answer)
    assert [(each.check, each.target) for each in found] == [("register.open", "fake.test")]
    assert (found[0].status, found[0].value) == (status, value)
    assert blamed(found) == ({} if status == "ok" else {"register.open": status})


@pytest.mark.parametrize(
    ("answer", "status", "value"),
    [
        (refused("not-acceptable"), "ok", "open"),
        (refused("resource-constraint"), "ok", "open"),
        (refused("forbidden"), "warn", "closed"),
        (refused("service-unavailable"), "warn", "closed"),
        (refused("not-allowed"), "warn", "closed"),
        (None, "fail", None),
        ("", "fail", "open"),
    ],
)
def test_a_form_that_is_given(answer: str | None, status: str, value: str | None) -> None:
    for features in ("", ADVERTISED):
        found = asked(features, FIELDS, answer)
        assert (found[0].status, found[0].value) == (status, value)
        assert blamed(found) == ({} if status == "ok" else {"register.open": status})


def test_no_stream_to_ask_on() -> None:
    made, found = context(account())
    Registration(made).over()
    assert blamed(found) == {"register.open": "unknown"}
    assert found[0].detail.startswith("not tested")
