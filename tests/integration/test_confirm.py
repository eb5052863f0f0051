"""`xmppctl confirm`: a component asks as the server of a web site does, and reads the answers."""

from __future__ import annotations

import pytest

from tests.peers.rawxml import RawComponent

pytestmark = pytest.mark.in_turn

NS = "http://jabber.org/protocol/http-auth"
CONFIRM = f"{{{NS}}}confirm"
STANZAS = "urn:ietf:params:xml:ns:xmpp-stanzas"
URL = "https://files.shakespeare.lit:9345/missive.html"


def confirm(ident="a7374", url=URL, method="GET"):
    return f"<confirm xmlns='{NS}' id='{ident}' method='{method}' url='{url}'/>"


@pytest.fixture
def site(server):
    with RawComponent.attach(server) as component:
        yield component


@pytest.fixture
def listening(xmppctl, alice):
    """Starts the run and waits until it may be asked; its full JID."""

    def start(*args):
        run = xmppctl.start("--json", "confirm", *args, account=alice)
        return run, run.wait_line("listening as (.*)", "err")[1]

    return start


def ask(site, to, payload, ident):
    site.send(f"<iq type='get' id='{ident}' from='{site.domain}' to='{to}'>{payload}</iq>")
    return site.expect(lambda e: e.get("id") == ident)


def write(site, to, payload, ident):
    site.send(
        f"<message type='normal' id='{ident}' from='{site.domain}' to='{to}'>"
        f"<thread>t&lt;1</thread><body>was it you?</body>{payload}</message>"
    )


def answered(site):
    """The next message: type, thread and what it says the request was."""
    gone = f".//{{{STANZAS}}}recipient-unavailable"
    # over BOSH a Prosody sends back what was not acknowledged
    found = site.expect(lambda e: e.tag.endswith("}message") and e.find(gone) is None)
    element = found.find(CONFIRM)
    return found, found.get("type"), found.findtext("{jabber:component:accept}thread"), element


def test_by_iq(xmppctl, listening, site, alice):
    run, jid = listening("--allow", "--id", "a7374", "--url", "https://*.shakespeare.lit*",
                         "--for", "20s")  # fmt: skip
    # what is not waited for is denied, and the wait goes on
    for payload in (confirm("other"), confirm(url="https://evil.test/?shakespeare.lit")):
        denied = ask(site, jid, payload, "x1")
        assert denied.get("type") == "error"
        assert denied.find(f".//{{{STANZAS}}}not-authorized") is not None
    lacking = ask(site, jid, f"<confirm xmlns='{NS}' id='a7374'/>", "x2")
    assert lacking.find(f".//{{{STANZAS}}}bad-request") is not None
    assert ask(site, jid, confirm(), "x3").get("type") == "result"
    record = xmppctl.finish(run).expect().json()
    assert record.pop("at")
    assert record == {
        "from": site.domain, "id": "a7374", "method": "GET", "url": URL, "answer": "allow",
        "stanza": "iq", "thread": None, "body": None, "delayed": False,
    }  # fmt: skip


def test_by_message(xmppctl, listening, site, alice):
    run, jid = listening("--allow", "--id", "a7374", "--for", "20s")
    write(site, alice.jid, confirm("other"), "m0")
    write(site, alice.jid, confirm(), "m1")
    found, kind, thread, element = answered(site)
    assert (kind or "normal", thread, found.get("from")) == ("normal", "t<1", jid)
    assert dict(element.attrib) == {"id": "a7374", "method": "GET", "url": URL}
    record = xmppctl.finish(run).expect().json()
    assert (record["answer"], record["stanza"], record["body"]) == (
        "allow",
        "message",
        "was it you?",
    )
    run, _ = listening("--deny", "--method", "POST", "--from", site.domain, "--for", "20s")
    write(site, alice.jid, confirm("b1", method="POST"), "m2")
    found, kind, thread, element = answered(site)
    assert (kind, thread, found.get("id"), element.get("id")) == ("error", "t<1", "m2", "b1")
    assert found.find(f".//{{{STANZAS}}}not-authorized") is not None
    assert xmppctl.finish(run).expect().json()["answer"] == "deny"


def test_nobody_there_to_ask_is_a_no(xmppctl, listening, site):
    run, jid = listening("--for", "20s")
    assert ask(site, jid, confirm(), "x1").get("type") == "error"
    assert xmppctl.finish(run).expect().json()["answer"] == "deny"


def test_no_request(xmppctl, alice):
    run = xmppctl("--json", "confirm", "--deny", "--for", "1s", account=alice).expect(8)
    assert run.error()["step"] == "confirm"


@pytest.mark.parametrize("args", [("--allow",), ("--yes",), ("--allow", "--deny", "--id", "x")])
def test_nothing_is_allowed_unseen(xmppctl, args):
    run = xmppctl("-j", "a@b.test", "--connect", "127.0.0.1:1", "confirm", *args).expect(2)
    assert "--id or --url" in run.err or "exclude each other" in run.err
