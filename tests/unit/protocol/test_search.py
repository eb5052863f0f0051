"""Searches: the examples of XEP-0055 and XEP-0433, pages, and answers that are none."""

from contextlib import aclosing
from xml.etree.ElementTree import fromstring

import pytest

from tests.unit.protocol.serving import INFO, ITEMS, Serving, error, info
from xmppctl.errors import DeadlineError, RefusedError, UnsupportedError, UsageError
from xmppctl.model.jid import parse
from xmppctl.model.paging import Part
from xmppctl.model.search import Found, FoundRoom
from xmppctl.protocol import channelsearch, search, searchpages

SERVICE = parse("characters.shakespeare.lit")
RSM = "http://jabber.org/protocol/rsm"
LEGACY = (
    "<query xmlns='jabber:iq:search'><instructions> Fill in one or more fields. </instructions>"
    "<first/><last/><nick/><email/></query>"
)
FORM = (
    "<query xmlns='jabber:iq:search'><instructions>x</instructions><first/>"
    "<x xmlns='jabber:x:data' type='form'><field type='hidden' var='FORM_TYPE'>"
    "<value>jabber:iq:search</value></field><field type='text-single' var='first'/>"
    "<field type='list-single' var='x-gender'><option label='Male'><value>male</value></option>"
    "</field></x></query>"
)
ITEM = (
    "<query xmlns='jabber:iq:search'><item jid='juliet@capulet.com'><first>Juliet</first>"
    "<last>Capulet</last><nick>JuliC</nick><email>juliet@shakespeare.lit</email></item>"
    "<item jid='tybalt@shakespeare.lit'><nick> </nick></item></query>"
)
REPORTED = (
    "<query xmlns='jabber:iq:search'><x xmlns='jabber:x:data' type='result'><reported>"
    "<field var='first'/><field var='jid' type='jid-single'/></reported>"
    "<item><field var='first'><value>Benvolio</value></field><field var='x-gender'>"
    "<value>male</value></field><field var='jid'><value>benvolio@montague.net</value></field>"
    "<field var='void'><value/></field></item></x></query>"
)


def directory(offered, *results, features=("jabber:iq:search",)):
    """A service that asks for ``offered`` and gives these results, one after the other."""
    left = list(results)

    def handle(iq):
        if iq[0].tag == f"{{{INFO}}}query":
            return info(*features)
        if iq.get("type") == "get":
            return offered
        return left.pop(0)

    return Serving(handle)


def found(there, answers=None, part=Part(), service=SERVICE):  # noqa: B008 - it never changes
    async def run(session):
        where = await search.directory(session, service)
        async with aclosing(search.people(session, where, answers or {}, part)) as results:
            return [each async for each in results]

    return there.run(run)


def sets(there):
    """What was submitted."""
    return [iq[0] for iq in there.asked if iq.get("type") == "set"]


def test_by_the_fields_of_old():
    there = directory(LEGACY, ITEM)
    juliet, tybalt = found(there, {"last": ["Capulet"]})
    assert juliet == Found(
        "juliet@capulet.com", "Juliet", "Capulet", "JuliC", "juliet@shakespeare.lit"
    )
    assert tybalt == Found("tybalt@shakespeare.lit")
    (asked,) = sets(there)
    assert [(child.tag, child.text) for child in asked] == [("{jabber:iq:search}last", "Capulet")]


def test_by_the_form_where_there_is_one():
    there = directory(FORM, REPORTED)
    (benvolio,) = found(there, {"gender": ["male"]})
    assert benvolio == Found("benvolio@montague.net", "Benvolio", fields={"x-gender": "male"})
    (asked,) = sets(there)
    (submitted,) = asked
    assert submitted.get("type") == "submit"
    values = {field.get("var"): field[0].text for field in submitted}
    assert values == {"FORM_TYPE": "jabber:iq:search", "x-gender": "male"}


@pytest.mark.parametrize("answer", ["<query xmlns='jabber:iq:search'/>", ""])
def test_nobody(answer):
    assert found(directory(LEGACY, answer), {"nick": ["x"]}) == []


@pytest.mark.parametrize(
    ("offered", "answers"),
    [
        (LEGACY, {"gender": ["male"]}),
        (LEGACY, {"nick": ["a", "b"]}),
        (FORM, {"nick": ["a"]}),
        (FORM, {"x-gender": ["other"]}),
    ],
)
def test_values_that_it_does_not_take(offered, answers):
    there = directory(offered)
    with pytest.raises(UsageError):
        found(there, answers)
    assert sets(there) == []


def test_who_offers_no_search():
    with pytest.raises(UnsupportedError, match="XEP-0055"):
        found(directory(LEGACY, ITEM, features=()))
    with pytest.raises(RefusedError) as caught:
        found(Serving(lambda iq: error("remote-server-not-found")))
    assert caught.value.condition == "remote-server-not-found"
    with pytest.raises(RefusedError) as caught:
        found(directory("", ITEM))
    assert caught.value.condition == "malformed-answer"
    with pytest.raises(RefusedError) as caught:
        found(directory(LEGACY, "<x xmlns='y'/>"))
    assert caught.value.condition == "malformed-answer"


def test_one_that_answers_only_searches_by_email():
    with pytest.raises(DeadlineError) as caught:
        found(directory(LEGACY, None), {"nick": ["x"]})
    assert "--email" in caught.value.hint
    with pytest.raises(DeadlineError) as caught:
        found(directory(LEGACY, None), {"email": ["x"]})
    assert "--email" not in caught.value.hint
    with pytest.raises(RefusedError) as caught:
        found(directory(LEGACY, error("not-acceptable")), {})
    assert "--show-form" in caught.value.hint


def test_the_service_of_the_own_server():
    def handle(iq):
        if iq[0].tag == f"{{{ITEMS}}}query":
            jids = ("rooms.fake.test", "a@@b", "mute.fake.test", "users.fake.test")
            return f"<query xmlns='{ITEMS}'>{''.join(f'<item jid={j!r}/>' for j in jids)}</query>"
        if iq[0].tag == f"{{{INFO}}}query":
            if iq.get("to") == "mute.fake.test":
                return None
            identity = (
                "<identity category='directory' type='user'/>" if "users" in iq.get("to") else ""
            )
            has = iq.get("to") != "fake.test"
            return info(*(["jabber:iq:search"] if has else []), identities=identity)
        return LEGACY if iq.get("type") == "get" else ITEM

    there = Serving(handle)
    assert len(found(there, service=None)) == 2
    assert {iq.get("to") for iq in there.asked[-2:]} == {"users.fake.test"}
    nobody = Serving(lambda iq: f"<query xmlns='{ITEMS}'/>" if "items" in iq[0].tag else info())
    with pytest.raises(UnsupportedError, match="offers no search for people"):
        found(nobody, service=None)


# --- pages (XEP-0059)


def page(first, last, *jids, index=None, count=None):
    rows = "".join(f"<item jid='{jid}'/>" for jid in jids)
    at = "" if index is None else f" index='{index}'"
    total = "" if count is None else f"<count>{count}</count>"
    ends = f"<first{at}>{first}</first><last>{last}</last>" if jids else ""
    return f"<query xmlns='jabber:iq:search'>{rows}<set xmlns='{RSM}'>{ends}{total}</set></query>"


def asked_sets(there):
    return [
        {child.tag.rpartition("}")[2]: child.text for child in asked.find(f"{{{RSM}}}set")}
        for asked in sets(there)
        if asked.find(f"{{{RSM}}}set") is not None
    ]


FEATURES = ("jabber:iq:search", RSM)


def test_all_pages():
    there = directory(
        LEGACY, page("a", "b", "a@x", "b@x", index=0, count=3),
        page("c", "c", "c@x", index=2, count=3), features=FEATURES,
    )  # fmt: skip
    part = Part(page_size=2)
    assert [each.jid for each in found(there, {"nick": ["x"]}, part)] == ["a@x", "b@x", "c@x"]
    assert asked_sets(there) == [{"max": "2"}, {"max": "2", "after": "b"}]
    # the search itself is the same each time
    assert [asked[0].text for asked in sets(there)] == ["x", "x"]


def test_a_part():
    there = directory(LEGACY, page("a", "b", "a@x", "b@x"), page("c", "c", "c@x"))
    assert [each.jid for each in found(there, {}, Part(maximum=3))] == ["a@x", "b@x", "c@x"]
    assert asked_sets(there) == [{"max": "3"}, {"max": "1", "after": "b"}]
    there = directory(LEGACY, page("c", "d", "c@x", "d@x"), page("a", "b", "a@x", "b@x", index=0))
    assert [each.jid for each in found(there, {}, Part(before="", maximum=3))] == [
        "b@x", "c@x", "d@x",
    ]  # fmt: skip
    assert asked_sets(there) == [{"max": "3", "before": None}, {"max": "1", "before": "c"}]
    there = directory(LEGACY, page("", ""))
    assert found(there, {}, Part(after="z")) == []


def test_who_does_not_page():
    assert len(found(directory(LEGACY, ITEM), {}, Part(maximum=1))) == 1
    for part in (Part(after="x"), Part(before=""), Part(index=3)):
        with pytest.raises(UnsupportedError, match="XEP-0059"):
            found(directory(LEGACY, ITEM), {}, part)


def test_a_page_that_comes_again():
    there = directory(LEGACY, *[page("a", "b", "a@x", "b@x")] * 3, features=FEATURES)
    with pytest.raises(RefusedError) as caught:
        found(there, {}, Part(page_size=2))
    assert caught.value.condition == "page-repeated"


@pytest.mark.parametrize(
    ("answers", "number"),
    [([page("", "", count=7)], 7), ([ITEM], 2), ([page("", ""), ITEM], 2)],
)
def test_count(answers, number):
    there = directory(LEGACY, *answers)

    async def run(session):
        where = await search.directory(session, SERVICE)
        return await search.count(session, where, {"nick": ["x"]})

    assert there.run(run) == number


def test_a_set_that_cannot_be_read():
    odd = fromstring(f"<q><set xmlns='{RSM}'><count>many</count></set></q>")
    with pytest.raises(RefusedError):
        searchpages.read(odd, "x")


# --- rooms (XEP-0433)

ORDER = "{urn:xmpp:channel-search:0:order}"
ROOMS_FORM = (
    f"<search xmlns='{channelsearch.NS}'><x xmlns='jabber:x:data' type='form'>"
    "<field type='hidden' var='FORM_TYPE'><value>urn:xmpp:channel-search:0:search-params</value>"
    "</field><field type='text-single' var='q'/><field type='boolean' var='all'/>"
    "<field type='boolean' var='sinname'><value>true</value></field>"
    f"<field type='list-single' var='key'><value>{ORDER}nusers</value>"
    f"<option><value>{ORDER}nusers</value></option><option><value>{ORDER}address</value></option>"
    "</field></x></search>"
)
RESULT = f"""<result xmlns='{channelsearch.NS}'>
  <item address='commteam@muc.xmpp.org'><name>commteam</name><nusers>10</nusers><is-open/></item>
  <item address='operators@muc.xmpp.org'><name>XMPP Service Operators</name>
    <description>Discussion venue</description><nusers>many</nusers><is-open>false</is-open>
    <language>en</language><service-type>xep-0045</service-type><x xmlns='y'/>
    <anonymity-mode>muc_semianonymous</anonymity-mode></item>
  <item><name>nowhere</name></item>
  <set xmlns='{RSM}'><first>opaque-string-1</first><last>opaque-string-2</last><max>5</max></set>
</result>"""
END = f"<result xmlns='{channelsearch.NS}'/>"


def rooms(text, answers=None, part=Part(), results=(RESULT, END), count=False):  # noqa: B008
    left = list(results)

    def handle(iq):
        if iq[0].tag == f"{{{INFO}}}query":
            return info(channelsearch.NS)
        return left.pop(0) if len(iq[0]) else ROOMS_FORM

    there = Serving(handle)

    async def run(session):
        where = await channelsearch.service(session, SERVICE)
        if count:
            return await channelsearch.count(session, where, text, answers or {})
        found = channelsearch.rooms(session, where, text, answers or {}, part)
        async with aclosing(found) as each:
            return [room async for room in each]

    return there.run(run), [iq for iq in there.asked if len(iq[0]) and "search" in iq[0].tag]


def submitted(iq):
    form = iq[0].find("{jabber:x:data}x")
    return {field.get("var"): field[0].text for field in form}


def test_rooms_of_the_example():
    (commteam, operators), asked = rooms("xmpp.org")
    assert commteam == FoundRoom("commteam@muc.xmpp.org", "commteam", users=10, open=True)
    assert operators == FoundRoom(
        "operators@muc.xmpp.org", "XMPP Service Operators", "Discussion venue", "en", None,
        "xep-0045", False, "muc_semianonymous",
    )  # fmt: skip
    assert [iq.get("type") for iq in asked] == ["get", "get"]
    first, second = asked
    assert submitted(first) == {
        "FORM_TYPE": "urn:xmpp:channel-search:0:search-params",
        "q": "xmpp.org",
        "sinname": "true",
        "key": f"{ORDER}address",
    }
    assert submitted(second) == submitted(first)
    assert second[0].findtext(f"{{{RSM}}}set/{{{RSM}}}after") == "opaque-string-2"


def test_all_rooms_and_the_first_of_them():
    _, (asked, *_) = rooms(None)
    assert submitted(asked)["all"] == "1"
    assert "q" not in submitted(asked)
    # the service's own order tells which are the first ones
    found, (asked, *_) = rooms(None, {"key": [f"{ORDER}nusers"]}, Part(maximum=1))
    assert len(found) == 1
    assert submitted(asked)["key"] == f"{ORDER}nusers"
    _, (asked, *_) = rooms("x", {"sinname": ["0"]}, Part(limit=1))
    assert (submitted(asked)["key"], submitted(asked)["sinname"]) == (f"{ORDER}nusers", "0")


def test_how_many_rooms():
    told = (
        f"<result xmlns='{channelsearch.NS}'><set xmlns='{RSM}'><count>800</count></set></result>"
    )
    assert rooms("x", results=[told], count=True)[0] == 800


def test_rooms_that_cannot_be_searched():
    with pytest.raises(RefusedError) as caught:
        rooms("x", results=[error("bad-request", "modify")])
    assert caught.value.condition == "bad-request"
    with pytest.raises(RefusedError) as caught:
        rooms("x", results=[f"<search xmlns='{channelsearch.NS}'/>"])
    assert caught.value.condition == "malformed-answer"
    with pytest.raises(UsageError):
        rooms("x", {"nope": ["1"]})
    without = Serving(lambda iq: info() if "disco" in iq[0].tag else ROOMS_FORM)
    with pytest.raises(UnsupportedError, match="XEP-0433"):
        without.run(lambda s: channelsearch.service(s, SERVICE))
    formless = Serving(
        lambda iq: info(channelsearch.NS) if "disco" in iq[0].tag
        else f"<search xmlns='{channelsearch.NS}'/>"
    )  # fmt: skip
    with pytest.raises(RefusedError):
        formless.run(lambda s: channelsearch.service(s, SERVICE))
