"""What people read in the place of a message."""

import pytest

from xmppctl.model.message import Forwarded, Message, Occupant
from xmppctl.model.occupant import Invited, Moderated
from xmppctl.model.payload.content import Encryption, SecurityLabel, Spoiler
from xmppctl.model.payload.delivery import Marker, Receipt
from xmppctl.model.payload.file import MessageFile, Oob
from xmppctl.model.payload.reference import Fallback, Reactions, Reply, Retract, Retracted
from xmppctl.model.telling import tell

REPLY = "urn:xmpp:reply:0"


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"body": "hi"}, "hi"),
        ({"body": ""}, ""),
        ({}, "(no text)"),
        ({"subject": "s", "body": "b"}, "[s] b"),
        ({"subject": "s"}, "[s]"),
        ({"body": "/me waves", "me": True, "from_": "alice@x.test/1"}, "* alice waves"),
        ({"body": "/me waves", "me": True, "muc": Occupant(nick="al")}, "* al waves"),
        ({"body": "he dies", "spoiler": Spoiler("the end")}, "(spoiler: the end)"),
        ({"body": "he dies", "spoiler": Spoiler()}, "(spoiler)"),
        ({"body": "I sent an OMEMO message", "encryption": Encryption("urn:x", "OMEMO")},
         "(encrypted: OMEMO)"),
        ({"body": "clear", "encryption": Encryption("urn:x", "OMEMO", "decrypted")}, "clear"),
        ({"body": "old", "retracted": Retracted(by="r@x/m", reason="spam")},
         "(retracted by r@x/m: spam)"),
        ({"body": "fallback", "retract": Retract("7")}, "(takes back 7)"),
        ({"moderated": Moderated("7", reason="spam")}, "(a moderator took back 7: spam)"),
        ({"reactions": Reactions("7", ["👍", "🎉"])}, "(reacts with 👍 🎉 to 7)"),
        ({"body": "👍", "reactions": Reactions("7")}, "(reacts no more to 7)"),
        ({"body": "launch", "security_label": SecurityLabel("SECRET")}, "[SECRET] launch"),
        ({"receipt": Receipt(received_id="7")}, "(received 7)"),
        ({"marker": Marker("displayed", "8")}, "(displayed 8)"),
        ({"chat_state": "composing"}, "(composing)"),
        ({"attention": True}, "(asks for attention)"),
        ({"invite": Invited("r@x.test", "direct")}, "(invited to r@x.test)"),
        ({"forwarded": [Forwarded(Message(body="x"))]}, "(forwards: x)"),
        ({"oob": [Oob("https://x.test/f")]}, "(https://x.test/f)"),
        ({"files": [MessageFile("sfs", name="f.png")]}, "(f.png)"),
        # a quotation for clients without replies, and one that says less than it seems
        ({"body": "> q\nyes", "reply": Reply("7"), "fallback": [Fallback(REPLY, "body", 0, 4)]},
         "yes"),
        ({"body": "> q\nyes", "fallback": [Fallback(REPLY, "body", 0, 4)]}, "> q\nyes"),
        ({"body": "all", "reply": Reply("7"), "fallback": [Fallback(REPLY, "body")]}, "all"),
        ({"body": "yes", "reply": Reply("7"), "fallback": [Fallback(REPLY, "body", 9, 99)]}, "yes"),
    ],
)  # fmt: skip
def test_what_is_told(fields, told):
    assert tell(Message(**fields)).whole == told


def test_what_was_asked_for():
    message = Message(body="he dies", spoiler=Spoiler("the end"), subject="s")
    assert tell(message, spoilers=True, subject=False).whole == "he dies"


def test_what_may_be_styled():
    assert tell(Message(body="*x*")).styled
    assert not tell(Message(body="*x*", unstyled=True)).styled
    assert not tell(Message(chat_state="active")).styled
