"""One login by SASL2: tokens, devices, and Bind 2."""

from __future__ import annotations

import hmac
from typing import Any

import pytest

from tests.unit.session.streams import FakeMemory, account
from tests.unit.session.test_login import (
    HT,
    SASL2,
    failed,
    mechanisms,
    no_bindings,  # noqa: F401 - a fixture
    offer,
    offer2,
    played,
    scram,
    success2,
    text_of,
    user,
)
from xmppctl.errors import AuthError, ConnectError, DeadlineError
from xmppctl.model.account import Account
from xmppctl.model.memory import Known, Token
from xmppctl.session.conditions import TokenRefusedError
from xmppctl.session.login import LoggedIn
from xmppctl.session.secret import has_token
from xmppctl.session.xml import parse

TOKEN = Token(HT, "s3cret", None, "token-device", "2026-01-01T00:00:00Z")


# --- SASL2 and tokens ---------------------------------------------------------------------------


def test_sasl2_asks_for_a_token() -> None:
    memory = FakeMemory()
    token = "<token xmlns='urn:xmpp:fast:0' token='new' expiry='2999-01-01T00:00:00Z'/>"
    first, final = scram(ns=SASL2)

    def with_token(sent: str) -> str:
        assert not isinstance(final, str)
        return final(sent).replace("</success>", f"{token}</success>")

    done, sent = played(user(memory=memory), offer2("SCRAM-SHA-1"), first, with_token)
    request = parse(sent[1])
    assert request.tag == f"{{{SASL2}}}authenticate"
    agent = request.find(f"{{{SASL2}}}user-agent")
    assert agent is not None
    assert agent.get("id") == "the-device"
    wanted = request.find("{urn:xmpp:fast:0}request-token")
    assert wanted is not None
    assert wanted.get("mechanism") == HT
    (kept,) = memory.tokens
    assert (kept.mechanism, kept.token, kept.device) == (HT, "new", "the-device")
    assert (done.profile, done.jid) == ("sasl2", None)


@pytest.mark.parametrize("more", [{"memory": None}, {"memory": FakeMemory(keeps=False)}])
def test_a_token_that_cannot_be_kept_is_not_asked_for(more: dict[str, Any]) -> None:
    _, sent = played(user(**more), offer2("SCRAM-SHA-1"), *scram(ns=SASL2))
    assert "request-token" not in sent[1]
    agent = parse(sent[1]).find(f"{{{SASL2}}}user-agent")
    assert agent is not None
    assert agent.get("id") is None


def test_sasl1_where_it_is_wanted_and_sasl2_where_there_is_none() -> None:
    done, sent = played(user(sasl="sasl1"), offer2("SCRAM-SHA-1", old=("SCRAM-SHA-1",)), *scram())
    assert done.profile == "sasl1"
    assert "<auth " in sent[1]
    with pytest.raises(AuthError, match="SASL2") as caught:
        played(user(sasl="sasl2"), offer("SCRAM-SHA-1"))
    assert caught.value.condition == "no-acceptable-mechanism"


def hashed(role: bytes, token: str = "s3cret") -> bytes:
    return hmac.digest(token.encode(), role, "sha256")


def test_a_token_goes_ahead_without_a_password() -> None:
    memory = FakeMemory(None, TOKEN)
    asked: list[int] = []
    who = account(password=lambda: asked.append(1), memory=memory)
    last = Known(sasl2=("SCRAM-SHA-1",), fast=(HT,))
    done, sent = played(who, offer2("SCRAM-SHA-1"), success2(hashed(b"Responder")), known=last)
    assert len(sent) == 1
    assert "<fast xmlns='urn:xmpp:fast:0'" in sent[0]
    assert TOKEN.device in sent[0]
    assert text_of(sent[0]) == b"alice\0" + hashed(b"Initiator")
    assert asked == []
    assert done.profile == "sasl2"
    assert memory.best is None, "a token says nothing about mechanisms that use the password"


def test_a_server_that_does_not_know_the_token() -> None:
    memory = FakeMemory(None, TOKEN)
    for data in (b"", hashed(b"Initiator"), hashed(b"Responder", "another")):
        with pytest.raises(AuthError) as caught:
            played(user(memory=memory), offer2("SCRAM-SHA-1"), success2(data))
        assert caught.value.condition == "server-not-authentic"


def test_a_token_that_changes() -> None:
    memory = FakeMemory(None, TOKEN)
    fresh = "<token xmlns='urn:xmpp:fast:0' token='next'/>"
    played(user(memory=memory), offer2("X"), success2(hashed(b"Responder"), fresh))
    assert [token.token for token in memory.tokens] == ["next", "s3cret"]
    assert memory.tokens[0].device == TOKEN.device


def test_a_token_that_is_to_end() -> None:
    memory = FakeMemory(None, TOKEN)
    _, sent = played(
        user(memory=memory), offer2("X"), success2(hashed(b"Responder")), invalidate=True
    )
    assert "invalidate='true'" in sent[1]
    assert memory.tokens == []


@pytest.mark.parametrize(
    ("condition", "ended"),
    [
        ("not-authorized", True),
        ("credentials-expired", True),
        ("temporary-auth-failure", False),
        ("invalid-mechanism", False),
    ],
)
def test_a_token_that_is_refused(condition: str, ended: bool) -> None:
    memory = FakeMemory(None, TOKEN)
    with pytest.raises(TokenRefusedError) as caught:
        played(user(memory=memory), offer2("SCRAM-SHA-1"), failed(condition, SASL2))
    assert caught.value.ended is ended
    assert memory.tokens == ([] if ended else [TOKEN])


@pytest.mark.parametrize(
    ("more", "offered", "login"),
    [
        ({"sasl": "sasl1"}, HT, {}),
        ({"sasl_mechanism": "SCRAM-SHA-1"}, HT, {}),
        ({}, "HT-SHA-512-NONE", {}),
        ({}, "", {}),
        ({}, HT, {"tokens": False}),
    ],
)
def test_where_a_token_is_of_no_use(
    more: dict[str, Any], offered: str, login: dict[str, Any]
) -> None:
    memory = FakeMemory(None, TOKEN)
    with pytest.raises(DeadlineError) as caught:
        played(
            user(memory=memory, **more),
            offer2("SCRAM-SHA-1", fast=offered, old=("SCRAM-SHA-1",)),
            **login,
        )
    assert mechanisms(caught.value.sent) == ["SCRAM-SHA-1"]  # type: ignore[attr-defined]


def test_whether_a_token_does() -> None:
    last = Known(fast=(HT,))
    assert has_token(user(memory=FakeMemory(last, TOKEN)))
    assert has_token(user(memory=FakeMemory(None, TOKEN)))
    assert not has_token(user())
    assert not has_token(user(memory=FakeMemory(last)))
    assert not has_token(user(memory=FakeMemory(Known(), TOKEN)))
    assert not has_token(user(memory=FakeMemory(last, TOKEN), sasl="sasl1"))
    assert not has_token(user(memory=FakeMemory(last, TOKEN), sasl_mechanism="PLAIN"))


def test_a_second_factor() -> None:
    tasks = "<tasks><task>TOTP</task></tasks>"
    wanted = f"<continue xmlns='{SASL2}'>{tasks}</continue>"
    with pytest.raises(AuthError, match="TOTP") as caught:
        played(user(), offer2("SCRAM-SHA-1"), wanted)
    assert caught.value.condition == "additional-task-required"


# --- Bind 2 -------------------------------------------------------------------------------------


def test_bind2_only_for_an_account_with_an_archive() -> None:
    def binds(*, archive: bool, memory: FakeMemory | None, resource: str | None = None) -> bool:
        who = user(memory=memory)
        who = Account(
            who.jid._replace(resource=resource), password=who.password, memory=memory, timeout=0.05
        )
        _, sent = played(
            who,
            offer2("SCRAM-SHA-1", bind="urn:xmpp:sm:3"),
            *scram(ns=SASL2),
            known=Known(archive=archive),
        )
        return "urn:xmpp:bind:0" in sent[1]

    assert binds(archive=True, memory=None)
    assert not binds(archive=False, memory=None)
    assert binds(archive=True, memory=FakeMemory())
    assert not binds(archive=False, memory=FakeMemory())
    assert not binds(archive=True, memory=None, resource="mine")


@pytest.mark.parametrize(("jid", "good"), [("alice@fake.test/xmppctl.1", True), ("@@", False)])
def test_the_address_that_bind2_gives(jid: str, good: bool) -> None:
    first, final = scram(ns=SASL2)

    def outcome(sent: str) -> str:
        assert not isinstance(final, str)
        return (
            final(sent)
            .replace(">alice@fake.test<", f">{jid}<")
            .replace("</success>", "<bound xmlns='urn:xmpp:bind:0'/></success>")
        )

    def login() -> LoggedIn:
        return played(
            user(),
            offer2("SCRAM-SHA-1", bind="urn:xmpp:sm:3"),
            first,
            outcome,
            known=Known(archive=True),
        )[0]

    if good:
        done = login()
        assert str(done.jid) == jid
        assert done.bound is not None
    else:
        with pytest.raises(ConnectError) as caught:
            login()
        assert caught.value.condition == "malformed-answer"
