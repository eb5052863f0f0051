"""``xmppctl private``: XML that the server keeps for the account alone."""

from __future__ import annotations

import click

from xmppctl import cli
from xmppctl.cli.params import NONEMPTY
from xmppctl.commands._element import read_element
from xmppctl.errors import UsageError
from xmppctl.model.private import PrivateElement, PrivateRemoval

cmd = cli.group(
    "private", section="Data", help="XML that only the account itself can read (XEP-0049)."
)

_element = click.argument("name", metavar="ELEMENT", type=NONEMPTY)
_namespace = click.argument("namespace", metavar="NS", type=NONEMPTY)


@cmd.command(
    "get",
    examples=(
        "xmppctl private get storage storage:bookmarks -o plain",
        "xmppctl --json private get prefs urn:example:prefs | jq -r .xml",
    ),
)
@_element
@_namespace
@cli.pass_app
async def get(app: cli.App, name: str, namespace: str) -> PrivateElement:
    """Show an element of the private storage.

    It is known by its name and its namespace. Nothing stored is item-not-found.
    """
    tag = _tag(name, namespace)
    from xmppctl.protocol import privatexml

    async with app.session() as session:
        return await privatexml.fetch(session, tag)


@cmd.command(
    "set",
    examples=(
        "xmppctl private set prefs.xml",
        """echo "<prefs xmlns='urn:example:prefs'><nick>Al</nick></prefs>" |
  xmppctl private set -""",
    ),
)
@click.argument("file", metavar="[FILE|-]", type=click.Path(allow_dash=True), required=False)
@cli.pass_app
async def set_(app: cli.App, file: str | None) -> PrivateElement:
    """Store an element in place of the one with its name.

    It is the one element in FILE, or on standard input, and has a namespace of its own. What was
    stored under the same name and namespace is replaced.
    """
    from xmppctl.cli.stdin import is_terminal

    if file is None and is_terminal(app.stdin):
        raise UsageError("no FILE was given", hint="give one, or - to read standard input")
    element = read_element(app, file or "-")
    from xmppctl.protocol import privatexml

    if privatexml.is_nothing(element):
        raise UsageError(
            "the element is empty, which is how the server says that nothing is stored",
            hint="xmppctl private delete removes what is stored",
        )
    async with app.session() as session:
        return await privatexml.store(session, element)


@cmd.command(
    "delete",
    examples=(
        "xmppctl private delete prefs urn:example:prefs",
        "xmppctl private delete prefs urn:example:prefs --if-exists",
    ),
)
@_element
@_namespace
@click.option("--if-exists", is_flag=True, help="Nothing stored is no error.")
@cli.pass_app
async def delete(app: cli.App, name: str, namespace: str, if_exists: bool) -> PrivateRemoval:
    """Remove an element from the private storage.

    XEP-0049 has no word for that: an empty element is stored, which is what the server
    gives where there is nothing.
    """
    tag = _tag(name, namespace)
    from xmppctl.protocol import privatexml

    async with app.session() as session:
        return await privatexml.remove(session, tag, if_exists=if_exists)


def _tag(name: str, namespace: str) -> str:
    """``{namespace}name``. Raises UsageError for what cannot be one."""
    from xmppctl.cli.texts import check_characters
    from xmppctl.session.xml import XmlError, parse, quote, split

    check_characters("namespace", namespace)
    if set(name) & set("<>/&'\"{} \t\n:=") or set(namespace) & set("{}"):
        raise UsageError(f"{name!r} of {namespace!r} is not the name of an element")
    try:
        element = parse(f"<{name} xmlns={quote(namespace)}/>")
    except XmlError:
        raise UsageError(f"{name!r} is not the name of an element") from None
    if split(element.tag) != (namespace, name):
        raise UsageError(f"{namespace!r} is not a namespace")
    return element.tag
