"""Which proxy is taken: the variables, their URLs, and the exceptions."""

from __future__ import annotations

import os

import pytest

from xmppctl.errors import UsageError
from xmppctl.session.proxy import Proxy, for_stream, for_url, is_exempt, parse_proxy


@pytest.fixture(autouse=True)
def no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)


def chosen(scheme: str | None, host: str = "host.example", port: int = 443) -> str | None:
    proxy = for_stream(host, port) if scheme is None else for_url(scheme, host, port)
    return None if proxy is None else f"{proxy.host} by {proxy.variable}"


def test_each_kind_has_its_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    assert [chosen(each) for each in (None, "http", "https", "ws", "wss")] == [None] * 5
    monkeypatch.setenv("HTTP_PROXY", "http://cgi")
    assert chosen("http") is None
    monkeypatch.setenv("ALL_PROXY", "http://all")
    assert [chosen(each) for each in (None, "http", "wss")] == ["all by ALL_PROXY"] * 3
    monkeypatch.setenv("http_proxy", "http://plain")
    monkeypatch.setenv("HTTPS_PROXY", "http://secure")
    assert chosen(None) == "all by ALL_PROXY"
    assert [chosen(each) for each in ("http", "ws")] == ["plain by http_proxy"] * 2
    assert [chosen(each) for each in ("https", "wss")] == ["secure by HTTPS_PROXY"] * 2


def test_lower_case_comes_first_even_if_empty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALL_PROXY", "http://upper")
    monkeypatch.setenv("all_proxy", "http://lower")
    assert chosen(None) == "lower by all_proxy"
    monkeypatch.setenv("all_proxy", "")
    assert chosen(None) is None
    monkeypatch.setenv("NO_PROXY", "host.example")
    monkeypatch.setenv("all_proxy", "http://lower")
    assert chosen(None) is None
    monkeypatch.setenv("no_proxy", "")
    assert chosen(None) == "lower by all_proxy"


@pytest.mark.parametrize(
    ("text", "scheme", "host", "port", "user", "password"),
    [
        ("http://p.example:3128", "http", "p.example", 3128, None, ""),
        ("p.example:3128", "http", "p.example", 3128, None, ""),
        ("http://p.example/", "http", "p.example", 80, None, ""),
        ("HTTPS://P.example", "https", "p.example", 443, None, ""),
        ("socks5://[::1]", "socks5", "::1", 1080, None, ""),
        (
            "socks5h://me:p%40ss%3A%C3%A4@p.example:9050",
            "socks5h",
            "p.example",
            9050,
            "me",
            "p@ss:ä",
        ),
        ("http://me@p.example:1", "http", "p.example", 1, "me", ""),
        ("http://me:a:b@c@p.example:1", "http", "p.example", 1, "me", "a:b@c"),
        ("http://bücher.example", "http", "xn--bcher-kva.example", 80, None, ""),
    ],
)
def test_urls(
    text: str, scheme: str, host: str, port: int, user: str | None, password: str
) -> None:
    proxy = parse_proxy(text, "all_proxy")
    assert (proxy.scheme, proxy.host, proxy.port) == (scheme, host, port)
    assert (proxy.user, proxy.password) == (user, password)
    assert proxy.resolves is (scheme != "socks5")


@pytest.mark.parametrize(
    "text",
    [
        "socks4://secret@p.example:1",
        "socks://secret@p.example:1",
        "ftp://secret@p.example:1",
        "http://secret:x@:1",
        "http://secret@p.example:0",
        "http://secret@p.example:70000",
        "http://me:secret/x@p.example:1",
        "http://me:1#secret@p.example:1",
        "http://me:1?secret@p.example:1",
        "http://me:%ffsecret@p.example:1",
        "http://secret@p example:1",
        "socks5://me:secret" + "x" * 256 + "@p.example:1",
        "http://[secret@p.example:1",
    ],
)
def test_what_is_no_proxy_is_told_without_its_text(
    monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.setenv("all_proxy", text)
    with pytest.raises(UsageError) as caught:
        for_stream("host.example", 5222)
    assert caught.value.condition == "bad-proxy"
    for words in (caught.value.text, caught.value.hint or "", repr(caught.value.__cause__)):
        assert "secret" not in words


def test_nothing_shows_the_password() -> None:
    proxy = parse_proxy("http://user:secret@p.example:1", "all_proxy")
    assert str(proxy) == "http://p.example:1"
    for shown in (str(proxy), repr(proxy), f"{proxy}", proxy.peer):
        assert "secret" not in shown
        assert "user" not in shown


@pytest.mark.parametrize(
    ("host", "no_proxy"),
    [
        ("a.example", "*"),
        ("a.example", "b.example, *"),
        ("a.example", "a.example"),
        ("A.Example.", "a.EXAMPLE"),
        ("x.a.example", "a.example"),
        ("x.a.example", ".a.example"),
        ("a.example", ".a.example"),
        ("x.a.example", "*.a.example"),
        ("a.example", "b.example a.example"),
        ("a.example", "b.example,a.example:5222"),
        ("127.0.0.1", "127.0.0.1"),
        ("127.3.0.1", "127.0.0.0/8"),
        ("10.1.2.3", "10.1.2.3/16"),
        ("::1", "::1"),
        ("::1", "[::1]"),
        ("::1", "[::1]:5222"),
        ("fd00::7", "fd00::/8"),
        ("fe80::1%eth0", "fe80::/10"),
    ],
)
def test_exempt(host: str, no_proxy: str) -> None:
    assert is_exempt(host, 5222, no_proxy)


@pytest.mark.parametrize(
    ("host", "no_proxy"),
    [
        ("a.example", ""),
        ("a.example", " , "),
        ("ba.example", "a.example"),
        ("example", "a.example"),
        ("a.example", "a.example:443"),
        ("a.example", "."),
        ("a.example", "127.0.0.0/8"),
        ("127.0.0.1", "10.0.0.0/8"),
        ("127.0.0.1", "0.0.1"),
        ("127.0.0.1", "::/0"),
        ("127.0.0.1", "127.0.0.0/99"),
        ("::1", "::2"),
    ],
)
def test_not_exempt(host: str, no_proxy: str) -> None:
    assert not is_exempt(host, 5222, no_proxy)


def test_equal_proxies_are_equal() -> None:
    """Targets are compared, and a proxy is a part of them."""
    text = "http://me:x@p.example:1"
    assert parse_proxy(text, "all_proxy") == parse_proxy(text, "all_proxy")
    assert isinstance(hash(parse_proxy(text, "all_proxy")), int)
    assert parse_proxy(text, "all_proxy") != Proxy("http", "p.example", 1, "all_proxy")
