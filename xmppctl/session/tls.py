"""TLS: pins, what a connection says of its peer, and why a handshake failed.

RFC 6120 §5 and §13.7. Verification is never off (``tlscontext``): a matching pin (SHA-256 of the
end certificate's SubjectPublicKeyInfo) stands in its place when no CA file is given.
"""

from __future__ import annotations

import ssl
from collections.abc import Callable

from xmppctl.errors import TlsError
from xmppctl.model.account import Account
from xmppctl.session.certificate import describe, end_point, spki_sha256
from xmppctl.session.tlscontext import ALPN, Witness, client_context, verifying_context
from xmppctl.session.tlserror import tls_error

__all__ = [
    "ALPN",
    "channel_bindings",
    "check_pins",
    "client_context",
    "describe",
    "peer_chain",
    "spki_sha256",
    "tls_error",
    "verifying_context",
]


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


def peer_chain(ssl_object: ssl.SSLObject, *, verified: bool) -> list[bytes]:
    """The certificates of the peer in DER form, the end certificate first.

    ``verified``: the chain that the handshake verified, up to its anchor; otherwise what the peer
    sent, which may hold anything behind the first. Empty where there is none.
    """
    name = "get_verified_chain" if verified else "get_unverified_chain"
    if hasattr(ssl_object, name):  # public since Python 3.13
        chain = getattr(ssl_object, name)()
        return [bytes(each) for each in chain or ()]
    chain = getattr(ssl_object._sslobj, name)()  # type: ignore[attr-defined]
    return [ssl.PEM_cert_to_DER_cert(each.public_bytes()) for each in chain or ()]


def channel_bindings(ssl_object: ssl.SSLObject) -> dict[str, Callable[[], bytes]]:
    """The channel binding types usable on this connection, in order of preference, with their data.

    tls-exporter (RFC 9266) under TLS 1.3, where ``client_context`` made the context and the
    system has memory for a key log. tls-unique (RFC 5929 §3) under TLS 1.2, where no session was
    resumed: without the extended master secret (RFC 7627), of which ``ssl`` does not tell, it
    would not be unique then. tls-server-end-point (RFC 5929 §4) where the certificate defines it.
    """
    found: dict[str, Callable[[], bytes]] = {}
    exported = ssl_object.exporter if isinstance(ssl_object, Witness) else None
    if exported is not None:
        found["tls-exporter"] = lambda: exported
    if ssl_object.version() == "TLSv1.2" and not ssl_object.session_reused:
        unique = ssl_object.get_channel_binding("tls-unique")
        if unique:
            found["tls-unique"] = lambda: unique
    end = end_point(ssl_object.getpeercert(True) or b"")
    if end is not None:
        found["tls-server-end-point"] = lambda: end
    return found
