"""What was enabled here: kept per account, whatever happens to the file."""

import json

import pytest

from xmppctl.config import pushes
from xmppctl.errors import LocalError

JID = "alice@fake.test"
ENTRY = ("push.test", "n")


@pytest.fixture
def env(tmp_path):
    return {"XMPPCTL_STATE_DIR": str(tmp_path / "state")}


def file(tmp_path):
    (found,) = (tmp_path / "state" / "pushes").glob("*.json")
    return found


def test_kept_for_one_account(env, tmp_path):
    assert pushes.load(JID, env) == ()
    pushes.update(JID, lambda old: (*old, ENTRY), env)
    pushes.update(JID, lambda old: (*old, ("push.test", None)), env)
    assert pushes.load(JID, env) == (ENTRY, ("push.test", None))
    assert pushes.load("bob@fake.test", env) == ()
    assert file(tmp_path).stat().st_mode & 0o777 == 0o600
    assert file(tmp_path).parent.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize(
    "content",
    ["", "[]", "{}", "[" * 9999, json.dumps({"format": 1, "jid": JID, "enabled": [["a", 1]]}),
     json.dumps({"format": 2, "jid": JID, "enabled": []}),
     json.dumps({"format": 1, "jid": "x", "enabled": [["a", "b"]]})],
)  # fmt: skip
def test_a_damaged_file_is_as_if_it_were_not_there(env, tmp_path, content):
    pushes.update(JID, lambda old: (ENTRY,), env)
    file(tmp_path).write_text(content)
    assert pushes.load(JID, env) == ()
    pushes.update(JID, lambda old: (*old, ENTRY), env)
    assert pushes.load(JID, env) == (ENTRY,)


def test_a_directory_that_cannot_be_made(tmp_path):
    (tmp_path / "f").write_text("")
    with pytest.raises(LocalError):
        pushes.update(JID, lambda old: (ENTRY,), {"XMPPCTL_STATE_DIR": str(tmp_path / "f")})
