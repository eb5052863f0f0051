"""SASL as elements: the form of RFC 6120, and that of XEP-0388."""

from __future__ import annotations

import base64
from xml.etree.ElementTree import Element

import pytest

from xmppctl.errors import AuthError
from xmppctl.session.saslxml import Profile, Sasl1, Sasl2
from xmppctl.session.xml import parse, serialise

NS1 = "urn:ietf:params:xml:ns:xmpp-sasl"
NS2 = "urn:xmpp:sasl:2"
HELLO = base64.b64encode(b"hello").decode()


def sasl1(inner: str) -> Element:
    return parse(f"{inner.partition('>')[0].rstrip('/')} xmlns='{NS1}'{_rest(inner)}")


def sasl2(inner: str) -> Element:
    return parse(f"{inner.partition('>')[0].rstrip('/')} xmlns='{NS2}'{_rest(inner)}")


def _rest(inner: str) -> str:
    return inner[len(inner.partition(">")[0].rstrip("/")) :]


@pytest.mark.parametrize(
    ("payload", "text"), [(None, ""), (b"", "="), (b"hello", HELLO), (b"\0a\0b", "AGEAYg==")]
)
def test_the_first_message_of_sasl1(payload: bytes | None, text: str) -> None:
    element = Sasl1().first("X", payload, ())
    assert element.tag == f"{{{NS1}}}auth"
    assert element.get("mechanism") == "X"
    assert (element.text or "") == text


def test_the_first_message_of_sasl2() -> None:
    extra = [Element("{u:x}first"), Element("{u:x}second")]
    assert serialise(Sasl2().first("X", b"hello", extra)) == (
        f"<authenticate xmlns='{NS2}' mechanism='X'>"
        f"<initial-response>{HELLO}</initial-response>"
        "<first xmlns='u:x'/><second xmlns='u:x'/></authenticate>"
    )
    assert serialise(Sasl2().first("X", None, [])) == (
        f"<authenticate xmlns='{NS2}' mechanism='X'/>"
    )
    empty = Sasl2().first("X", b"", []).find(f"{{{NS2}}}initial-response")
    assert empty is not None
    assert not empty.text


def test_responses() -> None:
    assert Sasl1().response(b"hello").text == HELLO
    assert Sasl1().response(b"").text == "="
    assert Sasl2().response(b"hello").text == HELLO
    assert not Sasl2().response(b"").text


@pytest.mark.parametrize("profile", [Sasl1(), Sasl2()])
@pytest.mark.parametrize("name", ["success", "failure", "challenge", "continue", "auth", "odd"])
def test_kinds(profile: Profile, name: str) -> None:
    own, other = (NS1, NS2) if profile.name == "sasl1" else (NS2, NS1)
    known = {"success", "failure", "challenge"} | ({"continue"} if own == NS2 else set())
    assert profile.kind(Element(f"{{{own}}}{name}")) == (name if name in known else None)
    assert profile.kind(Element(f"{{{other}}}{name}")) is None
    assert profile.kind(Element(name)) is None


@pytest.mark.parametrize(
    ("text", "data"),
    [("", None), ("=", b""), (HELLO, b"hello"), (f" {HELLO[:3]}\n{HELLO[3:]} ", b"hello")],
)
def test_data_of_sasl1(text: str, data: bytes | None) -> None:
    assert Sasl1().data(sasl1(f"<challenge>{text}</challenge>"), "host:1") == data
    assert Sasl1().data(sasl1(f"<success>{text}</success>"), "host:1") == data


def test_data_of_sasl2() -> None:
    profile = Sasl2()
    assert profile.data(sasl2(f"<challenge>{HELLO}</challenge>"), "host:1") == b"hello"
    assert profile.data(sasl2("<challenge/>"), "host:1") == b""
    more = f"<success><additional-data>{HELLO}</additional-data></success>"
    assert profile.data(sasl2(more), "host:1") == b"hello"
    # the text of an outcome itself is no data
    assert profile.data(sasl2(f"<success>{HELLO}</success>"), "host:1") is None
    assert profile.data(sasl2("<success/>"), "host:1") is None


@pytest.mark.parametrize("text", ["%%%", "a", "YQ=", "ä", "YQ==YQ=="])
def test_what_is_not_base64(text: str) -> None:
    for profile, element in (
        (Sasl1(), sasl1(f"<challenge>{text}</challenge>")),
        (Sasl2(), sasl2(f"<challenge>{text}</challenge>")),
    ):
        with pytest.raises(AuthError) as caught:
            profile.data(element, "host:1")  # type: ignore[attr-defined]
        error = caught.value
        assert (error.step, error.condition, error.by) == ("auth", "incorrect-encoding", "host:1")
