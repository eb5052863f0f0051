"""OpenPGP keys on this machine: for nobody else, and never lost by a run."""

import json
import threading

import pytest

from xmppctl.config.openpgpkeys import Store
from xmppctl.errors import LocalError
from xmppctl.model.openpgp import KeyRing, KnownKey, SecretKey

JID = "alice@fake.test"


@pytest.fixture
def store(tmp_path):
    return Store(JID, {"XMPPCTL_STATE_DIR": str(tmp_path / "state")})


RING = KeyRing(
    (SecretKey("AA", b"\x00secret"),),
    {"bob@fake.test": {"BB": KnownKey(b"\xffpublic", "2026-01-01T00:00:00Z", "verified")}},
)


def test_kept_for_nobody_else(store):
    assert store.read() == KeyRing()
    assert store.update(lambda ring: RING) == RING
    assert store.read() == RING
    assert store.path.stat().st_mode & 0o777 == 0o600
    assert store.path.parent.stat().st_mode & 0o777 == 0o700


def test_open_to_others(store):
    store.update(lambda ring: RING)
    store.path.chmod(0o644)
    for use in (store.read, lambda: store.update(lambda ring: ring)):
        with pytest.raises(LocalError) as error:
            use()
        assert error.value.condition == "not-private"


@pytest.mark.parametrize(
    "content",
    ["", "[]", "{}", "[" * 9999, '{"format": 2}', '{"format": 1, "jid": "x"}',
     json.dumps({"format": 1, "jid": JID, "secrets": [{"fingerprint": 1, "key": ""}],
                 "contacts": {}}),
     json.dumps({"format": 1, "jid": JID, "secrets": [],
                 "contacts": {"b": {"F": {"key": "AA==", "date": None, "trust": "all"}}}})],
)  # fmt: skip
def test_a_damaged_file_is_told_and_stays(store, content):
    store.update(lambda ring: RING)
    store.path.write_text(content)
    for use in (store.read, lambda: store.update(lambda ring: RING)):
        with pytest.raises(LocalError) as error:
            use()
        assert error.value.condition == "damaged"
    assert store.path.read_text() == content


def test_runs_at_the_same_time_lose_nothing(store):
    def add(number):
        key = {f"F{number}": KnownKey(b"x", None, "blind")}
        store.update(lambda ring: ring.with_keys("bob@fake.test", key))

    threads = [threading.Thread(target=add, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(store.read().of("bob@fake.test")) == 8


def test_own_keys_come_first_when_they_are_new():
    ring = KeyRing((SecretKey("A", b"a"), SecretKey("B", b"b")))
    assert ring.with_secrets({"C": b"c", "B": b"n"}).secrets == (
        ("C", b"c"), ("B", b"n"), ("A", b"a"),
    )  # fmt: skip
    assert ring.without_secret("A").secrets == (("B", b"b"),)
