"""``account test`` and logins by an account of the configuration file."""

from __future__ import annotations


def test_a_login_by_account_shows_the_way_it_took(server, alice, xmppctl, tmp_path):
    secret = tmp_path / "secret"
    secret.write_text(alice.password + "\n")
    secret.chmod(0o600)
    config = {"XMPPCTL_CONFIG_DIR": str(tmp_path / "own")}
    host, port = server.starttls
    xmppctl(
        *("--connect", f"{host}:{port}", "--ca-file", str(server.ca_file)),
        *("--password-file", str(secret), "account", "add", "work", alice.jid),
        env=config,
    ).expect(0)
    found = xmppctl("account", "test", "work", "--json", env=config).expect(0).json()
    assert found["account"] == "work"
    assert found["jid"].startswith(f"{alice.jid}/xmppctl.")
    assert found["peer"] == f"{host}:{port}"
    assert found["tls"] in ("TLSv1.2", "TLSv1.3")
    assert found["mechanism"].startswith("SCRAM-SHA-")
    assert found["login_ms"] > 0
    assert found["phases_ms"]["auth"] > 0


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
