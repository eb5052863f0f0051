"""Which message is the answer to a question, where it came encrypted."""

import re
from dataclasses import replace
from types import SimpleNamespace

import pytest

from xmppctl.model.jid import parse
from xmppctl.model.payload.content import Encryption
from xmppctl.protocol import listen, outgoing, reply
from xmppctl.protocol.payload import Context
from xmppctl.session.xml import parse as element

ALICE, BOB = "alice@fake.test", "bob@fake.test"


def is_answer(state, matching=None, body="<body>yes</body>"):
    """Whether a message that says yes, and came encrypted so, answers alice."""
    session = SimpleNamespace(bare=ALICE, domain="fake.test", jid=parse(f"{ALICE}/r"))
    message = outgoing.compose(parse(BOB), id="i", body="tea?")
    question = reply._Question(session, message, matching and re.compile(matching), None)
    question._out = True
    stanza = element(
        f"<message xmlns='jabber:client' type='chat' from='{BOB}/x' to='{ALICE}/r'>{body}</message>"
    )
    record = listen.read(stanza, Context(ALICE))
    told = None if state is None else Encryption("urn:xmpp:openpgp:0", "ox", state)
    return question.concerns(replace(record, encryption=told))


@pytest.mark.parametrize(
    ("state", "any_text", "that_text"),
    [
        (None, True, True),
        ("decrypted", True, True),
        ("undecryptable", True, False),
        ("unsupported", True, False),
        ("rejected", False, False),
    ],
)
def test_the_text_of_what_was_not_decrypted_is_not_what_was_said(state, any_text, that_text):
    assert is_answer(state) == any_text
    assert is_answer(state, "yes") == that_text


def test_an_answer_that_cannot_be_read_is_one_and_what_says_nothing_is_none():
    assert is_answer("undecryptable", body="")
    assert not is_answer("undecryptable", "yes", body="")
    assert not is_answer("decrypted", body="") and not is_answer(None, body="")
