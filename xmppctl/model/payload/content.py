"""What a message contains beside its body, and how that body is meant."""

from __future__ import annotations

from dataclasses import field
from datetime import datetime
from typing import Annotated, Any, ClassVar

from xmppctl.model.form import Form
from xmppctl.records import dataclass


@dataclass(frozen=True)
class Encryption:
    """How the message is encrypted (XEP-0380), and what became of it.

    Its text is what was decrypted only where the state is "decrypted".
    """

    SPARSE: ClassVar[bool] = True

    ns: Annotated[str, "namespace of the method"]
    name: Annotated[str | None, "name of the method"] = None
    state: Annotated[
        str,
        "decrypted, undecryptable, rejected (decrypted, but not by who it says or not for whom it "
        "says) or unsupported",
    ] = "unsupported"
    reason: Annotated[str | None, "why it was not decrypted, or rejected"] = None
    mode: Annotated[str | None, "OpenPGP: signcrypt, sign or crypt"] = None
    device: Annotated[int | None, "device of the sender"] = None
    fingerprint: Annotated[str | None, "of the key of that device"] = None
    trust: Annotated[str | None, "how far that key is trusted, such as blind or verified"] = None
    trusted: Annotated[bool | None, "whether that device or signer is trusted"] = None
    signer: Annotated[str | None, "OpenPGP: fingerprint of the key that it is signed with"] = None
    valid: Annotated[
        bool | None, "OpenPGP: whether it is signed by a key that the sender announces"
    ] = None
    time: Annotated[datetime | None, "when it was encrypted or signed, as the sender says"] = None

    def __str__(self) -> str:
        """For a table."""
        return f"{self.name or self.ns} ({self.state})"


@dataclass(frozen=True)
class Spoiler:
    """The text gives something away (XEP-0382)."""

    SPARSE: ClassVar[bool] = True

    hint: Annotated[str | None, "what it is about"] = None

    def __str__(self) -> str:
        """For a table."""
        return self.hint or "spoiler"


@dataclass(frozen=True)
class SecurityLabel:
    """How the message is classified (XEP-0258)."""

    SPARSE: ClassVar[bool] = True

    display: Annotated[str | None, "the marking to be shown"] = None
    fgcolor: Annotated[str | None, "its colour"] = None
    bgcolor: Annotated[str | None, "colour behind it"] = None
    label: Annotated[str | None, "the label itself as XML, which is not interpreted"] = None

    def __str__(self) -> str:
        """For a table."""
        return self.display or "labelled"


@dataclass(frozen=True)
class JsonPayload:
    """Data for a program (XEP-0335, XEP-0432).

    ``value`` counts where ``text`` is null; it may be null itself, or empty.
    """

    datatype: Annotated[str | None, "URI of its kind (XEP-0432)"] = None
    value: Annotated[Any, "the value"] = None
    text: Annotated[str | None, "what stood there, where that is no JSON"] = None

    def __str__(self) -> str:
        """For a table."""
        return self.datatype or "JSON"


@dataclass(frozen=True)
class Markup:
    """A range of the body with a meaning of its own (XEP-0394)."""

    SPARSE: ClassVar[bool] = True

    kind: Annotated[str, "span, bcode, bquote, list or li"]
    start: Annotated[int, "first code point of the body"]
    end: Annotated[int | None, "behind the last one"] = None
    styles: Annotated[list[str], "of a span: emphasis, code, deleted, ..."] = field(
        default_factory=list
    )
    language: Annotated[str | None, "of code: its language"] = None
    ordered: Annotated[bool | None, "of a list: its entries are numbered"] = None

    def __str__(self) -> str:
        """For a table."""
        return self.kind


@dataclass(frozen=True)
class Captcha:
    """A challenge that somebody has to meet (XEP-0158)."""

    SPARSE: ClassVar[bool] = True

    challenge: Annotated[str | None, "id of the challenge"] = None
    from_: Annotated[str | None, "JID of the challenger, as the form says"] = None
    sid: Annotated[str | None, "id of the stanza that was challenged"] = None
    form: Annotated[Form | None, "the questions"] = None
    url: Annotated[str | None, "page on the web that asks the same"] = None

    def __str__(self) -> str:
        """For a table."""
        return self.challenge or "captcha"


@dataclass(frozen=True)
class HttpConfirm:
    """The question whether a request on the web is one's own (XEP-0070)."""

    id: Annotated[str, "transaction id, as the web page shows it"]
    method: Annotated[str, "method of the request"]
    url: Annotated[str, "URL of the request"]

    def __str__(self) -> str:
        """For a table."""
        return f"{self.method} {self.url} ({self.id})"


@dataclass(frozen=True)
class EventItem:
    """An item of a node, as a notification has it (XEP-0060 §7.1.2)."""

    SPARSE: ClassVar[bool] = True

    id: Annotated[str | None, "id of the item"] = None
    publisher: Annotated[str | None, "JID of who published it, where the node tells"] = None
    payload: Annotated[str | None, "the payload as XML"] = None

    def __str__(self) -> str:
        """For a table."""
        return self.id or "item"


@dataclass(frozen=True)
class PubsubEvent:
    """What happened at a node (XEP-0060 §12.9)."""

    SPARSE: ClassVar[bool] = True

    node: Annotated[str, "the node"]
    service: Annotated[str | None, "JID of who keeps it: the sender of the notification"] = None
    type: Annotated[str, "items, purge, delete, configuration or subscription"] = "items"
    items: Annotated[list[EventItem], "items that were published"] = field(default_factory=list)
    retracted: Annotated[list[str], "ids of items that were taken back"] = field(
        default_factory=list
    )
    redirect: Annotated[str | None, "where to go instead of a deleted node"] = None
    form: Annotated[Form | None, "the new configuration, where it is told"] = None
    subscription: Annotated[
        str | None, "what a subscription is now: none, pending, subscribed or unconfigured"
    ] = None
    jid: Annotated[str | None, "JID that has the subscription"] = None
    subid: Annotated[str | None, "id of the subscription"] = None

    def __str__(self) -> str:
        """For a table."""
        return f"{self.type} {self.node}"
