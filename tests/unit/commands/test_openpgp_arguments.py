"""What `openpgp` and `send --openpgp` refuse before anything is connected."""

import io
import sys

import pytest

from tests.unit.protocol.openpgp.world import ALICE, BOB, LOCKED, key
from xmppctl.cli.main import main
from xmppctl.commands.openpgp import secret
from xmppctl.errors import RefusedError, UsageError
from xmppctl.protocol import openpgp
from xmppctl.protocol.openpgp import sequoia

FPR = "1357B01865B2503C18453D208CAC2A9678548E35"


@pytest.fixture
def run(monkeypatch, capsys, tmp_path):
    """``run("openpgp", "keys")``: exit code and standard error."""
    for kind in ("CONFIG", "STATE", "CACHE"):
        monkeypatch.setenv(f"XMPPCTL_{kind}_DIR", str(tmp_path / kind))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b""), encoding="utf-8"))

    def call(*args):
        code = main(["-j", "a@b.test", "--connect", "127.0.0.1:1", *args])
        return code, capsys.readouterr().err

    return call


@pytest.mark.parametrize(
    ("args", "told"),
    [
        (("openpgp", "keys", "@"), "JID"),
        (("openpgp", "keys", "b@c.test/r"), "bare JID"),
        (("openpgp", "import"), "Missing argument"),
        (("openpgp", "trust", "b@c.test", "1234"), "no fingerprint"),
        (("openpgp", "untrust", "b@c.test", "x" * 40), "no fingerprint"),
        (("openpgp", "publish", "key", "--access", "whitelist"), "--access"),
        (("openpgp", "remove", FPR), "not confirmed, nothing was done"),
        (("openpgp", "remove", "1234", "--yes"), "no fingerprint"),
        (("openpgp", "remove", "--secret", "--backup", "--yes"), "which key"),
        (("openpgp", "restore"), "no code for a@b.test"),
        (("send", "--trust", "skip", "b@c.test", "x"), "--trust is for encryption"),
        (("send", "--openpgp-mode", "sign", "b@c.test", "x"), "--openpgp-mode needs --openpgp"),
        (("send", "--sign-key", FPR, "b@c.test", "x"), "--sign-key needs --openpgp"),
        (("send", "--openpgp", "--sign-key", "1", "b@c.test", "x"), "no fingerprint"),
        (("send", "--openpgp", "--openpgp-mode", "crypt", "--sign-key", FPR, "b@c.test", "x"),
         "exclude each other"),
        (("send", "--openpgp", "--muc", "b@c.test", "x"), "--muc exclude each other"),
        (("send", "--openpgp", "--multicast", "b@c.test", "x"), "--multicast exclude each other"),
        (("send", "--openpgp", "--dry-run", "b@c.test", "x"), "asks a server"),
        (("send", "--openpgp", "--file", "f", "b@c.test"), "would go up in clear"),
        (("muc", "send", "--openpgp", "b@c.test", "x"), "--openpgp is for people"),
        (("muc", "pm", "--openpgp", "b@c.test", "nick", "x"), "--openpgp is for people"),
    ],
)  # fmt: skip
def test_refused(run, args, told):
    code, err = run(*args)
    assert told in err
    assert code == 2


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "holds no OpenPGP key"),
        (b"abc", "holds no OpenPGP key"),
        (b"-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nxx\n", "holds no OpenPGP key"),
    ],
)
def test_files_without_a_key(run, tmp_path, content, told):
    (tmp_path / "key").write_bytes(content)
    code, err = run("openpgp", "publish", "key")
    assert (code, told in err) == (2, True)
    assert run("openpgp", "publish", "nothing")[0] == 11


def test_a_key_with_a_passphrase_is_not_taken(run, tmp_path):
    (tmp_path / "key").write_bytes(LOCKED)
    code, err = run("openpgp", "publish", "key")
    assert (code, "is encrypted" in err, "gpg --change-passphrase" in err) == (2, True, True)
    with pytest.raises(UsageError) as caught:
        secret.own_keys(sequoia.keys_of(LOCKED)[0], ALICE, f"xmpp:{ALICE}", [].append)
    assert caught.value.condition == "locked"


def test_what_a_backup_has_of_the_account():
    told = []
    keys = [key(ALICE), key(ALICE, 1), key(BOB)]
    found = secret.own_keys(keys, ALICE, f"xmpp:{ALICE}", told.append)
    assert found == {each.fingerprint: each.data for each in keys[:2]}
    assert len(told) == 1 and key(BOB).fingerprint in told[0]
    with pytest.raises(RefusedError):
        secret.own_keys(keys[2:], ALICE, f"xmpp:{ALICE}", told.append)


@pytest.mark.parametrize(
    "args",
    [
        ("openpgp", "keys"),
        ("openpgp", "publish"),
        ("openpgp", "import", "b@c.test"),
        ("openpgp", "trust", "b@c.test", FPR),
        ("openpgp", "untrust", "b@c.test", FPR),
        ("openpgp", "backup"),
        ("openpgp", "restore"),
        ("openpgp", "remove", "--yes"),
        ("send", "--openpgp", "b@c.test", "x"),
    ],
)
def test_without_the_extra(run, monkeypatch, args):
    monkeypatch.setattr(openpgp, "is_installed", lambda: False)
    code, err = run(*args)
    assert code == 2
    assert "pip install 'xmppctl[openpgp]'" in err.splitlines()[0]


def test_codes_that_are_none(run, monkeypatch):
    monkeypatch.setenv("XMPPCTL_CODE", "1234")
    code, err = run("openpgp", "backup")
    assert (code, "not one of XEP-0373" in err) == (2, True)
    assert "1234" not in err


def test_nothing_is_kept_of_a_run_that_did_not_reach_the_server(run, monkeypatch, tmp_path):
    monkeypatch.setenv("XMPPCTL_PASSWORD", "x")
    (tmp_path / "key").write_bytes(key("a@b.test").data)
    code, _ = run("openpgp", "publish", "key")
    assert code == 3
    assert not (tmp_path / "STATE" / "openpgp").exists()
