"""Service discovery (XEP-0030) and its forms (XEP-0128)."""

from __future__ import annotations

from dataclasses import field
from typing import Annotated, ClassVar

from xmppctl.errors import ErrorInfo
from xmppctl.records import dataclass


@dataclass(frozen=True)
class Identity:
    """What an entity is."""

    category: Annotated[str, "category, such as server, conference, pubsub"]
    type: Annotated[str, "type within the category, such as im, text, pep"]
    name: Annotated[str | None, "name for people"] = None
    lang: Annotated[str | None, "language of the name"] = None

    def __str__(self) -> str:
        """For a table."""
        name = f" ({self.name})" if self.name else ""
        return f"{self.category}/{self.type}{name}"


@dataclass(frozen=True)
class InfoField:
    """One field of a discovery form."""

    var: Annotated[str, "name of the field"]
    values: Annotated[list[str], "its values"]
    label: Annotated[str | None, "label for people"] = None

    def __str__(self) -> str:
        """For a table."""
        return f"{self.var}={','.join(self.values)}"


@dataclass(frozen=True)
class InfoForm:
    """A form with facts about an entity (XEP-0128)."""

    form_type: Annotated[str | None, "FORM_TYPE, which scopes the fields (XEP-0068)"]
    fields: Annotated[list[InfoField], "the fields, without FORM_TYPE"]

    def __str__(self) -> str:
        """For a table."""
        return f"{self.form_type or 'form'}: {' '.join(map(str, self.fields))}"


@dataclass(frozen=True)
class DiscoInfo:
    """What an entity is and what it can do."""

    PLAIN: ClassVar[str] = "jid"
    TABLE: ClassVar[tuple[str, ...]] = ("jid", "node", "identities", "features", "forms")

    jid: Annotated[str, "JID of the entity"]
    node: Annotated[str | None, "node that was asked, null for the entity itself"]
    identities: Annotated[list[Identity], "identities"] = field(default_factory=list)
    features: Annotated[list[str], "features, sorted"] = field(default_factory=list)
    forms: Annotated[list[InfoForm], "extended information"] = field(default_factory=list)


@dataclass(frozen=True)
class DiscoItem:
    """One item of an entity."""

    jid: Annotated[str, "JID of the item"]
    node: Annotated[str | None, "node of the item"] = None
    name: Annotated[str | None, "name for people"] = None


@dataclass(frozen=True)
class ItemCount:
    """How many items an entity has."""

    PLAIN: ClassVar[str] = "count"

    jid: Annotated[str, "JID of the entity"]
    node: Annotated[str | None, "node that was asked, null for the entity itself"]
    count: Annotated[int, "number of its items; some services tell an estimate"]


@dataclass(frozen=True)
class DiscoEntry:
    """An entity found below another one, with what it is."""

    PLAIN: ClassVar[str] = "jid"
    TABLE: ClassVar[tuple[str, ...]] = ("depth", "jid", "node", "name", "identities", "error")

    jid: Annotated[str, "JID of the entity"]
    node: Annotated[str | None, "node of the entity"]
    name: Annotated[str | None, "name for people"]
    depth: Annotated[int, "0 for where the search began, 1 for its items, ..."]
    identities: Annotated[list[Identity], "identities, empty where they could not be asked"] = (
        field(default_factory=list)
    )
    features: Annotated[list[str], "features, sorted"] = field(default_factory=list)
    error: Annotated[ErrorInfo | None, "why it could not be asked"] = None
