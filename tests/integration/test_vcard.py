"""`xmppctl vcard` against real servers; the cards are read and written by another client."""

import base64
import hashlib

import pytest

pytestmark = pytest.mark.in_turn

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJg"
    "gg=="
)
TEMP = "{vcard-temp}"
FOUR = "{urn:ietf:params:xml:ns:vcard-4.0}"
PS = "http://jabber.org/protocol/pubsub"
NODE = "urn:xmpp:vcard4"


@pytest.fixture
def vcard(xmppctl, alice):
    """Runs a verb as alice, or as somebody else."""

    def run(*args, code=0, account=alice, **more):
        return xmppctl("--json", "vcard", *args, account=account, **more).expect(code)

    return run


@pytest.fixture
def picture(tmp_path):
    file = tmp_path / "me.png"
    file.write_bytes(PNG)
    return str(file)


def card(peer, to=None):
    return peer.iq("<vCard xmlns='vcard-temp'/>", to=to).find(f"{TEMP}vCard")


def four(peer, to=None):
    answer = peer.iq(f"<pubsub xmlns='{PS}'><items node='{NODE}'/></pubsub>", to=to)
    return answer.find(f".//{FOUR}vcard")


def put(peer, payload):
    assert peer.iq(payload, type="set").get("type") == "result"


def publish(peer, node, xml):
    put(peer, f"<pubsub xmlns='{PS}'><publish node='{node}'><item id='current'>{xml}</item>"
              "</publish></pubsub>")  # fmt: skip


def test_set_get_delete(vcard, alice, bob, raw, picture, tmp_path):
    assert vcard("delete", "--yes", code=6).error()["condition"] == "item-not-found"
    options = {
        "fn": "Alice Liddell", "family": "Liddell", "given": "Alice", "nickname": "al",
        "url": "https://a.test/", "org": "ACME; Ltd", "title": "Boss", "role": "Chair",
        "bday": "1990-12-31", "note": "one\ntwo, <three>",
    }  # fmt: skip
    words = [f"--{name}={value}" for name, value in options.items()]
    record = vcard("set", *words, "--email=a@x.test", "--email=b@x.test", "--tel=+49-30-1",
                   f"--photo={picture}").json()  # fmt: skip
    person = {name: record["n"][name] for name in ("family", "given")}
    assert {**{name: record.get(name) for name in options}, **person} == options
    assert (record["jid"], record["version"]) == (alice.jid, 3)
    assert (record["email"], record["tel"]) == (["a@x.test", "b@x.test"], ["+49-30-1"])
    assert record["photo"] == {
        "type": "image/png", "bytes": len(PNG), "sha1": hashlib.sha1(PNG).hexdigest(), "url": None,
    }  # fmt: skip
    # what a stranger sees
    peer = raw(bob)
    found = card(peer, alice.jid)
    assert [each.findtext(f"{TEMP}USERID") for each in found.findall(f"{TEMP}EMAIL")] == [
        "a@x.test", "b@x.test",
    ]  # fmt: skip
    assert found.findtext(f"{TEMP}TEL/{TEMP}NUMBER") == "+49-30-1"
    assert found.findtext(f"{TEMP}ORG/{TEMP}ORGNAME") == "ACME; Ltd"
    assert found.findtext(f"{TEMP}N/{TEMP}FAMILY") == "Liddell"
    assert found.findtext(f"{TEMP}NOTE") == "one\ntwo, <three>"
    assert base64.b64decode(found.findtext(f"{TEMP}PHOTO/{TEMP}BINVAL")) == PNG
    shown = vcard("get", f"{alice.jid}/any", account=bob).json()
    assert {**shown, "properties": None} == {**record, "properties": None}
    target = tmp_path / "out.png"
    vcard("get", alice.jid, "--as", f"photo:{target}", account=bob)
    assert target.read_bytes() == PNG
    # a change leaves alone what it does not name, and the picture above all
    record = vcard("set", "--nickname=ally", "--role=").json()
    assert (record["nickname"], record["role"], record["fn"]) == ("ally", None, "Alice Liddell")
    found = card(peer, alice.jid)
    assert found.find(f"{TEMP}ROLE") is None
    assert base64.b64decode(found.findtext(f"{TEMP}PHOTO/{TEMP}BINVAL")) == PNG
    assert vcard("delete", "--yes").json() == {"jid": alice.jid, "version": 3, "removed": True}
    found = card(peer, alice.jid)
    assert not any((each.text or "").strip() for each in found.iter())
    assert vcard("get", alice.jid, account=bob, code=6).error()["condition"] == "item-not-found"
    assert vcard("delete", "--yes", "--if-exists").json()["removed"] is False


def test_the_card_of_another_client_is_kept(vcard, alice, raw, server):
    """Whitespace in base64, an extension, types of numbers; as far as the server keeps them."""
    lines = base64.encodebytes(PNG).decode()
    peer = raw(alice)
    put(peer, "<vCard xmlns='vcard-temp'><FN>A</FN><TEL><WORK/><NUMBER>1</NUMBER></TEL>"
              f"<X-OWN><PART a='b'>c</PART></X-OWN><PHOTO><BINVAL>{lines}</BINVAL>"
              "<TYPE>image/png</TYPE></PHOTO></vCard>")  # fmt: skip
    before = card(peer)
    assert vcard("set", "--title=T").json()["photo"]["bytes"] == len(PNG)
    after = card(peer)
    assert after.findtext(f"{TEMP}TITLE") == "T"
    assert after.find(f"{TEMP}TEL/{TEMP}WORK") is not None
    for name in ("X-OWN", "PHOTO"):  # one of the servers knows no extensions
        assert (after.find(f"{TEMP}{name}") is None) is (before.find(f"{TEMP}{name}") is None)
    assert base64.b64decode(after.findtext(f"{TEMP}PHOTO/{TEMP}BINVAL")) == PNG


def test_forms(vcard, alice, raw, picture, tmp_path):
    file = tmp_path / "me.vcf"
    file.write_text(
        "BEGIN:VCARD\nVERSION:3.0\nN:Liddell;Alice;;;\nFN:Alice\nEMAIL;TYPE=WORK:a@x.test\n"
        "ADR;TYPE=HOME:;;Main St. 1;Oxford;;OX1;UK\nX-NOBODY;X-P=1:7\nEND:VCARD\n"
    )
    record = vcard("set", "--file", str(file), "--photo", picture).json()
    assert record["email"] == ["a@x.test"]
    assert record["adr"][0] == {
        "types": ["home"], "pobox": None, "extended": None, "street": "Main St. 1",
        "locality": "Oxford", "region": None, "postcode": "OX1", "country": "UK",
    }  # fmt: skip
    found = card(raw(alice))
    assert found.find(f"{TEMP}EMAIL/{TEMP}WORK") is not None
    assert found.findtext(f"{TEMP}ADR/{TEMP}CTRY") == "UK"
    for form in ("vcf", "json"):  # others are read and written in tests/unit
        text = vcard("get", "--as", form).out
        vcard("set", "--replace", "--file", "-", input=text)
        assert vcard("get", "--as", form).out == text
    assert card(raw(alice)).findtext(f"{TEMP}PHOTO/{TEMP}BINVAL") is not None
    file.write_text("BEGIN:VCARD\nFN:B\nEND:VCARD\n")
    record = vcard("set", "--replace", "--file", str(file)).json()
    assert (record["fn"], record["email"], record["photo"]) == ("B", [], None)


def test_vcard4(vcard, alice, bob, raw):
    peer = raw(bob)
    assert vcard("delete", "--v4", "--yes", code=6).error()["condition"] == "item-not-found"
    record = vcard("set", "--v4", "--fn=Alice", "--tel=+49-30-1", "--bday=1990-12-31").json()
    assert (record["version"], record["fn"], record["tel"]) == (4, "Alice", ["+49-30-1"])
    found = four(peer, alice.jid)  # a new one is for everybody
    assert found.findtext(f"{FOUR}fn/{FOUR}text") == "Alice"
    assert found.findtext(f"{FOUR}tel/{FOUR}uri") == "tel:+49-30-1"
    assert found.findtext(f"{FOUR}bday/{FOUR}date") == "1990-12-31"
    assert vcard("get", alice.jid, "--v4", account=bob).json() == record
    own = raw(alice)
    publish(own, NODE, f"<vcard xmlns='{FOUR[1:-1]}'><fn><text>A</text></fn><email><parameters>"
            "<type><text>work</text></type><x-odd><text>1</text></x-odd></parameters><text>a@x"
            "</text></email><thing xmlns='urn:x'><part a='b'/></thing></vcard>")  # fmt: skip
    assert vcard("set", "--v4", "--nickname=al").json()["nickname"] == "al"
    found = four(peer, alice.jid)
    assert found.find("{urn:x}thing/{urn:x}part").get("a") == "b"
    assert found.findtext(f".//{FOUR}x-odd/{FOUR}text") == "1"
    # and where the two cards are one, a change of the other one loses nothing either
    vcard("set", "--title=T")
    found = four(peer, alice.jid)
    assert found.find("{urn:x}thing/{urn:x}part").get("a") == "b"
    error = vcard("set", "--v4", "--title=X", "--access=presence", code=6).error()
    assert error["condition"] == "precondition-not-met"
    vcard("set", "--v4", "--title=X", "--access=presence", "--reconfigure")
    assert four(peer, alice.jid) is None
    assert vcard("delete", "--v4", "--yes").json()["removed"] is True
    assert four(own) is None
    vcard("set", "--v4", "--fn=again")
    assert four(own).findtext(f"{FOUR}fn/{FOUR}text") == "again"
    assert four(peer, alice.jid) is None  # the node is what it was


def test_an_avatar_at_a_url_survives(vcard, alice, raw):
    peer = raw(alice)
    info = "<info id='aa' bytes='1' type='image/png' url='https://x.test/a.png'/>"
    publish(peer, "urn:xmpp:avatar:metadata",
            f"<metadata xmlns='urn:xmpp:avatar:metadata'>{info}</metadata>")  # fmt: skip
    vcard("set", "--fn=Alice")
    answer = peer.iq(f"<pubsub xmlns='{PS}'><items node='urn:xmpp:avatar:metadata'/></pubsub>")
    (found,) = answer.findall(".//{urn:xmpp:avatar:metadata}info")
    assert found.get("url") == "https://x.test/a.png"


def test_a_server_that_does_not_exist(vcard):
    run = vcard("get", "a@no.such.host.invalid", code=6)
    assert run.error()["condition"] == "remote-server-not-found"


def test_a_server_without_vcards(against_fake):
    async def script(conn):
        await conn.login()
        while True:
            conn.error(await conn.recv(), "service-unavailable")

    for args in (["set", "--fn=A"], ["delete", "--yes"], ["get", "--v4"]):
        against_fake(script, "--json", "vcard", *args).expect(7)
