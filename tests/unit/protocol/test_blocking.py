"""The block list without a server: what is asked, in which portions, and what an answer proves."""

import asyncio
from xml.etree.ElementTree import fromstring

import pytest

from tests.unit.session.streams import come, make_session
from xmppctl.errors import RefusedError, UnsupportedError
from xmppctl.model.jid import parse as jid
from xmppctl.protocol import blocking
from xmppctl.session.xml import parse

LIST = "<blocklist xmlns='urn:xmpp:blocking'>{}</blocklist>"


def items(*jids):
    return "".join(f"<item jid='{each}'/>" for each in jids)


class Server:
    """Answers every request by ``answer(iq)``: the payload of the result, or a condition."""

    def __init__(self, answer):
        self.session, self.wire, self.transport = make_session()
        self.answer = answer
        self.asked = []

    def run(self, operation):
        async def both():
            task = asyncio.ensure_future(operation)
            while not task.done():
                await asyncio.sleep(0)
                text = self.transport.text
                if text:
                    self._respond(fromstring(f"<s xmlns='jabber:client'>{text}</s>"))
            return task.result()

        return asyncio.run(both())

    def _respond(self, stanzas):
        for iq in stanzas:
            if iq.get("type") in ("result", "error"):
                self.asked.append(iq)
                continue
            self.asked.append(iq[0])
            payload = self.answer(iq[0])
            ident = iq.get("id")
            if payload.startswith("!"):
                condition = payload[1:]
                come(
                    self.wire,
                    f"<iq type='error' id='{ident}'><error type='modify'><{condition} "
                    "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>",
                )
            else:
                come(self.wire, f"<iq type='result' id='{ident}'>{payload}</iq>")


class Book(Server):
    """Keeps a list; refuses requests with a JID that contains ``bad``."""

    def __init__(self, *blocked):
        super().__init__(self._answer)
        self.blocked = set(blocked)

    def _answer(self, payload):
        name = payload.tag.partition("}")[2]
        jids = [item.get("jid") for item in payload]
        if name == "blocklist":
            return LIST.format(items(*self.blocked))
        if any("bad" in each for each in jids):
            return "!jid-malformed"
        if name == "block":
            self.blocked |= set(jids)
        else:
            self.blocked = self.blocked - set(jids) if jids else set()
        return ""


def names(server):
    return [each.tag.partition("}")[2] for each in server.asked]


def test_the_list_is_sorted_and_reads_what_others_write():
    server = Server(lambda _: LIST.format(items("z@x.test", "a.test", "z@x.test") + "<item/>"))
    found = server.run(blocking.fetch(server.session))
    assert [each.jid for each in found] == ["a.test", "z@x.test"]


@pytest.mark.parametrize("answer", ["", "<query xmlns='jabber:iq:roster'/>"])
def test_an_answer_without_a_list(answer):
    server = Server(lambda _: answer)
    with pytest.raises(RefusedError) as caught:
        server.run(blocking.fetch(server.session))
    assert caught.value.condition == "malformed-answer"


def test_no_block_list_at_all():
    server = Server(lambda _: "!service-unavailable")
    with pytest.raises(UnsupportedError):
        server.run(blocking.add(server.session, [jid("a@x.test")]))
    assert names(server) == ["blocklist"]  # nothing was changed blindly


def test_thousands_go_in_portions_that_every_server_takes():
    server = Book()
    jids = [jid(f"villain-{n:05}@spam.example") for n in range(3000)]
    changes = server.run(blocking.add(server.session, jids))
    assert [change.jid for change in changes] == [str(each) for each in jids]
    assert all(change.blocked and change.error is None for change in changes)
    requests = [each for each in server.asked if each.tag.endswith("}block")]
    assert 10 < len(requests) < 100
    assert all(sum(len(i.get("jid")) + 20 for i in each) <= 8000 for each in requests)


def test_one_bad_jid_spoils_no_other():
    server = Book()
    jids = [jid(f"{name}@x.test") for name in ("a", "b", "bad", "c", "d")]
    changes = server.run(blocking.add(server.session, jids))
    assert [change.blocked for change in changes] == [True, True, False, True, True]
    (failed,) = [change for change in changes if change.error is not None]
    assert failed.error.condition == "jid-malformed"
    assert failed.error.code == 6


def test_yes_without_an_entry_in_the_list_is_no_success():
    server = Server(lambda payload: LIST.format("") if payload.tag.endswith("blocklist") else "")
    (change,) = server.run(blocking.add(server.session, [jid("a@x.test")]))
    assert (change.blocked, change.error.condition) == (False, "not-confirmed")


def test_removing_what_is_not_there_sends_no_empty_request():
    server = Book("a@x.test")
    (change,) = server.run(blocking.remove(server.session, [jid("b@x.test")]))
    assert (change.blocked, change.error.condition) == (False, "item-not-found")
    assert names(server) == ["blocklist"]
    assert server.blocked == {"a@x.test"}
    (change,) = server.run(blocking.remove(server.session, [jid("b@x.test")], if_exists=True))
    assert change.error is None
    assert server.blocked == {"a@x.test"}


def test_clear_counts_and_reads_again():
    server = Book("a@x.test", "b.test")
    assert server.run(blocking.clear(server.session)) == (2, [])
    assert names(server) == ["blocklist", "unblock", "blocklist"]
    stubborn = Server(lambda p: LIST.format(items("a.test")) if p.tag.endswith("blocklist") else "")
    with pytest.raises(RefusedError):
        stubborn.run(blocking.clear(stubborn.session))


def test_a_report_as_the_xep_has_it():
    session, _, _ = make_session()
    report = blocking.Report("abuse", "three times", ["id1", "id2"], True, True)
    request = blocking._request(session, "block", [jid("villain@x.test")], report)
    (found,) = request[0]
    assert found.tag == "{urn:xmpp:reporting:1}report"
    assert found.get("reason") == "urn:xmpp:reporting:abuse"
    assert [child.tag.partition("}")[2] for child in found] == [
        "stanza-id", "stanza-id", "text", "report-origin", "third-party",
    ]  # fmt: skip
    assert [child.get("by") for child in found][:2] == ["alice@fake.test"] * 2
    assert found[2].text == "three times"


@pytest.mark.parametrize("features", ["<feature var='urn:xmpp:reporting:1'/>", ""])
def test_whether_the_server_takes_reports(features):
    book = Book()

    def answer(payload):
        if payload.tag.endswith("query"):
            return f"<query xmlns='http://jabber.org/protocol/disco#info'>{features}</query>"
        return book._answer(payload)

    server = Server(answer)
    report = blocking.Report("spam")
    (change,) = server.run(blocking.add(server.session, [jid("a@x.test")], report))
    assert (change.blocked, change.reported) == (True, bool(features))


@pytest.mark.parametrize(("sender", "kind"), [("alice@fake.test", "result"), ("e@x.test", "error")])
def test_pushes_are_answered_and_only_those_of_the_own_account(sender, kind):
    server = Book()
    server.run(blocking.fetch(server.session))
    push = f"<block xmlns='urn:xmpp:blocking'>{items('a@x.test')}</block>"
    come(server.wire, f"<iq type='set' id='p' from='{sender}'>{push}</iq>")
    assert parse(server.transport.text).get("type") == kind


@pytest.mark.parametrize(
    ("one", "other"),
    [("A@X.test", "a@x.test"), ("bücher.example", "xn--bcher-kva.example"), ("@", "@")],
)
def test_spellings_of_one_jid(one, other):
    assert blocking._key(one) == blocking._key(other)
    assert blocking._key("a@x.test/R") != blocking._key("a@x.test/r")
