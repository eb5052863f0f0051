"""``xmppctl pubsub``: what is refused before anything is connected."""

import click
import pytest

from xmppctl.cli.params import BARE_JID, JID
from xmppctl.commands.pubsub.subscriptions import ChangeType, _check
from xmppctl.errors import UsageError
from xmppctl.model.jid import parse
from xmppctl.model.pubsubsub import Affiliation, State

AFF = ChangeType(BARE_JID, Affiliation, "JID=AFF")
STATE = ChangeType(JID, State, "JID=STATE")


def test_changes():
    assert AFF.convert("bob@example.org=publish-only", None, None) == (
        parse("bob@example.org"),
        "publish-only",
    )
    # the resource of a JID may contain the sign
    assert STATE.convert("bob@example.org/a=b=none", None, None) == (
        parse("bob@example.org/a=b"),
        "none",
    )


@pytest.mark.parametrize(
    "text", ["", "bob@example.org", "bob@example.org=", "bob@example.org=king", "=owner",
             "bob@example.org/x=owner", "@x=owner"],
)  # fmt: skip
def test_no_changes(text):
    with pytest.raises(click.BadParameter):
        AFF.convert(text, None, None)


def given(*changes, owner=False, if_exists=False):
    return {"changes": changes, "owner": owner, "if_exists": if_exists}


BOB = parse("bob@example.org")


@pytest.mark.parametrize(
    ("service", "node", "options"),
    [
        (None, None, given(owner=True)),
        (None, None, given((BOB, "none"))),
        (None, None, given(if_exists=True)),
    ],
)
def test_what_does_not_go_together(service, node, options):
    with pytest.raises(UsageError):
        _check(service, node, options)


def test_what_goes_together():
    from xmppctl.commands.pubsub._service import Service

    own = Service(None)
    assert _check(own, "n", given((BOB, "none"), if_exists=True)) == (None, "n")
    assert _check(None, None, given()) == (None, "")
    with pytest.raises(UsageError):
        _check(own, None, given(owner=True))
    with pytest.raises(UsageError):
        _check(own, "n", given((BOB, "owner"), if_exists=True))
    with pytest.raises(UsageError):
        _check(own, "n", given((BOB, "owner"), (BOB, "none")))
