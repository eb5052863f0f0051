"""XEP-0384 version 0.9: its bundles and messages as XML (§4.3, §4.4)."""

from __future__ import annotations

from xml.etree.ElementTree import Element, SubElement

from omemo.bundle import Bundle
from omemo.message import EncryptedKeyMaterial, KeyExchange, Message
from twomemo.twomemo import BundleImpl, ContentImpl, EncryptedKeyMaterialImpl, KeyExchangeImpl
from x3dh import Bundle as Keys

from xmppctl.model.jid import lenient
from xmppctl.protocol.omemo import NEW
from xmppctl.protocol.omemo.wire import MalformedError, data, number, put

_KEY, _SIGNATURE = 32, 64
_TRUE = ("true", "1")


def bundle_element(bundle: Bundle) -> Element:
    """A bundle as it is published."""
    assert isinstance(bundle, BundleImpl)
    keys = bundle.bundle
    whole = Element(f"{{{NEW}}}bundle")
    put(whole, f"{{{NEW}}}spk", keys.signed_pre_key, id=str(bundle.signed_pre_key_id))
    put(whole, f"{{{NEW}}}spks", keys.signed_pre_key_sig)
    put(whole, f"{{{NEW}}}ik", keys.identity_key)
    inner = SubElement(whole, f"{{{NEW}}}prekeys")
    for key, identifier in sorted(bundle.pre_key_ids.items(), key=lambda pair: pair[1]):
        put(inner, f"{{{NEW}}}pk", key, id=str(identifier))
    return whole


def read_bundle(element: Element, jid: str, device: int) -> BundleImpl:
    """See ``wire.read_bundle``."""
    if element.tag != f"{{{NEW}}}bundle":
        raise MalformedError("there is no bundle")
    signed = element.find(f"{{{NEW}}}spk")
    pre_keys: dict[bytes, int] = {}
    for each in element.findall(f"{{{NEW}}}prekeys/{{{NEW}}}pk"):
        pre_keys[data(each, "pre-key", size=_KEY)] = number(each.get("id"), "id of a pre-key")
    if not pre_keys:
        raise MalformedError("there is no pre-key")
    keys = Keys(
        data(element.find(f"{{{NEW}}}ik"), "identity key", size=_KEY),
        data(signed, "signed pre-key", size=_KEY),
        data(element.find(f"{{{NEW}}}spks"), "signature", size=_SIGNATURE),
        frozenset(pre_keys),
    )
    identifier = number(
        signed.get("id") if signed is not None else None, "id of the signed pre-key"
    )
    return BundleImpl(jid, device, keys, identifier, pre_keys)


def encrypted_element(message: Message) -> Element:
    """See ``wire.encrypted_element``."""
    assert isinstance(message.content, ContentImpl)
    whole = Element(f"{{{NEW}}}encrypted")
    header = SubElement(whole, f"{{{NEW}}}header", {"sid": str(message.device_id)})
    accounts: dict[str, Element] = {}
    for material, exchange in message.keys:
        assert isinstance(material, EncryptedKeyMaterialImpl)
        if material.bare_jid not in accounts:
            attributes = {"jid": material.bare_jid}
            accounts[material.bare_jid] = SubElement(header, f"{{{NEW}}}keys", attributes)
        content, attributes = material.serialize(), {"rid": str(material.device_id)}
        if exchange is not None:
            assert isinstance(exchange, KeyExchangeImpl)
            content = exchange.serialize(content)
            attributes["kex"] = "true"
        put(accounts[material.bare_jid], f"{{{NEW}}}key", content, **attributes)
    if not message.content.empty:
        put(whole, f"{{{NEW}}}payload", message.content.ciphertext)
    return whole


def read_encrypted(
    element: Element, sender: str, own: str, device: int, identity: bytes | None
) -> Message:
    """See ``old.read_encrypted``; here the sender's key comes whole."""
    header = element.find(f"{{{NEW}}}header")
    if header is None:
        raise MalformedError("there is no header")
    sid = number(header.get("sid"), "id of the sender's device")
    payload = element.find(f"{{{NEW}}}payload")
    content = ContentImpl(data(payload, "payload") if payload is not None else b"")
    keys: set[tuple[EncryptedKeyMaterial, KeyExchange | None]] = set()
    for account in header.findall(f"{{{NEW}}}keys"):
        if str(lenient(account.get("jid", ""))) != own:
            continue
        for each in account.findall(f"{{{NEW}}}key"):
            if each.get("rid") != str(device):
                continue
            packed, exchange = data(each, "key"), None
            if each.get("kex", "").strip() in _TRUE or _is_exchange(packed):
                exchange, packed = KeyExchangeImpl.parse(packed)
            keys.add((EncryptedKeyMaterialImpl.parse(packed, own, device), exchange))
    return Message(NEW, sender, sid, content, frozenset(keys))


def _is_exchange(packed: bytes) -> bool:
    """Whether it is no OMEMOAuthenticatedMessage, and so can only be an OMEMOKeyExchange (§4.4).

    QXmpp marks the first message of a session with ``kex``, and not those that follow before an
    answer, which have the same form. Raises ValueError.
    """
    header = EncryptedKeyMaterialImpl.parse(packed, "", 0).encrypted_message.header
    return not header.ratchet_pub
