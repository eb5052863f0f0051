"""An account with everything that a connection needs; the CLI makes it, the session reads it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from xmppctl.model.jid import Jid
from xmppctl.records import dataclass

if TYPE_CHECKING:
    from xmppctl.model.memory import Memory

TlsMode = Literal["auto", "direct", "starttls"]
Transport = Literal["auto", "tcp", "websocket", "bosh"]
SaslProfile = Literal["auto", "sasl2", "sasl1"]


@dataclass(frozen=True)
class Account:
    """Who connects, where to, and with which secret.

    ``password`` is called at most once per run, and only when the server asks for it; it may
    prompt (``prompts``), run a command or read a file, and raises UsageError or LocalError.
    ``endpoint`` is a wss or https URL, and then ``transport`` is the one of its scheme.
    ``allow_downgrade``: a mechanism weaker than the one before is accepted. ``memory``: what
    earlier runs learned, None where nothing is kept. Durations are seconds.
    """

    jid: Jid
    password: Callable[[], str] | None = None
    prompts: bool = False
    anonymous: bool = False
    cert: Path | None = None
    key: Path | None = None
    connect: tuple[str, int] | None = None
    tls: TlsMode = "auto"
    transport: Transport = "auto"
    endpoint: str | None = None
    ca_file: Path | None = None
    pins: tuple[bytes, ...] = ()
    sasl: SaslProfile = "auto"
    sasl_mechanism: str | None = None
    allow_downgrade: bool = False
    nameserver: tuple[str, int] | None = None
    connect_timeout: float = 10.0
    timeout: float = 30.0
    retry: int = 0
    memory: Memory | None = field(default=None, repr=False, compare=False)

    @property
    def domain(self) -> str:
        """The domain that is connected to, in its ASCII form."""
        return self.jid.idna
