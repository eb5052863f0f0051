"""XEP-0300: the element that carries a hash."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable
from xml.etree.ElementTree import Element

from xmppctl.model.digest import ALGORITHMS
from xmppctl.protocol import Xep

XEPS = (Xep("0300", "1.0.0", "partial", "those of shared files are shown, unknown ones too"),)

NS = "urn:xmpp:hashes:2"
HASH = f"{{{NS}}}hash"

_LENGTHS = {
    "md5": 16, "sha-1": 20, "sha-224": 28, "sha-256": 32, "sha-384": 48, "sha-512": 64,
    "sha3-256": 32, "sha3-512": 64, "blake2b-256": 32, "blake2b-512": 64,
}  # fmt: skip
"""Bytes of the digests whose names are registered or defined (§3)."""

# the registered features of BLAKE2 have names of their own
FEATURES = frozenset({NS}) | {
    f"urn:xmpp:hash-function-text-names:{re.sub('^blake2b-', 'id-blake2b', name)}"
    for name in ALGORITHMS
}
"""What a client that checks files by these functions announces (§5, §9.3)."""

_NAME = re.compile(r"[a-z0-9][a-z0-9./_-]{0,63}", re.ASCII)
_LONGEST = 128


def element(name: str, digest: bytes) -> Element:
    """``<hash/>`` with the digest in base64 without white space (§3)."""
    made = Element(HASH, {"algo": name})
    made.text = base64.b64encode(digest).decode()
    return made


def read(elements: Iterable[Element]) -> dict[str, str]:
    """Digests in hexadecimal by algorithm, out of ``<hash/>`` elements; the first of each counts.

    An algorithm that is not known is kept. Left out is what is no base64, or has not the length
    that a known algorithm gives.
    """
    found: dict[str, str] = {}
    for each in elements:
        name = each.get("algo", "").strip().lower()
        text = "".join((each.text or "").split())
        if each.tag != HASH or _NAME.fullmatch(name) is None or len(text) > _LONGEST * 2:
            continue
        try:
            digest = base64.b64decode(text, validate=True)
        except (binascii.Error, ValueError):
            continue
        if 0 < len(digest) <= _LONGEST and len(digest) == _LENGTHS.get(name, len(digest)):
            found.setdefault(name, digest.hex())
    return found
