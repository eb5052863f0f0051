"""What the server offers, and how it shows that somebody changed it on the way."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from pathlib import Path
from xml.etree.ElementTree import fromstring

import pytest

from xmppctl.errors import AuthError, Exit, TlsError
from xmppctl.model.account import Account
from xmppctl.model.jid import parse
from xmppctl.session import sasl
from xmppctl.session.scram import Offer, Scram

ALL = ("PLAIN", "SCRAM-SHA-1", "SCRAM-SHA-256", "SCRAM-SHA-512")
PLUS = tuple(f"{name}-PLUS" for name in ALL[1:])


def account(jid: str = "user@example.org", **more: object) -> Account:
    return Account(jid=parse(jid), **more)  # type: ignore[arg-type]


# --- what the server signs (XEP-0474, XEP-0515) ---------------------------------------------------

# XEP-0474 §5.3, and the same with SHA-256 by the openssl command
XEP_0474 = Offer(
    ("SCRAM-SHA-1", "SCRAM-SHA-1-PLUS"), ("tls-server-end-point", "tls-exporter"), "TLSv1.3"
)
SIGNED = {
    "sha1": "G6k/rBLDqgOhRRaCuuatSDFkJ08=",
    "sha256": "H6VEQ+6wl/eYKuTjJn4D9/e9GTn1AcYGw/oiSJ3Yhy0=",
}
BOUND = ("tls-exporter", b"THIS IS FAKE CB DATA")


def first_answer(mechanism: Scram, extensions: str) -> bytes:
    nonce = mechanism.initial().partition(b",r=")[2]
    return b"r=" + nonce + b"X,s=QSXCR+Q6sek8bf92,i=4096" + extensions.encode()


def test_published_downgrade_protection() -> None:
    """The whole example of XEP-0474 §5.3 but for its stray "x" attribute."""
    mechanism = Scram(
        "sha1",
        "user",
        "pencil",
        binding=BOUND,
        offer=XEP_0474,
        nonce="12C4CD5C-E38E-4A98-8F6D-15C38F51CCC6",
    )
    assert mechanism.initial() == (b"p=tls-exporter,,n=user,r=12C4CD5C-E38E-4A98-8F6D-15C38F51CCC6")
    final = mechanism.respond(
        b"r=12C4CD5C-E38E-4A98-8F6D-15C38F51CCC6a09117a6-ac50-4f2f-93f1-93799c2bddf6,"
        b"s=QSXCR+Q6sek8bf92,i=4096,h=G6k/rBLDqgOhRRaCuuatSDFkJ08="
    )
    assert final.startswith(b"c=cD10bHMtZXhwb3J0ZXIsLFRISVMgSVMgRkFLRSBDQiBEQVRB,r=12C4CD5C")


@pytest.mark.parametrize("algorithm", ["sha1", "sha256"])
def test_signed_offer_that_arrived_as_it_was_sent(algorithm: str) -> None:
    for offer in (XEP_0474, Offer(XEP_0474.mechanisms[::-1], XEP_0474.bindings, None)):
        mechanism = Scram(algorithm, "user", "pencil", binding=BOUND, offer=offer, insist=True)
        answer = first_answer(mechanism, f",h={SIGNED[algorithm]},t=0304")
        assert mechanism.respond(answer).startswith(b"c=")


@pytest.mark.parametrize(
    "arrived",
    [
        Offer(("SCRAM-SHA-1",), ("tls-server-end-point", "tls-exporter")),
        Offer(("SCRAM-SHA-1", "SCRAM-SHA-1-PLUS"), ("tls-server-end-point",)),
        Offer(("SCRAM-SHA-1", "SCRAM-SHA-1-PLUS"), ()),
        Offer(("SCRAM-SHA-1", "SCRAM-SHA-1-PLUS"), None),
        Offer(("SCRAM-SHA-1", "SCRAM-SHA-1-PLUS", "tls-exporter", "tls-server-end-point"), None),
        Offer((), None),
    ],
)
@pytest.mark.parametrize("algorithm", ["sha1", "sha256"])
def test_offer_that_was_changed_on_the_way(arrived: Offer, algorithm: str) -> None:
    mechanism = Scram(algorithm, "user", "pencil", offer=arrived)
    with pytest.raises(TlsError) as caught:
        mechanism.respond(first_answer(mechanism, f",h={SIGNED[algorithm]}"))
    assert (caught.value.condition, caught.value.exit) == ("downgrade", Exit.TLS)


def test_signature_of_offer_without_announced_bindings() -> None:
    # printf 'PLAIN\036SCRAM-SHA-1' | openssl dgst -sha1 -binary | base64
    mechanism = Scram("sha1", "user", "pencil", offer=Offer(("SCRAM-SHA-1", "PLAIN")))
    assert mechanism.respond(first_answer(mechanism, ",h=Y+xk2TW25vKwG9yWicfQlsuiFQs="))


@pytest.mark.parametrize(
    ("tls", "extension", "well"),
    [
        ("TLSv1.3", ",t=0304", True),
        ("TLSv1.2", ",t=0303", True),
        ("TLSv1.3", ",t=0303", False),
        ("TLSv1.2", ",t=0304", False),
        ("TLSv1.3", ",t=", False),
        ("TLSv1.3", "", True),
        (None, ",t=0303", True),
    ],
)
def test_version_of_tls(tls: str | None, extension: str, well: bool) -> None:
    mechanism = Scram("sha1", "user", "pencil", offer=Offer(("SCRAM-SHA-1",), None, tls))
    answer = first_answer(mechanism, extension)
    if well:
        assert mechanism.respond(answer)
        return
    with pytest.raises(TlsError) as caught:
        mechanism.respond(answer)
    assert caught.value.condition == "downgrade"


def test_signature_that_must_be_there() -> None:
    mechanism = Scram("sha1", "user", "pencil", offer=XEP_0474, insist=True)
    with pytest.raises(TlsError) as caught:
        mechanism.respond(first_answer(mechanism, ",d=dRc3RenuSY9ypgPpERowoaySQZY="))
    assert caught.value.condition == "downgrade"


@pytest.mark.parametrize("value", ["", "???", "G6k/rBLDqgOhRRaCuuatSDFkJ0"])
def test_signature_that_is_none(value: str) -> None:
    mechanism = Scram("sha1", "user", "pencil", offer=XEP_0474)
    with pytest.raises((TlsError, AuthError)):
        mechanism.respond(first_answer(mechanism, f",h={value}"))


# --- announced channel bindings (XEP-0440) --------------------------------------------------------

FEATURES = """<features xmlns='http://etherx.jabber.org/streams'>{}
  <mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><mechanism>PLAIN</mechanism></mechanisms>
</features>"""


@pytest.mark.parametrize(
    ("element", "expected"),
    [
        ("", None),
        ("<sasl-channel-binding xmlns='urn:xmpp:sasl-cb:0'/>", ()),
        (
            "<sasl-channel-binding xmlns='urn:xmpp:sasl-cb:0'>"
            "<channel-binding type='tls-server-end-point'/><channel-binding type='tls-exporter'/>"
            "<other type='tls-unique'/></sasl-channel-binding>",
            ("tls-server-end-point", "tls-exporter"),
        ),
        (
            "<sasl-channel-binding xmlns='x'><channel-binding type='y'/></sasl-channel-binding>",
            None,
        ),
    ],
)
def test_announcement(element: str, expected: tuple[str, ...] | None) -> None:
    assert sasl.announced(fromstring(FEATURES.format(element))) == expected


OURS = {"tls-exporter": lambda: b"exported", "tls-server-end-point": lambda: b"certificate"}
END = ("tls-server-end-point",)


@pytest.mark.parametrize("sasl2", [False, True])
@pytest.mark.parametrize(
    ("offered", "announced", "name", "flag", "insist"),
    [
        # rule 3
        (ALL, None, "SCRAM-SHA-512", "y", False),
        # rule 6: what is announced is not known here, tls-server-end-point among it or not
        (ALL + PLUS, ("tls-unique", "tls-server-end-point"), "SCRAM-SHA-512-PLUS", "p", False),
        (ALL + PLUS, ("tls-unique",), "SCRAM-SHA-512", "n", True),
        # rule 7
        (ALL + PLUS, (*END, "tls-exporter"), "SCRAM-SHA-512-PLUS", "p", False),
    ],
)
def test_rules_of_announcements(
    offered: tuple[str, ...],
    announced: tuple[str, ...] | None,
    name: str,
    flag: str,
    insist: bool,
    sasl2: bool,
) -> None:
    choice = sasl.choose(
        offered,
        account(),
        tls_verified=True,
        channel_bindings=OURS,
        announced_bindings=announced,
        tls_version="TLSv1.3",
        sasl2=sasl2,
    )
    assert (choice.name, choice.insist) == (name, insist)
    assert choice.offer == Offer(offered, announced, "TLSv1.3")
    mechanism = sasl.make(choice, account(), "pw")
    assert isinstance(mechanism, Scram)
    assert mechanism.offer == choice.offer
    assert mechanism.initial().startswith(flag.encode())
    # the header that the proof covers is the one that was sent (RFC 5802 §5.1, "c")
    header = mechanism.initial().partition(b",,")[0] + b",,"
    final = mechanism.respond(first_answer(mechanism, _signed(offered, announced)))
    sent = base64.b64decode(final.partition(b",")[0].removeprefix(b"c="))
    data = {"tls-exporter": b"exported", "tls-server-end-point": b"certificate"}
    assert sent == header + (data[choice.binding] if choice.binding else b"")


def _signed(offered: Sequence[str], announced: Sequence[str] | None) -> str:
    text = "\x1e".join(sorted(offered))
    text += "" if announced is None else "\x1f" + "\x1e".join(sorted(announced))
    return ",h=" + base64.b64encode(hashlib.sha512(text.encode()).digest()).decode()


@pytest.mark.parametrize(
    ("offered", "announced", "one", "two"),
    [
        # rule 4: -PLUS without types; with SASL1 the default of the TLS version is tried
        (ALL + PLUS, None, "SCRAM-SHA-512-PLUS", None),
        (ALL + PLUS, (), "SCRAM-SHA-512-PLUS", None),
        # rule 5: types without -PLUS
        (ALL, END, None, None),
        (("PLAIN",), END, None, None),
    ],
)
def test_offers_that_contradict_themselves(
    offered: tuple[str, ...],
    announced: tuple[str, ...] | None,
    one: str | None,
    two: str | None,
) -> None:
    for sasl2, expected in ((False, one), (True, two)):

        def choose(*, sasl2: bool = sasl2, allow: bool = False, ours: object = OURS) -> str:
            return sasl.choose(
                offered,
                account(),
                tls_verified=True,
                channel_bindings=ours,  # type: ignore[arg-type]
                announced_bindings=announced,
                sasl2=sasl2,
                allow_downgrade=allow,
            ).name

        if expected is not None:
            assert choose() == expected
        else:
            with pytest.raises(TlsError) as caught:
                choose()
            assert caught.value.condition == "downgrade"
            assert "--allow-downgrade" in (caught.value.hint or "")
        assert choose(allow=True) in offered
        assert choose(ours={}) in offered  # rule 2: who cannot bind has nothing to lose


def test_announcement_is_nothing_to_those_without_a_password() -> None:
    for who in (account("example.org", anonymous=True), account(cert=Path("client.pem"))):
        choice = sasl.choose(
            ["PLAIN", "EXTERNAL", "ANONYMOUS"],
            who,
            tls_verified=True,
            channel_bindings=OURS,
            announced_bindings=END,
            sasl2=True,
        )
        assert choice.name in ("EXTERNAL", "ANONYMOUS")


def test_accepted_contradiction_never_claims_that_the_server_cannot_bind() -> None:
    choice = sasl.choose(
        ALL,
        account(),
        tls_verified=True,
        channel_bindings=OURS,
        announced_bindings=END,
        allow_downgrade=True,
    )
    assert sasl.make(choice, account(), "pw").initial().startswith(b"n,,")  # type: ignore[union-attr]


def test_plus_is_left_out_where_it_failed_before() -> None:
    for announced, name in ((None, "SCRAM-SHA-512"), (("tls-exporter",), "SCRAM-SHA-512-PLUS")):
        choice = sasl.choose(
            ALL + PLUS,
            account(),
            tls_verified=True,
            channel_bindings=OURS,
            announced_bindings=announced,
            unbound=True,
        )
        assert choice.name == name
        assert not choice.server_lacks_binding


def test_equal_choices_make_the_same_exchange() -> None:
    def choose(offered: tuple[str, ...], data: bytes) -> sasl.Choice:
        return sasl.choose(
            offered,
            account(),
            tls_verified=True,
            channel_bindings={"tls-exporter": lambda: data},
        )

    assert choose(ALL + PLUS, b"1") == choose(PLUS, b"2")
    assert choose(ALL, b"1") != choose(ALL + PLUS, b"1")
