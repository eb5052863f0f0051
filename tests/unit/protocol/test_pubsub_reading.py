"""Items of a node (XEP-0060 §6.5), whether the service gives pages or not."""

from contextlib import suppress

import pytest
from hypothesis import given, strategies

from tests.unit.protocol.pubsubservice import (
    NOT_FOUND,
    PS,
    RSM,
    SERVICE,
    Service,
    failure,
    items,
    offer,
)
from xmppctl.errors import RefusedError, UnsupportedError
from xmppctl.model.paging import Part
from xmppctl.protocol.pubsub import reading
from xmppctl.session.xml import parse

ALL = [f"i{number}" for number in range(7)]
# XEP-0060, example "Service returns all items", shortened
ENTRY = """<item id='368866411b877c30064a5f62b917cffe' publisher='hamlet@denmark.lit'>
  <entry xmlns='http://www.w3.org/2005/Atom'>
    <title>The Uses of This World</title>
    <summary>
O, that this too too solid flesh would melt
Thaw and resolve itself into a dew!
    </summary>
    <link rel='alternate' type='text/html' href='http://denmark.lit/2003/12/13/atom03'/>
    <id>tag:denmark.lit,2003:entry-32396</id>
    <published>2003-12-12T17:47:23Z</published>
  </entry>
</item>"""


def test_an_entry_of_a_feed():
    record = reading.record(parse(ENTRY))
    assert (record.id, record.publisher) == (
        "368866411b877c30064a5f62b917cffe",
        "hamlet@denmark.lit",
    )
    assert record.payload_ns == "http://www.w3.org/2005/Atom"
    assert record.text == (
        "The Uses of This World\n"
        "O, that this too too solid flesh would melt\nThaw and resolve itself into a dew!"
    )
    assert record.xml.startswith("<entry xmlns='http://www.w3.org/2005/Atom'>")


@pytest.mark.parametrize(
    ("payload", "text"),
    [
        ("<x xmlns='u'>one <b>two</b></x>", "one two"),
        ("<x xmlns='u'><a>1</a> <b><c>2</c><c>3</c></b><d/></x>", "1\n2\n3"),
        ("<x xmlns='u'><a> 1 </a></x>", "1"),
        ("<x xmlns='u'/>", None),
    ],
)
def test_the_text_of_a_payload(payload, text):
    record = reading.record(parse(f"<item xmlns='{PS}'>{payload}</item>"))
    assert (record.id, record.text, record.payload_ns) == (None, text, "u")


def test_an_item_without_payload():
    record = reading.record(parse(f"<item xmlns='{PS}' id='a'>text alone</item>"))
    assert (record.xml, record.text, record.payload_ns, record.error) == (None, None, None, None)


def test_a_payload_without_namespace():
    record = reading.record(parse("<item id='a'><x>y</x></item>"))
    assert (record.xml, record.payload_ns) == ("<x>y</x>", None)


# --- pages


def paged(page=100, count=True, index=True, unknown=None):
    """A service that pages, no more than ``page`` items at once; the UIDs are "u" + id.

    ``unknown``: what a place that is not there is to it: "empty", "start" or "end".
    """
    uids = [f"u{each}" for each in ALL]

    def handle(action, payload):
        if action == "disco#info":
            return offer("retrieve-items")
        assert action == "items"
        asked = payload.find(f"{{{RSM}}}set")
        if asked is None:
            return items(*ALL)
        most = min(int(asked.findtext(f"{{{RSM}}}max", "99")), page)
        after, before = asked.findtext(f"{{{RSM}}}after"), asked.find(f"{{{RSM}}}before")
        begin, end = int(asked.findtext(f"{{{RSM}}}index", "0")), len(ALL)
        if after is not None:
            begin = place(after, {"empty": len(ALL), "start": 0}) + (after in uids)
        if before is not None:
            end = place(before.text, {"empty": 0, "end": len(ALL)}) if before.text else len(ALL)
            begin = max(0, end - most)
        chosen = ALL[begin : min(end, begin + most)]
        total = f"<count>{len(ALL)}</count>" if count else ""
        where = f" index='{begin}'" if index else ""
        edges = f"<first{where}>u{chosen[0]}</first><last>u{chosen[-1]}</last>" if chosen else ""
        return items(*chosen, more=f"<set xmlns='{RSM}'>{total}{edges}</set>")

    def place(uid, fallbacks):
        return uids.index(uid) if uid in uids else fallbacks[unknown]

    return Service(handle)


def whole():
    """A service that ignores the wish for pages."""
    return Service(lambda action, payload: items(*ALL))


def ids(service, **wanted):
    return [
        each.id for each in service.all(reading.part(service.session, SERVICE, "n", Part(**wanted)))
    ]


SERVICES = {"paged": paged, "whole": whole, "by threes": lambda: paged(3, count=False)}


@pytest.fixture(params=list(SERVICES))
def service(request):
    return SERVICES[request.param]()


@pytest.mark.parametrize("page_size", [1, 3, 7, 100])
def test_all_items(service, page_size):
    assert ids(service, page_size=page_size) == ALL


def test_parts(service):
    assert ids(service, maximum=2) == ALL[:2]
    assert ids(service, limit=5, page_size=2) == ALL[:5]
    assert ids(service, before="") == ALL[-7:]
    assert ids(service, before="", maximum=4, page_size=3) == ALL[-4:]
    assert ids(service, index=5) == ALL[5:]
    assert ids(service, index=1, maximum=5) == ALL[1:6]


def test_places():
    assert ids(paged(), after="ui2", maximum=2) == ALL[3:5]
    assert ids(paged(), before="ui2") == ALL[:2]
    assert ids(paged(), before="ui0") == []
    assert ids(paged(), after="ui6") == []
    # where there are no pages, the ids stand for UIDs
    assert ids(whole(), after="i2", maximum=2) == ALL[3:5]
    assert ids(whole(), before="i2") == ALL[:2]
    assert ids(whole(), before="i5", maximum=2) == ALL[3:5]


@pytest.mark.parametrize(
    ("service", "wanted"),
    [
        (paged(unknown="empty"), {"after": "x"}),
        (paged(unknown="start"), {"after": "x"}),
        (paged(unknown="empty"), {"before": "x"}),
        (paged(unknown="end"), {"before": "x"}),
        (whole(), {"after": "x"}),
        (whole(), {"before": "x"}),
    ],
)
def test_a_place_that_is_not_there(service, wanted):
    with pytest.raises(RefusedError, match="no item x to begin at") as error:
        ids(service, **wanted)
    assert error.value.condition == "item-not-found"


def test_a_service_that_begins_anew_for_ever():
    page = f"<set xmlns='{RSM}'><first>a</first><last>b</last></set>"
    service = Service(lambda action, payload: items("a", "b", more=page))
    with pytest.raises(RefusedError) as error:
        ids(service)
    assert error.value.condition == "page-repeated"


def test_pages_that_overlap():
    pages = iter([("a", "b"), ("b", "c"), ()])

    def handle(action, payload):
        found = next(pages)
        edges = f"<first>{found[0]}1</first><last>{found[-1]}2</last>" if found else ""
        return items(*found, more=f"<set xmlns='{RSM}'>{edges}</set>")

    assert ids(Service(handle)) == ["a", "b", "c"]


def test_a_service_that_refuses_pages():
    def handle(action, payload):
        return failure("bad-request") if payload.find(f"{{{RSM}}}set") is not None else items("a")

    service = Service(handle)
    assert ids(service) == ["a"]
    assert service.asked == ["items", "items"]


def test_the_number():
    service = paged()
    assert service.run(reading.count(service.session, SERVICE, "n")) == 7
    assert service.flights == [1]
    service = paged(3, count=False)
    assert service.run(reading.count(service.session, SERVICE, "n")) == 7
    service = whole()
    assert service.run(reading.count(service.session, SERVICE, "n")) == 7


def test_the_newest():
    service = Service(lambda action, payload: items(*ALL[-int(payload[0].get("max_items")) :]))
    found = service.run(reading.newest(service.session, SERVICE, "n", 2))
    assert [each.id for each in found] == ALL[-2:]
    service = whole()  # it does not know max_items (§6.5.7: MAY)
    assert len(service.run(reading.newest(service.session, SERVICE, "n", 2))) == 2


def test_items_by_id():
    service = Service(lambda action, payload: items("i1", "i3", "i9"))
    found = service.run(reading.chosen(service.session, SERVICE, "n", ["i3", "no", "i1", "i3"]))
    assert [each.id for each in found] == ["i3", "no", "i1"]
    assert [each.error and each.error.condition for each in found] == [None, "item-not-found", None]
    assert service.sent[0].count("<item ") == 3


def test_one_of_several_subscriptions():
    service = whole()
    more = {"subid": "ba49252aaa4f5d320c24d3766f0bdcade78c78d3"}
    service.all(reading.part(service.session, SERVICE, "n", Part(), **more))
    service.run(reading.newest(service.session, SERVICE, "n", 1, **more))
    service.run(reading.chosen(service.session, SERVICE, "n", ["i1"], **more))
    service.run(reading.count(service.session, SERVICE, "n", **more))
    assert len(service.sent) == 4
    for text in service.sent:
        assert f"subid='{more['subid']}'" in text


# --- refusals


def refusal(answer, told=None, service=SERVICE):
    def handle(action, payload):
        return (told or failure("service-unavailable")) if action == "disco#info" else answer

    scripted = Service(handle, service)
    with pytest.raises((RefusedError, UnsupportedError)) as error:
        scripted.all(reading.part(scripted.session, service, "n", Part()))
    return error.value


def test_what_is_not_there():
    assert refusal(NOT_FOUND).condition == "item-not-found"


@pytest.mark.parametrize(
    ("condition", "application", "hint"),
    [
        ("not-authorized", "presence-subscription-required", "roster add"),
        ("not-authorized", "not-in-roster-group", "groups"),
        ("not-allowed", "closed-node", "whitelist"),
        ("not-authorized", "not-subscribed", "pubsub subscribe"),
        ("bad-request", "subid-required", "--subid"),
    ],
)
def test_conditions_of_pubsub_are_told(condition, application, hint):
    error = refusal(failure(condition, application))
    assert (error.condition, application in error.text) == (condition, True)
    assert hint in error.hint
    assert isinstance(error, RefusedError)


def test_a_feature_that_the_answer_names():
    error = refusal(failure("feature-not-implemented", "unsupported feature='retrieve-items'"))
    assert isinstance(error, UnsupportedError)
    assert "does not offer retrieve-items" in error.text


def test_what_service_discovery_says():
    unavailable = failure("service-unavailable")
    error = refusal(unavailable, offer("publish"))
    assert isinstance(error, UnsupportedError)
    assert "retrieve-items" in error.text
    # it has the feature, and not at the moment
    assert isinstance(refusal(unavailable, offer("retrieve-items")), RefusedError)
    lying = refusal(failure("feature-not-implemented"), offer("retrieve-items"))
    assert isinstance(lying, UnsupportedError)
    error = refusal(unavailable, offer(category="conference", type_="text"))
    assert isinstance(error, UnsupportedError)
    assert "publish-subscribe (XEP-0060)" in error.text
    error = refusal(unavailable, offer(category="account", type_="registered"), service=None)
    assert "personal eventing (XEP-0163)" in error.text


def test_an_account_that_tells_nothing():
    contact = SERVICE._replace(local="romeo")
    error = refusal(failure("service-unavailable"), service=contact)
    assert isinstance(error, RefusedError)
    assert "contacts" in error.hint


@pytest.mark.parametrize(
    "answer",
    [
        "",
        "<other xmlns='u'/>",
        f"<pubsub xmlns='{PS}#owner'><items node='n'/></pubsub>",
        f"<pubsub xmlns='{PS}'/>",
        items("a", node="other"),
    ],
)
def test_answers_that_cannot_be_read(answer):
    assert refusal(answer).condition == "malformed-answer"


def test_items_of_another_node_do_not_count():
    other = "<items node='other'><item id='b'/></items>"
    service = Service(lambda action, payload: items("a", more=other))
    assert ids(service) == ["a"]


@given(strategies.text(alphabet="<>/ax' =&;ns:", max_size=30))
def test_no_page_breaks_it(text):
    def handle(action, payload):
        try:
            parse(f"<x>{text}</x>")
        except ValueError:
            return items("a")
        return items("a", more=f"<set xmlns='{RSM}'>{text}</set>")

    with suppress(RefusedError):
        ids(Service(handle))
