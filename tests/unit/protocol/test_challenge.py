"""Challenges that come as messages: the XEP's example, and those that are not believed."""

import asyncio
import hashlib
from xml.etree.ElementTree import fromstring

import pytest

from tests.unit.protocol.serving import Serving, error
from tests.unit.session.streams import come
from xmppctl.errors import RefusedError
from xmppctl.model.jid import parse
from xmppctl.model.sent import SendResult
from xmppctl.protocol import captcha, challenge
from xmppctl.protocol.challenge import DeclinedError, Watch
from xmppctl.protocol.outgoing import compose

INNOCENT = parse("innocent@victim.com")


def posed(by="victim.com", form_type="urn:xmpp:captcha", kind="form", more="", **hidden):
    """The challenge of the example, with its question of a person."""
    told = {"from": "innocent@victim.com", "challenge": "F3A6292C", "sid": "spam1", **hidden}
    rows = "".join(
        f"<field type='hidden' var='{var}'><value>{value}</value></field>"
        for var, value in {"FORM_TYPE": form_type, **told}.items()
    )
    return (
        f"<message xmlns='jabber:client' from='{by}' to='alice@fake.test/r' id='F3A6292C'>"
        "<body>Your messages are being blocked.</body>"
        "<x xmlns='jabber:x:oob'><url> http://www.victim.com/challenge.html?F3A6292C </url></x>"
        f"<captcha xmlns='urn:xmpp:captcha'><x xmlns='jabber:x:data' type='{kind}'>{rows}"
        "<field label='Type the color of a stop light' type='text-single' var='qa'/>"
        f"<field label='93C7' type='text-single' var='SHA-256'/>{more}</x></captcha></message>"
    )


def read(text):
    return challenge.read(fromstring(text))


def test_the_challenge_of_the_example():
    found = read(posed())
    assert (found.by, found.id) == ("victim.com", "F3A6292C")
    told = found.challenge
    assert (told.challenge, told.from_, told.sid) == ("F3A6292C", "innocent@victim.com", "spam1")
    assert [field.var for field in told.fields] == ["qa", "SHA-256"]
    assert told.url == "http://www.victim.com/challenge.html?F3A6292C"
    assert challenge.about(found, INNOCENT, "spam1")
    assert challenge.about(found, parse("innocent@victim.com/home"), "spam1")
    assert not challenge.about(found, INNOCENT, "spam2")
    assert not challenge.about(found, parse("other@victim.com"), "spam1")


@pytest.mark.parametrize("by", ["innocent@victim.com", "INNOCENT@victim.com/home", "victim.com"])
def test_who_may_pose_it(by):
    assert read(posed(by=by)) is not None


@pytest.mark.parametrize(
    "text",
    [
        posed(by="evil.test"),
        posed(by="other@victim.com"),
        posed(by="victim.com/res"),
        posed(form_type="jabber:iq:register"),
        posed(kind="submit"),
        posed().replace("<message", "<message type='error'"),
        "<message xmlns='jabber:client' from='victim.com'/>",
        "<message xmlns='jabber:client' from='victim.com'>"
        "<captcha xmlns='urn:xmpp:captcha'/></message>",
        posed(**{"from": ""}),
    ],
)
def test_what_is_not_believed(text):
    assert read(text) is None


def answered(answer, solve):
    """What is sent to who asked, and what comes of it."""
    there = Serving(lambda iq: answer)
    result = there.run(lambda session: challenge.meet(session, read(posed()), solve))
    return result, there.asked


def solver(answers):
    async def solve(session, posed):
        if isinstance(answers, Exception):
            raise answers
        return answers

    return solve


def test_the_answer_has_all_that_was_hidden():
    _, (iq,) = answered("", solver({"qa": ["red"]}))
    assert (iq.get("type"), iq.get("to")) == ("set", "victim.com")
    assert iq[0].tag == challenge.CAPTCHA
    assert {field.get("var"): field[0].text for field in iq[0][0]} == {
        "FORM_TYPE": "urn:xmpp:captcha", "from": "innocent@victim.com", "challenge": "F3A6292C",
        "sid": "spam1", "qa": "red",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("condition", "hint"), [("not-acceptable", "wrong"), ("service-unavailable", "too long")]
)
def test_the_answer_is_refused(condition, hint):
    with pytest.raises(RefusedError) as caught:
        answered(error(condition), solver({"qa": ["blue"]}))
    assert (caught.value.condition, caught.value.step) == (condition, "captcha")
    assert hint in caught.value.hint


def test_nobody_answers():
    with pytest.raises(RefusedError) as caught:
        answered("", None)
    assert caught.value.condition == "captcha-required"
    assert "http://www.victim.com/challenge.html?F3A6292C" in caught.value.hint


def test_declined():
    there = Serving(lambda iq: None)
    declined = DeclinedError("no", condition="captcha-required")
    with pytest.raises(DeclinedError):
        there.run(lambda session: challenge.meet(session, read(posed()), solver(declined)))
    sent = fromstring(f"<s xmlns='jabber:client'>{there.transport.text}</s>")
    messages = [*there.asked, *sent]
    (message,) = messages
    assert (message.get("type"), message.get("to"), message.get("id")) == (
        "error", "victim.com", "F3A6292C",
    )  # fmt: skip
    assert message[0].get("type") == "modify"
    assert message[0][0].tag.endswith("}not-acceptable")


# --- over the messages of a run


def watched(*stanzas, solve=None, result=None, answer=""):
    """The result of the message spam1, where these come behind it."""
    there = Serving(lambda iq: answer)
    message = compose(INNOCENT, id="spam1", body="Love pills")

    async def run(session):
        watch = Watch(session, solve)

        async def source():
            yield message

        [each async for each in watch.over(source())]
        with session.inbox(watch.matches) as watch.inbox:
            for text in stanzas:
                come(there.wire, text)
            await asyncio.sleep(0)
            count = watch.inbox.count
            first = await watch.settle(result or message.outcome(acked=True, confirmed=True))
            again = await watch.settle(first)
        return first, again, count

    return (*there.run(run), there.asked)


def test_a_message_without_a_challenge():
    first, again, count, asked = watched()
    assert (first.confirmed, first.error, count, asked) == (True, None, 0, [])
    assert again == first


def test_a_message_whose_challenge_is_met():
    first, again, count, asked = watched(posed(), posed(), solve=solver({"qa": ["red"]}))
    assert (first.confirmed, first.error, count) == (True, None, 2)
    assert len(asked) == 1  # the same one a second time is no second one
    assert again == first


def test_a_message_whose_challenge_nobody_meets():
    first, _, _, asked = watched(posed())
    assert (first.acked, first.confirmed, first.error.condition) == (
        True, False, "captcha-required",
    )  # fmt: skip
    assert asked == []


def test_a_message_that_came_back_all_the_same():
    bounced = SendResult(
        "innocent@victim.com", "spam1", None, error=RefusedError("x", condition="forbidden").info()
    )
    first, _, _, asked = watched(posed(), solve=solver({"qa": ["red"]}), result=bounced)
    assert (first, asked) == (bounced, [])


@pytest.mark.parametrize(
    "text", [posed(sid="spam2"), posed(by="evil.test"), posed(**{"from": "bob@victim.com"})]
)
def test_a_challenge_to_something_else_stays_for_others(text):
    first, _, count, asked = watched(text, solve=solver({"qa": ["red"]}))
    assert (first.error, count, asked) == (None, 0, [])


def test_hashcash_is_solved_for_whom_it_is_about():
    (field,) = (f for f in read(posed()).challenge.fields if f.var == captcha.HASHCASH)
    text = asyncio.run(captcha.hashcash("innocent@victim.com", field))
    assert text.startswith("innocent@victim.com")
    assert hashlib.sha256(text.encode()).hexdigest().endswith("93c7")
