"""Requests on the web that an account is asked to confirm (XEP-0070)."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, ClassVar, Literal

from xmppctl.records import dataclass

Answer = Literal["allow", "deny"]


@dataclass(frozen=True)
class Confirmation:
    """A question whether a request on the web is one's own, and what was answered."""

    PLAIN: ClassVar[str] = "answer"
    TABLE: ClassVar[tuple[str, ...]] = ("from_", "id", "method", "url", "answer")

    from_: Annotated[str, "JID of the service that asks"]
    id: Annotated[str, "transaction id, as it was given to the web server"]
    method: Annotated[str, "method of the request"]
    url: Annotated[str, "URL of the request"]
    answer: Annotated[Answer, "what was answered"]
    stanza: Annotated[Literal["iq", "message"], "how it was asked"] = "iq"
    thread: Annotated[str | None, "thread of the message"] = None
    body: Annotated[str | None, "what the message says in words"] = None
    at: Annotated[datetime | None, "when it was asked"] = None
    delayed: Annotated[bool, "the server had stored it for a while"] = False
