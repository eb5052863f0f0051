"""XEP-0045 §10: making, configuring and destroying rooms."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import replace
from xml.etree.ElementTree import Element, SubElement

from xmppctl.errors import RefusedError, UnsupportedError, UsageError, XmppctlError
from xmppctl.model.disco import DiscoInfo
from xmppctl.model.form import Form, FormField
from xmppctl.model.jid import Jid
from xmppctl.model.muc import Destruction, RoomCreation
from xmppctl.protocol import forms
from xmppctl.protocol.muc import rooms
from xmppctl.protocol.room import NS_OWNER, Joined, joined
from xmppctl.session.payload import malformed
from xmppctl.session.stream import IQ, Session

_QUERY = f"{{{NS_OWNER}}}query"
_PERSISTENT = "muc#roomconfig_persistentroom"
_SECRET = "muc#roomconfig_roomsecret"
_PROTECTED = "muc#roomconfig_passwordprotectedroom"
_NOT_OWNER = ("forbidden", "not-allowed", "not-authorized", "registration-required")


async def fetch(session: Session, room: Jid) -> Form:
    """The configuration of a room (§10.2), with its passwords.

    Raises RefusedError where there is no such room, or the account does not own it.
    """
    await rooms.facts(session, room)
    return await _form(session, room)


async def _form(session: Session, room: Jid) -> Form:
    answer = await session.request(
        Element(_QUERY), to=room, step="config", what=f"the configuration of {room}"
    )
    found = forms.find(answer) if answer is not None else None
    if found is None:
        raise malformed("no form", str(room))
    return forms.read(found)


def without_secrets(config: Form) -> Form:
    """The form without the values of its password fields."""
    fields = [
        replace(field, values=[]) if field.type == "text-private" else field
        for field in config.fields
    ]
    return replace(config, fields=fields)


async def configure(
    session: Session, room: Jid, answers: forms.Answers, *, password: str | None = None
) -> Form:
    """Set fields of the configuration; what the room has afterwards, read back.

    Fields that ``answers`` does not name keep their values. Raises UsageError for an unknown field
    or value (nothing was submitted), RefusedError where the room refuses or ignores one.
    """
    before = await fetch(session, room)
    wanted, changed = _filled(before, _complete(before, _with_password(answers, password)))
    await _submit(session, room, wanted)
    after = await _form(session, room)
    _verify(room, changed, after)
    return after


async def _submit(session: Session, room: Jid, wanted: Element) -> None:
    query = Element(_QUERY)
    query.append(wanted)
    what = f"the configuration of {room}"
    await session.request(query, to=room, type="set", step="config", what=what)


def _verify(room: Jid, wanted: Mapping[str, list[str]], after: Form) -> None:
    """Raises RefusedError where the room did not take over what it was given."""
    ignored = _differences(wanted, after)
    if ignored:
        raise RefusedError(
            f"{room} accepted the configuration, but did not take over: {', '.join(ignored)}",
            step="config",
            condition="not-applied",
            by=str(room),
        )


def _with_password(answers: forms.Answers, password: str | None) -> forms.Answers:
    return answers if password is None else {**answers, _SECRET: [password]}


def _complete(
    config: Form, answers: forms.Answers, defaults: Mapping[str, str] | None = None
) -> dict[str, Sequence[str]]:
    """The answers by full names, with those of ``defaults`` that the form has, and the switch that
    some rooms have beside the password."""
    known = {field.var: field for field in config.fields}
    result: dict[str, Sequence[str]] = {
        var: values
        for var, values in forms.resolved(config, answers).items()
        # a configuration that was printed has no passwords: that is no wish to remove them
        if values or known[var].type != "text-private"
    }
    for var, value in (defaults or {}).items():
        if var in known:
            result.setdefault(var, [value])
    if _SECRET in result and _PROTECTED in known:
        result.setdefault(_PROTECTED, ["1"] if any(result[_SECRET]) else ["0"])
    return result


def _filled(config: Form, given: forms.Answers) -> tuple[Element, dict[str, list[str]]]:
    """The submission, and the fields whose values it changes, normalised.

    Raises UsageError as ``forms.fill``, and where a room would be closed by an empty password.
    """
    element = forms.fill(config, given)
    submitted = {field.var: field for field in forms.read(element).fields}
    changed: dict[str, list[str]] = {}
    for known in config.fields:
        field = submitted.get(known.var)
        if known.var is None or field is None:
            continue
        values = _normal(replace(field, type=known.type))
        if values != _normal(known):
            changed[known.var] = values
    secret = submitted.get(_SECRET)
    if changed.get(_PROTECTED) == ["1"] and not (secret and any(secret.values)):
        raise UsageError(
            f"field {_PROTECTED}: the room has no password; nothing was submitted",
            step="form",
            hint="--room-password-file, --room-password-fd or XMPPCTL_ROOM_PASSWORD",
        )
    return element, changed


def _differences(wanted: Mapping[str, list[str]], after: Form) -> list[str]:
    fields = {field.var: field for field in after.fields}
    result = []
    for var, values in wanted.items():
        field = fields.get(var)
        if field is not None and field.type == "text-private" and not any(field.values):
            continue  # not every room tells its password
        if field is None or _normal(field) != values:
            result.append(var)
    return result


def _normal(field: FormField) -> list[str]:
    if field.type == "boolean":  # no value at all is how one server says no (XEP-0004 §3.3)
        return ["1" if field.values[:1] in (["1"], ["true"]) else "0"]
    if field.type in ("list-multi", "jid-multi"):
        return sorted(set(filter(None, field.values)))
    return ["\n".join(field.values)]


async def create(
    session: Session,
    room: Jid,
    answers: forms.Answers,
    *,
    nick: str,
    password: str | None = None,
    temporary: bool = False,
) -> RoomCreation:
    """Make a room (§10.1), persistent unless ``temporary``, and read its configuration back.

    A room that the account owns already stays as it is. What was made is destroyed when a later
    step fails. Raises RefusedError (conflict where somebody else owns it), UsageError for an
    unknown field or value, UnsupportedError where the service has no persistent rooms.
    """
    answers = _with_password(answers, password)
    try:
        found = await rooms.facts(session, room)
    except RefusedError as error:
        if error.condition != "item-not-found":
            raise
        async with AsyncExitStack() as stack:
            try:
                here = await stack.enter_async_context(joined(session, room, nick, create=True))
            except RefusedError as refusal:
                refusal.step, refusal.hint = "create", None  # those of joining do not fit
                raise
            if 201 in here.codes:
                return await _new(session, here, answers, temporary)
        # somebody else was faster
        found = await rooms.facts(session, room)
    return await _existing(session, found, room, answers)


async def _new(
    session: Session, here: Joined, answers: forms.Answers, temporary: bool
) -> RoomCreation:
    try:
        return await _configured(session, here, answers, temporary)
    except XmppctlError as error:
        try:
            await _destroy(session, here.room, "the room could not be configured", None)
        except XmppctlError:
            error.hint = f"the room {here.room} was left behind: xmppctl muc destroy {here.room}"
        raise
    except BaseException:  # the run is being ended: nothing can be waited for
        with suppress(XmppctlError):
            iq = Element(IQ, {"type": "set", "id": session.new_id(), "to": str(here.room)})
            iq.append(_destruction(None, None))
            session.send(iq)
        raise


async def _configured(
    session: Session, here: Joined, answers: forms.Answers, temporary: bool
) -> RoomCreation:
    room = here.room
    before = await _form(session, room)
    given = _complete(before, answers, {_PERSISTENT: "0" if temporary else "1"})
    wanted, changed = _filled(before, given)
    await _submit(session, room, wanted)
    config, found = await asyncio.gather(_form(session, room), rooms.facts(session, room))
    _verify(room, changed, config)
    if _PERSISTENT not in given and not temporary and not _persistent(found):
        raise UnsupportedError(
            f"{room.domain} does not let this account make persistent rooms (muc_persistent)",
            step="config",
            condition="feature-not-implemented",
            by=str(room),
            hint="--temporary makes one that ends with its last occupant",
        )
    return _creation(found, config, created=True, status_codes=sorted(here.codes))


def _persistent(found: DiscoInfo) -> bool:
    return "muc_persistent" in found.features


async def _existing(
    session: Session, found: DiscoInfo, room: Jid, answers: forms.Answers
) -> RoomCreation:
    try:
        config = await _form(session, room)
    except RefusedError as error:
        if error.condition not in _NOT_OWNER:
            raise
        raise RefusedError(
            f"the room {room} exists, and this account is not its owner",
            step="create",
            condition="conflict",
            type="cancel",
            by=str(room),
        ) from None
    _, wanted = _filled(config, _complete(config, answers))
    return _creation(found, config, created=False, differs=sorted(wanted))


def _creation(
    found: DiscoInfo,
    config: Form,
    *,
    created: bool,
    differs: Sequence[str] = (),
    status_codes: Sequence[int] = (),
) -> RoomCreation:
    return RoomCreation(
        **vars(rooms.describe(found)),
        created=created,
        affiliation="owner",  # nobody else gets the form
        persistent=_persistent(found),
        config={
            field.var: _normal(field) if field.type == "boolean" else list(field.values)
            for field in config.fields
            if field.var and field.type not in ("fixed", "hidden", "text-private")
        },
        differs=list(differs),
        status_codes=list(status_codes),
    )


async def destroy(
    session: Session,
    room: Jid,
    *,
    reason: str | None,
    alternate: Jid | None,
    if_exists: bool = False,
) -> Destruction:
    """Destroy a room (§10.9). Raises RefusedError (item-not-found, or gone, where there is none,
    unless ``if_exists``), DeadlineError.

    The result of the request is the proof: one server lets questions to a room that is just
    ending go without an answer.
    """
    try:
        await rooms.facts(session, room)
    except RefusedError as error:
        if error.condition not in ("item-not-found", "gone"):
            raise
        if not if_exists:
            error.hint = "--if-exists makes this no error"
            raise
        return Destruction(str(room))
    await _destroy(session, room, reason, alternate)
    return Destruction(
        str(room), reason=reason, alternate=None if alternate is None else str(alternate)
    )


async def _destroy(session: Session, room: Jid, reason: str | None, alternate: Jid | None) -> None:
    query = _destruction(reason, alternate)
    what = f"destroying {room}"
    await session.request(query, to=room, type="set", step="destroy", what=what)


def _destruction(reason: str | None, alternate: Jid | None) -> Element:
    query = Element(_QUERY)
    destroy = SubElement(query, f"{{{NS_OWNER}}}destroy")
    if alternate is not None:
        destroy.set("jid", str(alternate))
    if reason is not None:
        SubElement(destroy, f"{{{NS_OWNER}}}reason").text = reason
    return query
