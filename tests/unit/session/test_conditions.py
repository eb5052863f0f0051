"""Errors of the protocol as errors of xmppctl."""

from __future__ import annotations

import pytest

from xmppctl.errors import AuthError, ConnectError, RefusedError, UnsupportedError
from xmppctl.session.conditions import SeeOtherHostError, sasl_failure, stanza_error, stream_error
from xmppctl.session.xml import parse

STREAMS = "urn:ietf:params:xml:ns:xmpp-streams"
STANZAS = "urn:ietf:params:xml:ns:xmpp-stanzas"


def stream(inner: str) -> ConnectError | AuthError:
    element = parse(f"<e xmlns='{STREAMS}'>{inner}</e>")
    error = stream_error(element, "h:1", "auth")
    assert isinstance(error, (ConnectError, AuthError))
    return error


@pytest.mark.parametrize(
    ("where", "host", "port"),
    [
        ("other.test", "other.test", 5222),
        (" other.test:5333\n", "other.test", 5333),
        ("[::1]:5333", "::1", 5333),
        ("[2001:db8::1]", "2001:db8::1", 5222),
        ("10.0.0.1:1", "10.0.0.1", 1),
    ],
)
def test_see_other_host(where: str, host: str, port: int) -> None:
    error = stream(f"<see-other-host>{where}</see-other-host>")
    assert isinstance(error, SeeOtherHostError)
    assert (error.host, error.port) == (host, port)


@pytest.mark.parametrize("where", ["", ":", "h:", "h:0", "h:65536", "h:٣", "a b", "::1", "h/x:1"])
def test_see_other_host_without_a_place(where: str) -> None:
    error = stream(f"<see-other-host>{where}</see-other-host>")
    assert type(error) is ConnectError
    assert error.condition == "see-other-host"


def test_stream_errors() -> None:
    error = stream("<conflict/><text>Replaced</text><text>Ersetzt</text>")
    assert isinstance(error, ConnectError)
    assert (error.condition, error.by, error.step) == ("conflict", "h:1", "auth")
    assert "Replaced" in error.text
    assert "Ersetzt" not in error.text
    assert isinstance(stream("<not-authorized/>"), AuthError)
    assert stream("").condition == "undefined-condition"
    assert stream("<host-unknown/>").hint


def test_a_long_text_is_cut() -> None:
    assert len(stream(f"<conflict/><text>{'x' * 100_000}</text>").text) < 1000


def test_sasl_failures() -> None:
    element = parse(
        "<failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><not-authorized/><text>no</text>"
        "</failure>"
    )
    error = sasl_failure(element, "SCRAM-SHA-1", "h:1")
    assert (error.condition, error.step) == ("not-authorized", "auth")
    assert "SCRAM-SHA-1" in error.text
    assert "no" in error.text
    assert "password" in (error.hint or "")


def test_sasl2_failure_has_its_text_in_another_namespace() -> None:
    element = parse(
        "<failure xmlns='urn:xmpp:sasl:2'>"
        "<credentials-expired xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>"
        "<other xmlns='urn:something:else'/><text>too old</text></failure>"
    )
    error = sasl_failure(element, "HT-SHA-256-NONE", "h:1")
    assert error.condition == "credentials-expired"
    assert error.text.endswith("credentials-expired: too old")


@pytest.mark.parametrize(
    ("mechanism", "hint"), [("SCRAM-SHA-1-PLUS", "in between"), ("SCRAM-SHA-1", "password")]
)
def test_binding_that_does_not_match(mechanism: str, hint: str) -> None:
    element = parse(
        "<failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><not-authorized/>"
        "<text>Invalid channel binding</text></failure>"
    )
    assert hint in (sasl_failure(element, mechanism, "h:1").hint or "")


@pytest.mark.parametrize("condition", ["not-authorized", "invalid-authzid"])
def test_refused_certificate(condition: str) -> None:
    element = parse(f"<failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><{condition}/></failure>")
    error = sasl_failure(element, "EXTERNAL", "h:1")
    assert "client certificate" in error.text
    assert "xmppAddr" in (error.hint or "")
    assert "password" not in (error.hint or "")


def stanza(inner: str, kind: str = "cancel", by: str = "") -> str:
    origin = f" by='{by}'" if by else ""
    return f"<iq type='error' from='x@y.test'><error type='{kind}'{origin}>{inner}</error></iq>"


def test_stanza_errors() -> None:
    text = f"<forbidden xmlns='{STANZAS}'/><text xmlns='{STANZAS}'>go away</text><why xmlns='u:r'/>"
    error = stanza_error(parse(stanza(text, "auth", "z.test")), "the question")
    assert isinstance(error, RefusedError)
    assert (error.condition, error.type, error.by) == ("forbidden", "auth", "z.test")
    assert error.text == "the question: forbidden (why): go away"


def test_a_hint_about_blocking_is_for_what_blocking_does() -> None:
    for name, kind, hinted in (
        ("message", "modify", True),
        ("iq", "cancel", True),
        ("iq", "modify", False),
    ):
        error = f"<error type='{kind}'><not-acceptable xmlns='{STANZAS}'/></error>"
        found = stanza_error(parse(f"<{name} xmlns='jabber:client'>{error}</{name}>"), "x")
        assert bool(found.hint) is hinted


def test_a_feature_that_is_lacking() -> None:
    unknown = parse(stanza(f"<feature-not-implemented xmlns='{STANZAS}'/>"))
    error = stanza_error(unknown, "asking", feature="archives")
    assert isinstance(error, UnsupportedError)
    assert "archives" in error.text
    assert error.by == "x@y.test"
    assert isinstance(stanza_error(unknown, "asking"), RefusedError)


@pytest.mark.parametrize("xml", ["<iq type='error'/>", stanza(""), stanza("<text/>")])
def test_an_error_that_says_nothing(xml: str) -> None:
    assert stanza_error(parse(xml), "x").condition == "undefined-condition"


def test_a_new_address() -> None:
    # RFC 6120 §8.3.3.5
    gone = f"<gone xmlns='{STANZAS}'> xmpp:new@x.test?join </gone>"
    assert stanza_error(parse(stanza(gone)), "x").hint == "the new address is xmpp:new@x.test?join"
    assert stanza_error(parse(stanza(f"<gone xmlns='{STANZAS}'/>")), "x").hint is None
