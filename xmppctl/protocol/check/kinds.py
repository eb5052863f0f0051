"""What is spoken at a port: TLS from the first byte on, or XMPP in clear."""

from __future__ import annotations

import asyncio
import ssl
from contextlib import AbstractAsyncContextManager, suppress

from xmppctl.errors import XmppctlError
from xmppctl.session.probe import ProbeWire
from xmppctl.session.tlschannel import TlsChannel
from xmppctl.session.tlserror import tls_error

NO_TLS = frozenset({"not-tls", "connection-closed", "timeout"})
"""What a handshake fails by where no TLS is spoken."""

Connection = AbstractAsyncContextManager[ProbeWire]


class BlindError(Exception):
    """Nothing behind ``check`` can be looked at, because that failed by ``error``."""

    def __init__(self, check: str, error: XmppctlError) -> None:
        super().__init__(check)
        self.check = check
        self.error = error


class NoTlsError(BlindError):
    """There is TLS, but a client of today cannot agree on any with the server."""


async def is_tls(connection: Connection, channel: TlsChannel, limit: float) -> bool:
    """Whether TLS is spoken, whatever the handshake fails by."""
    try:
        async with connection as wire, asyncio.timeout(limit):
            await wire.start_tls(channel)
    except (OSError, XmppctlError, BlindError) as error:
        if not isinstance(error, ssl.SSLError):
            return False
        return tls_error(error, wire.peer, wire.peer).condition not in NO_TLS
    return True


async def is_stream(
    connection: Connection, domain: str, limit: float, channel: TlsChannel | None = None
) -> bool:
    """Whether a stream can be opened, whatever is said on it; ``channel``: inside TLS."""
    try:
        async with connection as wire:
            if channel is not None:
                async with asyncio.timeout(limit):
                    await wire.start_tls(channel)
            wire.open(domain)
            with suppress(XmppctlError):
                await wire.ready(limit, "stream")
            return bool(wire.header)
    except (OSError, XmppctlError, BlindError):
        return False
