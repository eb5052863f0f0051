"""What accounts tell of themselves: the XEPs' own examples, nonsense, and who is believed."""

import asyncio
from datetime import UTC, datetime
from xml.etree.ElementTree import fromstring

import pytest

from tests.unit.session.streams import come, make_session
from xmppctl.errors import RefusedError, UnsupportedError
from xmppctl.model.jid import parse
from xmppctl.model.pep import Activity, Mood, Nick
from xmppctl.protocol import pepvalues
from xmppctl.protocol.pepvalues import (
    Value,
    activity,
    anything,
    geoloc,
    microblog,
    mood,
    nickname,
    tune,
)
from xmppctl.protocol.pubsub import Item
from xmppctl.session.xml import serialise

PS = "http://jabber.org/protocol/pubsub"
STANZAS = "urn:ietf:params:xml:ns:xmpp-stanzas"
OWN = "juliet@capulet.lit"
BOB = parse("bob@fake.test")
HAPPY = (
    "<mood xmlns='http://jabber.org/protocol/mood'><happy>"
    "<ecstatic xmlns='https://example.org/'/></happy>"
    "<text>Yay, the mood spec has been approved!</text></mood>"
)
SAD = "<mood xmlns='http://jabber.org/protocol/mood'><sad/></mood>"


def read(kind, text):
    return kind.read(OWN, Value(fromstring(text)))


def test_a_mood():
    assert read(mood, HAPPY) == Mood(OWN, "happy", "Yay, the mood spec has been approved!")
    assert read(mood, "<mood xmlns='http://jabber.org/protocol/mood'/>") == Mood(OWN)
    foreign = "<mood xmlns='http://jabber.org/protocol/mood'><x xmlns='y'/><text/></mood>"
    assert read(mood, foreign) == Mood(OWN)
    assert serialise(mood.build("sad", None), "") == SAD
    assert not len(mood.build(None, None))


def test_an_activity():
    ns = activity.NODE
    text = (
        f"<activity xmlns='{ns}'><relaxing><partying/></relaxing><text>My b-day!</text></activity>"
    )
    assert read(activity, text) == Activity(OWN, "relaxing", "partying", "My b-day!")
    assert serialise(activity.build("relaxing", "partying", "My b-day!"), "") == text
    # XEP-0108 §2.1: what is specific in another namespace is ignored
    other = f"<activity xmlns='{ns}'><inactive><sleeping xmlns='x'/></inactive></activity>"
    assert read(activity, other) == Activity(OWN, "inactive")
    deeper = other.replace(" xmlns='x'/>", "><x xmlns='x'/></sleeping>")
    assert read(activity, deeper).specific == "sleeping"
    assert read(activity, f"<activity xmlns='{ns}'/>") == Activity(OWN)


TUNE = (
    "<tune xmlns='http://jabber.org/protocol/tune'><artist>Yes</artist><length>686</length>"
    "<rating>8</rating><source>Yessongs</source><title>Heart of the Sunrise</title>"
    "<track>3</track><uri>http://www.yesworld.com/lyrics/Fragile.html#9</uri></tune>"
)


def test_a_tune():
    found = read(tune, TUNE)
    assert (found.artist, found.length, found.rating, found.track) == ("Yes", 686, 8, "3")
    values = {name: getattr(found, name) for name in tune.FIELDS}
    assert serialise(tune.build(values), "") == TUNE
    assert serialise(tune.build({}), "") == "<tune xmlns='http://jabber.org/protocol/tune'/>"


@pytest.mark.parametrize("number", ["", "x", "-1", "1.5", "²", "9" * 5000])
def test_a_length_that_is_none(number):
    found = read(tune, TUNE.replace("686", number))
    assert (found.length, found.title) == (None, "Heart of the Sunrise")


def test_a_nickname():
    assert read(nickname, f"<nick xmlns='{nickname.NODE}'>Ishmael</nick>") == Nick(OWN, "Ishmael")
    assert read(nickname, f"<nick xmlns='{nickname.NODE}'> </nick>") == Nick(OWN)
    assert nickname.build(None).text is None


def test_a_place():
    text = (
        f"<geoloc xmlns='{geoloc.NODE}' xml:lang='en'><accuracy>20</accuracy>"
        "<country>Italy</country><lat>45.44</lat><locality>Venice</locality><lon>12.33</lon>"
        "</geoloc>"
    )
    found = read(geoloc, text)
    assert (found.lat, found.lon, found.accuracy) == (45.44, 12.33, 20.0)
    assert (found.country, found.locality, found.lang) == ("Italy", "Venice", "en")
    values = {name: getattr(found, name) for name in (*geoloc.FIELDS, "lang")}
    assert serialise(geoloc.build(values), "") == text


@pytest.mark.parametrize("number", ["", "nan", "inf", "1e999", "abc", "1_0", "١"])
def test_a_coordinate_that_is_none(number):
    text = (
        f"<geoloc xmlns='{geoloc.NODE}'><lat>{number}</lat><timestamp>{number}</timestamp></geoloc>"
    )
    found = read(geoloc, text)
    assert (found.lat, found.timestamp) == (None, None)


def test_numbers_have_no_exponent():
    values = {
        "lat": 1e-7,
        "lon": -0.5,
        "alt": 8848.0,
        "timestamp": datetime(2026, 1, 2, tzinfo=UTC),
    }
    found = geoloc.build(values)
    told = {each.tag.partition("}")[2]: each.text for each in found}
    assert told == {
        "lat": "0.0000001", "lon": "-0.5", "alt": "8848", "timestamp": "2026-01-02T00:00:00Z",
    }  # fmt: skip


ENTRY = """<entry xmlns='http://www.w3.org/2005/Atom'>
  <author><name>Romeo Montague</name><uri>xmpp:romeo@montague.lit</uri></author>
  <title type='text'>hanging out at the Cafe</title>
  <content type='xhtml'><div xmlns='http://www.w3.org/1999/xhtml'><p>a <b>b</b></p></div></content>
  <content type='text'>a b</content>
  <link rel='alternate' href='http://montague.lit/1'/><link/><category term='food'/>
  <id>tag:montague.lit,2008-05-08:posts-1</id>
  <published>2008-05-08T18:30:02Z</published><updated>nonsense</updated></entry>"""


def test_a_post():
    found = microblog.read(OWN, Item("1", fromstring(ENTRY), "romeo@montague.lit"))
    assert (found.title, found.text) == ("hanging out at the Cafe", "a b")
    assert (found.author, found.author_uri) == ("Romeo Montague", "xmpp:romeo@montague.lit")
    assert found.published == datetime(2008, 5, 8, 18, 30, 2, tzinfo=UTC)
    assert (found.updated, found.links, found.tags) == (None, ["http://montague.lit/1"], ["food"])
    only = ENTRY.replace("<content type='text'>a b</content>", "")
    assert microblog.read(OWN, Item("1", fromstring(only))).text == "a b"
    empty = microblog.read(
        OWN, Item(None, fromstring("<entry xmlns='http://www.w3.org/2005/Atom'/>"))
    )
    assert (empty.title, empty.author, empty.published) == (None, None, None)


class Account:
    """Answers as the account that is asked; ``stored``: what is in its node, as XML of items."""

    def __init__(self, stored=None, *, error=None, sender=None, deaf=False):
        self.session, self.wire, self.transport = make_session()
        self.stored = stored
        self.error = error
        self.sender = sender
        self.deaf = deaf

    def run(self, operation):
        async def both():
            task = asyncio.ensure_future(operation(self.session))
            while not task.done():
                await asyncio.sleep(0)
                text = self.transport.text
                for iq in fromstring(f"<s xmlns='jabber:client'>{text}</s>") if text else ():
                    self._respond(iq)
            return task.result()

        return asyncio.run(both())

    def _respond(self, iq):
        sender = self.sender or iq.get("to") or self.session.bare
        action, kind, answer = iq[0][0], "result", ""
        if self.error is not None:
            kind = "error"
            answer = f"<error type='auth'><{self.error} xmlns='{STANZAS}'/></error>"
        elif action.tag.endswith("publish") and not self.deaf:
            item = action[0]
            self.stored = f"<item id='{item.get('id')}'>{serialise(item[0], PS)}</item>"
        elif action.tag.endswith("items"):
            node = action.get("node")
            items = f"<items node='{node}'>{self.stored or ''}</items>"
            answer = f"<pubsub xmlns='{PS}'>{items}</pubsub>"
        attributes = f"type='{kind}' id='{iq.get('id')}' from='{sender}'"
        come(self.wire, f"<iq {attributes}>{answer}</iq>")


def fetching(jid=BOB):
    return lambda session: pepvalues.fetch(session, mood.NODE, jid, mood.TAG)


def test_what_a_contact_tells():
    found = Account(f"<item id='1'>{HAPPY}</item>").run(fetching())
    assert mood.read(str(BOB), found).mood == "happy"


@pytest.mark.parametrize("jid", [BOB, None])
def test_nothing_was_published(jid):
    for account in (Account(), Account(error="item-not-found")):
        with pytest.raises(RefusedError) as caught:
            account.run(fetching(jid))
        assert caught.value.condition == "item-not-found"
        assert caught.value.by == str(jid or "alice@fake.test")


def test_only_the_account_itself_is_believed():
    account = Account(f"<item id='1'>{HAPPY}</item>", sender="mallory@fake.test/x")

    async def ask(session):
        async with asyncio.timeout(0.05):
            await pepvalues.fetch(session, mood.NODE, BOB, mood.TAG)

    with pytest.raises(TimeoutError):
        account.run(ask)


def test_something_else_in_the_node():
    with pytest.raises(RefusedError) as caught:
        Account("<item id='1'><mood xmlns='x'/></item>").run(fetching())
    assert caught.value.condition == "malformed-answer"
    assert "is <mood xmlns='x'/>, not <mood xmlns='http" in caught.value.text


@pytest.mark.parametrize("condition", ["forbidden", "not-authorized", "subscription-required"])
def test_a_subscription_is_needed(condition):
    with pytest.raises(RefusedError) as caught:
        Account(error=condition).run(fetching())
    assert caught.value.condition == condition
    assert f"roster subscribe {BOB}" in caught.value.hint


def test_a_stranger_and_a_server_without_pep():
    with pytest.raises(RefusedError) as caught:
        Account(error="service-unavailable").run(fetching())
    assert caught.value.condition == "service-unavailable"
    with pytest.raises(UnsupportedError):
        Account(error="service-unavailable").run(fetching(None))


def publishing(payload):
    return lambda session: pepvalues.publish(session, mood.NODE, payload, {})


def test_what_is_published_is_read_back():
    account = Account()
    value = account.run(publishing(mood.build("sad", None)))
    assert (mood.read("x", value).mood, account.stored) == (
        "sad", f"<item id='current'>{SAD}</item>",
    )  # fmt: skip
    assert value.at is not None
    for deaf in (Account(deaf=True), Account(f"<item id='current'>{HAPPY}</item>", deaf=True)):
        with pytest.raises(RefusedError) as caught:
            deaf.run(publishing(mood.build("sad", None)))
        assert caught.value.condition == "not-confirmed"


def test_a_server_that_publishes_nothing():
    with pytest.raises(UnsupportedError):
        Account(error="service-unavailable").run(publishing(mood.build("sad", None)))


def test_any_item():
    items = [
        Item("a", fromstring("<x xmlns='y'><z/></x>")),
        Item(None, fromstring("<x xmlns='y'/>")),
    ]
    found = anything.records(OWN, "n", items, ())
    assert [(each.id, each.xml) for each in found] == [
        ("a", "<x xmlns='y'><z/></x>"), (None, "<x xmlns='y'/>"),
    ]  # fmt: skip
    with pytest.raises(RefusedError):
        anything.records(OWN, "n", items, ("b",))
    account = Account(
        "<item id='7'><game xmlns='urn:xmpp:gaming:0'><name>Chess</name></game></item>"
    )
    name, element = account.run(lambda s: anything.emptied(s, "n", None))
    assert (name, serialise(element, "")) == ("7", "<game xmlns='urn:xmpp:gaming:0'/>")
    with pytest.raises(RefusedError):
        Account().run(lambda s: anything.emptied(s, "n", "x"))


def test_nodes_for_private_data():
    assert anything.privacy("urn:xmpp:bookmarks:1")["access_model"] == "whitelist"
    assert not anything.privacy("http://jabber.org/protocol/mood")
