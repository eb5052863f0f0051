"""STARTTLS, SASL and binding step by step, against a server of a few lines."""

from __future__ import annotations

import asyncio
import base64
import ssl
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tests.unit.session.streams import Transport, account, come, make_wire
from xmppctl.errors import AuthError, ConnectError, DeadlineError, TlsError, UsageError
from xmppctl.model.account import Account
from xmppctl.session import negotiate
from xmppctl.session.trace import Trace
from xmppctl.session.wire import Wire
from xmppctl.session.xml import parse

SASL = "urn:ietf:params:xml:ns:xmpp-sasl"
BIND = "urn:ietf:params:xml:ns:xmpp-bind"

Step = Callable[[Wire], Awaitable[Any]]


def features(*mechanisms: str) -> Any:
    offer = "".join(f"<mechanism>{name}</mechanism>" for name in mechanisms)
    return parse(f"<features><mechanisms xmlns='{SASL}'>{offer}</mechanisms></features>")


def played(step: Step, *answers: str, tls: bool = True, trace: Trace | None = None) -> Any:
    """The result of ``step``; each thing that is sent gets the next answer. Also what was sent."""

    async def scenario() -> tuple[Any, list[str]]:
        wire, transport = make_wire(trace)
        if tls:
            wire.ssl_object = object()  # type: ignore[assignment]
        sent: list[str] = []
        task = asyncio.ensure_future(step(wire))
        for answer in answers:
            await until_written(transport, task)
            sent.append(transport.text)
            ident = sent[-1].partition("id='")[2].partition("'")[0]
            come(wire, answer.replace("@ID@", ident))
        return await task, sent

    return asyncio.run(scenario())


async def until_written(transport: Transport, task: asyncio.Future[Any]) -> None:
    for _ in range(100):
        if transport.written or task.done():
            return
        await asyncio.sleep(0)
    raise AssertionError("nothing was sent")


def login(who: Account, *mechanisms: str, secret: str | None = "pass") -> Step:
    return lambda wire: negotiate.authenticate(wire, who, features(*mechanisms), 0.05, secret)


# --- STARTTLS -----------------------------------------------------------------------------------


def starttls(wire: Wire) -> Awaitable[None]:
    return negotiate.starttls(wire, account(), ssl.create_default_context(), 0.05)


def opened(inner: str) -> str:
    return (
        "<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>"
        f"<stream:features>{inner}</stream:features>"
    )


@pytest.mark.parametrize("offer", ["", f"<mechanisms xmlns='{SASL}'/>", "<starttls xmlns='u:x'/>"])
def test_no_offer_of_starttls(offer: str) -> None:
    with pytest.raises(TlsError) as caught:
        played(starttls, opened(offer), tls=False)
    assert (caught.value.step, caught.value.condition) == ("starttls", "starttls-not-offered")


def test_starttls_is_refused() -> None:
    offer = opened("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>")
    with pytest.raises(TlsError) as caught:
        played(starttls, offer, "<failure xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>", tls=False)
    assert caught.value.condition == "starttls-failure"


# --- SASL ---------------------------------------------------------------------------------------


def test_plain() -> None:
    _, sent = played(login(account(), "PLAIN"), f"<success xmlns='{SASL}'/>")
    expected = base64.b64encode(b"\0alice\0pass").decode()
    assert sent == [f"<auth xmlns='{SASL}' mechanism='PLAIN'>{expected}</auth>"]


def test_plain_never_in_clear() -> None:
    with pytest.raises(AuthError) as caught:
        played(login(account(), "PLAIN"), tls=False)
    assert caught.value.condition == "no-acceptable-mechanism"


def test_anonymous_has_an_empty_response() -> None:
    who = account(anonymous=True)
    _, sent = played(login(who, "ANONYMOUS", secret=None), f"<success xmlns='{SASL}'/>")
    assert sent[0].endswith("mechanism='ANONYMOUS'>=</auth>")


def test_nothing_of_the_login_is_in_the_trace() -> None:
    shown: list[str] = []
    trace = Trace(xml=lambda direction, text: shown.append(text))
    with pytest.raises(AuthError):
        played(
            login(account(), "SCRAM-SHA-1"),
            f"<challenge xmlns='{SASL}'>c2VjcmV0</challenge>",
            trace=trace,
        )
    told = [text for text in shown if "auth " in text or "challenge" in text]
    assert len(told) == 2
    assert all("[redacted]" in text for text in told)
    assert "c2VjcmV0" not in "".join(shown)


def test_the_password_is_asked_for_only_where_it_is_needed() -> None:
    asked = []

    def password() -> str:
        asked.append(1)
        return "pass"

    who = account(password=password)
    played(login(who, "PLAIN", secret=None), f"<success xmlns='{SASL}'/>")
    assert asked == [1]
    with pytest.raises(UsageError, match="password"):
        played(login(account(), "PLAIN", secret=None))


@pytest.mark.parametrize(
    ("answer", "condition"),
    [
        (f"<failure xmlns='{SASL}'><aborted/></failure>", "aborted"),
        (f"<challenge xmlns='{SASL}'>%%%</challenge>", "incorrect-encoding"),
        (f"<challenge xmlns='{SASL}'>YQ==</challenge>", "malformed-challenge"),
        ("<message/>", "malformed-request"),
        (f"<odd xmlns='{SASL}'/>", "malformed-request"),
    ],
)
def test_answers_to_a_login(answer: str, condition: str) -> None:
    with pytest.raises(AuthError) as caught:
        played(login(account(), "PLAIN"), answer)
    assert (caught.value.step, caught.value.condition) == ("auth", condition)


def test_silence_at_the_login() -> None:
    with pytest.raises(DeadlineError) as caught:
        played(login(account(), "PLAIN"))
    assert caught.value.step == "auth"


# --- bind ---------------------------------------------------------------------------------------


def bind(who: Account, more: str = "") -> Step:
    offer = parse(f"<features><bind xmlns='{BIND}'/>{more}</features>")
    return lambda wire: negotiate.bind(wire, who, offer, 0.05)


def bound(jid: str) -> str:
    return f"<iq type='result' id='@ID@'><bind xmlns='{BIND}'><jid>{jid}</jid></bind></iq>"


def test_a_random_resource() -> None:
    names = set()
    for _ in range(2):
        jid, sent = played(bind(account()), "<message/>" + bound("alice@fake.test/given"))
        assert str(jid) == "alice@fake.test/given"
        names.add(sent[0].partition("<resource>")[2].partition("<")[0])
    assert len(names) == 2
    assert all(name.startswith("xmppctl.") for name in names)


def test_the_resource_that_was_asked_for() -> None:
    who = account()
    who = Account(who.jid._replace(resource="mine"))
    _, sent = played(bind(who), bound("alice@fake.test/mine"))
    assert "<resource>mine</resource>" in sent[0]


@pytest.mark.parametrize(("inside", "asks"), [("", True), ("<optional/>", False)])
def test_the_session_of_rfc_3921(inside: str, asks: bool) -> None:
    ns = "urn:ietf:params:xml:ns:xmpp-session"
    more = f"<session xmlns='{ns}'>{inside}</session>"
    answers = [bound("a@b.test/c")] + ["<iq type='result' id='@ID@'/>"] * asks
    _, sent = played(bind(account(), more), *answers)
    assert [ns in text for text in sent] == [False] + [True] * asks


@pytest.mark.parametrize("jid", ["", "@", "a@b@c", "a b@c.test"])
def test_a_bound_address_that_is_none(jid: str) -> None:
    with pytest.raises(ConnectError) as caught:
        played(bind(account()), bound(jid))
    assert caught.value.condition == "malformed-answer"


def test_bind_is_refused_or_not_offered() -> None:
    error = "<error type='cancel'><conflict xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>"
    with pytest.raises(ConnectError) as caught:
        played(bind(account()), f"<iq type='error' id='@ID@'>{error}</iq>")
    assert (caught.value.step, caught.value.condition) == ("bind", "conflict")
    with pytest.raises(ConnectError) as caught:
        played(lambda wire: negotiate.bind(wire, account(), parse("<f/>"), 0.05))
    assert caught.value.condition == "bind-not-offered"


# --- pins ---------------------------------------------------------------------------------------


class NoCertificate:
    def getpeercert(self, binary_form: bool) -> None:
        return None


def test_a_pin_and_no_certificate() -> None:
    async def scenario() -> None:
        wire, _ = make_wire()
        wire.ssl_object = NoCertificate()  # type: ignore[assignment]
        negotiate.check_certificate(wire, account(pins=(b"x" * 32,)))

    with pytest.raises(TlsError):
        asyncio.run(scenario())
