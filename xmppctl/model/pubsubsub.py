"""Who gets to know what happens at a node, who may do what there, and what happened (XEP-0060)."""

from __future__ import annotations

from dataclasses import field
from datetime import datetime
from typing import Annotated, ClassVar, Literal

from xmppctl.errors import ErrorInfo
from xmppctl.model.form import Form
from xmppctl.model.pubsub import PubsubItem
from xmppctl.records import dataclass

State = Literal["none", "pending", "unconfigured", "subscribed"]
Affiliation = Literal["owner", "publisher", "publish-only", "member", "outcast", "none"]
Kind = Literal["items", "purge", "delete", "configuration", "subscription"]


@dataclass(frozen=True)
class NodeSubscription:
    """A subscription to a node."""

    PLAIN: ClassVar[str] = "node"
    TABLE: ClassVar[tuple[str, ...]] = ("service", "node", "jid", "state", "subid", "error")

    service: Annotated[str, "JID of the service or the account that has the node"]
    node: Annotated[str | None, "name of the node; null where the service could not be asked"]
    jid: Annotated[str | None, "JID that is subscribed, bare or full"] = None
    state: Annotated[
        State | None,
        "subscribed; pending: an owner has to approve it; unconfigured: options have to be set "
        "first; none",
    ] = None
    subid: Annotated[str | None, "id of the subscription, where the service gives one"] = None
    expiry: Annotated[datetime | None, "when it ends, where the service tells"] = None
    error: Annotated[ErrorInfo | None, "why it failed, null where it did not"] = None


@dataclass(frozen=True)
class NodeSubscriber(NodeSubscription):
    """A subscription to a node, told by who has it."""

    PLAIN: ClassVar[str] = "jid"


@dataclass(frozen=True)
class NodeAffiliation:
    """What somebody may do at a node (XEP-0060 §4.1)."""

    PLAIN: ClassVar[str] = "node"

    service: Annotated[str, "JID of the service or the account that has the node"]
    node: Annotated[str | None, "name of the node; null where the service could not be asked"]
    jid: Annotated[str | None, "bare JID that has the affiliation"] = None
    affiliation: Annotated[
        Affiliation | None, "owner, publisher, publish-only, member, outcast or none"
    ] = None
    error: Annotated[ErrorInfo | None, "why it failed, null where it did not"] = None


@dataclass(frozen=True)
class NodeAffiliate(NodeAffiliation):
    """What somebody may do at a node, told by who it is."""

    PLAIN: ClassVar[str] = "jid"


@dataclass(frozen=True)
class NodeEvent:
    """Something that happened at a node."""

    PLAIN: ClassVar[str] = "node"
    TABLE: ClassVar[tuple[str, ...]] = (
        "timestamp", "service", "node", "type", "items", "retracted",
    )  # fmt: skip

    service: Annotated[str, "JID of the service or the account that has the node"]
    node: Annotated[str, "name of the node"]
    type: Annotated[
        Kind,
        "items (published or retracted), purge (none is left), delete (the node is gone), "
        "configuration, or subscription",
    ]
    items: Annotated[list[PubsubItem], "items that were published"] = field(default_factory=list)
    retracted: Annotated[list[str], "ids of items that were taken back"] = field(
        default_factory=list
    )
    redirect: Annotated[str | None, "where to go instead of a deleted node"] = None
    form: Annotated[Form | None, "the new configuration, where it is told"] = None
    jid: Annotated[str | None, "JID whose subscription changed"] = None
    state: Annotated[State | None, "what that subscription is now"] = None
    subid: Annotated[str | None, "id of that subscription"] = None
    shim: Annotated[
        dict[str, str], "headers (XEP-0131), such as Collection or SubID; a line for each value"
    ] = field(default_factory=dict)
    timestamp: Annotated[datetime | None, "when it was sent, as told, or else when it came"] = None
    delayed: Annotated[bool, "it was sent earlier: what was there before"] = False
    raw_xml: Annotated[str | None, "the message as XML; only with --raw-xml"] = None


@dataclass(frozen=True)
class PepNode:
    """A node of an account (XEP-0163)."""

    PLAIN: ClassVar[str] = "node"

    jid: Annotated[str, "JID of the account"]
    node: Annotated[str, "name of the node"]
    name: Annotated[str | None, "what it is called for people"] = None
