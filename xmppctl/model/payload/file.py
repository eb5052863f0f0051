"""Files and links that a message points to."""

from __future__ import annotations

from dataclasses import field
from datetime import datetime
from typing import Annotated, Any, ClassVar, Literal, Self

from xmppctl.records import dataclass


@dataclass(frozen=True)
class Oob:
    """A URL that belongs to a message (XEP-0066)."""

    SPARSE: ClassVar[bool] = True

    url: Annotated[str, "the URL"]
    desc: Annotated[str | None, "what is there"] = None

    def __str__(self) -> str:
        """For a table."""
        return self.url


@dataclass(frozen=True)
class MessageFile:
    """A file that a message shares; what the sender does not tell is left out."""

    SPARSE: ClassVar[bool] = True

    source: Annotated[
        Literal["oob", "sfs", "sims", "bob", "aesgcm"],
        "how it is shared: XEP-0066, 0447, 0385, 0231 or 0454",
    ]
    id: Annotated[str | None, "id of the file in the message (XEP-0447)"] = None
    name: Annotated[
        str | None, "name, as the sender says, made harmless: a directory is no part of it"
    ] = None
    size: Annotated[int | None, "size in bytes, as the sender says"] = None
    media_type: Annotated[str | None, "media type, as the sender says"] = None
    desc: Annotated[str | None, "description"] = None
    date: Annotated[datetime | None, "when it was changed"] = None
    width: Annotated[int | None, "width in pixels"] = None
    height: Annotated[int | None, "height in pixels"] = None
    length_ms: Annotated[int | None, "length in milliseconds"] = None
    hashes: Annotated[dict[str, str], "hashes in hexadecimal, by algorithm (XEP-0300)"] = field(
        default_factory=dict
    )
    urls: Annotated[list[str], "where it is; of bits of binary a cid: URI"] = field(
        default_factory=list
    )
    encrypted: Annotated[bool | None, "true: what is there is encrypted"] = None
    disposition: Annotated[str | None, "inline or attachment"] = None
    thumbnails: Annotated[list[str], "URIs of small pictures of it (XEP-0264)"] = field(
        default_factory=list
    )
    path: Annotated[str | None, "the file it was saved to"] = None

    def __str__(self) -> str:
        """For a table; without the fragment of a URL, which may be the key of the file."""
        return self.name or next(iter(self.urls), self.source).partition("#")[0]


class EmbeddedFile(MessageFile):
    """A file that came within the message. ``content`` is no field: it is kept or forgotten."""

    content: bytes = b""

    @classmethod
    def of(cls, content: bytes, **facts: Any) -> Self:
        """The record with these facts."""
        made = cls(size=len(content), **facts)
        object.__setattr__(made, "content", content)
        return made


@dataclass(frozen=True)
class LinkMetadata:
    """What the sender says about a link (XEP-0511)."""

    about: Annotated[str, "the link"]
    properties: Annotated[dict[str, list[str]], "the rest, such as og:title"] = field(
        default_factory=dict
    )

    def __str__(self) -> str:
        """For a table."""
        return self.about
