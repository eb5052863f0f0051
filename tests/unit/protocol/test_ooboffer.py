"""XEP-0066 §2: the XEP's own stanzas, both ways, and what strangers may send instead."""

from __future__ import annotations

import asyncio
from xml.etree.ElementTree import Element

import pytest

from tests.unit.session.streams import come, make_session
from xmppctl.errors import ConnectError, DeadlineError, LocalError, RefusedError, TlsError
from xmppctl.model.jid import parse as jid
from xmppctl.model.payload.file import MessageFile, Oob
from xmppctl.model.stanza import Stanza
from xmppctl.protocol import ooboffer
from xmppctl.session.xml import serialise

PEER = jid("MaineBoy@jabber.org/home")
URL = "http://www.jabber.org/images/psa-license.jpg"
DESC = "A license to Jabber!"
QUERY = f"<query xmlns='jabber:iq:oob'><url>{URL}</url><desc>{DESC}</desc></query>"
STANZAS = "urn:ietf:params:xml:ns:xmpp-stanzas"
SENDER = "stpeter@jabber.org/work"
FILE = MessageFile(source="oob", urls=[URL], path="/d/psa-license.jpg", size=7)


# --- offering


def offered(*answers, features="<f/>", timeout=5):
    """What became of an offer that was answered so (``{id}`` is its id), and what went out."""

    async def scenario():
        session, wire, transport = make_session(features)
        task = asyncio.ensure_future(ooboffer.offer(session, PEER, URL, DESC, timeout=timeout))
        await asyncio.sleep(0)
        text = transport.text
        ident = next(iter(session._pending))
        for answer in answers:
            come(wire, answer.replace("{id}", ident))
        return await task, text

    return asyncio.run(scenario())


def test_the_offer_and_its_success():
    result, text = offered(f"<iq type='result' from='{PEER}' id='{{id}}'/>")
    assert QUERY in text
    assert "type='set'" in text
    assert f"to='{PEER}'" in text
    assert (result.acked, result.confirmed, result.error) == (True, True, None)
    assert (result.to, result.origin_id, result.stanza_id) == (str(PEER), None, None)
    assert result.id in text


@pytest.mark.parametrize(
    ("condition", "kind", "hint"),
    [
        ("item-not-found", "cancel", "could not fetch"),
        ("not-acceptable", "modify", "refuses"),
        ("service-unavailable", "cancel", "not online"),
        ("forbidden", "auth", None),
    ],
)
def test_a_refusal(condition, kind, hint):
    error = f"<error type='{kind}'><{condition} xmlns='{STANZAS}'/></error>"
    result, _ = offered(f"<iq type='error' from='{PEER}' id='{{id}}'>{QUERY}{error}</iq>")
    assert (result.acked, result.confirmed) == (True, False)
    assert (result.error.code, result.error.step) == (6, "offer")
    assert (result.error.condition, result.error.type) == (condition, kind)
    assert result.error.by.lower() == str(PEER).lower()
    assert (hint or "") in (result.error.hint or "")


@pytest.mark.parametrize("acked", [True, False])
def test_silence(acked):
    sm = "urn:xmpp:sm:3"
    told = [f"<enabled xmlns='{sm}'/>", *([f"<a xmlns='{sm}' h='1'/>"] if acked else [])]
    result, text = offered(*told, features=f"<f><sm xmlns='{sm}'/></f>", timeout=0.05)
    assert f"<r xmlns='{sm}'/>" in text
    assert (result.acked, result.confirmed) == (acked, False)
    assert (result.error.code, result.error.step) == (8, "offer")
    assert "--wait-timeout" in result.error.hint


def test_nobody_else_may_answer():
    result, _ = offered("<iq type='result' from='evil@jabber.org/home' id='{id}'/>", timeout=0.05)
    assert result.error.code == 8


def test_the_end_of_the_stream():
    result, _ = offered("</stream:stream>")
    assert (result.error.code, result.confirmed) == (3, False)


# --- taking


class Listener:
    """A session that takes offers; ``fetch`` gives or raises ``outcome``."""

    def __init__(self, outcome=FILE, wanted=lambda record: True, raw=False):
        self.session, self.wire, self.transport = make_session()
        self.asked = []
        self.told = []
        self.outcome = outcome
        self.taker = ooboffer.Taker(wanted, self.fetch, self._told, raw=raw)
        self.session.handle_iq(ooboffer.TAG, self.taker)

    async def fetch(self, url):
        self.asked.append(url.text)
        await asyncio.sleep(0)
        assert self.transport.text == "", "no result before the file is there (§2)"
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return self.outcome

    def _told(self, iq: Element):
        assert self.transport.text == "", "the record comes before the answer"
        self.told.append(self.taker.record(iq))


def taken(query=QUERY, kind="set", **more):
    """A listener that got this, and what it answered."""

    async def scenario():
        listener = Listener(**more)
        come(listener.wire, f"<iq type='{kind}' id='oob1' from='{SENDER}'>{query}</iq>")
        for _ in range(5):
            await asyncio.sleep(0)
        return listener, listener.transport.text

    return asyncio.run(scenario())


def error(text):
    """Condition and type of an answer."""
    assert f"<iq id='oob1' to='{SENDER}' type='error'>" in text
    before, _, rest = text.partition("<error type='")
    assert before
    return rest.partition("><")[2].partition(" ")[0], rest.partition("'")[0]


def test_a_file_that_is_taken():
    listener, text = taken(raw=True)
    assert text == f"<iq id='oob1' to='{SENDER}' type='result'/>"
    assert listener.asked == [URL]
    (record,) = listener.told
    assert isinstance(record, Stanza)
    assert (record.stanza, record.type, record.id, record.from_) == ("iq", "set", "oob1", SENDER)
    assert (record.oob, record.files) == ([Oob(URL, DESC)], [FILE])
    assert (record.error_, record.body) == (None, None)
    assert record.timestamp is not None
    assert QUERY in record.raw_xml
    assert record.told().whole == "(gave the file /d/psa-license.jpg)"


@pytest.mark.parametrize(
    "outcome",
    [
        RefusedError("404", condition="item-not-found"),
        ConnectError("no", condition="connection-refused"),
        DeadlineError("silent", condition="timeout"),
        TlsError("bad", condition="certificate-unknown-issuer"),
        LocalError("disk full", step="output"),
    ],
)
def test_a_file_that_cannot_be_had(outcome):
    listener, text = taken(outcome=outcome)
    assert error(text) == ("item-not-found", "cancel")
    (record,) = listener.told
    assert record.error_ == outcome.info()
    assert record.files == []
    assert URL in record.told().whole


@pytest.mark.parametrize(
    "outcome",
    [
        RefusedError("too large", condition="file-too-large", limit=1),
        TlsError("http", condition="insecure-url"),
        TlsError("http", condition="insecure-redirect"),
    ],
)
def test_a_file_that_is_refused(outcome):
    listener, text = taken(outcome=outcome)
    assert error(text) == ("not-acceptable", "modify")
    assert listener.told[0].error_ == outcome.info()


@pytest.mark.parametrize(
    "url", ["ftp://x.test/a", "aesgcm://x.test/a#00", "file:///etc/passwd", "a"]
)
def test_a_url_that_is_not_fetched(url):
    listener, text = taken(f"<query xmlns='jabber:iq:oob'><url>{url}</url></query>")
    assert error(text) == ("not-acceptable", "modify")
    assert listener.asked == []
    (record,) = listener.told
    assert (record.error_.condition, record.oob) == ("unsupported-url", [Oob(url)])


@pytest.mark.parametrize(
    ("kind", "query"),
    [
        ("get", QUERY),
        ("set", "<query xmlns='jabber:iq:oob'/>"),
        ("set", "<query xmlns='jabber:iq:oob'><url/></query>"),
        ("set", "<query xmlns='jabber:iq:oob'><url> </url></query>"),
        ("set", "<query xmlns='jabber:iq:oob'><url xmlns='u:x'>https://x.test/</url></query>"),
        ("set", f"<query xmlns='jabber:iq:oob'><url>https://x.test/{'a' * 10_000}</url></query>"),
    ],
)
def test_what_is_no_offer(kind, query):
    listener, text = taken(query, kind)
    assert error(text) == ("bad-request", "modify")
    assert (listener.told, listener.asked) == ([], [])


def test_who_is_not_wanted_is_refused_without_a_record():
    listener, text = taken(wanted=lambda record: record.from_ != SENDER)
    assert error(text) == ("not-acceptable", "modify")
    assert (listener.told, listener.asked) == ([], [])


def test_when_it_is_over():
    async def scenario():
        listener = Listener()
        listener.taker.close()
        come(listener.wire, f"<iq type='set' id='oob1' from='{SENDER}'>{QUERY}</iq>")
        assert error(listener.transport.text) == ("recipient-unavailable", "wait")

    asyncio.run(scenario())


def test_a_long_description_is_cut():
    query = f"<query xmlns='jabber:iq:oob'><url>{URL}</url><desc>{'x' * 20_000}</desc></query>"
    listener, _ = taken(query)
    assert len(listener.told[0].oob[0].desc) == 10_000


def test_the_request_as_it_is_shown():
    text = serialise(ooboffer.request(PEER, URL), "")
    assert f"<query xmlns='jabber:iq:oob'><url>{URL}</url></query>" in text
