"""Affiliations: what is asked (the examples of XEP-0045), what counts in an answer."""

import asyncio
from xml.etree.ElementTree import tostring

import pytest

from tests.unit.protocol.muc.answering import Answering
from xmppctl.cli.stdin import Line
from xmppctl.commands.muc.people import parse_line
from xmppctl.errors import ConnectError, RefusedError
from xmppctl.model.jid import parse as jid
from xmppctl.protocol.muc import admin

ROOM = jid("coven@chat.shakespeare.lit")
NS = "http://jabber.org/protocol/muc#admin"


def asked(server):
    """The payloads that went out, without the namespaces of prefixes."""
    return [tostring(iq[0], encoding="unicode") for iq in server.sent]


def test_a_ban_as_in_the_xep():
    server = Answering(lambda iq: "")
    record = server.run(
        lambda s: admin.change(s, ROOM, "earlofcambridge@shakespeare.lit", "outcast", "Treason")
    )
    (iq,) = server.sent
    assert (iq.get("type"), iq.get("to")) == ("set", str(ROOM))
    (item,) = iq.iter(f"{{{NS}}}item")
    assert item.attrib == {"affiliation": "outcast", "jid": "earlofcambridge@shakespeare.lit"}
    assert item.findtext(f"{{{NS}}}reason") == "Treason"
    assert (record.jid, record.affiliation, record.reason) == (
        "earlofcambridge@shakespeare.lit", "outcast", "Treason",
    )  # fmt: skip


def test_the_lists_are_asked_for_in_one_flight():
    # §9.2, example 105, and what must not break it
    answer = (
        f"<query xmlns='{NS}'><item affiliation='outcast' jid='earlofcambridge@shakespeare.lit'>"
        "<reason>Treason</reason></item><item affiliation='outcast'/><item jid='not a jid@@'/>"
        "<x xmlns='other'/></query>"
    )
    server = Answering(lambda iq: answer if "outcast" in tostring(iq).decode() else
                       f"<query xmlns='{NS}'/>")  # fmt: skip
    found = server.run(lambda s: admin.affiliations(s, ROOM))
    assert len(server.sent) == 4
    first, second = found
    assert (first.jid, first.affiliation, first.reason) == (
        "earlofcambridge@shakespeare.lit", "outcast", "Treason",
    )  # fmt: skip
    assert second.jid == "not a jid@@"


@pytest.mark.parametrize("answer", ["", "<query xmlns='evil'/>", "!forbidden"])
def test_an_answer_that_is_no_list(answer):
    with pytest.raises(RefusedError) as caught:
        Answering(lambda iq: answer).run(lambda s: admin.affiliations(s, ROOM, ("member",)))
    assert caught.value.condition == ("forbidden" if answer[:1] == "!" else "malformed-answer")


def test_unban_asks_first():
    server = Answering(lambda iq: f"<query xmlns='{NS}'><item jid='A@x.test'/></query>")
    server.run(lambda s: admin.unban(s, ROOM, jid("a@x.test"), None, if_exists=False))
    assert [iq.get("type") for iq in server.sent] == ["get", "set"]
    server = Answering(lambda iq: f"<query xmlns='{NS}'/>")
    with pytest.raises(RefusedError):
        server.run(lambda s: admin.unban(s, ROOM, jid("a@x.test"), None, if_exists=False))
    assert [iq.get("type") for iq in server.sent] == ["get"]


def changes(server, wanted):
    async def work(session):
        async def source():
            for each in wanted:
                yield each

        return [result async for result in admin.change_all(session, ROOM, source())]

    return server.run(work)


def test_many_changes_are_under_way_at_once_and_told_in_order():
    wanted = [admin.Change(f"u{n}@x.test", "member") for n in range(100)]
    waiting = []
    server = Answering(lambda iq: waiting.append(iq))  # nothing is answered before all are out

    async def work(session):
        async def source():
            for each in wanted[:20]:
                yield each

        task = asyncio.ensure_future(collect(admin.change_all(session, ROOM, source())))
        while len(waiting) < 20:
            await asyncio.sleep(0)
        for iq in reversed(waiting):
            server.come(f"<iq type='result' id='{iq.get('id')}' from='{ROOM}'/>")
        return await task

    results = server.run(work)
    assert [result.jid for result in results] == [change.jid for change in wanted[:20]]
    assert all(result.ok for result in results)


async def collect(stream):
    return [each async for each in stream]


def test_a_failure_is_a_result_of_its_own():
    server = Answering(lambda iq: "!not-allowed" if b"bad" in tostring(iq) else "")
    wanted = [admin.Change("a@x.test", "member"), admin.Change("bad@x.test", "owner")]
    results = changes(server, wanted)
    assert [result.ok for result in results] == [True, False]
    assert results[1].error.condition == "not-allowed"


def test_the_end_of_the_stream_ends_it():
    server = Answering(lambda iq: None)

    async def work(session):
        async def source():
            yield admin.Change("a@x.test", "member")

        task = asyncio.ensure_future(collect(admin.change_all(session, ROOM, source())))
        await asyncio.sleep(0)
        server.wire.fail(ConnectError("gone"))
        return await task

    with pytest.raises(ConnectError):
        server.run(work)


# --- lines of the input


@pytest.mark.parametrize(
    ("text", "affiliation", "expected"),
    [
        ("a@x.test member", None, ("a@x.test", "member", None)),
        ("  a@x.test\t outcast  too many  words ", None,
         ("a@x.test", "outcast", "too many  words")),
        ("A@X.test", "admin", ("a@x.test", "admin", "why")),
        ("x.test", "outcast", ("x.test", "outcast", "why")),
    ],
)  # fmt: skip
def test_a_line(text, affiliation, expected):
    change = parse_line(Line(1, text), affiliation, "why" if affiliation else None)
    assert (change.jid, change.affiliation, change.reason) == expected
    assert change.error is None


@pytest.mark.parametrize(
    ("text", "affiliation"),
    [("a@x.test", None), ("a@x.test boss", None), ("@@ member", None), ("a@x.test/r", "member"),
     ("a@x.test member", "member"), ("a@x.test member a\x07b", None)],
)  # fmt: skip
def test_a_line_that_is_none(text, affiliation):
    change = parse_line(Line(7, text), affiliation, None)
    assert change.jid == text
    assert (change.error.name, change.error.step) == ("USAGE", "input")
    assert "line 7" in change.error.text
