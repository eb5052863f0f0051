"""Which keys are trusted, whatever the method of encryption is; and what goes with none.

A method has a part of its own, whose ``prepare`` gives an ``Encryptor`` as the value "encryptor".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from xmppctl.commands.send.parts import Part, Values
from xmppctl.commands.send.parts.content import exclude
from xmppctl.errors import UsageError

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

METHODS = ("omemo", "openpgp")
"""The options that ask for encryption, by their names."""


def _check(values: Values) -> None:
    given = [name for name in METHODS if values.get(name)]
    if not given:
        if values["trust"] is not None:
            flags = " or ".join(f"--{name}" for name in METHODS if name in values)
            raise UsageError(f"--trust is for encryption: give {flags} too")
        return
    exclude(values, given[0], *given[1:], "multicast", "oob_iq")


def _attach(stanza: Element, values: Values) -> None:
    """The message is encrypted when it is complete."""


PARTS = (Part(
    heading="Encryption",
    options=(
        click.option("--trust", type=click.Choice(["btbv", "verified", "skip"]),
                     help="Whose keys are used. verified: those alone; btbv, the default: also "
                     "new ones, which are told, until you decided about one of the recipient; "
                     "skip: all but those that you distrust."),
    ),
    check=_check,
    attach=_attach,
),)  # fmt: skip
