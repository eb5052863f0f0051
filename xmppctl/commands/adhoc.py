"""``xmppctl adhoc``: commands that servers, services and clients offer (XEP-0050)."""

from __future__ import annotations

import click

from xmppctl import cli
from xmppctl.cli import forms as options
from xmppctl.cli.params import JID, NONEMPTY, choice
from xmppctl.cli.stdin import is_terminal
from xmppctl.cli.texts import check_characters
from xmppctl.errors import UsageError
from xmppctl.model.adhoc import Action, AdhocCommand, AdhocInfo, CommandRun
from xmppctl.model.jid import Jid

cmd = cli.group(
    "adhoc", section="Services", help="Run commands of servers, services and clients (XEP-0050)."
)

_node = click.argument("node", type=NONEMPTY)


@cmd.command(
    "list",
    examples=(
        "xmppctl adhoc list",
        "xmppctl -o plain adhoc list example.org",
        "xmppctl --json adhoc list alice@example.org/desktop",
    ),
)
@click.argument("jid", metavar="[JID]", type=JID, required=False)
@cli.pass_app
async def list_(app: cli.App, jid: Jid | None) -> list[AdhocCommand]:
    """List the commands that a JID offers; the own server by default.

    Who asks matters: an administrator sees more of them.
    """
    from xmppctl.protocol import adhoc

    async with app.session() as session:
        return await adhoc.listed(session, jid or Jid(None, session.domain, None))


@cmd.command("info", examples=("xmppctl adhoc info example.org uptime",))
@click.argument("jid", type=JID)
@_node
@cli.pass_app
async def info(app: cli.App, jid: Jid, node: str) -> AdhocInfo:
    """Show what a JID says about one of its commands."""
    check_characters("node", node)
    from xmppctl.protocol import adhoc

    async with app.session() as session:
        return await adhoc.info(session, jid, node)


@cmd.command(
    "run",
    examples=(
        "xmppctl adhoc run example.org uptime",
        "xmppctl adhoc run example.org http://jabber.org/protocol/admin#announce --show-form",
        "xmppctl adhoc run example.org http://jabber.org/protocol/admin#announce"
        " --field subject=Tonight --field announcement=Maintenance",
        "xmppctl adhoc run shop.example.org order --step-json steps.json --json",
        "xmppctl adhoc run alice@example.org/desktop"
        " http://jabber.org/protocol/rc#set-status --field status=away",
    ),
)
@click.argument("jid", type=JID)
@_node
@options.fields
@options.form_json
@options.show_form
@click.option("--step-json", type=click.Path(allow_dash=True), metavar="FILE",
              help="Values for several stages: a JSON array with an object for each; - for "
              "standard input.")  # fmt: skip
@click.option("--action", type=choice(Action),
              help="Way on where a stage allows several; prev and cancel: at the stage that "
              "follows those of --step-json.")  # fmt: skip
@click.option("--interactive", is_flag=True, help="Ask for the values on the terminal.")
@click.option("--lang", type=NONEMPTY, metavar="TAG",
              help="Language in which the command should speak, such as de.")  # fmt: skip
@cli.pass_app
async def run(
    app: cli.App,
    jid: Jid,
    node: str,
    field_pairs: tuple[str, ...],
    form_json: str | None,
    show_form: bool,
    step_json: str | None,
    action: Action | None,
    interactive: bool,
    lang: str | None,
) -> CommandRun:
    """Run a command of a JID to its end.

    Each stage takes the values that it has a field for; what none has a field for, and a required
    field without a value, cancel the command before it is completed. --show-form shows the first
    stage, or the one behind those of --step-json, and cancels; a command that asks nothing has
    then run. A note of type "error" is a failure.
    """
    check_characters("node", node)
    check_characters("language tag", lang)
    if interactive and (app.no_input or not is_terminal(app.stdin)):
        raise UsageError("--interactive needs a terminal", hint="give values by --field")
    if interactive and (show_form or step_json or action):
        raise UsageError("--interactive excludes --show-form, --step-json and --action")
    if show_form and action:
        raise UsageError("--show-form and --action exclude each other")
    if "-" in (form_json, step_json) and form_json == step_json:
        raise UsageError("standard input can be read only once")
    values = options.answers(app, field_pairs, form_json)
    steps = options.steps(app, step_json) if step_json is not None else []
    from xmppctl.protocol import adhoc
    from xmppctl.protocol.adhocsteps import Script

    exposed = {pair.partition("=")[0] for pair in field_pairs}
    script = Script(values, steps, action=action, show=show_form, exposed=exposed)
    dialog = None
    if interactive:
        from xmppctl.commands._dialog import Dialog

        dialog = Dialog(app, values)
    async with app.session() as session:
        stage = await adhoc.run(
            session,
            jid,
            node,
            script.decide if dialog is None else dialog.decide,
            what=f"the command {node} of {jid}",
            lang=lang,
            missing=lambda error: adhoc.missing(session, jid, node, error),
        )
    if dialog is not None:
        if dialog.unused:
            app.warn(f"{node} did not ask for {', '.join(dialog.unused)}")
        return adhoc.record(stage, canceled=dialog.canceled)
    if script.shown is not None and action != "cancel":
        return adhoc.record(script.shown)
    if stage.status == "completed" and stage.failure is None:
        if script.asked:
            script.check(stage)
        elif script.unused:
            app.warn(f"{node} asked for nothing: {', '.join(script.unused)} was not used")
    return adhoc.record(stage, canceled=script.shown is not None)
