"""`xmppctl raw`: stanzas as they are, to a server and to another client."""

import pytest

pytestmark = pytest.mark.in_turn


VERSION = "<iq type='get' to='{}' id='mine'><query xmlns='jabber:iq:version'/></iq>"


def test_a_request_and_its_answer(xmppctl, alice):
    request = VERSION.format(alice.domain)
    run = xmppctl("--json", "raw", "-", account=alice, input=request).expect()
    found = run.json()
    assert (found["kind"], found["to"], found["from"]) == ("iq", alice.domain, alice.domain)
    assert found["id"] != "mine"
    assert "<query xmlns='jabber:iq:version'><name>" in found["xml"]
    nobody = VERSION.format(f"nobody-here@{alice.domain}/x")
    error = xmppctl("--json", "raw", account=alice, input=nobody).expect(6).error()
    assert error["step"] == "raw"
    assert error["condition"] in ("service-unavailable", "subscription-required")


def test_messages_and_presence_arrive(xmppctl, alice, bob, raw, tmp_path):
    peer = raw(bob, "peer")
    peer.send("<presence/>")
    peer.expect(lambda e: e.tag.endswith("presence"))
    file = tmp_path / "stanza.xml"
    file.write_text(
        f"<message to='{bob.jid}' id='m1' type='chat'><body>-n &amp; so</body></message>"
    )
    found = xmppctl("--json", "raw", str(file), account=alice).expect().json()
    heard = peer.expect(lambda e: e.tag.endswith("message"))
    assert heard.findtext("{jabber:client}body") == "-n & so"
    assert (found["id"], found["acked"], found["xml"]) == ("m1", True, None)
    stanza = (
        f"<presence to='{bob.jid}/peer' from='boss@example.org'><status>here</status></presence>"
    )
    found = xmppctl("--json", "raw", account=alice, input=stanza).expect().json()
    heard = peer.expect(lambda e: e.findtext("{jabber:client}status") == "here")
    assert heard.get("from", "").startswith(f"{alice.jid}/")
    assert (found["kind"], found["acked"]) == ("presence", True)
    lost = f"<message to='nobody-here@{alice.domain}'><body>x</body></message>"
    error = xmppctl("--json", "raw", account=alice, input=lost).expect(6).error()
    assert error["condition"] == "service-unavailable"
