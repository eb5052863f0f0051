"""The settings that hold, and where they come from."""

from __future__ import annotations

from dataclasses import fields

import click

from xmppctl import cli
from xmppctl.model.config import AppliedSetting, Places

cmd = cli.group("config", section="Account", help="Show the settings and where they come from.")


def _all_fields(ctx: click.Context, param: click.Parameter, value: bool) -> None:
    """A table has the column too; other formats have it anyway, and ``--fields`` stands above."""
    if value:
        names = ",".join(field.name for field in fields(AppliedSetting))
        ctx.ensure_object(cli.App).options.setdefault("fields", (names, "option --origin"))


@cmd.command("show", examples=("xmppctl config show --origin", "xmppctl config show --json"))
@click.option(
    "--origin",
    is_flag=True,
    expose_value=False,
    callback=_all_fields,
    help="Tell in the table too where each value comes from.",
)
@cli.pass_app
def show(app: cli.App) -> list[AppliedSetting]:
    """Show every setting as it holds for this command line; never a secret."""
    return app.settings.describe()


@cmd.command("path", examples=("xmppctl config path", "xmppctl config path --json"))
@cli.pass_app
def path(app: cli.App) -> Places:
    """Show where configuration, state and caches are."""
    from xmppctl.config import paths

    file = paths.config_file(app.env)
    return Places(
        config_file=str(file),
        config_dir=str(file.parent),
        state_dir=str(paths.state_dir(app.env)),
        cache_dir=str(paths.cache_dir(app.env)),
        exists=file.is_file(),
    )
