"""What `omemo` and `send --omemo` refuse before anything is connected."""

import importlib.util
import io
import sys

import pytest

from xmppctl.cli.main import main

FPR = "80d09edc41f7f9cc5afdb6c0ca1eb66b58af6b9ddb5f9a05a9a3f6d48e8fb712"
BOB = "bob@b.test"


@pytest.fixture
def run(monkeypatch, capsys, tmp_path):
    for kind in ("CONFIG", "STATE", "CACHE"):
        monkeypatch.setenv(f"XMPPCTL_{kind}_DIR", str(tmp_path))

    def call(*args, stdin=""):
        stream = io.TextIOWrapper(io.BytesIO(stdin.encode()), encoding="utf-8")
        monkeypatch.setattr(sys, "stdin", stream)
        code = main(["-j", "a@b.test", "--connect", "127.0.0.1:1", *args])
        return code, capsys.readouterr().err

    return call


@pytest.mark.parametrize(
    ("args", "reason"),
    [
        (["omemo", "trust", BOB], "give the fingerprints, or --all"),
        (["omemo", "trust", BOB, FPR, "--all"], "takes no more"),
        (["omemo", "trust", BOB, "abc"], "no fingerprint"),
        (["omemo", "trust", f"{BOB}/r", FPR], "resource"),
        (["omemo", "verify", BOB, "1128453653"], "no fingerprint"),
        (["omemo", "refresh", "--new-session"], "needs JID"),
        (["omemo", "remove-device", "1"], "not confirmed"),
        (["omemo", "remove-device", "0"], "0"),
        (["omemo", "purge"], "not confirmed"),
        (["omemo", "import", "-"], "no export"),
        (["send", "--omemo-version", "2", BOB, "x"], "is for --omemo"),
        (["send", "--trust", "skip", BOB, "x"], "is for encryption"),
        (["send", "--omemo", "--dry-run", BOB, "x"], "asks a server"),
        (["send", "--omemo", "--multicast", BOB, "x"], "exclude each other"),
        (["send", "--omemo", "--type", "groupchat", BOB, "x"], "needs --muc"),
        (["send", "--omemo", "--subject", "s", BOB, "x"], "would go in clear"),
        (["send", "--omemo", "--oob-url", "https://x.test/", BOB], "would go in clear"),
        (["send", "--omemo", "--chat-state", "composing", BOB], "exclude each other"),
        (["send", "--omemo", "--attention", BOB], "has none"),
        (["muc", "pm", "--omemo", "r@m.test", "nick", "x"], "is for accounts and rooms"),
    ],
)
def test_refused(run, args, reason):
    code, err = run(*args)
    assert code == 2 and reason in err


def test_a_file_is_a_message_of_its_own(run, tmp_path):
    file = tmp_path / "f"
    file.write_text("x")
    for more in (["text"], ["--sfs"]):
        code, err = run("send", "--omemo", "--file", str(file), BOB, *more)
        assert code == 2 and "--file" in err
    for more in (["--to", BOB], ["--muc", "r@m.test"], ["--insecure-http"], ["--name", "n"]):
        code, err = run("upload", "--encrypt", *more, str(file))
        assert code == 2 and "--encrypt" in err


@pytest.mark.parametrize(
    "args",
    [
        ["omemo", "init"],
        ["omemo", "devices", BOB],
        ["omemo", "fingerprint"],
        ["omemo", "verify", BOB, FPR],
        ["omemo", "export"],
        ["--yes", "omemo", "purge"],
        ["send", "--omemo", BOB, "x"],
        ["muc", "send", "--omemo", "r@m.test", "x"],
    ],
)
def test_without_the_extra(run, monkeypatch, args):
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util,
        "find_spec",
        lambda name, *more: None if name == "oldmemo" else find(name, *more),
    )
    code, err = run(*args)
    assert code == 2
    assert "pip install 'xmppctl[omemo]'" in err


def test_export_of_nothing(run):
    code, err = run("omemo", "export")
    assert code == 11 and "omemo init" in err
