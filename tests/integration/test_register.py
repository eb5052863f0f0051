"""`xmppctl register` with real servers: accounts made, shown, changed and ended in band."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.peers.process import way
from tests.peers.rawxml import RawClient
from tests.servers.base import Account
from tests.servers.quirks import Feature, Quirk

pytestmark = pytest.mark.in_turn

PASSWORD = "s3cret-Päßword <&>"


def fresh(server, host=None):
    """An account that does not exist yet."""
    account = server.account("new", host)
    unused = f"unused-{account.local}"
    return replace(account, jid=f"{unused}@{account.domain}", password=PASSWORD)


def logs_in(account):
    """Whether another client can log in."""
    try:
        RawClient.login_as(account).close()
    except PermissionError:
        return False
    return True


def at(server, **more):
    """How to reach ``server`` without being anybody: the target is the argument."""
    return {"server": server, "password": PASSWORD, **more}


def create(xmppctl, account, *args, **more):
    connection = at(account.server, **more)
    return xmppctl("--json", "register", "create", account.jid, *args, **connection)


def test_create_conflict_cancel(xmppctl, server):
    new = fresh(server)
    assert not logs_in(new)
    made = create(xmppctl, new).expect().json()
    assert made == {
        "jid": new.jid, "registered": True, "fields": [], "form": None, "instructions": None,
        "oob_url": None, "captcha": None, "error": None,
    }  # fmt: skip
    assert logs_in(new)
    again = create(xmppctl, new).expect(6)
    assert (again.error()["condition"], again.error()["by"]) == ("conflict", server.domain)
    assert logs_in(new)  # with the password that it had

    status = xmppctl("--json", "register", "status", account=new).expect().json()
    assert (status["jid"], status["registered"]) == (new.jid, True)
    assert {f["var"]: f["values"] for f in status["fields"]} == {
        "username": [new.local], "password": [],
    }  # fmt: skip

    xmppctl("register", "cancel", account=new).expect(2)
    assert logs_in(new)
    gone = xmppctl("--json", "register", "cancel", "--yes", account=new).expect()
    assert (gone.json()["jid"], gone.json()["registered"]) == (new.jid, False)
    assert gone.err == ""  # the stream error behind the result is no news
    assert not logs_in(new)
    assert xmppctl("--json", "register", "cancel", "--yes", account=new).expect(4)


def test_the_account_in_use_is_the_default(xmppctl, server):
    new = fresh(server)
    assert xmppctl("-o", "plain", "register", "create", account=new).expect().out == f"{new.jid}\n"
    assert logs_in(new)


def test_the_argument_stands_above_the_account_in_use(xmppctl, server, alice):
    new = fresh(server)
    xmppctl("register", "create", new.jid, account=alice).expect()
    assert logs_in(replace(new, password=alice.password))


def test_a_domain_and_the_field_username(xmppctl, server):
    new = fresh(server)
    args = ["--field", f"username={new.local.upper()}"]
    run = create(xmppctl, replace(new, jid=server.domain), *args).expect()
    assert run.json()["jid"] == new.jid
    assert logs_in(new)
    run = create(xmppctl, replace(new, jid=server.domain)).expect(2)
    assert "a value of: username" in run.error()["text"]
    run = create(xmppctl, fresh(server), *args).expect(2)
    assert "contradicts" in run.error()["text"]


def test_form(xmppctl, server, alice):
    options = at(server, password=None)
    shown = xmppctl("--json", "register", "form", server.domain, **options).expect().json()
    assert shown["registered"] is False
    assert [(f["var"], f["required"]) for f in shown["fields"]] == [
        ("username", True), ("password", True),
    ]  # fmt: skip
    assert (shown["form"] is not None) == (Quirk.REGISTER_FORM_ALWAYS in server.quirks)
    # the own server too is asked what a new account needs
    again = xmppctl("--json", "register", "form", server.domain, account=alice).expect().json()
    assert again == shown
    new = fresh(server)
    assert create(xmppctl, new, "--show-form").expect().json() == shown
    assert not logs_in(new)


def test_the_password_has_to_be_given(xmppctl, server):
    new = fresh(server)
    run = create(xmppctl, new, password=None).expect(2)
    assert "password" in run.error()["text"]
    assert "XMPPCTL_PASSWORD" in run.error()["hint"]
    for name in ("password", "old_password"):
        run = create(xmppctl, new, "--field", f"{name}=on-the-command-line").expect(2)
        assert "on-the-command-line" not in run.err
    xmppctl(
        "register", "create", new.jid, env={"XMPPCTL_PASSWORD": ""}, **at(server, password="")
    ).expect(2)
    assert not logs_in(new)


@pytest.mark.parametrize("host", ["closed", "plain"])
def test_closed_in_whatever_way(xmppctl, server, host):
    """No feature and an error, an offer and a refusal, the end of the stream: one answer."""
    domain = server.hosts[host]
    run = create(xmppctl, fresh(server, domain)).expect(7)
    error = run.error()
    assert error["text"] == f"{domain} does not offer registration (XEP-0077): it is closed"
    assert (error["condition"], error["by"]) == ("service-unavailable", domain)


@pytest.mark.parametrize("host", ["closed", "plain"])
def test_the_form_of_a_closed_server(xmppctl, server, host):
    offers = host == "closed" and Quirk.REGISTER_CLOSED_LOOKS_OPEN in server.quirks
    run = xmppctl("register", "form", server.hosts[host], **at(server))
    run.expect(0 if offers else 7)


def test_nothing_secret_is_traced(xmppctl, server):
    new = fresh(server)
    args = ["--debug-xml", "-v", "register"]
    made = xmppctl(*args, "create", new.jid, **at(server)).expect()
    changed = xmppctl(
        *args, "passwd", account=new, env={"XMPPCTL_NEW_PASSWORD": "next-PASSWORD-9"}
    ).expect()
    for run in (made, changed):
        assert "[redacted]" in run.err
        for secret in (PASSWORD, "s3cret", "next-PASSWORD-9"):
            assert secret not in run.out + run.err


# --- forms


@pytest.fixture
def form_host(prosody):
    assert Feature.FORM_REGISTRATION in prosody.features
    return prosody.hosts["form"]


def test_missing_fields_are_named(xmppctl, prosody, form_host):
    new = fresh(prosody, form_host)
    error = create(xmppctl, new).expect(2).error()
    assert "nick, email, tos" in error["text"]
    assert "password" not in error["text"]
    error = create(xmppctl, new, "--field", "nick=N", "--email", "a@b.c").expect(2).error()
    assert "of: tos;" in error["text"]
    assert error["condition"] == "missing-fields"
    assert not logs_in(new)


def test_bad_fields_submit_nothing(xmppctl, prosody, form_host):
    new = fresh(prosody, form_host)
    good = ["--field", "nick=N", "--email", "a@b.c"]
    for args, told in (
        ([*good, "--field", "tos=perhaps"], "neither 1 nor 0"),
        ([*good, "--field", "tos=1", "--field", "shoe=9"], "no field 'shoe'"),
        ([*good, "--field", "tos=1", "--field", "email=other"], "contradict"),
        ([*good, "--field", "tos=1", "--field", "nick=M"], "one value"),
        ([*good, "--field", "tos"], "NAME=VALUE"),
    ):
        assert told in create(xmppctl, new, *args).expect(2).error()["text"]
    assert not logs_in(new)


def test_a_form_is_filled(xmppctl, prosody, form_host):
    new = fresh(prosody, form_host)
    create(xmppctl, new, "--field", "nick=N", "--email", "a@b.c", "--field", "tos=yes").expect()
    assert logs_in(new)
    other = fresh(prosody, form_host)
    path = xmppctl.home / "form.json"
    path.write_text('{"nick": "N", "email": "a@b.c", "tos": true}')
    create(xmppctl, other, "--form-json", str(path)).expect()
    assert logs_in(other)
    # a server below the domain of the account in use is a server, and no service
    alice = prosody.account("alice")
    run = xmppctl("--json", "register", "form", form_host, account=alice).expect()
    assert {f["var"] for f in run.json()["fields"]} >= {"nick", "email", "tos"}


# --- invitations


def test_invite_tokens(xmppctl, prosody):
    host = prosody.hosts["invite"]
    new = fresh(prosody, host)
    run = create(xmppctl, new).expect(6)
    assert "--token" in run.error()["hint"]
    run = create(xmppctl, new, "--token", "no-such-token").expect(6)
    assert run.error()["step"] == "preauth"
    assert not logs_in(new)
    token = prosody.invite()
    run = xmppctl(
        *("--debug-xml", "register", "create", new.jid, "--token", token), **at(prosody)
    ).expect()
    assert token not in run.err
    assert logs_in(new)
    run = create(xmppctl, fresh(prosody, host), "--token", token).expect(6)
    assert run.error()["step"] == "preauth"  # it was good for one account


@pytest.mark.parametrize(
    "words",
    [
        ["xmpp:{jid}?register;preauth={token}"],
        ["{jid}", "--uri", "xmpp:{host}?register;preauth={token}"],
        ["--uri", "xmpp:{jid}?register;preauth={token}"],
        ["{jid}", "--uri", "xmpp:inviter@{host}?roster;preauth={token};ibr=y"],
    ],
)
def test_invitations_as_uris(xmppctl, prosody, words):
    new = fresh(prosody, prosody.hosts["invite"])
    known = {"jid": new.jid, "host": new.domain, "token": prosody.invite()}
    args = [word.format(**known) for word in words]
    xmppctl("register", "create", *args, **at(prosody)).expect()
    assert logs_in(new)


@pytest.mark.parametrize(
    "args",
    [
        ["a@x.test", "--uri", "xmpp:y.test?register;preauth=t"],
        ["a@x.test", "--uri", "xmpp:b@x.test?register;preauth=t"],
        ["a@x.test", "--uri", "https://x.test/"],
        ["a@x.test", "--uri", "xmpp:x.test?register"],
        ["a@x.test", "--token", "u", "--uri", "xmpp:x.test?register;preauth=t"],
        ["a@x.test/resource"],
        ["@@"],
        [],
        ["a@x.test", "--captcha", "save:"],
        ["a@x.test", "--captcha", "url", "--captcha-answer", "1"],
        ["a@x.test", "--captcha", "ask", "--captcha-command", "true"],
        ["a@x.test", "--captcha-answer", "1", "--captcha-command", "true"],
        ["a@x.test", "--captcha", "save:x", "--captcha-save", "y"],
    ],
)
def test_bad_arguments(xmppctl, args):
    xmppctl("register", "create", *args, env={"XMPPCTL_PASSWORD": "x"}).expect(2)


def test_a_server_without_tokens(xmppctl, server):
    new = fresh(server)
    run = create(xmppctl, new, "--token", "t").expect(7)
    assert "XEP-0445" in run.error()["text"]
    assert not logs_in(new)


# --- passwords


def test_passwd(xmppctl, alice):
    next_one = replace(alice, password="next-PASSWORD-9")
    path = xmppctl.home / "next.txt"
    path.touch(0o600)
    path.write_text(f"{next_one.password}\n")
    for empty in ({}, {"XMPPCTL_NEW_PASSWORD": ""}):
        run = xmppctl("--json", "register", "passwd", account=alice, env=empty).expect(2)
        assert "--new-password-file" in run.error()["hint"]
    args = ["register", "passwd", "--new-password-file", str(path)]
    run = xmppctl("--json", *args, account=alice).expect()
    assert (run.json()["jid"], run.json()["registered"]) == (alice.jid, True)
    assert "XMPPCTL_PASSWORD may still give the old" in run.err
    assert logs_in(next_one)
    assert not logs_in(alice)
    xmppctl(*args, account=alice).expect(4)
    args = ["register", "passwd", "--new-password-command", "echo third-PASSWORD"]
    xmppctl(*args, account=next_one).expect()
    assert logs_in(replace(alice, password="third-PASSWORD"))


def config(xmppctl, account, secret):
    folder = xmppctl.home / "config"
    folder.mkdir(mode=0o700)
    path: Path = folder / "config.toml"
    options = {**way(account.server), "ca_file": account.server.ca_file}
    path.touch(0o600)
    path.write_text(
        f'default_account = "a"\n# mine\n[accounts.a]\njid = "{account.jid}"\n{secret}\n'
        + "".join(f'{name} = "{value}"\n' for name, value in options.items())
    )
    return path


def test_the_stored_password_is_changed_on_demand(xmppctl, alice):
    path = config(xmppctl, alice, f'password = "{alice.password}"')
    before = path.read_text()
    new = {"XMPPCTL_NEW_PASSWORD": 'next-"PASSWORD"-9'}
    run = xmppctl("register", "passwd", "--update-account", env=new).expect()
    assert new["XMPPCTL_NEW_PASSWORD"] not in run.out + run.err
    assert "# mine" in path.read_text()
    assert path.read_text() != before
    assert path.stat().st_mode & 0o777 == 0o600
    xmppctl("ping").expect()
    again = {"XMPPCTL_NEW_PASSWORD": "third-PASSWORD"}
    run = xmppctl("register", "passwd", env=again).expect()
    assert "may still give the old password" in run.err
    xmppctl("ping").expect(4)


def test_the_password_file_is_changed_on_demand(xmppctl, alice):
    secret = xmppctl.home / "secret"
    secret.touch(0o600)
    secret.write_text(f"{alice.password}\nmy notes\n")
    config(xmppctl, alice, f'password_file = "{secret}"')
    new = {"XMPPCTL_NEW_PASSWORD": "next-PASSWORD-9"}
    xmppctl("register", "passwd", "--update-account", env=new).expect()
    assert secret.read_text() == "next-PASSWORD-9\nmy notes\n"
    assert secret.stat().st_mode & 0o777 == 0o600
    xmppctl("ping").expect()


def test_what_cannot_be_stored_is_told_before(xmppctl, alice):
    new = {"XMPPCTL_NEW_PASSWORD": "next-PASSWORD-9"}
    run = xmppctl("register", "passwd", "--update-account", account=alice, env=new).expect(2)
    assert "XMPPCTL_PASSWORD" in run.err
    assert logs_in(alice)


def test_an_anonymous_account_has_none(xmppctl, server):
    account = Account(server.hosts["anon"], "", server)
    run = xmppctl("--anonymous", "register", "passwd", account=account, password=None)
    run.expect(2)


def test_the_name_is_that_of_jid_where_the_argument_is_its_domain(xmppctl, server):
    new = fresh(server)
    there = at(server, jid=new.jid)
    made = xmppctl("--json", "register", "create", server.domain, **there).expect().json()
    assert (made["jid"], made["registered"]) == (new.jid, True)
    assert logs_in(new)
    # a name that is given as a field is meant; so is another domain than that of --jid
    other = replace(new, jid=f"x{new.jid}")
    name = ["--field", f"username=x{new.local}"]
    made = xmppctl("--json", "register", "create", server.domain, *name, **there).expect().json()
    assert made["jid"] == other.jid
    there["jid"] = "juliet@example.org"
    run = xmppctl("--json", "register", "create", server.domain, **there).expect(2)
    assert run.error()["condition"] == "missing-fields"
    xmppctl("register", "cancel", "--yes", account=new).expect()
    xmppctl("register", "cancel", "--yes", account=other).expect()
