"""``docs/xeps.md``: what is implemented of which XEP."""

from __future__ import annotations

from collections.abc import Sequence

from tools import plugins
from tools.gen_reference import NOTICE, prose
from xmppctl.model.xep import Support
from xmppctl.output.doap import RFCS

_TEXT = """\
What xmppctl implements, in the versions named here; `xmppctl doap` prints the same for programs.
`complete` and `partial` are meant for a client: what the XEP asks of servers does not count.\
"""

_PLUGINS = """\
What chat libraries have as plugins: which commands serve it, and the tests against real servers
that prove it.\
"""


def table(supported: Sequence[Support], titles: dict[str, str]) -> str:
    """The text of ``docs/xeps.md``; ``titles`` has the title of each number."""
    rfcs = [f"[RFC {number}](https://xmpp.org/rfcs/rfc{number}.html)" for number in RFCS]
    lines = ["# XEPs", "", NOTICE, "", _TEXT, "", f"RFCs: {', '.join(rfcs)}.", ""]
    lines += ["| XEP | Title | Version | Status | Note | Module |", "|---|---|---|---|---|---|"]
    lines += [_row(each, titles) for each in supported]
    lines += ["", "## Plugins", "", _PLUGINS, "", plugins.table()]
    return "\n".join([*lines, ""])


def _row(support: Support, titles: dict[str, str]) -> str:
    xep = support.xep
    cells = (
        f"[XEP-{xep.number}](https://xmpp.org/extensions/xep-{xep.number}.html)",
        titles.get(xep.number, ""),
        xep.version,
        xep.status,
        prose(xep.note),
        ", ".join(f"`{module.removeprefix('xmppctl.')}`" for module in support.modules),
    )
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"
