"""The check of host-meta: what web clients are told of the ways in (XEP-0156).

Most domains have no such file, and many no web server; that is no fault. A file that is there and
is malformed is a failure. What web clients cannot use is a warning: files that cannot be read,
that contradict each other, of which one is missing, that name addresses without TLS, or that pages
of other sites may not read (CORS).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from xmppctl.errors import ConnectError, DeadlineError, RefusedError, TlsError, XmppctlError
from xmppctl.model.check import Status
from xmppctl.model.dns import Way
from xmppctl.protocol.check.context import Context
from xmppctl.records import dataclass
from xmppctl.session import hostmeta as files
from xmppctl.session import http
from xmppctl.session.trace import Trace
from xmppctl.session.web import Web
from xmppctl.session.weburl import parse_url

_ORIGIN = "https://example.com"
"""The site that the request pretends to be for."""

_ABSENT = ("item-not-found", "gone", "forbidden", "not-authorized")
_KINDS: tuple[tuple[str, Callable[[bytes], files.Links]], ...] = (
    ("host-meta", files.read_xrd),
    ("host-meta.json", files.read_jrd),
)


@dataclass(frozen=True)
class _File:
    """One of the two files; ``links`` is None where it is not there or cannot be read."""

    name: str
    links: files.Links | None = None
    error: XmppctlError | None = None
    cors: bool = False

    @property
    def endpoints(self) -> files.Endpoints:
        return files.chosen(self.links or ())

    @property
    def insecure(self) -> list[str]:
        """Addresses that nobody may use (§2.2)."""
        return [
            address
            for relation, address in self.links or ()
            if relation in files.RELATIONS and address.lower().startswith(("ws:", "http:"))
        ]


async def hostmeta(context: Context) -> tuple[list[Way], str | None]:
    """Tell of web.hostmeta; the WebSocket and BOSH endpoints that it names, and why that may not
    be all of them.

    To be run beside the probe of the DNS: the web server may be silent. Raises UsageError and
    LocalError for a proxy's variable or a CA file that cannot be used.
    """
    account = context.account
    limit = min(account.connect_timeout, account.timeout)
    web = Web(
        account.ca_file, limit, limit, Trace(), pins=account.pins, nameserver=account.nameserver
    )
    xrd, jrd = await asyncio.gather(
        *(_read(web, context.domain, name, reader) for name, reader in _KINDS)
    )
    named = list(dict.fromkeys([*_named(xrd), *_named(jrd)]))
    status, detail, advice = _judge(xrd, jrd, [url for _, url in named])
    count = None if status == "unknown" else len(named)
    context.tell("web.hostmeta", context.domain, status, detail, value=count, advice=advice)
    error = xrd.error or jrd.error
    why = None if error is None else error.text or error.condition
    return [_way(service, url) for service, url in named], why


async def _read(web: Web, domain: str, name: str, reader: Callable[[bytes], files.Links]) -> _File:
    answers: list[http.Answer] = []
    place, headers = files.place(domain, name), [("Origin", _ORIGIN)]
    try:
        links = await files.fetch(web, place, reader, headers, look=answers.append)
    except XmppctlError as error:
        if error.code in (2, 11):  # what is wrong here, not there
            raise
        kind = answers[0].headers.get_content_type() if answers else ""
        page = kind in ("text/html", "application/xhtml+xml")
        # many sites have one page for whatever is asked for
        return _File(name, error=None if page or _is_absence(error) else error)
    allowed = answers[0].headers.get("Access-Control-Allow-Origin", "").strip()
    return _File(name, links, cors=allowed in ("*", _ORIGIN))


def _is_absence(error: XmppctlError) -> bool:
    """Whether there is no file, or not even a web server."""
    if isinstance(error, RefusedError):
        return error.condition in _ABSENT
    if isinstance(error, TlsError):
        return error.condition in ("no-application-protocol", "not-tls")  # another service's port
    if not isinstance(error, ConnectError | DeadlineError) or _is_dns_dead(error):
        return False
    return error.step in ("dns", "tcp")


def _is_dns_dead(error: XmppctlError) -> bool:
    """Whether nobody says where the web server is, nor that there is none."""
    return error.step == "dns" and error.condition in ("timeout", "servfail", "temporary-failure")


def _judge(xrd: _File, jrd: _File, named: list[str]) -> tuple[Status, str, str | None]:
    """Status, detail, advice; ``named``: all URLs of both."""
    there = [each for each in (xrd, jrd) if each.links is not None]
    failed = [each for each in (xrd, jrd) if each.error is not None]
    malformed = [each for each in failed if each.error and _is_malformed(each.error)]
    if malformed:
        return "fail", f"{malformed[0].name} is malformed", "correct the file"
    if failed and failed[0].error is not None:
        if _is_dns_dead(failed[0].error):
            return "unknown", f"not tested: {failed[0].error.text}", None
        text = f"{failed[0].name} cannot be read: {failed[0].error.text}"
        return "warn", text, "see to the web server of the domain"
    insecure = [address for each in there for address in each.insecure]
    if insecure:
        return "warn", f"not secure, and so not used: {insecure[0]}", "name wss and https URLs"
    if not named:
        return "ok", "no WebSocket and no BOSH is named" if there else "no host-meta", None
    if len(there) == 1:
        missing = jrd.name if there[0] is xrd else xrd.name
        return "warn", f"{missing} is missing beside {there[0].name}", "publish both forms"
    if set(_named(xrd)) != set(_named(jrd)):
        return "warn", "host-meta and host-meta.json name different addresses", "let them agree"
    closed = [each.name for each in there if not each.cors]
    if closed:
        advice = "send Access-Control-Allow-Origin: * with these files"
        return "warn", f"pages of other sites may not read {' and '.join(closed)} (CORS)", advice
    return "ok", ", ".join(named), None


def _is_malformed(error: XmppctlError) -> bool:
    return error.condition in ("malformed-answer", "file-too-large")


def _named(file: _File) -> list[tuple[str, str]]:
    """Its URLs, each with the service that it is of."""
    found = file.endpoints
    return [
        *(("websocket", each) for each in found.websocket),
        *(("bosh", each) for each in found.bosh),
    ]


def _way(service: str, text: str) -> Way:
    url = parse_url("https:" + text.partition(":")[2])
    return Way(service, url.host, url.port, True, (), "hostmeta", url=text)
