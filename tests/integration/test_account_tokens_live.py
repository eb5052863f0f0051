"""`account tokens` beside a server with FAST: tokens end there too; a raw client proves it."""

from __future__ import annotations

import pytest

from tests.peers.rawsasl2 import Refused, Sasl2Client, bind2
from xmppctl.config import logins


@pytest.fixture
def fay(prosody):
    """An account where FAST is offered."""
    return prosody.account("fay", prosody.hosts["sasl2"])


@pytest.fixture
def state(tmp_path):
    """Directories that outlast a run."""
    return {f"XMPPCTL_{kind}_DIR": str(tmp_path / kind) for kind in ("STATE", "CACHE")}


@pytest.fixture
def token(xmppctl, fay, state):
    """A token that a login by password left."""
    xmppctl("ping", account=fay, env=state).expect(0)
    [token] = logins.read(fay.jid, state).tokens
    return token


def accepted(account, token):
    """Whether the server takes the token, asked by another client."""
    with Sasl2Client(account, device=token.device) as client:
        client.open()
        try:
            client.fast(token.token, bind2())
        except Refused:
            return False
        return True


def test_a_login_leaves_a_token_that_is_listed(xmppctl, fay, state, token):
    listed = xmppctl("account", "tokens", "list", "--json", account=fay, env=state).expect(0)
    [entry] = listed.json()
    assert entry["jid"] == fay.jid
    assert entry["mechanism"] == "HT-SHA-256-NONE"
    assert (entry["expired"], entry["account"]) == (False, None)
    assert token.token not in listed.out
    found = xmppctl("account", "test", "--json", account=fay, env=state).expect(0).json()
    assert (found["sasl"], found["fast"], found["mechanism"]) == ("sasl2", True, token.mechanism)


def test_a_token_does_without_password_and_without_cache(xmppctl, fay, state, tmp_path):
    xmppctl("ping", account=fay, env=state).expect(0)
    for name in ("CACHE", "CACHE2"):
        # what the server offers is asked for anew; no password could be had
        env = {**state, "XMPPCTL_CACHE_DIR": str(tmp_path / name)}
        xmppctl("--password-command", "false", "ping", account=fay, env=env).expect(0)


def test_forgetting_ends_the_token_on_the_server(xmppctl, fay, state, token):
    assert accepted(fay, token)
    # no password is needed, and none is asked for
    run = xmppctl(
        *("--password-command", "false"),
        *("account", "tokens", "forget", "--json", "-v", "--debug-xml"),
        account=fay,
        env=state,
    ).expect(0)
    [record] = run.json()
    assert (record["jid"], record["invalidated"], record["error"]) == (fay.jid, True, None)
    assert "invalidate='true'" in run.err.replace('"', "'")
    assert "request-token" not in run.err
    assert token.token not in run.out + run.err
    assert not accepted(fay, token)
    assert logins.read(fay.jid, state).tokens == ()
    # the next login needs the password again, and gets a new token
    xmppctl("ping", account=fay, env=state).expect(0)
    [new] = logins.read(fay.jid, state).tokens
    assert accepted(fay, new)


def test_local_leaves_the_server_alone(xmppctl, fay, state, token):
    run = xmppctl("account", "tokens", "forget", "--local", "--json", account=fay, env=state)
    [record] = run.expect(0).json()
    assert record["invalidated"] is False
    assert logins.read(fay.jid, state).tokens == ()
    assert accepted(fay, token)


def test_a_token_that_the_server_ended_before_is_forgotten(xmppctl, prosody, fay, state, token):
    prosody.expire_tokens(fay)
    run = xmppctl("account", "tokens", "forget", "--json", account=fay, env=state).expect(0)
    [record] = run.json()
    assert (record["invalidated"], record["error"]) == (True, None)
    assert logins.read(fay.jid, state).tokens == ()


def test_a_server_that_takes_no_tokens_is_unsupported(xmppctl, prosody, state):
    alice = prosody.account("alice")
    from xmppctl.config.memory import FileMemory
    from xmppctl.model.memory import Token

    memory = FileMemory(alice.jid, (), state, state=True)
    device = memory.device()
    assert device is not None
    memory.keep_token(Token("HT-SHA-256-NONE", "s3cret", None, device, "2026-01-01T00:00:00Z"))
    run = xmppctl("account", "tokens", "forget", "--json", account=alice, env=state).expect(7)
    [record] = run.json()
    assert record["error"]["name"] == "UNSUPPORTED"
    assert "--local" in record["error"]["hint"]
    assert memory.token() is not None
    xmppctl("account", "tokens", "forget", "--local", account=alice, env=state).expect(0)
