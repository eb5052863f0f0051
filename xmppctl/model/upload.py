"""Files given to an upload service (XEP-0363)."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, ClassVar, Literal

from xmppctl.errors import ErrorInfo
from xmppctl.model.sent import SendResult
from xmppctl.records import dataclass

PurposeName = Literal["message", "profile", "ephemeral", "permanent"]


@dataclass(frozen=True)
class Purpose:
    """What a file is for (XEP-0363 §5); an ephemeral one is gone at ``expire_before``."""

    name: Annotated[PurposeName, "name of the purpose"]
    expire_before: Annotated[datetime | None, "when it must not be available any more"] = None


@dataclass(frozen=True)
class UploadService:
    """An upload service, its limit and purposes."""

    PLAIN: ClassVar[str] = "service"

    service: Annotated[str, "JID of the upload service"]
    max_size: Annotated[int | None, "largest file that it takes, in bytes; null: not announced"]
    purposes: Annotated[list[PurposeName], "purposes that it announces"]


@dataclass(frozen=True)
class Upload:
    """One file and what became of it.

    With ``--to`` or ``--muc`` ``error`` is set too where the file is there but the message failed.
    """

    PLAIN: ClassVar[str] = "get"
    TABLE: ClassVar[tuple[str, ...]] = ("file", "size", "get", "service", "max_size", "error")

    file: Annotated[str | None, "path as it was given; - is standard input"] = None
    size: Annotated[int | None, "bytes"] = None
    type: Annotated[str | None, "media type that was announced"] = None
    get: Annotated[str | None, "URL from which anybody who knows it gets the file"] = None
    put_status: Annotated[int | None, "HTTP status of the upload"] = None
    sha256: Annotated[str | None, "SHA-256 of the bytes that were uploaded, hexadecimal"] = None
    service: Annotated[str | None, "JID of the upload service"] = None
    max_size: Annotated[int | None, "largest file that the service takes, in bytes"] = None
    delivery: Annotated[
        SendResult | None, "what became of the message with the URL, with --to or --muc"
    ] = None
    error: Annotated[ErrorInfo | None, "why it failed, null where it did not"] = None


@dataclass(frozen=True)
class EncryptedUpload(Upload):
    """One file that was encrypted before it was uploaded (XEP-0454), and what became of it."""

    PLAIN: ClassVar[str] = "aesgcm"
    TABLE: ClassVar[tuple[str, ...]] = ("file", "size", "aesgcm", "service", "max_size", "error")

    aesgcm: Annotated[
        str | None, "URL with the key of the file: for encrypted messages alone (XEP-0454)"
    ] = None
