"""URLs as people and servers write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xmppctl.session.weburl import parse_url


def test_the_parts() -> None:
    url = parse_url("https://Upload.example.org/4a77/tr%C3%A8s%20cool.jpg?a=b&c#frag")
    assert url.scheme == "https"
    assert (url.host, url.port) == ("upload.example.org", 443)
    assert url.target == "/4a77/tr%C3%A8s%20cool.jpg?a=b&c"
    assert url.text == "https://Upload.example.org/4a77/tr%C3%A8s%20cool.jpg?a=b&c#frag"
    assert url.secure
    assert url.peer == "upload.example.org:443"


@pytest.mark.parametrize(
    ("text", "host", "port", "target", "whole"),
    [
        ("http://h", "h", 80, "/", "http://h"),
        ("HTTPS://h:8443?q", "h", 8443, "/?q", "HTTPS://h:8443?q"),
        ("https://[::1]:5443/x", "::1", 5443, "/x", "https://[::1]:5443/x"),
        (" https://h/a b ü ", "h", 443, "/a%20b%20%C3%BC", "https://h/a%20b%20%C3%BC"),
        ("https://h/\"<>\\^`{|}", "h", 443, "/%22%3C%3E%5C%5E%60%7B%7C%7D",
         "https://h/%22%3C%3E%5C%5E%60%7B%7C%7D"),
        ("https://Bücher.example:99/ü", "xn--bcher-kva.example", 99, "/%C3%BC",
         "https://xn--bcher-kva.example:99/%C3%BC"),
    ],
)  # fmt: skip
def test_what_is_encoded(text: str, host: str, port: int, target: str, whole: str) -> None:
    assert parse_url(text)[1:] == (host, port, target, whole)


def test_an_ipv6_address_as_peer() -> None:
    assert parse_url("https://[2001:db8::1]/").peer == "[2001:db8::1]:443"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "no http"),
        ("ftp://h/", "no http"),
        ("//h/x", "no http"),
        ("https://", "no host"),
        ("https:///x", "no host"),
        ("https://:443/", "no host"),
        ("https://h:x/", "malformed"),
        ("https://h:0/", "malformed"),
        ("https://h:70000/", "malformed"),
        ("https://[::1/", "malformed"),
        ("https://good.test@evil.test/", "user name"),
        ("https://@h/", "user name"),
        ("https://h/\r\nX: y", "control"),
        ("https://h\t/", "control"),
        ("https://a b/", "host name"),
        ("https://a%0ab/", "host name"),
        ("https://" + "a" * 64 + ".test/", "host name"),
        ("https://h/" + "x" * 9000, "longer"),
        ("https://h/\udcff", "UTF-8"),
    ],
)
def test_what_is_refused(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        parse_url(text)


@given(st.text())
def test_a_request_line_stays_one_line(text: str) -> None:
    try:
        url = parse_url(f"https://h/{text}")
    except ValueError:
        return
    for part in (url.host, url.target, url.text):
        assert part.isascii()
        assert part.isprintable()
        assert " " not in part
