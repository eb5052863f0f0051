"""XEP-0384 version 0.3: its bundles and messages as XML.

Keys of Curve25519 have a byte 5 before them. The sign bit of the identity key, which its form of
Ed25519 needs, is in the highest bit of the signature: libsignal puts it there.
"""

from __future__ import annotations

from xml.etree.ElementTree import Element, SubElement

import xeddsa
from oldmemo.oldmemo import (
    BundleImpl,
    ContentImpl,
    EncryptedKeyMaterialImpl,
    KeyExchangeImpl,
    StateImpl,
)
from omemo.bundle import Bundle
from omemo.message import EncryptedKeyMaterial, KeyExchange, Message
from x3dh import Bundle as Keys

from xmppctl.protocol.omemo import OLD
from xmppctl.protocol.omemo.wire import MalformedError, data, number, put

_SIGNATURE, _SIGN = 64, 0x80
_TRUE = ("true", "1")


def bundle_element(bundle: Bundle) -> Element:
    """A bundle as it is published."""
    assert isinstance(bundle, BundleImpl)
    keys = bundle.bundle
    whole = Element(f"{{{OLD}}}bundle")
    put(
        whole,
        f"{{{OLD}}}signedPreKeyPublic",
        StateImpl.serialize_public_key(keys.signed_pre_key),
        signedPreKeyId=str(bundle.signed_pre_key_id),
    )
    signature = bytearray(keys.signed_pre_key_sig)
    signature[-1] |= keys.identity_key[-1] & _SIGN
    put(whole, f"{{{OLD}}}signedPreKeySignature", bytes(signature))
    identity = xeddsa.ed25519_pub_to_curve25519_pub(keys.identity_key)
    put(whole, f"{{{OLD}}}identityKey", StateImpl.serialize_public_key(identity))
    inner = SubElement(whole, f"{{{OLD}}}prekeys")
    for key, identifier in sorted(bundle.pre_key_ids.items(), key=lambda pair: pair[1]):
        public = StateImpl.serialize_public_key(key)
        put(inner, f"{{{OLD}}}preKeyPublic", public, preKeyId=str(identifier))
    return whole


def read_bundle(element: Element, jid: str, device: int) -> BundleImpl:
    """See ``wire.read_bundle``."""
    if element.tag != f"{{{OLD}}}bundle":
        raise MalformedError("there is no bundle")
    signed = element.find(f"{{{OLD}}}signedPreKeyPublic")
    signature = bytearray(
        data(element.find(f"{{{OLD}}}signedPreKeySignature"), "signature", size=_SIGNATURE)
    )
    sign = bool(signature[-1] & _SIGN)
    signature[-1] &= ~_SIGN & 0xFF
    curve = StateImpl.parse_public_key(data(element.find(f"{{{OLD}}}identityKey"), "identity key"))
    pre_keys: dict[bytes, int] = {}
    for each in element.findall(f"{{{OLD}}}prekeys/{{{OLD}}}preKeyPublic"):
        key = StateImpl.parse_public_key(data(each, "pre-key"))
        pre_keys[key] = number(each.get("preKeyId"), "id of a pre-key")
    if not pre_keys:
        raise MalformedError("there is no pre-key")
    keys = Keys(
        xeddsa.curve25519_pub_to_ed25519_pub(curve, sign),
        StateImpl.parse_public_key(data(signed, "signed pre-key")),
        bytes(signature),
        frozenset(pre_keys),
    )
    identifier = _signed_id(signed)
    return BundleImpl(jid, device, keys, identifier, pre_keys)


def _signed_id(element: Element | None) -> int:
    """Some libraries count signed pre-keys from 0."""
    text = element.get("signedPreKeyId") if element is not None else None
    return 0 if text == "0" else number(text, "id of the signed pre-key")


def encrypted_element(message: Message) -> Element:
    """See ``wire.encrypted_element``."""
    assert isinstance(message.content, ContentImpl)
    whole = Element(f"{{{OLD}}}encrypted")
    header = SubElement(whole, f"{{{OLD}}}header", {"sid": str(message.device_id)})
    for material, exchange in message.keys:
        assert isinstance(material, EncryptedKeyMaterialImpl)
        content, attributes = material.serialize(), {"rid": str(material.device_id)}
        if exchange is not None:
            assert isinstance(exchange, KeyExchangeImpl)
            content, _ = exchange.serialize(content)
            attributes["prekey"] = "true"
        put(header, f"{{{OLD}}}key", content, **attributes)
    put(header, f"{{{OLD}}}iv", message.content.initialization_vector)
    if not message.content.empty:
        put(whole, f"{{{OLD}}}payload", message.content.ciphertext)
    return whole


def read_encrypted(
    element: Element, sender: str, own: str, device: int, identity: bytes | None
) -> Message:
    """A message, with the key for the own ``device`` alone, if there is one.

    ``identity``: the identity key of the sender's device, where it is known: a message that begins
    a session has it without its sign. Raises MalformedError, as do the libraries.
    """
    header = element.find(f"{{{OLD}}}header")
    if header is None:
        raise MalformedError("there is no header")
    sid = number(header.get("sid"), "id of the sender's device")
    payload = element.find(f"{{{OLD}}}payload")
    vector = header.find(f"{{{OLD}}}iv")
    content = ContentImpl(
        data(payload, "payload") if payload is not None else b"",
        # without a payload nothing needs one, and some clients leave it out
        b"" if vector is None and payload is None else data(vector, "initialization vector"),
    )
    keys: set[tuple[EncryptedKeyMaterial, KeyExchange | None]] = set()
    for each in header.findall(f"{{{OLD}}}key"):
        if each.get("rid") != str(device):
            continue
        packed, exchange = data(each, "key"), None
        if each.get("prekey", "").strip() in _TRUE:
            sign = identity is not None and bool(identity[-1] & _SIGN)
            exchange, packed = KeyExchangeImpl.parse(packed, sign)
        keys.add((EncryptedKeyMaterialImpl.parse(packed, own, device), exchange))
    return Message(OLD, sender, sid, content, frozenset(keys))
