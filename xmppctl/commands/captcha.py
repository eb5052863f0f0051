"""``xmppctl captcha``: answering a challenge that an earlier run was met with."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from xmppctl import cli
from xmppctl.cli import forms
from xmppctl.cli.params import NONEMPTY, TEXT
from xmppctl.cli.texts import check_characters
from xmppctl.commands import _captcha
from xmppctl.errors import RefusedError, UsageError
from xmppctl.model.captcha import CaptchaAnswer

if TYPE_CHECKING:
    from xmppctl.protocol.challenge import Posed

cmd = cli.group("captcha", section="Messages", help="Answer challenges to messages (XEP-0158).")


@cmd.command(
    "answer",
    examples=(
        "xmppctl captcha answer F3A6292C 7nHL3",
        'xmppctl captcha answer -- "$ID" "$TEXT"',
    ),
)
@click.argument("identifier", metavar="ID", type=NONEMPTY)
@click.argument("text", type=TEXT, required=False)
@forms.fields
@cli.pass_app
async def answer(
    app: cli.App, identifier: str, text: str | None, field_pairs: tuple[str, ...]
) -> CaptchaAnswer:
    """Answer a challenge that nobody answered when it came.

    The error of the message tells its ID; it is kept for ten minutes, and for one attempt. TEXT is
    the answer to the one question that needs a person, - reads it from standard input; where there
    are several, --field gives each its own. Exit code 0 means that the answer was right. A room
    lets in the very client that it asked: give both runs the same --resource, or answer at once
    by --captcha of "muc join" and "send".
    """
    given = forms.answers(app, field_pairs, None)
    if text is not None or not given:
        text = app.read_text(text).strip()
        if not text:
            raise UsageError("the answer is empty")
    check_characters("answer", identifier, text)
    from xmppctl.protocol import challenge

    account = str(app.account.jid.bare)
    posed = _captcha.kept(app, account, identifier)
    if posed is None:
        raise RefusedError(
            f"no challenge {identifier} is kept for {account}",
            step="captcha",
            condition="item-not-found",
            hint="it is kept for ten minutes, and one attempt",
        )
    answers = await _answers(posed, text, given)
    async with app.session() as session:
        try:
            await challenge.respond(session, posed, answers)
        except RefusedError:
            _captcha.forget(app, account, identifier)
            raise
    _captcha.forget(app, account, identifier)
    return CaptchaAnswer(
        identifier, posed.by, posed.challenge.from_, posed.challenge.sid, accepted=True
    )


async def _answers(
    posed: Posed, text: str | None, given: dict[str, list[str]]
) -> dict[str, list[str]]:
    """The answers by field: those that were given, and what needs nobody. Raises UsageError."""
    from xmppctl.protocol import captcha
    from xmppctl.protocol import forms as filling

    found = filling.resolved(posed.form, given)
    wanted = captcha.outstanding(posed.form, found)
    people = [each.var or "" for each in wanted if each.var != captcha.HASHCASH]
    if text is not None and not people:
        raise UsageError("nothing is asked that a text could answer", step="captcha")
    if people and (text is None or len(people) > 1):
        raise UsageError(
            f"the challenge needs answers to: {', '.join(people)}",
            step="captcha",
            hint=f"--field {people[0]}=TEXT",
        )
    if text is not None:
        found[people[0]] = [text]
    for each in wanted:
        if each.var == captcha.HASHCASH:
            found[captcha.HASHCASH] = [await captcha.hashcash(posed.challenge.from_ or "", each)]
    return found
