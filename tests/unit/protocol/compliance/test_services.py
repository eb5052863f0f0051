"""The services of a domain: what they list may be anything, and who is silent holds up nobody."""

import pytest

from tests.unit.protocol.compliance.domain import CONFERENCE, FILES, MUC, ROOMS, Domain
from tests.unit.protocol.serving import INFO, ITEMS, error, form, info
from xmppctl.errors import ConnectError
from xmppctl.protocol.compliance import services
from xmppctl.protocol.compliance.services import Sight

SILENT = {f"silent.fake.test {{{INFO}}}query": None}


def found(domain):
    return domain.run(lambda session: services.find(session, "fake.test"))


def test_the_domain_itself_may_take_files():
    domain = Domain(domain=("urn:xmpp:http:upload:0",), items=())
    assert [each.jid for each in found(domain) if services.is_upload(each)] == ["fake.test"]


def test_who_does_not_answer_is_left_out(monkeypatch):
    monkeypatch.setattr(services, "_GRACE", 0.01)
    domain = Domain(SILENT, items=("silent.fake.test", ROOMS, FILES))
    assert [each.jid for each in found(domain)] == ["fake.test", ROOMS, FILES]


def test_silence_costs_one_timeout_where_something_is_not_found_yet():
    domain = Domain(SILENT, items=("silent.fake.test", ROOMS))
    assert [each.jid for each in found(domain)] == ["fake.test", ROOMS]


def test_what_is_no_jid_is_not_asked():
    listed = ("@", "a b@c", "", ROOMS)
    domain = Domain(items=listed)
    assert [each.jid for each in found(domain)] == ["fake.test", ROOMS]
    assert {iq.get("to") for iq in domain.asked} == {"fake.test", ROOMS}


def test_thousands_are_not_asked():
    domain = Domain(items=tuple(f"s{number}.fake.test" for number in range(3000)))
    found(domain)
    assert len(domain.asked) < 100


def test_a_domain_that_lists_nothing():
    domain = Domain({f"{{{ITEMS}}}query": error("forbidden")})
    assert [each.jid for each in found(domain)] == ["fake.test"]


def test_a_domain_that_cannot_be_reached_is_not_tried_again():
    domain = Domain({f"{{{ITEMS}}}query": error("remote-server-not-found")})
    assert found(domain) == []
    assert len(domain.asked) == 1


def test_the_end_of_the_stream():
    domain = Domain()

    async def cut(session):
        domain.wire.link.connection_lost(None)
        return await services.find(session, "fake.test")

    with pytest.raises(ConnectError):
        domain.run(cut)


# --- what is announced


def read(query, jid="fake.test"):
    from xml.etree.ElementTree import fromstring

    from xmppctl.protocol import disco

    return disco.read_info(fromstring(query), jid, None)


def met(sight, *, own=True):
    return {test: each.met for test, each in services.announced(sight, own=own).items()}


def test_a_domain_that_tells_nothing():
    nothing = met(Sight(None, None, []))
    assert {test for test, value in nothing.items() if value is not None} == {
        "0045", "0363", "0369", "0433", "0410", "0313 of rooms", "0424", "0425",
    }  # fmt: skip
    assert not any(nothing.values())


def test_what_the_domain_announces_for_its_accounts():
    domain = read(info("urn:xmpp:push:0"))
    assert met(Sight(domain, None, []))["0357"] is True
    assert met(Sight(domain, domain, []))["0313"] is False
    assert met(Sight(domain, None, []), own=False)["0313"] is None


def test_what_a_service_with_rooms_announces():
    rooms = read(info(MUC, services.PING, "urn:xmpp:mam:2", identities=CONFERENCE), ROOMS)
    found = met(Sight(None, None, [rooms]))
    assert (found["0045"], found["0410"], found["0313 of rooms"]) == (True, True, True)
    assert (found["0424"], found["0425"]) == (None, None)
    plain = met(Sight(None, None, [read(info(MUC, identities=CONFERENCE), ROOMS)]))
    assert (plain["0045"], plain["0410"], plain["0313 of rooms"]) == (True, None, None)


@pytest.mark.parametrize(
    "query",
    [
        info(MUC),
        info(identities=CONFERENCE),
        info(MUC, identities="<identity category='gateway'/>"),
    ],
)
def test_what_is_no_service_with_rooms(query):
    assert met(Sight(None, None, [read(query)]))["0045"] is False


def test_what_a_domain_tells_of_itself():
    forms = form("http://jabber.org/network/serverinfo", ("abuse-addresses", ["mailto:a@x.test"]))
    forms += form("urn:xmpp:sos:0", ("external-status-addresses", ["https://x.test/s.json"]))
    told = met(Sight(read(info("jabber:iq:register", forms=forms)), None, []))
    assert (told["0077"], told["0157"], told["0455"]) == (True, True, True)
    less = met(Sight(read(info()), None, []))
    assert (less["0077"], less["0157"], less["0455"]) == (False, False, False)
