"""XEP-0384 §5: the end of the own device, and of what is known of others."""

from __future__ import annotations

from xmppctl.errors import RefusedError
from xmppctl.model.omemo import OmemoPurge
from xmppctl.protocol.omemo import STEP, VERSIONS
from xmppctl.protocol.omemo.library import Manager
from xmppctl.protocol.omemo.manager import Omemo, own_device
from xmppctl.protocol.omemo.nodes import fetch_lists


async def purge(omemo: Omemo) -> OmemoPurge:
    """Announce the own device no more and delete its keys on the server; proven by the lists.

    The state is left to the caller. Raises RefusedError, UnsupportedError, DeadlineError.
    """
    session, own = omemo.session, omemo.session.bare
    device = own_device(omemo.state)
    assert device is not None
    lists = await fetch_lists(session, [own])
    for ns in VERSIONS.values():
        before = lists.devices.get((ns, own), {})
        if device in before:
            left = {key: label for key, label in before.items() if key != device}
            await omemo.publisher.devices(ns, left)
        await omemo.publisher.remove_bundle(ns, device)
    after = await fetch_lists(session, [own])
    if any(device in after.devices.get((ns, own), {}) for ns in VERSIONS.values()):
        raise RefusedError(
            f"the device {device} is announced again", step=STEP, condition="not-applied", by=own
        )
    return OmemoPurge(own, device, [device])


async def forget(omemo: Omemo, jid: str) -> OmemoPurge:
    """Forget the devices of an account. Raises RefusedError (item-not-found) for an unknown one."""
    found: list[int] = []

    async def action(manager: Manager) -> None:
        known = (await manager.storage.load_list(f"/devices/{jid}/list", int)).maybe([])
        found[:] = sorted(known)
        if not found:
            return
        for ns in VERSIONS.values():
            # the library takes it out of this list, and fails where it is not in it
            place = f"/{ns}/bare_jids"
            listed = (await manager.storage.load_list(place, str)).maybe([])
            if jid not in listed:
                await manager.storage.store(place, [*listed, jid])
        await manager.purge_bare_jid(jid)

    if jid == omemo.session.bare:
        raise RefusedError(
            "that is the own account: without JID its device is removed",
            step=STEP, condition="not-allowed", by=jid,
        )  # fmt: skip
    await omemo.run(action, fresh=False)
    if not found:
        raise RefusedError(
            f"nothing is known of the devices of {jid}",
            step=STEP, condition="item-not-found", by=jid,
        )  # fmt: skip
    return OmemoPurge(jid, None, found)
