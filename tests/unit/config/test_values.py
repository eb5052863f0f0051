"""Text to values."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xmppctl.config import values


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("500ms", 0.5),
        ("30s", 30.0),
        ("5m", 300.0),
        ("2h", 7200.0),
        ("3d", 259200.0),
        ("1w", 604800.0),
        ("30", 30.0),
        ("1.5", 1.5),
        ("0.5m", 30.0),
        (" 10 s ", 10.0),
        ("0", 0.0),
    ],
)
def test_durations(text, seconds):
    assert values.duration(text) == pytest.approx(seconds)


@pytest.mark.parametrize(
    "text",
    ["", "s", "-1", "5M", "1y", "1h30m", "inf", "nan", "1e3", "٣", "999999999d", "1" * 400],
)
def test_what_is_no_duration(text):
    with pytest.raises(ValueError, match=r"is not a duration|is longer"):
        values.duration(text)


@pytest.mark.parametrize(
    ("text", "count"),
    [("0", 0), ("500", 500), ("10K", 10240), ("5m", 5 * 1024**2), ("1G", 1024**3), ("1.5K", 1536)],
)
def test_sizes(text, count):
    assert values.size(text) == count


def test_a_large_size_keeps_every_byte():
    assert values.size("9007199254740993") == 9007199254740993


@pytest.mark.parametrize("text", ["", "-1", "K", "1X", "0.5", "1.0001K", "٣K"])
def test_what_is_no_size(text):
    with pytest.raises(ValueError, match="is not a"):
        values.size(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("xmpp.example.org:5222", ("xmpp.example.org", 5222)),
        ("localhost:1", ("localhost", 1)),
        ("[::1]:5222", ("::1", 5222)),
        ("[2001:DB8::0:1]:65535", ("2001:db8::1", 65535)),
        ("192.0.2.1:443", ("192.0.2.1", 443)),
    ],
)
def test_host_and_port(text, expected):
    assert values.host_port(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "example.org",
        ":5222",
        "example.org:",
        "::1:5222",
        "[::1]",
        "[nonsense]:5222",
        "example.org:0",
        "example.org:65536",
        "example.org:+80",
        "a b:1",
        "a/b:1",
        "user@host:1",
        "host\x1b:1",
    ],
)
def test_what_is_no_host_and_port(text):
    with pytest.raises(ValueError, match=r"."):
        values.host_port(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("192.0.2.1", ("192.0.2.1", 53)),
        ("192.0.2.1:5353", ("192.0.2.1", 5353)),
        ("::1", ("::1", 53)),
        ("[::1]", ("::1", 53)),
        ("[::1]:5353", ("::1", 5353)),
    ],
)
def test_nameservers(text, expected):
    assert values.nameserver(text) == expected


DIGEST = bytes(range(32))


@pytest.mark.parametrize(
    "text",
    [
        f"sha256:{DIGEST.hex()}",
        f"SHA-256:{DIGEST.hex().upper()}",
        "sha256:" + DIGEST.hex(":"),
        "sha256:" + DIGEST.hex(" "),
    ],
)
def test_pins(text):
    assert values.pin(text) == DIGEST


@pytest.mark.parametrize(
    "text", ["", DIGEST.hex(), "sha256:", "sha256:abc", "sha1:" + "0" * 40, "sha256:" + "g" * 64]
)
def test_what_is_no_pin(text):
    with pytest.raises(ValueError, match="is not a pin"):
        values.pin(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("wss://example.org/ws", "wss://example.org/ws"),
        ("HTTPS://example.org:5443/bosh?a=b", "https://example.org:5443/bosh?a=b"),
        ("https://example.org", "https://example.org/"),
        ("wss://[2001:db8::1]:5281/x", "wss://[2001:db8::1]:5281/x"),
        (" wss://[::1] ", "wss://[::1]/"),
    ],
)
def test_endpoints(text, expected):
    assert values.endpoint(text) == expected
    assert values.endpoint(expected) == expected


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("ws://example.org/ws", "use wss or https"),
        ("http://example.org/bosh", "use wss or https"),
        ("", "is not a URL"),
        ("example.org:5443", "is not a URL"),
        ("wss:///x", "is not a URL"),
        ("wss://example.org/a b", "is not a URL"),
        ("wss://example.org/#x", "is not a URL"),
        ("xmpp://example.org/", "is not a URL"),
        ("wss://example.org:0/", "is not a port"),
        ("wss://example.org:/", "is not a port"),
        ("wss://example.org:x/", "is not a port"),
        ("wss://:443/", "valid host"),
        ("wss://[::x]/", "valid IPv6"),
        ("wss://::1/", "valid host"),
    ],
)
def test_what_is_no_endpoint(text, words):
    with pytest.raises(ValueError, match=words):
        values.endpoint(text)


def test_a_secret_in_an_endpoint_is_refused_and_not_repeated():
    with pytest.raises(ValueError, match="user name") as caught:
        values.endpoint("wss://alice:s3cret@example.org/ws")
    assert "s3cret" not in str(caught.value)


def test_mechanisms():
    assert values.mechanism("scram-sha-256-plus") == "SCRAM-SHA-256-PLUS"
    for text in ("", "A" * 21, "SCRAM SHA"):
        with pytest.raises(ValueError, match="mechanism"):
            values.mechanism(text)


def test_resources_are_prepared():
    assert values.resource("cron/a b") == "cron/a b"
    for text in ("", "a\x07"):
        with pytest.raises(ValueError, match="resource"):
            values.resource(text)


@pytest.mark.parametrize(("text", "on"), [("1", True), ("Yes", True), ("OFF", False), ("0", False)])
def test_switches(text, on):
    assert values.boolean(text) is on


def test_what_is_no_switch():
    with pytest.raises(ValueError, match="neither true nor false"):
        values.boolean("maybe")


def test_numbers():
    assert values.number("3") == 3
    for text in ("", "-1", "1.5", "1" * 10):
        with pytest.raises(ValueError, match="whole number"):
            values.number(text)


@given(st.text(max_size=40))
def test_no_text_does_anything_but_parse_or_raise_a_sentence(text):
    for parse in (values.duration, values.size, values.host_port, values.endpoint, values.pin):
        try:
            parse(text)
        except ValueError as error:
            assert str(error)
