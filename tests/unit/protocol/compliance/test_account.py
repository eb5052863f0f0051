"""What is found out about an account's own server, and what is not believed."""

import asyncio

import pytest

from tests.unit.protocol.compliance.domain import (
    FILES,
    MAM,
    MUC,
    PUBSUB,
    ROOMS,
    Domain,
    configuration,
)
from tests.unit.protocol.serving import INFO, ITEMS, error
from tests.unit.session.streams import come
from xmppctl.errors import ConnectError, RefusedError
from xmppctl.model.jid import parse as parse_jid
from xmppctl.protocol import compliance
from xmppctl.protocol.compliance import files, ways
from xmppctl.protocol.compliance.suite import ROWS
from xmppctl.protocol.compliance.verdict import Verdict
from xmppctl.session.xml import parse

OK = Verdict(True, "live", "yes")
OTHER = parse_jid("other.test")


@pytest.fixture(autouse=True)
def no_network(monkeypatch):
    """The ways to a domain and its files are tested elsewhere."""

    async def opened(account):
        return ways.Opened(parse("<f/>"), "fake.test:5222", "TLSv1.3")

    async def direct(account):
        return {"0368": OK}

    async def web(account, named):
        return {"7395": OK, "0206": OK, "0156": OK}

    async def file(session, info):
        return {"0363": OK}

    monkeypatch.setattr(ways, "before_login", opened)
    monkeypatch.setattr(ways, "direct_tls", direct)
    monkeypatch.setattr(ways, "web", web)
    monkeypatch.setattr(files, "test", file)


def assessed(there, **options):
    """The records, one for each row of the suite."""
    found = there.run(lambda session: compliance.assess(session, **options))
    assert [(each.category, each.requirement) for each in found] == [
        (row.category, row.requirement) for row in ROWS
    ]
    return found


def of(found, requirement, category=None):
    return next(
        each
        for each in found
        if each.requirement == requirement and category in (None, each.category)
    )


def wrong(found):
    return {each.requirement for each in found if each.required and not each.proven}


def test_a_server_that_has_it_all():
    domain = Domain()
    found = assessed(domain)
    assert wrong(found) == set()
    methods = {each.requirement: each.method for each in found if each.required}
    assert {name for name, method in methods.items() if method != "live"} == {
        "XEP-0114", "XEP-0352", "XEP-0398", "XEP-0402",
    }  # fmt: skip
    assert of(found, "XEP-0114").method == "software"
    # what was made is removed again
    names = domain.names()
    assert names.count("pubsub/publish") == names.count("pubsub/delete") == 1
    assert names.count("query/destroy") == 1
    assert domain.session.inbound is not None


def test_only_what_is_noted_is_absent():
    found = assessed(Domain())
    assert {each.level for each in found if each.status == "absent"} <= {"note", "future"}
    assert of(found, "XEP-0424").status == "ok"
    assert of(found, "XEP-0425").status == "absent"
    assert of(found, "XEP-0386").category is None


def test_all_is_asked_before_anything_is_answered():
    domain = Domain()
    sent = []

    async def first(session):
        task = asyncio.ensure_future(compliance.assess(session))
        for _ in range(20):
            await asyncio.sleep(0)
        sent.append(domain.transport.text)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(first(domain.session))
    for word in ("roster", "vcard-temp", "carbons", "blocking", "private", "mam", "push",
                 "extdisco", "publish", "headline", "delete"):  # fmt: skip
        assert word in sent[0], word


@pytest.mark.parametrize(
    ("tag", "requirement"),
    [
        ("{jabber:iq:roster}query", "RFC 6121"),
        ("{vcard-temp}vCard", "XEP-0054"),
        ("{urn:xmpp:carbons:2}enable", "XEP-0280"),
        ("{urn:xmpp:blocking}blocklist", "XEP-0191"),
        ("{urn:xmpp:push:0}disable", "XEP-0357"),
        ("{urn:xmpp:extdisco:2}services", "XEP-0215"),
    ],
)
def test_what_is_announced_and_does_not_work(tag, requirement):
    found = assessed(Domain({tag: error("service-unavailable")}))
    told = of(found, requirement)
    assert (told.status, told.method) == ("fail", "live")
    assert "service-unavailable" in told.detail
    also = {"XEP-0054": {"XEP-0153"}}.get(requirement, set())
    assert wrong(found) == {requirement} | also


@pytest.mark.parametrize("tag", ["{jabber:iq:roster}query", "{urn:xmpp:extdisco:2}services"])
@pytest.mark.parametrize("answer", [None, "", "<other xmlns='urn:x'/>", error("forbidden")])
def test_silence_and_nonsense_are_no_support(tag, answer):
    found = assessed(Domain({tag: answer}))
    assert len(wrong(found)) == 1


def test_an_answer_that_something_is_not_there_is_one():
    answers = {
        "{vcard-temp}vCard": error("item-not-found"),
        "{urn:xmpp:push:0}disable": error("item-not-found"),
    }
    assert wrong(assessed(Domain(answers))) == set()
    assert wrong(assessed(Domain({"{vcard-temp}vCard": ""}))) == set()


def test_features_that_are_not_there():
    domain = Domain(domain=(), account=(MAM,), stream="", items=())
    found = assessed(domain)
    # what works is there, whether it is announced or not
    assert wrong(found) == {
        "XEP-0045", "XEP-0363", "XEP-0398", "XEP-0402", "XEP-0410", "XEP-0313", "XEP-0198",
        "XEP-0352",
    }  # fmt: skip
    assert of(found, "XEP-0313", "im").status == "fail"  # that of rooms
    assert of(found, "XEP-0198").method == "stream"


def test_who_answers_whatever_it_is_asked():
    domain = Domain({"{urn:xmpp:compliance:unheard-of}query": ""})
    assert wrong(assessed(domain)) == {"RFC 6120"}


@pytest.mark.parametrize("answer", [None, error("service-unavailable"), "<query xmlns='x'/>",
    "<query xmlns='jabber:iq:version'><name>Else</name></query>"])  # fmt: skip
def test_software_that_nobody_knows(answer):
    found = assessed(Domain({"{jabber:iq:version}query": answer}))
    told = of(found, "XEP-0114")
    assert (told.status, told.method) == ("unknown", "none")


def test_capabilities_that_are_not_true():
    domain = Domain({f"fake.test {{{INFO}}}query": f"<query xmlns='{INFO}'/>"})
    told = of(assessed(domain), "XEP-0115")
    assert (told.status, told.method) == ("fail", "live")


def test_the_end_of_the_stream_is_the_end():
    domain = Domain()

    async def cut(session):
        domain.wire.link.connection_lost(None)
        return await compliance.assess(session)

    with pytest.raises(ConnectError):
        domain.run(cut)


COPY = (
    "<message from='alice@fake.test' to='alice@fake.test/r'><sent xmlns='urn:xmpp:carbons:2'>"
    "<forwarded xmlns='urn:xmpp:forward:0'><message xmlns='jabber:client' from='alice@fake.test/o'"
    " to='bob@fake.test'/></forwarded></sent></message>"
)


def test_copies_that_come_meanwhile_do_not_come_again():
    class Busy(Domain):
        """Another client of the account says something."""

        def _answer(self, iq):
            if iq[0].tag == "{urn:xmpp:blocking}blocklist":
                come(self.wire, COPY)
            return super()._answer(iq)

    domain = Busy()
    assessed(domain)
    assert domain.session.inbound.h == domain.session.inbound.arrive() - 1


# --- nodes


def test_options_that_are_refused():
    domain = Domain({f"{{{PUBSUB}}}pubsub/publish": error("resource-constraint", "wait")})
    found = assessed(domain)
    assert {"XEP-0163", "XEP-0223"} <= wrong(found)
    assert "publish options" in of(found, "XEP-0223").detail
    assert domain.names().count("pubsub/delete") == 2


def test_options_that_are_ignored():
    domain = Domain({f"{{{PUBSUB}#owner}}pubsub/configure": configuration("presence")})
    found = assessed(domain)
    assert wrong(found) == {"XEP-0223"}
    assert "presence" in of(found, "XEP-0223").detail


@pytest.mark.parametrize("answer", ["", configuration("").replace("<value></value>", ""), None])
def test_a_node_that_is_not_shown(answer):
    found = assessed(Domain({f"{{{PUBSUB}#owner}}pubsub/configure": answer}))
    assert wrong(found) == {"XEP-0223"}


def test_an_item_that_is_lost():
    items = f"<pubsub xmlns='{PUBSUB}'><items node='n'/></pubsub>"
    assert wrong(assessed(Domain({f"{{{PUBSUB}}}pubsub/items": items}))) == {"XEP-0163"}


def test_a_removal_that_came_before_the_publication():
    domain = Domain({f"{{{PUBSUB}#owner}}pubsub/delete": error("item-not-found")})
    assessed(domain)
    assert domain.names().count("pubsub/delete") == 2


# --- rooms


def test_rooms_that_nobody_may_make():
    found = assessed(Domain({"presence": error("not-allowed")}))
    told = of(found, "XEP-0045")
    assert (told.status, told.method) == ("ok", "disco")
    assert "not-allowed" in told.detail
    assert {each.status for each in found if each.requirement == "XEP-0410"} == {"unknown"}
    assert wrong(found) == {"XEP-0410", "XEP-0313"}


@pytest.mark.parametrize("condition", ["service-unavailable", "internal-server-error"])
def test_rooms_that_do_not_work(condition):
    found = assessed(Domain({"presence": error(condition)}))
    told = of(found, "XEP-0045")
    assert (told.status, told.method) == ("fail", "live")
    assert condition in told.detail


def test_a_room_that_was_there_is_left_alone():
    domain = Domain(codes=(110,))
    found = assessed(domain)
    assert of(found, "XEP-0045").method == "disco"
    assert "query/destroy" not in domain.names()


def test_a_room_that_reflects_nothing():
    found = assessed(Domain(drops=("message",)))
    assert wrong(found) == {"XEP-0045", "XEP-0249"}


def test_a_room_that_stays():
    found = assessed(Domain({f"{{{MUC}#owner}}query/destroy": error("forbidden")}))
    told = of(found, "XEP-0045")
    assert told.status == "fail"
    assert f"@{ROOMS} was not destroyed" in told.detail


def test_a_room_without_an_archive_and_without_pings():
    domain = Domain({"{urn:xmpp:ping}ping": error("not-acceptable")})
    found = assessed(domain)
    assert wrong(found) == {"XEP-0410"}
    assert domain.asked  # the archive is asked of the room and of the account
    archives = {iq.get("to") for iq in domain.asked if iq.find(f"{{{MAM}}}query") is not None}
    assert None in archives
    assert len(archives) == 2


def test_the_form_of_a_room_turns_its_archive_on():
    domain = Domain()
    assessed(domain)
    submitted = [
        field
        for iq in domain.asked
        for field in iq.iterfind(f"{{{MUC}#owner}}query/{{jabber:x:data}}x/{{jabber:x:data}}field")
    ]
    values = {each.get("var"): each.findtext("{jabber:x:data}value") for each in submitted}
    assert values["mam"] == "1"
    assert values["muc#roomconfig_persistentroom"] == "0"


def test_a_run_that_is_ended_destroys_the_room():
    domain = Domain({f"{{{MUC}#owner}}query": None})

    async def ended(session):
        task = asyncio.ensure_future(compliance.assess(session))
        while not any(len(iq) and iq[0].tag == f"{{{MUC}#owner}}query" for iq in domain.asked):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return domain.transport.text

    rest = domain.run(ended)
    assert "<destroy" in rest or "query/destroy" in domain.names()


def test_the_picture_in_presence_is_a_proof():
    own = "<x xmlns='vcard-temp:x:update'><photo>01</photo></x>"
    found = assessed(Domain(own=own))
    assert {of(found, name).method for name in ("XEP-0398", "XEP-0153")} == {"live"}


# --- without a trace


def test_passive():
    domain = Domain()
    found = assessed(domain, passive=True)
    assert not {"pubsub/publish", "query/destroy"} & set(domain.names())
    assert not [each for each in domain.asked if each.tag.endswith("}presence")]
    assert of(found, "XEP-0163").method == of(found, "XEP-0045").method == "disco"
    assert of(found, "XEP-0363").detail == f"files: {FILES}"
    assert wrong(found) == {"XEP-0410", "XEP-0313"}
    assert of(found, "XEP-0410").status == "unknown"


# --- another domain


def test_another_domain():
    domain = Domain()
    answers = {f"other.test {{{INFO}}}query": domain._info("fake.test")}
    answers[f"other.test {{{ITEMS}}}query"] = domain._items(None)
    domain.answers = answers
    found = assessed(domain, domain=OTHER)
    assert {iq.get("to") for iq in domain.asked} == {"other.test", ROOMS, FILES}
    assert of(found, "RFC 6120").method == "stream"
    assert of(found, "XEP-0280").status == of(found, "XEP-0045").status == "ok"
    assert of(found, "XEP-0163").status == of(found, "XEP-0198").status == "unknown"
    assert "fail" not in {each.status for each in found}


def test_another_domain_that_is_not_there(monkeypatch):
    async def lost(account):
        return ConnectError("there is no host", step="dns")

    monkeypatch.setattr(ways, "before_login", lost)
    answers = {f"{{{INFO}}}query": error("remote-server-not-found"),
               f"{{{ITEMS}}}query": error("remote-server-not-found")}  # fmt: skip
    with pytest.raises(RefusedError) as caught:
        assessed(Domain(answers), domain=OTHER)
    assert caught.value.condition == "remote-server-not-found"
