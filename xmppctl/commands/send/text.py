"""Texts of a message: what XMPP cannot carry is refused before anything is sent."""

from __future__ import annotations

import re

from xmppctl.cli.texts import check_characters
from xmppctl.errors import ErrorInfo, UsageError

_LANGUAGE = re.compile(r"[A-Za-z]{1,8}(-[A-Za-z0-9]{1,8})*")
"""The form of RFC 5646 §2.1, whatever is registered."""


def check_language(tag: str, option: str) -> None:
    """Raise UsageError for what is no language tag."""
    if not _LANGUAGE.fullmatch(tag):
        raise UsageError(f"--{option}: {tag!r} is no language tag, such as de or pt-BR")


def checked_body(body: str) -> str:
    """``body``; raises UsageError where it is empty or cannot be carried."""
    if not body:
        raise UsageError("the message is empty: nothing was sent")
    check_characters("text", body)
    return body


def refusal(text: str) -> ErrorInfo | None:
    """Why a line cannot be sent, None where it can."""
    try:
        check_characters("text", text)
    except UsageError as error:
        return error.info()
    return None
