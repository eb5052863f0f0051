"""The roster that is kept between runs."""

import json

import pytest

from xmppctl.config import rostercache
from xmppctl.errors import LocalError
from xmppctl.model.roster import Contact, Roster

ROSTER = Roster(
    "v1",
    [
        Contact("a@x.test", "Ä", "both", None, False, ["g", "h"], "v1"),
        Contact("b@x.test", None, "none", "subscribe", True, [], "v1"),
    ],
)


@pytest.fixture
def env(tmp_path):
    return {"XMPPCTL_CACHE_DIR": str(tmp_path / "cache")}


def file(env):
    return rostercache._file("alice@x.test", env)


def test_what_is_stored_is_loaded(env):
    assert rostercache.load("alice@x.test", env) is None
    rostercache.store("alice@x.test", ROSTER, env)
    assert rostercache.load("alice@x.test", env) == ROSTER
    assert rostercache.load("bob@x.test", env) is None
    assert file(env).stat().st_mode & 0o777 == 0o600
    assert [path.name for path in file(env).parent.iterdir()] == [file(env).name]
    longest = f"{'a' * 1023}@x.test"
    rostercache.store(longest, ROSTER, env)
    assert rostercache.load(longest, env) == ROSTER


def test_without_version_nothing_is_kept(env):
    rostercache.store("alice@x.test", Roster(None, ROSTER.contacts), env)
    assert not file(env).exists()


@pytest.mark.parametrize(
    "change",
    [
        {"format": 2},
        {"jid": "eve@x.test"},
        {"ver": 1},
        {"ver": ""},
        {"contacts": None},
        {"contacts": [{}]},
        {"contacts": [["a"]]},
    ],
    ids=str,
)
def test_what_is_odd_is_not_there(env, change):
    rostercache.store("alice@x.test", ROSTER, env)
    file(env).write_text(json.dumps(json.loads(file(env).read_text()) | change))
    assert rostercache.load("alice@x.test", env) is None


@pytest.mark.parametrize(
    "change",
    [{"jid": ""}, {"jid": 1}, {"name": 1}, {"subscription": "x"}, {"ask": "x"}, {"groups": [1]}],
    ids=str,
)
def test_an_odd_contact(env, change):
    rostercache.store("alice@x.test", ROSTER, env)
    data = json.loads(file(env).read_text())
    data["contacts"][0] |= change
    file(env).write_text(json.dumps(data))
    assert rostercache.load("alice@x.test", env) is None


def test_nested_too_deep(env):
    rostercache.store("alice@x.test", ROSTER, env)
    file(env).write_text("[" * 100_000)
    assert rostercache.load("alice@x.test", env) is None


def test_where_nothing_can_be_written(env, tmp_path):
    (tmp_path / "cache").write_text("a file")
    with pytest.raises(LocalError):
        rostercache.store("alice@x.test", ROSTER, env)
