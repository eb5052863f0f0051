"""What a server keeps for an account alone (XEP-0049)."""

from __future__ import annotations

from typing import Annotated, ClassVar

from xmppctl.records import dataclass


@dataclass(frozen=True)
class PrivateElement:
    """An element in the private storage."""

    PLAIN: ClassVar[str] = "xml"

    ns: Annotated[str, "its namespace"]
    name: Annotated[str, "its name"]
    xml: Annotated[str, "the element itself"]


@dataclass(frozen=True)
class PrivateRemoval:
    """An element that is no longer in the private storage."""

    PLAIN: ClassVar[str] = "name"

    ns: Annotated[str, "its namespace"]
    name: Annotated[str, "its name"]
    removed: Annotated[bool, "false: there was none"]
