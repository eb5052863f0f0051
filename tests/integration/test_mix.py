"""`xmppctl mix` against a real service; another client sees the channel."""

import pytest

from tests.servers.quirks import Feature

CORE = "urn:xmpp:mix:core:1"
PAM = "urn:xmpp:mix:pam:2"
INFO = "<query xmlns='http://jabber.org/protocol/disco#info'/>"
BODY = "{jabber:client}body"


@pytest.fixture
def mix(xmppctl, alice):
    """``mix("join", channel, code=0)``: the run of a verb."""

    def run(*args, code=0, account=alice, **more):
        return xmppctl("--json", "mix", *args, account=account, **more).expect(code)

    return run


@pytest.fixture
def channel(alice, server):
    """The JID of a channel that nobody made yet."""
    return f"coven-{alice.local}@{server.services['mix']}"


@pytest.fixture
def made(raw, bob, channel):
    """A channel of bob's, in which he takes part with another client."""
    peer = raw(bob, "peer")
    local, _, service = channel.partition("@")
    request = f"<create xmlns='{CORE}' channel='{local}'/>"
    assert peer.iq(request, type="set", to=service).get("type") == "result"
    inner = "<subscribe node='urn:xmpp:mix:nodes:messages'/><nick>Bob</nick>"
    request = (
        f"<client-join xmlns='{PAM}' channel='{channel}'><join xmlns='{CORE}'>{inner}</join>"
        "</client-join>"
    )
    assert peer.iq(request, type="set").get("type") == "result"
    return peer


@pytest.mark.servers("ejabberd")
def test_a_channel_comes_and_goes(mix, raw, alice, channel, server):
    service = server.services["mix"]
    assert mix("create", channel).json() == {"channel": channel, "changed": True}
    peer = raw(alice, "peer")
    assert peer.iq(INFO, to=channel).get("type") == "result"
    assert mix("create", channel).json() == {"channel": channel, "changed": False}
    assert channel in [each["jid"] for each in mix("channels").json()]
    assert channel in [each["jid"] for each in mix("channels", service).json()]
    mix("join", channel)
    assert mix("destroy", channel, code=2).error()["name"] == "USAGE"
    assert mix("--yes", "destroy", channel).json() == {"channel": channel, "changed": True}
    assert peer.iq(INFO, to=channel).get("type") == "error"
    assert mix("--yes", "destroy", channel, code=6).error()["condition"] == "item-not-found"
    assert mix("--yes", "destroy", channel, "--if-exists").json()["changed"] is False
    # the own server is still in it
    assert mix("leave", channel).json()["joined"] is False
    assert mix("leave", channel, "--if-exists").json()["joined"] is False


@pytest.mark.servers("ejabberd")
def test_a_channel_without_a_name(mix, raw, alice, server):
    made = mix("create", server.services["mix"]).json()["channel"]
    assert made.endswith(f"@{server.services['mix']}")
    assert raw(alice).iq(INFO, to=made).get("type") == "result"


@pytest.mark.servers("ejabberd")
def test_taking_part(mix, made, alice, bob, channel):
    found = mix("join", channel, "--nick", "thirdwitch").json()
    assert (found["channel"], found["joined"], found["nick"]) == (channel, True, "thirdwitch")
    assert "urn:xmpp:mix:nodes:messages" in found["nodes"]
    listed = {each["jid"]: each for each in mix("participants", channel).json()}
    assert listed[alice.jid] == {
        "id": found["participant_id"],
        "nick": "thirdwitch",
        "jid": alice.jid,
    }
    assert listed[bob.jid]["nick"] == "Bob"
    assert mix("nick", channel, "first").json() == {"channel": channel, "nick": "first"}

    sent = mix("send", channel, "--", "-n", code=0).json()[0]
    heard = made.expect(lambda e: e.find(BODY) is not None)
    assert heard.findtext(BODY) == "-n"
    assert heard.get("from") == f"{channel}/{found['participant_id']}"
    assert (sent["acked"], sent["confirmed"], sent["error"]) == (True, True, None)
    assert sent["stanza_id"] == heard.get("id")

    assert mix("leave", channel).json()["joined"] is False
    query = (
        "<pubsub xmlns='http://jabber.org/protocol/pubsub'>"
        "<items node='urn:xmpp:mix:nodes:participants'/></pubsub>"
    )
    left = made.iq(query, to=channel).findall(".//{urn:xmpp:mix:core:0}participant")
    assert [each.get("jid") for each in left] == [bob.jid]
    assert mix("leave", channel, code=6).error()["condition"] == "item-not-found"
    assert mix("leave", channel, "--if-exists").json()["joined"] is False


@pytest.mark.servers("ejabberd")
def test_who_takes_no_part_may_not_speak(mix, made, channel):
    run = mix("send", channel, "hello", code=6)
    assert run.error()["condition"] == "forbidden"
    assert "mix join" in run.error()["hint"]
    record = run.json()[0]
    assert (record["acked"], record["confirmed"]) == (True, False)


@pytest.mark.servers("ejabberd")
def test_no_such_channel(mix, channel):
    for verb in (["join"], ["leave"], ["participants"], ["nick", channel, "x"]):
        args = verb if len(verb) > 1 else [*verb, channel]
        assert mix(*args, code=6).error()["condition"] == "item-not-found"


@pytest.mark.servers("ejabberd")
def test_archive_of_a_channel(mix, xmppctl, made, alice, channel):
    mix("join", channel, "--nick", "thirdwitch")
    made.send(f"<message type='groupchat' id='h1' to='{channel}'><body>hail</body></message>")
    made.expect(lambda e: e.findtext(BODY) == "hail")
    mix("send", channel, "hail too")
    found = xmppctl("--json", "mam", "query", "--room", channel, account=alice).expect().json()
    assert [(each["body"], each["muc"]["nick"], each["direction"]) for each in found] == [
        ("hail", "Bob", "in"),
        ("hail too", "thirdwitch", "out"),
    ]
    assert found[1]["muc"]["real_jid"] == alice.jid


@pytest.mark.servers("prosody")
def test_a_server_without_channels(mix, server):
    assert Feature.MIX not in server.features
    error = mix("channels", code=7).error()
    assert "urn:xmpp:mix:core:1" in error["text"]
    room = f"x@{server.conference}"
    assert mix("join", room, code=7).error()["code"] == 7
    assert mix("create", room, code=7).error()["code"] == 7
