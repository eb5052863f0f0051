"""XEP-0384 §4.3, §8: the own device, those of others, and how far their keys are trusted."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from omemo import DeviceInformation

from xmppctl.errors import RefusedError, UsageError
from xmppctl.model.omemo import OmemoDevice, OmemoFingerprint
from xmppctl.protocol.omemo import STEP, VERSIONS, format_fingerprint, trust
from xmppctl.protocol.omemo.library import Manager
from xmppctl.protocol.omemo.manager import Omemo, own_device
from xmppctl.protocol.omemo.nodes import Key, fetch_bundles, fetch_lists
from xmppctl.protocol.omemo.sealing import fingerprint

if TYPE_CHECKING:
    from xmppctl.model.omemostate import State

SILENT = 53
"""Messages without an answer after which a device is stale (§5)."""

Level = Literal["verified", "trusted", "distrusted"]

_FINGERPRINT = re.compile(r"[0-9a-f]{64}")
_BETWEEN = re.compile(r"[\s:-]+")


class Which:
    """A device as the user names it: by its fingerprint, or by its id. Raises UsageError."""

    def __init__(self, text: str, *, fingerprint_only: bool = False) -> None:
        self.text = text
        plain = _BETWEEN.sub("", text).lower()
        self.fingerprint: str | None = None
        self.device: int | None = None
        if _FINGERPRINT.fullmatch(plain):
            self.fingerprint = plain
        elif text.isascii() and text.isdecimal() and len(text) <= 10 and not fingerprint_only:
            self.device = int(text)
        else:
            or_id = "" if fingerprint_only else ", and no device id"
            raise UsageError(f"{text!r} is no fingerprint: 64 hexadecimal digits{or_id}")

    def is_(self, device: DeviceInformation) -> bool:
        """Whether it is that one."""
        return self.device == device.device_id or self.fingerprint == fingerprint(device)


async def listed(omemo: Omemo, jid: str, *, keys: bool = True) -> list[OmemoDevice]:
    """All devices of an account that are announced or known, by their ids.

    ``keys``: look whether each has published its own. Makes no device. Raises what asking the
    account raises, unless it says that there are none.
    """
    session = omemo.session
    await omemo.look(jid)
    for ns in VERSIONS.values():
        error = omemo.lists.errors.get((ns, jid))
        if error is not None and (ns, jid) not in omemo.lists.devices:
            raise error
    announced: dict[int, list[str]] = {}
    wanted: set[Key] = set()
    for version, ns in VERSIONS.items():
        for device in omemo.lists.devices.get((ns, jid), {}):
            announced.setdefault(device, []).append(version)
            wanted.add((ns, jid, device))
    bundles = await fetch_bundles(session, wanted) if keys else {}
    wrong: dict[int, list[str]] = {}
    prints: dict[int, str] = {}
    for (ns, _, device), bundle in sorted(bundles.items()):
        if isinstance(bundle, str):
            wrong.setdefault(device, []).append(f"{_version(ns)}: {bundle}")
        else:
            prints[device] = fingerprint_of(bundle.identity_key)
    known: dict[int, DeviceInformation] = {}
    unanswered: dict[int, int] = {}
    mine = own_device(omemo.state)
    if mine is not None:

        async def action(manager: Manager) -> None:
            for each in await manager.get_device_information(jid):
                known[each.device_id] = each
                lengths = await manager.get_sending_chain_length(each)
                told = [length for length in lengths.values() if length is not None]
                if told:
                    unanswered[each.device_id] = max(told)

        await omemo.run(action, jid)
    own = mine if jid == session.bare else None
    found = []
    for device in sorted({*announced, *known}):
        information = known.get(device)
        silent = unanswered.get(device, 0) >= SILENT
        usable = not keys or len(wrong.get(device, ())) < len(announced.get(device, ()))
        print_ = fingerprint(information) if information is not None else prints.get(device)
        if device == own:
            state = "this"
        elif device not in announced:
            state = "gone"
        else:
            state = "active" if usable and not silent else "stale"
        level = information.trust_level_name if information is not None else trust.UNDECIDED
        found.append(
            OmemoDevice(
                jid=jid,
                device=device,
                fingerprint=print_,
                trust=None if device == own or print_ is None else level,
                state=state,
                versions=announced.get(device, []),
                label=information.label if information is not None else None,
                unanswered=unanswered.get(device),
                detail="; ".join(wrong.get(device, ())) or None,
            )
        )
    return found


def _version(ns: str) -> str:
    return next(version for version, each in VERSIONS.items() if each == ns)


def fingerprint_of(identity_key: bytes) -> str:
    """That of a key: 64 hexadecimal digits."""
    from omemo import SessionManager

    return "".join(SessionManager.format_identity_key(identity_key))


def own_fingerprint(state: State, jid: str) -> OmemoFingerprint | None:
    """That of the device on this machine, None where there is none yet."""
    device = own_device(state)
    if device is None:
        return None
    key = json.loads(state.load(f"/devices/{jid}/{device}/identity_key") or '""')
    return as_fingerprint(jid, device, fingerprint_of(base64.urlsafe_b64decode(key)), None)


async def init(omemo: Omemo) -> OmemoDevice:
    """The account's device on this machine, made where there is none; proven to be announced.

    Raises RefusedError (not-applied) where the server does not show what was published.
    """

    async def nothing(manager: Manager) -> None:
        pass

    await omemo.run(nothing)
    return await proven(omemo)


async def proven(omemo: Omemo) -> OmemoDevice:
    """The own device, as the server shows it now. Raises RefusedError (not-applied)."""
    own = omemo.session.bare
    omemo.forget(own)
    device = own_device(omemo.state)
    found = next((each for each in await listed(omemo, own) if each.device == device), None)
    if found is None or found.detail is not None or len(found.versions or ()) < len(VERSIONS):
        told = found.detail if found is not None and found.detail else "it is not announced"
        raise RefusedError(
            f"the server does not show the device {device} as it was published: {told}",
            step=STEP,
            condition="not-applied",
            by=own,
        )
    return found


async def refresh(omemo: Omemo) -> OmemoDevice:
    """Publish the own keys and the list of the account's devices again, open to everybody."""
    await omemo.publish_all()
    return await proven(omemo)


async def replace_sessions(omemo: Omemo, jid: str) -> list[OmemoDevice]:
    """Begin anew with all devices of an account that there is a session with (§5).

    A device with which none can be begun has an error.
    """
    failed: dict[int, str] = {}
    done: list[int] = []

    async def action(manager: Manager) -> None:
        failed.clear()
        done.clear()
        for each in await manager.get_device_information(jid):
            lengths = await manager.get_sending_chain_length(each)
            announced = any(active for _, active in each.active)
            if not announced or all(length is None for length in lengths.values()):
                continue
            errors = await manager.replace_sessions(each)
            done.append(each.device_id)
            if errors:
                failed[each.device_id] = "; ".join(map(str, errors.values())) or "no keys"

    await omemo.run(action, jid)
    found = [each for each in await listed(omemo, jid, keys=False) if each.device in done]
    return [_with_error(each, failed.get(each.device or 0)) for each in found]


def _with_error(device: OmemoDevice, text: str | None) -> OmemoDevice:
    if text is None:
        return device
    from dataclasses import replace

    error = RefusedError(
        f"no new session with the device {device.device} of {device.jid}: {text}",
        step=STEP,
        condition="no-session",
        by=device.jid,
    )
    return replace(device, error=error.info())


async def set_trust(
    omemo: Omemo, jid: str, which: Sequence[Which], level: Level, *, announced: bool
) -> list[OmemoDevice]:
    """Decide on the keys of devices; without ``which`` on all that are announced.

    ``announced``: not on those that are not announced any more. Raises RefusedError
    (item-not-found) where there is no such device: nothing is decided then.
    """
    chosen: set[int] = set()
    missing: list[Which] = []

    async def action(manager: Manager) -> None:
        chosen.clear()
        devices = [
            each
            for each in await manager.get_device_information(jid)
            if not (jid == manager.own and each.device_id == own_device(omemo.state))
            and (not announced or any(active for _, active in each.active))
        ]
        if manager.network.lacking_bundles:
            return
        missing[:] = [each for each in which if not any(map(each.is_, devices))]
        if missing or not devices:
            return
        for device in devices:
            if not which or any(each.is_(device) for each in which):
                if (level, device.trust_level_name) != ("trusted", "verified"):  # which is more
                    await manager.set_trust(jid, device.identity_key, level)
                chosen.add(device.device_id)

    await omemo.run(action, jid)
    if missing or not chosen:
        what = f"device {missing[0].text}" if missing else "device"
        raise RefusedError(
            f"{jid} announces no {what}: nothing was changed",
            step=STEP,
            condition="item-not-found",
            by=jid,
            hint=f"xmppctl omemo devices {jid} lists them",
        )
    return [each for each in await listed(omemo, jid, keys=False) if each.device in chosen]


async def fingerprints(omemo: Omemo, jid: str) -> list[OmemoFingerprint]:
    """The fingerprints of an account's devices that show one."""
    return [
        as_fingerprint(each.jid, each.device, each.fingerprint, each.trust)
        for each in await listed(omemo, jid)
        if each.fingerprint is not None and each.device is not None
    ]


def as_fingerprint(jid: str, device: int, fingerprint: str, trust: str | None) -> OmemoFingerprint:
    """The record of one."""
    from urllib.parse import quote

    uri = f"xmpp:{quote(jid, safe='@')}?omemo-sid-{device}={fingerprint}"
    return OmemoFingerprint(jid, device, fingerprint, format_fingerprint(fingerprint), uri, trust)


async def remove(omemo: Omemo, devices: Sequence[int]) -> list[OmemoDevice]:
    """Announce devices of the own account no more, and delete their keys; proven by the list.

    One that was not announced has an error.
    """
    session, own = omemo.session, omemo.session.bare
    before = await fetch_lists(session, [own])
    results = []
    wanted = set(devices)
    changed = {
        ns: {k: v for k, v in before.devices.get((ns, own), {}).items() if k not in wanted}
        for ns in VERSIONS.values()
    }
    for ns, left in changed.items():
        if len(left) < len(before.devices.get((ns, own), {})):
            await omemo.publisher.devices(ns, left)
    for device in devices:
        announced = [ns for ns in changed if device in before.devices.get((ns, own), {})]
        for ns in announced:
            await omemo.publisher.remove_bundle(ns, device)
        results.append((device, announced))
    after = await fetch_lists(session, [own])
    found = []
    for device, announced in results:
        record = OmemoDevice(own, device, state="gone", versions=[])
        still = [ns for ns in changed if device in after.devices.get((ns, own), {})]
        if not announced:
            error = RefusedError(
                f"the account announces no device {device}",
                step=STEP, condition="item-not-found", by=own,
            )  # fmt: skip
        elif still:
            error = RefusedError(
                f"the device {device} is announced again: it may be in use",
                step=STEP, condition="conflict", by=own,
            )  # fmt: skip
        else:
            found.append(record)
            continue
        from dataclasses import replace

        found.append(replace(record, error=error.info()))
    return found
