"""`send` with files and URLs: what is refused before anything is connected."""

import hashlib
import re

import pytest

from tests.unit.commands.test_send_arguments import dry, sent  # noqa: F401 - a fixture
from xmppctl.cli.main import main

URL = "https://example.org/a.png"


def test_a_url_is_the_text_where_there_is_none(dry):  # noqa: F811
    oob = f"<x xmlns='jabber:x:oob'><url>{URL}</url><desc>d</desc></x>"
    (line,) = sent(dry("a@x.example", "--oob-url", URL, "--oob-desc", "d", stdin="unread"))
    assert f"<body>{URL}</body>" in line
    assert oob in line
    (line,) = sent(dry("a@x.example", "look", "--oob-url", URL, "--oob-desc", "d"))
    assert line.count("<body>look</body>") == line.count("<body") == 1
    assert oob in line


def test_a_shared_file(dry):  # noqa: F811
    digest = hashlib.sha256(b"").hexdigest()
    args = ("--file-url", URL, "--file-name", "a.png", "--file-size", "0", "--file-type",
            "image/png", "--file-hash", f"sha-256:{digest}")  # fmt: skip
    (line,) = sent(dry("a@x.example", *args))
    assert f"<body>{URL}</body>" in line
    assert f"<x xmlns='jabber:x:oob'><url>{URL}</url></x>" in line
    assert "<media-type>image/png</media-type><name>a.png</name><size>0</size><hash" in line
    assert "<fallback" in line
    (line,) = sent(dry("a@x.example", "look", *args))
    assert "<body>look</body>" in line
    assert "<fallback" not in line


def test_bits_of_binary(dry, tmp_path):  # noqa: F811
    path = tmp_path / "a.png"
    path.write_bytes(b"x" * 8192)
    (line,) = sent(dry("a@x.example", "--bob", str(path), "--bob", str(path)))
    (text,) = re.findall("<data [^>]*type='image/png'[^>]*>([^<]*)</data>", line)
    assert len(text) == 10924
    assert "<body" not in line
    lines = sent(dry("a@x.example", "b@x.example", "--bob", str(path), "look"))
    assert all("<body>look</body>" in line and text in line for line in lines)


@pytest.mark.parametrize(
    "args",
    [
        ["--oob-desc", "d"],
        ["--oob-url", "example.org"],
        ["--oob-url", "https://example.org/a b"],
        ["--oob-url", "https://example.org/ä"],
        ["--oob-url", "aesgcm://example.org/a#00"],
        ["--oob-url", URL, "--oob-desc", "\x01"],
        ["--oob-url", URL, "--file-url", URL],
        ["--file-name", "a"],
        ["--file-size", "1"],
        ["--file-hash", "sha-256:00"],
        ["--file-url", "ftp://example.org/a"],
        ["--file-url", URL, "--file-name", "../a"],
        ["--file-url", URL, "--file-type", "png"],
        ["--file-url", URL, "--file-size", "-1"],
        ["--file-url", URL, "--file-hash", "md5:d41d8cd98f00b204e9800998ecf8427e"],
        ["--file-url", URL, *(2 * ["--file-hash", f"sha-256:{hashlib.sha256().hexdigest()}"])],
    ],
)
def test_what_is_refused(dry, args):  # noqa: F811
    code, out, err = dry("a@x.example", *args, "--", "text")
    assert (code, out) == (2, "")
    assert err


@pytest.mark.parametrize("option", ["--oob-url", "--file-url"])
def test_a_stanza_stays_as_it_is(dry, option):  # noqa: F811
    code, out, err = dry("a@x.example", "--stanza", "-", option, URL, stdin="<message/>")
    assert (code, out) == (2, "")
    assert f"{option} and --stanza exclude each other" in err


def test_files_that_cannot_be_sent(dry, tmp_path):  # noqa: F811
    (tmp_path / "large").write_bytes(b"x" * 8193)
    (tmp_path / "empty").touch()
    for name, code in (("large", 2), ("empty", 2), ("missing", 11), (".", 11)):
        found, out, err = dry("a@x.example", "--bob", str(tmp_path / name), "x")
        assert (found, out) == (code, "")
        assert str(tmp_path) in err


def test_a_file_that_is_uploaded_first(dry, tmp_path, capsys):  # noqa: F811
    path = tmp_path / "a.txt"
    path.write_text("x")
    for args, said in (
        (("--file", str(path)), "--dry-run"),
        (("--file", "-"), "takes a file"),
        (("--sfs", "look"), "--file"),
        (("--file", str(path), "--oob-url", URL), "exclude"),
        (("--file", str(path), "--stdin-lines"), "exclude"),
    ):
        code, out, err = dry("a@x.example", *args)
        assert (code, out) == (2, ""), args
        assert said in err
    # a file that is not there is told of before anything is connected
    assert main(["send", "a@x.example", "--file", str(tmp_path / "missing")]) == 11
    assert "missing" in capsys.readouterr().err
