"""The STUN and TURN servers that a server names."""

import pytest

from tests.servers.stun import StunServer
from tests.unit.protocol.check.probing import EXTDISCO, FEATURES, INFO, PEP, World
from tests.unit.protocol.serving import error, info
from xmppctl.model.check import CHECKS

NAMES = [each for each in CHECKS if each.startswith(("stun.", "turn."))]


def service(there, kind, more="", transport="udp"):
    return (
        f"<service type='{kind}' host='127.0.0.1' port='{there.port}' transport='{transport}'"
        f" {more}/>"
    )


def secret(there, seconds=600, password=None):
    name, right = there.credentials(seconds)
    return f"username='{name}' password='{password or right}' restricted='true'"


def run(*services, given=None, limit=5.0):
    world = World(timeout=limit, connect_timeout=limit)
    world.answers |= {
        f"{{{INFO}}}query": info(*FEATURES, EXTDISCO, identities=PEP),
        f"{{{EXTDISCO}}}services": f"<services xmlns='{EXTDISCO}'>{''.join(services)}</services>",
    }
    if given is not None:
        world.answers[f"{{{EXTDISCO}}}credentials"] = given
    return world.run("stun", "turn")


def by_check(found):
    return {check: each for (check, _), each in found.items()}


@pytest.fixture
def there():
    with StunServer() as server:
        yield server


def test_none_is_named(there):
    found = run()
    assert found["stun.binding", "fake.test"].status == "ok"
    assert found["stun.binding", "fake.test"].value is False
    assert len(found) == 1


def test_servers_that_work(there):
    found = run(
        service(there, "stun"),
        service(there, "turn", secret(there), "tcp"),
        service(there, "turn", secret(there)),
        service(there, "turn", secret(there)),
        service(there, "ftp"),
    )
    assert {each.status for each in found.values()} == {"ok"}
    place = f"127.0.0.1:{there.port}?transport="
    assert set(found) == {
        ("stun.binding", f"stun:{place}udp"),
        ("stun.binding", f"turn:{place}udp"),
        ("stun.binding", f"turn:{place}tcp"),
        ("turn.credentials", f"turn:{place}udp"),
        ("turn.credentials", f"turn:{place}tcp"),
    }
    bound = found["stun.binding", f"stun:{place}udp"]
    assert (bound.unit, bound.value > 0) == ("ms", True)
    assert "and sees 127.0.0.1:" in bound.detail
    taken = found["turn.credentials", f"turn:{place}udp"]
    assert (taken.unit, 590 < taken.value <= 600) == ("s", True)
    assert taken.detail.startswith("accepted (limited in time), for ")
    assert not there.relays


def test_credentials_that_are_given_when_asked_for(there):
    given = f"<credentials xmlns='{EXTDISCO}'>{service(there, 'turn', secret(there))}</credentials>"
    found = by_check(run(service(there, "turn", "restricted='1'"), given=given))
    assert found["turn.credentials"].status == "ok"


@pytest.mark.parametrize("given", [None, error("item-not-found"), "<x xmlns='y'/>"])
def test_no_credentials(there, given):
    found = by_check(run(service(there, "turn", "restricted='1'"), given=given))
    assert found["turn.credentials"].status == "fail"
    assert "gives no credentials for it" in found["turn.credentials"].detail
    assert found["stun.binding"].status == "ok"


def test_credentials_that_are_refused(there):
    found = by_check(run(service(there, "turn", secret(there, password="wrong"))))
    assert found["turn.credentials"].status == "fail"
    assert "401" in found["turn.credentials"].detail
    assert "secret" in found["turn.credentials"].advice
    assert found["stun.binding"].status == "ok"


def test_credentials_that_ended(there):
    found = by_check(run(service(there, "turn", secret(there, seconds=-600))))
    assert found["turn.credentials"].status == "fail"
    assert "the credentials ended 10 min" in found["turn.credentials"].detail
    assert "clock" in found["turn.credentials"].advice


def test_credentials_without_an_end(there):
    there.behaviour = "open"
    found = by_check(run(service(there, "turn", "username='joe' password='x'")))
    # they were not needed
    assert found["turn.credentials"].status == "fail"
    assert "without credentials" in found["turn.credentials"].detail


def test_nobody_answers(there):
    there.behaviour = "silent"
    found = by_check(run(service(there, "turn", secret(there)), limit=0.5))
    assert found["stun.binding"].status == "fail"
    assert "silent for 0.5 s" in found["stun.binding"].detail
    assert found["turn.credentials"].status == "unknown"


def test_nobody_listens():
    with StunServer() as gone:
        pass
    found = by_check(run(service(gone, "turn", secret(gone))))
    assert found["stun.binding"].status == "fail"
    assert found["turn.credentials"].status == "unknown"


def test_a_turn_server_that_is_deaf_to_binding_requests(there):
    there.behaviour = "deaf"
    found = by_check(run(service(there, "turn", secret(there)), limit=1.0))
    assert {each.status for each in found.values()} == {"ok"}
    found = by_check(run(service(there, "stun"), limit=0.5))
    assert found["stun.binding"].status == "fail"


def test_no_relay_is_left(there):
    there.behaviour = "full"
    found = by_check(run(service(there, "turn", secret(there))))
    assert found["turn.credentials"].status == "warn"
    assert "486" in found["turn.credentials"].detail


@pytest.mark.parametrize(
    "more",
    [
        "type='stun' host='127.0.0.1' transport='sctp'",
        "type='turns' host='127.0.0.1' transport='udp'",
    ],
)
def test_ways_that_are_not_spoken_here(more):
    found = by_check(run(f"<service {more}/>"))
    assert found["stun.binding"].status == "unknown"
    assert len(found) == 1


def test_a_host_that_does_not_exist():
    found = by_check(run("<service type='stun' host='nosuch.invalid' port='99999'/>"))
    assert found["stun.binding"].status == "fail"
    assert found["stun.binding"].target == "stun:nosuch.invalid:3478?transport=udp"


@pytest.mark.parametrize(
    "more",
    [
        "host='' type='stun'",
        "host='a b' type='stun'",
        "host='\u202e' type='turn' username='x' password='y'",
        "host='127.0.0.1' type='turn' port='1' username='99999999999:x' password='y'",
        f"host='127.0.0.1' type='turn' port='1' username='{'x' * 9000}' password='y'",
        f"host='{'x' * 300}' type='stun'",
    ],
)
def test_hostile_words(more):
    assert {each.status for each in run(f"<service {more}/>").values()} <= {"ok", "fail", "unknown"}


def test_only_the_credentials_are_wanted(there):
    there.behaviour = "silent"
    world = World(timeout=0.5, connect_timeout=0.5)
    world.answers |= {
        f"{{{INFO}}}query": info(*FEATURES, EXTDISCO, identities=PEP),
        f"{{{EXTDISCO}}}services": f"<services xmlns='{EXTDISCO}'>"
        f"{service(there, 'turn', secret(there))}</services>",
    }
    assert world.one("turn.credentials").status == "fail"
