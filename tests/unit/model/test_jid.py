"""RFC 7622: what is a JID, what is none, and in which form two of them are equal."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xmppctl.model.jid import Jid, lenient, parse


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("example.org", (None, "example.org", None)),
        ("Alice@Example.ORG", ("alice", "example.org", None)),
        ("alice@example.org/Home Sweet/@home", ("alice", "example.org", "Home Sweet/@home")),
        ("example.org/a@b", (None, "example.org", "a@b")),
        ("example.org.", (None, "example.org", None)),
        ("a.b-c_d+e!#$%*=?^`{|}~@x.y", ("a.b-c_d+e!#$%*=?^`{|}~", "x.y", None)),
        ("fußball@example.org", ("fußball", "example.org", None)),
        ("ＡＢＣ@example.org", ("abc", "example.org", None)),
        ("a@bücher.example", ("a", "bücher.example", None)),
        ("a@bu\u0308cher.example", ("a", "bücher.example", None)),
        ("a@127.0.0.1", ("a", "127.0.0.1", None)),
        ("a@[::0001]", ("a", "[::1]", None)),
        ("a@[::1", ("a", "[::1]", None)),
        ("a@_dmarc.example", ("a", "_dmarc.example", None)),
        ("a@b/c\u00a0d", ("a", "b", "c d")),
        ("a@b/🙂", ("a", "b", "🙂")),
        ("xmpp:alice@example.org", ("alice", "example.org", None)),
        ("xmpp:a%20b.test?message;body=x", None),
        ("XMPP:support@x.test?message#top", ("support", "x.test", None)),
        ("xmpp://me@x.test/bob@y.test/r%C3%A9", ("bob", "y.test", "ré")),
        (f"{'x' * 1023}@b", ("x" * 1023, "b", None)),
    ],
)
def test_parse(text: str, expected: tuple[str | None, str, str | None] | None) -> None:
    if expected is None:
        with pytest.raises(ValueError):
            parse(text)
    else:
        assert tuple(parse(text)) == expected


@pytest.mark.parametrize(
    "text",
    [
        "", "@b", "a@", "a@b/", "/r", "a@/r", "a@b@c", "a b@c", "a&b@c", "a'b@c", 'a"b@c', "a:b@c",
        "a<b@c", "a>b@c", "a@b c", "a@-b", "a@b-", "a@b..c", "a@.b", "a@b/\x07", "a\x00@b",
        "a@b/\u2028", "a\u00a0b@c", "\ue000@b", "a@[x]", "a@exa/mple\n", "a@b\n",
        f"{'x' * 1024}@b", f"a@b/{'ü' * 512}", f"a@{'x' * 64}.org", "xmpp:", "xmpp:%ff@b",
    ],
)  # fmt: skip
def test_no_jids(text: str) -> None:
    with pytest.raises(ValueError) as caught:
        parse(text)
    assert str(caught.value)


def test_kinds() -> None:
    domain, bare, full = (parse(text) for text in ("b.test", "a@b.test", "a@b.test/c"))
    assert [each.is_domain for each in (domain, bare, full)] == [True, False, False]
    assert [each.is_bare for each in (domain, bare, full)] == [False, True, False]
    assert [each.is_full for each in (domain, bare, full)] == [False, False, True]
    assert full.bare == bare
    assert [str(each) for each in (domain, bare, full)] == ["b.test", "a@b.test", "a@b.test/c"]


def test_the_domain_in_ascii() -> None:
    assert parse("a@bücher.example").idna == "xn--bcher-kva.example"
    assert parse("a@example.org").idna == "example.org"
    assert parse("a@[::1]").idna == "::1"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Alice@Example.org/R", ("alice", "example.org", "R")),
        ("a@b/c/d@e", ("a", "b", "c/d@e")),
        ("", (None, "", None)),
        ("what ever\x07@b", ("what ever\x07", "b", None)),
    ],
)
def test_lenient(text: str, expected: tuple[str | None, str, str | None]) -> None:
    assert tuple(lenient(text)) == expected


@given(st.text(max_size=60))
def test_any_text_is_a_jid_or_a_value_error(text: str) -> None:
    lenient(text)
    try:
        jid = parse(text)
    except ValueError:
        return
    assert parse(str(jid)) == jid, "the prepared form is stable"
    assert isinstance(jid, Jid)
