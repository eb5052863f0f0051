"""The channel binding "tls-exporter" (RFC 9266) without a library beyond the standard one.

Python's ``ssl`` has no exporter (RFC 5705, RFC 8446 §7.5), but OpenSSL tells the secrets of a
handshake to a key log, and the line EXPORTER_SECRET is what TLS 1.3 derives every exported value
from. The log is memory that has no name, never a file of a disk; it is emptied as soon as a
handshake is over, and only the 32 bytes of the binding are kept of it. SSLKEYLOGFILE has no say
here: Python honours it in ``ssl.create_default_context`` alone.
"""

from __future__ import annotations

import os
import ssl
import threading

_LABEL = b"EXPORTER-Channel-Binding"
_LENGTH = 32
_HASHES = {32: "sha256", 48: "sha384"}
"""By the length of the secret, which is that of the cipher suite's hash (RFC 8446 §7.1)."""

_MOST = 65536
"""Bytes that are read of a log; a handshake writes about one kilobyte."""


class KeyLog:
    """The key log of one context, in memory; it ends with the context that holds it.

    ``binding`` is to be called when a handshake has just succeeded, ``wipe`` when one has failed:
    a line belongs to the handshake that wrote it last. Whoever lets several threads shake hands by
    one context holds ``lock`` over each step of a handshake and what follows it.
    """

    def __init__(self, context: ssl.SSLContext) -> None:
        """Let ``context`` write here. Raises OSError where this system cannot do it."""
        self.lock = threading.Lock()
        self._ends: tuple[int, ...] = ()
        if hasattr(os, "memfd_create"):
            self._ends = (os.memfd_create("tls", os.MFD_CLOEXEC),)
            place = f"/proc/self/fd/{self._ends[0]}"
        else:
            self._ends = os.pipe()
            # neither side may ever wait: what does not fit is lost, and the binding with it
            for end in self._ends:
                os.set_blocking(end, False)
            place = f"/dev/fd/{self._ends[1]}"
        context.keylog_filename = place

    def __del__(self) -> None:
        for end in self._ends:
            os.close(end)

    def binding(self) -> bytes | None:
        """The data of tls-exporter for the handshake that is just over; None without TLS 1.3.

        Empties the log.
        """
        secret = None
        for line in self._take().splitlines():
            words = line.split()
            if len(words) == 3 and words[0] == b"EXPORTER_SECRET":
                secret = bytes.fromhex(words[2].decode("ascii"))
        return channel_binding(secret) if secret is not None else None

    def wipe(self) -> None:
        """Forget what is in the log."""
        self._take()

    def _take(self) -> bytes:
        log = self._ends[0]
        if len(self._ends) == 2:
            try:
                return os.read(log, _MOST)
            except BlockingIOError:
                return b""
        found = os.pread(log, _MOST, 0)
        # the pages themselves, before they go back to the system
        os.pwrite(log, bytes(len(found)), 0)
        os.ftruncate(log, 0)
        return found


def attach(context: ssl.SSLContext) -> KeyLog | None:
    """A key log for ``context``; None where this system has no memory to write one to.

    tls-exporter is simply not available then.
    """
    try:
        return KeyLog(context)
    except (OSError, ValueError):
        return None


def channel_binding(secret: bytes) -> bytes | None:
    """tls-exporter's 32 bytes from a connection's exporter master secret (RFC 9266 §4.2).

    None for a secret of a hash that is not known here.
    """
    algorithm = _HASHES.get(len(secret))
    if algorithm is None:
        return None
    import hashlib  # not on the way to the first byte of a run

    empty = hashlib.new(algorithm).digest()
    derived = _expand(algorithm, secret, _LABEL, empty, len(secret))
    return _expand(algorithm, derived, b"exporter", empty, _LENGTH)


def _expand(algorithm: str, secret: bytes, label: bytes, context: bytes, length: int) -> bytes:
    """HKDF-Expand-Label (RFC 8446 §7.1) for no more than one block of output."""
    import hmac

    label = b"tls13 " + label
    info = length.to_bytes(2) + bytes((len(label),)) + label + bytes((len(context),)) + context
    return hmac.digest(secret, info + b"\x01", algorithm)[:length]
