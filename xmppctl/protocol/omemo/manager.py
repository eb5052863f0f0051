"""Between the library OMEMO, the state on the disk, and the network.

The library wants to ask and to publish in the midst of what it does. Here it never does: it works
inside a transaction of the state, on what was fetched before. What it lacks is fetched when the
transaction is taken back, and then it does all again; what it wants to publish or send leaves when
the transaction is on the disk. So another run waits for milliseconds, and a run that is killed has
either done nothing or left what the next one completes (``_UNPUBLISHED``).
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, TypeVar
from xml.etree.ElementTree import Element

from oldmemo import Oldmemo
from omemo import Backend, OMEMOException
from omemo.bundle import Bundle
from twomemo import Twomemo

from xmppctl.errors import RefusedError
from xmppctl.protocol.omemo import NEW, OLD, STEP, trust
from xmppctl.protocol.omemo.library import Manager, Network, StateStorage, damaged
from xmppctl.protocol.omemo.nodes import Key, Lists, Publisher, fetch_bundles, fetch_lists
from xmppctl.protocol.omemo.wire import encrypted_element
from xmppctl.session.stream import MESSAGE, Session

if TYPE_CHECKING:
    from xmppctl.model.omemostate import State

T = TypeVar("T")

_UNPUBLISHED = "x/unpublished"
_OWN_ID = "/own_device_id"
_ROTATION = 7 * 24 * 3600
"""Seconds that a signed pre-key is used (§4.2: a week to a month)."""

FRESH = 60.0
"""Seconds for which a list of devices is believed, in a run that lasts."""

_ROUNDS = 5
"""How often something may turn out to be lacking; each time it is fetched."""


def own_device(state: State) -> int | None:
    """The id of the account's device on this machine, None where it has none yet.

    Raises LocalError.
    """
    found = state.load(_OWN_ID)
    try:
        return None if found is None else int(json.loads(found))
    except (TypeError, ValueError):
        raise damaged(_OWN_ID) from None


class Omemo:
    """OMEMO of one account in one run."""

    def __init__(self, session: Session, state: State) -> None:
        self.session = session
        self.state = state
        self._network = Network()
        self._publisher = Publisher(session)
        self._one_at_a_time = asyncio.Lock()
        self._rotated = False
        self._looked: dict[str, float] = {}

    @property
    def lists(self) -> Lists:
        """What is known of the devices of accounts."""
        return self._network.lists

    def why_not(self, key: Key) -> str | None:
        """In words why the keys of a device cannot be had, None where nothing is known."""
        found = self._network.bundles.get(key)
        return found if isinstance(found, str) else None

    async def look(self, *jids: str) -> None:
        """Ask for the devices of accounts, and of the own one, unless that was done just now.

        Raises what the own account answers, and ConnectError.
        """
        own, now = self.session.bare, time.monotonic()
        wanted = [
            jid
            for jid in dict.fromkeys((own, *jids))
            if now - self._looked.get(jid, -FRESH) >= FRESH
        ]
        if not wanted:
            return
        found = await fetch_lists(self.session, wanted)
        for jid in wanted:
            self.forget(jid)
            self._looked[jid] = now
        for (ns, jid), error in found.errors.items():
            if jid == own and (ns, jid) not in found.devices:
                raise error
        self.lists.devices.update(found.devices)
        self.lists.errors.update(found.errors)

    def forget(self, jid: str) -> None:
        """Ask for the devices of an account anew when they are needed."""
        self._looked.pop(jid, None)
        for known in (self.lists.devices, self.lists.errors):
            for place in [each for each in known if each[1] == jid]:
                del known[place]

    async def run(
        self,
        action: Callable[[Manager], Awaitable[T]],
        *jids: str,
        policy: trust.Policy | None = None,
        fresh: bool = True,
        keep: bool = True,
    ) -> T:
        """What ``action`` gives, done in one transaction; a device is made where there is none.

        With ``fresh`` the devices of ``jids`` and of the own account are those that they announce
        now; without, which needs a device, those that are known. Without ``keep`` all is taken
        back in the end, and nothing is published or sent. Raises what ``action`` raises,
        LocalError, and what publishing raises: RefusedError, UnsupportedError, DeadlineError.
        """
        async with self._one_at_a_time:
            if fresh:
                await self.look(*jids)
            for _ in range(_ROUNDS):
                self._network.clear()
                done = await self._attempt(action, jids, policy, keep)
                if done is None:
                    await self._fetch()
                    continue
                if keep:
                    await self._publish(done.unpublished)
                    self._send_empty()
                if done.failure is not None:
                    raise done.failure
                return done.result  # type: ignore[no-any-return]
        raise RefusedError(
            "the announced devices change all the time", step=STEP, condition="conflict"
        )

    async def _attempt(
        self,
        action: Callable[[Manager], Awaitable[Any]],
        jids: tuple[str, ...],
        policy: trust.Policy | None,
        keep: bool,
    ) -> _Done | None:
        """What became of it; None where something is lacking, and all was taken back.

        Nothing waits inside the transaction: others of this process would meet its lock.
        """
        managers: list[Manager] = []
        done = _Done()
        try:
            with self.state.transaction():
                manager = await self._manager(policy)
                managers.append(manager)
                try:
                    for jid in dict.fromkeys((self.session.bare, *jids)):
                        for ns in (OLD, NEW):
                            if (ns, jid) in self.lists.devices:
                                await manager.refresh_device_list(ns, jid)
                    done.result = await action(manager)
                except OMEMOException as error:
                    done.failure = error
                if self._network.lacking_lists or self._network.lacking_bundles:
                    raise _LackingError
                if not keep:
                    raise _TakenBackError
                done.unpublished = self._note_unpublished()
            self._rotated = True
        except _LackingError:
            return None
        except _TakenBackError:
            pass
        finally:
            for each in managers:
                await each.shutdown()  # of its task, which never began
        return done

    async def _manager(self, policy: trust.Policy | None) -> Manager:
        storage = StateStorage(self.state)

        class Bound(Manager):
            pass

        Bound.network, Bound.policy, Bound.own = self._network, policy, self.session.bare
        Bound.storage = storage
        # the first is taken where a device knows both: it is what others have read for years
        backends: list[Backend] = [Oldmemo(storage), Twomemo(storage)]
        try:
            manager = await Bound.create(
                backends, storage, self.session.bare, None, trust.UNDECIDED
            )
            if not self._rotated:
                for backend in backends:
                    if await backend.signed_pre_key_age() > _ROTATION:
                        await backend.rotate_signed_pre_key()
                        ns = backend.namespace
                        self._network.new_bundles[ns] = await self._own_bundle(ns)
        except (TypeError, ValueError, KeyError) as error:
            raise damaged(str(error)) from None
        return manager

    async def _fetch(self) -> None:
        network = self._network
        if network.lacking_lists:
            await self.look(*network.lacking_lists)
        if network.lacking_bundles:
            network.bundles.update(await fetch_bundles(self.session, network.lacking_bundles))

    # --- what goes to the own nodes

    def _note_unpublished(self) -> set[str]:
        """Keep in mind what is to be published: also what an earlier run did not get done."""
        network = self._network
        found = set(json.loads(self.state.load(_UNPUBLISHED) or "[]"))
        wanted = found | {f"list {ns}" for ns in network.new_lists}
        wanted |= {f"bundle {ns}" for ns in network.new_bundles}
        if wanted != found:
            self.state.store(_UNPUBLISHED, json.dumps(sorted(wanted)))
        return wanted

    async def _publish(self, unpublished: set[str]) -> None:
        network = self._network
        for ns, announced in network.new_lists.items():
            self.lists.devices[ns, self.session.bare] = announced
        for ns in (OLD, NEW):
            # keys first: who sees the device in the list may ask for them at once
            while f"bundle {ns}" in unpublished:
                bundle = await self._bundle(ns)
                await self._publisher.bundle(bundle)
                # another run may have used a key up meanwhile
                if self._published(f"bundle {ns}", await self._bundle(ns) == bundle):
                    break
        for ns in (OLD, NEW):
            if f"list {ns}" in unpublished:
                await self.look()
                await self._publisher.devices(ns, self.lists.devices[ns, self.session.bare])
                self._published(f"list {ns}", True)
        for ns, device in network.removed:
            await self._publisher.remove_bundle(ns, device)

    def _published(self, what: str, current: bool) -> bool:
        if current:
            with self.state.transaction():
                left = set(json.loads(self.state.load(_UNPUBLISHED) or "[]")) - {what}
                self.state.store(_UNPUBLISHED, json.dumps(sorted(left)))
        return current

    async def _bundle(self, ns: str) -> Bundle:
        """The own keys of a version, as they are to be published."""
        with self.state.transaction():
            return await self._own_bundle(ns)

    async def _own_bundle(self, ns: str) -> Bundle:
        device = own_device(self.state)
        assert device is not None
        storage = StateStorage(self.state)
        backend = Oldmemo(storage) if ns == OLD else Twomemo(storage)
        return await backend.get_bundle(self.session.bare, device)

    async def publish_all(self) -> None:
        """Publish the own keys and the list of the account's devices, whatever is there.

        Raises as ``run``.
        """

        async def action(manager: Manager) -> None:
            for ns in (OLD, NEW):
                devices = await manager._download_device_list(ns, self.session.bare)
                await manager._upload_device_list(ns, devices)
                await manager._upload_bundle(await self._own_bundle(ns))

        await self.run(action)

    @property
    def publisher(self) -> Publisher:
        """Publishes to the own nodes."""
        return self._publisher

    # --- messages that keep sessions going

    def _send_empty(self) -> None:
        """Send what the library wants to be sent: messages without content (§4.5).

        Nobody is asked to store them: one that is lost is followed by another when it is needed,
        and who only writes would find one for each message that was read.
        """
        for message, jid in self._network.messages:
            attributes = {"to": jid, "id": self.session.new_id(), "type": "chat"}
            stanza = Element(MESSAGE, attributes)
            stanza.append(encrypted_element(message))
            self.session.send(stanza)


class _Done:
    """What became of a transaction."""

    def __init__(self) -> None:
        self.result: Any = None
        self.failure: OMEMOException | None = None
        self.unpublished: set[str] = set()


class _LackingError(Exception):
    """Something has to be fetched first."""


class _TakenBackError(Exception):
    """It was only to be seen what would become of it."""
