"""Messages that say something about the chat (XEP-0085) or about another message, and no more.

What became of another message is told by XEP-0184 and XEP-0333, or in the way of ngx-chat.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

import click

from xmppctl.cli.command import HEADINGS
from xmppctl.cli.params import NONEMPTY
from xmppctl.cli.texts import check_characters
from xmppctl.commands.send.parts import Part, Values
from xmppctl.errors import UsageError

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

_ENVELOPE = frozenset(
    {"kind", "thread", "parent", "lang", "identifier", "dry_run"}
    | {"wait", "wait_timeout", "wait_reply", "matching"}
)
"""Options that choose neither recipients nor content of a message."""

_ALL = frozenset(HEADINGS) - {"Target"}


def has_text(values: Values) -> bool:
    """Whether the message will have a text. Raises UsageError where that is ambiguous."""
    if values.get("stdin_lines") or values.get("stanza") is not None or values.get("bodies"):
        return True
    from xmppctl.commands.send.recipients import text_among

    return text_among(values) is not None


def content(headings: Collection[str], *but: str) -> list[str]:
    """The options under these ``headings`` that were given and put something into the message.

    Those with the names ``but`` do not count.
    """
    context = click.get_current_context()
    return [
        param.opts[0]
        for param in context.command.params
        if getattr(param, "heading", None) in headings
        and param.name not in _ENVELOPE
        and param.name not in but
        and _is_given(context, param)
    ]


def _is_given(context: click.Context, param: click.Parameter) -> bool:
    source = context.get_parameter_source(param.name or "")
    return source is not None and source.name == "COMMANDLINE"


def _check_alone(values: Values, option: str, what: str, *but: str) -> None:
    """Raise UsageError where something stands beside it; ``but`` are its own options."""
    if has_text(values):
        raise UsageError(f"{what} has no text")
    for other in content(_ALL, *but):
        raise UsageError(f"{what} stands alone: {option} and {other} exclude each other")
    if values.get("multicast"):
        raise UsageError(f"--multicast and {option} exclude each other")
    if values.get("wait") in ("received", "displayed"):
        raise UsageError(f"{what} is confirmed by nobody: --wait {values['wait']} is for others")


# --- the chat


def _check_chat(values: Values) -> None:
    state = values["chat_state"]
    if state is None:
        return
    if values.get("stanza") is not None:
        raise UsageError("--chat-state and --stanza exclude each other")
    if values.get("kind") not in (None, "chat", "groupchat"):
        raise UsageError("--chat-state is for messages of type chat and groupchat (XEP-0085 §5.4)")
    if state == "gone" and (values.get("muc") or values.get("kind") == "groupchat"):
        raise UsageError("--chat-state gone is not for rooms: leaving one says it (XEP-0085 §5.5)")
    if state != "active" and has_text(values):
        raise UsageError("with a text the chat state can only be active (XEP-0085 §5.6)")
    if _is_notification(values):
        _check_alone(values, "--chat-state", f"the chat state {state}", "chat_state")


def _is_notification(values: Values) -> bool:
    """Whether the message is the state alone."""
    return values["chat_state"] != "active" or not (has_text(values) or content(_ALL, "chat_state"))


def _attach_chat(stanza: Element, values: Values) -> None:
    if values["chat_state"] is None:
        return
    from xmppctl.protocol.payload import chatstates

    chatstates.attach(stanza, values["chat_state"])
    if _is_notification(values):
        chatstates.stand_alone(stanza)


# --- another message


def _check_state(values: Values) -> None:
    state = values["state"]
    if state is None:
        for name in ("state_of", "ngx"):
            if values[name]:
                raise UsageError(f"--{name.replace('_', '-')} needs --state")
        return
    if values["state_of"] is None and values["identifier"] is None:
        raise UsageError("--state needs --state-of, the id of the message that it is about")
    check_characters("id", values["state_of"])
    if values.get("muc") or values.get("kind") == "groupchat":
        raise UsageError("--state is told to one person; in rooms there is --displayed")
    if values["ngx"] and values.get("kind") not in (None, "chat"):
        raise UsageError("--ngx is for messages of type chat")
    _check_alone(values, "--state", f"word that a message was {state}", "state", "state_of", "ngx")


def _attach_state(stanza: Element, values: Values) -> None:
    if values["state"] is None:
        return
    from xmppctl.protocol.payload import messagestate
    from xmppctl.session import Session

    about = values["state_of"]
    if about is None:  # then --id names the message that it is about, not this one
        about = values["identifier"]
        stanza.set("id", Session.new_id())
    messagestate.attach(stanza, values["state"], about, ngx=values["ngx"])


PARTS = (
    Part(
        heading="State",
        options=(
            click.option("--chat-state", "chat_state",
                         type=click.Choice(["active", "composing", "paused", "inactive", "gone"]),
                         help="Say what the sender is doing in the chat (XEP-0085); needs no text, "
                         "and has one only with active."),
        ),
        check=_check_chat,
        attach=_attach_chat,
        speaks=lambda values: values["chat_state"] is not None,
    ),
    Part(
        heading="State",
        options=(
            click.option("--state", type=click.Choice(["received", "seen"]),
                         help="Say that another message was received (XEP-0184) or seen "
                         "(XEP-0333); has no text."),
            click.option("--state-of", type=NONEMPTY, metavar="ID",
                         help="With --state: id of that message; --id names it too."),
            click.option("--ngx", is_flag=True, help="With --state: in the way of ngx-chat."),
        ),
        check=_check_state,
        attach=_attach_state,
        speaks=lambda values: values["state"] is not None,
    ),
)  # fmt: skip
