"""XEP-0300: hashes by name."""

from __future__ import annotations

import hashlib

import pytest

from xmppctl.model import digest
from xmppctl.protocol import hashes

EMPTY = hashlib.sha256(b"").hexdigest()


def test_the_element() -> None:
    made = hashes.element("sha-256", hashlib.sha256(b"").digest())
    assert made.tag == "{urn:xmpp:hashes:2}hash"
    assert made.get("algo") == "sha-256"
    assert made.text == "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="


@pytest.mark.parametrize(
    "text", [f"sha-256:{EMPTY}", f"sha256:{EMPTY}", f" SHA-256:{EMPTY.upper()} "]
)
def test_spellings(text: str) -> None:
    assert digest.parse(text) == ("sha-256", bytes.fromhex(EMPTY))


@pytest.mark.parametrize("name", digest.ALGORITHMS)
def test_every_algorithm(name: str) -> None:
    value = digest.ALGORITHMS[name]().digest()
    assert len(value) * 8 == int(name.rpartition("-")[2])
    assert digest.parse(f"{name}:{value.hex()}") == (name, value)


@pytest.mark.parametrize(
    "text",
    ["", "sha-256", f"sha-256 {EMPTY}", f"sha-1:{'0' * 40}", f"md5:{'0' * 32}", "sha-256:zz",
     f"sha-256:{EMPTY}00", f"sha-512:{EMPTY}", f":{EMPTY}"],
)  # fmt: skip
def test_what_proves_nothing_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"sha|hexadecimal"):
        digest.parse(text)
