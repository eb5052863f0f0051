"""Which versions of TLS and which broken cipher suites a server accepts, by hellos alone."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection

from xmppctl.errors import XmppctlError
from xmppctl.model.check import Status
from xmppctl.protocol.check.certificates import Verdict
from xmppctl.session.probehello import BROKEN, COMMON, NAMES, SSL3, TLS10, TLS11, TLS12, Answer

Ask = Callable[[int, Collection[int]], Awaitable[Answer]]
"""Sends a hello of this newest version with these suites over a connection of its own."""

_OF_OPENSSL = {"TLSv1.3": "1.3", "TLSv1.2": "1.2"}
_NEW = ("1.2", "1.3")
_ORDER = ("SSL3", "1.0", "1.1", "1.2", "1.3")


async def versions(ask: Ask, known: str | None) -> Verdict:
    """tls.versions; ``known``: what a client of today gets, None where it gets none.

    Whoever gets 1.2 has shown that there is no 1.3: it would have been chosen.
    """
    found = {_OF_OPENSSL[known]} if known in _OF_OPENSSL else set()
    hellos = [_from(ask, TLS11)]
    if "1.2" not in found:
        hellos.append(_only(ask, TLS12))
    try:
        for part in await asyncio.gather(*hellos):
            found |= part
    except XmppctlError as error:
        if not found - set(_NEW):
            return Verdict("unknown", f"not tested: {error.text}")
    return _judged([each for each in _ORDER if each in found])


def _judged(found: list[str]) -> Verdict:
    old = [each for each in found if each not in _NEW]
    value = " ".join(found) or None
    advice = "let the server take TLS 1.2 and 1.3 alone"
    if not found:
        return Verdict("unknown", "no version of TLS could be agreed on")
    if len(old) == len(found):
        return Verdict("fail", f"no TLS 1.2 or newer, but {_words(old)}", value, advice=advice)
    if old:
        verb = "is" if len(old) == 1 else "are"
        return Verdict("warn", f"{_words(old)} {verb} accepted too", value, advice=advice)
    return Verdict("ok", f"{_words(found)}, and nothing older", value,
                   advice=None if "1.3" in found else "offer TLS 1.3 too")  # fmt: skip


async def _only(ask: Ask, version: int) -> set[str]:
    answer = await ask(version, COMMON)
    return {NAMES[answer.version]} if answer.version is not None else set()


async def _from(ask: Ask, version: int) -> set[str]:
    """That version and those below it, each as the newest that is offered."""
    found: set[str] = set()
    newest: int | None = version
    while newest is not None:
        answer = await ask(newest, COMMON)
        if answer.version is None or answer.version > newest:
            break
        found.add(NAMES[answer.version])
        newest = {TLS11: TLS10, TLS10: SSL3}.get(answer.version)
    return found


async def ciphers(ask: Ask, chosen: str | None) -> Verdict:
    """tls.ciphers; ``chosen``: the suite that a client of today gets."""
    kinds: list[str] = []
    left = {suite: kind for kind, suites in BROKEN.items() for suite in suites}
    try:
        while left:
            answer = await ask(TLS12, left)
            kind = left.get(answer.suite or -1)
            if kind is None:
                break
            kinds.append(kind)
            left = {suite: other for suite, other in left.items() if other != kind}
    except XmppctlError as error:
        if not kinds:
            return Verdict("unknown", f"not tested: {error.text}", chosen)
    if not kinds:
        told = f"; clients of today get {chosen}" if chosen else ""
        return Verdict("ok", f"no broken cipher suite is accepted{told}", chosen)
    # 64 bits of block size make it weak for long connections, and no more than that
    status: Status = "warn" if kinds == ["3DES"] else "fail"
    return Verdict(status, f"broken cipher suites are accepted: {', '.join(kinds)}", chosen,
                   advice="take them out of the server's list of ciphers")  # fmt: skip


def _words(names: list[str]) -> str:
    words = [name if name == "SSL3" else f"TLS {name}" for name in names]
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"
