"""Commands that entities offer (XEP-0050), and what came of running one."""

from __future__ import annotations

from dataclasses import field
from typing import Annotated, ClassVar, Literal

from xmppctl.errors import ErrorInfo
from xmppctl.model.disco import Identity
from xmppctl.model.form import Form
from xmppctl.records import dataclass

Action = Literal["next", "complete", "prev", "cancel"]
Status = Literal["executing", "completed", "canceled"]


@dataclass(frozen=True)
class AdhocCommand:
    """A command that an entity offers to the account."""

    PLAIN: ClassVar[str] = "node"
    TABLE: ClassVar[tuple[str, ...]] = ("node", "name")

    jid: Annotated[str, "JID that runs it"]
    node: Annotated[str, "what identifies it there"]
    name: Annotated[str | None, "its name for people"] = None


@dataclass(frozen=True)
class AdhocInfo:
    """What an entity says about one of its commands (XEP-0050 §2.2)."""

    PLAIN: ClassVar[str] = "node"

    jid: Annotated[str, "JID that runs it"]
    node: Annotated[str, "what identifies it there"]
    name: Annotated[str | None, "its name for people"] = None
    identities: Annotated[list[Identity], "what it is"] = field(default_factory=list)
    features: Annotated[list[str], "what it makes use of, such as jabber:x:data"] = field(
        default_factory=list
    )


@dataclass(frozen=True)
class CommandNote:
    """A remark of the entity that runs the command (XEP-0050 §4.3)."""

    type: Annotated[str, "info, warn or error"]
    text: Annotated[str, "what it says"]

    def __str__(self) -> str:
        """For a table."""
        return self.text if self.type == "info" else f"{self.type}: {self.text}"


@dataclass(frozen=True)
class CommandForm(Form):
    """A form that a command asks to be filled in, or gives as its result."""

    def __str__(self) -> str:
        """For a table."""
        if self.items:
            return "; ".join(
                " ".join(f"{var}={','.join(values)}" for var, values in item.items())
                for item in self.items
            )
        told = [each for each in self.fields if each.var and each.type != "hidden"]
        if self.type == "form" and not any(each.values for each in told):
            return ", ".join(f"{each.var}{'*' if each.required else ''}" for each in told)
        return "; ".join(f"{each.label or each.var}: {', '.join(each.values)}" for each in told)


@dataclass(frozen=True)
class CommandRun:
    """What an entity answered to a command, in the end or where it was stopped."""

    PLAIN: ClassVar[str] = "status"
    TABLE: ClassVar[tuple[str, ...]] = ("node", "status", "notes", "form", "result", "urls")

    jid: Annotated[str, "JID that ran it"]
    node: Annotated[str, "the command"]
    sessionid: Annotated[str | None, "what the entity called this run of it"]
    status: Annotated[Status, "completed, canceled; executing: a stage was shown, then canceled"]
    actions: Annotated[list[str], "the ways on from the stage that is shown: prev, next, complete"]
    default_action: Annotated[Action | None, "the usual one of them"]
    notes: Annotated[list[CommandNote], "remarks"] = field(default_factory=list)
    form: Annotated[CommandForm | None, "form of the stage that is shown"] = None
    result: Annotated[CommandForm | None, "form with the result of a completed command"] = None
    urls: Annotated[list[str], "addresses that belong to the result (XEP-0066)"] = field(
        default_factory=list
    )
    lang: Annotated[str | None, "language of the answer"] = None
    error: Annotated[ErrorInfo | None, "why it counts as failed"] = None
