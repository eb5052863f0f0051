"""XEP-0380 and XEP-0200: how a message is encrypted; XEP-0284 is only named."""

import pytest

from tests.unit.protocol.payload.common import read
from xmppctl.model.payload.content import Encryption

EME = "urn:xmpp:eme:0"


@pytest.mark.parametrize(
    ("ns", "name"),
    [
        ("urn:xmpp:otr:0", "OTR"),
        ("jabber:x:encrypted", "Legacy OpenPGP"),
        ("urn:xmpp:openpgp:0", "OpenPGP for XMPP"),
        ("eu.siacs.conversations.axolotl", "OMEMO"),
        ("urn:xmpp:omemo:1", "OMEMO 1"),
        ("urn:xmpp:omemo:2", "OMEMO 2"),
    ],
)
def test_known_methods_have_their_own_names(ns, name):
    found = read(f"<body>?OTR?</body><encryption xmlns='{EME}' namespace='{ns}' name='Safe'/>")
    assert found.encryption == Encryption(ns, name, "unsupported")
    assert found.body == "?OTR?"


def test_the_name_of_another_method_is_that_of_the_message():
    found = read(f"<encryption xmlns='{EME}' namespace='urn:example:rot13' name='ROT13'/>")
    assert found.encryption == Encryption("urn:example:rot13", "ROT13")
    found = read(f"<encryption xmlns='{EME}' namespace='urn:example:x' name='{'x' * 500}'/>")
    assert found.encryption == Encryption("urn:example:x", None)


@pytest.mark.parametrize(
    ("inside", "ns", "name"),
    [
        ("<encrypted xmlns='eu.siacs.conversations.axolotl'><header sid='1'/></encrypted>",
         "eu.siacs.conversations.axolotl", "OMEMO"),
        ("<encrypted xmlns='urn:xmpp:omemo:2'/>", "urn:xmpp:omemo:2", "OMEMO 2"),
        ("<openpgp xmlns='urn:xmpp:openpgp:0'>YQ==</openpgp>", "urn:xmpp:openpgp:0",
         "OpenPGP for XMPP"),
        ("<x xmlns='jabber:x:encrypted'>YQ==</x>", "jabber:x:encrypted", "Legacy OpenPGP"),
        # XEP-0200, example 3
        ("<c xmlns='http://www.xmpp.org/extensions/xep-0200.html#ns'><data>Ac7b</data>"
         "<mac>c2Vj</mac></c>", "http://www.xmpp.org/extensions/xep-0200.html#ns",
         "Stanza Encryption (XEP-0200)"),
    ],
)  # fmt: skip
def test_the_payload_alone_tells_too(inside, ns, name):
    for announced in ("", f"<encryption xmlns='{EME}' namespace=' '/>"):
        found = read(inside + announced)
        assert found.encryption == Encryption(ns, name, "unsupported")
        assert found.extensions == []
        assert found.body is None


@pytest.mark.parametrize("attribute", ["", "namespace=''", f"namespace='{'x' * 2000}'"])
def test_what_names_no_method_stays_an_extension(attribute):
    found = read(f"<encryption xmlns='{EME}' {attribute}/>")
    assert found.encryption is None
    assert found.extensions == [f"{{{EME}}}encryption"]


def test_the_text_beside_what_is_hidden_is_never_the_message():
    inside = (
        "<body>/me has a client that cannot</body><body xml:lang='de'>kann es nicht</body>"
        "<encrypted xmlns='urn:xmpp:omemo:2'/>"
    )
    forwarded = f"<message xmlns='jabber:client' from='a@b.test'>{inside}</message>"
    for found in (
        read(inside),
        read(f"<forwarded xmlns='urn:xmpp:forward:0'>{forwarded}</forwarded>").forwarded[0].message,
    ):
        assert (found.body, found.bodies, found.me) == (None, {}, None)
        assert found.encryption == Encryption("urn:xmpp:omemo:2", "OMEMO 2", "unsupported")


def test_shared_editing_is_named():
    sxe = "<sxe xmlns='urn:xmpp:sxe:0' id='e' session='851ba2'><connect/></sxe>"
    assert read(sxe).extensions == ["{urn:xmpp:sxe:0}sxe"]
