"""`xmppctl listen`: calls and files that are offered are shown and declined."""

from __future__ import annotations

import pytest

from tests.integration.filing import Filer

pytestmark = pytest.mark.in_turn

CALL = (
    "<content creator='initiator' name='voice'>"
    "<description xmlns='urn:xmpp:jingle:apps:rtp:1' media='audio'/>"
    "<transport xmlns='urn:xmpp:jingle:transports:ice-udp:1'/></content>"
)


def test_a_call(xmppctl, alice, bob, raw):
    run = xmppctl.start("-o", "jsonl", "listen", "--count", "3", "--for", "20s", account=bob)
    jid = run.wait_line(r"^listening as (\S+)$", "err").group(1)
    caller = Filer(raw(alice, "phone"), jid)
    caller.raw.send(
        f"<message to='{bob.jid}' type='chat'>"
        f"<propose xmlns='urn:xmpp:jingle-message:0' id='{caller.sid}'>"
        "<description xmlns='urn:xmpp:jingle:apps:rtp:1' media='audio'/></propose>"
        "<store xmlns='urn:xmpp:hints'/></message>"
    )
    run.wait_line("propose")
    refused = caller.ask(
        "<si xmlns='http://jabber.org/protocol/si' id='a0' "
        "profile='http://jabber.org/protocol/si/profile/file-transfer'/>"
    )
    assert refused.find(".//{http://jabber.org/protocol/si}no-valid-streams") is not None
    # the last one that is listened for is declined too
    caller.act("session-initiate", CALL)
    end = caller.action("session-terminate")
    assert end[0][0].tag == "{urn:xmpp:jingle:1}unsupported-applications"
    proposal, stream, call = xmppctl.finish(run).expect().jsonl()
    assert (proposal["stanza"], proposal["jingle"]["action"]) == ("message", "propose")
    assert proposal["jingle"]["contents"][0]["media"] == "audio"
    assert call["stanza"] == "iq"
    assert call["jingle"]["action"] == "session-initiate"
    assert call["jingle"]["from"] == caller.jid
    assert call["jingle"]["sid"] == proposal["jingle"]["sid"] == caller.sid
    assert call["jingle"]["answer"] == "unsupported-applications"
    assert stream["si"]["id"] == "a0"
