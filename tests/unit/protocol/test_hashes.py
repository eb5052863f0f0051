"""XEP-0300: hashes by name."""

from __future__ import annotations

import hashlib

import pytest

from xmppctl.model import digest
from xmppctl.protocol import hashes, jingle
from xmppctl.session.xml import parse

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


def read(*elements: str) -> dict[str, str]:
    inside = "".join(elements)
    return hashes.read(list(parse(f"<x xmlns='urn:xmpp:hashes:2'>{inside}</x>")))


def test_hashes_are_read_by_algorithm() -> None:
    """The elements of XEP-0300 §3."""
    assert read(
        "<hash algo='sha-1'>2AfMGH8O7UNPTvUVAM9aK13mpCY=</hash>",
        "<hash algo='SHA-256'> 47DEQpj8HBSa+/TImW+5JCeu\nQeRkm5NMpJWZG3hSuFU=</hash>",
        "<hash algo='sha-256'>2XarmwTlNxDAMkvymloX3S5+VbylNrJt/l5QyPa+YoU=</hash>",
        "<hash algo='id-blake2b256'>2AfMGH8O7UNPTvUVAM9aK13mpCY=</hash>",
    ) == {
        "sha-1": "d807cc187f0eed434f4ef51500cf5a2b5de6a426",
        "sha-256": EMPTY,
        "id-blake2b256": "d807cc187f0eed434f4ef51500cf5a2b5de6a426",
    }


@pytest.mark.parametrize(
    "element",
    [
        "<hash>2AfMGH8O7UNPTvUVAM9aK13mpCY=</hash>",
        "<hash algo=''>2AfMGH8O7UNPTvUVAM9aK13mpCY=</hash>",
        "<hash algo='sha 1'>2AfMGH8O7UNPTvUVAM9aK13mpCY=</hash>",
        f"<hash algo='{'x' * 65}'>AAAA</hash>",
        "<hash algo='sha-256'>2AfMGH8O7UNPTvUVAM9aK13mpCY=</hash>",
        "<hash algo='sha-1'>2AfMGH8O7UNPTvUVAM9aK13mpC</hash>",
        "<hash algo='sha-1'>d807cc187f0eed434f4ef51500cf5a2b5de6a426</hash>",
        "<hash algo='odd'>ä</hash>",
        "<hash algo='odd'/>",
        f"<hash algo='odd'>{'AAAA' * 100}</hash>",
        "<hash xmlns='urn:xmpp:hashes:1' algo='sha-1'>2AfMGH8O7UNPTvUVAM9aK13mpCY=</hash>",
        "<hash-used algo='sha-256'/>",
    ],
)
def test_what_is_no_hash(element: str) -> None:
    assert read(element) == {}


@pytest.mark.parametrize("name", digest.ALGORITHMS)
def test_what_is_sent_is_read_again(name: str) -> None:
    value = digest.ALGORITHMS[name]().digest()
    assert hashes.read([hashes.element(name, value)]) == {name: value.hex()}


def test_what_is_announced() -> None:
    """By the registered names of §9.3, which spell BLAKE2 in their own way."""
    assert "urn:xmpp:hashes:2" in hashes.FEATURES
    assert "urn:xmpp:hash-function-text-names:sha-256" in hashes.FEATURES
    assert "urn:xmpp:hash-function-text-names:id-blake2b512" in hashes.FEATURES
    assert len(hashes.FEATURES) == len(digest.ALGORITHMS) + 1
    assert jingle.FEATURES > hashes.FEATURES
