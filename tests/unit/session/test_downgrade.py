"""Weaker than before is refused, unless the user accepts it; one known defect is worked round."""

from __future__ import annotations

import pytest

from xmppctl.errors import Exit, TlsError
from xmppctl.model.account import Account
from xmppctl.model.jid import parse
from xmppctl.session import downgrade, sasl
from xmppctl.session.sasl import Choice
from xmppctl.session.scram import Offer

ALL = ("PLAIN", "SCRAM-SHA-1", "SCRAM-SHA-256", "SCRAM-SHA-512")
PLUS = tuple(f"{name}-PLUS" for name in ALL[1:])


def account(**more: object) -> Account:
    return Account(jid=parse("user@example.org"), **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("strongest", "now"),
    [
        ("SCRAM-SHA-512-PLUS", "SCRAM-SHA-512"),
        ("SCRAM-SHA-1-PLUS", "SCRAM-SHA-512"),
        ("SCRAM-SHA-1-PLUS", "SCRAM-SHA-1"),
        ("SCRAM-SHA-512-PLUS", "SCRAM-SHA-256-PLUS"),
        ("SCRAM-SHA-512", "SCRAM-SHA-256"),
        ("SCRAM-SHA-256", "SCRAM-SHA-1"),
        ("SCRAM-SHA-1", "PLAIN"),
    ],
)
def test_weaker_than_before(strongest: str, now: str) -> None:
    with pytest.raises(TlsError) as caught:
        downgrade.check(Choice(now), strongest, allow=False, server="example.org")
    error = caught.value
    assert (error.step, error.condition, error.exit) == ("auth", "downgrade", Exit.TLS)
    assert strongest in error.text
    assert now in error.text
    assert "--allow-downgrade" in (error.hint or "")
    assert downgrade.check(Choice(now), strongest, allow=True, server="example.org")
    # the other way round it is a gain
    assert not downgrade.check(Choice(strongest), now, allow=False, server="example.org")


@pytest.mark.parametrize(
    ("strongest", "now"),
    [
        (None, "PLAIN"),
        ("PLAIN", "PLAIN"),
        ("SCRAM-SHA-512-PLUS", "SCRAM-SHA-512-PLUS"),
        # a hash that is no longer the longest, on a channel that is bound now
        ("SCRAM-SHA-512", "SCRAM-SHA-1-PLUS"),
        # other credentials, by the user's own choice
        ("SCRAM-SHA-512-PLUS", "EXTERNAL"),
        ("SCRAM-SHA-512-PLUS", "ANONYMOUS"),
        ("SCRAM-SHA-512-PLUS", "HT-SHA-256-NONE"),
        # nothing that was ever remembered, or by a version that knew more
        ("EXTERNAL", "SCRAM-SHA-1"),
        ("SCRAM-SHA3-512-PLUS", "SCRAM-SHA-1"),
    ],
)
def test_not_weaker(strongest: str | None, now: str) -> None:
    assert not downgrade.check(Choice(now), strongest, allow=False, server="example.org")
    assert not downgrade.check(Choice(now), strongest, allow=True, server="example.org")


def test_what_is_remembered() -> None:
    assert downgrade.ORDER[0] == "PLAIN"
    assert downgrade.ORDER[-1] == "SCRAM-SHA-512-PLUS"
    assert all(downgrade.counts(name) for name in ALL + PLUS)
    assert not any(map(downgrade.counts, ("EXTERNAL", "ANONYMOUS", "HT-SHA-256-EXPR", "X")))


EXPORTER = {"tls-exporter": lambda: b"exported", "tls-server-end-point": lambda: b"certificate"}


def plus(
    offered: tuple[str, ...] = ALL + PLUS,
    announced: tuple[str, ...] | None = None,
    bindings: sasl.Bindings = EXPORTER,
) -> Choice:
    return sasl.choose(
        offered,
        account(),
        tls_verified=True,
        channel_bindings=bindings,
        announced_bindings=announced,
        tls_version="TLSv1.3",
    )


def test_the_same_hash_without_binding() -> None:
    refused = plus()
    assert refused.name == "SCRAM-SHA-512-PLUS"
    for strongest in (None, "PLAIN", "SCRAM-SHA-512", "SCRAM-SHA3-512-PLUS", "EXTERNAL"):
        instead = downgrade.fallback(refused, account(), proof_sent=False, strongest=strongest)
        assert instead is not None
        assert instead.name == "SCRAM-SHA-512"
        assert instead.offer == Offer(ALL + PLUS, None, "TLSv1.3")
        first = sasl.make(instead, account(), "pw").initial()
        assert first is not None
        assert first.startswith(b"n,,")  # "y" would claim that no -PLUS was offered
        note = downgrade.fallback_note(refused, instead)
        assert "SCRAM-SHA-512-PLUS with tls-exporter" in note
        assert note.endswith("SCRAM-SHA-512 is tried instead")


@pytest.mark.parametrize(
    ("refused", "more"),
    [
        # the server knows how to name its bindings: what it refuses, it refuses
        (plus(announced=("tls-exporter", "tls-server-end-point")), {}),
        # under TLS 1.2 the binding is right
        (plus(bindings={"tls-unique": lambda: b"finished"}), {}),
        # the password was refused, or the binding in truth
        (plus(), {"proof_sent": True}),
        # never to something weaker
        (plus(("PLAIN", "SCRAM-SHA-1", "SCRAM-SHA-256-PLUS")), {}),
        (plus(ALL), {}),
        (plus(("PLAIN",)), {}),
        (Choice("EXTERNAL"), {}),
    ],
)
def test_no_other_fallback(refused: Choice, more: dict[str, object]) -> None:
    arguments = {"proof_sent": False, "strongest": None} | more
    assert downgrade.fallback(refused, account(), **arguments) is None  # type: ignore[arg-type]


@pytest.mark.parametrize("strongest", ["SCRAM-SHA-1-PLUS", "SCRAM-SHA-512-PLUS"])
def test_no_fallback_where_binding_worked_before(strongest: str) -> None:
    with pytest.raises(TlsError) as caught:
        downgrade.fallback(plus(), account(), proof_sent=False, strongest=strongest)
    assert (caught.value.step, caught.value.condition) == ("auth", "downgrade")
    assert strongest in caught.value.text
    assert "--allow-downgrade" in (caught.value.hint or "")
    # a password that was refused is just that
    assert downgrade.fallback(plus(), account(), proof_sent=True, strongest=strongest) is None


def test_user_decides() -> None:
    refused = plus()
    allowed = downgrade.fallback(
        refused,
        account(),
        proof_sent=False,
        strongest="SCRAM-SHA-512-PLUS",
        allow_downgrade=True,
    )
    assert allowed is not None
    named = account(sasl_mechanism="SCRAM-SHA-512-PLUS")
    assert downgrade.fallback(refused, named, proof_sent=False, strongest=None) is None
