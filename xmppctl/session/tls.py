"""TLS: whom to trust, pins, what a certificate says, and why a handshake failed.

RFC 6120 §5 and §13.7, RFC 7590, RFC 6125. Verification is never off: a matching pin (SHA-256 of
the end certificate's SubjectPublicKeyInfo) stands in its place when no CA file is given.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import re
import shlex
import ssl
import stat
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from xmppctl.errors import LocalError, TlsError, UsageError
from xmppctl.model.account import Account
from xmppctl.session.certificate import describe, load, spki_sha256
from xmppctl.session.tlserror import tls_error

__all__ = [
    "ALPN",
    "channel_bindings",
    "check_pins",
    "client_context",
    "describe",
    "spki_sha256",
    "tls_error",
    "verifying_context",
]

ALPN = ("xmpp-client",)
"""The protocol announced over direct TLS (XEP-0368 §2)."""

_HASHED = re.compile(r"[0-9a-f]{8}\.[0-9]+")

_ENOUGH = 50
"""Hashed certificates that make a directory a whole system store; no real one has fewer."""


class _Witness(ssl.SSLObject):
    """An SSL object that leaves the peer's certificate behind when it does not verify.

    The exception alone tells neither the names nor the key of what was refused.
    """

    def do_handshake(self) -> None:
        try:
            super().do_handshake()
        except ssl.SSLCertVerificationError as error:
            # diagnostics only: whatever goes wrong here must not hide the error itself
            with contextlib.suppress(Exception):
                chain = self._sslobj.get_unverified_chain()  # type: ignore[attr-defined]
                error.peer_certificate = ssl.PEM_cert_to_DER_cert(  # type: ignore[attr-defined]
                    chain[0].public_bytes()
                )
            raise


def client_context(account: Account, *, alpn: tuple[str, ...] = ()) -> ssl.SSLContext:
    """The context for the XMPP connection of ``account``.

    With pins and no CA file the handshake verifies nothing: the caller must then give the
    certificate to ``check_pins`` before it sends a byte (it may always do so).
    Raises LocalError for a file that cannot be read or is open to others, UsageError for one
    that does not hold what it should.
    """
    context = verifying_context(account.ca_file)
    if account.pins and account.ca_file is None:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if account.cert is not None:
        _load_identity(context, account.cert, account.key or account.cert)
    if alpn:
        context.set_alpn_protocols(list(alpn))
    return context


def verifying_context(ca_file: Path | None) -> ssl.SSLContext:
    """A context that checks chain and name: system store plus ``ca_file``; TLS >= 1.2.

    For every TLS connection of the process, whatever its protocol. Raises as ``client_context``.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.sslobject_class = _Witness
    _load_system_store(context)
    if ca_file is not None:
        _load_ca_file(context, ca_file)
    return context


def check_pins(der: bytes | None, account: Account) -> None:
    """Compare the end certificate (DER) with the pins of ``account``; without pins all is well.

    Raises TlsError "pin-mismatch", which tells the SHA-256 that was seen.
    """
    if not account.pins:
        return
    seen = spki_sha256(der) if der else None
    if seen is None or seen not in account.pins:
        shown = f"sha256:{seen.hex()}" if seen else "no readable certificate"
        raise TlsError(
            f"the key of the certificate for {account.domain} is not the pinned one: the server "
            f"showed {shown}",
            step="tls",
            condition="pin-mismatch",
            by=account.domain,
            hint="find out why the key changed before you trust another one with --pin",
        )


def channel_bindings(ssl_object: ssl.SSLObject) -> dict[str, Callable[[], bytes]]:
    """The channel binding types usable on this connection, in order of preference, with their data.

    tls-unique (RFC 5929 §3) is not defined for TLS 1.3; tls-exporter (RFC 9266) is not offered by
    the standard library; tls-server-end-point (RFC 5929 §4) always works.
    """
    found: dict[str, Callable[[], bytes]] = {}
    unique = ssl_object.get_channel_binding("tls-unique")
    if unique and ssl_object.version() == "TLSv1.2":
        found["tls-unique"] = lambda: unique
    der = ssl_object.getpeercert(True)
    if der:
        found["tls-server-end-point"] = lambda: _end_point(der)
    return found


def _end_point(der: bytes) -> bytes:
    algorithm = load(der).signature_hash_algorithm
    name = algorithm.name if algorithm is not None else "sha256"
    # RFC 5929 §4.1: MD5 and SHA-1 are replaced by SHA-256
    return hashlib.new("sha256" if name in ("md5", "sha1") else name, der).digest()


def _load_system_store(context: ssl.SSLContext) -> None:
    """The system's certificates, by OpenSSL's rules for SSL_CERT_FILE and SSL_CERT_DIR.

    A hashed directory is searched only when a certificate is to be verified: 0.3 ms where
    reading the whole store takes 40.
    """
    paths = ssl.get_default_verify_paths()
    directory = paths.capath
    if not os.environ.get(paths.openssl_cafile_env) and directory and _is_store(directory):
        context.load_verify_locations(capath=directory)
    else:
        context.load_default_certs()


def _is_store(directory: str) -> bool:
    found = 0
    with contextlib.suppress(OSError), os.scandir(directory) as entries:
        for entry in entries:
            found += _HASHED.fullmatch(entry.name) is not None
            if found >= _ENOUGH:
                return True
    return False


def _load_ca_file(context: ssl.SSLContext, path: Path) -> None:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise _unreadable(path, error) from None
    # a single server or intermediate certificate may be the anchor, as people expect of it
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    try:
        if b"-----BEGIN " in data:
            context.load_verify_locations(cafile=path)
        else:
            context.load_verify_locations(cadata=data)
    except (ssl.SSLError, ValueError):
        raise UsageError(
            f"{path} holds no CA certificate",
            step="tls",
            condition="bad-ca-file",
            hint="--ca-file takes certificates in PEM form",
        ) from None


def _load_identity(context: ssl.SSLContext, cert: Path, key: Path) -> None:
    for path in dict.fromkeys((cert, key)):
        try:
            with path.open("rb") as file:
                status = os.fstat(file.fileno())
        except OSError as error:
            raise _unreadable(path, error) from None
        if path == key:
            _check_private(status, path)
    try:
        context.load_cert_chain(cert, key, password=_refuse_passphrase)
    except _EncryptedKeyError:
        raise UsageError(
            f"the private key in {key} is encrypted",
            step="tls",
            condition="encrypted-key",
            hint=f"decrypt it into a file of mode 600: openssl pkey -in {shlex.quote(str(key))}",
        ) from None
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            text = f"the private key in {key} does not belong to the certificate in {cert}"
        else:
            text = f"{cert} and {key} are not a certificate and its private key in PEM form"
        raise UsageError(text, step="tls", condition="bad-client-certificate") from None


class _EncryptedKeyError(Exception):
    """OpenSSL asked for a passphrase; it would prompt on the terminal by itself."""


def _refuse_passphrase() -> NoReturn:
    raise _EncryptedKeyError


def _check_private(status: os.stat_result, path: Path) -> None:
    mode = stat.S_IMODE(status.st_mode)
    if os.name == "posix" and stat.S_ISREG(status.st_mode) and mode & 0o077:
        raise LocalError(
            f"{path} holds a private key but is open to others (mode {mode:04o})",
            step="tls",
            condition="not-private",
            hint=f"chmod 600 {shlex.quote(str(path))}",
        )


def _unreadable(path: Path, error: OSError) -> LocalError:
    return LocalError(
        f"cannot read {path}: {error.strerror or error}",
        step="tls",
        condition="not-found" if error.errno == errno.ENOENT else "not-readable",
    )
