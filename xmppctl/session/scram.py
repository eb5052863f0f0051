"""SCRAM, the client's side (RFC 5802, RFC 7677), and the preparation of names and passwords.

Bytes in, bytes out. Authentication is mutual: a server that does not prove that it knows the
password is refused. XEP-0474, XEP-0515: the server may sign what it offered, and by which version
of TLS, so that it shows when somebody on the way made the offer weaker.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import os
import re

from xmppctl.errors import AuthError, TlsError, UsageError
from xmppctl.model.xep import Xep
from xmppctl.records import dataclass

XEPS = (
    Xep("0474", "0.5.0", "complete", "the strongest mechanism is remembered all the same"),
    Xep("0515", "0.1.0", "complete"),
)

FEWEST_ITERATIONS = 4096
"""RFC 5802 §5.1 and RFC 7677 §4: fewer make a stolen or overheard proof cheap to guess."""

MOST_ITERATIONS = 10_000_000
"""More would only keep this machine busy."""

_ITERATIONS = re.compile(r"[1-9][0-9]{0,9}")
_PRINTABLE = re.compile(r"[\x21-\x2b\x2d-\x7e]+")

# RFC 5802 §7, server-error-value; those that mean the channel binding go to the caller as they are
_WRONG_CREDENTIALS = ("invalid-proof", "unknown-user", "invalid-username-encoding")
_BINDING_ERRORS = (
    "channel-bindings-dont-match",
    "server-does-support-channel-binding",
    "channel-binding-not-supported",
    "unsupported-channel-binding-type",
)


# as XEP-0515 §4.1 writes them; the names are those of ssl.SSLObject.version()
_TLS_VERSIONS = {"TLSv1.2": "0303", "TLSv1.3": "0304"}


@dataclass(frozen=True)
class Offer:
    """What the server offered before the login, as it stood in the stream features.

    ``mechanisms``: those of the profile that is used, SASL1 or SASL2. ``bindings``: the channel
    binding types that it announced (XEP-0440), None where it announced none. ``tls``: the version
    of TLS as ``ssl`` names it, None where it is not known.
    """

    mechanisms: tuple[str, ...] = ()
    bindings: tuple[str, ...] | None = None
    tls: str | None = None


class Scram:
    """One exchange of SCRAM with the hash ``algorithm`` of hashlib.

    ``binding`` is type and data of the channel binding: with it this is a -PLUS mechanism.
    ``server_lacks_binding`` tells the server that the client could bind but saw no -PLUS (flag
    "y"), so that it can detect that somebody removed them. ``offer`` is what the server must have
    signed, if it signs it; it may be set until the first challenge. ``insist``: it must sign it.
    Raises UsageError for a user name or a password that SASLprep forbids.
    """

    def __init__(
        self,
        algorithm: str,
        username: str,
        password: str,
        *,
        authzid: str = "",
        binding: tuple[str, bytes] | None = None,
        server_lacks_binding: bool = False,
        offer: Offer | None = None,
        insist: bool = False,
        nonce: str | None = None,
    ) -> None:
        suffix = "" if binding is None else "-PLUS"
        self.name = f"SCRAM-{algorithm.upper().replace('SHA', 'SHA-')}{suffix}"
        self.offer = offer
        self._insist = insist
        self._algorithm = algorithm
        self._password = saslprep(password, "password").encode()
        self._nonce = nonce or os.urandom(24).hex()
        flag = "y" if server_lacks_binding else "n"
        if binding is not None:
            flag = f"p={binding[0]}"
        self._gs2 = f"{flag},{f'a={_escape(authzid)}' if authzid else ''},".encode()
        self._binding_data = binding[1] if binding is not None else b""
        user = _escape(saslprep(username, "user name"))
        self._first_bare = f"n={user},r={self._nonce}"
        self._signature: bytes | None = None
        self._verified = False

    def initial(self) -> bytes:
        """client-first-message."""
        return self._gs2 + self._first_bare.encode()

    def respond(self, challenge: bytes) -> bytes:
        """client-final-message; empty where the server's signature came as a challenge.

        Raises AuthError for a message that breaks a rule, TlsError ("downgrade") where the server
        offered something else than what arrived here.
        """
        if self._signature is not None:
            self._verify(challenge)
            return b""
        return self._final(challenge)

    def finish(self, data: bytes | None) -> None:
        """The server reported success, with ``data``; raises AuthError unless it proved itself."""
        if data:
            self._verify(data)
        if not self._verified:
            raise _not_authentic("it sent no signature")

    def _final(self, challenge: bytes) -> bytes:
        nonce, salt, iterations = self._server_first(challenge)
        salted = hashlib.pbkdf2_hmac(self._algorithm, self._password, salt, iterations)
        client_key = self._hmac(salted, b"Client Key")
        stored_key = hashlib.new(self._algorithm, client_key).digest()
        binding = base64.b64encode(self._gs2 + self._binding_data).decode()
        without_proof = f"c={binding},r={nonce}".encode()
        message = b",".join((self._first_bare.encode(), challenge, without_proof))
        signature = self._hmac(stored_key, message)
        proof = bytes(a ^ b for a, b in zip(client_key, signature, strict=True))
        self._signature = self._hmac(self._hmac(salted, b"Server Key"), message)
        return without_proof + b",p=" + base64.b64encode(proof)

    def _server_first(self, challenge: bytes) -> tuple[str, bytes, int]:
        attributes = _attributes(challenge)
        # RFC 5802 §5.1: "m" is an extension that must be understood; r, s, i come in this order,
        # and what follows them may be ignored
        if [name for name, _ in attributes[:3]] != ["r", "s", "i"]:
            raise _malformed("its first message lacks nonce, salt or iteration count")
        nonce, salt_text, count = (value for _, value in attributes[:3])
        if not nonce.startswith(self._nonce) or nonce == self._nonce:
            raise _not_authentic("its nonce does not continue ours")
        if not _PRINTABLE.fullmatch(nonce):
            raise _malformed("its nonce holds forbidden characters")
        self._check_offer(attributes[3:])
        salt = _decode(salt_text)
        if not salt:
            raise _malformed("it sent an empty salt")
        if not _ITERATIONS.fullmatch(count):
            raise _malformed("its iteration count is no number")
        iterations = int(count)
        if iterations < FEWEST_ITERATIONS:
            raise AuthError(
                f"the server asks for {iterations} iterations of {self.name}, fewer than the "
                f"{FEWEST_ITERATIONS} that are safe; the password was not used",
                step="auth",
                condition="weak-iteration-count",
            )
        if iterations > MOST_ITERATIONS:
            raise AuthError(
                f"the server asks for {iterations} iterations of {self.name}, more than the "
                f"{MOST_ITERATIONS} that are done here",
                step="auth",
                condition="excessive-iteration-count",
            )
        return nonce, salt, iterations

    def _check_offer(self, extensions: list[tuple[str, str]]) -> None:
        """XEP-0474 §5.2 and XEP-0515 §4.2; the proof that follows covers what is checked here."""
        signed = [value for name, value in extensions if name == "h"]
        versions = [value for name, value in extensions if name == "t"]
        if self.offer is None:
            return
        expected = _offer_hash(self.offer, self._algorithm)
        if any(_decode(value) != expected for value in signed):
            raise _downgrade("the list of its login mechanisms is not the one that it sent")
        if self._insist and not signed:
            raise _downgrade("the list of its channel bindings lacks one that every server has")
        version = _TLS_VERSIONS.get(self.offer.tls or "")
        if version is not None and any(value != version for value in versions):
            raise _downgrade("its TLS connection is of another version than the one here")

    def _verify(self, data: bytes) -> None:
        name, value = _attributes(data)[0]
        if name == "e":
            raise _server_error(value)
        if self._signature is None or name != "v":
            raise _not_authentic("it sent no signature")
        if not hmac.compare_digest(_decode(value), self._signature):
            raise _not_authentic("its signature is wrong")
        self._verified = True

    def _hmac(self, key: bytes, message: bytes) -> bytes:
        return hmac.digest(key, message, self._algorithm)


def saslprep(text: str, what: str) -> str:
    """``text`` prepared by SASLprep (RFC 4013); ``what`` names it in the error.

    Code points that Unicode 3.2 did not know yet (emoji) pass, as RFC 8265, the successor, has it.
    Raises UsageError, which never shows the text, where nothing is left or what no password and
    no user name may hold.
    """
    if text.isascii() and text.isprintable() and text:
        return text
    import stringprep
    from unicodedata import ucd_3_2_0

    mapped = "".join(
        " " if stringprep.in_table_c12(char) else char
        for char in text
        if not stringprep.in_table_b1(char)
    )
    prepared = ucd_3_2_0.normalize("NFKC", mapped)
    if not prepared:
        raise UsageError(f"the {what} is empty", step="auth", condition="malformed-request")
    tables = (
        stringprep.in_table_c12,
        stringprep.in_table_c21_c22,
        stringprep.in_table_c3,
        stringprep.in_table_c4,
        stringprep.in_table_c5,
        stringprep.in_table_c6,
        stringprep.in_table_c7,
        stringprep.in_table_c8,
        stringprep.in_table_c9,
    )
    if any(table(char) for table in tables for char in prepared):
        raise UsageError(
            f"the {what} contains a character that none may contain (RFC 4013 §2.3)",
            step="auth",
            condition="malformed-request",
        )
    # RFC 3454 §6: right-to-left text stands alone, at both ends
    right_to_left = [stringprep.in_table_d1(char) for char in prepared]
    mixed = any(stringprep.in_table_d2(char) for char in prepared)
    if any(right_to_left) and (mixed or not right_to_left[0] or not right_to_left[-1]):
        raise UsageError(
            f"the {what} mixes right-to-left and left-to-right text (RFC 4013 §2.4)",
            step="auth",
            condition="malformed-request",
        )
    return prepared


def _escape(name: str) -> str:
    return name.replace("=", "=3D").replace(",", "=2C")


def _attributes(message: bytes) -> list[tuple[str, str]]:
    try:
        pairs = [part.partition("=") for part in message.decode().split(",")]
    except UnicodeDecodeError:
        raise _malformed("its message is not UTF-8") from None
    if any(len(name) != 1 or not equals for name, equals, _ in pairs):
        raise _malformed("its message has no attributes")
    if pairs[0][0] == "e":
        raise _server_error(pairs[0][2])
    if pairs[0][0] == "m":
        raise _malformed("it demands an extension that is not known here")
    return [(name, value) for name, _, value in pairs]


def _decode(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise _malformed("its message is not Base64 where it should be") from None


def _offer_hash(offer: Offer, algorithm: str) -> bytes:
    """XEP-0474 §5.1; "i;octet" of RFC 4790 compares the bytes."""
    text = b"\x1e".join(sorted(each.encode() for each in offer.mechanisms))
    if offer.bindings is not None:
        text += b"\x1f" + b"\x1e".join(sorted(each.encode() for each in offer.bindings))
    return hashlib.new(algorithm, text).digest()


def _downgrade(why: str) -> TlsError:
    return TlsError(
        f"somebody on the way to the server seems to weaken the login: {why}; the password was not"
        " used",
        step="auth",
        condition="downgrade",
        hint="try another network; tell the server's administrator if it happens there as well",
    )


def _malformed(why: str) -> AuthError:
    return AuthError(
        f"the server breaks the rules of SCRAM: {why}", step="auth", condition="malformed-challenge"
    )


def _not_authentic(why: str) -> AuthError:
    return AuthError(
        f"the server did not prove that it knows the password: {why}",
        step="auth",
        condition="server-not-authentic",
        hint="it may be an impostor: check which server answers",
    )


def _server_error(value: str) -> AuthError:
    condition = value if value in _BINDING_ERRORS else "other-error"
    if value in _WRONG_CREDENTIALS:
        condition = "not-authorized"
    return AuthError(
        f"the server refused the login: {value}",
        step="auth",
        condition=condition,
        hint="check user name and password" if condition == "not-authorized" else None,
    )
