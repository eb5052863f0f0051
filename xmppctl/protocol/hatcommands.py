"""XEP-0317: Hats. Here: the commands (XEP-0050) by which a room takes orders about them.

A room offers those that the account may use. Version 0.3 named them; one server has the names and
fields of a forerunner. Both are found by asking, and their forms filled in by the ends of the
fields' names: ``hats#uri`` and ``hat_uri`` are one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal

from xmppctl.errors import RefusedError, UnsupportedError
from xmppctl.model.adhoc import Action as Way
from xmppctl.model.form import Form
from xmppctl.model.jid import Jid
from xmppctl.protocol import adhoc, occupants
from xmppctl.protocol.adhoc import Move, Stage
from xmppctl.protocol.muc import rooms
from xmppctl.protocol.occupants import OLD_HAT_COMMANDS
from xmppctl.records import dataclass
from xmppctl.session.payload import malformed
from xmppctl.session.stream import Session

Action = Literal["create", "destroy", "list", "assign", "unassign", "list-assigned"]

OLD_LIST = "p1:hats#list"
"""The forerunner's list of those who wear hats."""

_NS = "urn:xmpp:hats:commands"
_OLD: dict[Action, str] = {
    "assign": f"{OLD_HAT_COMMANDS}add",
    "unassign": f"{OLD_HAT_COMMANDS}remove",
    "list-assigned": OLD_LIST,
}


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

        async def decide(stage: Stage) -> Move:
            if stage.form is None or not stage.fillable:
                raise malformed(f"the command {stage.node} shows no form", str(self.room))
            return Move(_way(stage), _values(stage.form, answers or {}, optional or {}, self))

        stage = await adhoc.run(
            self.session,
            self.room,
            self.nodes[action],
            decide,
            step="hats",
            what=f"the request to {_DOES[action]} hats",
        )
        if stage.status != "completed":
            raise malformed(f"the command {stage.node} was cancelled", str(self.room))
        return adhoc.completed(stage, "hats").form


_DOES: dict[Action, str] = {
    "create": "create",
    "destroy": "destroy",
    "list": "list",
    "assign": "give",
    "unassign": "take away",
    "list-assigned": "list the wearers of",
}
_ACTIONS: tuple[Action, ...] = tuple(_DOES)


def _way(stage: Stage) -> Way:
    """The way on that the form is for (XEP-0050 §3.4): the last step where it may be that."""
    return "complete" if "complete" in stage.actions else "next"


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


def short(var: str) -> str:
    """The end of a field's name, which says what it is in both vocabularies."""
    return re.split("[^a-z]", var)[-1]


def not_found(room: Jid, text: str) -> RefusedError:
    """There is no such hat, or somebody does not wear it."""
    return RefusedError(text, step="hats", condition="item-not-found", by=str(room))
