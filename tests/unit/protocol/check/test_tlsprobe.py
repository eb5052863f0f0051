"""What the answers to hellos say of versions and cipher suites."""

from __future__ import annotations

import asyncio
from collections.abc import Collection

import pytest

from xmppctl.errors import DeadlineError
from xmppctl.protocol.check import tlsprobe
from xmppctl.session.probehello import BROKEN, SSL3, TLS10, TLS11, TLS12, Answer


class Server:
    """Answers hellos: knows ``versions`` and ``suites``, or keeps silent."""

    def __init__(
        self, *versions: int, suites: Collection[int] = (0xC02F,), silent: bool = False
    ) -> None:
        self.versions = versions
        self.suites = suites
        self.silent = silent
        self.asked: list[int] = []

    async def ask(self, newest: int, suites: Collection[int]) -> Answer:
        self.asked.append(newest)
        if self.silent:
            raise DeadlineError("no answer")
        known = [each for each in self.versions if each <= newest]
        if not known:
            return Answer(refusal="protocol version")
        suite = next((each for each in suites if each in self.suites), None)
        return Answer(max(known), suite) if suite else Answer(refusal="handshake failure")


@pytest.mark.parametrize(
    ("known", "versions", "status", "value"),
    [
        ("TLSv1.3", (TLS12,), "ok", "1.2 1.3"),
        ("TLSv1.3", (), "ok", "1.3"),
        ("TLSv1.2", (TLS12,), "ok", "1.2"),
        ("TLSv1.3", (TLS12, TLS11), "warn", "1.1 1.2 1.3"),
        ("TLSv1.2", (TLS12, TLS10, SSL3), "warn", "SSL3 1.0 1.2"),
        (None, (TLS11,), "fail", "1.1"),
        (None, (TLS11, TLS10), "fail", "1.0 1.1"),
        (None, (SSL3,), "fail", "SSL3"),
        (None, (), "unknown", None),
    ],
)
def test_versions(
    known: str | None, versions: tuple[int, ...], status: str, value: str | None
) -> None:
    verdict = asyncio.run(tlsprobe.versions(Server(*versions).ask, known))
    assert (verdict.status, verdict.value) == (status, value)
    assert verdict.advice or status in ("ok", "unknown")


def test_what_is_known_is_not_asked_again() -> None:
    server = Server(TLS12)
    asyncio.run(tlsprobe.versions(server.ask, "TLSv1.2"))
    assert server.asked == [TLS11]


def test_a_server_that_answers_with_more_than_was_asked_for() -> None:
    async def ask(newest: int, suites: Collection[int]) -> Answer:
        return Answer(TLS12, 0xC02F)

    verdict = asyncio.run(tlsprobe.versions(ask, "TLSv1.3"))
    assert (verdict.status, verdict.value) == ("ok", "1.2 1.3")


@pytest.mark.parametrize(
    ("kinds", "status"),
    [((), "ok"), (("3DES",), "warn"), (("RC4",), "fail"), (("NULL", "anonymous", "3DES"), "fail")],
)
def test_ciphers(kinds: tuple[str, ...], status: str) -> None:
    suites = [suite for kind in kinds for suite in BROKEN[kind]]
    verdict = asyncio.run(tlsprobe.ciphers(Server(TLS12, suites=suites).ask, "THE-SUITE"))
    assert (verdict.status, verdict.value) == (status, "THE-SUITE")
    for kind in kinds:
        assert kind in verdict.detail


def test_a_suite_that_was_not_offered_is_none_of_the_broken() -> None:
    async def ask(newest: int, suites: Collection[int]) -> Answer:
        return Answer(TLS12, 0xC02F)

    assert asyncio.run(tlsprobe.ciphers(ask, None)).status == "ok"


def test_silence() -> None:
    server = Server(silent=True)
    for known in ("TLSv1.3", None):
        assert asyncio.run(tlsprobe.versions(server.ask, known)).status == "unknown"
    assert asyncio.run(tlsprobe.ciphers(server.ask, None)).status == "unknown"
