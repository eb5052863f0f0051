"""Reading rosters, versions and requests without a server."""

import asyncio
from xml.etree.ElementTree import fromstring

import pytest

from tests.unit.session.streams import come, make_session
from xmppctl.errors import RefusedError, UnsupportedError
from xmppctl.model.jid import parse as jid
from xmppctl.model.roster import Contact, Listed, Roster
from xmppctl.protocol import availability, roster, rosterlist, subscription
from xmppctl.session.xml import parse

VERSIONS = "<f><ver xmlns='urn:xmpp:features:rosterver'/></f>"


def answer(query):
    return parse(f"<iq xmlns='jabber:client' type='result' id='1'>{query}</iq>")


def query(items, ver=""):
    return f"<query xmlns='jabber:iq:roster'{ver}>{items}</query>"


class Server:
    """Runs an operation; ``respond(stanza)`` gives what comes in after each stanza that goes out.

    ``{id}`` in it is the id of the stanza.
    """

    def __init__(self, respond, features="<f/>"):
        self.session, self.wire, self.transport = make_session(features)
        self.respond = respond
        self.sent = []
        self.flights = []

    def run(self, operation):
        async def both():
            task = asyncio.ensure_future(operation)
            while not task.done():
                await asyncio.sleep(0)
                out = fromstring(f"<s xmlns='jabber:client'>{self.transport.text}</s>")
                self.flights += [len(out)] if len(out) else []
                for stanza in out:
                    self.sent.append(stanza)
                    come(self.wire, *self.respond(stanza).format(id=stanza.get("id")).split("|"))
            return task.result()

        return asyncio.run(both())


def test_items_as_the_rfc_has_them():
    items = (
        "<item jid='romeo@example.net' name='Romeo' subscription='both'><group>Friends</group>"
        "</item><item jid='mercutio@example.com' subscription='from'/>"
        "<item jid='benvolio@example.net' subscription='to' ask='subscribe' approved='1'/>"
    )
    found = roster.read(answer(query(items, " ver='v2'")))
    assert found == [
        Contact("benvolio@example.net", None, "to", "subscribe", True, [], "v2"),
        Contact("mercutio@example.com", None, "from", None, False, [], "v2"),
        Contact("romeo@example.net", "Romeo", "both", None, False, ["Friends"], "v2"),
    ]


@pytest.mark.parametrize("given", ["", "<query xmlns='urn:other'/>"])
def test_an_answer_without_a_roster(given):
    with pytest.raises(RefusedError) as caught:
        roster.read(answer(given))
    assert caught.value.condition == "malformed-answer"


def test_a_setting_has_what_was_given_and_no_subscription():
    item = roster.setting(roster.Entry(jid("a@x.test"), "", ["g", "h", "g"]))[0]
    assert item.attrib == {"jid": "a@x.test"}
    assert [group.text for group in item] == ["g", "h"]
    assert roster.setting(roster.Entry(jid("a@x.test"), "A"))[0].get("name") == "A"


def test_what_is_pushed_before_the_result_is_in_it():
    known = Roster("v1", [Contact("a@x.test", ver="v1")])

    def push(who, ver):
        changed = query(f"<item jid='{who}'/>", f" ver='{ver}'")
        return f"<iq type='set' id='p'>{changed}</iq>"

    def respond(stanza):
        if stanza.find(roster.QUERY) is not None:
            full = query("<item jid='b@x.test'/>", " ver='v2'")
            result = f"<iq type='result' id='{{id}}'>{full}</iq>"
            return "|".join([push("old@x.test", "v0"), result, push("new@x.test", "v3")])
        return "<iq type='result' id='{id}' from='fake.test'/>" if stanza.get("to") else ""

    server = Server(respond, VERSIONS)
    found = server.run(roster.refresh(server.session, known))
    assert found.ver == "v3"
    assert [(each.jid, each.ver) for each in found.contacts] == [
        ("b@x.test", "v3"),
        ("new@x.test", "v3"),
    ]
    assert server.sent[0][0].get("ver") == "v1"


def test_a_server_without_a_roster():
    server = Server(
        lambda _: (
            "<iq type='error' id='{id}'><error type='cancel'><service-unavailable "
            "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>"
        )
    )
    with pytest.raises(UnsupportedError):
        server.run(roster.put(server.session, [roster.Entry(jid("a@x.test"))]))


def test_changes_go_in_bounded_flights_and_the_bad_ones_not_at_all():
    server = Server(lambda _: "<iq type='result' id='{id}'/>")
    own, full = jid("alice@fake.test"), jid("b@x.test/r")
    entries = [roster.Entry(jid(f"c{number}@x.test")) for number in range(199)]
    entries[5:5] = [roster.Entry(own), roster.Entry(full)]
    told = []
    outcome = server.run(roster.put(server.session, entries, told=told.append))
    assert told == [64, 128, 192, 199]
    assert [index for index, error in enumerate(outcome) if error is not None] == [5, 6]
    assert len(server.sent) == 199
    assert server.flights == [64, 64, 64, 7]


@pytest.mark.parametrize(
    ("delimiter", "path"),
    [
        (None, ["A::B"]),
        ("::", ["A", "B"]),
        (":", ["A", "B"]),
        ("A::B", ["A::B"]),
    ],
)
def test_paths(delimiter, path):
    (found,) = rosterlist.branches([Listed("a@x.test", groups=["A::B"])], delimiter)
    assert found.path == path


REQUEST = (
    "<presence from='juliet@capulet.net' type='subscribe'>"
    "<preauth xmlns='urn:xmpp:pars:0' token='1tMFqYDdKhfe2pwp' />"
    "<nick xmlns='http://jabber.org/protocol/nick'> Ishmael </nick><status>hi</status></presence>"
)
FLEXIBLE = (
    "<query xmlns='http://jabber.org/protocol/disco#info'>"
    "<identity category='automation' type='message-list'/></query>"
)


@pytest.mark.parametrize(("told", "priorities"), [(FLEXIBLE, ["0", "-1"]), ("", ["-1"])])
def test_requests_cost_no_message(told, priorities):
    def respond(stanza):
        if stanza.tag.endswith("presence"):
            return REQUEST
        info = stanza.find("{http://jabber.org/protocol/disco#info}query") is not None
        return f"<iq type='result' id='{{id}}'>{told if info else ''}</iq>"

    server = Server(respond)

    async def ask():
        offline = subscription.asking_for_offline(server.session)
        server.session.send(offline.element)
        return await subscription.requests(server.session, offline)

    (found,) = server.run(ask()).items()
    assert found[0] == "juliet@capulet.net"
    assert (found[1].nick, found[1].token, found[1].message) == (
        "Ishmael", "1tMFqYDdKhfe2pwp", "hi",
    )  # fmt: skip
    shown = [e.findtext("{jabber:client}priority") for e in server.sent if e.tag.endswith("ence")]
    assert shown == priorities


def test_the_request_with_nickname_and_token():
    note = subscription.Note("Ishmael", "Call me", "1tMFqYDdKhfe2pwp")
    stanza = subscription._request(jid("romeo@montague.net"), note)
    assert (stanza.get("to"), stanza.get("type")) == ("romeo@montague.net", "subscribe")
    assert stanza.findtext("{http://jabber.org/protocol/nick}nick") == "Ishmael"
    assert stanza.find("{urn:xmpp:pars:0}preauth").get("token") == "1tMFqYDdKhfe2pwp"
    assert not list(subscription._request(jid("a@x.test"), subscription.Note()))


def test_who_is_online_and_whose_server_is_silent():
    def respond(stanza):
        to = stanza.get("to")
        if stanza.get("type") == "probe":
            if to == "there@x.test":
                return (
                    f"<presence from='{to}/a' type='unavailable'/>|<presence from='{to}/b'/>"
                    "|<presence from='evil@x.test'/>"
                )
            return "<presence from='gone@x.test' type='unavailable'/>" if "gone" in to else ""
        if to in ("silent@y.test", "there@x.test"):
            return ""  # a presence is an answer too
        return f"<iq type='result' id='{{id}}' from='{to}'/>"

    server = Server(respond)
    jids = ["there@x.test", "gone@x.test", "off@x.test", "silent@y.test"]
    there, silent = server.run(availability.online(server.session, jids))
    assert there == {"there@x.test"}
    assert silent == ["silent@y.test"]


def test_a_contact_that_answers_again_and_again_is_not_waited_for():
    flood = "|".join(["<presence from='there@x.test/a'/>"] * 50)

    def respond(stanza):
        if stanza.get("type") == "probe":
            return flood if stanza.get("to") == "there@x.test" else ""
        return f"<iq type='result' id='{{id}}' from='{stanza.get('to')}'/>"

    server = Server(respond)
    there, silent = server.run(availability.online(server.session, ["there@x.test", "b@x.test"]))
    assert (there, silent) == ({"there@x.test"}, [])


ASKED = "<item jid='a@x.test' ask='subscribe'/><item jid='b@y.test' ask='subscribe'/>"


def subscribing(answers):
    """Both are asked; ``answers``: what comes for the barrier of whom."""

    def respond(stanza):
        if stanza.find(roster.QUERY) is not None:
            return f"<iq type='result' id='{{id}}'>{query(ASKED)}</iq>"
        return answers.get(stanza.get("to"), "") if stanza.tag.endswith("iq") else ""

    server = Server(respond)
    jids = [jid("a@x.test"), jid("b@y.test")]
    return server.run(subscription.subscribe(server.session, jids, subscription.Note()))


def failed(condition, sender):
    return (
        f"<iq type='error' id='{{id}}' from='{sender}'><error type='cancel'><{condition} "
        "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>"
    )


def test_a_request_whose_way_is_not_known():
    silent, refused = subscribing({"b@y.test": failed("remote-server-not-found", "b@y.test")})
    assert (silent.ask, silent.error.code, silent.error.by) == ("subscribe", 8, "x.test")
    assert (refused.error.code, refused.error.condition) == (6, "remote-server-not-found")


def test_a_contact_that_knows_no_ping_has_been_asked():
    known = {who: failed("service-unavailable", who) for who in ("a@x.test", "b@y.test")}
    assert [change.error for change in subscribing(known)] == [None, None]
