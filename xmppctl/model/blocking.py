"""The block list (XEP-0191) and what became of changes to it."""

from __future__ import annotations

from typing import Annotated, ClassVar

from xmppctl.errors import ErrorInfo
from xmppctl.records import dataclass


@dataclass(frozen=True)
class Blocked:
    """An entry of the block list."""

    jid: Annotated[str, "JID that is blocked: an account, a resource, or a whole domain"]


@dataclass(frozen=True)
class BlockChange:
    """What became of one JID that was to be blocked or unblocked."""

    PLAIN: ClassVar[str] = "jid"

    jid: Annotated[str, "JID that was given"]
    blocked: Annotated[bool | None, "the block list, read again, has it; null: not known"]
    reported: Annotated[
        bool | None,
        "the server takes reports (XEP-0377); false: it ignored this one; null: none was made",
    ] = None
    error: Annotated[ErrorInfo | None, "why it failed, null where it did not"] = None
