"""`xmppctl account import`: nothing is opened, nothing lost, and no other file read."""

from __future__ import annotations

import pytest

from tests.integration.portable import (
    PS,
    access,
    ids,
    make_node,
    stored,
    user_file,
)

pytestmark = pytest.mark.in_turn


def test_a_private_node_is_never_published_open(xmppctl, alice, bob, raw, tmp_path):
    client = raw(alice, "x")
    make_node(client, "example:open", "open")
    make_node(client, "example:narrow", "whitelist", ("old", "<x xmlns='urn:example'/>"), most=5)
    form = "<x xmlns='jabber:x:data' type='form'><field var='pubsub#access_model'><value>{}</value>"
    configure = "<configure node='{}'>" + form + "</field></x></configure>"
    items = "<items node='{}'><item id='secret'><x xmlns='urn:example'>s</x></item></items>"
    path = user_file(
        tmp_path / "f.xml", "j@capulet.test",
        f"<pubsub xmlns='{PS}#owner'>" + configure.format("example:open", "whitelist")
        + configure.format("example:narrow", "open") + "</pubsub>"
        + f"<pubsub xmlns='{PS}'>" + items.format("example:open") + items.format("example:narrow")
        + items.format("example:unsaid") + "</pubsub>",
    )  # fmt: skip
    run = xmppctl("--json", "account", "import", path, account=alice).expect(9)
    found = {each["target"]: each for each in run.json()}
    assert found["example:open"]["error"]["condition"] == "precondition-not-met"
    assert ids(client, "example:open") == []
    assert found["example:narrow"]["done"] == 1
    assert "stays whitelist" in found["example:narrow"]["reason"]
    assert ids(client, "example:narrow") == ["old", "secret"]
    assert access(client, "example:narrow") == "whitelist"
    # of a node without a word on it nobody may read anything
    assert (access(client, "example:unsaid"), ids(client, "example:unsaid")) == (
        "whitelist",
        ["secret"],
    )
    run = xmppctl("--json", "account", "import", path, "--replace", account=alice).expect()
    assert {each["target"]: each["done"] for each in run.json()} == {
        "example:open": 1,
        "example:narrow": 0,
        "example:unsaid": 0,
    }
    assert (access(client, "example:open"), ids(client, "example:open")) == (
        "whitelist",
        ["secret"],
    )
    assert access(client, "example:narrow") == "open"


def test_what_is_there_stays(xmppctl, alice, bob, raw, tmp_path):
    client = raw(alice, "x")
    for payload in (
        "<query xmlns='jabber:iq:private'><prefs xmlns='example:prefs'>mine</prefs></query>",
        "<query xmlns='jabber:iq:private'><storage xmlns='storage:rosternotes'>"
        "<note jid='a@x.test'>mine</note></storage></query>",
        "<vCard xmlns='vcard-temp'><FN>Mine</FN></vCard>",
    ):
        assert client.iq(payload, type="set").get("type") == "result"
    path = user_file(
        tmp_path / "f.xml", "j@capulet.test",
        f"<query xmlns='jabber:iq:roster'><item jid='{bob.jid}' subscription='both'/></query>"
        "<query xmlns='jabber:iq:private'><prefs xmlns='example:prefs'>other</prefs>"
        "<storage xmlns='storage:rosternotes'><note jid='a@x.test'>other</note>"
        "<note jid='b@x.test'>new</note></storage></query>"
        "<vCard xmlns='vcard-temp'><FN>Other</FN></vCard>"
        "<thing xmlns='urn:example'/>"
        "<presence xmlns='jabber:client' type='subscribe' from='c@x.test'/>",
    )  # fmt: skip
    friend = raw(bob, "friend")
    friend.send("<presence/>")
    run = xmppctl("--json", "account", "import", path, "--subscribe", account=alice).expect()
    records = {(each["part"], each["target"]): each for each in run.json()}
    done = {key: (each["done"], each["skipped"]) for key, each in records.items()}
    assert done == {
        ("roster", None): (1, 0),
        ("subscriptions", None): (1, 0),
        ("vcard", None): (0, 1),
        ("private", "{example:prefs}prefs"): (0, 1),
        ("private", "{storage:rosternotes}storage"): (1, 1),
        ("requests", None): (0, 1),
        ("other", "{urn:example}thing"): (0, 1),
    }
    request = friend.expect(lambda e: e.get("type") == "subscribe")
    assert request.get("from") == alice.jid
    assert stored(client, "<prefs xmlns='example:prefs'/>").text == "mine"
    notes = stored(client, "<storage xmlns='storage:rosternotes'/>")
    assert {each.get("jid"): each.text for each in notes} == {"a@x.test": "mine", "b@x.test": "new"}
    run = xmppctl("--json", "account", "import", path, "--replace", account=alice).expect()
    assert stored(client, "<prefs xmlns='example:prefs'/>").text == "other"
    notes = stored(client, "<storage xmlns='storage:rosternotes'/>")
    assert {each.get("jid"): each.text for each in notes} == {
        "a@x.test": "other",
        "b@x.test": "new",
    }
    card = client.iq("<vCard xmlns='vcard-temp'/>")[0]
    assert card.findtext("{vcard-temp}FN") == "Other"
    run = xmppctl("-o", "plain", "account", "import", path, "--vcard", account=alice).expect()
    assert run.out == "vcard\n"


BAD = {
    "a DTD": "<!DOCTYPE x [<!ENTITY a 'b'>]><server-data xmlns='urn:xmpp:pie:0'/>",
    "no account": "<server-data xmlns='urn:xmpp:pie:0'/>",
    "<rss/>": "<rss/>",
    "no element": "<server-data xmlns='urn:xmpp:pie:0'><host jid='x.test'><user name='a'>",
}


@pytest.mark.parametrize("text", BAD.values(), ids=BAD.keys())
def test_files_that_are_none_are_refused_without_a_connection(xmppctl, tmp_path, text):
    path = tmp_path / "bad.xml"
    path.write_text(text)
    run = xmppctl(
        "account", "import", str(path), jid="a@no.such.host.invalid", password="x"
    ).expect(2)
    assert "Traceback" not in run.err


@pytest.mark.parametrize(
    "href", ["../out.xml", "/etc/passwd", "file:///etc/passwd", "http://127.0.0.1:1/x", "link.xml"]
)
def test_no_file_elsewhere_is_included(xmppctl, tmp_path, href):
    directory = tmp_path / "in"
    directory.mkdir()
    out = user_file(tmp_path / "out.xml", "a@x.test", "")
    (directory / "link.xml").symlink_to(out)
    main = directory / "main.xml"
    main.write_text(
        "<server-data xmlns='urn:xmpp:pie:0' xmlns:xi='http://www.w3.org/2001/XInclude'>"
        f"<xi:include href='{href}'/></server-data>"
    )
    run = xmppctl(
        "account", "import", str(main), jid="a@no.such.host.invalid", password="x"
    ).expect(2)
    assert "below its own directory" in run.err
