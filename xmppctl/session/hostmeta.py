"""XEP-0156: where a domain's WebSocket and BOSH are, by its host-meta file.

Both forms (XRD and JRD, RFC 6415) are asked for at once, and the first that names an endpoint
counts: servers have one, the other, or both. Only https is asked, redirects lead to https alone,
and only wss and https URLs are believed (§2.2). The TXT records of older versions are not secure,
and not asked. Link templates are not covered.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TypeVar
from xml.parsers import expat

from xmppctl.errors import RefusedError, XmppctlError
from xmppctl.model.account import Account
from xmppctl.model.xep import Xep
from xmppctl.session import http
from xmppctl.session.trace import Trace
from xmppctl.session.web import Web
from xmppctl.session.weburl import parse_url

XEPS = (Xep("0156", "1.4.0", "complete"),)

NS_XRD = "http://docs.oasis-open.org/ns/xri/xrd-1.0"
RELATIONS = {
    "urn:xmpp:alt-connections:websocket": "wss",
    "urn:xmpp:alt-connections:xbosh": "https",
}
_LARGEST = 128 * 1024
_MOST = 8
"""Endpoints of one kind; a hostile file could name thousands."""

Links = list[tuple[str, str]]
T = TypeVar("T")


@dataclass(frozen=True)
class Endpoints:
    """URLs of a domain's endpoints (wss and https), in the order of the file.

    ``error``: why the file could not be read, where there may be one; None also where it is
    certain that there is none.
    """

    websocket: tuple[str, ...] = ()
    bosh: tuple[str, ...] = ()
    error: XmppctlError | None = field(default=None, compare=False)

    def __bool__(self) -> bool:
        return bool(self.websocket or self.bosh)


async def discover(account: Account, timeout: float, trace: Trace | None = None) -> Endpoints:
    """The endpoints of the account's domain; none is no failure.

    ``timeout``: seconds for all of it. Raises UsageError and LocalError alone, for a proxy's
    variable or a CA file that cannot be used.
    """
    trace = trace or Trace()
    trace.enter("host-meta")
    # of the two only one counts: their steps would be told in disorder
    web = Web(account.ca_file, timeout, timeout, Trace(), pins=account.pins)
    kinds = (("host-meta.json", read_jrd), ("host-meta", read_xrd))
    tasks = [
        asyncio.ensure_future(fetch(web, place(account.domain, name), reader))
        for name, reader in kinds
    ]
    found = Endpoints()
    try:
        for each in asyncio.as_completed(tasks):
            try:
                found = chosen(await each)
            except RefusedError as error:
                if error.condition not in ("item-not-found", "gone"):
                    found = Endpoints(error=error)
            except XmppctlError as error:
                if error.code in (2, 11):  # what is wrong here, not there
                    raise
                found = Endpoints(error=error)
            if found:
                break
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    trace.note(_told(account.domain, found))
    return found


def place(domain: str, name: str) -> str:
    """The URL of a domain's ``host-meta`` or ``host-meta.json``."""
    host = f"[{domain}]" if ":" in domain else domain
    return f"https://{host}/.well-known/{name}"


async def fetch(
    web: Web,
    url: str,
    reader: Callable[[bytes], T],
    headers: Iterable[tuple[str, str]] = (),
    *,
    look: Callable[[http.Answer], object] | None = None,
) -> T:
    """What ``reader`` finds in a host-meta file; it raises ValueError where that is malformed.

    ``headers``: more of the request. ``look`` is given the answer before its body is read, in
    another thread. Raises RefusedError, ConnectError, TlsError, DeadlineError.
    """
    body = bytearray()

    def receive(answer: http.Answer) -> http.Write:
        if look is not None:
            look(answer)
        return take

    def take(block: bytes) -> None:
        body.extend(block)
        if len(body) > _LARGEST:
            raise RefusedError(
                f"the host-meta file is larger than {_LARGEST} bytes",
                step="host-meta",
                condition="file-too-large",
                limit=_LARGEST,
            )

    answer = await http.get(web, parse_url(url), receive, headers)
    try:
        return reader(bytes(body))
    except ValueError:
        raise RefusedError(
            f"the host-meta file of {answer.url.peer} is malformed",
            step="host-meta",
            condition="malformed-answer",
            by=answer.url.peer,
        ) from None


def read_xrd(body: bytes) -> Links:
    """The links (relation, URL) of an XRD document. Raises ValueError."""
    links: Links = []
    open_tags: list[str] = []

    def start(tag: str, attributes: dict[str, str]) -> None:
        open_tags.append(tag)
        if open_tags[0] != f"{NS_XRD}}}XRD":
            raise ValueError("it is no XRD")
        if open_tags[1:] == [f"{NS_XRD}}}Link"]:
            links.append((attributes.get("rel", ""), attributes.get("href", "")))

    def refuse(*_: object) -> None:
        raise ValueError("it has a document type, and might define entities")

    # a document may have comments, which the parser of streams has to refuse
    parser = expat.ParserCreate("UTF-8", "}")
    parser.StartElementHandler = start
    parser.EndElementHandler = lambda _: open_tags.pop()
    parser.StartDoctypeDeclHandler = refuse
    try:
        parser.Parse(body, True)
    except expat.ExpatError as error:
        raise ValueError(str(error)) from None
    return links


def read_jrd(body: bytes) -> Links:
    """The links of a JRD document. Raises ValueError."""
    try:
        root = json.loads(body)
    except RecursionError as error:
        raise ValueError("it is nested too deep") from error
    links = root.get("links", []) if isinstance(root, dict) else None
    if not isinstance(links, list):
        raise ValueError("it is no JRD")  # noqa: TRY004 - a fault of the text, not of a caller
    pairs = [(each.get("rel"), each.get("href")) for each in links if isinstance(each, dict)]
    return [(a, b) for a, b in pairs if isinstance(a, str) and isinstance(b, str)]


def chosen(links: Iterable[tuple[str, str]]) -> Endpoints:
    """The endpoints among the links of a file: of these relations, and secure."""
    found: dict[str, dict[str, None]] = {scheme: {} for scheme in RELATIONS.values()}
    for relation, text in links:
        scheme = RELATIONS.get(relation)
        if scheme is None or not text.lower().startswith(f"{scheme}://"):
            continue
        try:
            url = parse_url("https" + text[len(scheme) :])
        except ValueError:
            continue
        if len(found[scheme]) < _MOST:
            found[scheme][scheme + url.text[len("https") :]] = None
    return Endpoints(tuple(found["wss"]), tuple(found["https"]))


def _told(domain: str, found: Endpoints) -> str:
    if found:
        return f"host-meta of {domain}: {', '.join(found.websocket + found.bosh)}"
    why = f" ({found.error.text})" if found.error is not None else ""
    return f"{domain} names no WebSocket and no BOSH in its host-meta{why}"
