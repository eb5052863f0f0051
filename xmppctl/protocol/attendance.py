"""XEP-0045: Multi-User Chat. Here: the rooms that a listener is in, and what their stanzas mean."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Literal
from xml.etree.ElementTree import Element

from xmppctl.errors import RefusedError
from xmppctl.model.jid import lenient
from xmppctl.model.message import Occupant
from xmppctl.model.stanza import Stanza
from xmppctl.protocol import message, occupants, selfping
from xmppctl.protocol.payload import Context
from xmppctl.protocol.room import Joined
from xmppctl.session.stream import PRESENCE, Session

Look = Literal["nothing", "past", "news"]

SILENCE = 900.0
"""Seconds after which a room that sent nothing is asked whether one is still in it (XEP-0410)."""

_CONDITIONS = {
    301: "forbidden",
    307: "forbidden",
    321: "registration-required",
    322: "registration-required",
    332: "service-unavailable",
    333: "service-unavailable",
}
"""Status codes of who is put out (§15.6), as the condition that the next join would meet."""


class Attendance:
    """The rooms that are listened to; none: everything is.

    ``everything``: what happens in them too, and their subject upon entering.
    """

    def __init__(self, *, everything: bool = False) -> None:
        self._everything = everything
        self._joined: dict[str, Joined] = {}
        self._features: dict[str, frozenset[str]] = {}
        self._known: set[str] = set()
        self._heard: set[str] = set()

    def enter(self, here: Joined, features: frozenset[str]) -> None:
        """One more room; ``features`` are those that it announces."""
        self._joined[str(here.room)] = here
        self._features[str(here.room)] = features

    def __len__(self) -> int:
        return len(self._joined)

    def context(self, stanza: Element, own: str, note: Callable[[str], None]) -> Context:
        """Who may be believed about the stanza: the room that it is from, if it is one of them."""
        place = str(lenient(stanza.get("from", "")).bare)
        if place not in self._joined:
            return Context(own, note=note)
        return Context(own, place, self._features[place], note=note)

    def complete(self, record: Stanza, stanza: Element) -> Stanza:
        """The record of a presence with what a room says about the occupant it is from."""
        place = _place(record)
        if stanza.tag != PRESENCE or place not in self._joined:
            return record
        announced = self._features[place]
        return replace(
            record,
            muc=message.occupant(stanza),
            occupant_id=occupants.occupant_id(stanza, announced),
            hats=occupants.hats(stanza, announced),
        )

    def look(self, record: Stanza, stanza: Element) -> Look:
        """What the record is to the listener.

        The subject that everybody who enters is told (§7.2.15) is of the past, and the last of it:
        nothing is behind something of today, nor without a delay behind another subject.
        """
        if not self._joined:
            return "news"
        place = _place(record)
        here = self._joined.get(place)
        if here is None:
            return "nothing"
        self._heard.add(place)
        if any(stanza is each for each in here.met):
            return "nothing"
        if stanza.tag == PRESENCE:
            return self._look_at_presence(here, record, stanza)
        if record.type != "groupchat":
            return "news"
        if record.subject is not None and record.body is None:
            past = record.delay is not None or place not in self._known
            self._known.add(place)
            if past:
                return "past" if self._everything and record.subject else "nothing"
        elif record.body is not None and record.delay is None:
            self._known.add(place)
        return "news"

    def _look_at_presence(self, here: Joined, record: Stanza, stanza: Element) -> Look:
        if not self._everything:
            return "news"
        first = stanza is here.own or any(stanza is each for each in here.others)
        # a room has a presence of its own too, for its picture
        alone = lenient(record.from_ or "").resource is None
        return "nothing" if first or alone else "news"

    def removal(self, stanza: Element) -> RefusedError | None:
        """Why the client is in the room no more, where the stanza says so.

        Follows the own nickname, which another client of the account or the room may change.
        """
        if stanza.tag != PRESENCE or stanza.get("type") not in ("unavailable", "error"):
            return None
        sender = lenient(stanza.get("from", ""))
        here = self._joined.get(str(sender.bare))
        if here is None or sender != here.me:
            return None
        told = message.occupant(stanza)
        if told.new_nick:
            here.me = here.room._replace(resource=told.new_nick)
            return None
        here.removed = True
        return _removed(str(here.room), told)

    async def check(self, session: Session) -> None:
        """Ask the rooms that were silent since the last time. Raises RefusedError."""
        heard, self._heard = self._heard, set()
        for name, here in self._joined.items():
            if name in heard or await selfping.is_inside(session, here) is not False:
                continue
            here.removed = True
            raise RefusedError(
                f"{name} does not know the client any more",
                step="listen",
                condition="not-acceptable",
                by=name,
                hint="it may have been restarted: enter it again",
            )


def _place(record: Stanza) -> str:
    return str(lenient(record.from_ or "").bare)


def _removed(room: str, told: Occupant) -> RefusedError:
    reasons = [each for each in told.status if each.code in _CONDITIONS]
    why = "it does not say why"
    if told.destroyed:
        why = "it was destroyed"
    elif reasons:
        why = " and ".join(f"{each.text} ({each})" for each in reasons)
    by = f", by {told.actor}" if told.actor else ""
    reason = f": {told.reason}" if told.reason else ""
    return RefusedError(
        f"{room} has put the client out: {why}{by}{reason}",
        step="listen",
        condition="gone" if told.destroyed else _condition(told),
        by=room,
        hint=f"go to {told.alternate}" if told.alternate else None,
    )


def _condition(told: Occupant) -> str:
    return next((_CONDITIONS[c] for c in told.status_codes if c in _CONDITIONS), "forbidden")
