"""What the library is asked for: keys that are not to be used, and messages that are none."""

import resource
import shutil
import subprocess
import time
import zlib

import pysequoia
import pytest

from tests.unit.protocol.openpgp.world import ALICE, BOB, CAROL, key
from xmppctl.protocol.openpgp import packets, sequoia


def expired():
    tsk = pysequoia.Tsk.generate(user_id="xmpp:old@fake.test", validity_seconds=1)
    time.sleep(1.1)
    return sequoia.SecretKey(bytes(tsk))


def revoked(secret):
    tsk = pysequoia.Tsk.from_bytes(secret.data)
    cert = tsk.extract_certificate()
    return sequoia.PublicKey(bytes(cert) + bytes(cert.revoke(tsk.certifier())))


def test_there_and_back():
    sealed = sequoia.encrypt(b"x", [key(BOB).public, key(ALICE).public], key(ALICE))
    assert packets.is_encrypted(sealed)
    assert sequoia.decrypt(sealed, key(BOB)) == b"x"
    assert sequoia.decrypt(sealed, key(ALICE)) == b"x"
    keys = [key(CAROL).public, key(ALICE).public]
    assert sequoia.signer_of(sealed, key(BOB), keys) == key(ALICE).fingerprint
    assert sequoia.signer_of(sealed, key(BOB), [key(CAROL).public]) is None
    with pytest.raises(ValueError, match="No key to decrypt"):
        sequoia.decrypt(sealed, key(CAROL))
    assert key(BOB).fingerprint == key(BOB).fingerprint.upper()


def test_encrypted_and_not_signed():
    sealed = sequoia.encrypt(b"x", [key(BOB).public], None)
    assert sequoia.signer_of(sealed, key(BOB), [key(ALICE).public]) is None


def test_signed_and_not_encrypted():
    message = sequoia.sign(b"x", key(ALICE))
    assert not packets.is_encrypted(message)
    assert sequoia.signed(message, [key(ALICE).public]) == b"x"
    with pytest.raises(ValueError, match="no valid signatures"):
        sequoia.signed(message, [key(BOB).public])
    with pytest.raises(ValueError, match="no valid signatures"):
        sequoia.signed(message, [])


def test_an_expired_key():
    old = expired()
    assert "expired on" in old.public.problem
    with pytest.raises(ValueError, match="No suitable signing"):
        sequoia.sign(b"x", old)


def test_a_revoked_key():
    cert = revoked(key(CAROL))
    assert cert.problem == "it is revoked"
    sealed = sequoia.encrypt(b"x", [key(BOB).public], key(CAROL))
    assert sequoia.signer_of(sealed, key(BOB), [cert]) is None


def test_a_key_whose_part_for_encryption_is_gone():
    """The library itself goes on encrypting for it."""
    packets = list(pysequoia.packet.PacketPile.from_bytes(key(BOB).public.data))
    flags = [each.key_flags for each in packets]
    at = next(i for i, each in enumerate(flags) if each and each.transport_encryption)
    bare = pysequoia.Cert.from_packets([*packets[: at - 1], *packets[at + 1 :]])
    found = sequoia.PublicKey(bytes(bare))
    assert found.for_encryption is None
    assert "no part for encryption" in found.problem


def test_several_keys_behind_one_another_binary_and_armored():
    data = key(ALICE).data + key(BOB).data + key(CAROL).public.data
    secrets, public = sequoia.keys_of(data)
    assert [each.fingerprint for each in secrets] == [
        key(ALICE).fingerprint,
        key(BOB).fingerprint,
    ]
    assert [each.fingerprint for each in public] == [key(CAROL).fingerprint]
    assert secrets[0].data == key(ALICE).data
    armored = str(pysequoia.Tsk.from_bytes(key(ALICE).data)).encode()
    assert sequoia.keys_of(armored)[0][0].data == key(ALICE).data


@pytest.mark.parametrize("data", [b"", b"abc", b"\xff" * 60, b"-----BEGIN PGP MESSAGE-----\n"])
@pytest.mark.parametrize("read", [sequoia.PublicKey, sequoia.SecretKey])
def test_what_is_no_key(data, read):
    with pytest.raises(ValueError, match=r".") as error:
        read(data)
    assert "\n" not in str(error.value)  # no trace


def test_a_panic_of_the_library_ends_nothing(monkeypatch):
    class PanicException(BaseException):
        pass

    def panic(data):
        raise PanicException("at src/lib.rs")

    monkeypatch.setattr(sequoia, "PacketPile", type("P", (), {"from_bytes": staticmethod(panic)}))
    with pytest.raises(ValueError, match=r"lib\.rs"):
        sequoia.keys_of(b"x")


def literal(size):
    data = b"b\0\0\0\0\0" + bytes(size)
    return b"\xcb\xff" + len(data).to_bytes(4) + data


def compressed(packet, method=2):
    engine = zlib.compressobj(9, wbits=15 if method == 2 else -15)
    return b"\xa3" + bytes([method]) + engine.compress(packet) + engine.flush()


def gnupg(home, *args, data=b""):
    if shutil.which("gpg") is None:
        pytest.skip("gpg is not installed")
    home.mkdir(mode=0o700, exist_ok=True)
    command = ["gpg", "--homedir", home, "--batch", "--quiet", "--trust-model", "always", *args]
    return subprocess.run(command, input=data, capture_output=True, check=True).stdout


@pytest.fixture
def encrypting(tmp_path):
    """Encrypts for bob as other programs do, who compress."""
    home = tmp_path / "gnupg"
    gnupg(home, "--import", data=key(BOB).public.data)
    return lambda data: gnupg(
        home, "--compress-algo", "zlib", "-r", key(BOB).fingerprint, "--encrypt", data=data
    )


def test_compressed_and_encrypted(encrypting):
    text = b"text " * 1000
    sealed = encrypting(text)
    assert len(sealed) < len(text)
    assert sequoia.decrypt(sealed, key(BOB)) == text
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    with pytest.raises(ValueError, match="more than"):
        sequoia.decrypt(encrypting(bytes(packets.MOST_BYTES + 1)), key(BOB))
    assert resource.getrlimit(resource.RLIMIT_FSIZE) == limit


@pytest.mark.parametrize("method", [1, 2])
def test_compressed_and_signed(method):
    message = sequoia.sign(b"x" * 2000, key(BOB))
    packed = compressed(message, method)
    assert sequoia.signed(packed, [key(BOB).public]) == b"x" * 2000
    assert sequoia.signer_of(packed, None, [key(BOB).public]) == key(BOB).fingerprint
    for many in (compressed(literal(packets.MOST_BYTES)), compressed(compressed(message))):
        with pytest.raises(ValueError, match=r"more than|no signed message"):
            sequoia.signed(many, [key(BOB).public])


def test_packets_in_parts():
    """Lengths of all forms (RFC 9580 §4.2), and some that are cut off."""
    message = sequoia.sign(b"x", key(BOB))
    body = compressed(message)[1:]
    parts = b"\xc8\xe1" + body[:2] + b"\xe0" + body[2:3] + b"\xff" + len(body[3:]).to_bytes(4)
    assert packets.plain(parts + body[3:]) == message
    assert packets.plain(b"\xa1" + len(body).to_bytes(2) + body) == message
    for end in range(1, 12):
        for whole in (parts + body[3:], message, compressed(message)):
            with pytest.raises(ValueError, match="it is"):
                packets.plain(whole[:end])


def test_a_key_that_the_library_stumbles_over_is_not_used(monkeypatch):
    def stumble(data):
        raise RuntimeError("at src/lib.rs")

    found = sequoia.PublicKey(key(BOB).public.data)
    monkeypatch.setattr(sequoia, "PacketPile", type("P", (), {"from_bytes": staticmethod(stumble)}))
    assert found.problem == "it cannot be read (at src/lib.rs)"
