"""What the tests of fetch have in common: a web server's script, and what is there afterwards."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tests.servers.web import WebConnection


def files(home: Path) -> list[str]:
    """What lies in the home directory but xmppctl's own."""
    return sorted(p.name for p in home.iterdir() if p.name not in ("config", "state", "cache"))


def giving(body: bytes, *headers: str) -> Callable[[WebConnection], None]:
    """Whoever comes gets this."""

    def script(conn: WebConnection) -> None:
        conn.request()
        conn.respond(200, body, *headers)

    return script
