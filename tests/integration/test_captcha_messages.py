"""Challenges that come back for messages, and before rooms (XEP-0158).

Messages are challenged by a component, for no server of the tests does that; rooms by ejabberd.
"""

import base64
import hashlib
import os
import pty
import shlex
import subprocess
import threading
from contextlib import contextmanager
from pathlib import Path
from xml.etree.ElementTree import tostring

import pytest

from tests.integration import muc
from tests.peers.process import EXECUTABLE, way_environment
from tests.peers.rawxml import RawComponent
from tests.peers.stream import StreamClosed

pytestmark = pytest.mark.in_turn

PNG = b"\x89PNG\r\n\x1a\n"
CID = f"sha1+{hashlib.sha1(PNG).hexdigest()}@bob.xmpp.org"
STANZAS = "urn:ietf:params:xml:ns:xmpp-stanzas"
OCR = (
    "<field var='ocr' label='Enter the text you see'><media xmlns='urn:xmpp:media-element'>"
    f"<uri type='image/png'>cid:{CID}</uri></media></field>"
)
QA = "<field var='qa' label='The colour of a stop light'><required/></field>"
HASHCASH = "<field var='SHA-256' label='93C7'/>"


class Challenger:
    """A component that challenges messages, and takes the answer ``red``, or hashcash.

    ``questions``: the visible fields. ``forge``: what it says instead of the truth, by field.
    """

    def __init__(self, component, questions, forge):
        self.jid = f"innocent@{component.domain}"
        self.passed, self.answers, self.declined = [], [], []
        self.changed = threading.Condition()
        self._component = component
        self._questions = questions
        self._forge = forge
        self._held = {}
        threading.Thread(target=self._serve, daemon=True).start()

    def wait(self, what):
        with self.changed:
            assert self.changed.wait_for(what, 10)

    def _serve(self):
        while True:
            try:
                stanza = self._component.recv(60)
            except (StreamClosed, OSError, TimeoutError):
                return
            with self.changed:
                self._handle(stanza, stanza.tag.rpartition("}")[2])
                self.changed.notify_all()

    def _handle(self, stanza, kind):
        domain = self._component.domain
        sender, ident = stanza.get("from"), stanza.get("id")
        if stanza.find(f".//{{{STANZAS}}}recipient-unavailable") is not None:
            return  # over BOSH a Prosody sends back what was not acknowledged
        if kind == "message" and stanza.get("type") == "error":
            self.declined.append((ident, tostring(stanza, encoding="unicode")))
        elif kind == "message":
            challenge = f"c{len(self._held)}"
            self._held[challenge] = (ident, stanza.findtext("{*}body"))
            hidden = {
                "FORM_TYPE": "urn:xmpp:captcha", "from": stanza.get("to"),
                "challenge": challenge, "sid": ident, **self._forge,
            }  # fmt: skip
            rows = "".join(
                f"<field type='hidden' var='{var}'><value>{value}</value></field>"
                for var, value in hidden.items()
            )
            self._component.send(
                f"<message from='{domain}' to='{sender}' id='{challenge}'>"
                "<x xmlns='jabber:x:oob'><url>https://x.example/c</url></x>"
                "<captcha xmlns='urn:xmpp:captcha'><x xmlns='jabber:x:data' type='form'>"
                f"{rows}{self._questions}</x></captcha></message>"
            )
        elif kind == "iq" and stanza.get("type") in ("get", "set"):
            self._component.send(
                f"<iq from='{stanza.get('to')}' to='{sender}' id='{ident}' " + self._answer(stanza)
            )

    def _answer(self, iq):
        (payload,) = iq
        if payload.tag == "{urn:xmpp:bob}data":
            return (
                f"type='result'><data xmlns='urn:xmpp:bob' cid='{CID}' type='image/png'>"
                f"{base64.b64encode(PNG).decode()}</data></iq>"
            )
        if payload.tag == "{urn:xmpp:captcha}captcha":
            values = {f.get("var"): f[0].text for f in payload[0]}
            self.answers.append(values)
            held = self._held.pop(values.get("challenge"), None)
            digest = hashlib.sha256(values.get("SHA-256", "").encode()).hexdigest()
            right = values.get("qa") == "red" or values.get("ocr") == "red" or (
                values.get("SHA-256", "").startswith(self.jid) and digest.endswith("93c7")
            )  # fmt: skip
            if held is not None and held[0] == values.get("sid") and right:
                self.passed.append(held[1])
                return "type='result'/>"
            return self._error("not-acceptable")
        return self._error("service-unavailable")

    @staticmethod
    def _error(condition):
        return f"type='error'><error type='cancel'><{condition} xmlns='{STANZAS}'/></error></iq>"


@contextmanager
def challenging(server, questions, **forge):
    with RawComponent.attach(server) as component:
        yield Challenger(component, questions, forge)


@pytest.fixture
def send(xmppctl, alice):
    """Sends "hi" with these options; the record, and the error where it fails."""

    def call(to, *options, code=0, **more):
        run = xmppctl("--json", "send", to, "hi", *options, account=alice, **more).expect(code)
        (record,) = run.json()
        assert record["error"] == (run.error() if code else None)
        assert record["confirmed"] is (code == 0)
        return record

    return call


def test_hashcash_needs_nobody(send, server):
    with challenging(server, HASHCASH + OCR) as there:
        send(there.jid)
        assert there.passed == ["hi"]
        send(there.jid, "--captcha", "hashcash")
        assert there.passed == ["hi", "hi"]
        answer = there.answers[-1]
        assert answer["from"] == there.jid
        assert set(answer) == {"FORM_TYPE", "from", "challenge", "sid", "SHA-256"}


def test_a_command_answers(send, xmppctl, server):
    with challenging(server, QA) as there:
        seen = xmppctl.home / "seen"
        command = f'echo "$CAPTCHA_LABEL $CAPTCHA_URL" >{shlex.quote(str(seen))}; echo red'
        send(there.jid, "--captcha", f"command:{command}")
        assert there.passed == ["hi"]
        assert seen.read_text() == "The colour of a stop light https://x.example/c\n"
        error = send(there.jid, "--captcha", "command:echo blue", code=6)["error"]
        assert (error["condition"], error["step"]) == ("not-acceptable", "captcha")
        assert there.passed == ["hi"]


def test_now_or_later(send, xmppctl, alice, server):
    with challenging(server, OCR) as there:
        picture = xmppctl.home / "picture.png"
        error = send(there.jid, "--captcha", f"save:{picture}", code=6)["error"]
        assert error["condition"] == "captcha-required"
        assert picture.read_bytes() == PNG
        assert picture.stat().st_mode & 0o777 == 0o600
        assert str(picture) in error["hint"]
        assert there.answers == there.passed == []
        words = shlex.split(error["hint"].rpartition("then xmppctl ")[2])
        assert words[:3] == ["captcha", "answer", "--"]
        words = ["--json", *words[:-1]]
        # answers that cannot be right cost nothing
        assert xmppctl(*words, "", account=alice).expect(2).out == ""
        xmppctl(*words[:3], "--field", "x=y", *words[3:], account=alice).expect(2)
        found = xmppctl(*words, "-", account=alice, input="-\n").expect(6)
        assert found.error()["condition"] == "not-acceptable"
        # one attempt, by now
        gone = xmppctl(*words, "red", account=alice).expect(6).error()
        assert gone["condition"] == "item-not-found"
        error = send(there.jid, code=6)["error"]
        words[-1] = shlex.split(error["hint"].rpartition("then xmppctl ")[2])[-2]
        found = xmppctl(*words, "red", account=alice).expect().json()
        assert found == {
            "challenge": words[-1], "by": server.component, "from": there.jid,
            "sid": there.answers[-1]["sid"], "accepted": True,
        }  # fmt: skip
        assert there.passed == ["hi"]


def test_declined(send, server):
    with challenging(server, QA) as there:
        error = send(there.jid, "--captcha", "refuse", code=6)["error"]
        assert error["condition"] == "captcha-required"
        there.wait(lambda: there.declined)
        assert there.declined[0][0] == "c0"
        assert "not-acceptable" in there.declined[0][1]
        send(there.jid, "--captcha", "hashcash", code=6)
        there.wait(lambda: len(there.declined) == 2)
        error = send(there.jid, "--captcha", "url", code=6)["error"]
        assert error["hint"] == "open https://x.example/c"
        assert there.answers == []
        assert len(there.declined) == 2


def test_a_challenge_to_nothing_of_ours(xmppctl, alice, server):
    for forge in ({"sid": "other"}, {"from": "innocent@x.test"}):
        with challenging(server, HASHCASH, **forge) as there:
            run = xmppctl("-v", "send", there.jid, "hi", account=alice).expect()
            assert "ignored a challenge" in run.err
            assert there.answers == there.declined == []


def test_modes(xmppctl):
    at = {"jid": "a@x.test", "password": "x"}
    for mode in ("save:", "nothing", "ask:x", ""):
        xmppctl("send", "b@x.test", "hi", "--captcha", mode, **at).expect(2)
    multicast = ("--multicast", "--captcha", "ask")
    xmppctl("send", "b@x.test", "c@x.test", "hi", *multicast, **at).expect(2)
    xmppctl("captcha", "answer", "x", "y", **at).expect(6)


# --- rooms


@pytest.fixture
def guarded(raw, alice, ejabberd):
    """A room of alice's that wants to know who is human."""
    name = f"guarded-{alice.local}@{ejabberd.conference}"
    owner = raw(alice)
    muc.make(owner, name, captcha_protected="1")
    muc.enter(owner, name, "alice")
    return name, owner


@pytest.fixture
def mode(ejabberd):
    """How the answer gets in."""
    return f"command:tail -n1 {shlex.quote(str(ejabberd.directory / 'captcha.txt'))}"


@pytest.mark.servers("ejabberd")
def test_a_room(xmppctl, bob, guarded, mode, ejabberd):
    room, owner = guarded
    error = xmppctl("--json", "muc", "send", room, "hi", account=bob).expect(6).error()
    assert (error["step"], error["condition"]) == ("join", "captcha-required")
    for verb in (("muc", "send", room), ("send", "--muc", room)):
        run = xmppctl("--json", *verb, "--captcha", mode, "hi", account=bob).expect()
        (record,) = run.json()
        assert record["confirmed"] is True
        said = owner.expect(
            lambda e: e.get("from") == f"{room}/{bob.local}" and e.find("{*}body") is not None
        )
        assert said.findtext("{*}body") == "hi"
    wrong = ("--captcha", "command:echo wrong")
    error = xmppctl("--json", "muc", "send", room, "hi", *wrong, account=bob).expect(6).error()
    assert error["step"] == "join"
    assert "wrong" in error["hint"]


@pytest.mark.servers("ejabberd")
def test_a_listener_is_let_in_and_does_not_see_the_puzzle(xmppctl, bob, guarded, mode):
    room, owner = guarded
    words = ("-o", "jsonl", "muc", "join", room, "--nick", "ear", "--count", "1")
    run = xmppctl.start(*words, "--captcha", mode, account=bob)
    run.wait_line("^listening as ", "err")
    owner.send(f"<message to='{room}' type='groupchat'><body>psst</body></message>")
    records = xmppctl.finish(run).expect().jsonl()
    assert [each["body"] for each in records if each["stanza"] == "message"] == ["psst"]
    assert not any("captcha" in each for each in records)


@pytest.mark.servers("ejabberd")
def test_the_same_client_comes_again(xmppctl, bob, guarded, ejabberd):
    room, _ = guarded
    words = ("--resource", "fixed", "--json")
    picture = xmppctl.home / "p.png"
    run = xmppctl(*words, "muc", "send", room, "hi", "--captcha", f"save:{picture}", account=bob)
    hint = run.expect(6).error()["hint"]
    assert picture.read_bytes().startswith(PNG)
    identifier = shlex.split(hint.rpartition("then xmppctl ")[2])[-2]
    answer = (*words, "captcha", "answer", "--", identifier, ejabberd.captcha_answer())
    assert xmppctl(*answer, account=bob).expect().json()["by"] == room
    xmppctl(*words, "muc", "send", room, "hi", "--captcha", "refuse", account=bob).expect()


@pytest.mark.servers("ejabberd")
def test_a_person_at_a_terminal(xmppctl, bob, guarded, ejabberd):
    room, _ = guarded
    ours, theirs = pty.openpty()
    connection = {
        "XMPPCTL_JID": bob.jid,
        "XMPPCTL_PASSWORD": bob.password,
        **way_environment(ejabberd),
    }
    with subprocess.Popen(
        [EXECUTABLE, "muc", "send", room, "--captcha", "ask", "--", "hi"],
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
        (path,) = [word for word in told.decode().split() if word.endswith(".png")]
        assert Path(path).read_bytes().startswith(PNG)
        os.write(ours, f"{ejabberd.captcha_answer()}\n".encode())
        assert process.wait(20) == 0
    os.close(ours)
    os.close(theirs)
