"""``xmppctl doap``: what this program implements, for programs that compare programs."""

from __future__ import annotations

from xmppctl import cli
from xmppctl.cli.stdout import say


@cli.command("doap", section="Tools", examples=("xmppctl doap > xmppctl.doap",))
def cmd() -> None:
    """Print the XEPs implemented here as a DOAP file (XEP-0453).

    The file is RDF/XML: name, licence and version of the program, and version, status and notes
    of each XEP.
    """
    say(text(), nl=False)


def text() -> str:
    """The DOAP file of this version."""
    from xmppctl.model.xep import merge
    from xmppctl.output.doap import render
    from xmppctl.protocol import implemented

    return render(merge(implemented()))
