"""Markup, data, hints, labels, forms and challenges: to another client, and from it."""

import json
from contextlib import suppress

import pytest

from tests.peers.rawxml import RawComponent
from tests.peers.stream import StreamClosed

pytestmark = pytest.mark.in_turn

CATALOGUE = "urn:xmpp:sec-label:catalog:2"
LABELLED = "{urn:xmpp:sec-label:0}securitylabel"
JSON = "{urn:xmpp:json:0}json"
OMEMO = "eu.siacs.conversations.axolotl"
LABEL = (
    "<securitylabel xmlns='urn:xmpp:sec-label:0'>"
    "<displaymarking fgcolor='black' bgcolor='red'>SECRET</displaymarking>"
    "<label><esssecuritylabel xmlns='urn:xmpp:sec-label:ess:0'>MQYCAQQGASk=</esssecuritylabel>"
    "</label></securitylabel>"
)
PLUGINS = ("xep_0071", "xep_0258", "xep_0335", "xep_0380", "xep_0382", "xep_0394")


@pytest.fixture
def peer(slix, bob):
    """bob as another client has him, who knows these payloads."""
    client = slix(bob)
    for plugin in PLUGINS:
        client.run(client.client.register_plugin, plugin)
    client.send_presence()
    return client


@pytest.fixture
def offered(peer, server):
    """Whether the server offers security labels."""
    told = peer.run(peer.plugin("xep_0030").get_info, jid=server.domain)
    return CATALOGUE in told["disco_info"]["features"]


@pytest.fixture
def listening(xmppctl, alice):
    def start(count):
        run = xmppctl.start("-o", "jsonl", "listen", "--count", str(count), account=alice)
        run.jid = run.wait_line(r"^listening as (\S+)$", "err")[1]
        return run

    return start


def send(xmppctl, alice, *args, **more):
    return xmppctl("--json", "send", *args, account=alice, **more)


# --- out ----------------------------------------------------------------------------------------


def test_a_form_and_an_element_go_out(xmppctl, alice, bob, peer, tmp_path):
    (tmp_path / "f.json").write_text('{"FORM_TYPE": "urn:x:f", "answer": ["a", "b"]}')
    (tmp_path / "e.xml").write_text("<e xmlns='urn:x:e'><n a='1'>t</n></e>")
    args = ("--form-json", str(tmp_path / "f.json"), "--extension", str(tmp_path / "e.xml"), "x")
    send(xmppctl, alice, bob.jid, *args).expect()
    message = peer.wait_message()
    form = message.xml.find("{jabber:x:data}x")
    assert form.get("type") == "submit"
    assert [[v.text for v in field] for field in form] == [["urn:x:f"], ["a", "b"]]
    assert message.xml.find("{urn:x:e}e/{urn:x:e}n").attrib == {"a": "1"}


def test_markup_and_hints_go_out(xmppctl, alice, bob, peer, tmp_path):
    file = tmp_path / "m.html"
    file.write_text("<p>The <strong>butler</strong></p><p>did <em>it</em></p>")
    args = ["--lang", "en", "--xhtml", str(file), "--spoiler-hint", "Who?", "--unstyled"]
    send(xmppctl, alice, *args, bob.jid).expect(0)
    found = peer.wait_message()
    assert found["body"] == "The butler\ndid it"
    assert "<strong>butler</strong>" in found["html"]["body"]
    assert found["spoiler"].xml.text == "Who?"
    assert found["spoiler"]["lang"] == "en"
    assert found.xml.find("{urn:xmpp:styling:0}unstyled") is not None


def test_json_goes_out(xmppctl, alice, bob, peer, tmp_path):
    value = {"load": [0.5, 1.25], "host": "a<b>&c", "none": None}
    file = tmp_path / "d.json"
    file.write_text(json.dumps(value, indent=1))
    send(xmppctl, alice, "--json-payload", str(file), bob.jid).expect(0)
    found = peer.wait_message(lambda m: m.xml.find(JSON) is not None)
    assert found["json"]["value"] == value
    assert not found["body"]
    args = ["--json-payload", "-", "--json-type", "urn:example:load", bob.jid]
    send(xmppctl, alice, *args, input=json.dumps(value)).expect(0)
    payload = peer.wait_xml("{urn:xmpp:json-msg:0}payload")
    assert payload.get("datatype") == "urn:example:load"
    assert json.loads(payload.findtext(JSON)) == value


def test_a_label_of_a_file_goes_out(xmppctl, alice, bob, peer, tmp_path):
    file = tmp_path / "label.xml"
    file.write_text(LABEL)
    send(xmppctl, alice, "--label-xml", str(file), bob.jid, "x").expect(0)
    label = peer.wait_message()["security_label"]
    assert label["display_marking"]["value"] == "SECRET"
    assert label["label"]["ess"].xml.text == "MQYCAQQGASk="


def test_a_label_of_the_catalogue_goes_out(xmppctl, alice, bob, peer, offered):
    run = send(xmppctl, alice, "--label", "Classified|SECRET", bob.jid, "x")
    if not offered:
        error = run.expect(7).error()
        assert error["condition"] == "feature-not-implemented"
        return
    run.expect(0)
    label = peer.wait_message().xml.find(LABELLED)
    assert label.findtext("{urn:xmpp:sec-label:0}displaymarking") == "SECRET"
    assert label.findtext("{urn:xmpp:sec-label:0}label") == "THISISSECRET"


def test_a_label_that_is_not_in_the_catalogue(xmppctl, alice, bob, peer, offered):
    error = send(xmppctl, alice, "--label", "No such", bob.jid, "x").expect(2 if offered else 7)
    if offered:
        assert "Classified|SECRET" in error.error()["hint"]
    send(xmppctl, alice, bob.jid, "the first that comes").expect(0)
    assert peer.wait_message()["body"] == "the first that comes"


def test_all_of_it_in_a_room(xmppctl, alice, host, room, offered, tmp_path):
    host.create_muc(room, "host")
    label = ["--label", "Classified|PUBLIC"] if offered else []
    args = ["--nick", "cron", "--spoiler", "--json-payload", "-", *label]
    run = xmppctl("--json", "muc", "send", room, *args, "x", account=alice, input="[1]")
    run.expect(0)
    found = host.wait_message(lambda m: m["body"] == "x").xml
    assert found.find("{urn:xmpp:spoiler:0}spoiler") is not None
    assert found.findtext(JSON) == "[1]"
    assert (found.find(LABELLED) is not None) is offered
    run = xmppctl("--json", "muc", "pm", room, "host", *args, "psst", account=alice, input="[2]")
    run.expect(0)
    found = host.wait_message(lambda m: m["body"] == "psst").xml
    assert found.findtext(JSON) == "[2]"
    assert (found.find(LABELLED) is not None) is offered


# --- in -----------------------------------------------------------------------------------------


def test_what_another_client_makes_comes_in(listening, xmppctl, alice, peer):
    run = listening(1)

    def made():
        message = peer.client.make_message(mto=alice.jid, mbody="There is really no reason",
                                           mhtml="<p>There <em>really</em> is</p>")  # fmt: skip
        span = peer.plugin("xep_0394").stanza.Span()
        span["start"], span["end"], span["types"] = 9, 15, ["emphasis", "deleted"]
        message["markup"].append(span)
        message["spoiler"].xml.text = "a hint"
        message["json"]["value"] = {"a": [1, None]}
        message["security_label"]["display_marking"]["value"] = "SECRET"
        message["security_label"]["display_marking"]["fgcolor"] = "red"
        message["security_label"].enable("label")
        peer.plugin("xep_0380").add_eme(message, OMEMO)
        message.send()

    peer.run(made)
    (found,) = xmppctl.finish(run).expect(0).jsonl()
    assert found["xhtml_text"] == "There really is"
    assert found["markup"] == [
        {"kind": "span", "start": 9, "end": 15, "styles": ["emphasis", "deleted"]}
    ]
    assert found["spoiler"] == {"hint": "a hint"}
    assert found["json"] == [{"datatype": None, "value": {"a": [1, None]}, "text": None}]
    assert found["security_label"] == {
        "display": "SECRET", "fgcolor": "red", "label": "<label xmlns='urn:xmpp:sec-label:0'/>",
    }  # fmt: skip
    assert found["encryption"] == {
        "ns": OMEMO, "name": "OMEMO", "state": "unsupported",
    }  # fmt: skip
    assert found.get("extensions", []) == []
    stored = xmppctl("-o", "jsonl", "mam", "query", "--last", "1", account=alice).expect(0).jsonl()
    for name in ("xhtml_text", "markup", "spoiler", "json", "security_label", "encryption"):
        assert stored[0][name] == found[name]


def test_typed_data_forms_and_older_encryption_come_in(listening, xmppctl, alice, peer):
    run = listening(3)
    for inside in (
        "<payload xmlns='urn:xmpp:json-msg:0' datatype='urn:example:t'>"
        "<json xmlns='urn:xmpp:json:0'>{\"n\": 1e999}</json></payload>",
        "<unstyled xmlns='urn:xmpp:styling:0'/>"
        "<x xmlns='jabber:x:data' type='form'><title>Tea?</title><field var='a' type='boolean'>"
        "<media xmlns='urn:xmpp:media-element'><uri type='image/png'>cid:x</uri></media>"
        "</field></x>",
        "<c xmlns='http://www.xmpp.org/extensions/xep-0200.html#ns'><data>AA==</data></c>"
        "<sxe xmlns='urn:xmpp:sxe:0' id='e' session='851ba2'/>",
    ):
        peer.send_raw(f"<message to='{alice.jid}' type='chat'><body>x</body>{inside}</message>")
    data, form, encrypted = xmppctl.finish(run).expect(0).jsonl()
    assert data["json"] == [{"datatype": "urn:example:t", "value": None, "text": '{"n": 1e999}'}]
    assert (form["unstyled"], form["form"]["title"]) == (True, "Tea?")
    assert form["form"]["fields"][0]["media"][0]["uri"] == "cid:x"
    assert encrypted["encryption"]["name"] == "Stanza Encryption (XEP-0200)"
    assert encrypted["encryption"]["state"] == "unsupported"
    assert encrypted["extensions"] == ["{urn:xmpp:sxe:0}sxe"]


def test_the_session_of_an_editor_is_declined(listening, xmppctl, alice, peer):
    run = listening(1)
    content = (
        "<content creator='initiator' name='x'><description xmlns='urn:xmpp:jingle:apps:xhtml'/>"
        "<transport xmlns='urn:xmpp:jingle:transports:sxe'><host>a</host></transport></content>"
    )
    peer.send_raw(
        f"<iq type='set' id='j1' to='{run.jid}'><jingle xmlns='urn:xmpp:jingle:1' sid='851ba2' "
        f"action='session-initiate' initiator='{peer.jid}'>{content}</jingle></iq>"
    )
    answer = peer.wait(lambda s: s.name == "iq" and s["id"] == "j1")
    assert answer["type"] == "result"
    # accepted as a request, and ended with a reason (XEP-0166 §6.3)
    peer.wait(lambda s: s.name == "iq" and "session-terminate" in str(s)
              and "unsupported-transports" in str(s))  # fmt: skip
    peer.send_message(alice.jid, "end")
    xmppctl.finish(run).expect(0)


def test_a_challenge_comes_in_and_a_forged_one_does_not(listening, xmppctl, alice, server):
    run = listening(2)

    def challenge(whom):
        rows = "".join(
            f"<field type='hidden' var='{var}'><value>{value}</value></field>"
            for var, value in (
                ("FORM_TYPE", "urn:xmpp:captcha"), ("from", whom), ("challenge", "F3A6292C"),
                ("sid", "spam1"),
            )
        )  # fmt: skip
        return (
            f"<message from='{server.component}' to='{alice.jid}' id='F3A6292C'><body>x</body>"
            "<x xmlns='jabber:x:oob'><url>https://x.example/F3A6292C</url></x>"
            "<captcha xmlns='urn:xmpp:captcha'><x xmlns='jabber:x:data' type='form'>"
            f"{rows}<field var='qa' label='The colour of a stop light'/></x></captcha></message>"
        )

    with RawComponent.attach(server) as component:
        component.send(challenge(f"innocent@{server.component}"))
        component.send(challenge(f"innocent@{server.domain}"))
        true, forged = xmppctl.finish(run).expect(0).jsonl()
    told = true["captcha"]
    assert (told["challenge"], told["sid"]) == ("F3A6292C", "spam1")
    assert told["from"] == f"innocent@{server.component}"
    assert told["url"] == "https://x.example/F3A6292C"
    assert told["form"]["fields"][-1]["label"] == "The colour of a stop light"
    assert "captcha" not in forged
    assert "{urn:xmpp:captcha}captcha" in forged["extensions"]


def test_a_room_shows_it_too(xmppctl, alice, host, room):
    host.create_muc(room, "host")
    run = xmppctl.start("-o", "jsonl", "muc", "join", room, "--nick", "ear", "--count", "1",
                        account=alice)  # fmt: skip
    run.wait_line("^listening as ", "err")
    host.send_raw(
        f"<message to='{room}' type='groupchat'><body>x</body>{LABEL}"
        "<json xmlns='urn:xmpp:json:0'>[]</json></message>"
    )
    records = xmppctl.finish(run).expect(0).jsonl()
    (found,) = [record for record in records if record["stanza"] == "message"]
    assert found["security_label"]["display"] == "SECRET"
    assert "MQYCAQQGASk=" in found["security_label"]["label"]
    assert found["json"] == [{"datatype": None, "value": [], "text": None}]


# --- catalogues that no server of the tests has -------------------------------------------------

SELECTED = "<item selector='A|B'>{}</item>"


@pytest.fixture
def with_catalogues(against_fake):
    """Send with a label to somebody whose server has these catalogues by recipient; what came."""

    def run(catalogues, *recipients):
        asked, sent = [], {}

        async def script(conn):
            await conn.login()
            with suppress(StreamClosed):
                while True:
                    stanza = await conn.recv(20)
                    if stanza.tag == "{jabber:client}message":
                        sent[stanza.get("to")] = stanza
                    elif stanza.tag == "{jabber:client}iq":
                        catalogue = stanza.find(f"{{{CATALOGUE}}}catalog")
                        query = stanza.find("{http://jabber.org/protocol/disco#info}query")
                        if query is not None:
                            feature = f"<feature var='{CATALOGUE}'/>"
                            namespace = "http://jabber.org/protocol/disco#info"
                            conn.result(stanza, f"<query xmlns='{namespace}'>{feature}</query>")
                        elif catalogue is not None:
                            asked.append((stanza.get("to"), catalogue.get("to")))
                            items = catalogues.get(catalogue.get("to"), "")
                            conn.result(stanza, f"<catalog xmlns='{CATALOGUE}'>{items}</catalog>")
                        else:
                            conn.result(stanza)

        result = against_fake(script, "--json", "send", "--label", "A|B", *recipients, "x")
        return result, asked, sent

    return run


def test_each_recipient_gets_the_label_of_its_own_catalogue(with_catalogues):
    other = LABEL.replace("SECRET", "OTHER")
    catalogues = {"b@x.test": SELECTED.format(LABEL), "c@y.test": SELECTED.format(other),
                  "d@z.test": "<item selector='A|B'/>"}  # fmt: skip
    people = ["b@x.test", "b@x.test/phone", "c@y.test", "d@z.test"]
    run, asked, sent = with_catalogues(catalogues, *people)
    run.expect(0)
    # the own server knows them all, and is asked once for each
    assert sorted(asked) == [("fake.test", jid) for jid in sorted(catalogues)]
    marking = f"{LABELLED}/{{urn:xmpp:sec-label:0}}displaymarking"
    assert [sent[jid].findtext(marking) for jid in people] == ["SECRET", "SECRET", "OTHER", None]
    assert sent["d@z.test"].find(LABELLED) is None


def test_nobody_gets_anything_where_one_catalogue_lacks_the_label(with_catalogues):
    catalogues = {"b@x.test": SELECTED.format(LABEL)}
    run, _, sent = with_catalogues(catalogues, "b@x.test", "c@y.test")
    error = run.expect(2).error()
    assert "for c@y.test; nothing was sent" in error["text"]
    assert sent == {}
