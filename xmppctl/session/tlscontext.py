"""Whom a TLS connection trusts: the system's store, ``--ca-file``, a client certificate.

RFC 6120 §5 and §13.7, RFC 7590, RFC 6125. This is on the way to the first byte of a run, so that
nothing is imported here which only a failure or the answer of the server needs, not even
``typing``.
"""

from __future__ import annotations

import contextlib
import errno
import os
import ssl
import stat

from xmppctl.session import exporter

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path
    from typing import NoReturn

    from xmppctl.errors import LocalError
    from xmppctl.model.account import Account
    from xmppctl.model.aim import Aim

ALPN = ("xmpp-client",)
"""The protocol announced over direct TLS (XEP-0368 §2)."""

_HEX = frozenset("0123456789abcdef")

_BEGIN = b"-----BEGIN CERTIFICATE-----"

_ENOUGH = 50
"""Hashed certificates that make a directory a whole system store; no real one has fewer."""


class Context(ssl.SSLContext):
    """A context that may have a key log, from which its connections learn tls-exporter."""

    key_log: exporter.KeyLog | None = None


class Witness(ssl.SSLObject):
    """An SSL object that tells of its handshake what the standard library does not.

    ``exporter``: the data of the channel binding tls-exporter. When the peer's certificate does
    not verify, it is left behind in the exception, which alone tells neither the names nor the key
    of what was refused.
    """

    exporter: bytes | None = None

    def do_handshake(self) -> None:
        """As ever, and keeps what there is to be told."""
        log = self.context.key_log if isinstance(self.context, Context) else None
        with log.lock if log is not None else contextlib.nullcontext():
            try:
                super().do_handshake()
            except ssl.SSLWantReadError:
                raise
            except ssl.SSLError as error:
                if log is not None:
                    log.wipe()
                if isinstance(error, ssl.SSLCertVerificationError):
                    self._keep_certificate(error)
                raise
            # asked again behind its end, a handshake succeeds once more and writes nothing
            if log is not None and self.exporter is None:
                self.exporter = log.binding()

    def _keep_certificate(self, error: ssl.SSLCertVerificationError) -> None:
        # diagnostics only: whatever goes wrong here must not hide the error itself
        with contextlib.suppress(Exception):
            chain = self._sslobj.get_unverified_chain()  # type: ignore[attr-defined]
            error.peer_certificate = ssl.PEM_cert_to_DER_cert(  # type: ignore[attr-defined]
                chain[0].public_bytes()
            )


def client_context(
    account: Account | Aim, *, alpn: tuple[str, ...] = (), by_dane: bool = False
) -> ssl.SSLContext:
    """The context for the XMPP connection of ``account``.

    With pins and no CA file the handshake verifies nothing: the caller must then give the
    certificate to ``check_pins`` before it sends a byte (it may always do so). The same holds for
    ``by_dane`` (``dane.replaces_authorities``) and ``dane.check``.
    Raises LocalError for a file that cannot be read or is open to others, UsageError for one
    that does not hold what it should.
    """
    context = verifying_context(account.ca_file)
    context.key_log = exporter.attach(context)
    if by_dane or (account.pins and account.ca_file is None):
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if account.cert is not None:
        _load_identity(context, account.cert, account.key or account.cert)
    if alpn:
        context.set_alpn_protocols(list(alpn))
    return context


def verifying_context(ca_file: Path | str | None) -> Context:
    """A context that checks chain and name: system store plus ``ca_file``; TLS >= 1.2.

    For every TLS connection of the process, whatever its protocol. Raises as ``client_context``.
    """
    context = Context(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.sslobject_class = Witness
    _load_system_store(context)
    if ca_file is not None:
        _load_ca_file(context, ca_file)
    return context


def _load_system_store(context: ssl.SSLContext) -> None:
    """The system's certificates, by OpenSSL's rules for SSL_CERT_FILE and SSL_CERT_DIR.

    A hashed directory is searched only when a certificate is to be verified: 0.3 ms where
    reading the whole store takes 40. OpenSSL trusts file and directory; the directory alone
    serves where there is no file, or none that holds more (which costs 2 ms to find out).
    """
    paths = ssl.get_default_verify_paths()
    directory = paths.capath
    if directory and _is_store(directory, paths.cafile):
        context.load_verify_locations(capath=directory)
    else:
        context.load_default_certs()


def _is_store(directory: str, bundle: str | None) -> bool:
    """Whether all certificates of the system, those of ``bundle`` too, are in ``directory``."""
    try:
        with os.scandir(directory) as entries:
            hashed = [entry.path for entry in entries if _is_hash(entry.name)]
        if len(hashed) < _ENOUGH:
            return False
        if bundle is None:
            return True
        with open(bundle, "rb") as file:  # noqa: PTH123
            data = file.read()
        found: set[bytes] = set()
        for path in hashed:
            with open(path, "rb", buffering=0) as file:  # noqa: PTH123  # Path.open: twice as long
                found.update(_certificates(file.read())[:1])
    except OSError:
        return False
    # OpenSSL reads revocation lists and certificates of another kind from a bundle as well
    if data.count(b"-----BEGIN ") != data.count(_BEGIN):
        return False
    return found.issuperset(_certificates(data))


def _is_hash(name: str) -> bool:
    """Whether a link is named as OpenSSL looks for it: ``5ed36f99.0``."""
    return name[8:9] == "." and name[9:].isdigit() and set(name[:8]) <= _HEX


def _certificates(pem: bytes) -> list[bytes]:
    """What stands between the lines BEGIN and END of each certificate."""
    return [block.partition(b"-----END ")[0].strip() for block in pem.split(_BEGIN)[1:]]


def _load_ca_file(context: ssl.SSLContext, path: Path | str) -> None:
    try:
        with open(path, "rb") as file:  # noqa: PTH123
            data = file.read()
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
        from xmppctl.errors import UsageError

        raise UsageError(
            f"{path} holds no CA certificate",
            step="tls",
            condition="bad-ca-file",
            hint="--ca-file takes certificates in PEM form",
        ) from None


def _load_identity(context: ssl.SSLContext, cert: Path | str, key: Path | str) -> None:
    for path in dict.fromkeys((cert, key)):
        try:
            with open(path, "rb") as file:  # noqa: PTH123
                status = os.fstat(file.fileno())
        except OSError as error:
            raise _unreadable(path, error) from None
        if path == key:
            _check_private(status, path)
    try:
        context.load_cert_chain(cert, key, password=_refuse_passphrase)
    except _EncryptedKeyError:
        import shlex

        from xmppctl.errors import UsageError

        raise UsageError(
            f"the private key in {key} is encrypted",
            step="tls",
            condition="encrypted-key",
            hint=f"decrypt it into a file of mode 600: openssl pkey -in {shlex.quote(str(key))}",
        ) from None
    except ssl.SSLError as error:
        from xmppctl.errors import UsageError

        if error.reason == "KEY_VALUES_MISMATCH":
            text = f"the private key in {key} does not belong to the certificate in {cert}"
        else:
            text = f"{cert} and {key} are not a certificate and its private key in PEM form"
        raise UsageError(text, step="tls", condition="bad-client-certificate") from None


class _EncryptedKeyError(Exception):
    """OpenSSL asked for a passphrase; it would prompt on the terminal by itself."""


def _refuse_passphrase() -> NoReturn:
    raise _EncryptedKeyError


def _check_private(status: os.stat_result, path: Path | str) -> None:
    mode = stat.S_IMODE(status.st_mode)
    if os.name == "posix" and stat.S_ISREG(status.st_mode) and mode & 0o077:
        import shlex

        from xmppctl.errors import LocalError

        raise LocalError(
            f"{path} holds a private key but is open to others (mode {mode:04o})",
            step="tls",
            condition="not-private",
            hint=f"chmod 600 {shlex.quote(str(path))}",
        )


def _unreadable(path: Path | str, error: OSError) -> LocalError:
    from xmppctl.errors import LocalError

    return LocalError(
        f"cannot read {path}: {error.strerror or error}",
        step="tls",
        condition="not-found" if error.errno == errno.ENOENT else "not-readable",
    )
