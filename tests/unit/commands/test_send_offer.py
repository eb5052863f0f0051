"""`send --oob-iq`: what is offered to whom, and what is refused before anything is connected."""

import re

import pytest

from tests.unit.commands.test_send_arguments import dry, sent  # noqa: F401 - a fixture

URL = "https://example.org/a.png"
TO = "a@x.example/desk"
OFFER = ("--oob-iq", "--oob-url", URL)


def test_the_request(dry):  # noqa: F811
    (line,) = sent(dry(TO, *OFFER, "--oob-desc", "a\nb", stdin="unread"))
    assert re.search(r"<iq [^>]*type='set'", line)
    assert f"to='{TO}'" in line
    query = f"<query xmlns='jabber:iq:oob'><url>{URL}</url><desc>a&#10;b</desc></query></iq>"
    assert line.endswith(query)
    assert len(sent(dry(TO, "b@x.example/1", *OFFER, "--wait-timeout", "5m"))) == 2


def test_recipients_of_a_file(dry, tmp_path):  # noqa: F811
    path = tmp_path / "to"
    path.write_text(f"{TO}\n\n@\nb@x.example/1\n")
    code, out, err = dry("--to-file", str(path), *OFFER)
    assert code == 2
    assert len(out.splitlines()) == 2
    assert "line 3" in err


def test_a_bare_jid_is_told_what_to_do(dry):  # noqa: F811
    code, out, err = dry("b@x.example/1", "xmpp:a@x.example", *OFFER)
    assert (code, out) == (2, "")
    assert "a@x.example/desk" in err
    assert "presence probe" in err


@pytest.mark.parametrize(
    "args",
    [
        ["text"],
        ["-"],
        ["--", "text"],
        ["--muc"],
        ["--nick", "n"],
        ["--multicast"],
        ["--bcc", "b@x.example"],
        ["--stdin-lines"],
        ["--stanza", "-"],
        ["--wait", "acked"],
        ["--type", "chat"],
        ["--subject", "s"],
        ["--id", "1"],
        ["--file-url", URL],
        ["--bob", "/etc/hostname"],
        ["--receipt"],
        ["--body-lang", "de=x"],
    ],
)
def test_what_does_not_go_together(dry, args):  # noqa: F811
    code, out, err = dry(*([] if args[0] == "--" else [TO]), *OFFER, *args)
    assert (code, out) == (2, "")
    if args[0].startswith("--") and len(args[0]) > 2:
        assert f"--oob-iq and {args[0]} exclude each other" in err
    else:
        assert "--oob-iq has no text" in err


@pytest.mark.parametrize(
    "args",
    [
        ["--oob-iq"],
        ["--oob-iq", "--oob-desc", "d"],
        ["--oob-iq", "--oob-url", "a b"],
        ["--oob-iq", "--oob-url", "aesgcm://x.example/a#00"],
        [*OFFER, "--oob-desc", "\x01"],
    ],
)
def test_what_is_refused(dry, args):  # noqa: F811
    code, out, err = dry(TO, *args)
    assert (code, out) == (2, "")
    assert err


def test_nobody(dry):  # noqa: F811
    code, _, err = dry(*OFFER)
    assert code == 2
    assert "no recipient" in err
