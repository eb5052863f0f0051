"""What xmppctl claims of the compliance suites for clients (XEP-0479), and what proves it.

Whether a specification is there is read from what the modules declare. Commands and tests that are
named for one that is there, and do not exist themselves, are an error of the build (``check``).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

from tools.gen_reference import prose
from xmppctl.model.xep import Support
from xmppctl.output.doap import RFCS

Answer = Literal["yes", "partly", "no"]

SUITE = "[XEP-0479](https://xmpp.org/extensions/xep-0479.html)"

CATEGORIES = ("Core", "Web", "IM", "Mobile", "A/V")
LEVELS = ("Client", "Advanced Client")
_THERE = {"complete", "partial"}


class Row(NamedTuple):
    """One feature of the suite; ``level``: the first that asks for it.

    ``needs``: numbers of RFCs and XEPs, of which with ``one`` any will do. ``tests``: modules of
    tests/integration, without ``test_`` and ``.py``; a star stands for the rest of the name.
    """

    category: str
    level: str
    feature: str
    needs: tuple[str, ...]
    commands: tuple[str, ...] = ()
    tests: tuple[str, ...] = ()
    one: bool = False


ROWS = (
    Row("Core", "Client", "Core features", ("6120",),
        ("raw", "ping", "account test"), ("connection", "login", "raw")),
    Row("Core", "Client", "TLS", ("7590",), ("account test",), ("tls", "channel_binding")),
    Row("Core", "Client", "Feature discovery", ("0030",), ("disco",), ("disco",)),
    Row("Core", "Client", "Feature broadcasts", ("0115",),
        ("listen", "presence", "entity caps"), ("entity_caps", "presence", "listen")),
    Row("Core", "Advanced Client", "Direct TLS", ("0368",), ("account test",), ("connection",)),
    Row("Core", "Advanced Client", "Event publishing", ("0163",), ("pep",), ("pep",)),
    Row("Web", "Client", "Web Connection Mechanisms", ("7395", "0206"),
        ("account test",), ("websocket", "bosh", "transports"), one=True),
    Row("Web", "Client", "Connection Mechanism Discovery", ("0156",),
        ("server connections",), ("hostmeta", "ways")),
    Row("IM", "Client", "Core features", ("6121",),
        ("roster", "presence", "send", "listen"),
        ("roster", "roster_subscription", "presence", "send")),
    Row("IM", "Client", "The /me Command", ("0245",), ("send", "listen"), ("mentions",)),
    Row("IM", "Client", "vcard-temp", ("0054",), ("vcard",), ("vcard",)),
    Row("IM", "Client", "Outbound Message Synchronization", ("0280",),
        ("listen",), ("listen", "trust")),
    Row("IM", "Client", "Group Chat", ("0045", "0249"),
        ("muc",), ("muc_join", "muc_presence", "muc_people", "muc_rooms", "muc_registration")),
    Row("IM", "Client", "File Upload", ("0363",),
        ("upload", "fetch"), ("upload", "upload_hostile", "fetch")),
    Row("IM", "Advanced Client", "User Avatars", ("0084",), ("avatar",), ("avatar",)),
    Row("IM", "Advanced Client", "User Avatar Compatibility", ("0398", "0153"),
        ("avatar",), ("avatar",)),
    Row("IM", "Advanced Client", "User Blocking", ("0191",), ("block",), ("block",)),
    Row("IM", "Advanced Client", "Advanced Group Chat", ("0048", "0313", "0402", "0410"),
        ("bookmark", "mam query", "muc ping"), ("bookmark", "mam_archives", "muc_presence")),
    Row("IM", "Advanced Client", "Persistent Storage of Private Data via PubSub", ("0223",),
        ("pubsub publish", "bookmark", "unread"), ("pubsub_data", "unread")),
    Row("IM", "Advanced Client", "Private XML Storage", ("0049",), ("private",), ("private",)),
    Row("IM", "Advanced Client", "Stream Management", ("0198",),
        ("send", "listen"), ("send_truth", "send_fate", "listen")),
    Row("IM", "Advanced Client", "Message Acknowledgements", ("0184",),
        ("send", "listen"), ("send_more", "send_delivery")),
    Row("IM", "Advanced Client", "History Storage / Retrieval", ("0313",),
        ("mam",), ("mam", "mam_questions", "mam_export")),
    Row("IM", "Advanced Client", "Chat States", ("0085",), ("send", "listen"), ("send_delivery",)),
    Row("IM", "Advanced Client", "Message Correction", ("0308",),
        ("send", "mam query"), ("references", "mam_collapse")),
    Row("IM", "Advanced Client", "Direct File Transfer", ("0234", "0261"),
        ("file send", "file receive"), ("file_*",)),
    Row("Mobile", "Client", "Stream Management", ("0198",),
        ("send", "listen"), ("send_truth", "send_fate", "listen")),
    Row("Mobile", "Client", "Client State Indication", ("0352",), ("listen",), ("listen",)),
    Row("Mobile", "Advanced Client", "Third Party Push Notifications", ("0357",),
        ("push",), ("push",)),
    Row("A/V", "Client", "Call Setup", ("0167", "0353")),
    Row("A/V", "Client", "Transport", ("0176",)),
    Row("A/V", "Client", "Encryption", ("0320",)),
    Row("A/V", "Client", "STUN/TURN server discovery", ("0215",), ("server services",),
        ("server",)),
    Row("A/V", "Advanced Client", "Quality and Performance improvements",
        ("0293", "0294", "0338", "0339")),
)  # fmt: skip


class Claims:
    """What is claimed, from what is declared."""

    def __init__(self, supported: Sequence[Support]) -> None:
        self._declared: Mapping[str, Support] = {each.xep.number: each for each in supported}

    def lacking(self, row: Row) -> tuple[str, ...]:
        """The numbers that a row needs and that are not there."""
        missing = tuple(number for number in row.needs if not self._there(number))
        return () if row.one and len(missing) < len(row.needs) else missing

    def answer(self, row: Row) -> Answer:
        """Whether what a row asks for is there."""
        if self.lacking(row):
            return "no"
        return "partly" if self.partial(row) else "yes"

    def partial(self, row: Row) -> dict[str, str]:
        """What is left out of what a row needs, by number, as it is declared."""
        found = {
            number: self._declared[number].xep.note
            for number in row.needs
            if self._status(number) == "partial"
        }
        return {} if row.one and len(found) < len(row.needs) else found

    def level(self, category: str, level: str, answer: Answer = "no") -> list[Row]:
        """The rows that keep from a level: its own, those below, and those of the category Core.

        With another ``answer`` those with that one.
        """
        levels = LEVELS[: LEVELS.index(level) + 1]
        needed = (r for r in ROWS if r.category in ("Core", category) and r.level in levels)
        return [row for row in needed if self.answer(row) == answer]

    def _there(self, number: str) -> bool:
        return number in RFCS or self._status(number) in _THERE

    def _status(self, number: str) -> str | None:
        found = self._declared.get(number)
        return None if found is None else found.xep.status


def check(claims: Claims, paths: Collection[str], tests: Path) -> Iterator[str]:
    """What a row that is claimed names and is not there; ``paths`` are all commands and verbs."""
    for row in ROWS:
        if claims.answer(row) == "no":
            continue
        if not row.commands or not row.tests:
            yield f"{row.category}, {row.feature}: nothing proves it"
        for command in row.commands:
            if command not in paths:
                yield f"{row.category}, {row.feature}: no command {command}"
        for name in row.tests:
            if not _files(tests, name):
                yield f"{row.category}, {row.feature}: no test {name}"


def table(claims: Claims, tests: Path) -> str:
    """The levels and the rows for ``docs/xeps.md``."""
    lines = ["| Category | Level | Claimed |", "|---|---|---|"]
    for category in CATEGORIES:
        for level in LEVELS:
            lines.append(f"| {category} | {level} | {_claim(claims, category, level)} |")
    lines += ["", "| Category | Level | Feature | Specified by | There | Commands | Tests |"]
    lines.append("|---|---|---|---|---|---|---|")
    lines += [_row(row, claims, tests) for row in ROWS]
    return "\n".join(lines)


def _claim(claims: Claims, category: str, level: str) -> str:
    missing = [n for row in claims.level(category, level) for n in claims.lacking(row)]
    if missing:
        return f"no; missing: {_names(missing)}"
    partial = [n for row in claims.level(category, level, "partly") for n in claims.partial(row)]
    return f"yes; in part: {_names(partial)}" if partial else "yes"


def _row(row: Row, claims: Claims, tests: Path) -> str:
    needs = (" or " if row.one else ", ").join(map(_link, row.needs))
    commands, proofs = "", ""
    answer: str = claims.answer(row)
    if answer == "partly":
        notes = claims.partial(row).items()
        alone = len(row.needs) == 1
        told = "; ".join(note if alone else f"{_name(number)}: {note}" for number, note in notes)
        answer = f"partly: {prose(told)}"
    if answer != "no":
        commands = ", ".join(f"`{each}`" for each in row.commands)
        names = [each for name in row.tests for each in _files(tests, name)]
        proofs = ", ".join(f"[{each}](../tests/integration/test_{each}.py)" for each in names)
    cells = (row.category, row.level, row.feature, needs, answer, commands, proofs)
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def _files(tests: Path, name: str) -> list[str]:
    found = sorted(tests.glob(f"test_{name}.py"))
    return [path.stem.removeprefix("test_") for path in found]


def _name(number: str) -> str:
    return f"XEP-{number}" if number.startswith("0") else f"RFC {number}"


def _names(numbers: Sequence[str]) -> str:
    return ", ".join(map(_name, dict.fromkeys(numbers)))


def _link(number: str) -> str:
    if number.startswith("0"):
        return f"[{_name(number)}](https://xmpp.org/extensions/xep-{number}.html)"
    return f"[{_name(number)}](https://xmpp.org/rfcs/rfc{number}.html)"
