"""Invitations that a server made (XEP-0401)."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, ClassVar

from xmppctl.records import dataclass


@dataclass(frozen=True)
class Invite:
    """An invitation, to be passed on to one person; whoever has it can use it."""

    PLAIN: ClassVar[str] = "uri"

    uri: Annotated[str, "xmpp: URI with the token"]
    landing_url: Annotated[str | None, "web page for who has no client yet, with the token"]
    expire: Annotated[datetime | None, "until when it can be used; null: not told"]
