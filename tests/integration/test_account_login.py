"""``account test`` and logins by an account of the configuration file."""

from __future__ import annotations

import pytest

from tests.peers.process import way, way_options

pytestmark = pytest.mark.in_turn


def test_a_login_by_account_shows_the_way_it_took(server, alice, xmppctl, tmp_path):
    secret = tmp_path / "secret"
    secret.write_text(alice.password + "\n")
    secret.chmod(0o600)
    config = {"XMPPCTL_CONFIG_DIR": str(tmp_path / "own")}
    xmppctl(
        *way_options(server),
        *("--password-file", str(secret), "account", "add", "work", alice.jid),
        env=config,
    ).expect(0)
    found = xmppctl("account", "test", "work", "--json", env=config).expect(0).json()
    assert found["account"] == "work"
    assert found["jid"].startswith(f"{alice.jid}/xmppctl.")
    # the address itself, or in a URL
    assert any(found["peer"] in value for value in way(server).values())
    assert found["tls"] in ("TLSv1.2", "TLSv1.3")
    assert found["mechanism"].startswith("SCRAM-SHA-")
    # a shape that does not depend on what the server offers: unknown is null
    assert set(found) == {
        *("account", "jid", "transport", "peer", "address", "tls", "cipher", "sasl", "mechanism"),
        *("channel_binding", "fast", "bind", "guessed", "round_trips", "login_ms", "phases_ms"),
    }
    assert found["transport"] == way(server).get("transport", "tcp")
    assert found["sasl"] in ("sasl1", "sasl2")
    assert found["bind"] in ("bind", "bind2")
    assert found["fast"] is False
    assert found["guessed"] is False
    assert found["address"] in ("127.0.0.1", "::1")
    assert found["round_trips"] > 0
    assert found["login_ms"] > 0
    assert found["phases_ms"]["auth"] > 0


def test_verbose_tells_the_way_and_what_it_cost(server, alice, xmppctl):
    run = xmppctl("-v", "account", "test", account=alice).expect(0)
    [line] = [line for line in run.err.splitlines() if "round trips: " in line]
    way, cost = line.split("; round trips: ")
    assert way.startswith(f"* {server.starttls[0]}:")
    assert " over TLSv1." in way
    assert " with SCRAM-SHA-" in way
    assert " auth " in cost


def test_an_account_that_is_not_there(server, alice, xmppctl):
    refused = xmppctl("--json", "account", "test", "nope", account=alice).expect(2)
    assert "nope" in refused.error()["text"]


def test_two_names_that_contradict_each_other(server, alice, xmppctl, tmp_path):
    config = {"XMPPCTL_CONFIG_DIR": str(tmp_path / "own")}
    for name in ("one", "two"):
        xmppctl("account", "add", name, alice.jid, env=config).expect(0)
    xmppctl("-a", "one", "account", "test", "two", env=config).expect(2)


def test_a_wrong_password_of_the_account(server, alice, xmppctl):
    refused = xmppctl("--json", "account", "test", account=alice, password="wrong").expect(4)
    assert refused.error()["condition"] == "not-authorized"
