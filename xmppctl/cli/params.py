"""Parameter types: what an argument or an option value may look like.

A type refuses its text with a sentence that says what was expected; the command never runs then.
Values that options, environment and configuration file share are read by one set of parsers,
``xmppctl.config.values``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal, get_args

import click

if TYPE_CHECKING:
    from datetime import datetime

    from click.shell_completion import CompletionItem

    from xmppctl.model.jid import Jid

    _Type = click.ParamType[Any]
else:
    # Not every Click that will do can be subscripted here.
    _Type = click.ParamType


def is_text(value: str) -> bool:
    """Whether ``value`` is Unicode text: an argument that is no UTF-8 has lone surrogates."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


class JidType(_Type):
    """A JID or ``xmpp:`` URI; the value is a ``model.jid.Jid``.

    ``form``: "any", "bare" (no resource) or "full" (with resource).
    """

    name = "jid"

    def __init__(self, form: Literal["any", "bare", "full"] = "any") -> None:
        self.form = form

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Jid:
        """The parsed JID; fails on text that is none, or one of the wrong form."""
        from xmppctl.model.jid import Jid, parse

        try:
            jid = value if isinstance(value, Jid) else parse(value)
        except ValueError as error:
            self.fail(f"{value!r} is not a JID: {error}", param, ctx)
        if self.form == "bare" and jid.is_full:
            self.fail(f"{str(jid)!r} has a resource, a bare JID is needed", param, ctx)
        if self.form == "full" and not jid.is_full:
            self.fail(f"{str(jid)!r} has no resource, a full JID is needed", param, ctx)
        return jid


class ValueType(_Type):
    """What a function of ``xmppctl.config.values`` reads; ``parser`` is its name."""

    def __init__(self, parser: str, metavar: str) -> None:
        self.parser = parser
        self.name = metavar

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The parsed value; one that is parsed already passes."""
        if not isinstance(value, str):
            return value
        from xmppctl.config import values

        parse: Callable[[str], object] = getattr(values, self.parser)
        try:
            return parse(value)
        except ValueError as error:
            return self.fail(str(error), param, ctx)


class TextType(_Type):
    """Text that is UTF-8; unless ``empty`` is allowed, at least one character."""

    name = "text"

    def __init__(self, *, empty: bool) -> None:
        self.empty = empty

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The text itself."""
        text = str(value)
        if not is_text(text):
            self.fail("the text is not UTF-8", param, ctx)
        if not text and not self.empty:
            self.fail("the text is empty", param, ctx)
        return text


def _local_now() -> datetime:
    from datetime import datetime

    return datetime.now().astimezone()


class WhenType(_Type):
    """A moment: ISO 8601, ``now today yesterday``, or a duration back from now (``2h``, ``3d``).

    The value is an aware datetime; where no zone is written, the local one is meant.
    """

    name = "when"

    def __init__(self, now: Callable[[], datetime] = _local_now) -> None:
        self.now = now

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> datetime:
        """The moment; fails on text that is none, or one beyond the calendar."""
        from datetime import datetime

        if isinstance(value, datetime):
            return value
        try:
            return self._parse(value.strip())
        except (ValueError, OverflowError, OSError):
            self.fail(
                f"{value!r} is not a date: 2026-01-31, 2026-01-31T12:00:00Z, now, today, "
                "yesterday, or a duration back from now such as 2h or 3d",
                param,
                ctx,
            )

    def _parse(self, text: str) -> datetime:
        from datetime import datetime, timedelta

        from xmppctl.config.values import duration

        now = self.now()
        if text == "now":
            return now
        if text in ("today", "yesterday"):
            # Midnight is looked for on the calendar: a day of the local zone may have 23 hours.
            back = timedelta(days=0 if text == "today" else 1)
            midnight = now.replace(tzinfo=None, hour=0, minute=0, second=0, microsecond=0)
            return (midnight - back).astimezone()
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            if text[-1:].isdigit():
                raise  # a number without unit would be read as seconds, never as what was meant
            return now - timedelta(seconds=duration(text))
        return moment if moment.tzinfo is not None else moment.astimezone()


def choice(literal: object) -> click.Choice[str]:
    """The values of a ``Literal`` type as choices, so that they stand in one place."""
    return click.Choice([str(value) for value in get_args(literal)])


class ChoicesType(_Type):
    """One or several values of a ``Literal`` type, with commas between them; a tuple."""

    name = "choices"

    def __init__(self, literal: object) -> None:
        self.choice = choice(literal)

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, ...]:
        """The values; fails on one that is none of them."""
        return tuple(self.choice.convert(each.strip(), param, ctx) for each in value.split(","))

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str | None:
        """As of a single choice."""
        return self.choice.get_metavar(param, ctx)

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """The values, for the first one."""
        return self.choice.shell_complete(ctx, param, incomplete)


JID = JidType()
BARE_JID = JidType("bare")
FULL_JID = JidType("full")
DURATION = ValueType("duration", "duration")
SIZE = ValueType("size", "size")
HOST_PORT = ValueType("host_port", "host:port")
ENDPOINT = ValueType("endpoint", "url")
PIN = ValueType("pin", "sha256:hex")
NONEMPTY = TextType(empty=False)
TEXT = TextType(empty=True)
WHEN = WhenType()
