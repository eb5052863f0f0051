"""XEP-0115 and XEP-0390: the XEPs' own examples, and answers that are ill-formed."""

from xml.etree.ElementTree import fromstring

import pytest

from xmppctl.protocol import caps
from xmppctl.protocol.caps import IllFormedError

EXODUS = """
<identity category='client' name='Exodus 0.9.1' type='pc'/>
<feature var='http://jabber.org/protocol/muc'/>
<feature var='http://jabber.org/protocol/disco#items'/>
<feature var='http://jabber.org/protocol/caps'/>
<feature var='http://jabber.org/protocol/disco#info'/>
"""
PSI = """
<identity xml:lang='en' category='client' name='Psi 0.11' type='pc'/>
<identity xml:lang='el' category='client' name='&#936; 0.11' type='pc'/>
<feature var='http://jabber.org/protocol/caps'/>
<feature var='http://jabber.org/protocol/disco#info'/>
<feature var='http://jabber.org/protocol/disco#items'/>
<feature var='http://jabber.org/protocol/muc'/>
<x xmlns='jabber:x:data' type='result'>
  <field var='FORM_TYPE' type='hidden'><value>urn:xmpp:dataforms:softwareinfo</value></field>
  <field var='software_version'><value>0.11</value></field>
  <field var='ip_version' type='text-multi'><value>ipv6</value><value>ipv4</value></field>
  <field var='os'><value>Mac</value></field>
  <field var='os_version'><value>10.5.1</value></field>
  <field var='software'><value>Psi</value></field>
</x>
"""
BOMBUS = "<identity category='client' name='BombusMod' type='mobile'/>" + "".join(
    f"<feature var='{var}'/>"
    for var in (
        "http://jabber.org/protocol/si", "http://jabber.org/protocol/bytestreams",
        "http://jabber.org/protocol/chatstates", "http://jabber.org/protocol/disco#info",
        "http://jabber.org/protocol/disco#items", "urn:xmpp:ping", "jabber:iq:time",
        "jabber:iq:privacy", "jabber:iq:version", "http://jabber.org/protocol/rosterx",
        "urn:xmpp:time", "jabber:x:oob", "http://jabber.org/protocol/ibb",
        "http://jabber.org/protocol/si/profile/file-transfer", "urn:xmpp:receipts",
        "jabber:iq:roster", "jabber:iq:last",
    )
)  # fmt: skip
TKABBER = (
    "<identity category='client' name='Tkabber' type='pc' xml:lang='en'/>"
    "<identity category='client' name='Ткаббер' type='pc' xml:lang='ru'/>"
    + "".join(
        f"<feature var='{var}'/>"
        for var in (
            "games:board", "http://jabber.org/protocol/activity",
            "http://jabber.org/protocol/activity+notify",
            "http://jabber.org/protocol/bytestreams", "http://jabber.org/protocol/chatstates",
            "http://jabber.org/protocol/commands", "http://jabber.org/protocol/disco#info",
            "http://jabber.org/protocol/disco#items", "http://jabber.org/protocol/evil",
            "http://jabber.org/protocol/feature-neg", "http://jabber.org/protocol/geoloc",
            "http://jabber.org/protocol/geoloc+notify", "http://jabber.org/protocol/ibb",
            "http://jabber.org/protocol/iqibb", "http://jabber.org/protocol/mood",
            "http://jabber.org/protocol/mood+notify", "http://jabber.org/protocol/rosterx",
            "http://jabber.org/protocol/si", "http://jabber.org/protocol/si/profile/file-transfer",
            "http://jabber.org/protocol/tune", "http://www.facebook.com/xmpp/messages",
            "http://www.xmpp.org/extensions/xep-0084.html#ns-metadata+notify",
            "jabber:iq:avatar", "jabber:iq:browse", "jabber:iq:dtcp", "jabber:iq:filexfer",
            "jabber:iq:ibb", "jabber:iq:inband", "jabber:iq:jidlink", "jabber:iq:last",
            "jabber:iq:oob", "jabber:iq:privacy", "jabber:iq:roster", "jabber:iq:time",
            "jabber:iq:version", "jabber:x:data", "jabber:x:event", "jabber:x:oob",
            "urn:xmpp:avatar:metadata+notify", "urn:xmpp:ping", "urn:xmpp:receipts",
            "urn:xmpp:time",
        )
    )
    + "<x xmlns='jabber:x:data' type='result'><field type='hidden' var='FORM_TYPE'>"
    "<value>urn:xmpp:dataforms:softwareinfo</value></field>"
    "<field var='software'><value>Tkabber</value></field><field var='software_version'>"
    "<value>0.11.1-svn-20111216-mod (Tcl/Tk 8.6b2)</value></field>"
    "<field var='os'><value>Windows</value></field>"
    "<field var='os_version'><value>XP</value></field></x>"
)  # fmt: skip


def query(inside, attributes=""):
    return fromstring(
        f"<query xmlns='http://jabber.org/protocol/disco#info' {attributes}>{inside}</query>"
    )


def form(*fields, kind="hidden", types=("urn:t",)):
    values = "".join(f"<value>{each}</value>" for each in types)
    head = f"<field var='FORM_TYPE' type='{kind}'>{values}</field>" if types else ""
    return f"<x xmlns='jabber:x:data' type='result'>{head}{''.join(fields)}</x>"


# --- XEP-0115


def test_the_examples_of_xep_0115():
    assert caps.verification(query(EXODUS)) == "QgayPKawpkPSDYmwT/WM94uAlu0="
    assert caps.verification(query(PSI)) == "q07IKJEyjvHSyhy//CH0CxmKi8w="


@pytest.mark.parametrize(
    ("inside", "text"),
    [
        # octets, not letters or code units: U+FF41 comes before U+1F600
        ("<feature var='b'/><feature var='B'/><feature var='a'/>", "B<a<b<"),
        ("<feature var='&#x1F600;'/><feature var='&#xFF41;'/>", "\uff41<\U0001f600<"),
        # by category, then type: not by the text that they make together
        ("<identity category='a-b' type='x'/><identity category='a' type='x'/>",
         "a/x//<a-b/x//<"),
        # a "<" cannot begin a feature of its own; "&" stays what it is
        ("<identity category='c' type='t' name='A&lt;http://jabber.org/protocol/muc'/>",
         "c/t//A&lt;http://jabber.org/protocol/muc<"),
        ("<identity category='c' type='t' name='A&amp;B'/>", "c/t//A&B<"),
        (form("<field var='v'/>"), "urn:t<v<"),
        (form("<field var='v'><value/></field>"), "urn:t<v<<"),
        # forms that do not count
        (form("<field var='v'/>", kind="text-single") + form("<field var='w'/>", types=()), ""),
    ],
)  # fmt: skip
def test_what_is_hashed(inside, text):
    import base64
    import hashlib

    wanted = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    assert caps.verification(query(inside), "sha-256") == wanted


@pytest.mark.parametrize(
    "inside",
    [
        "<feature var='a'/><feature var='a'/>",
        "<identity category='c' type='t' name='n'/><identity category='c' type='t' name='n'/>",
        form() + form(),
        form(types=("urn:a", "urn:b")),
    ],
)
def test_what_is_there_twice_makes_it_ill_formed(inside):
    with pytest.raises(IllFormedError):
        caps.verification(query(inside))


def test_what_is_no_double():
    caps.verification(
        query(
            "<identity category='c' type='t' name='n' xml:lang='de'/>"
            "<identity category='c' type='t' name='n'/>" + form(types=("urn:a", "urn:a"))
        )
    )


# --- XEP-0390


def test_the_examples_of_xep_0390():
    for inside, sha2, sha3 in (
        (BOMBUS, "kzBZbkqJ3ADrj7v08reD1qcWUwNGHaidNUgD7nHpiw8=",
         "79mdYAfU9rEdTOcWDO7UEAt6E56SUzk/g6TnqUeuD9Q="),
        (TKABBER, "u79ZroNJbdSWhdSp311mddz44oHHPsEBntQ5b1jqBSY=",
         "XpUJzLAc93258sMECZ3FJpebkzuyNXDzRNwQog8eycg="),
    ):  # fmt: skip
        assert caps.hash_value(query(inside), "sha-256") == sha2
        assert caps.hash_value(query(inside), "sha3-256") == sha3


def test_a_language_is_inherited():
    inside = "<identity category='c' type='t' name='n'/>"
    named = query("<identity category='c' type='t' name='n' xml:lang='ru'/>")
    assert caps.hash_input(query(inside), "ru") == caps.hash_input(named)
    assert caps.hash_input(query(inside, "xml:lang='ru'"), "en") == caps.hash_input(named)
    assert caps.hash_input(query(inside)) != caps.hash_input(named)


@pytest.mark.parametrize(
    "inside",
    [
        "<other/>",
        "<identity xmlns='urn:other'/>",
        form(types=()),
        form(kind="text-single"),
        form(types=("urn:a", "urn:b")),
        form("<reported/>"),
        form("<item/>"),
    ],
)
def test_what_no_hash_is_made_of(inside):
    with pytest.raises(IllFormedError):
        caps.hash_input(query(inside))


# --- what is announced

SHA2 = "<hash xmlns='urn:xmpp:hashes:2' algo='sha-256'> K1Nj= </hash>"


def announced(inside):
    return caps.read(fromstring(f"<presence xmlns='jabber:client'>{inside}</presence>"))


def test_what_a_presence_announces():
    one = announced(
        "<c xmlns='http://jabber.org/protocol/caps' hash='sha-1' node='http://x' ver='v='/>"
        f"<c xmlns='urn:xmpp:caps'>{SHA2}<hash xmlns='urn:xmpp:hashes:2' algo='a.b'>x</hash></c>"
    )
    assert (one.hash, one.info_node) == ("sha-1", "http://x#v=")
    assert one.hashes == (("sha-256", "K1Nj="), ("a.b", "x"))
    assert caps.hash_node(*one.hashes[0]) == "urn:xmpp:caps#sha-256.K1Nj="
    legacy = announced("<c xmlns='http://jabber.org/protocol/caps' node='n' ver='1.0' ext='a'/>")
    assert (legacy.hash, legacy.info_node) == (None, "n#1.0")
    new = announced(f"<c xmlns='urn:xmpp:caps'>{SHA2}</c>")
    assert (new.info_node, new.hash, len(new.hashes)) == (None, None, 1)


@pytest.mark.parametrize(
    "inside",
    [
        "",
        "<c xmlns='http://jabber.org/protocol/caps' node='n'/>",
        "<c xmlns='urn:xmpp:caps'/>",
        f"<c xmlns='urn:xmpp:caps'><hash xmlns='urn:xmpp:hashes:2'>x</hash></c>{SHA2}",
    ],
)
def test_what_announces_nothing(inside):
    assert announced(inside) is None
