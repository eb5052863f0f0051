"""Which keys of the ratchets the messages of OMEMO use, as anybody on the way can see them."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from xml.etree.ElementTree import Element

from oldmemo import oldmemo_pb2
from twomemo import twomemo_pb2

from xmppctl.protocol.omemo import VERSIONS

Place = tuple[bytes, int]
"""The public key of a chain, and the number of a message in it: never used twice."""

Used = dict[Place, set[str]]

_TRUE = ("true", "1")
_MAC = 8


def keys(message: Element, device: int) -> Iterator[tuple[Place, bytes]]:
    """The place and the ciphertext of each key that a message has for ``device``."""
    for version, ns in VERSIONS.items():
        for key in message.iterfind(f"{{{ns}}}encrypted//{{{ns}}}key[@rid='{device}']"):
            content = base64.b64decode(key.text or "")
            first = key.get("prekey", key.get("kex")) in _TRUE
            yield _old(content, first) if version == "0.3" else _new(content, first)


def _old(content: bytes, first: bool) -> tuple[Place, bytes]:
    """libsignal's form: a byte for the version before, the MAC behind."""
    if first:
        content = oldmemo_pb2.OMEMOKeyExchange.FromString(content[1:]).message
    inner = oldmemo_pb2.OMEMOMessage.FromString(content[1:-_MAC])
    return (inner.dh_pub, inner.n), inner.ciphertext


def _new(content: bytes, first: bool) -> tuple[Place, bytes]:
    """XEP-0384 §4.3."""
    if first:
        whole = twomemo_pb2.OMEMOKeyExchange.FromString(content).message
    else:
        whole = twomemo_pb2.OMEMOAuthenticatedMessage.FromString(content)
    inner = twomemo_pb2.OMEMOMessage.FromString(whole.message)
    return (inner.dh_pub, inner.n), inner.ciphertext
