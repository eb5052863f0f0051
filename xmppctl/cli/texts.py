"""Text that goes into a stanza: what XMPP cannot carry is refused before anything is sent."""

from __future__ import annotations

from xmppctl.errors import UsageError


def check_characters(what: str, *texts: str | None) -> None:
    """Raise UsageError for a character that XML does not have (XML 1.0 §2.2).

    ``what`` the ``texts`` are stands in its message; those that are None were not given.
    """
    from xmppctl.session.xml import illegal_character

    for text in texts:
        bad = None if text is None else illegal_character(text)
        if bad is not None:
            raise UsageError(
                f"the {what} contains the control character U+{ord(bad):04X}, which XMPP cannot"
                " carry: nothing was sent",
                hint="remove it, for example with: tr -d '\\000-\\010\\013-\\037'",
            )
