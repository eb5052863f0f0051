"""XEP-0455: Service Outage Status: what a server has to say while it cannot be reached.

The server itself only tells addresses of files, which are elsewhere on the web, so that they can be
read when it is down; for that the caller keeps the addresses.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from xmppctl.errors import RefusedError, XmppctlError
from xmppctl.model.disco import DiscoInfo
from xmppctl.model.jid import Jid
from xmppctl.model.server import OutageStatus
from xmppctl.protocol import Xep, disco
from xmppctl.protocol.dates import parse_datetime
from xmppctl.protocol.server.asking import fields_of, lacking
from xmppctl.session import http
from xmppctl.session.stream import Session
from xmppctl.session.web import Web
from xmppctl.session.weburl import Url, parse_url

XEPS = (Xep("0455", "0.4.0", "complete"),)

FORM_TYPE = "urn:xmpp:sos:0"

_FIELD = "external-status-addresses"
_STEP = "status"
_LARGEST = 64 * 1024
_MOST = 10
"""Addresses that are tried; a hostile server could name thousands."""
_KNOWN = ("planned", "beginning", "expected_end", "message")
_DEFAULT = "default"


async def addresses(session: Session, server: Jid) -> list[str]:
    """Where ``server`` tells of outages: http(s) URLs.

    Raises UnsupportedError where it does not, RefusedError, DeadlineError.
    """
    found = read_addresses(await disco.info(session, server))
    if not found:
        raise lacking(server, "a status of outages (XEP-0455)", "disco#info")
    return found


def read_addresses(info: DiscoInfo) -> list[str]:
    """The http(s) URLs in what a server tells of itself."""
    found = []
    for text in (fields_of(info, FORM_TYPE) or {}).get(_FIELD, []):
        with suppress(ValueError):
            found.append(parse_url(text).text)
    return found[:_MOST]


async def fetch(
    web: Web,
    urls: Sequence[str],
    domain: str | None,
    languages: Sequence[str],
    *,
    cached: bool = False,
) -> OutageStatus:
    """What the first of the ``urls`` that answers says.

    ``languages``: tags of languages that the user reads, the best first; ``cached``: whether the
    addresses are from an earlier run. Raises what came of the
    last one where none answers: RefusedError, ConnectError, TlsError, DeadlineError.
    """
    failed: XmppctlError | None = None
    for text in urls:
        url = parse_url(text)
        try:
            body = await _body(web, url)
            return replace(read(body, languages, domain=domain, url=url.text), cached=cached)
        except ValueError as error:
            failed = RefusedError(
                f"the status at {url.peer} cannot be understood ({error})",
                condition="malformed-answer",
                by=url.peer,
            )
        except XmppctlError as error:
            if error.code in (2, 11):  # what is wrong here, not there
                raise
            failed = error
        failed.step = _STEP
        web.trace.note(failed.text)
    assert failed is not None
    raise failed


async def _body(web: Web, url: Url) -> bytes:
    body = bytearray()

    def take(block: bytes) -> None:
        body.extend(block)
        if len(body) > _LARGEST:
            raise RefusedError(
                f"the status at {url.peer} is larger than {_LARGEST} bytes",
                condition="file-too-large",
                limit=_LARGEST,
            )

    await http.get(web, url, lambda _: take)
    return bytes(body)


def read(
    body: bytes,
    languages: Sequence[str],
    *,
    domain: str | None,
    url: str | None,
    now: datetime | None = None,
) -> OutageStatus:
    """The record of a status file (§2.2). Raises ValueError where it is none.

    A field that cannot be read is null, but that it is there says that there is an outage.
    """
    try:
        root = json.loads(body)
    except RecursionError as error:
        raise ValueError("it is nested too deep") from error
    except ValueError:
        raise ValueError("it is no JSON") from None
    if not isinstance(root, dict):
        raise ValueError("it is no JSON object")  # noqa: TRY004 - a fault of the text
    if not any(root.get(name) is not None for name in _KNOWN):
        return OutageStatus(domain, outage=False, url=url)
    beginning = _moment(root.get("beginning"))
    future = beginning is not None and beginning > (now or datetime.now(UTC))
    messages = _messages(root.get("message"))
    planned = root.get("planned")
    return OutageStatus(
        domain=domain,
        outage=True,
        active=not future,
        # what lies in the future is to be told as planned (§4)
        planned=True if future else planned if isinstance(planned, bool) else None,
        beginning=beginning,
        expected_end=_moment(root.get("expected_end")),
        message=_chosen(messages, languages),
        messages=messages,
        url=url,
    )


def languages(env: Mapping[str, str]) -> list[str]:
    """The languages of the user, as the environment has them: de_AT.UTF-8 is de-AT."""
    for name in ("LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG"):
        tags = [
            re.split("[.@]", each)[0].replace("_", "-") for each in env.get(name, "").split(":")
        ]
        found = [tag for tag in tags if tag and tag not in ("C", "POSIX")]
        if found:
            return found
    return []


def _chosen(messages: Mapping[str, str], languages: Sequence[str]) -> str | None:
    """The message in the best language, of those that are there, else the default."""
    known = {tag.lower(): text for tag, text in messages.items() if tag != _DEFAULT}
    for wanted in languages:
        tag = wanted.lower()
        while tag:  # lookup (RFC 4647 §3.4)
            if tag in known:
                return known[tag]
            tag = tag.rpartition("-")[0]
    return messages.get(_DEFAULT) or next(iter(messages.values()), None)


def _messages(value: Any) -> dict[str, str]:
    if isinstance(value, str):
        return {_DEFAULT: value}
    if not isinstance(value, dict):
        return {}
    return {str(tag): text for tag, text in value.items() if isinstance(text, str) and text}


def _moment(value: Any) -> datetime | None:
    if isinstance(value, str):
        with suppress(ValueError):
            return parse_datetime(value)
    return None
