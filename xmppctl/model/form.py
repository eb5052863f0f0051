"""Data forms (XEP-0004) as an entity offers them."""

from __future__ import annotations

from dataclasses import field
from typing import Annotated, ClassVar

from xmppctl.records import dataclass


@dataclass(frozen=True)
class Option:
    """One of the values that a field allows."""

    value: Annotated[str, "the value to give"]
    label: Annotated[str | None, "what it means, for people"] = None

    def __str__(self) -> str:
        """For a table."""
        return self.value


@dataclass(frozen=True)
class Media:
    """A picture or sound that belongs to a field (XEP-0221)."""

    type: Annotated[str, "media type, such as image/png"]
    uri: Annotated[str, "where it is: cid:, http: or https:"]
    path: Annotated[str | None, "the file it was saved to"] = None

    def __str__(self) -> str:
        """For a table."""
        return self.uri


@dataclass(frozen=True)
class FormField:
    """A field of a form."""

    PLAIN: ClassVar[str] = "var"

    var: Annotated[str | None, "name of the field; null for text that only explains"]
    type: Annotated[str, "field type (XEP-0004 §3.3), text-single where none is told"]
    label: Annotated[str | None, "label for people"] = None
    desc: Annotated[str | None, "explanation for people"] = None
    required: Annotated[bool, "a value has to be given"] = False
    values: Annotated[list[str], "present or default values"] = field(default_factory=list)
    options: Annotated[list[Option], "the values that are allowed"] = field(default_factory=list)
    open: Annotated[bool, "other values than the options are allowed (XEP-0122)"] = False
    media: Annotated[list[Media], "pictures or sounds"] = field(default_factory=list)

    def __str__(self) -> str:
        """For a table."""
        mark = "*" if self.required else ""
        return f"{self.var or '#'}{mark} ({self.type}): {', '.join(self.values)}"


@dataclass(frozen=True)
class Form:
    """A form."""

    form_type: Annotated[str | None, "FORM_TYPE, which scopes the names of fields (XEP-0068)"]
    title: Annotated[str | None, "title for people"] = None
    instructions: Annotated[list[str], "instructions for people"] = field(default_factory=list)
    fields: Annotated[list[FormField], "the fields, without FORM_TYPE"] = field(
        default_factory=list
    )
    reported: Annotated[list[FormField], "the columns of a result with several items"] = field(
        default_factory=list
    )
    items: Annotated[list[dict[str, list[str]]], "the items of such a result"] = field(
        default_factory=list
    )
    type: Annotated[str | None, "form, submit, result or cancel (XEP-0004 §3.1)"] = None

    def __str__(self) -> str:
        """For a table."""
        return self.title or self.form_type or "a form"
