"""The checks with an account: what is well, what is not, and who names it."""

import asyncio

import pytest

from tests.unit.protocol.check.probing import (
    FEATURES,
    FORM,
    INFO,
    ITEMS,
    OWNER,
    PEP,
    PUBSUB,
    World,
    access,
    clock,
    items,
)
from tests.unit.protocol.serving import Serving, error, info
from xmppctl.errors import DeadlineError
from xmppctl.model.check import CHECKS
from xmppctl.protocol.check import account as checks
from xmppctl.protocol.check import services
from xmppctl.protocol.check.context import Context, Limits

ME = "alice@fake.test"


@pytest.fixture
def world():
    return World()


def bad(found):
    return {key: each.status for key, each in found.items() if each.status != "ok"}


# --- all is well


def test_a_healthy_server(world):
    found = world.run()
    assert bad(found) == {}
    told = {check for check, _ in found}
    named = list(CHECKS)
    with_account = set(named[named.index("login.time") :])
    # what is not there has one finding for all of it
    assert with_account - told == {
        "upload.put", "upload.get", "upload.cors", "turn.credentials", "s2s.ping",
    }  # fmt: skip
    at = {check: each for (check, target), each in found.items() if target in (ME, "fake.test")}
    assert at["server.version"].value == "Fake 1.2"
    assert at["server.version"].detail == "Fake 1.2 on GNU"
    assert (at["server.uptime"].value, at["server.uptime"].unit) == (3600, "s")
    assert abs(at["server.clock"].value) < 3
    assert at["server.contacts"].value == "mailto:abuse@fake.test"
    assert (at["roster.get"].value, at["mam.archive"].value) == (1, 7)
    assert (at["blocking.list"].value, at["carbons.enable"].value) == (0, True)
    assert (at["push.offered"].value, at["pep.publish"].value) == (True, True)
    assert (at["component.disco"].value, at["upload.slot"].value) == (0, False)
    assert (at["stun.binding"].status, at["stun.binding"].value) == ("ok", False)
    assert all(each.detail for each in found.values())


def test_only_what_is_wanted_is_asked(world):
    assert list(world.run("server.version")) == [("server.version", "fake.test")]
    assert set(world.asked) == {"{urn:xmpp:ping}ping", "{jabber:iq:version}query"}


def test_the_phases_of_the_login(world):
    found = world.run("login")
    assert [target for _, target in found] == [
        ME, *(f"{ME} {phase}" for phase in ("dns", "tcp", "tls", "auth", "bind")),
    ]  # fmt: skip
    assert {each.unit for each in found.values()} == {"ms"}


def test_the_phases_add_up():
    findings = []
    context = Context("fake.test", World().account, Limits(warn_time=0.2, crit_time=0.5),
                      {"login.time"}, findings.append)  # fmt: skip

    async def login(session):
        session.trace.milliseconds.update(
            {"start": 900.0, "dns": 1.0, "tcp": 2.0, "starttls": 3.0, "tls": 4.0, "stream": 5.0,
             "auth": 300.0, "bind": 7.0, "session": 900.0, "unknown": 900.0}
        )  # fmt: skip
        await checks.login(context, session)

    Serving(lambda iq: None).run(login)
    assert [(each.value, each.status) for each in findings] == [
        (322.0, "warn"), (1.0, "ok"), (2.0, "ok"), (7.0, "ok"), (305.0, "warn"), (7.0, "ok"),
    ]  # fmt: skip
    assert "most of it for auth" in findings[0].detail


# --- what is not offered


@pytest.mark.parametrize(
    ("check", "feature", "status"),
    [
        ("mam.archive", "urn:xmpp:mam:2", "warn"),
        ("carbons.enable", "urn:xmpp:carbons:2", "warn"),
        ("blocking.list", "urn:xmpp:blocking", "warn"),
        ("push.offered", "urn:xmpp:push:0", "ok"),
    ],
)
def test_what_is_not_announced(world, check, feature, status):
    features = [each for each in FEATURES if each != feature]
    world.answers[f"{{{INFO}}}query"] = info(*features, identities=PEP)
    found = world.one(check)
    assert (found.status, found.value) == (status, False)
    assert "does not offer" in found.detail
    assert bool(found.advice) == (status == "warn")


@pytest.mark.parametrize(
    ("check", "tag", "status"),
    [
        ("server.version", "{jabber:iq:version}query", "ok"),
        ("server.uptime", "{jabber:iq:last}query", "ok"),
        ("server.clock", "{urn:xmpp:time}time", "unknown"),
    ],
)
@pytest.mark.parametrize("condition", ["service-unavailable", "forbidden", "not-allowed"])
def test_what_is_kept_private(world, check, tag, status, condition):
    world.answers[tag] = error(condition)
    found = world.one(check)
    assert (found.status, found.value) == (status, None)


def test_no_nodes_and_no_contact_list(world):
    world.answers[f"{{{INFO}}}query"] = info()
    world.answers["{jabber:iq:roster}query"] = error("service-unavailable")
    found = world.run("pep", "roster")
    assert set(bad(found).values()) == {"warn"}
    assert len(found) == 2


# --- what is offered, and fails


@pytest.mark.parametrize(
    ("check", "tag"),
    [
        ("mam.archive", "{urn:xmpp:mam:2}query"),
        ("carbons.enable", "{urn:xmpp:carbons:2}enable"),
        ("blocking.list", "{urn:xmpp:blocking}blocklist"),
        ("pep.publish", f"{{{PUBSUB}}}publish"),
    ],
)
def test_what_is_announced_and_not_there(world, check, tag):
    world.answers[tag] = error("service-unavailable")
    found = world.one(check)
    assert found.status == "fail"
    assert found.detail.startswith("announced, but: ")


@pytest.mark.parametrize(
    ("check", "tag"),
    [
        ("roster.get", "{jabber:iq:roster}query"),
        ("mam.archive", "{urn:xmpp:mam:2}query"),
        ("carbons.enable", "{urn:xmpp:carbons:2}enable"),
        ("blocking.list", "{urn:xmpp:blocking}blocklist"),
        ("pep.publish", f"{{{PUBSUB}}}publish"),
        ("server.version", "{jabber:iq:version}query"),
        ("component.disco", f"{{{ITEMS}}}query"),
    ],
)
@pytest.mark.parametrize("answer", [error("internal-server-error", "wait"), None])
def test_errors_and_silence(world, check, tag, answer):
    world.answers[tag] = answer
    found = world.one(check)
    assert (found.status, found.value) == ("fail", None)
    assert ("internal-server-error" if answer else "no answer from") in found.detail
    assert found.advice


@pytest.mark.parametrize(
    ("check", "tag"),
    [
        ("roster.get", "{jabber:iq:roster}query"),
        ("mam.archive", "{urn:xmpp:mam:2}query"),
        ("blocking.list", "{urn:xmpp:blocking}blocklist"),
        ("server.version", "{jabber:iq:version}query"),
        ("server.uptime", "{jabber:iq:last}query"),
        ("server.clock", "{urn:xmpp:time}time"),
        ("server.contacts", f"{{{INFO}}}query"),
        ("component.disco", f"{{{ITEMS}}}query"),
        ("push.offered", f"{{{INFO}}}query"),
    ],
)
@pytest.mark.parametrize("payload", ["", "<x xmlns='y'/>"])
def test_answers_that_are_none(world, check, tag, payload):
    world.answers[tag] = payload
    assert world.one(check).status == "fail"


def test_a_silent_server_is_named_once(world):
    for key in world.answers:
        world.answers[key] = None
    found = world.run()
    assert {key for key, each in found.items() if each.status == "fail"} == {
        ("server.ping", "fake.test")
    }
    assert {each.status for (check, _), each in found.items() if check != "login.time"} == {
        "fail", "unknown",
    }  # fmt: skip
    assert found["roster.get", ME].detail == "not tested: fake.test does not answer"


def test_an_error_is_an_answer_to_a_ping(world):
    world.answers["{urn:xmpp:ping}ping"] = error("feature-not-implemented")
    assert world.one("server.ping").status == "ok"


def test_slowness(world):
    found = world.one("server.ping", limits=Limits(warn_time=0.0, crit_time=9.0))
    assert (found.status, found.unit) == ("warn", "ms")
    world.findings.clear()
    assert world.one("server.ping", limits=Limits(crit_time=0.0)).status == "fail"


# --- the clock, contacts


@pytest.mark.parametrize(
    ("seconds", "status", "words"),
    [
        (0, "ok", "right to the second"),
        (30, "ok", "ahead of the clock here"),
        (90, "warn", "1 min"),
        (-90, "warn", "behind the clock here"),
        (600, "fail", "min"),
        (-604800, "fail", "7 d behind"),
    ],
)
def test_the_clock(world, seconds, status, words):
    world.answers["{urn:xmpp:time}time"] = clock(seconds)
    found = world.one("server.clock")
    assert (found.status, found.unit) == (status, "s")
    assert abs(found.value - seconds) < 3
    assert words in found.detail
    assert bool(found.advice) == (status != "ok")


def test_spans():
    assert [services.span(each) for each in (0, 59.6, 3600, 3725, 90061, 31536000)] == [
        "0 s", "1 min", "1 h", "1 h 2 min", "1 d 1 h", "365 d",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ("", "contact addresses (XEP-0157)"),
        ("<field var='admin-addresses'><value>mailto:a@x.test</value></field>", "no contact for"),
        ("<field var='abuse-addresses'><value>ask bob</value></field>", "no URI: ask bob"),
    ],
)
def test_no_contact_for_abuse(world, fields, words):
    form = (
        f"<x xmlns='{FORM}' type='result'><field var='FORM_TYPE'>"
        f"<value>http://jabber.org/network/serverinfo</value></field>{fields}</x>"
    )
    world.answers[f"{{{INFO}}}query"] = info(forms=form)
    found = world.one("server.contacts")
    assert found.status == "warn"
    assert words in found.detail
    assert found.advice


# --- services


def test_components(world):
    world.answers[f"{{{ITEMS}}}query"] = items(
        "good.fake.test", "shy.fake.test", "dead.fake.test", "silent.fake.test", "fake.test",
        "far.test", "a b@c d", "good.fake.test", "room@rooms.test", "carol@fake.test",
    )  # fmt: skip
    ask = f"{{{INFO}}}query"
    world.answers |= {
        ("good.fake.test", ask): info(identities="<identity category='gateway' type='irc'/>"),
        ("shy.fake.test", ask): error("forbidden", "auth"),
        ("dead.fake.test", ask): error("service-unavailable", "wait"),
        ("silent.fake.test", ask): None,
        ("far.test", ask): error("remote-server-not-found"),
        ("room@rooms.test", ask): error("item-not-found"),
        ("carol@fake.test", ask): error("service-unavailable"),
    }
    found = world.run("component")
    assert {target: each.status for (_, target), each in found.items()} == {
        "fake.test": "ok",
        "good.fake.test": "ok",
        "shy.fake.test": "ok",
        "dead.fake.test": "fail",
        "silent.fake.test": "fail",
        "far.test": "fail",
        "a b@c d": "fail",
        "room@rooms.test": "fail",
        "carol@fake.test": "unknown",
    }
    assert found["component.disco", "good.fake.test"].detail.endswith(": gateway/irc")
    assert found["component.disco", "fake.test"].value == 8
    # what is no JID is not sent to anybody
    assert world.asked.count(ask) == 7


def test_a_list_without_end(world):
    world.answers[f"{{{ITEMS}}}query"] = items(*(f"c{n}.fake.test" for n in range(300)))
    found = world.run("component")
    assert found["component.disco", "fake.test"].status == "unknown"
    assert "more than 200" in found["component.disco", "fake.test"].detail
    assert len(found) == 201


def test_a_silent_component_hides_no_upload_service(world):
    world.answers[f"{{{ITEMS}}}query"] = items("silent.fake.test")
    world.answers["silent.fake.test", f"{{{INFO}}}query"] = None
    found = world.run("upload")
    assert found["upload.slot", "fake.test"].status == "unknown"
    assert "among those that answer" in found["upload.slot", "fake.test"].detail


def test_servers_elsewhere(world):
    ping = "{urn:xmpp:ping}ping"
    world.answers |= {
        ("good.test", ping): error("service-unavailable"),
        ("gone.test", ping): error("remote-server-not-found"),
        ("silent.test", ping): None,
    }
    found = world.run("s2s", peers=("good.test", "gone.test", "silent.test", "good.test"))
    assert {target: each.status for (_, target), each in found.items()} == {
        "good.test": "ok", "gone.test": "fail", "silent.test": "fail",
    }  # fmt: skip
    gone = found["s2s.ping", "gone.test"]
    assert "remote-server-not-found" in gone.detail
    assert gone.advice


def test_a_domain_that_is_not_the_accounts(world):
    far = info("urn:xmpp:mam:2", forms="")
    world.answers[f"{{{INFO}}}query"] = far
    found = world.run(domain="far.test", peers=("far.test",))
    assert {check for check, _ in found} == {
        "server.version", "server.uptime", "server.clock", "server.contacts", "component.disco",
        "s2s.ping",
    }  # fmt: skip
    assert {target for _, target in found} == {"far.test"}


def test_what_a_domain_elsewhere_keeps_to_itself(world):
    world.answers[f"{{{INFO}}}query"] = error("forbidden")
    world.answers[f"{{{ITEMS}}}query"] = error("service-unavailable")
    found = world.run(domain="far.test")
    assert bad(found) == {("server.contacts", "far.test"): "warn"}


def test_a_component_of_a_domain_elsewhere_that_has_no_records(world):
    world.answers[f"{{{ITEMS}}}query"] = items("pubsub.far.test")
    world.answers["pubsub.far.test", f"{{{INFO}}}query"] = error("remote-server-not-found")
    found = world.run("component", domain="far.test")
    assert bad(found) == {("component.disco", "pubsub.far.test"): "warn"}


def test_a_domain_that_is_not_ascii(world):
    to = "b\u00fccher.test"
    world.answers[to, "{jabber:iq:version}query"] = (
        "<query xmlns='jabber:iq:version'><name>Far</name></query>"
    )
    assert world.one("server.version", domain="xn--bcher-kva.test").value == "Far"


def test_a_domain_elsewhere_that_cannot_be_reached(world):
    for key in world.answers:
        world.answers[key] = error("remote-server-not-found")
    found = world.run(domain="far.test", peers=("far.test",))
    assert {key for key, each in found.items() if each.status == "fail"} == {
        ("s2s.ping", "far.test")
    }
    assert {each.status for each in found.values()} == {"fail", "unknown"}


# --- nodes


def test_a_node_that_is_open_to_others(world):
    world.answers[f"{{{OWNER}}}configure"] = access("open")
    found = world.one("pep.publish")
    assert (found.status, found.value) == ("fail", False)
    assert "became open" in found.detail
    assert world.asked[-1] == f"{{{OWNER}}}delete"


def test_a_node_whose_configuration_is_not_told(world):
    world.answers[f"{{{OWNER}}}configure"] = error("feature-not-implemented")
    found = world.one("pep.publish")
    assert (found.status, found.value) == ("unknown", None)
    world.findings.clear()
    world.answers[f"{{{OWNER}}}configure"] = "<x xmlns='y'/>"
    assert world.one("pep.publish").status == "fail"


@pytest.mark.parametrize("back", [f"<pubsub xmlns='{PUBSUB}'><items node='n'/></pubsub>", ""])
def test_an_item_that_does_not_come_back(world, back):
    world.answers[f"{{{PUBSUB}}}items"] = back
    assert "does not come back" in world.one("pep.publish").detail


def test_a_server_without_publish_options(world):
    features = [each for each in FEATURES if "options" not in each]
    world.answers[f"{{{INFO}}}query"] = info(*features, identities=PEP)
    world.answers[f"{{{PUBSUB}}}create"] = ""
    found = world.one("pep.publish")
    assert (found.status, found.value) == ("warn", True)
    assert [each.rpartition("}")[2] for each in world.asked][-5:] == [
        "create", "publish", "configure", "items", "delete",
    ]  # fmt: skip


def test_the_deletion_goes_out_with_the_rest(world):
    """Whatever becomes of the run: here nobody answers."""
    world.answers[f"{{{PUBSUB}}}publish"] = None
    assert world.one("pep.publish").status == "fail"
    assert world.asked[-1] == f"{{{OWNER}}}delete"


def test_a_deletion_that_came_too_early_is_done_again(world):
    answers = [error("item-not-found"), ""]
    world.answers[f"{{{OWNER}}}delete"] = lambda iq: answers.pop(0)
    assert world.one("pep.publish").status == "ok"
    assert not answers


# --- the end


def test_an_anonymous_account_has_no_name_of_its_own():
    world = World(anonymous=True)
    assert [target for _, target in world.run("roster")] == ["fake.test"]


def test_a_stream_that_ends(world):
    """Nothing is left out, and nothing is well."""
    world.answers["{jabber:iq:roster}query"] = None
    findings = []
    context = Context("fake.test", world.account, Limits(), {"roster.get"}, findings.append)
    serving = Serving(lambda iq: None)

    async def run(session):
        task = asyncio.ensure_future(checks.probe(context, session))
        await asyncio.sleep(0.05)
        serving.wire.link.connection_lost(None)
        await task

    serving.run(run)
    assert [(each.check, each.status) for each in findings] == [("roster.get", "fail")]


def test_a_run_that_is_ended(world):
    serving = Serving(lambda iq: None)
    context = Context("fake.test", world.account, Limits(), set(CHECKS), lambda each: None)

    async def run(session):
        task = asyncio.ensure_future(checks.probe(context, session))
        await asyncio.sleep(0.05)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return [each for each in asyncio.all_tasks() if "probe" in repr(each)]

    assert serving.run(run) == []


def test_a_login_that_does_not_hold(world, monkeypatch):
    findings = []
    context = Context("fake.test", world.account, Limits(), {"login.time"}, findings.append)

    async def run(session):
        async def settled():
            raise DeadlineError("silent", step="bind")

        monkeypatch.setattr(session, "settled", settled)
        with pytest.raises(DeadlineError):
            await checks.probe(context, session)

    Serving(lambda iq: None).run(run)
    assert [(each.target, each.status) for each in findings] == [(ME, "fail")]


def test_a_check_that_finds_nothing_says_so(world):
    assert world.one("upload.cors").value is False
    world.findings.clear()
    assert world.one("turn.credentials").value is False


def test_a_bug_is_raised(world, monkeypatch):
    async def broken(facts):
        raise KeyError("bug")

    monkeypatch.setitem(services.CHECKS, "server.version", broken)
    with pytest.raises(KeyError):
        world.run("server.version")
