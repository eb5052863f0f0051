"""The library's interfaces: where it keeps things, and what it knows of the network."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING, Any

from omemo import (
    BundleNotFound,
    DeviceInformation,
    DeviceListDownloadFailed,
    Just,
    Maybe,
    Nothing,
    SessionManager,
    SignedLabel,
    Storage,
    TrustLevel,
)
from omemo.bundle import Bundle
from omemo.message import Message

from xmppctl.errors import LocalError
from xmppctl.protocol.omemo import STEP, trust
from xmppctl.protocol.omemo.nodes import Key, Lists

if TYPE_CHECKING:
    from xmppctl.model.omemostate import State

for _name in ("omemo", "oldmemo", "twomemo", "x3dh", "doubleratchet"):
    # what they have to say is told in other words, or is the text of a message
    logging.getLogger(_name).setLevel(logging.CRITICAL + 1)


class StateStorage(Storage):
    """The state as the library wants it."""

    def __init__(self, state: State) -> None:
        super().__init__()
        self._state = state

    async def _load(self, key: str) -> Maybe[Any]:
        found = self._state.load(key)
        try:
            return Nothing() if found is None else Just(json.loads(found))
        except ValueError:
            raise damaged(key) from None

    async def _store(self, key: str, value: Any) -> None:
        self._state.store(key, json.dumps(value))

    async def _delete(self, key: str) -> None:
        self._state.delete(key)


def damaged(what: str) -> LocalError:
    """The state holds what nothing has written there."""
    return LocalError(
        f"the OMEMO state of this machine is damaged: {what}",
        step=STEP,
        condition="state",
        hint="move its file away, and xmppctl omemo init makes a new device",
    )


class Network:
    """What is known of the network, and what is to go there."""

    def __init__(self) -> None:
        self.lists = Lists()
        self.bundles: dict[Key, Bundle | str] = {}
        self.clear()

    def clear(self) -> None:
        """Forget what a round wanted."""
        self.lacking_lists: set[str] = set()
        self.lacking_bundles: set[Key] = set()
        self.new_lists: dict[str, dict[int, SignedLabel | None]] = {}
        self.new_bundles: dict[str, Bundle] = {}
        self.removed: set[tuple[str, int]] = set()
        self.messages: list[tuple[Message, str]] = []


class Manager(SessionManager):
    """The library's half that is made anew for each transaction."""

    network: Network
    own: str
    storage: Storage
    policy: trust.Policy | None

    # static in the library, as if there were one network for all instances; it calls them by these
    async def _upload_bundle(self, bundle: Bundle) -> None:  # type: ignore[override]
        self.network.new_bundles[bundle.namespace] = bundle

    async def _download_bundle(  # type: ignore[override]
        self, namespace: str, bare_jid: str, device_id: int
    ) -> Bundle:
        key = (namespace, bare_jid, device_id)
        found = self.network.bundles.get(key)
        if found is None:
            self.network.lacking_bundles.add(key)
        if found is None or isinstance(found, str):
            raise BundleNotFound(found or "not asked for yet")
        return found

    async def _delete_bundle(self, namespace: str, device_id: int) -> None:  # type: ignore[override]
        self.network.removed.add((namespace, device_id))

    async def _upload_device_list(  # type: ignore[override]
        self, namespace: str, device_list: dict[int, SignedLabel | None]
    ) -> None:
        self.network.new_lists[namespace] = dict(device_list)

    async def _download_device_list(  # type: ignore[override]
        self, namespace: str, bare_jid: str
    ) -> dict[int, SignedLabel | None]:
        found = self.network.lists.devices.get((namespace, bare_jid))
        if bare_jid == self.own:
            found = self.network.new_lists.get(namespace, found)
        if found is None:
            if (namespace, bare_jid) not in self.network.lists.errors:
                self.network.lacking_lists.add(bare_jid)
            raise DeviceListDownloadFailed("not there")
        return dict(found)

    async def _evaluate_custom_trust_level(self, device: DeviceInformation) -> TrustLevel:
        return trust.core(self.policy, device.trust_level_name)

    async def _make_trust_decision(
        self, undecided: frozenset[DeviceInformation], identifier: str | None
    ) -> None:
        """All was decided before."""

    async def _send_message(self, message: Message, bare_jid: str) -> None:  # type: ignore[override]
        self.network.messages.append((message, bare_jid))
