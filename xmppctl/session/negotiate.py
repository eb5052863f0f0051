"""From an open connection to one under TLS (RFC 6120 §5), one step at a time.

Each function takes a wire and leaves it at the next step; none of them opens connections.
"""

from __future__ import annotations

import asyncio

from xmppctl.errors import TlsError
from xmppctl.model.account import Account
from xmppctl.session import tls
from xmppctl.session.tcp import TcpWire
from xmppctl.session.tlschannel import TlsChannel
from xmppctl.session.wire import Wire

NS_TLS = "urn:ietf:params:xml:ns:xmpp-tls"

_STARTTLS = f"{{{NS_TLS}}}starttls"


async def starttls(wire: TcpWire, account: Account, channel: TlsChannel, timeout: float) -> None:
    """Bring a clear stream under TLS within ``timeout`` seconds; it has to be opened anew then.

    The request goes out with the stream's header: there is nothing else to be done in clear.
    Raises TlsError where the server does not offer STARTTLS, which a stripping attacker looks
    like too; nothing but the offer is ever read from the clear stream.
    """
    wire.trace.enter("starttls")
    wire.gather()
    wire.open(account.domain)
    wire.send(f"<starttls xmlns='{NS_TLS}'/>")
    wire.flush()
    features = await wire.features(timeout, "starttls")
    if features.find(_STARTTLS) is None:
        raise TlsError(
            f"{wire.peer} does not offer TLS (or somebody on the way removed the offer)",
            step="starttls",
            condition="starttls-not-offered",
            by=wire.peer,
            hint="try --tls direct; credentials are never sent without TLS",
        )
    answer = await wire.receive(timeout, "starttls")
    if answer.tag != f"{{{NS_TLS}}}proceed":
        raise TlsError(
            f"{wire.peer} refused to begin TLS",
            step="starttls",
            condition="starttls-failure",
            by=wire.peer,
        )
    await handshake(wire, channel, timeout)


async def handshake(wire: TcpWire, channel: TlsChannel, timeout: float) -> None:
    """TLS from here on, checked as far as the handshake does. Raises what made it fail.

    ``channel`` may have begun its handshake.
    """
    wire.trace.enter("tls")
    try:
        async with asyncio.timeout(timeout):
            await wire.start_tls(channel)
    except TimeoutError:
        raise wire.silence(timeout, "tls") from None
    except OSError as error:
        raise tls.tls_error(error, wire.peer, channel.name) from None


def check_certificate(wire: Wire, account: Account) -> None:
    """After the TLS handshake and before anything is sent: the pins; and facts for ``-v``."""
    tls_object = wire.ssl_object
    assert tls_object is not None
    if account.pins:
        der = tls_object.getpeercert(binary_form=True)
        if der is None:
            raise TlsError(f"{wire.peer} showed no certificate", step="tls", by=wire.peer)
        tls.check_pins(der, account)
        wire.trace.note("the certificate's public key matches --pin")
    cipher = tls_object.cipher()
    wire.trace.fact("tls", tls_object.version() or "")
    wire.trace.fact("cipher", cipher[0] if cipher else "")
