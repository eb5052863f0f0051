"""XEP-0441: Message Archive Management Preferences."""

from __future__ import annotations

from typing import get_args
from xml.etree.ElementTree import Element, SubElement

from xmppctl.errors import RefusedError
from xmppctl.model.jid import lenient
from xmppctl.model.mam import ArchivePrefs, Default
from xmppctl.protocol import Xep
from xmppctl.records import dataclass
from xmppctl.session.stream import Session

XEPS = (Xep("0441", "0.2.0", "complete"),)

_NS = "urn:xmpp:mam:2"
_PREFS = f"{{{_NS}}}prefs"
_STEP = "mam prefs"


@dataclass(frozen=True)
class Change:
    """What is to be different; None leaves as it is. ``always`` and ``never`` replace the lists.

    A JID that is added to one list is taken from the other: it can be in one only.
    """

    default: Default | None = None
    always: tuple[str, ...] | None = None
    never: tuple[str, ...] | None = None
    add_always: tuple[str, ...] = ()
    add_never: tuple[str, ...] = ()
    remove_always: tuple[str, ...] = ()
    remove_never: tuple[str, ...] = ()
    if_exists: bool = False

    def apply(self, old: ArchivePrefs) -> ArchivePrefs:
        """The preferences after the change.

        Raises RefusedError (item-not-found) for a JID that is to go and is not there, unless
        ``if_exists``.
        """
        always = list(old.always if self.always is None else self.always)
        never = list(old.never if self.never is None else self.never)
        for jid, rules, name in (
            *((jid, always, "always") for jid in self.remove_always),
            *((jid, never, "never") for jid in self.remove_never),
        ):
            if jid not in rules and self.if_exists:
                continue
            if jid not in rules:
                raise RefusedError(
                    f"{jid} is not in the list {name}", step=_STEP, condition="item-not-found"
                )
            rules.remove(jid)
        for jid in (*(self.always or ()), *self.add_always):
            _move(jid, never, always)
        for jid in (*(self.never or ()), *self.add_never):
            _move(jid, always, never)
        return ArchivePrefs(self.default or old.default, always, never)


def _move(jid: str, source: list[str], target: list[str]) -> None:
    if jid in source:
        source.remove(jid)
    if jid not in target:
        target.append(jid)


async def fetch(session: Session) -> ArchivePrefs:
    """The preferences (§2.1). Raises RefusedError, UnsupportedError, DeadlineError."""
    answer = await _ask(session, Element(_PREFS), "get")
    return _read(answer, session)


async def change(session: Session, what: Change) -> tuple[ArchivePrefs, bool]:
    """Change them, and what the server made of it; True where that is what was asked for.

    A set replaces everything (§2.1), so they are read first, and both lists are always sent.
    Raises RefusedError, UnsupportedError, DeadlineError.
    """
    wanted = what.apply(await fetch(session))
    prefs = Element(_PREFS, {"default": wanted.default})
    for name, jids in (("always", wanted.always), ("never", wanted.never)):
        rules = SubElement(prefs, f"{{{_NS}}}{name}")
        for jid in jids:
            SubElement(rules, f"{{{_NS}}}jid").text = jid
    answer = await _ask(session, prefs, "set")
    found = _read(answer, session) if answer is not None else await fetch(session)
    same = (found.default, set(found.always), set(found.never)) == (
        wanted.default,
        set(wanted.always),
        set(wanted.never),
    )
    return found, same


async def _ask(session: Session, payload: Element, kind: str) -> Element | None:
    return await session.request(
        payload,
        type=kind,
        step=_STEP,
        what="the preferences of the archive",
        feature="preferences of the archive (XEP-0441)",
    )


def _read(answer: Element | None, session: Session) -> ArchivePrefs:
    default = answer.get("default") if answer is not None and answer.tag == _PREFS else None
    if answer is None or default not in get_args(Default):
        raise RefusedError(
            "the preferences of the archive: the answer holds none",
            step=_STEP,
            condition="malformed-answer",
            by=session.bare,
        )
    # sorted: one server keeps no order
    return ArchivePrefs(
        default=default,  # type: ignore[arg-type]
        always=_jids(answer, "always"),
        never=_jids(answer, "never"),
    )


def _jids(prefs: Element, name: str) -> list[str]:
    found = prefs.findall(f"{{{_NS}}}{name}/{{{_NS}}}jid")
    return sorted({str(lenient(jid.text.strip())) for jid in found if jid.text})
