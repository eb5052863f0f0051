"""What the tests of rooms have in common: a raw client as somebody who was there all the time."""

from __future__ import annotations

from typing import Any
from xml.etree.ElementTree import Element

from tests.peers.process import Result, Xmppctl
from tests.peers.rawxml import RawClient
from tests.servers.base import Account

NS = "http://jabber.org/protocol/muc"
USER = f"{{{NS}#user}}x"
PRESENCE = "{jabber:client}presence"
MESSAGE = "{jabber:client}message"


def create(xmppctl: Xmppctl, account: Account, room: str, *fields: str) -> Any:
    """Make a room with these fields; what ``muc create`` says."""
    options = [part for each in fields for part in ("--field", each)]
    run = xmppctl("--json", "muc", "create", room, *options, account=account)
    return run.expect().json()


def make(peer: RawClient, room: str, **fields: str) -> None:
    """Make a persistent room with those of these fields that its service has, and leave it."""
    enter(peer, room, "maker")
    known = configuration(peer, room)
    rows = f"<field var='FORM_TYPE'><value>{NS}#roomconfig</value></field>"
    for name, value in {"persistentroom": "1", **fields}.items():
        for var in {name, f"muc#roomconfig_{name}"} & known.keys():
            rows += f"<field var='{var}'><value>{value}</value></field>"
    form = f"<x xmlns='jabber:x:data' type='submit'>{rows}</x>"
    answer = peer.iq(f"<query xmlns='{NS}#owner'>{form}</query>", type="set", to=room)
    assert answer.get("type") == "result", answer
    peer.send(f"<presence to='{room}/maker' type='unavailable'/>")
    away(peer, room, "maker")


def exists(peer: RawClient, room: str) -> bool:
    """Whether there is such a room, by the word of its service."""
    query = "<query xmlns='http://jabber.org/protocol/disco#info'/>"
    return peer.iq(query, to=room).get("type") == "result"


def enter(peer: RawClient, room: str, nick: str) -> Element:
    """Be in a room; the own presence with status 110, or the error."""
    peer.send(f"<presence to='{room}/{nick}'><x xmlns='{NS}'/></presence>")
    return peer.expect(
        lambda e: e.tag == PRESENCE and (e.get("type") == "error" or 110 in codes(e))
    )


def away(peer: RawClient, room: str, nick: str) -> Element:
    """The presence that says that ``nick`` is no longer in the room."""
    return peer.expect(
        lambda e: (
            e.tag == PRESENCE
            and e.get("from") == f"{room}/{nick}"
            and e.get("type") == "unavailable"
        )
    )


def codes(presence: Element) -> set[int]:
    """The status codes of a presence."""
    return {int(e.get("code", "0")) for e in presence.findall(f"{USER}/{{{NS}#user}}status")}


def item(presence: Element) -> Element:
    """What a presence says about the occupant."""
    found = presence.find(f"{USER}/{{{NS}#user}}item")
    assert found is not None
    return found


def reason(presence: Element) -> str | None:
    """The reason in a presence."""
    return item(presence).findtext(f"{{{NS}#user}}reason")


def affiliations(peer: RawClient, room: str, which: str) -> set[str]:
    """The list of one affiliation, as the room gives it."""
    query = f"<query xmlns='{NS}#admin'><item affiliation='{which}'/></query>"
    answer = peer.iq(query, to=room)
    assert answer.get("type") == "result", answer
    return {e.get("jid", "") for e in answer.iter(f"{{{NS}#admin}}item")}


def configuration(peer: RawClient, room: str) -> dict[str, list[str]]:
    """The configuration of a room, as its owner gets it."""
    answer = peer.iq(f"<query xmlns='{NS}#owner'/>", to=room)
    assert answer.get("type") == "result", answer
    return {
        field.get("var", ""): [value.text or "" for value in field.iter("{jabber:x:data}value")]
        for field in answer.iter("{jabber:x:data}field")
    }


def refused(run: Result, condition: str, code: int = 6) -> dict[str, Any]:
    """The error of a run that was refused."""
    error = run.expect(code).error()
    assert error["condition"] == condition, run
    return error
