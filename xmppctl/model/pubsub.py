"""Nodes of publish-subscribe services and of accounts, and what is in them (XEP-0060)."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, ClassVar

from xmppctl.errors import ErrorInfo
from xmppctl.model.form import Form
from xmppctl.records import dataclass


@dataclass(frozen=True)
class Node:
    """A node of a service or an account."""

    PLAIN: ClassVar[str] = "node"

    service: Annotated[str, "JID of the service or the account"]
    node: Annotated[str, "name of the node"]
    name: Annotated[str | None, "what it is called for people"] = None


@dataclass(frozen=True)
class NodeInfo:
    """What a node tells of itself; for its owner also what its configuration says."""

    PLAIN: ClassVar[str] = "node"
    TABLE: ClassVar[tuple[str, ...]] = (
        "service", "node", "type", "title", "access_model", "publish_model", "payload_type",
        "max_items", "persist_items", "owners",
    )  # fmt: skip

    service: Annotated[str, "JID of the service or the account"]
    node: Annotated[str, "name of the node"]
    type: Annotated[str | None, "leaf, or collection: a node of nodes (XEP-0248)"]
    title: Annotated[str | None, "short name for people"]
    description: Annotated[str | None, "description for people"]
    access_model: Annotated[
        str | None, "who may subscribe and read: open, presence, roster, authorize or whitelist"
    ]
    publish_model: Annotated[str | None, "who may publish: publishers, subscribers or open"]
    payload_type: Annotated[str | None, "namespace of its payloads"]
    max_items: Annotated[str | None, "how many items it keeps: a number, or max"]
    persist_items: Annotated[bool | None, "whether it keeps items"]
    created_at: Annotated[datetime | None, "when it was made"]
    creator: Annotated[str | None, "who made it"]
    owners: Annotated[list[str], "JIDs of its owners"]
    publishers: Annotated[list[str], "JIDs of those that publish"]
    subscribers: Annotated[int | None, "number of its subscribers"]
    features: Annotated[list[str], "features that are announced for it"]
    metadata: Annotated[Form | None, "the form of its meta-data (XEP-0060 §5.4)"]
    configuration: Annotated[Form | None, "its configuration, which owners alone may read"]


@dataclass(frozen=True)
class PubsubItem:
    """An item of a node."""

    PLAIN: ClassVar[str] = "id"
    TABLE: ClassVar[tuple[str, ...]] = ("id", "publisher", "payload_ns", "text", "error")

    id: Annotated[str | None, "id of the item, unique in its node"]
    publisher: Annotated[str | None, "JID of who published it, where the service tells"] = None
    xml: Annotated[str | None, "the payload as XML; null where it has none"] = None
    text: Annotated[str | None, "the text in the payload, without markup"] = None
    payload_ns: Annotated[str | None, "namespace of the payload"] = None
    error: Annotated[ErrorInfo | None, "why it is not there"] = None


@dataclass(frozen=True)
class PubsubItemId:
    """The id of an item."""

    PLAIN: ClassVar[str] = "id"

    id: Annotated[str | None, "id of the item, unique in its node"]


@dataclass(frozen=True)
class Published:
    """An item that was published, or was not."""

    PLAIN: ClassVar[str] = "id"

    service: Annotated[str | None, "JID of the service or the account"]
    node: Annotated[str, "name of the node"]
    id: Annotated[str | None, "id of the item; null where the service does not tell"]
    error: Annotated[ErrorInfo | None, "why it was not published"] = None


@dataclass(frozen=True)
class Retracted:
    """An item that is not in its node any more, or could not be retracted."""

    PLAIN: ClassVar[str] = "id"

    service: Annotated[str, "JID of the service or the account"]
    node: Annotated[str, "name of the node"]
    id: Annotated[str, "id of the item"]
    error: Annotated[ErrorInfo | None, "why it was not retracted"] = None


@dataclass(frozen=True)
class NodeCreation:
    """A node that was made."""

    PLAIN: ClassVar[str] = "node"
    TABLE: ClassVar[tuple[str, ...]] = ("service", "node", "type")

    service: Annotated[str, "JID of the service or the account"]
    node: Annotated[str, "name of the node; the service chose it where none was given"]
    type: Annotated[str, "leaf, or collection: a node of nodes (XEP-0248)"]
    configuration: Annotated[Form | None, "its configuration, where the service tells it"] = None


@dataclass(frozen=True)
class NodePurge:
    """A node that has no items any more."""

    PLAIN: ClassVar[str] = "node"

    service: Annotated[str, "JID of the service or the account"]
    node: Annotated[str, "name of the node"]
    existed: Annotated[bool, "whether there was such a node"] = True


@dataclass(frozen=True)
class NodeDeletion:
    """A node that is not there any more."""

    PLAIN: ClassVar[str] = "node"

    service: Annotated[str, "JID of the service or the account"]
    node: Annotated[str, "name of the node"]
    redirect: Annotated[str | None, "where subscribers are told to go, if the service tells"] = None
    existed: Annotated[bool, "whether there was such a node"] = True
