"""XEP-0198's counters."""

from __future__ import annotations

import pytest

from xmppctl.errors import ConnectError
from xmppctl.session.acks import Inbound, Outbound


def test_outbound() -> None:
    outbound = Outbound()
    assert (outbound.count(), outbound.count(2)) == (1, 3)
    outbound.acknowledge(2)
    outbound.acknowledge(2)
    assert (outbound.sent, outbound.acked) == (3, 2)


@pytest.mark.parametrize("h", [4, -1, 1])
def test_outbound_acknowledged_too_much_or_less_than_before(h: int) -> None:
    outbound = Outbound()
    outbound.count(3)
    outbound.acknowledge(2)
    with pytest.raises(ConnectError) as caught:
        outbound.acknowledge(h)
    assert caught.value.condition == "handled-count-too-high"


def test_outbound_goes_round() -> None:
    outbound = Outbound()
    outbound.sent = outbound.acked = (1 << 32) - 1
    outbound.count(2)
    outbound.acknowledge(1)
    assert outbound.acked == outbound.sent


def test_inbound_counts_what_was_taken_over() -> None:
    inbound = Inbound()
    numbers = [inbound.arrive() for _ in range(4)]
    assert numbers == [1, 2, 3, 4]
    assert inbound.h == 0
    for number, h in ((1, 1), (3, 1), (4, 1), (2, 4), (2, 4)):
        inbound.handle(number)
        assert inbound.h == h
    assert inbound.answer() == "<a xmlns='urn:xmpp:sm:3' h='4'/>"


def test_inbound_goes_round() -> None:
    inbound = Inbound()
    inbound._arrived = inbound._handled = (1 << 32) - 1
    inbound.handle(inbound.arrive())
    assert inbound.h == 0
