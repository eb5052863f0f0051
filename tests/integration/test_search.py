"""``xmppctl search`` against the servers' directories, and a component that searches rooms."""

import pytest

from tests.integration.answering import INFO, error, form, info, serving
from tests.servers.quirks import Feature

pytestmark = pytest.mark.in_turn

ROOMS = "urn:xmpp:channel-search:0:search"
PARAMS = "urn:xmpp:channel-search:0:search-params"
RSM = "http://jabber.org/protocol/rsm"
CARD = (
    "<vCard xmlns='vcard-temp'><FN>{nick} L</FN><N><FAMILY>Liddell</FAMILY><GIVEN>Bob</GIVEN></N>"
    "<NICKNAME>{nick}</NICKNAME><EMAIL><USERID>{nick}@mail.test</USERID></EMAIL></vCard>"
)


@pytest.fixture
def run(xmppctl, alice):
    """Runs ``search --json`` with these words, which ends with ``code``."""

    def call(*words, code=0):
        return xmppctl("--json", "search", *words, account=alice).expect(code)

    return call


@pytest.mark.servers("ejabberd")
def test_a_directory_with_a_form(run, xmppctl, raw, alice, bob, ejabberd):
    assert Feature.SEARCH in ejabberd.features
    nick = f"n{bob.local}"
    assert raw(bob).iq(CARD.format(nick=nick), type="set").get("type") == "result"
    (found,) = run("--nick", nick).json()
    assert found == {
        "jid": bob.jid, "first": "Bob", "last": "Liddell", "nick": nick,
        "email": f"{nick}@mail.test", "fields": {"fn": f"{nick} L"},
    }  # fmt: skip
    service = ejabberd.services["search"]
    words = ("search", service, "--field", f"fn={nick} L", "--last", "Liddell")
    assert xmppctl("-o", "plain", *words, account=alice).expect().out.split() == [bob.jid]
    assert run(service, "--nick", nick, "--count").json() == {"service": service, "count": 1}
    assert run("--nick", "nobody-at-all").json() == []
    run("--nick", "nobody-at-all", "--fail-empty", code=10)
    assert run("--nick", nick, "--after", "x", code=7).error()["condition"] == (
        "feature-not-implemented"
    )


@pytest.mark.servers("prosody")
def test_a_directory_without_one(run, bob, prosody):
    """It looks into the store of old, which only it reads."""
    host = prosody.directory / "data" / prosody.domain.replace(".", "%2e").replace("-", "%2d")
    store = host / "vcard"
    store.mkdir(exist_ok=True)
    local = "".join(c if c.isalnum() else f"%{ord(c):02x}" for c in bob.local)
    rows = "".join(
        f'{{ name = "{name}"; attr = {{}}; {inner} }};'
        for name, inner in (
            (
                "N",
                '{ name = "FAMILY"; attr = {}; "Liddell" }; { name = "GIVEN"; attr = {}; "Bob" };',
            ),
            ("NICKNAME", '"bobby";'),
        )
    )
    (store / f"{local}.dat").write_text(
        f'return {{ name = "vCard"; attr = {{ xmlns = "vcard-temp" }}; {rows} }};\n'
    )
    (found,) = run("--email", bob.jid).json()
    assert (found["jid"], found["first"], found["last"], found["nick"]) == (
        bob.jid, "Bob", "Liddell", "bobby",
    )  # fmt: skip
    assert found["fields"] == {}
    assert run("--email", "nobody@mail.test").json() == []
    failed = run("--last", "x", code=6).error()
    assert (failed["condition"], failed["step"]) == ("not-acceptable", "search")


@pytest.mark.servers("prosody")
def test_a_directory_that_keeps_silent(xmppctl, alice):
    run = xmppctl("--json", "--timeout", "1", "search", "--nick", "bobby", account=alice).expect(8)
    assert (run.error()["step"], "--email" in run.error()["hint"]) == ("search", True)


def test_forms(run, server):
    shown = run("--form").json()
    assert {"first", "last", "nick", "email"} <= {field["var"] for field in shown["fields"]}
    assert run("--show-form").json() == shown
    failed = run("--field", "nope=1", code=2).error()
    assert "'nope'" in failed["text"]
    assert "nick" in failed["hint"]


def test_who_offers_no_search(run, server):
    assert run(server.conference, "--nick", "x", code=7).error()["by"] == server.conference
    assert "XEP-0433" in run("--rooms", "--", "two words", code=7).error()["text"]
    assert run("nosuch.invalid", "--nick", "x", code=6).error()["condition"] == (
        "remote-server-not-found"
    )


@pytest.mark.parametrize(
    "words",
    [
        ["search.test", "text"],
        ["--rooms", "--nick", "x"],
        ["--rooms", "search.test", "text", "--field", "q=x"],
        ["--nick", "x", "--field", "nick=y"],
        ["--form", "--nick", "x"],
        ["--count", "--max", "3"],
        ["--nick", "\x01"],
        ["not@a@jid"],
        ["--rooms", "two words@@"],
    ],
)
def test_what_does_not_go_together(xmppctl, words):
    run = xmppctl("search", *words, jid="a@x.test", password="x").expect(2)
    assert run.out == ""


def test_rooms(run, xmppctl, alice, server):
    """Five rooms, two in a page."""
    names = [f"room{number}" for number in range(5)]
    asked = []

    def handle(iq):
        if iq[0].tag == INFO:
            return info(ROOMS)
        submitted = iq[0].find("{jabber:x:data}x")
        if submitted is None:
            offered = form(PARAMS, ("q", []), ("all", []), ("sinname", ["1"]), kind="form")
            return f"<search xmlns='{ROOMS}'>{offered}</search>"
        asked.append({f.get("var"): [v.text for v in f] for f in submitted})
        text = asked[-1].get("q", [""])[0]
        if text == "bad":
            return error(
                "bad-request", "modify", f"<invalid-search-terms xmlns='{ROOMS[:-6]}error'/>"
            )
        fit = [name for name in names if text in name]
        after = iq[0].findtext(f"{{{RSM}}}set/{{{RSM}}}after")
        begin = fit.index(after) + 1 if after else 0
        part = fit[begin : begin + 2]
        rows = "".join(
            f"<item address='{name}@{server.component}'><name>{name}</name><nusers>3</nusers>"
            "<is-open/></item>"
            for name in part
        )
        ends = f"<first index='{begin}'>{part[0]}</first><last>{part[-1]}</last>" if part else ""
        page = f"<set xmlns='{RSM}'>{ends}<count>{len(fit)}</count></set>"
        return f"<result xmlns='{ROOMS}'>{rows}{page}</result>"

    with serving(server, handle) as service:
        found = run(service.jid, "--rooms").json()
        assert [each["name"] for each in found] == names
        assert found[0] == {
            "jid": f"room0@{service.jid}", "name": "room0", "description": None, "language": None,
            "users": 3, "service_type": None, "open": True, "anonymity": None,
        }  # fmt: skip
        assert [each["all"] for each in asked] == [["1"]] * 3
        words = ("search", service.jid, "--rooms", "--", "room3")
        assert xmppctl("-o", "plain", *words, account=alice).expect().out.split() == [
            f"room3@{service.jid}"
        ]
        assert asked[-1] == {"FORM_TYPE": [PARAMS], "q": ["room3"], "sinname": ["1"]}
        assert len(run(service.jid, "--rooms", "--limit", "3").json()) == 3
        assert run(service.jid, "--rooms", "room", "--count").json()["count"] == 5
        failed = run(service.jid, "--rooms", "bad", code=6).error()
        assert "invalid-search-terms" in failed["text"]
        shown = run(service.jid, "--rooms", "--show-form").json()
        assert [field["var"] for field in shown["fields"]] == ["q", "all", "sinname"]
