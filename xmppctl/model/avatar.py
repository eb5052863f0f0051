"""The picture that stands for somebody."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from xmppctl.records import dataclass


@dataclass(frozen=True)
class Avatar:
    """The avatar of an account (XEP-0084, XEP-0153)."""

    PLAIN: ClassVar[str] = "id"

    jid: Annotated[str, "whose it is"]
    source: Annotated[
        Literal["pep", "vcard", "url"] | None,
        "where the bytes are: in the account's avatar node, its vCard, or at a URL; null where "
        "it has none any more",
    ]
    id: Annotated[str | None, "SHA-1 of the bytes, hexadecimal"] = None
    type: Annotated[str | None, "media type, by the bytes where they were fetched"] = None
    bytes: Annotated[int | None, "size"] = None
    width: Annotated[int | None, "in pixels"] = None
    height: Annotated[int | None, "in pixels"] = None
    url: Annotated[str | None, "where the picture can be fetched too"] = None
    path: Annotated[str | None, "file that it was written to"] = None
