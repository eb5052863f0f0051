"""XEP-0060: Publish-Subscribe: the words that its operations share."""

from __future__ import annotations

from typing import NamedTuple
from xml.etree.ElementTree import Element

NS = "http://jabber.org/protocol/pubsub"
NS_OWNER = f"{NS}#owner"
NS_ERRORS = f"{NS}#errors"
PUBSUB = f"{{{NS}}}pubsub"
OWNER = f"{{{NS_OWNER}}}pubsub"
STEP = "pubsub"
FEATURE = "publish-subscribe (XEP-0060)"


class Item(NamedTuple):
    """An item of a node; ``id`` None leaves it to the service to choose one."""

    id: str | None
    payload: Element
    publisher: str | None = None
