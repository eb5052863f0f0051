"""Whatever the network sends is read, printed, and drives no terminal."""

import io
import re
from xml.etree.ElementTree import Element

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.protocol.payload.common import OWN, ROOM
from xmppctl.model.mam import ArchivedMessage
from xmppctl.model.stanza import Stanza
from xmppctl.output import writer
from xmppctl.protocol import listen
from xmppctl.protocol.mam.reading import Reader
from xmppctl.protocol.payload import Context
from xmppctl.protocol.payload._index import READERS
from xmppctl.session.xml import parse, serialise

NAMESPACES = sorted({tag[1:].partition("}")[0] for tag in READERS})
# what has a meaning somewhere, and what has none anywhere
NAMES = (  # noqa: SIM905
    "x a active address affiliation anchor apply-to attach-to bcode begin body bquote by bytes cid "
    "clear composing data date datatype delay delete desc destroy display displaymarking embed "
    "encryption end ephemeral event fallback field file file-sharing forwarded from hash hat hats "
    "height hint html id info invite item items jid json label language list li location "
    "max-age media media-sharing media-type mention mentions message method moderated name "
    "namespace nick node occupant-id option ordered payload p presence publisher purge reaction "
    "reactions reason received reference reply replace request retract retracted size sources "
    "span spoiler stamp start status store subject subscription target thread thumbnail timer to "
    "type uri url url-data value var width"
).split()
HOSTILE = st.sampled_from(
    ["", "0", "-1", "1", "7", "99999999999999999999", "1e309", "nan", "true", "x" * 300,
     "2026-01-02T03:04:05Z", "20020910T23:08:25", "a@b/c", ROOM, OWN, "urn:xmpp:reply:0",
     "https://x.test/\u202e", "\u009b2J", "&<>\"'", "QUJD", "sha-256", "\U000e0041",
     "urn:xmpp:message-retract:1", "jabber:x:data", "{x", "%"]
)  # fmt: skip
TEXT = st.one_of(HOSTILE, st.text(max_size=20).filter(lambda text: serialisable(text)))


def serialisable(text):
    return re.fullmatch("[\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]*", text) is not None


@st.composite
def elements(draw, depth=4, tags=None):
    tag = draw(tags if tags is not None else names())
    made = Element(tag, draw(st.dictionaries(st.sampled_from(NAMES), TEXT, max_size=5)))
    made.text = draw(st.one_of(st.none(), TEXT))
    if depth:
        made.extend(draw(st.lists(elements(depth=depth - 1), max_size=3)))
    return made


def names():
    plain = st.builds("{{{}}}{}".format, st.sampled_from(NAMESPACES), st.sampled_from(NAMES))
    return st.one_of(plain, st.sampled_from(sorted(READERS)), st.just("{urn:x}y"))


@st.composite
def messages(draw):
    kind = draw(st.sampled_from(["chat", "normal", "groupchat", "headline", "error", "odd"]))
    sender = draw(st.sampled_from([ROOM, f"{ROOM}/witch", "a@b.test/c", OWN, "", "@", "a\u202e@b"]))
    made = Element("{jabber:client}message", {"from": sender, "type": kind, "id": "1"})
    tags = st.one_of(st.sampled_from(sorted(READERS)), names())
    made.extend(draw(st.lists(elements(tags=tags), max_size=4)))
    if draw(st.booleans()):
        made.append(Element("{jabber:client}body"))
        made[-1].text = draw(TEXT)
    # as the stream's parser makes it
    return parse(serialise(made, ""))


def printed(form, record, kind):
    stream = io.StringIO()
    out = writer(form, kind, shape="stream", stream=stream)
    out.write(record)
    out.close()
    return stream.getvalue()


def check(record, kind):
    for form in ("jsonl", "table", "plain", "csv"):
        text = printed(form, record, kind)
        # ESC, C1, bidirectional controls: nothing of that leaves unescaped
        assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e]", text)


@given(messages(), st.booleans())
@settings(max_examples=60)
def test_any_message_is_read_and_printed(stanza, inside):
    features = frozenset({"urn:xmpp:occupant-id:0", "urn:xmpp:hats:0"})
    context = Context(OWN, ROOM, features) if inside else Context(OWN)
    record = listen.read(stanza, context, raw=True)
    if record is not None:
        check(record, Stanza)


@given(messages(), st.sampled_from([None, ROOM]))
@settings(max_examples=40)
def test_any_archived_message_is_read_and_printed(stanza, room):
    forwarded = Element("{urn:xmpp:forward:0}forwarded")
    forwarded.append(stanza)
    reader = Reader(own=OWN, room=room, node=None, by=room or OWN, raw=False, note=str)
    record = reader.read(forwarded, "1")
    assert record is not None
    check(record, ArchivedMessage)
