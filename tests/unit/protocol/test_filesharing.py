"""XEP-0447, XEP-0446, XEP-0066: the message that shares a file."""

from __future__ import annotations

import hashlib

from xmppctl.model.file import SharedFile
from xmppctl.model.jid import parse
from xmppctl.protocol import filesharing
from xmppctl.session.xml import serialise

TO = parse("juliet@shakespeare.lit")
URL = "https://download.montague.lit/4a77/summit.jpg"


def test_the_url_alone() -> None:
    sent = filesharing.message(TO, URL, id="m1")
    assert serialise(sent.stanza, "jabber:client") == (
        "<message to='juliet@shakespeare.lit' id='m1' type='chat'>"
        f"<body>{URL}</body>"
        "<origin-id xmlns='urn:xmpp:sid:0' id='m1'/>"
        f"<x xmlns='jabber:x:oob'><url>{URL}</url></x>"
        "</message>"
    )


def test_with_the_facts() -> None:
    facts = SharedFile("summit.jpg", 3032449, "image/jpeg", hashlib.sha256(b"").hexdigest(), URL)
    sent = filesharing.message(TO, URL, id="m1", type="groupchat", facts=facts)
    text = serialise(sent.stanza, "jabber:client")
    assert (
        "<file-sharing xmlns='urn:xmpp:sfs:0'><file xmlns='urn:xmpp:file:metadata:0'>"
        "<media-type>image/jpeg</media-type><name>summit.jpg</name><size>3032449</size>"
        "<hash xmlns='urn:xmpp:hashes:2' algo='sha-256'>"
        "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=</hash></file>"
        "<sources><url-data xmlns='http://jabber.org/protocol/url-data' "
        f"target='{URL}'/></sources></file-sharing>"
        "<fallback xmlns='urn:xmpp:fallback:0' for='urn:xmpp:sfs:0'><body/></fallback>"
    ) in text
    assert sent.stanza.get("type") == "groupchat"
