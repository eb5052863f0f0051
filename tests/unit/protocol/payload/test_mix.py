"""XEP-0369: messages of channels."""

import pytest

from tests.unit.protocol.payload.common import OWN, read

CHANNEL = "coven@mix.shakespeare.example"
EXAMPLE = (
    "<body>Harpier cries: 'tis time, 'tis time.</body>"
    "<mix xmlns='urn:xmpp:mix:core:1'><nick>thirdwitch</nick>"
    "<jid>hag66@shakespeare.example</jid></mix>"
)


def heard(inside, *, room=CHANNEL, kind="groupchat", **more):
    return read(inside, sender=f"{CHANNEL}/123456", room=room, kind=kind, **more)


@pytest.mark.parametrize("version", ["0", "1"])
def test_in_the_channels_own_archive(version):
    found = heard(EXAMPLE.replace("core:1", f"core:{version}"))
    assert found.muc.nick == "thirdwitch"
    assert found.muc.real_jid == "hag66@shakespeare.example"
    assert found.occupant_id == "123456"
    assert (found.direction, found.extensions) == ("in", [])


def test_own():
    assert heard(EXAMPLE.replace("hag66@shakespeare.example", OWN)).direction == "out"


def test_nobody_vouches():
    notes = []
    found = heard(EXAMPLE, room=None, note=notes.append)
    assert (found.muc.nick, found.muc.real_jid, found.occupant_id) == ("thirdwitch", None, None)
    assert len(notes) == 1


@pytest.mark.parametrize("kind", ["chat", "normal", "headline"])
def test_of_no_channel(kind):
    found = heard(EXAMPLE, kind=kind, room=None)
    assert found.muc is None
    assert found.extensions == ["{urn:xmpp:mix:core:1}mix"]


def test_empty():
    found = heard("<mix xmlns='urn:xmpp:mix:core:1'/>")
    assert (found.muc.nick, found.muc.real_jid) == (None, None)
