"""XEP-0048, XEP-0402: nodes that a server reads itself, and what alone belongs into them.

Something else there is an error in Prosody 0.12 whenever the account logs in: it never can again.
"""

from __future__ import annotations

from xml.etree.ElementTree import Element

from xmppctl.errors import UsageError
from xmppctl.session.xml import split

_PAYLOADS = {
    "storage:bookmarks": "{storage:bookmarks}storage",
    "urn:xmpp:bookmarks:1": "{urn:xmpp:bookmarks:1}conference",
}


def check(node: str, payload: Element) -> None:
    """Raise UsageError for an element that has no place in a node for bookmarks."""
    wanted = _PAYLOADS.get(node)
    if wanted is not None and payload.tag != wanted:
        namespace, name = split(wanted)
        raise UsageError(
            f"the node {node} is for <{name} xmlns='{namespace}'/> alone: "
            "anything else there can lock the account out",
            step="input",
        )
