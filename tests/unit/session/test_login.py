"""One login on one stream, against a server of a few lines."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable
from typing import Any

import pytest

from tests.servers.scram import ScramServer
from tests.unit.session.streams import (
    HEADER,
    FakeMemory,
    FakeTls,
    Transport,
    account,
    come,
    make_wire,
)
from xmppctl.errors import (
    AuthError,
    ConnectError,
    DeadlineError,
    TlsError,
    UsageError,
)
from xmppctl.model.account import Account
from xmppctl.model.memory import Known, Token
from xmppctl.session import secret as secret_module
from xmppctl.session import tls
from xmppctl.session.login import (
    LoggedIn,
    Login,
    WrongGuessError,
)
from xmppctl.session.secret import Secret
from xmppctl.session.trace import Trace

SASL = "urn:ietf:params:xml:ns:xmpp-sasl"
SASL2 = "urn:xmpp:sasl:2"
HT = "HT-SHA-256-NONE"
TOKEN = Token(HT, "s3cret", None, "token-device", "2026-01-01T00:00:00Z")
SUCCESS = f"<success xmlns='{SASL}'/>"

Answer = str | Callable[[str], str]


@pytest.fixture(autouse=True)
def no_bindings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tls, "channel_bindings", lambda tls_object: {})


def user(password: str | None = "pass", **more: Any) -> Account:
    return account(password=None if password is None else (lambda: password), **more)


def offer(*mechanisms: str) -> str:
    """The server's header and features."""
    return f"{HEADER}<stream:features>{sasl1(*mechanisms)}</stream:features>"


def sasl1(*mechanisms: str) -> str:
    listed = "".join(f"<mechanism>{name}</mechanism>" for name in mechanisms)
    return f"<mechanisms xmlns='{SASL}'>{listed}</mechanisms>"


def offer2(*mechanisms: str, fast: str = HT, bind: str = "", old: tuple[str, ...] = ()) -> str:
    """The same with SASL2; ``bind``: what Bind 2 enables inline."""
    listed = "".join(f"<mechanism>{name}</mechanism>" for name in mechanisms)
    inline = f"<fast xmlns='urn:xmpp:fast:0'><mechanism>{fast}</mechanism></fast>" if fast else ""
    if bind:
        inline += f"<bind xmlns='urn:xmpp:bind:0'><inline><feature var='{bind}'/></inline></bind>"
    both = sasl1(*old) if old else ""
    return (
        f"{HEADER}<stream:features>{both}<authentication xmlns='{SASL2}'>{listed}"
        f"<inline>{inline}</inline></authentication></stream:features>"
    )


def known(*mechanisms: str, **more: Any) -> Known:
    return Known(mechanisms=mechanisms, **more)


def played(
    who: Account,
    *answers: Answer,
    known: Known | None = None,
    tls: bool = True,
    trace: Trace | None = None,
    asked: bool = False,
    **more: Any,
) -> tuple[LoggedIn, list[str]]:
    """The outcome; each thing that is sent gets the next answer. Also what was sent.

    ``asked``: the password is there already. "cut" is an answer too.
    """
    sent: list[str] = []

    async def scenario() -> LoggedIn:
        wire, transport = make_wire(trace, opened=False)
        wire.tls = FakeTls() if tls else None
        secret = Secret(who)
        if asked:
            secret.get()
        it = Login(wire, who, secret, known, **more)
        it.begin()
        sent.append(transport.text)
        task = asyncio.ensure_future(it.run(lambda: 0.05))
        for answer in answers:
            if answer == "cut":
                wire.link.connection_lost(None)
            else:
                come(wire, answer if isinstance(answer, str) else answer(sent[-1]))
            await until_written(transport, task)
            if text := transport.text:
                sent.append(text)
        return await task

    try:
        return asyncio.run(scenario()), sent
    except Exception as error:
        error.sent = sent  # type: ignore[attr-defined]
        raise


async def until_written(transport: Transport, task: asyncio.Future[Any]) -> None:
    for _ in range(20):
        if transport.written or task.done():
            return
        await asyncio.sleep(0)


def text_of(sent: str) -> bytes:
    """The data of the last SASL element that was sent."""
    inner = sent.rpartition("</")[0].rpartition(">")[2]
    if "<initial-response>" in sent:
        inner = sent.partition("<initial-response>")[2].partition("<")[0]
    return base64.b64decode(inner)


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def scram(name: str = "SCRAM-SHA-1", password: str = "pass", ns: str = SASL) -> list[Answer]:
    """The server's two answers of one exchange."""
    server = ScramServer(name, password)

    def challenge(sent: str) -> str:
        return f"<challenge xmlns='{ns}'>{b64(server.challenge(text_of(sent)))}</challenge>"

    def outcome(sent: str) -> str:
        final = server.final(text_of(sent))
        if final is None:
            return failed("not-authorized", ns)
        if ns == SASL:
            return f"<success xmlns='{ns}'>{b64(final)}</success>"
        return success2(final)

    return [challenge, outcome]


def failed(condition: str, ns: str = SASL) -> str:
    inner = f"<{condition} xmlns='{SASL}'/>"
    return f"<failure xmlns='{ns}'>{inner}</failure>"


def success2(data: bytes, more: str = "", jid: str = "alice@fake.test") -> str:
    return (
        f"<success xmlns='{SASL2}'><additional-data>{b64(data)}</additional-data>"
        f"<authorization-identifier>{jid}</authorization-identifier>{more}</success>"
    )


def mechanisms(sent: list[str]) -> list[str]:
    return [part.partition("'")[0] for text in sent for part in text.split("mechanism='")[1:2]]


# --- SASL1 --------------------------------------------------------------------------------------


def test_plain() -> None:
    done, sent = played(user(), offer("PLAIN"), SUCCESS)
    expected = b64(b"\0alice\0pass")
    assert sent[1:] == [f"<auth xmlns='{SASL}' mechanism='PLAIN'>{expected}</auth>"]
    assert (done.profile, done.jid, done.offer.mechanisms) == ("sasl1", None, ("PLAIN",))
    assert "from='alice@fake.test'" in sent[0]


def test_plain_never_in_clear() -> None:
    with pytest.raises(AuthError) as caught:
        played(user(), offer("PLAIN"), tls=False)
    assert caught.value.condition == "no-acceptable-mechanism"


def test_anonymous_has_an_empty_response_and_no_name() -> None:
    _, sent = played(user(None, anonymous=True), offer("ANONYMOUS"), SUCCESS)
    assert sent[1].endswith("mechanism='ANONYMOUS'>=</auth>")
    assert " from=" not in sent[0]


def test_scram() -> None:
    memory = FakeMemory()
    done, sent = played(user(memory=memory), offer("PLAIN", "SCRAM-SHA-1"), *scram())
    assert mechanisms(sent) == ["SCRAM-SHA-1"]
    assert done.profile == "sasl1"
    assert memory.best == "SCRAM-SHA-1"


def test_nothing_of_the_login_is_in_the_trace() -> None:
    shown: list[str] = []
    trace = Trace(xml=lambda direction, text: shown.append(text))
    challenge = f"<challenge xmlns='{SASL}'>c2VjcmV0</challenge>"
    with pytest.raises(AuthError):
        played(user(), offer("SCRAM-SHA-1"), challenge, trace=trace)
    told = [text for text in shown if "auth " in text or "challenge" in text]
    assert len(told) == 2
    assert all("[redacted]" in text for text in told)
    assert "c2VjcmV0" not in "".join(shown)


def test_the_password_is_asked_for_only_where_it_is_needed_and_once() -> None:
    asked = []

    def password() -> str:
        asked.append(1)
        return "pass"

    who = account(password=password)
    played(who, offer("SCRAM-SHA-1", "PLAIN"), *scram())
    assert asked == [1]
    with pytest.raises(AuthError):
        played(who, offer("EXTERNAL"))
    assert asked == [1]
    with pytest.raises(UsageError, match="password"):
        played(user(None), offer("PLAIN"))


def test_the_time_that_a_password_takes_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    times = iter((10.0, 14.5))
    monkeypatch.setattr(secret_module.time, "monotonic", lambda: next(times))
    secret, waited = Secret(user()), []
    secret.waited = waited.append
    assert not secret.asked
    assert secret.get() == secret.get() == "pass"
    assert secret.asked
    assert waited == [4.5]
    assert Secret(user(None)).asked


@pytest.mark.parametrize(
    ("answer", "condition"),
    [
        (failed("aborted"), "aborted"),
        (f"<challenge xmlns='{SASL}'>%%%</challenge>", "incorrect-encoding"),
        (f"<challenge xmlns='{SASL}'>YQ==</challenge>", "malformed-challenge"),
        ("<message/>", "malformed-request"),
        (f"<odd xmlns='{SASL}'/>", "malformed-request"),
    ],
)
def test_answers_to_a_login(answer: str, condition: str) -> None:
    with pytest.raises(AuthError) as caught:
        played(user(), offer("PLAIN"), answer)
    assert (caught.value.step, caught.value.condition) == ("auth", condition)


def test_a_login_without_end() -> None:
    signature = f"<challenge xmlns='{SASL}'>YQ==</challenge>"
    with pytest.raises(AuthError):
        played(user(), offer("SCRAM-SHA-1"), scram()[0], *[signature] * 20)


def test_silence() -> None:
    for answers in ((), (offer("PLAIN"),)):
        with pytest.raises(DeadlineError) as caught:
            played(user(), *answers)
        assert caught.value.step in ("stream", "auth")


# --- ahead of the offer -------------------------------------------------------------------------


def test_what_is_known_goes_with_the_header() -> None:
    done, sent = ahead(
        user(), known("PLAIN", "SCRAM-SHA-1"), offer("PLAIN", "SCRAM-SHA-1"), *scram()
    )
    assert sent[0].startswith("<?xml")
    assert "mechanism='SCRAM-SHA-1'" in sent[0]
    assert len(sent) == 2
    assert done.profile == "sasl1"


def ahead(who: Account, last: Known, *answers: Answer, **more: Any) -> tuple[LoggedIn, list[str]]:
    """As ``played``, where the server is known and the password was asked for before."""
    return played(who, *answers, known=last, asked=True, **more)


def test_a_password_that_has_not_been_asked_for_is_not_asked_for_ahead() -> None:
    _, sent = played(user(), offer("SCRAM-SHA-1"), *scram(), known=known("SCRAM-SHA-1"))
    assert "<auth" not in sent[0]


@pytest.mark.parametrize(
    ("last", "more"),
    [
        (known("PLAIN"), {}),
        (known("PLAIN", "SCRAM-SHA-1"), {"sasl_mechanism": "PLAIN"}),
        (known("X-ODD"), {}),
        (known(), {}),
        (known("SCRAM-SHA-1"), {"sasl_mechanism": "SCRAM-SHA-256"}),
        (known("SCRAM-SHA-1"), {"sasl": "sasl2"}),
    ],
)
def test_what_never_goes_ahead(last: Known, more: dict[str, Any]) -> None:
    with pytest.raises(DeadlineError) as caught:
        ahead(user(**more), last)
    assert "<auth" not in caught.value.sent[0]  # type: ignore[attr-defined]


def test_who_is_patient_says_nothing_ahead() -> None:
    _, sent = ahead(user(), known("SCRAM-SHA-1"), offer("SCRAM-SHA-1"), *scram(), patient=True)
    assert "<auth" not in sent[0]


def test_a_downgrade_does_not_go_ahead_and_is_told_by_the_real_offer() -> None:
    memory = FakeMemory()
    memory.best = "SCRAM-SHA-256"
    with pytest.raises(TlsError) as caught:
        ahead(user(memory=memory), known("SCRAM-SHA-1"), offer("SCRAM-SHA-1"))
    assert caught.value.condition == "downgrade"
    assert caught.value.sent[1:] == []  # type: ignore[attr-defined]


def test_a_guess_that_is_refused_gives_way_to_the_offer() -> None:
    answers = (offer("SCRAM-SHA-256"), failed("invalid-mechanism"), *scram("SCRAM-SHA-256"))
    done, sent = ahead(user(), known("SCRAM-SHA-1"), *answers)
    assert mechanisms(sent) == ["SCRAM-SHA-1", "SCRAM-SHA-256"]
    assert done.offer.mechanisms == ("SCRAM-SHA-256",)


def test_a_wrong_password_is_not_tried_by_another_mechanism() -> None:
    answers = (offer("SCRAM-SHA-256", "SCRAM-SHA-1"), *scram(password="another"))
    with pytest.raises(AuthError) as caught:
        ahead(user(), known("SCRAM-SHA-1"), *answers)
    assert caught.value.condition == "not-authorized"
    assert mechanisms(caught.value.sent) == ["SCRAM-SHA-1"]  # type: ignore[attr-defined]


@pytest.mark.parametrize("before", [(), (offer("SCRAM-SHA-1"),)], ids=["header", "features"])
def test_a_stream_that_ends_at_a_guess(before: tuple[str, ...]) -> None:
    with pytest.raises(WrongGuessError) as caught:
        ahead(user(), known("SCRAM-SHA-1"), *before, "cut")
    assert caught.value.patient


def test_a_stream_that_ends_behind_a_proof_is_no_wrong_guess() -> None:
    """A server may hang up on a wrong password: it is not sent to it once more."""
    with pytest.raises(ConnectError):
        ahead(user(), known("SCRAM-SHA-1"), offer("SCRAM-SHA-1"), scram()[0], "cut")


def test_a_stream_that_ends_without_a_guess() -> None:
    with pytest.raises(ConnectError):
        ahead(user(), known("PLAIN"), "cut")


def test_a_profile_that_vanished() -> None:
    last = known("SCRAM-SHA-1")
    with pytest.raises(WrongGuessError) as caught:
        ahead(user(), last, offer2("SCRAM-SHA-256"))
    assert not caught.value.patient
