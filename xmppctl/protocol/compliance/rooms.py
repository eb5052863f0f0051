"""A room that is made, used, and destroyed again (XEP-0045, XEP-0313, XEP-0410)."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from contextlib import suppress
from xml.etree.ElementTree import Element, SubElement

from xmppctl.errors import ConnectError, RefusedError, UnsupportedError, XmppctlError
from xmppctl.model.jid import Jid, lenient, parse
from xmppctl.protocol import disco, forms, rsm, selfping
from xmppctl.protocol.compliance.asking import answers, unanswered
from xmppctl.protocol.compliance.services import in_room
from xmppctl.protocol.compliance.verdict import Verdict, failed, unknown
from xmppctl.protocol.mam.query import NS as NS_MAM
from xmppctl.protocol.room import NS_OWNER, Joined, joined, own_nick
from xmppctl.session.conditions import UNSUPPORTED, stanza_error
from xmppctl.session.inbox import Inbox, Pending
from xmppctl.session.payload import to_element
from xmppctl.session.responder import PING
from xmppctl.session.stream import MESSAGE, Session

_QUERY = f"{{{NS_OWNER}}}query"
_AVATAR = "{vcard-temp:x:update}"
_ARCHIVING = re.compile(r"(.*[#_])?(mam|enablearchiving)")
"""Names of the field that turns the archive of a room on; no XEP has one."""

_FAULTS = UNSUPPORTED | {
    "internal-server-error", "remote-server-not-found", "remote-server-timeout", "bad-request",
}  # fmt: skip
_FIELDS = {
    "muc#roomconfig_persistentroom": "0",
    "muc#roomconfig_publicroom": "0",
}


async def test(session: Session, service: str) -> dict[str, Verdict]:
    """What a room of that service does. Nothing of it stays behind.

    Raises what ended the stream.
    """
    room = Jid(f"xmppctl-compliance-{session.new_id()}", parse(service).domain, None)

    def matches(stanza: Element) -> bool:
        return stanza.tag == MESSAGE and str(lenient(stanza.get("from", "")).bare) == str(room)

    # what it says is taken over, or the server would keep it for another client
    with session.inbox(matches) as inbox:
        try:
            async with joined(session, room, own_nick(session), create=True) as here:
                if 201 not in here.codes:
                    return {}
                return await _tested(session, here, inbox)
        except ConnectError:
            raise
        except (RefusedError, UnsupportedError) as error:
            return _refused(error, service)
        except XmppctlError as error:
            return {"0045": failed(error, "entering a new room")}


def _refused(error: XmppctlError, service: str) -> dict[str, Verdict]:
    """Who may make rooms is a matter of policy; other errors are faults."""
    if isinstance(error, UnsupportedError) or error.condition in _FAULTS:
        return {"0045": failed(error)}
    text = f"{service} lets this account make no room ({error.condition})"
    return {
        "0045": Verdict(True, "disco", f"announced; {text}"),
        "0410": unknown(text),
        "0313 of rooms": unknown(text),
    }


async def _tested(session: Session, here: Joined, inbox: Inbox) -> dict[str, Verdict]:
    gone = False
    try:
        form = await _configuration(session, here.room)
        found = await _used(session, here, form, inbox)
        pending = {"destroy": _destruction(session, here.room)}
        session.send(pending["destroy"].element)
        gone = True
        end = (await answers(session, pending)).get("destroy")
        if end is None or end.get("type") == "error":
            text = f"the room {here.room} was not destroyed: {unanswered(end).detail}"
            found["0045"] = Verdict(False, "live", text)
        return found
    finally:
        here.removed = True  # there is nothing to leave any more
        if not gone:
            with suppress(XmppctlError):
                session.send(_destruction(session, here.room).element)


async def _configuration(session: Session, room: Jid) -> Element:
    """The form to be submitted, which opens the room to what is to be tested (§10.1.3)."""
    pending = {"form": session.ask(Element(_QUERY), to=room)}
    session.send(pending["form"].element)
    answer = (await answers(session, pending)).get("form")
    found = None if answer is None else answer.find(f"{_QUERY}/{forms.FORM}")
    if found is not None:
        form = forms.read(found)
        names = [each.var for each in form.fields if each.var]
        wanted = {var: value for var, value in _FIELDS.items() if var in names}
        wanted |= {var: "1" for var in names if _ARCHIVING.fullmatch(var)}
        with suppress(XmppctlError):
            return forms.fill(form, {var: [value] for var, value in wanted.items()})
    return forms.submit(None, {})


async def _used(session: Session, here: Joined, form: Element, inbox: Inbox) -> dict[str, Verdict]:
    submission = Element(_QUERY)
    submission.append(form)
    archive = Element(f"{{{NS_MAM}}}query")
    archive.append(to_element(rsm.request(maximum=0)))
    message = Element(MESSAGE, {"to": str(here.room), "type": "groupchat", "id": session.new_id()})
    SubElement(message, "{jabber:client}body").text = "a test by xmppctl"
    asked = {
        "form": session.ask(submission, to=here.room, type="set"),
        "ping": session.ask(Element(PING), to=here.me),
        "info": session.ask(disco.info_request(None), to=here.room),
        "archive": session.ask(archive, to=here.room, type="set"),
    }
    elements = [each.element for each in asked.values()]
    session.send(elements[0], message, *elements[1:])
    came, reflected = await asyncio.gather(
        answers(session, asked), _reflection(session, here, message.get("id", ""), inbox)
    )
    found = {"0045": reflected, "0313 of rooms": _archive(came)}
    ping = came.get("ping")
    if ping is None:
        found["0410"] = Verdict(False, "live", "a ping to the own occupant was not answered")
    elif selfping.still_joined(ping):
        found["0410"] = Verdict(True, "live", "a ping to the own occupant came through")
    else:
        condition = stanza_error(ping, "").condition
        found["0410"] = Verdict(False, "live", f"a ping to the own occupant: {condition}")
    features = _features(came, here.room)
    return found | in_room(features) | _photo(here)


def _archive(came: Mapping[str, Element]) -> Verdict:
    answer = came.get("archive")
    if answer is not None and answer.find(f"{{{NS_MAM}}}fin") is not None:
        return Verdict(True, "live", "the archive of a new room was asked")
    return unanswered(answer)


def _features(came: Mapping[str, Element], room: Jid) -> list[str]:
    answer = came.get("info")
    with suppress(XmppctlError):
        if answer is not None and answer.get("type") == "result":
            query = disco.check_info(next(iter(answer), None), str(room))
            return disco.read_info(query, str(room), None).features
    return []


def _photo(here: Joined) -> dict[str, Verdict]:
    """Whether the server put the hash of the avatar into the presence (XEP-0398 §4)."""
    photo = None if here.own is None else here.own.find(f"{_AVATAR}x/{_AVATAR}photo")
    if photo is None or not (photo.text or "").strip():
        return {}
    text = "the server puts the hash of the picture into presence"
    return dict.fromkeys(("0398", "0153"), Verdict(True, "live", text))


async def _reflection(session: Session, here: Joined, identifier: str, inbox: Inbox) -> Verdict:
    limit = session.account.timeout
    try:
        async with asyncio.timeout(limit):
            while True:
                stanza = await inbox.get()
                if stanza.get("id") == identifier:
                    break
    except TimeoutError:
        return Verdict(False, "live", f"a room did not reflect a message within {limit:g} s")
    if stanza.get("type") == "error":
        condition = stanza_error(stanza, "").condition
        return Verdict(False, "live", f"a new room refused a message of its owner ({condition})")
    return Verdict(True, "live", f"a room of {here.room.domain} was made, used, and destroyed")


def _destruction(session: Session, room: Jid) -> Pending:
    query = Element(_QUERY)
    SubElement(query, f"{{{NS_OWNER}}}destroy")
    return session.ask(query, to=room, type="set")
