"""The step between a message and what goes out of it, whatever the method of encryption."""

import asyncio
from xml.etree.ElementTree import Element, fromstring, tostring

import pytest

from xmppctl.errors import ConnectError, UntrustedError, UsageError
from xmppctl.model.jid import parse
from xmppctl.protocol import encrypting, outgoing

NS = "urn:x:method"


def message(inside=""):
    made = outgoing.compose(parse("bob@fake.test"), id="i", body="secret")
    made.stanza.extend(fromstring(f"<x xmlns='jabber:client'>{inside}</x>"))
    return made


class Method:
    """Hides what is to be hidden, or fails."""

    def __init__(self, error=None):
        self.error = error
        self.closed = 0
        self.hidden = []

    async def encrypt(self, made):
        if self.error is not None:
            raise self.error
        self.hidden += encrypting.take_content(made.stanza)
        encrypting.put_encrypted(made.stanza, Element(f"{{{NS}}}e"), NS, "instead")
        return made

    async def close(self):
        self.closed += 1


def all_of(method, *messages):
    async def collect():
        async def source():
            for each in messages:
                yield each

        return [each async for each in encrypting.encrypted(source(), method)]

    return asyncio.run(collect())


def tags(stanza):
    return [each.tag.rpartition("}")[2] for each in stanza]


def test_what_is_hidden_and_what_is_not():
    method = Method()
    inside = (
        "<subject>s</subject><replace xmlns='urn:xmpp:message-correct:0' id='x'/>"
        "<reactions xmlns='urn:xmpp:reactions:0' id='x'/><no-copy xmlns='urn:xmpp:hints'/>"
        "<securitylabel xmlns='urn:xmpp:sec-label:0'/><x xmlns='http://jabber.org/protocol/muc#user'/>"
    )
    (out,) = all_of(method, message(inside))
    assert tags(method.hidden) == ["body", "subject", "replace", "reactions"]
    assert tags(out.stanza) == [
        "body", "origin-id", "no-copy", "securitylabel", "x", "e", "encryption", "store",
    ]  # fmt: skip
    assert out.stanza[0].text == "instead"
    assert method.closed == 1


@pytest.mark.parametrize("hint", ["no-store", "no-permanent-store", "store"])
def test_a_hint_that_is_there_stays_alone(hint):
    (out,) = all_of(Method(), message(f"<{hint} xmlns='urn:xmpp:hints'/>"))
    assert tags(out.stanza).count("store") == (hint == "store")


def test_nothing_of_a_message_goes_out_that_cannot_be_encrypted():
    method = Method(UntrustedError("no key", condition="no-key"))
    refused = outgoing.compose(parse("c@fake.test"), id="j").refused(UsageError("x").info())
    first, second = all_of(method, message(), refused)
    assert (first.to, first.id, first.error.code, first.error.step) == (
        "bob@fake.test", "i", 12, "encrypt",
    )  # fmt: skip
    assert second is refused
    assert method.closed == 1


def test_without_a_method_messages_are_as_they_are():
    made = message()
    assert all_of(None, made) == [made]
    assert tags(made.stanza) == ["body", "origin-id"]


def test_the_method_is_closed_where_the_messages_end_early():
    method = Method()

    async def broken():
        yield message()
        raise ConnectError("the stream ended")

    async def collect():
        async for _ in encrypting.encrypted(broken(), method):
            pass

    with pytest.raises(ConnectError):
        asyncio.run(collect())
    assert method.closed == 1


class OnlyFor(Method):
    """Has a key for some."""

    def __init__(self, *names):
        super().__init__()
        self.names = names

    async def encrypt(self, made):
        if str(made.to) not in self.names:
            raise UntrustedError(f"no key of {made.to}", condition="no-key")
        return await super().encrypt(made)


def test_a_group_gets_it_whole_or_not_at_all():
    method = OnlyFor("bob@fake.test", "dan@fake.test")
    bad = outgoing.compose(parse("d@fake.test"), id="j").refused(UsageError("x").info())

    def to(name):
        return outgoing.compose(parse(f"{name}@fake.test"), id=name, body="secret")

    async def groups():
        yield [to("bob"), to("carol"), bad]
        yield [to("bob"), to("dan")]

    async def collect():
        return [each async for each in encrypting.encrypted_together(groups(), method)]

    first, second, third, *sent = asyncio.run(collect())
    assert [each.error.code for each in (first, second, third)] == [12, 12, 2]
    assert first.error == second.error and "carol@fake.test" in first.error.text
    assert first.to == "bob@fake.test" and third is bad
    assert [each.id for each in sent] == ["bob", "dan"]
    assert method.closed == 1


def test_nothing_to_encrypt():
    empty = outgoing.compose(parse("bob@fake.test"), id="i")
    with pytest.raises(UsageError, match="nothing was sent"):
        encrypting.take_content(empty.stanza)


@pytest.mark.parametrize(
    "inside",
    [
        "<x xmlns='http://jabber.org/protocol/muc#user'><invite><reason>secret</reason></invite></x>",
        "<delay xmlns='urn:xmpp:delay'>secret</delay>",
        "<event xmlns='http://jabber.org/protocol/pubsub#event'><items node='secret'/></event>",
    ],
)
def test_what_says_something_and_cannot_be_hidden(inside):
    (result,) = all_of(Method(), message(inside))
    assert (result.error.name, result.error.step) == ("USAGE", "encrypt")
    assert "cannot be encrypted" in result.error.text


def test_text_between_elements_does_not_go_in_clear():
    made = message("<no-copy xmlns='urn:xmpp:hints'/>")
    made.stanza.text = made.stanza[-1].tail = "secret"
    encrypting.take_content(made.stanza)
    assert "secret" not in tostring(made.stanza, encoding="unicode")
