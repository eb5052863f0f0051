"""Confirming web requests: the XEP's own stanzas, and what must not be allowed."""

import asyncio
from xml.etree.ElementTree import fromstring

import pytest

from tests.unit.session.streams import come, make_session
from xmppctl.commands.confirm import _matcher
from xmppctl.errors import DeadlineError
from xmppctl.model.jid import parse
from xmppctl.protocol import httpconfirm
from xmppctl.protocol.httpconfirm import CONFIRM, Wanted, read, reply

OWN = "juliet@capulet.com"
URL = "https://files.shakespeare.lit:9345/missive.html"
ATTRIBUTES = {"id": "a7374jnjlalasdf82", "method": "GET", "url": URL}
PAYLOAD = (
    "<confirm xmlns='http://jabber.org/protocol/http-auth' id='a7374jnjlalasdf82' method='GET' "
    f"url='{URL}'/>"
)
IQ = f"<iq xmlns='jabber:client' type='get' from='files.shakespeare.lit' id='ha000'>{PAYLOAD}</iq>"
MESSAGE = (
    "<message xmlns='jabber:client' type='normal' from='files.shakespeare.lit' id='m1'>"
    f"<thread>e0ffe42b</thread><body>Someone?</body>{PAYLOAD}</message>"
)


def test_the_examples():
    asked = read(fromstring(IQ), OWN)
    assert (asked.from_, asked.id, asked.method, asked.url) == (
        "files.shakespeare.lit", *ATTRIBUTES.values(),
    )  # fmt: skip
    assert (asked.answer, asked.stanza, asked.delayed) == ("deny", "iq", False)
    asked = read(fromstring(MESSAGE), OWN)
    assert (asked.thread, asked.body, asked.stanza) == ("e0ffe42b", "Someone?", "message")
    stored = "<delay xmlns='urn:xmpp:delay' stamp='2026-01-02T03:04:05Z' from='capulet.com'/>"
    assert read(fromstring(MESSAGE.replace("<body>", f"{stored}<body>")), OWN).delayed


@pytest.mark.parametrize("name", ["id", "method", "url"])
def test_a_request_that_lacks_something(name):
    for text in (IQ, MESSAGE):
        assert read(fromstring(text.replace(f" {name}='{ATTRIBUTES[name]}'", "")), OWN) is None


@pytest.mark.parametrize("answer", ["allow", "deny"])
def test_an_answer_has_thread_and_question(answer):
    found = reply(fromstring(MESSAGE), answer)
    assert (found.get("to"), found.get("type")) == (
        "files.shakespeare.lit", "normal" if answer == "allow" else "error",
    )  # fmt: skip
    assert found.findtext("{jabber:client}thread") == "e0ffe42b"
    assert found.find(CONFIRM).attrib == ATTRIBUTES
    errors = [each.tag for each in found.iter() if each.tag.endswith("not-authorized")]
    assert len(errors) == (answer == "deny")
    assert (found.get("id") == "m1") is (answer == "deny")
    bare = fromstring(MESSAGE.replace("<thread>e0ffe42b</thread>", "").replace(" id='m1'", ""))
    assert reply(bare, answer).find("{jabber:client}thread") is None


@pytest.mark.parametrize(
    ("wanted", "fits"),
    [
        (Wanted(), True),
        (Wanted(id="a7374jnjlalasdf82"), True),
        (Wanted(id="a7374jnjlalasdf8"), False),
        (Wanted(id="A7374JNJLALASDF82"), False),
        (Wanted(method="POST"), False),
        (Wanted(url=_matcher("https://files.shakespeare.lit*")), True),
        (Wanted(url=_matcher("files.shakespeare.lit")), False),
        (Wanted(url=_matcher("https://files*shakespeare.lit/*")), False),
        (Wanted(url=_matcher("https://files.shakespeare.lit:9345/missive.htm?")), True),
        (Wanted(url=_matcher("https://files.shakespeare.lit:[0-9]*/missive.html")), False),
        (Wanted(sender=parse("files.shakespeare.lit")), True),
        (Wanted(sender=parse("shakespeare.lit")), False),
        (Wanted(id="a7374jnjlalasdf82", sender=parse("other.lit")), False),
        (Wanted(stored=False), True),
    ],
)
def test_what_is_wanted(wanted, fits):
    assert wanted.fits(read(fromstring(IQ), OWN)) is fits


def test_a_domain_is_not_all_who_are_there():
    asked = read(fromstring(IQ.replace("files.shakespeare.lit'", "mallory@a.lit/x'", 1)), OWN)
    assert not Wanted(sender=parse("a.lit")).fits(asked)
    assert Wanted(sender=parse("mallory@a.lit")).fits(asked)
    assert not Wanted(sender=parse("mallory@a.lit/y")).fits(asked)


async def _serve(stanzas, wanted=None, decide=lambda asked: "allow", seconds=0.1):
    """Run it against a server that lets the client appear, then sends ``stanzas``; what it said."""
    session, wire, transport = make_session()
    said = []

    def ready():
        come(wire, *stanzas)

    work = httpconfirm.answer(session, wanted or Wanted(), decide, seconds=seconds, ready=ready)
    task = asyncio.ensure_future(work)
    while not task.done():
        await asyncio.sleep(0)
        text = transport.text
        for each in fromstring(f"<s xmlns='jabber:client'>{text}</s>") if text else ():
            if each.tag.endswith("}iq") and each.get("type") in ("get", "set"):
                come(wire, f"<iq type='result' id='{each.get('id')}'/>")
            elif not each.tag.endswith("}presence"):
                said.append(each)
    text = transport.text
    said += list(fromstring(f"<s xmlns='jabber:client'>{text}</s>")) if text else []
    return task, said


def test_the_answer_goes_out_before_the_end():
    iq = IQ.replace(" xmlns='jabber:client'", "")
    task, said = asyncio.run(_serve([iq]))
    assert task.result().answer == "allow"
    assert [(each.get("type"), each.get("id")) for each in said] == [("result", "ha000")]
    task, said = asyncio.run(_serve([iq], decide=lambda asked: "deny"))
    assert task.result().answer == "deny"
    assert [(each.get("type"), each.get("id")) for each in said] == [("error", "ha000")]


@pytest.mark.parametrize(("wanted", "taken"), [(Wanted(), True), (Wanted(id="other"), False)])
def test_what_was_answered_does_not_come_again(wanted, taken):
    sm = "urn:xmpp:sm:3"
    message = MESSAGE.replace(" xmlns='jabber:client'", "")
    _, said = asyncio.run(_serve([f"<enabled xmlns='{sm}'/>", message], wanted))
    acknowledged = [int(each.get("h")) for each in said if each.tag == f"{{{sm}}}a"]
    assert bool(acknowledged[-1]) is taken


def test_what_is_not_wanted():
    iq, message = (text.replace(" xmlns='jabber:client'", "") for text in (IQ, MESSAGE))
    asked = []
    task, said = asyncio.run(
        _serve(
            [iq, message, iq.replace("'get'", "'set'")],
            Wanted(id="other"),
            lambda request: asked.append(request),
        )
    )
    assert isinstance(task.exception(), DeadlineError)
    conditions = [each.find("{jabber:client}error")[0].tag.partition("}")[2] for each in said]
    assert (conditions, asked) == (["not-authorized", "bad-request"], [])
