"""Runs at the same time are different devices, each with a token of its own.

A server ends what a device bound before (XEP-0386 §3.2) and its older tokens (XEP-0484 §3.5).
"""

from __future__ import annotations

import re

import pytest

from xmppctl.config import logins


@pytest.fixture
def fay(prosody):
    """An account whose every login brings a new token."""
    return prosody.account("fay", prosody.hosts["sasl2_rotating"])


@pytest.fixture
def state(tmp_path):
    """Directories that outlast a run."""
    return {f"XMPPCTL_{kind}_DIR": str(tmp_path / kind) for kind in ("STATE", "CACHE")}


@pytest.fixture(params=["sasl2", "sasl2_rotating"])
def eve(request, prosody):
    """An account where FAST is offered, with and without a new token for every login."""
    return prosody.account("eve", prosody.hosts[request.param])


@pytest.mark.sampled
@pytest.mark.parametrize("count", [6, 12])
def test_runs_at_once_neither_fail_nor_throw_each_other_out(xmppctl, eve, state, count):
    xmppctl("ping", account=eve, env=state).expect(0)
    for _ in range(2):
        runs = [
            xmppctl.start("account", "test", "--json", account=eve, env=state) for _ in range(count)
        ]
        found = [run.wait(90).expect(0).json() for run in runs]
        # the archive was seen by the first run: from then on Bind 2 gives the resource
        assert {each["bind"] for each in found} == {"bind2"}
        assert any(each["fast"] for each in found)
    devices = logins.read(eve.jid, state).devices
    assert 2 <= len(devices) <= count
    assert all(each.tokens for each in devices)
    # no password could be had
    alone = ("--password-command", "false")
    for _ in range(2):
        test = xmppctl(*alone, "account", "test", "--json", account=eve, env=state).expect(0)
        assert (test.json()["fast"], test.json()["bind"]) == (True, "bind2")


def test_a_session_goes_on_while_others_come_and_go(xmppctl, eve, state):
    xmppctl("ping", account=eve, env=state).expect(0)
    listening = xmppctl.start("-v", "listen", "--count", "1", account=eve, env=state)
    listening.wait_line("listening as", "err")
    full = re.search(r"listening as (\S+)", listening.err)[1]
    for _ in range(3):
        xmppctl("account", "test", "--json", account=eve, env=state).expect(0)
    held, *others = logins.read(eve.jid, state).devices
    assert held.tokens
    assert all(each.tokens for each in others)
    # the tokens of its device are ended as well, and it is not thrown out by that
    forget = xmppctl("account", "tokens", "forget", "--json", account=eve, env=state).expect(0)
    told = forget.json()
    assert {each["device"] for each in told} == {held.id, *(each.id for each in others)}
    assert all(each["invalidated"] for each in told)
    assert logins.read(eve.jid, state).tokens == ()
    xmppctl("send", full, "still there?", account=eve, env=state).expect(0)
    assert "still there?" in listening.wait(30).expect(0).out


def test_a_run_that_is_killed_leaves_its_device_to_the_next(xmppctl, eve, state):
    xmppctl("ping", account=eve, env=state).expect(0)
    listening = xmppctl.start("listen", "--count", "1", account=eve, env=state)
    listening.wait_line("listening as", "err")
    listening.kill()
    alone = ("--password-command", "false")
    found = xmppctl(*alone, "account", "test", "--json", account=eve, env=state).expect(0).json()
    assert (found["fast"], found["bind"]) == (True, "bind2")
    assert len(logins.read(eve.jid, state).devices) == 1


def test_without_locks_the_password_does(xmppctl, fay, state):
    xmppctl("ping", account=fay, env=state).expect(0)
    path = logins.file(fay.jid, state)
    for place in range(logins.DEVICES):
        lock = path.with_name(f"{path.name}.{place}.lock")
        lock.unlink(missing_ok=True)
        lock.symlink_to("nowhere")
    found = xmppctl("account", "test", "--json", account=fay, env=state).expect(0).json()
    assert (found["sasl"], found["fast"], found["bind"]) == ("sasl2", False, "bind2")


def test_a_refused_token_is_dropped_and_the_one_before_used(xmppctl, fay, state):
    xmppctl("ping", account=fay, env=state).expect(0)
    [good] = logins.read(fay.jid, state).tokens
    bad = good._replace(token="bad", expiry="2100-01-01T00:00:00Z")
    logins.update(fay.jid, lambda login: logins.with_token(login, bad), state)
    # no password could be had: the command that would give it fails
    run = xmppctl(
        *("--password-command", "false", "account", "test", "--json", "-v"),
        account=fay,
        env=state,
    ).expect(0)
    assert run.json()["fast"] is True
    assert run.err.count("the token was refused (not-authorized)") == 1
    left = [token.token for token in logins.read(fay.jid, state).tokens]
    assert len(left) == 2
    assert good.token in left
    assert "bad" not in left


def test_a_token_that_the_server_ended_costs_a_login_by_password(xmppctl, prosody, fay, state):
    xmppctl("ping", account=fay, env=state).expect(0)
    [old] = logins.read(fay.jid, state).tokens
    prosody.expire_tokens(fay)
    found = xmppctl("account", "test", "--json", account=fay, env=state).expect(0).json()
    assert (found["fast"], found["mechanism"]) == (False, "SCRAM-SHA-256")
    [new] = logins.read(fay.jid, state).tokens
    assert new.token != old.token


def test_a_server_without_sasl2_is_asked_without_a_device(xmppctl, prosody, state):
    alice = prosody.account("alice")
    for _ in range(2):
        xmppctl("ping", account=alice, env=state).expect(0)
    path = logins.file(alice.jid, state)
    assert sorted(each.name for each in path.parent.iterdir()) == [path.name, f"{path.name}.lock"]
    assert logins.read(alice.jid, state).devices == ()
