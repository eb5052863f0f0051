"""Hash functions by the names of XEP-0300; those that prove nothing any more are left out."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import partial
from typing import Any

from xmppctl.model.xep import Xep

XEPS = (Xep("0300", "1.0.0", "partial", "of files; SHA-1 and MD5 prove nothing and are refused"),)

ALGORITHMS: dict[str, Callable[[], Any]] = {
    "sha-256": hashlib.sha256,
    "sha-512": hashlib.sha512,
    "sha3-256": hashlib.sha3_256,
    "sha3-512": hashlib.sha3_512,
    "blake2b-256": partial(hashlib.blake2b, digest_size=32),
    "blake2b-512": partial(hashlib.blake2b, digest_size=64),
}
"""By the names of §3; each gives a fresh hash object."""

_SPELLINGS = {name.replace("-", ""): name for name in ALGORITHMS}


def parse(text: str) -> tuple[str, bytes]:
    """Name and digest of ``ALGO:HEX``; ``sha256`` is as good as ``sha-256``.

    Raises ValueError with a sentence.
    """
    spelling, colon, digits = text.strip().partition(":")
    name = _SPELLINGS.get(spelling.strip().lower().replace("-", ""))
    if name is None or not colon:
        raise ValueError(f"{text!r} is not ALGO:HEX with one of {', '.join(ALGORITHMS)}")
    try:
        digest = bytes.fromhex(digits)
    except ValueError:
        raise ValueError(f"{digits!r} is not hexadecimal") from None
    length = ALGORITHMS[name]().digest_size
    if len(digest) != length:
        raise ValueError(f"a {name} has {2 * length} hexadecimal digits, not {len(digits)}")
    return name, digest
