"""Whether web clients elsewhere may use an HTTP service (Fetch Standard, §3.2: CORS protocol)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from email.message import Message
from typing import NamedTuple

from xmppctl.model.check import Status

ORIGIN = "https://example.com"
"""The site that the checks pretend to come from."""

_ALLOW = "Access-Control-Allow-"
_TOLD = 60  # characters of a header that are shown

Headers = list[tuple[str, str]]


class Verdict(NamedTuple):
    """How good it is; ``value``: for which origin it is allowed, False for none."""

    status: Status
    value: str | bool
    detail: str
    advice: str | None = None


class Said(NamedTuple):
    """What an answer says: ``origin`` is the one it allows, None for none.

    ``odd``: why a browser takes the answer for a no, whatever it says.
    """

    where: str
    origin: str | None
    methods: frozenset[str] = frozenset()
    headers: frozenset[str] = frozenset()
    odd: str | None = None

    @property
    def allows(self) -> bool:
        """Whether a browser lets a page of some origin go on."""
        return self.origin is not None and self.odd is None


def preflight(method: str, headers: Sequence[str]) -> Headers:
    """The headers of a browser's question before a request with that method and these headers."""
    asked = [("Origin", ORIGIN), ("Access-Control-Request-Method", method)]
    if headers:
        names = ",".join(sorted(name.lower() for name in headers))
        asked.append(("Access-Control-Request-Headers", names))
    return asked


def read(where: str, status: int, headers: Message, *, before: bool) -> Said:
    """What an answer says; ``before``: it is one to a preflight, which has to be a success."""
    origins = [each.strip() for each in headers.get_all(f"{_ALLOW}Origin", [])]
    odd = None
    if len(origins) > 1:
        odd = f"it has {len(origins)} headers {_ALLOW}Origin"
    elif origins and before and not 200 <= status < 300:
        odd = f"its HTTP status is {status}"
    return Said(
        where,
        origins[0][:_TOLD] if origins else None,
        frozenset(_words(headers, f"{_ALLOW}Methods")),
        frozenset(each.lower() for each in _words(headers, f"{_ALLOW}Headers")),
        odd,
    )


def _words(headers: Message, name: str) -> list[str]:
    text = ",".join(headers.get_all(name, []))
    return [each for each in re.split(r"[\s,]+", text) if each]


def judge(
    put: Said, get: Said, before_put: Said, before_get: Said, needed: Sequence[str]
) -> Verdict:
    """What four answers say together: of a PUT with the headers ``needed``, of a GET, and before.

    A plain GET needs no preflight. A header that is one for any (``*``) does not stand for
    Authorization, and stands for a method only where no credentials are sent.
    """
    needs = (before_put, put, get)
    denied = [each for each in needs if not each.allows]
    odd = [f"{each.where}: {each.odd}" for each in needs if each.odd is not None]
    if len(denied) == len(needs) and not odd:
        return Verdict(
            "warn", False, f"no headers for web clients of other sites, such as {ORIGIN}", _ENABLE
        )
    if denied:
        words = [f"not in the answer to {each.where}" for each in denied if each.odd is None]
        allowed = [each.where for each in needs if each.allows]
        said = f"allowed in the answer to {', '.join(allowed)}, " if allowed else ""
        return Verdict("fail", False, said + "; ".join(words + odd), _ALIKE)
    origins = list(dict.fromkeys(each.origin or "" for each in needs))
    others = [each for each in origins if each not in ("*", ORIGIN)]
    if others and len(origins) > 1:
        return Verdict("fail", False, f"different origins: {', '.join(origins)}", _ALIKE)
    if "PUT" not in before_put.methods and "*" not in before_put.methods:
        return Verdict("fail", False, f"{_ALLOW}Methods has no PUT", _ALIKE)
    missing = [each for each in needed if not _covers(before_put.headers, each.lower())]
    if missing:
        return Verdict("fail", False, f"{_ALLOW}Headers has no {', '.join(missing)}", _ALIKE)
    if others:
        return Verdict("ok", others[0], f"web clients of {others[0]} alone")
    if not before_get.allows:
        return Verdict(
            "warn",
            origins[0],
            "allowed for plain requests; a GET with headers such as Range is not",
            _ALIKE,
        )
    return Verdict("ok", origins[0], "web clients of all sites may upload and fetch")


def _covers(allowed: frozenset[str], name: str) -> bool:
    return name in allowed or ("*" in allowed and name != "authorization")


_ENABLE = (
    "send CORS headers if web clients are to upload (ejabberd: custom_headers of mod_http_upload)"
)
_ALIKE = "send the same CORS headers with OPTIONS, PUT and GET; look at proxies in front"
