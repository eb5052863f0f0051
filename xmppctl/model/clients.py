"""Who has access to the account (XEP-0494)."""

from __future__ import annotations

from dataclasses import field
from datetime import datetime
from typing import Annotated, ClassVar

from xmppctl.errors import ErrorInfo
from xmppctl.records import dataclass


@dataclass(frozen=True)
class Client:
    """An application that may use the account, as the server tells."""

    PLAIN: ClassVar[str] = "id"
    TABLE: ClassVar[tuple[str, ...]] = (
        "id",
        "connected",
        "last_seen",
        "auth",
        "permission",
        "software",
        "device",
    )

    id: Annotated[str, "what account clients revoke takes"]
    type: Annotated[str | None, "session: it has or had one; access: it was only let in"] = None
    connected: Annotated[
        bool | None, "whether it is there now, or may come back to its session"
    ] = None
    first_seen: Annotated[datetime | None, "when it was let in first"] = None
    last_seen: Annotated[datetime | None, "when it used that last"] = None
    auth: Annotated[list[str], "how: password, grant (such as OAuth), fast, or another way"] = (
        field(default_factory=list)
    )
    permission: Annotated[str | None, "unrestricted, normal or restricted"] = None
    software: Annotated[str | None, "name that the software gives itself"] = None
    uri: Annotated[str | None, "its address, as it says"] = None
    device: Annotated[str | None, "name of the device, as it says"] = None


@dataclass(frozen=True)
class ClientRevoked:
    """What became of the access of one client."""

    PLAIN: ClassVar[str] = "id"

    id: Annotated[str, "the client"]
    revoked: Annotated[bool, "whether it has no access now, as the list, read again, shows"]
    error: Annotated[ErrorInfo | None, "why it failed, null where it did not"] = None
