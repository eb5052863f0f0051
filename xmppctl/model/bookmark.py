"""Bookmarks of rooms and web pages, and what became of changes to them."""

from __future__ import annotations

from dataclasses import field
from typing import Annotated, ClassVar, Literal

from xmppctl.errors import ErrorInfo
from xmppctl.records import dataclass

Store = Literal["pep", "private", "pep-legacy"]
"""Where bookmarks are: ``pep`` has an item for each (XEP-0402); the other two have one element
with all of them (XEP-0048), in private XML storage (XEP-0049) or in an item of a node."""

Choice = Literal["auto", "pep", "private", "pep-legacy"]

Notify = Literal["always", "on-mention", "never"]


@dataclass(frozen=True)
class Bookmark:
    """A bookmark of a room, or of a web page."""

    PLAIN: ClassVar[str] = "jid"
    TABLE: ClassVar[tuple[str, ...]] = (
        "jid",
        "url",
        "name",
        "nick",
        "autojoin",
        "pinned",
        "notify",
        "source",
    )
    OPTIONAL: ClassVar[tuple[str, ...]] = ("jid", "url", "notify")

    jid: Annotated[str | None, "JID of the room; null for a web page"]
    name: Annotated[str | None, "name to show"] = None
    nick: Annotated[str | None, "nickname to have in the room"] = None
    autojoin: Annotated[bool, "clients are to join the room when they log in"] = False
    password: Annotated[
        str | None, "password of the room; null where there is none, or it was not asked for"
    ] = None
    has_password: Annotated[bool, "a password is stored with it"] = False
    pinned: Annotated[bool, "it is an important one (XEP-0469)"] = False
    notify: Annotated[
        Notify | None, "which messages clients are to tell of (XEP-0492); null: not said"
    ] = None
    extensions: Annotated[
        list[str], "XML of what clients keep with it, pinning and notifications among it"
    ] = field(default_factory=list)
    source: Annotated[Store | None, "where it is kept; of several the first of these"] = None
    url: Annotated[str | None, "address of the web page; null for a room"] = None


@dataclass(frozen=True)
class BookmarkChange(Bookmark):
    """A bookmark behind a change of it."""

    PLAIN: ClassVar[str] = "jid"
    TABLE: ClassVar[tuple[str, ...]] = (*Bookmark.TABLE, "action", "error")
    OPTIONAL: ClassVar[tuple[str, ...]] = Bookmark.OPTIONAL

    action: Annotated[
        Literal["added", "changed", "unchanged"] | None, "what was done; null where it failed"
    ] = None
    error: Annotated[ErrorInfo | None, "why it failed, null where it did not"] = None


@dataclass(frozen=True)
class BookmarkRemoval:
    """What became of a bookmark that was to be removed."""

    PLAIN: ClassVar[str] = "jid"
    OPTIONAL: ClassVar[tuple[str, ...]] = ("jid", "url")
    TABLE: ClassVar[tuple[str, ...]] = ("jid", "url", "removed", "error")

    jid: Annotated[str | None, "JID of the room; null for a web page"]
    url: Annotated[str | None, "address of the web page; null for a room"] = None
    removed: Annotated[
        bool | None, "it was there, and what is stored, read again, has it no more; null: not asked"
    ] = None
    error: Annotated[ErrorInfo | None, "why it failed, null where it did not"] = None
