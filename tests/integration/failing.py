"""What the tests of failures have in common: how a failure must look, and scripts that fail."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from tests.peers.process import Result
from tests.peers.stream import BIND, CLIENT, SASL, TLS
from tests.servers.fake import FakeConnection
from xmppctl.errors import Exit

Script = Callable[[FakeConnection], Awaitable[None]]

JID = "alice@fake.test"
PASSWORD = "correct horse battery staple"
STARTTLS = f"<starttls xmlns='{TLS}'><required/></starttls>"
PLAIN = f"<mechanisms xmlns='{SASL}'><mechanism>PLAIN</mechanism></mechanisms>"
BINDING = f"<bind xmlns='{BIND}'/>"
PING = "{urn:xmpp:ping}ping"


def failure(
    run: Result, code: Exit, step: str | None = None, condition: str | None = None
) -> dict[str, Any]:
    """The error object of a run with JSON output, which must be told as the contract says."""
    run.expect(int(code))
    assert "Traceback" not in run.err
    assert "internal error" not in run.err
    error = run.error()
    assert (error["code"], error["name"]) == (int(code), code.name), run
    assert error["text"], run
    if step is not None:
        assert error["step"] == step, run
    if condition is not None:
        assert error["condition"] == condition, run
    return error


async def answer_ping(conn: FakeConnection) -> None:
    """A server that works: login, one ping, the close."""
    await conn.login()
    conn.result(await conn.request(PING))
    await conn.until_closed()


async def secured(conn: FakeConnection) -> None:
    """The steps up to TLS, of the kind that the server has."""
    if conn.server.tls == "starttls":
        await conn.starttls()


def tag(name: str) -> str:
    """A name of the stream's default namespace."""
    return f"{{{CLIENT}}}{name}"
