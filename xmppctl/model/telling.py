"""What a message says, in words for people: its text, or what it does instead of having one."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from xmppctl.model.jid import lenient

if TYPE_CHECKING:
    from xmppctl.model.message import Message

_ME = "/me "
_REPLY = "urn:xmpp:reply:0"


class Told(NamedTuple):
    """``text`` as the sender wrote it, if there is one, behind what is said ``before`` it.

    ``styled``: the text may have directives of XEP-0393.
    """

    before: str
    text: str = ""
    styled: bool = False

    @property
    def whole(self) -> str:
        """Both."""
        return self.before + self.text


def tell(message: Message, *, spoilers: bool = False, subject: bool = True) -> Told:
    """``spoilers``: also what gives something away; ``subject``: with it, in brackets."""
    marks = []
    if message.security_label is not None and message.security_label.display:
        marks.append(f"[{message.security_label.display}]")
    encryption = message.encryption
    if encryption is not None and encryption.state == "decrypted" and encryption.valid is False:
        marks.append("[unsigned]")
    if subject and message.subject is not None:
        marks.append(f"[{message.subject}]")
    instead = _instead_of_text(message, spoilers=spoilers)
    if instead is not None:
        if instead or not marks:
            marks.append(f"({instead or 'no text'})")
        return Told(" ".join(marks))
    before = "".join(f"{mark} " for mark in marks)
    body = message.body or ""
    if message.me:
        return Told(f"{before}* {_name(message)} ", body[len(_ME) :], not message.unstyled)
    return Told(before, _without_quotation(message, body), not message.unstyled)


def _instead_of_text(message: Message, *, spoilers: bool) -> str | None:
    """What is said where the text is not to be shown, or is none; None where it is."""
    if message.retracted is not None:
        reason = f": {message.retracted.reason}" if message.retracted.reason else ""
        return f"{message.retracted}{reason}"
    if message.encryption is not None and message.encryption.state != "decrypted":
        reason = f", {message.encryption.reason}" if message.encryption.reason else ""
        return f"encrypted: {message.encryption.name or message.encryption.ns}{reason}"
    # their texts are only for clients that do not know them
    if message.moderated is not None:
        reason = f": {message.moderated.reason}" if message.moderated.reason else ""
        return f"a moderator took back {message.moderated.id}{reason}"
    if message.retract is not None:
        return f"takes back {message.retract.id}"
    if message.reactions is not None:
        emojis = " ".join(message.reactions.emojis)
        done = f"reacts with {emojis} to" if emojis else "reacts no more to"
        return f"{done} {message.reactions.id}"
    if message.body is not None:
        if message.spoiler is not None and not spoilers:
            return f"spoiler: {message.spoiler.hint}" if message.spoiler.hint else "spoiler"
        return None
    return _without_body(message)


def _without_body(message: Message) -> str:
    item = getattr(message, "item", None)
    found: list[tuple[str, object]] = [
        ("", item),
        ("", message.receipt),
        ("", message.marker),
        ("", message.message_state),
        ("", message.chat_state),
        ("invited to ", message.invite.room if message.invite is not None else None),
        ("asks for attention", "" if message.attention else None),
        ("forwards: ", message.forwarded[0] if message.forwarded else None),
        ("", message.files[0] if message.files else None),
        ("", message.oob[0] if message.oob else None),
        ("", message.json[0] if message.json else None),
        ("", message.pubsub),
        ("confirm ", message.http_confirm),
        ("captcha ", message.captcha),
        ("", message.jingle),
        ("form: ", message.form),
        ("suggests: ", ", ".join(map(str, message.contacts)) or None),
    ]
    return next((f"{words}{value}" for words, value in found if value is not None), "")


def _without_quotation(message: Message, body: str) -> str:
    """The text of a reply without what it quotes for clients that know no replies (XEP-0461)."""
    if message.reply is None:
        return body
    for each in message.fallback:
        if each.for_ == _REPLY and each.part == "body":
            start, end = each.start or 0, len(body) if each.end is None else each.end
            rest = body[:start] + body[end:]
            return rest or body
    return body


def _name(message: Message) -> str:
    """Who does what ``/me`` says."""
    if message.muc is not None and message.muc.nick:
        return message.muc.nick
    sender = lenient(message.from_ or "")
    return message.nick or sender.local or str(sender)
