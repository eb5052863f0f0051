"""Nodes that a server reads itself take nothing that it cannot read."""

from xml.etree.ElementTree import Element

import pytest

from xmppctl.errors import UsageError
from xmppctl.protocol import pep

STORAGE = Element("{storage:bookmarks}storage")
CONFERENCE = Element("{urn:xmpp:bookmarks:1}conference")


@pytest.mark.parametrize(
    ("node", "payload"),
    [("storage:bookmarks", STORAGE), ("urn:xmpp:bookmarks:1", CONFERENCE), ("u:n", CONFERENCE)],
)
def test_what_belongs_there(node: str, payload: Element) -> None:
    request = pep.publication(node, pep.holder("a", payload), None)
    assert next(request.iter(payload.tag)) is payload
    assert pep.publication(node, pep.holder("a", None), None) is not None


@pytest.mark.parametrize(
    ("node", "payload"), [("storage:bookmarks", CONFERENCE), ("urn:xmpp:bookmarks:1", STORAGE)]
)
def test_what_does_not(node: str, payload: Element) -> None:
    with pytest.raises(UsageError, match="lock the account out"):
        pep.publication(node, pep.holder("a", payload), None)
