"""STARTTLS and pins step by step, against a server of a few lines."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Awaitable

import pytest

from tests.unit.session.streams import Transport, account, come, make_wire
from xmppctl.errors import TlsError
from xmppctl.session import negotiate
from xmppctl.session.tcp import TcpWire
from xmppctl.session.tlschannel import TlsChannel

SASL = "urn:ietf:params:xml:ns:xmpp-sasl"


def played(*answers: str) -> None:
    """STARTTLS; each thing that is sent gets the next answer."""

    async def scenario() -> None:
        wire, transport = make_wire()
        task = asyncio.ensure_future(starttls(wire))
        for answer in answers:
            await until_written(transport, task)
            transport.text  # noqa: B018 - what follows is of interest
            come(wire, answer)
        await task

    asyncio.run(scenario())


async def until_written(transport: Transport, task: asyncio.Future[None]) -> None:
    for _ in range(100):
        if transport.written or task.done():
            return
        await asyncio.sleep(0)
    raise AssertionError("nothing was sent")


# --- STARTTLS -----------------------------------------------------------------------------------


def starttls(wire: TcpWire) -> Awaitable[None]:
    return negotiate.starttls(
        wire, account(), TlsChannel(ssl.create_default_context(), "fake.test"), 0.05
    )


def opened(inner: str) -> str:
    return (
        "<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>"
        f"<stream:features>{inner}</stream:features>"
    )


@pytest.mark.parametrize("offer", ["", f"<mechanisms xmlns='{SASL}'/>", "<starttls xmlns='u:x'/>"])
def test_no_offer_of_starttls(offer: str) -> None:
    with pytest.raises(TlsError) as caught:
        played(opened(offer))
    assert (caught.value.step, caught.value.condition) == ("starttls", "starttls-not-offered")


def test_starttls_is_refused() -> None:
    offer = opened("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>")
    with pytest.raises(TlsError) as caught:
        played(offer + "<failure xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>")
    assert caught.value.condition == "starttls-failure"


# --- pins ---------------------------------------------------------------------------------------


class NoCertificate:
    def getpeercert(self, binary_form: bool) -> None:
        return None


def test_a_pin_and_no_certificate() -> None:
    async def scenario() -> None:
        wire, _ = make_wire()
        wire.tls = NoCertificate()
        negotiate.check_certificate(wire, account(pins=(b"x" * 32,)))

    with pytest.raises(TlsError):
        asyncio.run(scenario())
