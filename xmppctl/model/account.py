"""An account with everything that a connection needs; the CLI makes it, the session reads it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from xmppctl.model.jid import Jid

TlsMode = Literal["auto", "direct", "starttls"]


@dataclass(frozen=True)
class Account:
    """Who connects, where to, and with which secret.

    ``password`` is called at most once per run, and only when the server asks for it; it may
    prompt, run a command or read a file, and raises UsageError or LocalError.
    Durations are seconds.
    """

    jid: Jid
    password: Callable[[], str] | None = None
    anonymous: bool = False
    cert: Path | None = None
    key: Path | None = None
    connect: tuple[str, int] | None = None
    tls: TlsMode = "auto"
    ca_file: Path | None = None
    pins: tuple[bytes, ...] = ()
    sasl_mechanism: str | None = None
    nameserver: tuple[str, int] | None = None
    connect_timeout: float = 10.0
    timeout: float = 30.0
    retry: int = 0

    @property
    def domain(self) -> str:
        """The domain that is connected to, in its ASCII form."""
        return self.jid.idna
