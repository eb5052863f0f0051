"""How a message is to be handled: stored, copied, kept, noticed; and headers of it.

XEP-0334 (hints), XEP-0280 (no copies), XEP-0131 (headers), XEP-0466 (expiry), XEP-0224 (attention).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from xmppctl import cli
from xmppctl.cli.params import DURATION, JID, NONEMPTY
from xmppctl.cli.texts import check_characters
from xmppctl.commands.send.parts import Part, Values
from xmppctl.commands.send.parts.states import content, has_text
from xmppctl.errors import UsageError

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

    from xmppctl.model.jid import Jid
    from xmppctl.session import Session


# --- hints and copies


def _check_hints(values: Values) -> None:
    hints = values["hints"]
    if "store" in hints and "no-store" in hints:
        raise UsageError("--hint store and --hint no-store exclude each other")
    if "no-copy" in hints:
        _check_addresses(values)


def _check_addresses(values: Values) -> None:
    """Raise UsageError where the hint no-copy could go to somebody else than a client."""
    rule = "--hint no-copy is for full JIDs alone (XEP-0334 §4.3)"
    if _is_for_room(values) or values.get("multicast") or values.get("to_file") is not None:
        raise UsageError(rule)
    words = click.get_current_context().params.get("words")
    if words is None:  # an occupant of a room
        return
    from xmppctl.commands.send.recipients import split

    may_have_text = not values["stdin_lines"] and values["stanza"] is None
    jids, _ = split(list(words), has_text=may_have_text, alone=False)
    if not jids or not all(JID.convert(jid, None, None).is_full for jid in jids):
        raise UsageError(rule, hint="--no-copy adds it where it may be")


def _attach_hints(stanza: Element, values: Values) -> None:
    if not values["hints"]:
        return
    from xmppctl.protocol.payload import hints

    for hint in values["hints"]:
        hints.attach(stanza, hint)


def _check_copies(values: Values) -> None:
    if values["no_copy"] and _is_for_room(values):
        raise UsageError("messages to a room are never copied: --no-copy is for others")


def _attach_copies(stanza: Element, values: Values) -> None:
    if values["no_copy"]:
        from xmppctl.protocol.payload import private

        private.attach(stanza, hint=not values.get("multicast"))


def _is_for_room(values: Values) -> bool:
    return bool(values.get("muc")) or values.get("kind") == "groupchat"


# --- headers

_VALUES = {
    "Distribute": "true|false",
    "Store": "true|false",
    "TTL": "[0-9]{1,10}",
    "Urgency": "high|medium|low",
}
"""Headers that XEP-0131 §5 gives values to."""

_SENSITIVE = frozenset({"Classification", "Distribute", "Store"})
"""Who uses one of them has to know whether it is understood (XEP-0131 §7)."""


def _headers(values: Values) -> list[tuple[str, str]]:
    found = []
    for given in values["headers"]:
        name, equals, value = given.partition("=")
        if not equals or not name:
            raise UsageError(f"--header: {given!r} is not NAME=VALUE, such as Urgency=high")
        found.append((name, value))
    return found


def _check_headers(values: Values) -> None:
    for name, value in _headers(values):
        check_characters("header", name, value)
        allowed = _VALUES.get(name)
        if allowed is not None and re.fullmatch(allowed, value, re.ASCII) is None:
            wanted = "a number of seconds" if name == "TTL" else allowed.replace("|", " or ")
            raise UsageError(f"--header: {name} is {wanted}, not {value!r}")


def _attach_headers(stanza: Element, values: Values) -> None:
    if values["headers"]:
        from xmppctl.protocol.payload import headers

        headers.attach(stanza, _headers(values))


def _sensitive(values: Values) -> list[str]:
    return [name for name, _ in _headers(values) if name in _SENSITIVE]


def _asks_headers(values: Values) -> str | None:
    return next((f"--header {name}" for name in _sensitive(values)), None)


async def _prepare_headers(session: Session, values: Values, recipients: Sequence[Jid]) -> Values:
    from xmppctl.protocol.payload import headers

    names = _sensitive(values)
    app = click.get_current_context().ensure_object(cli.App)
    for jid in await headers.not_understood(session, names, recipients):
        app.warn(f"{jid} does not say that it understands the header {' and '.join(names)}")
    return {}


# --- expiry

_LONGEST = (1 << 32) - 1


def _check_expiry(values: Values) -> None:
    seconds = values["expire_in"]
    if seconds is None:
        return
    if not 1 <= seconds <= _LONGEST or seconds != int(seconds):
        raise UsageError("--expire-in: whole seconds are needed, one or more")
    if "no-store" in values["hints"] and not has_text(values):
        raise UsageError(
            "--expire-in without a text and --hint no-store exclude each other: clients that are "
            "not there have to see it too (XEP-0466 §3.4)"
        )


def _attach_expiry(stanza: Element, values: Values) -> None:
    if values["expire_in"] is not None:
        from xmppctl.protocol.payload import ephemeral

        ephemeral.attach(stanza, int(values["expire_in"]))


# --- attention

_SHOWN = frozenset({"Content", "Files", "References"})
"""Headings of the options whose payloads are worth keeping."""


def _check_attention(values: Values) -> None:
    if values["attention"] and (_is_for_room(values) or values.get("kind") == "normal"):
        raise UsageError("--attention is for messages of type chat or headline, to one person")


def _attach_attention(stanza: Element, values: Values) -> None:
    if not values["attention"]:
        return
    from xmppctl.protocol.payload import attention

    attention.attach(stanza)
    if values.get("kind") is None and not has_text(values) and not content(_SHOWN):
        # it is for now, and nothing is lost where nobody is there (XEP-0224 §3)
        stanza.set("type", "headline")


PARTS = (
    Part(
        heading="State",
        options=(
            click.option("--attention", is_flag=True,
                         help="Ask for the recipient's attention (XEP-0224); needs no text, and is "
                         "then by default of type headline, which is not stored."),
        ),
        check=_check_attention,
        attach=_attach_attention,
        speaks=lambda values: bool(values["attention"]),
    ),
    Part(
        heading="Content",
        options=(
            click.option("--header", "headers", type=NONEMPTY, multiple=True, metavar="NAME=VALUE",
                         help="A header of the message (XEP-0131), such as Urgency=high; repeat "
                         "for several."),
        ),
        check=_check_headers,
        attach=_attach_headers,
        asks=_asks_headers,
        prepare=_prepare_headers,
    ),
    Part(
        heading="Delivery",
        options=(
            click.option("--hint", "hints", multiple=True,
                         type=click.Choice(["no-store", "no-permanent-store", "no-copy", "store"]),
                         help="How servers should store and copy it (XEP-0334), no more than a "
                         "wish; no-copy only for full JIDs; repeat for several."),
        ),
        check=_check_hints,
        attach=_attach_hints,
    ),
    Part(
        heading="Delivery",
        options=(
            click.option("--no-copy", is_flag=True,
                         help="No copies for the other clients of sender and recipient "
                         "(XEP-0280)."),
        ),
        check=_check_copies,
        attach=_attach_copies,
    ),
    Part(
        heading="Delivery",
        options=(
            click.option("--expire-in", type=DURATION, metavar="D",
                         help="Wish that it is deleted so long after it was read (XEP-0466); "
                         "without a text: for the messages to come."),
        ),
        check=_check_expiry,
        attach=_attach_expiry,
        speaks=lambda values: values["expire_in"] is not None,
    ),
)  # fmt: skip
