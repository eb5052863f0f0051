"""A challenge that was answered (XEP-0158)."""

from __future__ import annotations

from typing import Annotated, ClassVar

from xmppctl.records import dataclass


@dataclass(frozen=True)
class CaptchaAnswer:
    """An answer to a challenge that came as a message."""

    PLAIN: ClassVar[str] = "challenge"

    challenge: Annotated[str, "id of the challenge"]
    by: Annotated[str, "JID that posed it"]
    from_: Annotated[str | None, "JID that the challenged stanza was for"] = None
    sid: Annotated[str | None, "id of the challenged stanza"] = None
    accepted: Annotated[bool, "it was right"] = False
