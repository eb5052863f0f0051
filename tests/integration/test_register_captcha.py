"""`xmppctl register create` where a CAPTCHA stands before it; the answers are the server's own."""

import os
import pty
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from tests.integration.test_register import PASSWORD, at, create, fresh, logs_in
from tests.peers.process import EXECUTABLE, way_environment
from tests.servers.fake import FakeServer
from tests.servers.quirks import Feature

PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture
def new(ejabberd):
    assert Feature.CAPTCHA_REGISTRATION in ejabberd.features
    return fresh(ejabberd, ejabberd.hosts["captcha"])


def picture(record):
    field, *_ = record["captcha"]["fields"]
    return Path(field["media"][0]["path"])


def test_asked_now_answered_later(xmppctl, ejabberd, new):
    run = create(xmppctl, new).expect(6)
    record, error = run.json(), run.error()
    assert (record["jid"], record["registered"]) == (new.jid, False)
    assert record["error"] == error
    assert (error["condition"], error["by"]) == ("captcha-required", new.domain)
    captcha = record["captcha"]
    assert captcha["from"] == new.domain
    assert captcha["challenge"] in captcha["url"]
    assert captcha["fields"][0]["var"] == "ocr"
    assert captcha["fields"][0]["media"][0]["uri"].startswith("cid:sha1+")
    path = picture(record)
    assert path.read_bytes().startswith(PNG)
    assert path.stat().st_mode & 0o777 == 0o600
    assert captcha["url"] in error["hint"]
    assert str(path) in error["hint"]
    assert not logs_in(new)
    create(xmppctl, new, "--captcha-answer", ejabberd.captcha_answer()).expect()
    assert logs_in(new)
    # the challenge was good for one answer, and nothing of it is left
    assert not list((xmppctl.home / "state" / "captcha").iterdir())


def test_a_wrong_answer(xmppctl, ejabberd, new):
    target = xmppctl.home / "picture.png"
    create(xmppctl, new, "--captcha-save", str(target)).expect(6)
    assert target.read_bytes().startswith(PNG)
    run = create(xmppctl, new, "--captcha-answer", "wrong").expect(6)
    assert run.error()["condition"] == "not-allowed"
    # the right answer comes too late, and is not the one to the next challenge
    answer = ejabberd.captcha_answer()
    target.unlink()
    args = ["--captcha-answer", answer, "--captcha", f"save:{target}"]
    run = create(xmppctl, new, *args).expect(6)
    assert run.error()["condition"] == "not-allowed"
    assert target.read_bytes().startswith(PNG)
    assert not logs_in(new)


def test_a_command_answers(xmppctl, ejabberd, new):
    answers = ejabberd.directory / "captcha.txt"
    seen = xmppctl.home / "seen"
    command = f'cp %f {seen}; echo "$CAPTCHA_LABEL $CAPTCHA_URL" >{seen}.txt; tail -n1 {answers}'
    create(xmppctl, new, "--captcha", f"command:{command}").expect()
    assert logs_in(new)
    assert seen.read_bytes().startswith(PNG)
    assert "/captcha/" in Path(f"{seen}.txt").read_text()


@pytest.mark.parametrize("command", ["exit 3", "true", "printf '\\377'"])
def test_a_command_that_does_not(xmppctl, new, command):
    run = create(xmppctl, new, "--captcha-command", command).expect(2)
    assert run.error()["step"] == "captcha"
    assert not logs_in(new)


def test_the_answer_by_standard_input(xmppctl, ejabberd, new):
    target = xmppctl.home / "p.png"
    args = ["register", "create", new.jid, "--captcha-save", str(target), "--captcha-answer", "-"]
    run = xmppctl.start(*args, **at(ejabberd))
    run.wait_line("then give the answer: Enter", "err")
    assert target.exists()
    run.write(f"{ejabberd.captcha_answer()}\n")
    xmppctl.finish(run).expect()
    assert logs_in(new)


def test_a_person_at_a_terminal(xmppctl, ejabberd, new):
    ours, theirs = pty.openpty()
    connection = {
        "XMPPCTL_PASSWORD": PASSWORD,
        **way_environment(ejabberd),
    }
    with subprocess.Popen(
        [EXECUTABLE, "register", "create", new.jid],
        stdin=theirs,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**xmppctl.environment(), **connection},
    ) as process:
        assert process.stderr is not None
        told = b""
        while not told.endswith(b"the text you see: "):
            more = os.read(process.stderr.fileno(), 4096)
            assert more, told
            told += more
        assert b"/captcha/" in told
        os.write(ours, f"{ejabberd.captcha_answer()}\n".encode())
        assert process.wait(20) == 0
    os.close(ours)
    os.close(theirs)
    assert logs_in(new)


def test_an_answer_by_its_field(xmppctl, ejabberd, new):
    run = create(xmppctl, new, "--field", "ocr=wrong").expect(6)
    assert run.error()["condition"] == "not-allowed"


@pytest.mark.parametrize("mode", ["refuse", "url", "hashcash"])
def test_not_to_be_answered(xmppctl, new, mode):
    run = create(xmppctl, new, "--captcha", mode).expect(6)
    assert run.error()["condition"] == "captcha-required"
    assert "/captcha/" in run.error()["hint"]
    assert not (xmppctl.home / "cache" / "captcha").exists()


def test_a_picture_that_cannot_be_written(xmppctl, new):
    run = create(xmppctl, new, "--captcha-save", "/no/such/folder/x.png").expect(11)
    assert run.error()["step"] == "captcha"


# --- what no real server of the tests does


FIELDS = """
<query xmlns='jabber:iq:register'><x xmlns='jabber:x:data' type='form'>
<field type='hidden' var='FORM_TYPE'><value>jabber:iq:register</value></field>
<field type='hidden' var='challenge'><value>F3A6292C</value></field>
<field type='hidden' var='sid'><value>reg1</value></field>
<field type='hidden' var='answers'><value>3</value></field>
{fields}
<field type='text-single' var='username'><required/></field>
<field type='text-private' var='password'><required/></field>
</x><x xmlns='jabber:x:oob'><url>https://fake.test/register</url></x></query>"""
OCR = """<field var='ocr' label='Enter the text you see'><media xmlns='urn:xmpp:media-element'>
<uri type='image/png'>cid:sha1+{digest}@bob.xmpp.org</uri></media></field>"""
DATA = "<data xmlns='urn:xmpp:bob' cid='sha1+{digest}@bob.xmpp.org' type='image/png'>{text}</data>"
HELLO = "f7ff9e8b7bb2e09b70935a5d785e0cc5d9d0abf0"  # SHA-1 of b"Hello"


def fake(authority, xmppctl, fields, *args, data=(), code=0):
    """One run against a server that answers with ``fields``; what it submitted, and the run."""
    submitted = {}

    async def script(conn):
        await conn.starttls()
        await conn.stream_features("<register xmlns='http://jabber.org/features/iq-register'/>")
        conn.result(await conn.recv(), FIELDS.format(fields=fields))
        for answer in data:
            conn.result(await conn.recv(), answer)
        request = await conn.recv()
        for field in request.iter("{jabber:x:data}field"):
            submitted[field.get("var")] = field.findtext("{jabber:x:data}value")
        conn.result(request)
        await conn.until_closed()

    with FakeServer("fake.test", authority.issue("fake.test"), script) as server:
        run = xmppctl(
            *("--json", "register", "create", "new@fake.test", *args),
            password=PASSWORD,
            connect=server.address,
            ca_file=authority.ca_file,
        ).expect(code)
    return submitted, run


def test_hashcash_needs_nobody(authority, xmppctl):
    import hashlib

    cash = "<field label='93C7' type='text-single' var='SHA-256'/>"
    sent, run = fake(authority, xmppctl, OCR.format(digest=HELLO) + cash)
    assert run.json()["registered"] is True
    assert sent["SHA-256"].startswith("fake.test")
    assert hashlib.sha256(sent["SHA-256"].encode()).hexdigest().endswith("93c7")
    assert "ocr" not in sent
    hidden = {"challenge": "F3A6292C", "sid": "reg1", "answers": "3"}
    assert sent.items() >= {**hidden, "username": "new", "password": PASSWORD}.items()


def test_hashcash_beyond_us_is_left_to_a_person(authority, xmppctl):
    cash = f"<field label='{'F' * 10}' type='text-single' var='SHA-256'/>"
    data = [DATA.format(digest=HELLO, text="SGVsbG8=")]
    sent, run = fake(authority, xmppctl, OCR.format(digest=HELLO) + cash, data=data, code=6)
    assert sent == {}
    assert picture(run.json()).read_bytes() == b"Hello"  # asked for, as it did not come along
    assert run.json()["captcha"]["url"] == "https://fake.test/register"
    required = cash.replace("/>", "><required/></field>")
    _, run = fake(authority, xmppctl, required, code=6)
    assert "24 bits" in run.error()["text"]


def test_a_picture_that_is_another(authority, xmppctl):
    data = [DATA.format(digest=HELLO, text="ZXZpbA==")]
    _, run = fake(authority, xmppctl, OCR.format(digest=HELLO), data=data, code=6)
    [field] = run.json()["captcha"]["fields"]
    assert field["media"][0]["path"] is None
    assert not list((xmppctl.home / "cache" / "captcha").glob("*"))


def test_a_label_is_no_command(authority, xmppctl):
    owned = xmppctl.home / "owned"
    label = f"&quot;; touch {owned}; echo &quot;$(touch {owned})\u202e"
    question = f"<field label='{label}' type='text-single' var='qa'/>"
    command = 'echo "$CAPTCHA_LABEL" | tr a-z A-Z'
    sent, _ = fake(authority, xmppctl, question, "--captcha-command", command)
    assert sent["qa"].startswith('"; TOUCH')
    assert not owned.exists()


def test_a_kept_challenge_is_of_one_account(xmppctl, ejabberd, new):
    create(xmppctl, new).expect(6)
    answer = ejabberd.captcha_answer()
    other = replace(new, jid=f"other-{new.jid}")
    run = create(xmppctl, other, "--captcha-answer", answer).expect(6)
    assert run.error()["condition"] == "not-allowed"
    create(xmppctl, new, "--captcha-answer", answer).expect()
    assert logs_in(new)
