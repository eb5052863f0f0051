"""SASL mechanisms against the RFCs' own exchanges, and against servers that cheat."""

from __future__ import annotations

import base64
import hashlib
import hmac
from pathlib import Path

import pytest

from tests.servers.ca import Authority
from xmppctl.errors import AuthError, UsageError
from xmppctl.model.account import Account
from xmppctl.model.jid import parse
from xmppctl.session import sasl
from xmppctl.session.certificate import addresses
from xmppctl.session.scram import Scram, saslprep

ALL = ("PLAIN", "SCRAM-SHA-1", "SCRAM-SHA-256", "SCRAM-SHA-512")
PLUS = tuple(f"{name}-PLUS" for name in ALL[1:])
UNIQUE = {"tls-unique": lambda: b"finished"}


def account(jid: str = "user@example.org", **more: object) -> Account:
    return Account(jid=parse(jid), **more)  # type: ignore[arg-type]


class Server:
    """The server's side of SCRAM, written from RFC 5802 §3 with PBKDF2 by hand."""

    def __init__(self, algorithm: str, password: str, iterations: int = 4096) -> None:
        self.algorithm = algorithm
        self.salt = b"salt of the server"
        self.iterations = iterations
        block = self._hmac(password.encode(), self.salt + b"\0\0\0\1")
        salted = int.from_bytes(block)
        for _ in range(iterations - 1):
            block = self._hmac(password.encode(), block)
            salted ^= int.from_bytes(block)
        self.salted = salted.to_bytes(len(block))

    def first(self, client_first: bytes) -> bytes:
        self.header, _, self.bare = client_first.partition(b",,")
        self.header += b",,"
        nonce = self.bare.partition(b",r=")[2]
        salt = base64.b64encode(self.salt).decode()
        self.message = nonce + f"SERVER,s={salt},i={self.iterations}".encode()
        self.message = b"r=" + self.message
        return self.message

    def final(self, client_final: bytes, binding: bytes = b"") -> bytes:
        without_proof, _, proof = client_final.rpartition(b",p=")
        expected = base64.b64encode(self.header + binding)
        assert without_proof.startswith(b"c=" + expected + b",r=")
        message = b",".join((self.bare, self.message, without_proof))
        stored = hashlib.new(self.algorithm, self._hmac(self.salted, b"Client Key")).digest()
        signature = self._hmac(stored, message)
        key = bytes(a ^ b for a, b in zip(base64.b64decode(proof), signature, strict=True))
        if hashlib.new(self.algorithm, key).digest() != stored:
            return b"e=invalid-proof"
        server_key = self._hmac(self.salted, b"Server Key")
        return b"v=" + base64.b64encode(self._hmac(server_key, message))

    def _hmac(self, key: bytes, message: bytes) -> bytes:
        return hmac.new(key, message, self.algorithm).digest()


RFC_5802 = (
    "sha1",
    "fyko+d2lbbFgONRv9qkxdawL",
    b"n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL",
    b"r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096",
    b"c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=",
    b"v=rmF9pqV8S7suAoZWja4dJRkFsKQ=",
)
RFC_7677 = (
    "sha256",
    "rOprNGfwEbeRWgbNEkqO",
    b"n,,n=user,r=rOprNGfwEbeRWgbNEkqO",
    b"r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096",
    b"c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
    b"p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=",
    b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=",
)


def rfc_5802() -> Scram:
    return Scram("sha1", "user", "pencil", nonce=RFC_5802[1])


@pytest.mark.parametrize("vector", [RFC_5802, RFC_7677], ids=["RFC 5802 §5", "RFC 7677 §3"])
def test_published_exchange(vector: tuple[str, str, bytes, bytes, bytes, bytes]) -> None:
    algorithm, nonce, first, challenge, final, signature = vector
    mechanism = Scram(algorithm, "user", "pencil", nonce=nonce)
    assert mechanism.initial() == first
    assert mechanism.respond(challenge) == final
    mechanism.finish(signature)


@pytest.mark.parametrize("algorithm", ["sha1", "sha256", "sha512"])
@pytest.mark.parametrize("binding", [None, ("tls-exporter", b"\0\1\2")])
def test_exchange_with_an_independent_server(
    algorithm: str, binding: tuple[str, bytes] | None
) -> None:
    server = Server(algorithm, "pencil")
    mechanism = Scram(algorithm, "user", "pencil", binding=binding)
    final = mechanism.respond(server.first(mechanism.initial()))
    mechanism.finish(server.final(final, binding[1] if binding else b""))
    assert mechanism.name.endswith("-PLUS") is (binding is not None)


def test_signature_as_a_challenge_is_answered_with_nothing() -> None:
    mechanism = rfc_5802()
    mechanism.respond(RFC_5802[3])
    assert mechanism.respond(RFC_5802[5]) == b""
    mechanism.finish(None)


@pytest.mark.parametrize(
    "last", [None, b"", b"v=smF9pqV8S7suAoZWja4dJRkFsKQ=", b"v=", b"x=rmF9pqV8S7suAoZWja4dJRkFsKQ="]
)
def test_server_that_does_not_prove_itself(last: bytes | None) -> None:
    mechanism = rfc_5802()
    mechanism.respond(RFC_5802[3])
    with pytest.raises(AuthError) as caught:
        mechanism.finish(last)
    assert caught.value.condition == "server-not-authentic"


def test_success_right_after_the_first_message_is_no_success() -> None:
    mechanism = rfc_5802()
    with pytest.raises(AuthError) as caught:
        mechanism.finish(RFC_5802[5])
    assert caught.value.condition == "server-not-authentic"


@pytest.mark.parametrize(
    ("challenge", "condition"),
    [
        (b"r=fyko+d2lbbFgONRv9qkxdawX3rfc,s=QSXCR+Q6sek8bf92,i=4096", "server-not-authentic"),
        (b"r=fyko+d2lbbFgONRv9qkxdawL,s=QSXCR+Q6sek8bf92,i=4096", "server-not-authentic"),
        (b"r=fyko+d2lbbFgONRv9qkxdawL3,s=QSXCR+Q6sek8bf92,i=4095", "weak-iteration-count"),
        (b"r=fyko+d2lbbFgONRv9qkxdawL3,s=QSXCR+Q6sek8bf92,i=1", "weak-iteration-count"),
        (
            b"r=fyko+d2lbbFgONRv9qkxdawL3,s=QSXCR+Q6sek8bf92,i=10000001",
            "excessive-iteration-count",
        ),
        (b"r=fyko+d2lbbFgONRv9qkxdawL3,s=QSXCR+Q6sek8bf92,i=" + b"9" * 5000, "malformed-challenge"),
        (b"r=fyko+d2lbbFgONRv9qkxdawL3,s=QSXCR+Q6sek8bf92,i=-4096", "malformed-challenge"),
        (b"r=fyko+d2lbbFgONRv9qkxdawL3 4,s=QSXCR+Q6sek8bf92,i=4096", "malformed-challenge"),
        (b"m=x,r=fyko+d2lbbFgONRv9qkxdawL3,s=QSXCR+Q6sek8bf92,i=4096", "malformed-challenge"),
        (b"s=QSXCR+Q6sek8bf92,r=fyko+d2lbbFgONRv9qkxdawL3,i=4096", "malformed-challenge"),
        (b"r=fyko+d2lbbFgONRv9qkxdawL3,s=!!!,i=4096", "malformed-challenge"),
        (b"r=fyko+d2lbbFgONRv9qkxdawL3,s=,i=4096", "malformed-challenge"),
        (b"r=\xff", "malformed-challenge"),
        (b"", "malformed-challenge"),
        (b"e=unknown-user", "not-authorized"),
        (b"e=server-does-support-channel-binding", "server-does-support-channel-binding"),
        (b"e=\x1b[2J", "other-error"),
    ],
)
def test_first_message_that_breaks_a_rule(challenge: bytes, condition: str) -> None:
    with pytest.raises(AuthError) as caught:
        rfc_5802().respond(challenge)
    assert caught.value.condition == condition
    assert caught.value.step == "auth"
    assert "pencil" not in caught.value.text


def test_wrong_password() -> None:
    server = Server("sha256", "pencil")
    mechanism = Scram("sha256", "user", "eraser")
    answer = server.final(mechanism.respond(server.first(mechanism.initial())))
    with pytest.raises(AuthError) as caught:
        mechanism.finish(answer)
    assert caught.value.condition == "not-authorized"


def test_unknown_extension_after_the_iteration_count_is_ignored() -> None:
    server = Server("sha1", "pencil")
    mechanism = Scram("sha1", "user", "pencil")
    server.message = server.first(mechanism.initial()) + b",h=abc,x=y=z"
    mechanism.finish(server.final(mechanism.respond(server.message)))


def test_nonces_are_fresh() -> None:
    assert Scram("sha1", "u", "p").initial() != Scram("sha1", "u", "p").initial()


def test_names_are_escaped_and_the_header_says_what_is_bound() -> None:
    assert Scram("sha1", "a=b,c", "p", nonce="N").initial() == b"n,,n=a=3Db=2Cc,r=N"
    mechanism = Scram("sha1", "u", "p", authzid="x,y", server_lacks_binding=True, nonce="N")
    assert mechanism.initial() == b"y,a=x=2Cy,n=u,r=N"
    bound = Scram("sha1", "u", "p", binding=("tls-unique", b"T"), nonce="N")
    assert bound.initial() == b"p=tls-unique,,n=u,r=N"
    final = bound.respond(b"r=N1,s=QSXCR+Q6sek8bf92,i=4096")
    assert base64.b64decode(final[2:].partition(b",")[0]) == b"p=tls-unique,,T"


@pytest.mark.parametrize(
    ("text", "prepared"),
    [
        ("I\u00adX", "IX"),
        ("user", "user"),
        ("USER", "USER"),
        ("\u00aa", "a"),
        ("\u2168", "IX"),
        ("a\u00a0b", "a b"),
        ("p\N{GRINNING FACE}", "p\N{GRINNING FACE}"),
        ("\u0627\u0628", "\u0627\u0628"),
    ],
)
def test_saslprep(text: str, prepared: str) -> None:
    assert saslprep(text, "password") == prepared


@pytest.mark.parametrize("text", ["", "\u00ad", "sekret\x07", "sekret\u0627", "\u06271", "\ue000"])
def test_saslprep_refuses_without_showing(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        saslprep(text, "password")
    assert "sekret" not in caught.value.text


def test_plain() -> None:
    plain = sasl.Plain("user", "p\u00e4ss")
    assert plain.initial() == b"\0user\0p\xc3\xa4ss"
    plain.finish(None)
    with pytest.raises(AuthError):
        plain.respond(b"")
    for bad in ("", "a\0b"):
        with pytest.raises(UsageError):
            sasl.Plain("user", bad).initial()


@pytest.mark.parametrize(
    ("offered", "bindings", "announced", "chosen"),
    [
        (ALL, {}, None, "SCRAM-SHA-512"),
        (ALL[:3], {}, None, "SCRAM-SHA-256"),
        (ALL[:2], {}, None, "SCRAM-SHA-1"),
        (ALL[:1], {}, None, "PLAIN"),
        (ALL + PLUS, {}, None, "SCRAM-SHA-512"),
        (ALL + PLUS, UNIQUE, None, "SCRAM-SHA-512-PLUS"),
        # binding the channel counts more than a longer hash
        (ALL + PLUS[:1], UNIQUE, None, "SCRAM-SHA-1-PLUS"),
        (ALL[:2] + PLUS[:1], UNIQUE, None, "SCRAM-SHA-1-PLUS"),
        (ALL + PLUS, UNIQUE, ["tls-exporter"], "SCRAM-SHA-512"),
        (ALL + PLUS, {"tls-server-end-point": bytes}, None, "SCRAM-SHA-512"),
        (
            ALL + PLUS,
            {"tls-server-end-point": bytes},
            ["tls-server-end-point"],
            "SCRAM-SHA-512-PLUS",
        ),
        (("EXTERNAL", "ANONYMOUS", "DIGEST-MD5", "PLAIN"), {}, None, "PLAIN"),
    ],
)
def test_strongest_is_chosen(
    offered: tuple[str, ...], bindings: sasl.Bindings, announced: list[str] | None, chosen: str
) -> None:
    choice = sasl.choose(
        offered,
        account(),
        tls_verified=True,
        channel_bindings=bindings,
        announced_bindings=announced,
    )
    assert choice.name == chosen
    assert sasl.needs_password(choice)
    assert sasl.make(choice, account(), "pw").name == chosen


@pytest.mark.parametrize(
    ("offered", "bindings", "flag"),
    [
        (ALL, {}, b"n,,"),
        (ALL, UNIQUE, b"y,,"),  # nothing with -PLUS: tell the server that this looks odd
        (ALL + PLUS, UNIQUE, b"p=tls-unique,,"),
        (ALL + PLUS, {"tls-server-end-point": bytes}, b"n,,"),  # "y" would be a lie
    ],
)
def test_header_tells_what_was_seen(
    offered: tuple[str, ...], bindings: sasl.Bindings, flag: bytes
) -> None:
    choice = sasl.choose(offered, account(), tls_verified=True, channel_bindings=bindings)
    first = sasl.make(choice, account(), "pw").initial()
    assert first is not None
    assert first.startswith(flag)


def test_strength_orders() -> None:
    names = ("PLAIN", "SCRAM-SHA-1", "SCRAM-SHA-512", "SCRAM-SHA-1-PLUS", "SCRAM-SHA-256-PLUS")
    assert sorted(names, key=sasl.strength) == list(names)
    assert sasl.strength("DIGEST-MD5") == -1


@pytest.mark.parametrize(
    ("offered", "more"),
    [
        ((), {}),
        (("DIGEST-MD5",), {}),
        (("ANONYMOUS",), {}),
        (("EXTERNAL",), {}),
        ((*PLUS, "PLAIN"), {}),  # better is offered: PLAIN would be a downgrade
        (ALL, {"anonymous": True}),
        (ALL, {"jid": "example.org"}),
    ],
)
def test_nothing_acceptable(offered: tuple[str, ...], more: dict[str, object]) -> None:
    with pytest.raises(AuthError) as caught:
        sasl.choose(offered, account(**more), tls_verified=True)  # type: ignore[arg-type]
    assert caught.value.condition == "no-acceptable-mechanism"
    assert all(name in caught.value.text for name in offered)


def test_plain_never_without_verified_tls() -> None:
    for more in ({}, {"sasl_mechanism": "PLAIN"}):
        with pytest.raises(AuthError) as caught:
            sasl.choose(["PLAIN"], account(**more), tls_verified=False)
        assert caught.value.condition == "no-acceptable-mechanism"


def test_plain_never_after_a_scram_that_failed() -> None:
    with pytest.raises(AuthError):
        sasl.choose(["PLAIN", "SCRAM-SHA-1"], account(), tls_verified=True, exclude=["SCRAM-SHA-1"])


def test_plus_that_failed_is_followed_by_the_same_hash_without() -> None:
    choice = sasl.choose(
        ALL + PLUS,
        account(),
        tls_verified=True,
        channel_bindings=UNIQUE,
        exclude=["SCRAM-SHA-512-PLUS", "SCRAM-SHA-256-PLUS", "SCRAM-SHA-1-PLUS"],
    )
    assert choice.name == "SCRAM-SHA-512"
    assert sasl.make(choice, account(), "pw").initial().startswith(b"n,,")  # type: ignore[union-attr]


def test_forced_mechanism() -> None:
    forced = account(sasl_mechanism="scram-sha-1")
    assert sasl.choose(ALL, forced, tls_verified=True).name == "SCRAM-SHA-1"
    assert sasl.choose(ALL, account(sasl_mechanism="PLAIN"), tls_verified=True).name == "PLAIN"
    for name, offered in (("SCRAM-SHA-1", ["PLAIN"]), ("DIGEST-MD5", ["DIGEST-MD5", "PLAIN"])):
        with pytest.raises(AuthError) as caught:
            sasl.choose(offered, account(sasl_mechanism=name), tls_verified=True)
        assert caught.value.condition == "invalid-mechanism"
        assert "PLAIN" in caught.value.text


@pytest.mark.parametrize(
    ("names", "sent"),
    [
        # XEP-0178 §2: never with the one JID of the certificate, always with one of several
        (["user@example.org"], b""),
        (["USER@Example.ORG"], b""),
        (["other@example.org"], b"user@example.org"),
        (["other@example.org", "user@example.org"], b"user@example.org"),
        (["ü@example.org"], b"user@example.org"),
        (["@"], b"user@example.org"),
        ([], b"user@example.org"),
    ],
)
def test_external_names_a_jid_where_it_must(tmp_path: Path, names: list[str], sent: bytes) -> None:
    made = Authority(tmp_path).client(*names)
    assert list(addresses(made.chain)) == names
    assert list(addresses(made.bundle)) == names
    assert addresses(made.key) == addresses(tmp_path / "absent") == ()
    who = account(cert=made.bundle)
    choice = sasl.choose(["EXTERNAL"], who, tls_verified=True)
    assert sasl.make(choice, who, None).initial() == sent


def test_external_and_anonymous() -> None:
    with_cert = account(cert=Path("client.pem"))
    choice = sasl.choose([*ALL, "EXTERNAL"], with_cert, tls_verified=True)
    assert choice.name == "EXTERNAL"
    assert not sasl.needs_password(choice)
    assert sasl.make(choice, with_cert, None).initial() == b"user@example.org"
    assert sasl.External().initial() == b""
    assert sasl.choose(ALL, with_cert, tls_verified=True).name == "SCRAM-SHA-512"

    guest = account("example.org", anonymous=True)
    choice = sasl.choose([*ALL, "ANONYMOUS"], guest, tls_verified=True)
    assert choice.name == "ANONYMOUS"
    assert sasl.make(choice, guest, None).initial() == b""


def test_password_is_asked_for() -> None:
    choice = sasl.choose(ALL, account(), tls_verified=True)
    with pytest.raises(UsageError) as caught:
        sasl.make(choice, account(), None)
    assert caught.value.condition == "no-password"
    assert "--password-command" in (caught.value.hint or "")


def test_no_secret_in_repr() -> None:
    choice = sasl.choose(ALL, account(), tls_verified=True)
    mechanism = sasl.make(choice, account(), "geheim")
    assert "geheim" not in repr(choice) + repr(mechanism) + repr(sasl.Plain("u", "geheim"))
