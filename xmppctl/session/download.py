"""Files by http and https: the bytes, their hash, and a name that does no harm."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from xmppctl.errors import RefusedError
from xmppctl.model import digest as digests
from xmppctl.model.filename import harmless
from xmppctl.session import http
from xmppctl.session.http import Answer, Write
from xmppctl.session.web import Web
from xmppctl.session.weburl import Url


@dataclass(frozen=True)
class Received:
    """What came: bytes, the media type that is claimed, SHA-256 in hexadecimal."""

    size: int
    media_type: str | None
    sha256: str


async def download(
    web: Web,
    url: Url,
    receive: Callable[[Answer], Write],
    *,
    verify: tuple[str, bytes] | None = None,
    max_size: int | None = None,
) -> Received:
    """GET ``url``; ``receive`` gets the answer's headers and gives who takes the bytes.

    Both run in another thread. ``verify``: name of a hash (XEP-0300) and the digest that the
    bytes must have; it is known in the end only. Raises RefusedError ("file-too-large",
    "hash-mismatch", any HTTP status but 200), ConnectError, TlsError, DeadlineError.
    """
    digest = hashlib.sha256()
    proof = digests.ALGORITHMS[verify[0]]() if verify is not None else None
    size = 0

    def begin(answer: Answer) -> Write:
        announced = answer.headers.get("Content-Length", "")
        if max_size is not None and announced.isdecimal() and int(announced) > max_size:
            raise _too_large(max_size, answer.url)
        write = receive(answer)

        def take(block: bytes) -> None:
            nonlocal size
            size += len(block)
            if max_size is not None and size > max_size:
                raise _too_large(max_size, answer.url)
            digest.update(block)
            if proof is not None:
                proof.update(block)
            write(block)

        return take

    answer = await http.get(web, url, begin)
    if verify is not None and proof is not None:
        found = proof.digest()
        if not hmac.compare_digest(found, verify[1]):
            raise RefusedError(
                f"the bytes are not the expected ones: their {verify[0]} is {found.hex()}",
                step="verify",
                condition="hash-mismatch",
                by=answer.url.peer,
            )
    return Received(size, answer.headers.get("Content-Type"), digest.hexdigest())


def _too_large(limit: int, url: Url) -> RefusedError:
    return RefusedError(
        f"the file is larger than {limit} bytes",
        step="get",
        condition="file-too-large",
        by=url.peer,
        hint="--max-size allows more",
        limit=limit,
    )


def name_of(answer: Answer, asked: Url) -> str:
    """The name for the file: what the server suggests (RFC 6266), or the end of the URL."""
    given = answer.headers.get_filename()
    if given:
        with suppress(UnicodeError):  # http.client reads headers as Latin-1, servers write UTF-8
            given = given.encode("latin-1").decode()
    return harmless(given or unquote(urlsplit(asked.text).path))
