"""What stream features say about the login."""

from __future__ import annotations

import pytest

from xmppctl.model.memory import Known
from xmppctl.session import offer
from xmppctl.session.offer import NS_BIND2, Offer
from xmppctl.session.xml import parse

SASL1 = (
    "<mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>"
    "<mechanism>SCRAM-SHA-1</mechanism><mechanism> PLAIN\n</mechanism></mechanisms>"
)
BINDINGS = (
    "<sasl-channel-binding xmlns='urn:xmpp:sasl-cb:0'><channel-binding type='tls-exporter'/>"
    "<channel-binding type='tls-server-end-point'/></sasl-channel-binding>"
)
SASL2 = """<authentication xmlns='urn:xmpp:sasl:2'>
  <mechanism>SCRAM-SHA-256</mechanism>
  <inline>
    <sm xmlns='urn:xmpp:sm:3'/>
    <bind xmlns='urn:xmpp:bind:0'>
      <inline><feature var='urn:xmpp:carbons:2'/><feature var='urn:xmpp:sm:3'/></inline>
    </bind>
    <fast xmlns='urn:xmpp:fast:0' tls-0rtt='true'><mechanism>HT-SHA-256-EXPR</mechanism></fast>
  </inline>
</authentication>"""


def read(*inner: str) -> Offer:
    return offer.read(parse(f"<features>{''.join(inner)}</features>"))


def test_nothing() -> None:
    assert read() == Offer()


def test_sasl1() -> None:
    assert read(SASL1) == Offer(mechanisms=("SCRAM-SHA-1", "PLAIN"))


def test_everything() -> None:
    assert read(SASL1, BINDINGS, SASL2) == Offer(
        mechanisms=("SCRAM-SHA-1", "PLAIN"),
        sasl2=("SCRAM-SHA-256",),
        fast=("HT-SHA-256-EXPR",),
        inline=(NS_BIND2, "urn:xmpp:carbons:2", "urn:xmpp:sm:3"),
        bindings=("tls-exporter", "tls-server-end-point"),
    )


@pytest.mark.parametrize(
    ("xml", "expected"),
    [
        ("<authentication xmlns='urn:xmpp:sasl:2'/>", Offer()),
        (
            "<authentication xmlns='urn:xmpp:sasl:1'><mechanism>X</mechanism></authentication>",
            Offer(),
        ),
        (SASL1.replace("xmpp-sasl", "other"), Offer()),
        ("<sasl-channel-binding xmlns='urn:xmpp:sasl-cb:0'/>", Offer(bindings=())),
        (
            "<authentication xmlns='urn:xmpp:sasl:2'><mechanism/><inline>"
            "<bind xmlns='urn:xmpp:bind:0'/></inline></authentication>",
            Offer(sasl2=("",), inline=(NS_BIND2,)),
        ),
        # the mechanisms of one profile are not those of the other
        (
            "<authentication xmlns='urn:xmpp:sasl:2'>"
            "<mechanism xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>PLAIN</mechanism>"
            "</authentication>",
            Offer(),
        ),
    ],
)
def test_odd_features(xml: str, expected: Offer) -> None:
    assert read(xml) == expected


def test_what_an_earlier_login_saw() -> None:
    known = Known(mechanisms=("PLAIN",), sasl2=("A",), fast=("B",), inline=("C",), bindings=("D",))
    assert offer.of(known) == Offer(("PLAIN",), ("A",), ("B",), ("C",), ("D",))
    assert offer.of(Known()) == Offer()
