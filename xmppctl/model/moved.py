"""An account that has moved to another address (XEP-0283)."""

from __future__ import annotations

from typing import Annotated, ClassVar

from xmppctl.errors import ErrorInfo
from xmppctl.records import dataclass


@dataclass(frozen=True)
class MovedStatement:
    """What an account says of where it has moved to."""

    PLAIN: ClassVar[str] = "new_jid"

    old_jid: Annotated[str, "bare JID of the account that moved"]
    new_jid: Annotated[str | None, "bare JID that it names; null: the statement was taken back"]
    published: Annotated[bool, "whether the statement is there now, read back"]


@dataclass(frozen=True)
class MoveCheck:
    """Whether an account is the new one of a contact."""

    PLAIN: ClassVar[str] = "old_jid"

    old_jid: Annotated[str | None, "bare JID of the contact that moved; null where none says so"]
    new_jid: Annotated[str | None, "bare JID that it moved to; null where that is not known"]
    verified: Annotated[bool, "a contact who may see the presence says so itself"]
    reason: Annotated[str, "why, or why not"]
    error: Annotated[ErrorInfo | None, "the failure, null where it is verified"] = None
