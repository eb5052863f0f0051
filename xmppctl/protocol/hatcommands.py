"""XEP-0317: Hats. Here: the commands (XEP-0050) by which a room takes orders about them.

A room offers those that the account may use. Version 0.3 named them; one server has the names and
fields of a forerunner. Both are found by asking, and their forms filled in by the ends of the
fields' names: ``hats#uri`` and ``hat_uri`` are one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal
from xml.etree.ElementTree import Element

from xmppctl.errors import RefusedError, UnsupportedError
from xmppctl.model.form import Form
from xmppctl.model.jid import Jid
from xmppctl.protocol import forms, occupants
from xmppctl.protocol.muc import rooms
from xmppctl.protocol.occupants import NS_COMMANDS, OLD_HAT_COMMANDS
from xmppctl.records import dataclass
from xmppctl.session.payload import malformed
from xmppctl.session.stream import Session

Action = Literal["create", "destroy", "list", "assign", "unassign", "list-assigned"]

OLD_LIST = "p1:hats#list"
"""The forerunner's list of those who wear hats."""

_NS = "urn:xmpp:hats:commands"
_COMMAND = f"{{{NS_COMMANDS}}}command"
_NOTE = f"{{{NS_COMMANDS}}}note"
_OLD: dict[Action, str] = {
    "assign": f"{OLD_HAT_COMMANDS}add",
    "unassign": f"{OLD_HAT_COMMANDS}remove",
    "list-assigned": OLD_LIST,
}
_LONGEST = 5
"""Steps of a command before it is given up."""


@dataclass(frozen=True)
class Desk:
    """Where a room takes orders about hats: the commands that it offers, by what they do."""

    session: Session
    room: Jid
    nodes: Mapping[Action, str]

    @classmethod
    async def of(cls, session: Session, room: Jid) -> Desk:
        """Ask the room. Raises RefusedError where there is none."""
        await rooms.facts(session, room)
        offered = set(await occupants.commands(session, room))
        nodes: dict[Action, str] = {
            action: node for action, node in _OLD.items() if node in offered
        }
        for action in _ACTIONS:
            if f"{_NS}:{action}" in offered:
                nodes[action] = f"{_NS}:{action}"
        return cls(session, room, nodes)

    def offers(self, action: Action) -> bool:
        """Whether the account may have this done."""
        return action in self.nodes

    def require(self, action: Action) -> None:
        """Raise UnsupportedError where it may not."""
        if action not in self.nodes:
            raise self.lacks(action)

    def lacks(self, action: Action) -> UnsupportedError:
        """The room does not offer it."""
        return UnsupportedError(
            f"{self.room} does not offer to {_DOES[action]} hats (XEP-0317)",
            step="hats",
            condition="feature-not-implemented",
            by=str(self.room),
            hint="rooms offer it to their owners, some after a setting such as enable_hats",
        )

    async def run(
        self,
        action: Action,
        answers: Mapping[str, str] | None = None,
        optional: Mapping[str, str] | None = None,
    ) -> Form | None:
        """Run the command to its end; the form of its result.

        ``answers`` and ``optional`` are values by the end of the field's name; what is optional
        is left out where the form does not ask for it.
        """
        self.require(action)
        node = self.nodes[action]
        answer = await self._step(action, Element(_COMMAND, {"node": node, "action": "execute"}))
        for _ in range(_LONGEST):
            element = forms.find(answer)
            if answer.get("status") == "completed":
                _check_notes(answer, self.room)
                return forms.read(element) if element is not None else None
            if answer.get("status") != "executing" or element is None:
                break
            following = Element(_COMMAND, {"node": node, "action": _following(answer)})
            if answer.get("sessionid"):
                following.set("sessionid", answer.get("sessionid", ""))
            form = forms.read(element)
            following.append(forms.fill(form, _values(form, answers or {}, optional or {}, self)))
            answer = await self._step(action, following)
        raise malformed(f"the command {node} does not come to an end", str(self.room))

    async def _step(self, action: Action, command: Element) -> Element:
        answer = await self.session.request(
            command,
            to=self.room,
            type="set",
            step="hats",
            what=f"the request to {_DOES[action]} hats",
        )
        if answer is None or answer.tag != _COMMAND:
            raise malformed("no answer to a command", str(self.room))
        return answer


_DOES: dict[Action, str] = {
    "create": "create",
    "destroy": "destroy",
    "list": "list",
    "assign": "give",
    "unassign": "take away",
    "list-assigned": "list the wearers of",
}
_ACTIONS: tuple[Action, ...] = tuple(_DOES)


def _following(answer: Element) -> str:
    """The way on that the form is for (XEP-0050 §3.4): the last step where it may be that."""
    actions = answer.find(f"{{{NS_COMMANDS}}}actions")
    if actions is None or actions.find(f"{{{NS_COMMANDS}}}complete") is not None:
        return "complete"
    return "next"


def _values(
    form: Form, answers: Mapping[str, str], optional: Mapping[str, str], desk: Desk
) -> dict[str, list[str]]:
    """The values by the names of the form's fields."""
    found: dict[str, list[str]] = {}
    for name, value in {**answers, **optional}.items():
        ends = [f for f in form.fields if f.var and short(f.var) == name]
        # an example of the XEP asks for the hat to destroy by this name
        ends = ends or [f for f in form.fields if f.var == "hat" and name == "uri"]
        if not ends and name in optional:
            continue
        if not ends:
            raise malformed(f"the form about hats asks for no {name}", str(desk.room))
        options = [option.value for option in ends[0].options]
        if options and name == "uri" and value not in options and not ends[0].open:
            raise not_found(desk.room, f"{desk.room} has no hat {value}")
        found[ends[0].var or ""] = [value]
    return found


def _check_notes(answer: Element, room: Jid) -> None:
    for note in answer.findall(_NOTE):
        if note.get("type") == "error":
            raise RefusedError(
                f"{room}: {(note.text or '').strip() or 'the command failed'}",
                step="hats",
                condition="undefined-condition",
                by=str(room),
            )


def short(var: str) -> str:
    """The end of a field's name, which says what it is in both vocabularies."""
    return re.split("[^a-z]", var)[-1]


def not_found(room: Jid, text: str) -> RefusedError:
    """There is no such hat, or somebody does not wear it."""
    return RefusedError(text, step="hats", condition="item-not-found", by=str(room))
