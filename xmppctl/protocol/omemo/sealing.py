"""XEP-0384 §4.5, §4.6: messages for all devices of their recipients, or for none."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Literal
from xml.etree.ElementTree import Element, SubElement

from omemo import DeviceInformation, OMEMOException, SessionManager
from omemo.message import Message

from xmppctl.errors import UnsupportedError, UntrustedError, XmppctlError
from xmppctl.model.jid import Jid, lenient
from xmppctl.protocol.encrypting import BODY, STEP, take_content
from xmppctl.protocol.omemo import NEW, OLD, VERSIONS, format_fingerprint, sce, trust
from xmppctl.protocol.omemo.beside import check_old
from xmppctl.protocol.omemo.library import Manager
from xmppctl.protocol.omemo.manager import FRESH, Omemo
from xmppctl.protocol.omemo.wire import encrypted_element
from xmppctl.protocol.outgoing import Outgoing
from xmppctl.protocol.payload import hints
from xmppctl.protocol.payload.encryption import ENCRYPTION
from xmppctl.session.stream import Session

if TYPE_CHECKING:
    from xmppctl.model.omemostate import State

Version = Literal["auto", "0.3", "2"]

_INSTEAD = "This message is encrypted with OMEMO, which your client does not understand."
_ROOM_NEEDS = {
    "muc_nonanonymous": "non-anonymous",
    "muc_membersonly": "members-only",
}


class Sealer:
    """``encrypting.Encryptor`` of OMEMO.

    ``policy``: whose keys are used. ``version``: of OMEMO; "auto" takes 0.3 for each device that
    knows it. ``tell`` gets what the user should know: new keys, and devices that get nothing.
    """

    def __init__(
        self,
        session: Session,
        state: State,
        *,
        policy: trust.Policy,
        version: Version,
        tell: Callable[[str], None],
    ) -> None:
        self._session = session
        self._omemo = Omemo(session, state)
        self._policy = policy
        self._order = [OLD, NEW] if version == "auto" else [VERSIONS[version]]
        self._tell = tell
        self._told: set[tuple[str, bytes]] = set()
        self._members: dict[str, tuple[float, tuple[str, ...]]] = {}

    async def prepare(self, recipients: Iterable[Jid]) -> None:
        """Ask for the devices of all of them at once. Raises what the own account answers."""
        await self._omemo.look(*(str(each.bare) for each in recipients if each.local))

    async def check(self, recipients: Iterable[Jid], *, rooms: bool) -> None:
        """Raise what would keep a message from one of ``recipients``, which may be ``rooms``.

        Nothing is changed or published: for what has to be done before there is a message.
        """
        for to in recipients:
            whom = await self._recipients(to, is_room=rooms)
            await self._sealed(whom, {OLD: b" ", NEW: b" "}, keep=False)

    async def close(self) -> None:
        """No message follows."""

    async def encrypt(self, message: Outgoing) -> Outgoing:
        """See ``Encryptor.encrypt``. In rooms for all members; UnsupportedError where not all
        would know who they are."""
        stanza = message.stanza
        if OLD in self._order:
            check_old(stanza)
        is_room = stanza.get("type") == "groupchat"
        recipients = await self._recipients(message.to, is_room=is_room)
        sender, to = self._session.bare, str(message.to.bare)
        body = stanza.findtext(BODY) or ""
        hidden = take_content(copy.deepcopy(stanza))
        plain = {OLD: body.encode(), NEW: sce.wrap(hidden, sender=sender, to=to)}
        sealed = await self._sealed(recipients, plain)
        used = {each.namespace for each in sealed}
        if NEW in used:
            take_content(stanza)
        else:
            for child in stanza.findall(BODY):
                stanza.remove(child)
            instead = Element(BODY)
            instead.text = _INSTEAD
            stanza.insert(0, instead)
        for ns in (OLD, NEW):
            for each in sealed:
                if each.namespace == ns:
                    stanza.append(encrypted_element(each))
                    name = {OLD: "OMEMO", NEW: "OMEMO 2"}[ns]
                    SubElement(stanza, ENCRYPTION, {"namespace": ns, "name": name})
        hints.keep(stanza)
        return message

    # --- for whom

    async def _recipients(self, to: Jid, *, is_room: bool) -> tuple[str, ...]:
        if not is_room:
            if to.local is None:
                raise UntrustedError(
                    f"{to} has no devices: it is no account",
                    step=STEP,
                    condition="no-device",
                    by=str(to),
                )
            return (str(to.bare),)
        room, now = to.bare, time.monotonic()
        asked, members = self._members.get(str(room), (-FRESH, ()))
        if now - asked >= FRESH:
            members = await self._of_room(room)
            self._members[str(room)] = now, members
        return members

    async def _of_room(self, room: Jid) -> tuple[str, ...]:
        """The members of a room (§4.7): all who may be in it."""
        # their start costs time that a message to one person need not take
        from xmppctl.protocol import disco
        from xmppctl.protocol.muc import admin

        found = await disco.info(self._session, room)
        lacking = [words for name, words in _ROOM_NEEDS.items() if name not in found.features]
        if lacking:
            raise UnsupportedError(
                f"{room} is not {' and not '.join(lacking)}: who can read there is not known",
                step=STEP,
                condition="not-acceptable",
                by=str(room),
                hint="OMEMO is for rooms that are both (XEP-0384 §4.7): xmppctl muc config",
            )
        listed = await admin.affiliations(self._session, room, ("owner", "admin", "member"))
        jids = dict.fromkeys(str(lenient(each.jid).bare) for each in listed if "@" in each.jid)
        members = tuple(each for each in jids if each != self._session.bare)
        if not members:
            raise UntrustedError(
                f"{room} has no members but the own account",
                step=STEP,
                condition="no-device",
                by=str(room),
            )
        return members

    # --- for which devices

    async def _sealed(
        self, recipients: tuple[str, ...], plain: dict[str, bytes], *, keep: bool = True
    ) -> list[Message]:
        await self._omemo.look(*recipients)
        self._check_lists(recipients)
        news: list[DeviceInformation] = []
        left_out: list[DeviceInformation] = []
        reached: set[str] = set()

        async def action(manager: Manager) -> list[Message]:
            for each in (news, left_out):
                each.clear()
            reached.clear()
            for jid in dict.fromkeys((*recipients, self._session.bare)):
                devices = await self._decided(manager, jid, news)
                for device in devices:
                    if trust.usable(self._policy, device.trust_level_name):
                        reached.add(jid)
                    else:
                        left_out.append(device)
            if manager.network.lacking_bundles:
                return []  # all this will be done again
            if any(jid not in reached for jid in recipients if jid != self._session.bare):
                return []
            sealed, failures = await manager.encrypt(frozenset(recipients), plain, self._order)
            for failure in failures:
                self._session.trace.note(
                    f"nothing was encrypted for the device {failure.device_id} of "
                    f"{failure.bare_jid}: {failure.exception}"
                )
            return list(sealed)

        try:
            sealed = await self._omemo.run(action, *recipients, policy=self._policy, keep=keep)
        except OMEMOException:
            sealed = []
        self._tell_of(news, left_out)
        if not sealed:
            raise await self._nobody(recipients, reached, left_out)
        return sealed

    def _check_lists(self, recipients: tuple[str, ...]) -> None:
        """Raise what keeps an account from being asked, unless that says that it has none."""
        for jid in recipients:
            for ns in self._order:
                error = self._omemo.lists.errors.get((ns, jid))
                if error is not None and (ns, jid) not in self._omemo.lists.devices:
                    raise error

    async def _decided(
        self, manager: Manager, jid: str, news: list[DeviceInformation]
    ) -> list[DeviceInformation]:
        """The devices of an account that a message may go to; new ones are trusted blindly."""
        found = [
            each
            for each in await manager.get_device_information(jid)
            if any(dict(each.active).get(ns) and ns in each.namespaces for ns in self._order)
            and not (jid == self._session.bare and each.device_id == await own_id(manager))
        ]
        if self._policy != "btbv":
            return found
        new = await trust.decide_blindly(manager, jid, found)
        news += new
        return [
            each._replace(trust_level_name=trust.BLIND) if each in new else each for each in found
        ]

    def _tell_of(self, news: list[DeviceInformation], left_out: list[DeviceInformation]) -> None:
        for each in (*news, *left_out):
            key = (each.bare_jid, each.identity_key)
            if key in self._told:
                continue
            self._told.add(key)
            if each in news:
                self._tell(f"new OMEMO device, trusted blindly: {name(each)}")
            elif each.trust_level_name != "distrusted":
                self._tell(f"OMEMO device that is not trusted, and gets nothing: {name(each)}")

    async def _nobody(
        self,
        recipients: tuple[str, ...],
        reached: set[str],
        left_out: list[DeviceInformation],
    ) -> XmppctlError:
        own = self._session.bare
        missing = [jid for jid in recipients if jid not in reached]
        whom = missing[0] if missing else recipients[0]
        others = f", nor have {len(missing) - 1} more" if len(missing) > 1 else ""
        announced = {
            device for ns in self._order for device in self._omemo.lists.devices.get((ns, whom), ())
        }
        announced -= {await _own_or_none(self._omemo)} if whom == own else set()
        refused = [self._omemo.lists.errors.get((ns, whom)) for ns in self._order]
        hint: str | None = None
        condition = "no-device"
        if any(each.bare_jid == whom for each in left_out):
            text = f"no OMEMO device of {whom} is trusted{others}"
            condition, hint = "not-trusted", f"xmppctl omemo devices {whom}, then omemo trust"
        elif announced:
            why = "; ".join(
                dict.fromkeys(
                    reason
                    for device in sorted(announced)
                    for ns in self._order
                    if (reason := self._omemo.why_not((ns, whom, device)))
                )
            )
            text = f"no OMEMO device of {whom} can be written to{others}"
            text += f": {why}" if why else ""
            hint = f"xmppctl omemo devices {whom} shows them"
        else:
            other = "other " if whom == own else ""
            text = f"{whom} has no {other}OMEMO device{others}"
            conditions = {each.condition for each in refused if each is not None}
            if conditions & {"forbidden", "not-authorized", "subscription-required"}:
                text = f"{whom} shows no OMEMO device to you{others}"
                hint = f"it may show them to contacts: xmppctl roster add {whom}"
        return UntrustedError(f"{text}: nothing was sent", step=STEP, condition=condition,
                              by=whom, hint=hint)  # fmt: skip


async def own_id(manager: Manager) -> int:
    """The id of the account's device on this machine."""
    return (await manager.get_own_device_information())[0].device_id


async def _own_or_none(omemo: Omemo) -> int | None:
    from xmppctl.protocol.omemo.manager import own_device

    return own_device(omemo.state)


def name(device: DeviceInformation) -> str:
    """A device as people know it."""
    print_ = format_fingerprint(fingerprint(device))
    return f"{device.device_id} of {device.bare_jid}, {print_}"


def fingerprint(device: DeviceInformation) -> str:
    """That of its identity key: 64 hexadecimal digits (§8)."""
    return "".join(SessionManager.format_identity_key(device.identity_key))
