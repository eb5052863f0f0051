"""What anybody can see of the keys that a message of OMEMO uses."""

import base64
from xml.etree.ElementTree import fromstring

import pytest
from oldmemo import oldmemo_pb2
from twomemo import twomemo_pb2

from tools.omemokeys import keys
from xmppctl.protocol.omemo import VERSIONS

FACTS = {"n": 3, "pn": 1, "dh_pub": b"a chain", "ciphertext": b"hidden"}


def old(*, first):
    content = b"\x33" + oldmemo_pb2.OMEMOMessage(**FACTS).SerializeToString() + bytes(8)
    if first:
        exchange = oldmemo_pb2.OMEMOKeyExchange(
            pk_id=1, spk_id=1, ik=b"i", ek=b"e", message=content
        )
        content = b"\x33" + exchange.SerializeToString()
    return content


def new(*, first):
    inner = twomemo_pb2.OMEMOMessage(**FACTS).SerializeToString()
    whole = twomemo_pb2.OMEMOAuthenticatedMessage(mac=bytes(16), message=inner)
    if first:
        whole = twomemo_pb2.OMEMOKeyExchange(pk_id=1, spk_id=1, ik=b"i", ek=b"e", message=whole)
    return whole.SerializeToString()


@pytest.mark.parametrize(("version", "make", "flag"), [("0.3", old, "prekey"), ("2", new, "kex")])
@pytest.mark.parametrize("first", [False, True])
def test_the_key_for_a_device(version, make, flag, first):
    mark = f" {flag}='true'" if first else ""
    packed = base64.b64encode(make(first=first)).decode()
    message = fromstring(
        f"<message><encrypted xmlns='{VERSIONS[version]}'><header sid='1'><keys jid='x'>"
        f"<key rid='7'{mark}>{packed}</key><key rid='8'>AAAA</key></keys></header></encrypted>"
        "</message>"
    )
    assert list(keys(message, 7)) == [((b"a chain", 3), b"hidden")]
    assert list(keys(message, 9)) == []


def test_a_message_in_clear():
    assert list(keys(fromstring("<message><body>x</body></message>"), 7)) == []
