"""What a message says about an earlier one: correcting it, taking it back, reacting, answering."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from xmppctl.cli.params import JID, NONEMPTY
from xmppctl.cli.texts import check_characters
from xmppctl.commands.send.parts import Part, Values
from xmppctl.errors import UsageError

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

_ALONE = ("retract", "react_to", "unreact")
"""What is said without a text."""
_PURPOSES = (*_ALONE, "replace")
"""Of these a message has one."""
_NEEDS = (("emojis", "react_to"), ("reply_author", "reply_to"), ("quote", "reply_to"))
_FLAGS = {"emojis": "emoji", "bodies": "body-lang"}


def _flag(name: str) -> str:
    return "--" + _FLAGS.get(name, name.replace("_", "-"))


def _given(values: Values, names: tuple[str, ...]) -> list[str]:
    return [name for name in names if values.get(name)]


def _exclude(values: Values, name: str, *others: str) -> None:
    for other in _given(values, others):
        raise UsageError(f"{_flag(name)} and {_flag(other)} exclude each other")


def _check(values: Values) -> None:
    for name, needed in _NEEDS:
        if values.get(name) and not values.get(needed):
            raise UsageError(f"{_flag(name)} needs {_flag(needed)}")
    for name in _given(values, (*_PURPOSES, "reply_to")):
        check_characters("id", values[name])
        _exclude(values, name, "multicast", "stanza", "displayed")
    check_characters("quotation", values["quote"])
    _check_author(values)
    purposes = _given(values, _PURPOSES)
    if not purposes:
        return
    purpose, *more = purposes
    _exclude(values, purpose, *more, "stdin_lines")
    if purpose == "replace":
        if values["replace"] == values.get("identifier"):
            raise UsageError("--id: a correction has an id of its own")
        return
    _check_alone(values, purpose)
    if purpose == "react_to":
        _check_emojis(values["emojis"])


def _check_author(values: Values) -> None:
    author = values["reply_author"]
    room = values.get("muc") or values.get("kind") == "groupchat"
    if author is not None and room and not author.is_full:
        raise UsageError("--reply-author: in a room an author is ROOM/NICK")


def _check_alone(values: Values, purpose: str) -> None:
    _exclude(values, purpose, "reply_to", "bodies", "subject")
    if _text(values) is not None:
        raise UsageError(f"{_flag(purpose)} takes no text")


def _text(values: Values) -> str | None:
    """The text among the arguments."""
    from xmppctl.commands.send.recipients import looks_like_a_jid, text_among

    words = values.get("words")
    if _given(values, _ALONE) and words and looks_like_a_jid(words[-1]):
        return None  # one more recipient: these take no text
    return text_among(values)


def _check_emojis(emojis: tuple[str, ...]) -> None:
    from xmppctl.protocol.payload.reactions import is_emoji

    if not emojis:
        raise UsageError("--react-to needs --emoji", hint="--unreact takes reactions back")
    if len(set(emojis)) < len(emojis):
        raise UsageError("--emoji: each reaction is given once (XEP-0444 §4)")
    for emoji in emojis:
        check_characters("emoji", emoji)
        if not is_emoji(emoji):
            raise UsageError(f"--emoji: {emoji!r} is not one emoji")


def _attach(stanza: Element, values: Values) -> None:
    if values["replace"]:
        from xmppctl.protocol.payload import correction

        correction.attach(stanza, values["replace"])
    if values["retract"]:
        from xmppctl.protocol.payload import retraction

        retraction.attach(stanza, values["retract"])
    if values["react_to"] or values["unreact"]:
        from xmppctl.protocol.payload import reactions

        reactions.attach(stanza, values["react_to"] or values["unreact"], values["emojis"])
    if values["reply_to"]:
        _attach_reply(stanza, values)


def _attach_reply(stanza: Element, values: Values) -> None:
    from xmppctl.protocol.payload import reply

    author = values["reply_author"]
    if author is None and stanza.get("type") != "groupchat":
        author = stanza.get("to")
    reply.attach(stanza, values["reply_to"], None if author is None else str(author))
    if values["quote"] is not None:
        reply.quote(stanza, values["quote"])


PARTS = (Part(
    heading="References",
    options=(
        click.option("--replace", type=NONEMPTY, metavar="ID",
                     help="The text corrects the own message that was sent with this id "
                     "(XEP-0308); always the id of the first version."),
        click.option("--retract", type=NONEMPTY, metavar="ID",
                     help="Take the own message with this id back (XEP-0424). In a room: the id "
                     "that the room gave it. Nobody can be forced to forget it."),
        click.option("--react-to", type=NONEMPTY, metavar="ID",
                     help="React with --emoji to the message with this id (XEP-0444). In a room: "
                     "the id that the room gave it."),
        click.option("--emoji", "emojis", type=NONEMPTY, multiple=True, metavar="E",
                     help="With --react-to: the reaction; repeat for several, which replace all "
                     "earlier ones."),
        click.option("--unreact", type=NONEMPTY, metavar="ID",
                     help="Take all own reactions to that message back."),
        click.option("--reply-to", type=NONEMPTY, metavar="ID",
                     help="The text answers the message with this id (XEP-0461). In a room: the "
                     "id that the room gave it."),
        click.option("--reply-author", type=JID, metavar="JID",
                     help="With --reply-to: who wrote that message; the recipient by default. In "
                     "a room: ROOM/NICK."),
        click.option("--quote", type=NONEMPTY, metavar="TEXT",
                     help="With --reply-to: text of that message, put before the own one for "
                     "clients that do not show what is answered."),
    ),
    check=_check,
    attach=_attach,
    speaks=lambda values: bool(_given(values, _ALONE)),
    mute=lambda values: bool(_given(values, _ALONE)),
),)  # fmt: skip
