"""slixmpp with slixmpp-omemo: a client of another project that encrypts by OMEMO 0.3.

Its cryptography comes from the same authors as that of xmppctl; its XML and all the rest do not.
It has no XEP-0420: what version 2 hides is packed and unpacked here.
"""

from __future__ import annotations

import sys
import warnings
from typing import Any
from xml.etree import ElementTree as ET

from tests.peers.slix import SlixClient

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from omemo.storage import Just, Maybe, Nothing, Storage
    from slixmpp import JID
    from slixmpp.plugins import register_plugin
    from slixmpp_omemo import XEP_0384
    from twomemo import etree as new_xml

_NEW = "urn:xmpp:omemo:2"
_SCE = "urn:xmpp:sce:1"
_BODY = "{jabber:client}body"


class _Memory(Storage):
    """Lasts as long as the client."""

    def __init__(self) -> None:
        super().__init__(True)
        self.values: dict[str, Any] = {}

    async def _load(self, key: str) -> Maybe[Any]:
        return Just(self.values[key]) if key in self.values else Nothing()

    async def _store(self, key: str, value: Any) -> None:
        self.values[key] = value

    async def _delete(self, key: str) -> None:
        self.values.pop(key, None)


class Plugin(XEP_0384):
    """Trusts everybody."""

    name = "xep_0384"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._memory = _Memory()

    @property
    def storage(self) -> Storage:
        return self._memory

    @property
    def _btbv_enabled(self) -> bool:
        return True

    async def _devices_blindly_trusted(self, blindly_trusted: Any, identifier: Any) -> None:
        pass

    async def _prompt_manual_trust(self, manually_trusted: Any, identifier: Any) -> None:
        raise AssertionError("nobody is there to be asked")


xep_0384 = Plugin


class SlixOmemo:
    """``client`` with a device of its own, which is announced."""

    def __init__(self, client: SlixClient) -> None:
        self._client = client
        register_plugin(Plugin)
        client.run(client.client.register_plugin, "xep_0384", module=sys.modules[__name__])
        self._plugin = client.plugin("xep_0384")
        manager = client.run(self._plugin.get_session_manager)
        own, _ = client.run(manager.get_own_device_information)
        self.device = own.device_id
        self.fingerprint = "".join(manager.format_identity_key(own.identity_key))
        client.send_presence()

    def read(self, stanza: Any) -> tuple[str, int]:
        """The text of a message, and the device that it is from."""
        encrypted = stanza.xml.find(f"{{{_NEW}}}encrypted")
        if encrypted is not None:
            return self._read_new(encrypted, stanza["from"].bare)
        message, device = self._client.run(self._plugin.decrypt_message, stanza)
        return str(message["body"]), device.device_id

    def _read_new(self, encrypted: Any, sender: str) -> tuple[str, int]:
        async def work() -> Any:
            manager = await self._plugin.get_session_manager()
            return await manager.decrypt(new_xml.parse_message(encrypted, sender))

        plain, device, _ = self._client.run(work)
        text = ET.fromstring(plain).findtext(f"{{{_SCE}}}content/{_BODY}") if plain else None
        return str(text), device.device_id

    def write(self, to: str, text: str, *recipients: str) -> str:
        """Send a text to ``to``, for the devices of ``recipients`` (``to`` by default); its id."""
        client = self._client

        async def work() -> str:
            stanza = client.client.make_message(
                mto=to, mtype="groupchat" if recipients else "chat", mbody=text
            )
            stanza["id"] = client.client.new_id()
            whom = {JID(each) for each in recipients or (to,)}
            await self._plugin.refresh_device_lists(whom)
            sealed, errors = await self._plugin.encrypt_message(stanza, whom)
            assert sealed is not None, errors
            sealed.send()
            return str(sealed["id"])

        return str(client.run(work))

    def write_new(self, to: str, text: str) -> str:
        """Send a text to an account by version 2; the id of the message."""
        client = self._client

        async def work() -> str:
            stanza = client.client.make_message(mto=to, mtype="chat")
            stanza["id"] = client.client.new_id()
            stanza.enable("store")
            envelope = ET.Element(f"{{{_SCE}}}envelope")
            ET.SubElement(ET.SubElement(envelope, f"{{{_SCE}}}content"), _BODY).text = text
            ET.SubElement(envelope, f"{{{_SCE}}}rpad").text = "padding"
            ET.SubElement(envelope, f"{{{_SCE}}}from", jid=client.client.boundjid.bare)
            plain = {_NEW: ET.tostring(envelope)}
            await self._plugin.refresh_device_lists({JID(to)})
            manager = await self._plugin.get_session_manager()
            sealed, _ = await manager.encrypt(frozenset({to}), plain, [_NEW])
            for each in sealed:
                stanza.append(new_xml.serialize_message(each))
            stanza.send()
            return str(stanza["id"])

        return str(client.run(work))
