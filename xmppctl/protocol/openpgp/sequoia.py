"""The one module that knows the library (pysequoia, whose interface is not stable yet)."""

from __future__ import annotations

import os
import resource
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path

import pysequoia
from pysequoia.packet import Packet, PacketPile, SignatureType, Tag

from xmppctl.protocol.openpgp.packets import MOST_BYTES, plain

_PRIMARY = (Tag.PublicKey, Tag.SecretKey)
_SUBKEY = (Tag.PublicSubkey, Tag.SecretSubkey)


@contextmanager
def _asked() -> Iterator[None]:
    """What the library raises as ValueError with its first line: the rest is a trace."""
    try:
        yield
    except BaseException as error:
        # a panic inside the library is no Exception
        if isinstance(error, Exception) or type(error).__name__ == "PanicException":
            raise ValueError(str(error).partition("\n")[0]) from None
        raise


class PublicKey:
    """A transferable public key. Raises ValueError where ``data`` is none."""

    def __init__(self, data: bytes) -> None:
        with _asked():
            self._cert = pysequoia.Cert.from_bytes(data)
            self.data = bytes(self._cert)
            self.fingerprint = self._cert.fingerprint.upper()
            self.user_ids = [str(each) for each in self._cert.user_ids]
            self.expires_at = self._cert.expiration
            self.revoked = self._cert.is_revoked

    @property
    def problem(self) -> str | None:
        """Why nothing may be encrypted for it; None where it may."""
        if self.revoked:
            return "it is revoked"
        if self.expires_at is not None and self.expires_at <= datetime.now(UTC):
            return f"it expired on {self.expires_at:%Y-%m-%d}"
        try:
            if self.for_encryption is None:
                return "it has no part for encryption that is valid now"
        except ValueError as error:
            return f"it cannot be read ({error})"
        return None

    @cached_property
    def for_encryption(self) -> pysequoia.Cert | None:
        """Without subkeys that are revoked or expired, which the library would use."""
        with _asked():
            kept: list[Packet] = []
            encrypts = False
            for group in _groups(self.data):
                if group[0].tag in _SUBKEY:
                    binding = _binding(group)
                    if binding is None or not _is_alive(group[0], binding):
                        continue
                    flags = binding.key_flags
                    encrypts |= flags is not None and (
                        flags.transport_encryption or flags.storage_encryption
                    )
                kept += group
            if not encrypts and not _primary_encrypts(kept):
                return None
            found = pysequoia.Cert.from_packets(kept)
        try:
            with _asked():
                pysequoia.encrypt(b"", recipients=[found], armor=False)
        except ValueError:  # its signatures are too weak for the library
            return None
        return found


class SecretKey:
    """A transferable secret key without passphrase. Raises ValueError where ``data`` is none."""

    def __init__(self, data: bytes) -> None:
        with _asked():
            self._tsk = pysequoia.Tsk.from_bytes(data)
            self.data = bytes(self._tsk)
            self.public = PublicKey(bytes(self._tsk.extract_certificate()))
        self.fingerprint = self.public.fingerprint

    @cached_property
    def signer(self) -> pysequoia.PySigner:
        """Raises ValueError where it cannot sign: expired, or with a passphrase."""
        with _asked():
            return self._tsk.signer()

    @cached_property
    def decryptor(self) -> pysequoia.PyDecryptor:
        """Raises ValueError where it cannot decrypt."""
        with _asked():
            return self._tsk.decryptor()


def generate(user_id: str) -> SecretKey:
    """A new key that does not expire."""
    with _asked():
        return SecretKey(bytes(pysequoia.Tsk.generate(user_id=user_id)))


def keys_of(data: bytes) -> tuple[list[SecretKey], list[PublicKey]]:
    """The secret and the public keys in ``data``, binary or armored. Raises ValueError."""
    secrets: list[SecretKey] = []
    public: list[PublicKey] = []
    with _asked():
        for packets in _certificates(data):
            if packets[0].tag == Tag.SecretKey:
                secrets.append(SecretKey(bytes(pysequoia.Tsk.from_packets(packets))))
            else:
                public.append(PublicKey(bytes(pysequoia.Cert.from_packets(packets))))
    return secrets, public


def encrypt(data: bytes, recipients: Sequence[PublicKey], signer: SecretKey | None) -> bytes:
    """Encrypted for all of them, and signed where there is a ``signer``. Raises ValueError."""
    with _asked():
        return pysequoia.encrypt(
            data,
            recipients=[each.for_encryption for each in recipients if each.for_encryption],
            signer=None if signer is None else signer.signer,
            armor=False,
        )


def sign(data: bytes, signer: SecretKey) -> bytes:
    """Signed, and not encrypted. Raises ValueError."""
    with _asked():
        return pysequoia.sign(signer.signer, data, armor=False)


def decrypt(message: bytes, key: SecretKey) -> bytes:
    """What is in an encrypted message, whoever wrote it. Raises ValueError.

    Where the system can do that (Linux), 16 MiB at most.
    """
    decryptor = key.decryptor
    if not hasattr(os, "memfd_create") or not Path("/dev/fd").exists():
        with _asked():
            return pysequoia.decrypt(message, decryptor).bytes or b""
    with _file(message) as given, _file(b"") as found:
        try:
            with _asked(), _at_most(MOST_BYTES):
                pysequoia.decrypt_file(f"/dev/fd/{given}", f"/dev/fd/{found}", decryptor)
        except ValueError:
            if os.fstat(found).st_size >= MOST_BYTES:
                raise ValueError(f"it has more than {MOST_BYTES} bytes") from None
            raise
        return os.pread(found, MOST_BYTES, 0)


def signer_of(message: bytes, key: SecretKey | None, keys: Sequence[PublicKey]) -> str | None:
    """The fingerprint of that one of ``keys`` which signed the message; None for none of them.

    ``key`` decrypts it, as ``decrypt`` did before; None for one that is signed alone.
    """
    certificates = [each._cert for each in keys]
    try:
        with _asked():
            if key is None:
                found = pysequoia.verify(plain(message), lambda ids: certificates)
            else:
                found = pysequoia.decrypt(message, key.decryptor, lambda ids: certificates)
            signers = [str(each.certificate).upper() for each in found.valid_sigs]
    except ValueError:
        return None
    return signers[0] if signers else None


def signed(message: bytes, keys: Sequence[PublicKey]) -> bytes:
    """What is in a message that one of ``keys`` signed. Raises ValueError for any other."""
    certificates = [each._cert for each in keys]
    with _asked():
        return pysequoia.verify(plain(message), lambda ids: certificates).bytes or b""


@contextmanager
def _file(data: bytes) -> Iterator[int]:
    """The descriptor of a file without a name, in memory."""
    descriptor = os.memfd_create("openpgp")
    try:
        view = memoryview(data)
        while view:
            view = view[os.write(descriptor, view) :]
        os.lseek(descriptor, 0, os.SEEK_SET)
        yield descriptor
    finally:
        os.close(descriptor)


@contextmanager
def _at_most(size: int) -> Iterator[None]:
    """Files do not grow beyond that: the library has no limit, and few bytes unpack to many."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    unlimited = resource.RLIM_INFINITY
    least = min(each for each in (size, soft, hard) if each != unlimited)
    resource.setrlimit(resource.RLIMIT_FSIZE, (least, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def encrypt_by_code(data: bytes, code: str) -> bytes:
    """Encrypted with a password. Raises ValueError."""
    with _asked():
        return pysequoia.encrypt(data, passwords=[code], armor=False)


def decrypt_by_code(message: bytes, code: str) -> bytes:
    """What was encrypted with a password. Raises ValueError."""
    with _asked():
        return pysequoia.decrypt(message, passwords=[code]).bytes or b""


def _certificates(data: bytes) -> Iterator[list[Packet]]:
    """The packets of each of several transferable keys behind one another."""
    found: list[Packet] = []
    for packet in PacketPile.from_bytes(data):
        if packet.tag in _PRIMARY and found:
            yield found
            found = []
        found.append(packet)
    if found:
        yield found


def _groups(data: bytes) -> list[list[Packet]]:
    """Each key or user id with the signatures behind it."""
    groups: list[list[Packet]] = []
    for packet in PacketPile.from_bytes(data):
        if packet.tag == Tag.Signature and groups:
            groups[-1].append(packet)
        else:
            groups.append([packet])
    return groups


def _binding(group: Sequence[Packet]) -> Packet | None:
    """The newest signature that binds a subkey; None where it is revoked, or not bound."""
    if any(each.signature_type == SignatureType.SubkeyRevocation for each in group[1:]):
        return None
    bindings = [each for each in group[1:] if each.signature_type == SignatureType.SubkeyBinding]
    return max(bindings, key=_made, default=None)


def _made(signature: Packet) -> datetime:
    return signature.signature_created or datetime.min.replace(tzinfo=UTC)


def _is_alive(key: Packet, binding: Packet) -> bool:
    period, created = binding.key_validity_period, key.key_created
    return not period or created is None or created + period > datetime.now(UTC)


def _primary_encrypts(packets: Sequence[Packet]) -> bool:
    for packet in packets:
        if packet.tag in _SUBKEY:
            return False
        flags = packet.key_flags if packet.tag == Tag.Signature else None
        if flags is not None and (flags.transport_encryption or flags.storage_encryption):
            return True
    return False
