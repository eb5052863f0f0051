"""Files that a message shares; the stanzas are those of the XEPs, shortened."""

import base64
import hashlib
from datetime import UTC, datetime

import pytest

from tests.unit.protocol.payload.common import ROOM, read
from xmppctl.model.payload.file import EmbeddedFile, MessageFile
from xmppctl.output.values import to_value
from xmppctl.protocol.payload import files, oob
from xmppctl.session.xml import parse, serialise

URL = "https://download.montague.example/4a771ac1/summit.jpg"
OTHER = "https://mirror.montague.example/summit.jpg"
SHA3 = "2XarmwTlNxDAMkvymloX3S5+VbylNrJt/l5QyPa+YoU="
BLAKE = "2AfMGH8O7UNPTvUVAM9aK13mpCY="
HASHES = {
    "sha3-256": base64.b64decode(SHA3).hex(),
    "id-blake2b256": base64.b64decode(BLAKE).hex(),
}
THUMBNAIL = "cid:sha1+ffd7c8d28e9c5e82afea41f97108c6b4@bob.xmpp.org"
FACTS = f"""
  <media-type>image/jpeg</media-type><name>summit.jpg</name><size>3032449</size>
  <date>2015-07-26T21:46:00+01:00</date>
  <hash xmlns='urn:xmpp:hashes:2' algo='sha3-256'>{SHA3}</hash>
  <hash xmlns='urn:xmpp:hashes:2' algo='id-blake2b256'>{BLAKE}</hash>
  <desc>Photo from the summit.</desc>
  <thumbnail xmlns='urn:xmpp:thumbs:1' uri='{THUMBNAIL}' media-type='image/png' width='128'/>
"""
SIZES = "<width>4096</width><height>2160</height><length>63000</length>"
OOB = f"<x xmlns='jabber:x:oob'><url>{URL}</url></x>"
DATA = b"\x89PNG\r\n\x1a\n of a kind"
CID = f"sha1+{hashlib.sha1(DATA).hexdigest()}@bob.xmpp.org"


def url_data(url):
    return f"<url-data xmlns='http://jabber.org/protocol/url-data' target='{url}'/>"


def sfs(facts, sources, attributes=""):
    sources = f"<sources>{sources}</sources>" if sources else ""
    return (
        f"<file-sharing xmlns='urn:xmpp:sfs:0' {attributes}>"
        f"<file xmlns='urn:xmpp:file:metadata:0'>{facts}</file>{sources}</file-sharing>"
    )


def sims(facts, *uris):
    sources = "".join(
        f"<reference xmlns='urn:xmpp:reference:0' type='data' uri='{uri}'/>" for uri in uris
    )
    return (
        "<reference xmlns='urn:xmpp:reference:0' begin='17' end='20' type='data'>"
        "<media-sharing xmlns='urn:xmpp:sims:1'>"
        f"<file xmlns='urn:xmpp:jingle:apps:file-transfer:5'>{facts}</file>"
        f"<sources>{sources}</sources></media-sharing></reference>"
    )


def data(cid=CID, content=DATA, kind="image/png"):
    text = base64.b64encode(content).decode()
    return f"<data xmlns='urn:xmpp:bob' cid='{cid}' type='{kind}' max-age='0'>{text}</data>"


def known(source, **more):
    return MessageFile(
        source=source,
        name="summit.jpg",
        size=3032449,
        media_type="image/jpeg",
        desc="Photo from the summit.",
        date=datetime(2015, 7, 26, 20, 46, tzinfo=UTC),
        hashes=HASHES,
        thumbnails=[THUMBNAIL],
        **more,
    )


# --- XEP-0447 and XEP-0446 ----------------------------------------------------------------------


def test_a_shared_file_with_all_facts():
    found = read(
        sfs(
            FACTS + SIZES,
            url_data(URL)
            + url_data(OTHER)
            + "<jinglepub xmlns='urn:xmpp:jinglepub:1' from='romeo@montague.example/r' id='9'/>",
            "disposition='inline' id='photo1.jpg'",
        )
    )
    assert found.files == [
        known("sfs", id="photo1.jpg", urls=[URL, OTHER], disposition="inline",
              width=4096, height=2160, length_ms=63000)
    ]  # fmt: skip
    assert found.extensions == []
    assert to_value(found)["files"][0]["date"] == "2015-07-26T20:46:00Z"


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("../../.ssh/authorized_keys", "authorized_keys"),
        ("C:\\x\\summit.jpg", "summit.jpg"),
        ("gnp.\u202ejpg", "gnp._jpg"),
        ("..", "download"),
    ],
)
def test_a_name_is_a_stranger_s(name, shown):
    (found,) = read(sfs(f"<name>{name}</name>", url_data(URL))).files
    assert found.name == shown


def test_several_files_and_one_whose_sources_are_to_come():
    found = read(sfs("<name>1.jpg</name>", url_data(URL)) + sfs("<name>2.jpg</name>", ""))
    assert [(f.name, f.urls) for f in found.files] == [("1.jpg", [URL]), ("2.jpg", [])]
    assert str(found.files[1]) == "2.jpg"


def test_the_description_in_the_language_of_the_message():
    facts = "<desc xml:lang='de'>Foto</desc><desc>photo</desc>"
    assert read(sfs(facts, "")).files[0].desc == "photo"
    assert read(sfs("<desc xml:lang='de'>Foto</desc>", "")).files[0].desc == "Foto"


@pytest.mark.parametrize(
    "facts",
    [
        "<size>-1</size><width>1e3</width><height/><length>٣</length>",
        f"<size>{2**53}</size><width>{'9' * 500}</width>",
        "<date>yesterday</date><date>2015-07-26T21:46:00Z</date>",
        "<date>0001-01-01T00:00:00+14:00</date>",
        f"<name>{'x' * 5000}</name><desc/>",
        "<media-type>image</media-type>",
        f"<media-type>image/{'x' * 500}</media-type>",
        "<media-type>image/png\n; x=<b/></media-type>",
        "<name><name>x</name></name>",
        "<size xmlns='urn:example'>1</size>",
        "<hash xmlns='urn:xmpp:hashes:2' algo='sha-256'>2AfMGH8O7UNPTvUVAM9aK13mpCY=</hash>",
        "<hash xmlns='urn:xmpp:hashes:2' algo='x'>!!</hash><hash xmlns='urn:xmpp:hashes:2'/>",
        "<thumbnail xmlns='urn:xmpp:thumbs:1'/><thumbnail uri='x'/>",
    ],
)
def test_facts_that_are_none_are_left_out(facts):
    found = read(sfs(facts, url_data(URL), "disposition='INLINE' id=''"))
    assert found.files == [MessageFile(source="sfs", urls=[URL])]


@pytest.mark.parametrize(
    "inside",
    [
        "<file-sharing xmlns='urn:xmpp:sfs:0'/>",
        "<file-sharing xmlns='urn:xmpp:sfs:0'><file xmlns='urn:xmpp:sfs:0'/></file-sharing>",
        "<file-sharing xmlns='urn:xmpp:sfs:1'><file xmlns='urn:xmpp:file:metadata:0'/>"
        "</file-sharing>",
    ],
)
def test_what_shares_no_file(inside):
    found = read(inside)
    assert found.files == []
    assert len(found.extensions) == 1


def test_there_is_an_end_of_files():
    notes = []
    found = read("".join(sfs(f"<name>{n}</name>", "") for n in range(100)), note=notes.append)
    assert len(found.files) == 64
    assert "36 files" in notes[0]


def test_what_is_sent_is_read_again():
    file = MessageFile(
        source="sfs", id="1", name="a&b.jpg", size=0, media_type="image/jpeg", desc="d",
        date=datetime(2015, 7, 26, tzinfo=UTC), width=1, height=2, length_ms=3, hashes=HASHES,
        urls=[URL, OTHER], disposition="attachment",
    )  # fmt: skip
    stanza = parse("<message xmlns='jabber:client'/>")
    files.attach(stanza, file, is_body=False)
    assert read(serialise(stanza[0], "")).files == [file]
    files.attach(stanza, MessageFile(source="sfs"), is_body=True)
    assert serialise(stanza, "jabber:client").endswith(
        "<file-sharing xmlns='urn:xmpp:sfs:0'><file xmlns='urn:xmpp:file:metadata:0'/><sources/>"
        "</file-sharing><fallback xmlns='urn:xmpp:fallback:0' for='urn:xmpp:sfs:0'><body/>"
        "</fallback></message>"
    )


# --- XEP-0448 and XEP-0454 ----------------------------------------------------------------------


def encrypted(url):
    return (
        "<encrypted xmlns='urn:xmpp:esfs:0' cipher='urn:xmpp:ciphers:aes-256-gcm-nopadding:0'>"
        "<key>SuRJ2agVm/pQbJQlPq/B23Xt1YOOJCcEGJA5HrcYOGQ=</key><iv>T8RDMBaiqn6Ci4Nw</iv>"
        f"<sources xmlns='urn:xmpp:sfs:0'>{url_data(url)}</sources></encrypted>"
    )


def test_an_encrypted_source():
    (found,) = read(sfs("<name>x</name>", encrypted(URL))).files
    assert (found.urls, found.encrypted) == ([URL], True)
    # what can be read as it is goes first
    (found,) = read(sfs("<name>x</name>", encrypted(URL) + url_data(OTHER))).files
    assert (found.urls, found.encrypted) == ([OTHER], None)


def test_an_aesgcm_url():
    url = f"aesgcm://download.montague.example/x.jpg#{'ab' * 44}"
    for inside in (
        f"<body>{url}</body>",
        f"<body>{url}\n</body>",
        f"<body>look</body><x xmlns='jabber:x:oob'><url>{url}</url></x>",
        f"<body>{url}</body><x xmlns='jabber:x:oob'><url>{url}</url></x>",
    ):
        (found,) = read(inside).files
        assert found == MessageFile(source="aesgcm", urls=[url], encrypted=True)
        # the key is not for a table
        assert str(found) == "aesgcm://download.montague.example/x.jpg"
    assert read(f"<body>{url} is my file</body>").files == []
    assert read("<body>aesgcm</body>").files == []


# --- XEP-0385 -----------------------------------------------------------------------------------


def test_media_sharing():
    jingle = "xmpp:romeo@montague.example/r?jingle;id=9559976B"
    found = read("<body>Look at the nice view from</body>" + sims(FACTS, URL, jingle))
    assert found.files == [known("sims", urls=[URL, jingle])]


@pytest.mark.parametrize(
    "inside",
    [
        "<reference xmlns='urn:xmpp:reference:0' type='mention' uri='xmpp:a@b'/>",
        "<reference xmlns='urn:xmpp:reference:0' type='data'>"
        "<media-sharing xmlns='urn:xmpp:sims:1'/></reference>",
    ],
)
def test_references_to_something_else(inside):
    assert read(inside).files == []


# --- XEP-0231 -----------------------------------------------------------------------------------


def test_data_within_the_message():
    found = read("<body>Yet here's a spot.</body>" + data() + data())
    (file,) = found.files
    assert isinstance(file, EmbeddedFile)
    assert file.content == DATA
    assert to_value(found)["files"] == [
        {
            "source": "bob",
            "size": len(DATA),
            "media_type": "image/png",
            "hashes": {"sha-1": hashlib.sha1(DATA).hexdigest()},
            "urls": [f"cid:{CID}"],
        }
    ]
    assert found.extensions == []


@pytest.mark.parametrize(
    "inside",
    [
        data(content=b"other"),
        data(cid="sha1+ä@bob.xmpp.org"),
        data(cid="\x7f" * 500),
        data(content=b"x" * 300_000),
        "<data xmlns='urn:xmpp:bob'/>",
        f"<data xmlns='urn:xmpp:bob' cid='{CID}'>no base64</data>",
    ],
)
def test_data_that_are_not_to_be_trusted(inside):
    notes = []
    found = read(inside, note=notes.append)
    assert found.files == []
    assert found.extensions == ["{urn:xmpp:bob}data"]
    assert "data within a message" in notes[0]


def test_a_type_that_is_none_is_not_shown():
    (file,) = read(data(kind="../../etc/passwd")).files
    assert file.media_type is None


# --- XEP-0066, and all of them at once ----------------------------------------------------------


def test_an_out_of_band_url_is_a_file_where_it_is_the_text():
    found = read(f"<body>{URL}</body>{OOB}")
    assert found.files == [MessageFile(source="oob", urls=[URL])]
    assert read(f"<body>see {URL}</body>{OOB}").files == []
    assert read(OOB).files == []
    assert read("<body/>" + OOB.replace(URL, "")).files == []


def test_one_file_for_clients_of_every_age_is_one_file():
    whole = f"<body>{URL}</body>{sims(FACTS, URL)}{OOB}{sfs(FACTS, url_data(URL))}"
    assert read(whole).files == [known("sfs", urls=[URL])]
    assert read(whole, kind="groupchat", room=ROOM).files == [known("sfs", urls=[URL])]
    more = read(whole + data()).files
    assert [f.source for f in more] == ["sfs", "bob"]


def test_the_urls_of_a_message():
    found = read(
        "<body>Yeah, but do you have a license to Jabber?</body>"
        "<x xmlns='jabber:x:oob'><url>http://www.jabber.org/images/psa-license.jpg</url>"
        "<desc>A license to Jabber!</desc></x><x xmlns='jabber:x:oob'><url> ftp://x.test </url>"
        "<desc/></x><x xmlns='jabber:x:oob'/>"
    )
    assert to_value(found)["oob"] == [
        {"url": "http://www.jabber.org/images/psa-license.jpg", "desc": "A license to Jabber!"},
        {"url": "ftp://x.test"},
    ]
    assert found.extensions == []
    for nothing in ("", "<url/>", "<url><b/></url>", "<desc>x</desc>"):
        found = read(f"<x xmlns='jabber:x:oob'>{nothing}</x>")
        assert (found.oob, found.extensions) == ([], ["{jabber:x:oob}x"])


def test_a_url_goes_out_with_its_description():
    stanza = parse("<message xmlns='jabber:client'/>")
    oob.attach(stanza, URL, "a & b")
    assert serialise(stanza, "jabber:client") == (
        f"<message><x xmlns='jabber:x:oob'><url>{URL}</url><desc>a &amp; b</desc></x></message>"
    )
