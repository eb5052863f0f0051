"""What servers tell about themselves: the XEPs' examples, and answers that are none."""

from datetime import UTC, datetime

import pytest

from tests.unit.protocol.serving import INFO, ITEMS, Serving, error, form, info, read_info
from xmppctl.errors import DeadlineError, RefusedError, UnsupportedError
from xmppctl.model.jid import parse
from xmppctl.model.server import Contacts, Peer
from xmppctl.protocol import labels
from xmppctl.protocol.server import (
    contacts,
    extdisco,
    limits,
    peers,
    policy,
    sic,
    stats,
)
from xmppctl.protocol.server.asking import number

SERVER = parse("fake.test")
SERVERINFO = "http://jabber.org/network/serverinfo"


def serving(feature, payload):
    """A server that offers the feature, and answers the question about it so."""

    def handle(iq):
        return info(feature) if iq[0].tag == f"{{{INFO}}}query" else payload

    return Serving(handle)


# --- contacts (XEP-0157)


def test_contacts_of_the_example():
    found = contacts.read(
        read_info(
            info(
                forms=form(
                    SERVERINFO,
                    ("abuse-addresses", ["mailto:abuse@shakespeare.lit", "xmpp:abuse@s.lit"]),
                    ("feedback-addresses", ["http://shakespeare.lit/feedback.php"]),
                    ("status-addresses", ["https://status.shakespeare.lit"]),
                )
            )
        )
    )
    assert found == Contacts(
        "shakespeare.lit",
        abuse=["mailto:abuse@shakespeare.lit", "xmpp:abuse@s.lit"],
        feedback=["http://shakespeare.lit/feedback.php"],
        status=["https://status.shakespeare.lit"],
    )


def test_contacts_in_several_forms_and_what_is_no_uri():
    forms = form(SERVERINFO, ("admin-addresses", ["mailto:a@x.test", " ", "ask bob", "a b:c"]))
    forms += form("urn:other", ("admin-addresses", ["mailto:no@x.test"]))
    forms += form(SERVERINFO, ("admin-addresses", ["mailto:a@x.test", "tel:+1-2"]), ("x", ["y"]))
    found = contacts.read(read_info(info(forms=forms)))
    assert found.admin == ["mailto:a@x.test", "tel:+1-2"]
    assert found.invalid == ["ask bob", "a b:c"]


@pytest.mark.parametrize(
    "forms", ["", form("urn:other"), form(SERVERINFO), form(SERVERINFO, ("admin-addresses", []))]
)
def test_who_tells_no_contacts(forms):
    with pytest.raises(UnsupportedError, match="XEP-0157"):
        contacts.read(read_info(info(forms=forms)))


# --- external services (XEP-0215)

SERVICES = """<services xmlns='urn:xmpp:extdisco:2'>
  <service host='stun.shakespeare.lit' port='9998' transport='udp' type='stun'/>
  <service host='relay.shakespeare.lit' password='jj929jkj5sadjfj93v3n' port='9999'
           transport='udp' type='turn' username='nb78932lkjlskjfdb7g8' restricted='true'
           expires='2026-11-28T22:00:00Z'/>
  <service host='192.0.2.1' port='-1' type='turn' name='' expires='soon'/>
  <service host='192.0.2.1'/><service type='turn'/><service host='' type='ftp'/><x xmlns='y'/>
</services>"""


def test_services_of_the_example():
    there = serving(extdisco.NS, SERVICES)
    stun, relay, odd = there.run(lambda s: extdisco.fetch(s, SERVER))
    assert (stun.type, stun.host, stun.port, stun.transport) == (
        "stun", "stun.shakespeare.lit", 9998, "udp",
    )  # fmt: skip
    assert not stun.restricted
    assert stun.password is None
    assert relay.restricted
    assert (relay.username, relay.password) == ("nb78932lkjlskjfdb7g8", "jj929jkj5sadjfj93v3n")
    assert relay.expires == datetime(2026, 11, 28, 22, tzinfo=UTC)
    assert (odd.port, odd.name, odd.expires) == (None, None, None)
    # both questions went out before an answer came
    assert [iq[0].tag for iq in there.asked] == [f"{{{INFO}}}query", f"{{{extdisco.NS}}}services"]
    assert {iq.get("to") for iq in there.asked} == {"fake.test"}


def test_services_of_one_type():
    there = serving(extdisco.NS, SERVICES)
    found = there.run(lambda s: extdisco.fetch(s, SERVER, "stun"))
    assert there.asked[-1][0].get("type") == "stun"
    assert [each.type for each in found] == ["stun"]  # though more were told


def test_a_server_without_the_feature_is_not_believed():
    with pytest.raises(UnsupportedError, match=r"external services \(XEP-0215\)"):
        serving("urn:other", SERVICES).run(lambda s: extdisco.fetch(s, SERVER))


@pytest.mark.parametrize("payload", ["", "<services xmlns='urn:xmpp:extdisco:1'/>"])
def test_services_that_cannot_be_read(payload):
    with pytest.raises(RefusedError) as caught:
        serving(extdisco.NS, payload).run(lambda s: extdisco.fetch(s, SERVER))
    assert (caught.value.condition, caught.value.step) == ("malformed-answer", "services")


def test_services_that_are_refused_or_not_answered():
    with pytest.raises(RefusedError) as caught:
        serving(extdisco.NS, error("forbidden")).run(lambda s: extdisco.fetch(s, SERVER))
    assert caught.value.condition == "forbidden"
    with pytest.raises(DeadlineError):
        serving(extdisco.NS, None).run(lambda s: extdisco.fetch(s, SERVER))
    nowhere = Serving(lambda iq: error("remote-server-not-found"))
    with pytest.raises(RefusedError) as caught:
        nowhere.run(lambda s: extdisco.fetch(s, SERVER))
    assert (caught.value.condition, caught.value.step) == ("remote-server-not-found", "disco#info")


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("turn.example.org", (None, "turn.example.org", None)),
        ("TURN.example.org:3478", (None, "turn.example.org", 3478)),
        ("turn:192.0.2.1", ("turn", "192.0.2.1", None)),
        ("turn:turn.example.org:99", ("turn", "turn.example.org", 99)),
        ("[2001:DB8::1]:99", (None, "2001:db8::1", 99)),
        ("stun:[::1]", ("stun", "::1", None)),
    ],
)
def test_places(text, place):
    assert extdisco.parse_place(text) == place


@pytest.mark.parametrize("text", ["", ":", "a b", "host:0", "host:65536", "x:y:z", "::1", "a@b"])
def test_what_is_no_place(text):
    with pytest.raises(ValueError, match=r"."):
        extdisco.parse_place(text)


def test_credentials():
    told = (
        "<credentials xmlns='urn:xmpp:extdisco:2'><service host='turn.shakespeare.lit' type='turn'"
        " password='jj929jkj5sadjfj93v3n' username='nb78932lkjlskjfdb7g8'/>"
        "<service host='evil.test' type='turn' password='x'/>"
        "<service host='turn.shakespeare.lit' type='stun'/></credentials>"
    )
    there = serving(extdisco.NS, told)
    place = extdisco.parse_place("turn:turn.shakespeare.lit:3478")
    (found,) = there.run(lambda s: extdisco.credentials(s, SERVER, place))
    assert (found.host, found.username) == ("turn.shakespeare.lit", "nb78932lkjlskjfdb7g8")
    service = there.asked[-1][0][0]
    assert service.attrib == {"host": "turn.shakespeare.lit", "type": "turn", "port": "3478"}


def test_credentials_whose_type_is_looked_up():
    def handle(iq):
        if iq[0].tag == f"{{{INFO}}}query":
            return info(extdisco.NS)
        # one server answers with <services/>
        return SERVICES

    there = Serving(handle)
    place = extdisco.parse_place("relay.shakespeare.lit")
    (found,) = there.run(lambda s: extdisco.credentials(s, SERVER, place))
    assert found.password == "jj929jkj5sadjfj93v3n"
    assert there.asked[-1][0][0].get("type") == "turn"


@pytest.mark.parametrize("place", ["nowhere.test", "stun.shakespeare.lit"])
def test_credentials_that_are_not_there(place):
    with pytest.raises(RefusedError) as caught:
        serving(extdisco.NS, SERVICES).run(
            lambda s: extdisco.credentials(s, SERVER, extdisco.parse_place(place))
        )
    assert caught.value.condition == "item-not-found"


# --- labels (XEP-0258)

CATALOGUE = """<catalog xmlns='urn:xmpp:sec-label:catalog:2' to='example.com' name='Default'
  restrict='true'>
  <item selector="Classified|SECRET"><securitylabel xmlns='urn:xmpp:sec-label:0'>
    <displaymarking fgcolor='black' bgcolor='red;x'>SECRET</displaymarking>
    <label><esssecuritylabel xmlns='urn:xmpp:sec-label:ess:0'>MQYCAQQGASk=</esssecuritylabel>
    </label>
  </securitylabel></item>
  <item><bogus xmlns='x'/></item>
  <item selector="UNCLASSIFIED" default="true"/>
</catalog>"""


def test_labels_of_the_example():
    there = serving(labels.NS, CATALOGUE)
    secret, unclassified = there.run(
        lambda s: labels.catalogue(s, SERVER, parse("bob@example.com/phone"))
    )
    assert there.asked[-1][0].get("to") == "bob@example.com"
    assert (secret.selector, secret.display, secret.fg, secret.bg, secret.default) == (
        "Classified|SECRET", "SECRET", "black", None, False,
    )  # fmt: skip
    assert secret.label.startswith("<securitylabel xmlns='urn:xmpp:sec-label:0'>")
    assert "MQYCAQQGASk=" in secret.label
    assert unclassified == labels.CatalogueLabel("UNCLASSIFIED", default=True)


# --- limits (XEP-0478)


def limited(inner):
    return f"<f><limits xmlns='urn:xmpp:stream-limits:0'>{inner}</limits></f>"


def upload_service(iq):
    if iq.get("to") == "upload.fake.test":
        size = form("urn:xmpp:http:upload:0", ("max-file-size", ["5000"]))
        return info("urn:xmpp:http:upload:0", forms=size)
    if iq[0].tag == f"{{{ITEMS}}}query":
        return f"<query xmlns='{ITEMS}'><item jid='upload.fake.test'/></query>"
    return info()


def test_limits_of_the_example():
    told = limited("<max-bytes>10000</max-bytes><idle-seconds>1800</idle-seconds>")
    found = Serving(upload_service, told).run(limits.fetch)
    assert found == limits.Limits("fake.test", 10000, 1800, 5000)


@pytest.mark.parametrize(
    "inner", ["", "<max-bytes>many</max-bytes><idle-seconds>-1</idle-seconds>"]
)
def test_limits_that_are_not_told(inner):
    found = Serving(lambda iq: error("forbidden"), limited(inner)).run(limits.fetch)
    assert found == limits.Limits("fake.test", None, None, None)


def test_a_stream_without_limits():
    with pytest.raises(UnsupportedError, match="XEP-0478"):
        Serving(upload_service).run(limits.fetch)


# --- policy (XEP-0504)


def test_policies_of_the_example():
    main = form(
        policy.MAIN, ("auth_data", ["plain"]), ("data_transmission", ["plain"]),
        ("data_retention", ["0"]), ("data_deletion", ["false"]), ("data_export", ["1"]),
        ("access_policy", ["admins", "government"]), ("{x}y", ["z"]),
    )  # fmt: skip
    scoped = form(
        "urn:xmpp:data-policy:identity:gateway:smtp:0", ("extra_info", ["a relay", "no store"])
    )
    odd = form("urn:xmpp:data-policy:identity:gateway:0")
    own, smtp = policy.read(read_info(info(forms=scoped + main + odd)))
    assert (own.jid, own.scope, own.auth_data, own.data_retention) == (
        "shakespeare.lit", None, "plain", "0",
    )  # fmt: skip
    assert (own.data_deletion, own.data_export, own.full_erasure) == (False, True, False)
    assert own.access_policy == ["admins", "government"]
    assert (own.tos, own.others) == (None, {"{x}y": ["z"]})
    assert (smtp.scope, smtp.extra_info) == ("gateway/smtp", "a relay\nno store")


def test_who_tells_no_policy():
    with pytest.raises(UnsupportedError, match="XEP-0504"):
        Serving(lambda iq: info()).run(lambda s: policy.fetch(s, SERVER))


# --- peers (XEP-0485)

FEDERATION = """<serverinfo xmlns='urn:xmpp:serverinfo:0'><domain name='shakespeare.lit'>
  <federation>
    <remote-domain name='denmark.lit'><connection type='incoming'/><connection type='outgoing'/>
    </remote-domain>
    <remote-domain><connection type='bidi'/><connection type='odd'/><connection/></remote-domain>
  </federation></domain><query xmlns='jabber:iq:version'/></serverinfo>"""
PEERS = [
    Peer("shakespeare.lit", "denmark.lit", ["incoming", "outgoing"]),
    Peer("shakespeare.lit", None, ["bidi"]),
]


def pubsub(payload):
    return (
        "<pubsub xmlns='http://jabber.org/protocol/pubsub'><items node='serverinfo'>"
        f"<item id='current'>{payload}</item></items></pubsub>"
    )


def federated(node, payload=FEDERATION):
    """A server that tells of its peers at ``node``, None: where it is not told."""

    def handle(iq):
        if iq[0].tag == f"{{{ITEMS}}}query":
            return (
                f"<query xmlns='{ITEMS}'><item jid='a@@b'/><item jid='muc.fake.test'/>"
                "<item jid='pubsub.fake.test'/></query>"
            )
        if iq[0].tag != f"{{{INFO}}}query":
            return pubsub(payload)
        if iq.get("to") == "pubsub.fake.test":
            return info(identities="<identity category='pubsub' type='service'/>")
        if iq.get("to") == "muc.fake.test":
            return error("forbidden")
        told = "" if node is None else form(SERVERINFO, ("serverinfo-pubsub-node", [node]))
        return info(peers.NS, forms=told)

    return Serving(handle)


@pytest.mark.parametrize("node", ["xmpp:pubsub.fake.test?;node=server%20info", None])
def test_peers_of_the_example(node):
    there = federated(node)
    assert there.run(lambda s: peers.fetch(s, SERVER)) == PEERS
    last = there.asked[-1]
    assert last.get("to") == "pubsub.fake.test"
    assert last[0][0].get("node") == ("serverinfo" if node is None else "server info")


@pytest.mark.parametrize("node", ["https://x.test/", "xmpp:pubsub.fake.test", "xmpp:a@@b?;node=x"])
def test_peers_whose_place_cannot_be_read(node):
    with pytest.raises(RefusedError) as caught:
        federated(node).run(lambda s: peers.fetch(s, SERVER))
    assert caught.value.condition == "malformed-answer"


def test_peers_of_another_form_and_without_any():
    there = federated("xmpp:pubsub.fake.test?;node=n", "<entry xmlns='x'/>")
    with pytest.raises(RefusedError) as caught:
        there.run(lambda s: peers.fetch(s, SERVER))
    assert caught.value.condition == "malformed-answer"
    there = federated("xmpp:p.fake.test?;node=n", "<serverinfo xmlns='urn:xmpp:serverinfo:0'/>")
    assert there.run(lambda s: peers.fetch(s, SERVER)) == []
    # that the node exists proves nothing (§3)
    with pytest.raises(UnsupportedError, match="XEP-0485"):
        serving("urn:other", pubsub(FEDERATION)).run(lambda s: peers.fetch(s, SERVER))


# --- the own address (XEP-0279)


def address(inner):
    return f"<address xmlns='urn:xmpp:sic:1'>{inner}</address>"


@pytest.mark.parametrize(
    ("inner", "ip", "port"),
    [
        ("<ip>192.168.4.1</ip><port>12345</port>", "192.168.4.1", 12345),
        ("<ip> 2001:DB8::9:1 </ip>", "2001:db8::9:1", None),
        ("<ip>::ffff:192.0.2.1</ip><port>0</port>", "192.0.2.1", None),
    ],
)
def test_the_own_address(inner, ip, port):
    found = serving(sic.NS, address(inner)).run(sic.fetch)
    assert (found.ip, found.port, found.by) == (ip, port, "fake.test")


@pytest.mark.parametrize("inner", ["", "<ip/>", "<ip>localhost</ip>"])
def test_an_address_that_is_none(inner):
    with pytest.raises(RefusedError) as caught:
        serving(sic.NS, address(inner)).run(sic.fetch)
    assert caught.value.condition == "malformed-answer"


# --- statistics (XEP-0039)


def query(*rows):
    return f"<query xmlns='{stats.NS}'>{''.join(rows)}</query>"


def test_statistics_of_the_example():
    def handle(iq):
        if iq[0].tag == f"{{{INFO}}}query":
            return info(stats.NS)
        if not len(iq[0]):
            names = ("time/uptime", "bandwidth/packets-in", "load", "os", "gone", "void", "load")
            return query(*(f"<stat name='{name}'/>" for name in names), "<stat/>")
        return query(
            "<stat name='time/uptime' units='seconds' value='4534'/>",
            "<stat name='bandwidth/packets-in'><error code='503'>Unavailable</error></stat>",
            "<stat name='load' value='0.25'/><stat name='os' units='' value='BeOS 5'/>",
            "<stat name='void'/><stat name='other' value='1'/>",
        )

    there = Serving(handle)
    found = {each.name: each for each in there.run(lambda s: stats.fetch(s, SERVER))}
    assert list(found) == ["time/uptime", "bandwidth/packets-in", "load", "os", "gone", "void"]
    assert (found["time/uptime"].value, found["time/uptime"].units) == (4534, "seconds")
    refused = found["bandwidth/packets-in"].error
    assert (refused.condition, refused.by) == ("service-unavailable", "fake.test")
    assert (found["load"].value, found["os"].value, found["os"].units) == (0.25, "BeOS 5", None)
    assert found["gone"].error.condition == found["void"].error.condition == "malformed-answer"


def test_statistics_by_name_cost_one_flight():
    there = serving(stats.NS, query("<stat name='users/online' units='users' value='365'/>"))
    (found,) = there.run(lambda s: stats.fetch(s, SERVER, ["users/online", "users/online"]))
    assert found.value == 365
    assert len(there.asked) == 2


def test_no_statistics():
    assert serving(stats.NS, query()).run(lambda s: stats.fetch(s, SERVER)) == []


@pytest.mark.parametrize("text", [None, "", "-1", "1.5", "x", "9" * 30, "٣"])
def test_what_is_no_number(text):
    assert number(text) is None
