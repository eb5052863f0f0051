"""``docs/xeps.md``: what is implemented of which XEP."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tools import compliance, plugins
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

_COMPLIANCE = f"""\
What xmppctl claims as a client of the XMPP Compliance Suites 2023 ({compliance.SUITE}),
and the tests against real servers that prove it. A level is claimed where all that it asks for, and
that of the category Core, is there; what is there only in part is named with it.
`xmppctl server compliance` tests servers.\
"""

_TESTS = Path(__file__).resolve().parent.parent / "tests/integration"


def table(supported: Sequence[Support], titles: dict[str, str]) -> str:
    """The text of ``docs/xeps.md``; ``titles`` has the title of each number."""
    rfcs = [f"[RFC {number}](https://xmpp.org/rfcs/rfc{number}.html)" for number in RFCS]
    lines = ["# XEPs", "", NOTICE, "", _TEXT, "", f"RFCs: {', '.join(rfcs)}.", ""]
    lines += ["| XEP | Title | Version | Status | Note | Module |", "|---|---|---|---|---|---|"]
    lines += [_row(each, titles) for each in supported]
    claims = compliance.Claims(supported)
    lines += ["", "## Compliance", "", _COMPLIANCE, "", compliance.table(claims, _TESTS)]
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
