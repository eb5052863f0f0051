"""Registrations with servers and services (XEP-0077), and the challenges before them (XEP-0158)."""

from __future__ import annotations

from dataclasses import field
from typing import Annotated, ClassVar

from xmppctl.errors import ErrorInfo
from xmppctl.model.form import Form, FormField
from xmppctl.records import dataclass


@dataclass(frozen=True)
class Challenge:
    """A challenge that a person, or some work, has to answer."""

    challenge: Annotated[str | None, "id of the challenge"]
    from_: Annotated[str | None, "JID of the challenged operation"]
    sid: Annotated[str | None, "id of the stanza that was challenged"]
    fields: Annotated[list[FormField], "the questions, with the files of their pictures"]
    url: Annotated[str | None, "web page where it can be answered too"] = None

    def __str__(self) -> str:
        """For a table."""
        paths = [media.path for each in self.fields for media in each.media if media.path]
        return ", ".join([*paths, *([self.url] if self.url else [])])


@dataclass(frozen=True)
class Registration:
    """A registration with a server or service, or what is asked for one."""

    PLAIN: ClassVar[str] = "jid"
    TABLE: ClassVar[tuple[str, ...]] = (
        "jid", "registered", "fields", "instructions", "oob_url", "captcha",
    )  # fmt: skip

    jid: Annotated[str, "the account, or the server or service that answered"]
    registered: Annotated[bool, "there is a registration"]
    fields: Annotated[list[FormField], "what is asked for, of the form or else of XEP-0077"] = (
        field(default_factory=list)
    )
    form: Annotated[Form | None, "the form; null where only fields of XEP-0077 are asked for"] = (
        None
    )
    instructions: Annotated[str | None, "instructions for people"] = None
    oob_url: Annotated[str | None, "web page for the registration (XEP-0066)"] = None
    captcha: Annotated[Challenge | None, "challenge that has to be answered (XEP-0158)"] = None
    error: Annotated[ErrorInfo | None, "why it was not made"] = None
