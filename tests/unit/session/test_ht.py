"""HT-* against a server's side that is written from the draft, and against servers that cheat."""

from __future__ import annotations

import hashlib

import pytest

from xmppctl.errors import AuthError
from xmppctl.session import ht

BINDINGS = {
    "tls-exporter": lambda: b"exported",
    "tls-unique": lambda: b"finished",
    "tls-server-end-point": lambda: b"certificate",
}
NAMES = [
    f"HT-{algorithm}-{binding}"
    for algorithm in ("SHA-256", "SHA-384", "SHA-512", "SHA3-256", "SHA3-384", "SHA3-512")
    for binding in ("NONE", "UNIQ", "ENDP", "EXPR")
]
TOKEN = "secret-token:fast-é"
DATA = {"NONE": b"", "UNIQ": b"finished", "ENDP": b"certificate", "EXPR": b"exported"}


def hmac_by_hand(key: bytes, message: bytes, algorithm: str) -> bytes:
    """RFC 2104 §2, of the hash alone."""

    def digest(data: bytes) -> bytes:
        return hashlib.new(algorithm, data).digest()

    block = hashlib.new(algorithm).block_size
    key = (digest(key) if len(key) > block else key).ljust(block, b"\0")
    inner = digest(bytes(each ^ 0x36 for each in key) + message)
    return digest(bytes(each ^ 0x5C for each in key) + inner)


def expected(name: str, role: bytes) -> bytes:
    _, *algorithm, binding = name.split("-")
    plain = {"SHA": "sha", "SHA3": "sha3_"}[algorithm[0]] + algorithm[1]
    return hmac_by_hand(TOKEN.encode(), role + DATA[binding], plain)


@pytest.mark.parametrize("name", NAMES)
def test_exchange(name: str) -> None:
    assert ht.usable(name, BINDINGS)
    login = ht.make(name, "ünser", TOKEN, BINDINGS)
    assert login.name == name
    assert login.initial() == "ünser".encode() + b"\0" + expected(name, b"Initiator")
    login.finish(expected(name, b"Responder"))


def test_values_of_the_openssl_command() -> None:
    """``printf Initiator | openssl dgst -sha256 -hmac token``, and Responder."""
    login = ht.make("HT-SHA-256-NONE", "user", "token", {})
    hashed = "d24d95482f0d6e035c56e787dac4ed832bdd84ee3ea242aaadd982270c330006"
    assert login.initial() == b"user\0" + bytes.fromhex(hashed)
    login.finish(bytes.fromhex("3f7cfbe081b3e9ea2aaa3561180a60932290ae9a2b155327d03ba819fffe0ab6"))


@pytest.mark.parametrize(
    "answer",
    [None, b"", b"Responder", expected("HT-SHA-256-NONE", b"Responder"), b"initiator"],
)
def test_server_that_does_not_know_the_token(answer: bytes | None) -> None:
    login = ht.make("HT-SHA-256-EXPR", "user", TOKEN, BINDINGS)
    if answer == b"initiator":  # what it was sent itself
        answer = login.initial().partition(b"\0")[2]
    with pytest.raises(AuthError) as caught:
        login.finish(answer)
    assert caught.value.condition == "server-not-authentic"
    assert TOKEN not in str(caught.value)


def test_challenge_breaks_the_rules() -> None:
    with pytest.raises(AuthError) as caught:
        ht.make("HT-SHA-256-NONE", "user", TOKEN, {}).respond(b"x")
    assert caught.value.condition == "malformed-challenge"


@pytest.mark.parametrize(
    ("offered", "bindings", "announced", "chosen"),
    [
        ([], BINDINGS, None, None),
        (
            ["HT2-SHA-256-NONE", "HT-MD5-NONE", "HT-SHA-256-XYZ", "HT-", "SCRAM-SHA-1"],
            {},
            None,
            None,
        ),
        (NAMES, {}, None, "HT-SHA3-512-NONE"),
        (NAMES, BINDINGS, None, "HT-SHA3-512-EXPR"),
        (["HT-SHA-512-NONE", "HT-SHA-256-ENDP"], BINDINGS, None, "HT-SHA-256-ENDP"),
        (["HT-SHA-256-UNIQ", "HT-SHA-256-EXPR"], BINDINGS, None, "HT-SHA-256-EXPR"),
        (["HT-SHA-256-UNIQ", "HT-SHA-256-ENDP"], BINDINGS, None, "HT-SHA-256-UNIQ"),
        (NAMES, BINDINGS, ["tls-server-end-point"], "HT-SHA3-512-ENDP"),
        (["HT-SHA-256-EXPR"], {"tls-unique": bytes}, None, None),
        (["HT-SHA-256-EXPR"], BINDINGS, ["tls-server-end-point"], None),
    ],
)
def test_choice(
    offered: list[str],
    bindings: dict[str, object],
    announced: list[str] | None,
    chosen: str | None,
) -> None:
    assert ht.choose(offered, bindings, announced) == chosen  # type: ignore[arg-type]


def test_binding_is_read_for_its_own_mechanism_alone() -> None:
    def fail() -> bytes:
        raise AssertionError

    ht.make("HT-SHA-256-NONE", "user", TOKEN, {"tls-exporter": fail})
    assert ht.binding_of("HT-SHA-256-NONE") is None
    assert ht.binding_of("HT-SHA-256-ENDP") == "tls-server-end-point"
