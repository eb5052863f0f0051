"""Mentions, references, /me, nicknames, forwarded files: what goes out, what is refused."""

import io
import sys
from xml.etree.ElementTree import Element, SubElement, fromstring

import pytest

from xmppctl.cli.main import main
from xmppctl.commands.send.parts import wording

CLIENT, LANG = "{jabber:client}", "{http://www.w3.org/XML/1998/namespace}lang"
REFERENCE = "{urn:xmpp:reference:0}reference"
MENTION = "{urn:xmpp:mentions:0}mention"
FORWARDED = "{urn:xmpp:forward:0}forwarded"
ROOM = "r@c.x.test"


@pytest.fixture
def dry(capsys, monkeypatch, tmp_path):
    """Run a verb with ``--dry-run``: exit code, the stanzas, standard error."""
    for kind in ("CONFIG", "STATE", "CACHE"):
        monkeypatch.setenv(f"XMPPCTL_{kind}_DIR", str(tmp_path))

    def run(*args, stdin="", verb=("send",)):
        stream = io.TextIOWrapper(io.BytesIO(stdin.encode()), encoding="utf-8")
        monkeypatch.setattr(sys, "stdin", stream)
        code = main([*verb, "--dry-run", *args])
        out, err = capsys.readouterr()
        return code, [fromstring(line) for line in out.splitlines()], err

    return run


@pytest.fixture
def sent(dry):
    """The one stanza that would be sent."""

    def run(*args, **more):
        code, stanzas, err = dry(*args, **more)
        assert (code, err) == (0, "")
        (stanza,) = stanzas
        return stanza

    return run


@pytest.fixture
def refused(dry):
    """What is said about arguments that are refused."""

    def run(*args, **more):
        code, stanzas, err = dry(*args, **more)
        assert (code, stanzas) == (2, [])
        return err

    return run


def attributes(stanza, tag):
    return [dict(element.attrib) for element in stanza.iter(tag)]


# --- /me and nickname ---------------------------------------------------------------------------


def test_me(sent, refused):
    assert sent("--me", "a@x.test", "waves").findtext(f"{CLIENT}body") == "/me waves"
    both = sent("--me", "a@x.test", "--body-lang", "de=winkt", "waves")
    assert [body.text for body in both.iter(f"{CLIENT}body")] == ["/me waves", "/me winkt"]
    piped = sent("a@x.test", "--me", "-", stdin="waves\n")
    assert piped.findtext(f"{CLIENT}body") == "/me waves"
    assert "--stanza" in refused("--me", "a@x.test", "--stanza", "f")
    text = "<message><body>x</body></message>"
    assert "--me" in refused("--me", "a@x.test", "--forward-file", "-", stdin=text)


def test_each_line_with_me(dry):
    code, stanzas, _ = dry("--me", "--stdin-lines", "a@x.test", stdin="a\nb\n")
    assert (code, [s.findtext(f"{CLIENT}body") for s in stanzas]) == (0, ["/me a", "/me b"])


def test_a_nickname(sent, refused):
    stanza = sent("--nick-name", "Ish <x>", "a@x.test", "Call me")
    assert stanza.findtext("{http://jabber.org/protocol/nick}nick") == "Ish <x>"
    assert "--nick " in refused("--muc", "--nick-name", "Ish", ROOM, "hi")
    assert "control character" in refused("--nick-name", "a\x07", "a@x.test", "hi")


# --- mentions -----------------------------------------------------------------------------------


def test_a_name_is_looked_for(sent):
    stanza = sent("a@x.test", "--mention", "bob@x.test", "--mention", "carol@x.test", "😀 @Bob!")
    span = {"begin": "3", "end": "6"}
    assert attributes(stanza, REFERENCE) == [
        {"type": "mention", "uri": "xmpp:bob@x.test", **span},
        {"type": "mention", "uri": "xmpp:carol@x.test"},
    ]
    assert attributes(stanza, MENTION) == [{"jid": "bob@x.test", **span}, {"jid": "carol@x.test"}]


def test_a_range_counts_in_the_text_that_was_given(sent):
    stanza = sent("a@x.test", "--me", "--mention", "bob@x.test:0-2", "B. waves")
    assert attributes(stanza, MENTION) == [{"jid": "bob@x.test", "begin": "4", "end": "6"}]


def test_a_range_stands_behind_a_quotation():
    stanza = Element(f"{CLIENT}message")
    SubElement(stanza, f"{CLIENT}body").text = "> bob\nhi bob"
    fallback = SubElement(stanza, "{urn:xmpp:fallback:0}fallback", {"for": "urn:xmpp:reply:0"})
    SubElement(fallback, "{urn:xmpp:fallback:0}body", {"start": "0", "end": "6"})
    values = {"mentions": ("bob@x.test", "carol@x.test:0-2"), "references": (), "me": False}
    wording.PARTS[1].attach(stanza, {**values, "quote": "bob"})
    assert attributes(stanza, MENTION) == [
        {"jid": "bob@x.test", "begin": "9", "end": "12"},
        {"jid": "carol@x.test", "begin": "6", "end": "8"},
    ]


def test_an_occupant_by_nickname(sent, refused):
    stanza = sent(ROOM, "--mention", f"{ROOM}/Ünï b", "hi Ünï b", verb=("muc", "send"))
    span = {"begin": "3", "end": "8"}
    assert attributes(stanza, MENTION) == [{"jid": f"{ROOM}/Ünï b", **span}]
    uri = f"xmpp:{ROOM}/%C3%9Cn%C3%AF%20b"
    assert attributes(stanza, REFERENCE) == [{"type": "mention", "uri": uri, **span}]
    assert "ROOM/bob" in refused(ROOM, "--mention", "bob", "hi bob", verb=("muc", "send"))


def test_every_language_has_its_mention(sent):
    languages = ("--lang", "en", "--body-lang", "de=Grüße an bob", "--body-lang", "ja=-")
    stanza = sent("a@x.test", *languages, "--mention", "bob@x.test", "hi bob")
    assert attributes(stanza, MENTION) == [
        {"jid": "bob@x.test", "hreflang": "en", "begin": "3", "end": "6"},
        {"jid": "bob@x.test", "hreflang": "de", "begin": "9", "end": "12"},
    ]
    assert len(attributes(stanza, REFERENCE)) == 1


def test_a_group_in_one_range_and_ranges_that_overlap(sent, refused):
    three = ["--mention", "a@x.test:3-9", "--mention", "b@x.test:3-9"]
    stanza = sent("a@x.test", *three, "--mention", "rest@x.test", "hi Spartacists and rest")
    assert [e["begin"] for e in attributes(stanza, MENTION)] == ["3", "3", "19"]
    overlapping = [*three, "--mention", "c@x.test:8-10"]
    assert "overlap" in refused("a@x.test", *overlapping, "hi Spartacists")


@pytest.mark.parametrize(
    "mention",
    [
        "bob@x.test:0-9",
        "bob@x.test:3-3",
        "bob@x.test:3-2",
        "bob@x.test:0-99999999999",
        "@",
        "a b@c",
    ],
)
def test_what_cannot_be_mentioned(refused, mention):
    for verb, to in (("send",), "a@x.test"), (("muc", "send"), ROOM), (("muc", "pm"), ROOM):
        nick = ["bob"] if verb[-1] == "pm" else []
        assert "--mention" in refused(to, *nick, "--mention", mention, "hi bob", verb=verb)


def test_a_range_of_a_text_that_is_read(sent, refused):
    args = ("a@x.test", "--mention", "bob@x.test:0-3", "-")
    assert attributes(sent(*args, stdin="Bob"), MENTION)[0]["end"] == "3"
    assert "outside the text of 2" in refused(*args, stdin="Bo")
    lines = ("a@x.test", "--mention", "bob@x.test:0-3", "--stdin-lines")
    assert "--stdin-lines" in refused(*lines, stdin="Bob\n")


# --- references ---------------------------------------------------------------------------------


def test_references(sent):
    form = "xmpp:p.x.test?;node=a,b;item=c=d"
    stanza = sent(
        *("a@x.test", "--reference", f"type=data,uri={form},begin=0,end=4"),
        *("--reference", "uri=https://x.test/a,b", "Form received"),
    )
    assert attributes(stanza, REFERENCE) == [
        {"type": "data", "uri": form, "begin": "0", "end": "4"},
        {"type": "data", "uri": "https://x.test/a,b"},
    ]


def test_a_reference_of_an_earlier_message_has_no_text(sent, refused):
    given = ("--reference", "uri=urn:x,anchor=xmpp:r@c?;item=1,begin=72,end=78")
    stanza = sent("a@x.test", *given)
    assert stanza.find(f"{CLIENT}body") is None
    (found,) = attributes(stanza, REFERENCE)
    assert (found["anchor"], found["begin"], found["end"]) == ("xmpp:r@c?;item=1", "72", "78")
    assert "takes no text" in refused("a@x.test", *given, "text")
    assert "takes no text" in refused("a@x.test", *given, "-", stdin="text")
    assert "exclude" in refused("a@x.test", *given, "--forward-file", "-", stdin=STANZA)


@pytest.mark.parametrize(
    "given",
    [
        "x",
        "type=data",
        "uri=nothing",
        "uri=",
        "uri=urn:a b",
        "uri=urn:x,type=odd",
        "uri=urn:x,uri=urn:y",
        "uri=urn:x,begin=1",
        "uri=urn:x,begin=2,end=1",
        "uri=urn:x,begin=a,end=b",
        "uri=urn:x,begin=0,end=3",
        "uri=urn:x,anchor=x",
        "uri=urn:\x01",
    ],
)
def test_references_that_are_refused(refused, given):
    assert "reference" in refused("a@x.test", "--reference", given, "hi")


# --- forwarded files ----------------------------------------------------------------------------

STANZA = "<message from='b@x.test/1' id='7' type='chat'><body>in</body><b xmlns='urn:b'/></message>"


def test_messages_of_files(sent, tmp_path):
    path = tmp_path / "m.xml"
    path.write_text(STANZA.replace("<message", "<message xmlns='jabber:client'").replace("7", "8"))
    files = ("--forward-file", str(path), "--forward-file", "-")
    stanza = sent("a@x.test", *files, "look", stdin=STANZA)
    assert stanza.findtext(f"{CLIENT}body") == "look"
    inner = [f.find(f"{CLIENT}message") for f in stanza.iter(FORWARDED)]
    assert [message.get("id") for message in inner] == ["8", "7"]
    assert all(message.findtext(f"{CLIENT}body") == "in" for message in inner)
    assert inner[1].find("{urn:b}b") is not None
    alone = sent("a@x.test", "--forward-file", str(path))
    assert alone.findtext(f"{CLIENT}body") == ""


@pytest.mark.parametrize("content", ["", "no xml", "<iq/>", "<message xmlns='urn:x'/>", STANZA * 2])
def test_a_file_that_holds_no_message(refused, content):
    err = refused("a@x.test", "--forward-file", "-", stdin=content)
    assert err.startswith("xmppctl: --forward-file: - holds no")


def test_what_does_not_go_with_forwarding(dry, refused):
    stdin = ("--forward-file", "-")
    assert "only once" in refused("a@x.test", *stdin, "-", stdin=STANZA)
    assert "only once" in refused(*stdin, "--to-file", "-", stdin=STANZA)
    assert "only once" in refused("a@x.test", *stdin, *stdin, stdin=STANZA)
    assert "only once" in refused(ROOM, *stdin, "-", stdin=STANZA, verb=("muc", "send"))
    for other in (["--stdin-lines"], ["--stanza", "f"], ["--displayed", "1"]):
        assert "exclude each other" in refused("a@x.test", *stdin, *other, stdin=STANZA)
    assert "--dry-run" in refused("a@x.test", "--forward", "1")
    assert "--forward-room needs" in refused("a@x.test", "--forward-room", ROOM, "x")
    assert dry("a@x.test", "--forward-file", "/nonexistent/f")[0] == 11
