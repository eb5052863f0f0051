"""A context whose findings a test reads, and servers to look at."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from tests.peers.stream import SASL, TLS
from tests.servers.fake import FakeConnection
from xmppctl.model.account import Account
from xmppctl.model.check import CHECKS, Finding
from xmppctl.model.jid import parse as jid
from xmppctl.protocol.check.context import Context, Limits

DOMAIN = "fake.test"
REGISTER = "{jabber:iq:register}query"
ADVERTISED = "<register xmlns='http://jabber.org/features/iq-register'/>"
FIELDS = "<query xmlns='jabber:iq:register'><username/><password/></query>"

Script = Callable[[FakeConnection], Awaitable[None]]


def account(ca_file: Path | None = None, **more: Any) -> Account:
    """Nobody at fake.test, with short timeouts."""
    given = {"timeout": 2.0, "connect_timeout": 2.0, "ca_file": ca_file, **more}
    return Account(jid(DOMAIN), **given)


def context(
    who: Account, *wanted: str, limits: Limits | None = None
) -> tuple[Context, list[Finding]]:
    """A context, and the findings that it is told; all checks are wanted by default."""
    found: list[Finding] = []
    made = Context(DOMAIN, who, limits or Limits(), set(wanted or CHECKS), found.append)
    return made, found


def blamed(found: list[Finding]) -> dict[str, str]:
    """Checks and status of all that is not well; every check was told once for each target."""
    assert len({(each.check, each.target) for each in found}) == len(found)
    for each in found:
        assert each.detail
        assert each.advice or each.status not in ("warn", "fail"), each
    return {each.check: each.status for each in found if each.status != "ok"}


def mechanisms(*names: str) -> str:
    """The feature that offers these SASL mechanisms."""
    inside = "".join(f"<mechanism>{name}</mechanism>" for name in names)
    return f"<mechanisms xmlns='{SASL}'>{inside}</mechanisms>"


LOGIN = mechanisms("SCRAM-SHA-256", "PLAIN")


def serving(
    features: str = LOGIN, registration: str | None = None, *, server: bool = False
) -> Script:
    """A server that is well, with these features under TLS; ``registration``: its form.

    ``server``: it is other servers whom it speaks with.
    """

    async def begin(conn: FakeConnection, offered: str) -> None:
        await conn.header()
        if server:
            ns = "xmlns='jabber:server' xmlns:stream='http://etherx.jabber.org/streams'"
            conn.send(f"<stream:stream {ns} version='1.0' from='{conn.domain}'>")
        else:
            conn.send_header()
        conn.send(f"<stream:features>{offered}</stream:features>")

    async def script(conn: FakeConnection) -> None:
        if conn.server.tls == "starttls":
            await begin(conn, f"<starttls xmlns='{TLS}'><required/></starttls>")
            await conn.expect(f"{{{TLS}}}starttls")
            conn.send(f"<proceed xmlns='{TLS}'/>")
            await conn.handshake()
        await begin(conn, features)
        request = await conn.recv()
        if registration is None:
            conn.error(request, "service-unavailable")
        else:
            conn.result(request, registration)
        await conn.until_closed()

    return script
