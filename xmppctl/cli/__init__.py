"""The Click kit: command tree, shared options, the App, running and reporting; no XMPP.

A command module reads like this::

    from xmppctl import cli

    cmd = cli.group("roster", section="Contacts", help="Read and change the roster.")

    @cmd.command("list", examples=("xmppctl roster list --json",))
    @cli.pass_app
    async def list_(app: cli.App) -> list[Contact]:
        \"\"\"List the contacts.\"\"\"
        from xmppctl.protocol import roster

        async with app.session() as session:
            return await roster.fetch(session)

The return annotation is the contract: ``list[R]`` (an array), ``R`` (an object),
``AsyncIterator[R]`` (a stream; what takes several targets is one, so that the results which are
known survive a failure) or ``None``. A record whose ``error`` is set fails the run in the end.
"""

from xmppctl.cli.app import App, pass_app
from xmppctl.cli.command import Command, Group, command, group, under, words_after_dashes

__all__ = [
    "App",
    "Command",
    "Group",
    "command",
    "group",
    "pass_app",
    "under",
    "words_after_dashes",
]
