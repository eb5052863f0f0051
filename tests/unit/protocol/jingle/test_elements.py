"""The stanzas of the XEPs as what they say and back, and those that say nothing."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xmppctl.model.jingle import JingleContent, OfferedFile
from xmppctl.protocol.jingle import declining, elements, files, messages, si, transports
from xmppctl.protocol.jingle.elements import Jingle, Reason
from xmppctl.protocol.jingle.files import File, Range
from xmppctl.protocol.jingle.transports import Candidate, Ibb, Info, S5b
from xmppctl.session.xml import parse, serialise

FT = "urn:xmpp:jingle:apps:file-transfer:5"
ROMEO = "romeo@montague.example/dr4hcr0st3lup4c"

# XEP-0234, example 1
INITIATE = f"""
<jingle xmlns='urn:xmpp:jingle:1' action='session-initiate' initiator='{ROMEO}' sid='851ba2'>
  <content creator='initiator' name='a-file-offer' senders='initiator'>
    <description xmlns='{FT}'>
      <file>
        <date>1969-07-21T02:56:15Z</date>
        <desc>This is a test. If this were a real file...</desc>
        <media-type>text/plain</media-type>
        <name>test.txt</name>
        <range/>
        <size>6144</size>
        <hash xmlns='urn:xmpp:hashes:2' algo='sha-1'>w0mcJylzCn+AfvuGdqkty2+KP48=</hash>
      </file>
    </description>
    <transport xmlns='urn:xmpp:jingle:transports:s5b:1' mode='tcp' sid='vj3hs98y'>
      <candidate cid='hft54dqy' host='192.168.4.1' jid='{ROMEO}' port='5086'
                 priority='8257636' type='direct'/>
      <candidate cid='hutr46fe' host='24.24.24.1' jid='{ROMEO}' port='5087'
                 priority='8258636' type='direct'/>
    </transport>
  </content>
</jingle>"""


def test_an_offer() -> None:
    jingle = elements.read(parse(INITIATE))
    assert (jingle.action, jingle.sid, jingle.initiator) == ("session-initiate", "851ba2", ROMEO)
    content = jingle.content
    assert content is not None
    assert (content.name, content.senders) == ("a-file-offer", "initiator")
    assert files.read(content.description) == File(
        name="test.txt",
        size=6144,
        media_type="text/plain",
        date=datetime(1969, 7, 21, 2, 56, 15, tzinfo=UTC),
        desc="This is a test. If this were a real file...",
        hashes={"sha-1": "c3499c2729730a7f807efb8676a92dcb6f8a3f8f"},
        range=Range(),
    )
    assert transports.read(content.transport) == S5b(
        "vj3hs98y",
        # the best first
        (
            Candidate("hutr46fe", "24.24.24.1", 5087, ROMEO, 8258636),
            Candidate("hft54dqy", "192.168.4.1", 5086, ROMEO, 8257636),
        ),
    )
    again = elements.read(parse(serialise(elements.write(jingle))))
    assert (again.action, again.contents[0].name) == (jingle.action, "a-file-offer")


def test_the_address_of_a_bytestream() -> None:
    # XEP-0260 §2.2
    juliet, romeo = "juliet@capulet.lit/balcony", "romeo@montague.lit/orchard"
    assert (
        transports.address("vj3hs98y", romeo, juliet) == "972b7bf47291ca609517f67f86b5081086052dad"
    )
    assert (
        transports.address("vj3hs98y", juliet, romeo) == "1a12fb7bc625e55f3ed5b29a53dbe0e4aa7d80ba"
    )


def test_priorities() -> None:
    assert transports.priority("direct", 100) == 126 * 65536 + 100
    assert transports.priority("proxy", 0) == 655360


@pytest.mark.parametrize(
    ("xml", "info"),
    [
        ("<candidate-used cid='hr65dqyd'/>", Info("candidate-used", "hr65dqyd")),
        ("<candidate-error/>", Info("candidate-error")),
        ("<activated cid='xmdh4b7i'/>", Info("activated", "xmdh4b7i")),
        ("<proxy-error/>", Info("proxy-error")),
        ("<candidate-used/>", None),
        ("<what/>", None),
        ("", None),
    ],
)
def test_what_is_told_of_candidates(xml: str, info: Info | None) -> None:
    element = parse(
        f"<transport xmlns='urn:xmpp:jingle:transports:s5b:1' sid='s'>{xml}</transport>"
    )
    assert transports.read_info(element) == info


@pytest.mark.parametrize(
    ("xml", "transport"),
    [
        ("<transport xmlns='urn:xmpp:jingle:transports:ibb:1' block-size='4096' sid='a'/>",
         Ibb("a", 4096)),
        ("<transport xmlns='urn:xmpp:jingle:transports:ibb:1' block-size='0' sid='a'/>", None),
        ("<transport xmlns='urn:xmpp:jingle:transports:ibb:1' block-size='65536' sid='a'/>", None),
        ("<transport xmlns='urn:xmpp:jingle:transports:ibb:1' block-size='x' sid='a'/>", None),
        ("<transport xmlns='urn:xmpp:jingle:transports:ibb:1' block-size='9'/>", None),
        ("<transport xmlns='urn:xmpp:jingle:transports:ibb:1' block-size='9' sid='a' "
         "stanza='message'/>", None),
        ("<transport xmlns='urn:xmpp:jingle:transports:s5b:1' sid='a' mode='udp'/>", None),
        ("<transport xmlns='urn:xmpp:jingle:transports:s5b:1' sid='a' dstaddr='../x'/>", S5b("a")),
        ("<transport xmlns='urn:xmpp:jingle:transports:s5b:1' sid='a'>"
         "<candidate cid='1' host='h' jid='j' port='99999' priority='1'/>"
         "<candidate cid='2' host='' jid='j' port='1' priority='1'/>"
         "<candidate cid='3' host='h' jid='j' port='1' priority='-1'/></transport>", S5b("a")),
        ("<transport xmlns='urn:xmpp:jingle:transports:ice-udp:1' sid='a'/>", None),
    ],
)  # fmt: skip
def test_transports(xml: str, transport: object) -> None:
    assert transports.read(parse(xml)) == transport


def test_many_candidates_are_too_many() -> None:
    rows = "".join(
        f"<candidate cid='{n}' host='h' jid='j' port='1' priority='{n}'/>" for n in range(100)
    )
    element = parse(
        f"<transport xmlns='urn:xmpp:jingle:transports:s5b:1' sid='a'>{rows}</transport>"
    )
    found = transports.read(element)
    assert isinstance(found, S5b)
    assert [each.priority for each in found.candidates] == list(range(99, 79, -1))


@pytest.mark.parametrize(
    "xml",
    [
        "<jingle xmlns='urn:xmpp:jingle:1' action='dance' sid='a'/>",
        "<jingle xmlns='urn:xmpp:jingle:1' sid='a'/>",
        "<jingle xmlns='urn:xmpp:jingle:1' action='session-info'/>",
        "<jingle xmlns='urn:xmpp:jingle:1' action='session-initiate' sid='a'/>",
        "<jingle xmlns='urn:xmpp:jingle:1' action='session-initiate' sid='a'><content/></jingle>",
        "<jingle xmlns='urn:xmpp:jingle:1' action='session-initiate' sid='a'>"
        "<content name='x' creator='me'/></jingle>",
        "<jingle xmlns='urn:xmpp:jingle:1' action='session-initiate' sid='a'>"
        "<content name='x' creator='initiator' senders='all'/></jingle>",
    ],
)
def test_malformed(xml: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        elements.read(parse(xml))


def test_a_reason_of_file_transfers() -> None:
    xml = (
        "<reason xmlns='urn:xmpp:jingle:1'><media-error/><file-too-large "
        "xmlns='urn:xmpp:jingle:apps:file-transfer:errors:0'/><text>no</text></reason>"
    )
    reason = Reason("media-error", "no", "file-too-large")
    assert elements.read_reason(parse(xml)) == reason
    assert elements.read_reason(elements.write_reason(reason)) == reason
    assert str(reason) == "media-error (file-too-large): no"
    assert elements.read_reason(parse("<reason xmlns='urn:xmpp:jingle:1'/>")) == Reason(
        "general-error"
    )


def test_a_hash_that_comes_later() -> None:
    xml = f"<file xmlns='{FT}'><hash-used xmlns='urn:xmpp:hashes:2' algo='sha-256'/></file>"
    assert files.read_file(parse(xml)) == File(used=("sha-256",))
    xml = f"<file xmlns='{FT}'><hash xmlns='urn:xmpp:hashes:2' algo='sha3-256'/></file>"
    assert files.read_file(parse(xml)) == File(used=("sha3-256",))


@pytest.mark.parametrize("size", ["-1", "1e9", "", "9" * 30, "\u0664", " 12 "])
def test_odd_sizes(size: str) -> None:
    xml = f"<file xmlns='{FT}'><size>{size}</size><range offset='{size}'/></file>"
    found = files.read_file(parse(xml))
    assert found.size == (12 if size == " 12 " else None)


FILES = st.builds(
    File,
    name=st.one_of(st.none(), st.text("abc ./\\-", min_size=1).filter(lambda t: t.strip() == t)),
    size=st.one_of(st.none(), st.integers(0, 2**60)),
    hashes=st.sampled_from([{}, {"sha-256": "0f" * 32}]),
    used=st.sampled_from([(), ("sha-256",)]),
    range=st.one_of(
        st.none(), st.builds(Range, st.integers(0, 99), st.one_of(st.none(), st.integers(0, 99)))
    ),
)


@given(FILES)
def test_descriptions_and_back(file: File) -> None:
    assert files.read(parse(serialise(files.write(file)))) == file


def test_digests() -> None:
    digests = files.Digests("sha3-256", "md5", "crc")
    digests.update(b"abc")
    found = digests.result()
    assert set(found) == {"sha-256", "sha3-256"}
    assert files.verdict({"md5": "0"}, found) is None
    assert files.verdict({"sha-256": found["sha-256"], "md5": "0"}, found) is True
    assert files.verdict({"sha-256": found["sha-256"], "sha3-256": "0"}, found) is False


def test_what_a_listener_sees_of_a_call() -> None:
    # XEP-0353, example of a session-initiate
    xml = """
    <jingle xmlns='urn:xmpp:jingle:1' action='session-initiate' sid='ca3cf894'>
      <content creator='initiator' name='voice'>
        <description xmlns='urn:xmpp:jingle:apps:rtp:1' media='audio'/>
        <transport xmlns='urn:xmpp:jingle:transports:ice-udp:1'/>
      </content>
    </jingle>"""
    offer = declining.offer(elements.read(parse(xml)), "a@b/c")
    assert offer.contents == [
        JingleContent(
            name="voice",
            creator="initiator",
            senders="both",
            description="urn:xmpp:jingle:apps:rtp:1",
            media="audio",
            transport="urn:xmpp:jingle:transports:ice-udp:1",
        )
    ]
    assert str(offer) == "session-initiate: audio"


def test_stream_initiation() -> None:
    # XEP-0096, example 1
    xml = """
    <si xmlns='http://jabber.org/protocol/si' id='a0' mime-type='text/plain'
        profile='http://jabber.org/protocol/si/profile/file-transfer'>
      <file xmlns='http://jabber.org/protocol/si/profile/file-transfer' name='test.txt'
            size='1022' hash='552da749930852c69ae5d2141d3766b1' date='1969-07-21T02:56:15Z'>
        <desc>This is a test.</desc>
      </file>
    </si>"""
    found = si.read(parse(xml))
    assert (found.id, found.profile) == ("a0", si.NS_FILE)
    date = datetime(1969, 7, 21, 2, 56, 15, tzinfo=UTC)
    assert found.file == OfferedFile("test.txt", 1022, None, date, "This is a test.")
    refusal = si.refusal(parse(xml))
    assert (refusal.condition, refusal.type) == ("bad-request", "cancel")
    assert refusal.detail == "{http://jabber.org/protocol/si}no-valid-streams"
    other = si.refusal(parse("<si xmlns='http://jabber.org/protocol/si' profile='u:x'/>"))
    assert other.detail == "{http://jabber.org/protocol/si}bad-profile"


def test_proposals() -> None:
    from xmppctl.model.jid import parse as jid

    message = messages.compose("propose", jid("juliet@capulet.example"), "x1")
    told = messages.read(message)
    assert told is not None
    assert told[:2] == ("propose", "x1")
    assert messages.is_of_file(told[2])
    message.set("type", "error")
    assert messages.read(message) is None


def test_an_action_without_content_is_read() -> None:
    xml = "<jingle xmlns='urn:xmpp:jingle:1' action='session-terminate' sid='a'/>"
    assert elements.read(parse(xml)) == Jingle("session-terminate", "a")
