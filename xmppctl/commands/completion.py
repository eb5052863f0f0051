"""``xmppctl completion``: the script that makes a shell complete xmppctl's command lines."""

from __future__ import annotations

import click

from xmppctl import cli
from xmppctl.cli.app import PROGRAM
from xmppctl.cli.main import COMPLETE
from xmppctl.cli.stdout import say


@cli.command(
    "completion",
    section="Tools",
    examples=(
        'eval "$(xmppctl completion bash)"',
        "xmppctl completion zsh > _xmppctl",
        "xmppctl completion fish > xmppctl.fish",
    ),
)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def cmd(shell: str) -> None:
    """Print the completion script of a shell."""
    say(script(shell))


def script(shell: str) -> str:
    """The completion script of ``shell`` (bash, zsh or fish)."""
    from click.shell_completion import ShellComplete, get_completion_class

    kind = get_completion_class(shell)
    if kind is None:
        raise ValueError(f"no completion for {shell!r}")
    maker = kind(click.Command(PROGRAM), {}, PROGRAM, COMPLETE)
    # The base class's method: that of bash runs bash to look at its version.
    return ShellComplete.source(maker)
