"""From what a callback gives to what is printed, and to the exit code of many targets."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import aclosing, contextmanager, suppress
from dataclasses import fields
from typing import TYPE_CHECKING, Any

import click

from xmppctl import output
from xmppctl.cli.app import App
from xmppctl.cli.stdout import stdout_errors
from xmppctl.errors import (
    EmptyError,
    ErrorInfo,
    InternalError,
    LocalError,
    SignalError,
    UsageError,
    XmppctlError,
    from_info,
    summarise,
)

if TYPE_CHECKING:
    from xmppctl.cli.command import Command, Contract, Monitor
    from xmppctl.cli.run import Guard

# How long a table may keep rows back while its columns are still being measured.
IDLE_SECONDS = 0.1


def execute(app: App, command: Command, call: Callable[[], Any]) -> None:
    """Run the callback of ``command`` (``call``), print its records, raise how it went.

    What must be refused for a wrong format or field is refused before the callback runs.
    """
    from xmppctl.cli.run import Guard

    with Guard(app.deadline, lambda: app.step) as guard, _traced(app):
        app.guard = guard
        if command.connects:
            app.connect_early()
            guard.meanwhile = app.pump
        contract = command.contract()
        if contract is None:
            _finish(guard, call(), None)
            app.keep_start()
            return
        try:
            sink = _sink(app, command, contract)
        except XmppctlError as error:
            _tell_collector(app, command, contract, error)
            raise
        try:
            _finish(guard, call(), sink)
            app.keep_start()
        except BaseException as error:
            with suppress(SignalError, LocalError):
                sink.abort(_reason(error))
            app.tell_afterwards()
            outcome = sink.outcome()
            if outcome is not None and isinstance(error, XmppctlError) and error.step == "close":
                # what became of the targets says more than how the stream ended behind them
                raise from_info(outcome) from None
            raise
        sink.close()
        app.tell_afterwards()
    if sink.count == 0 and app.option("fail_empty"):
        raise EmptyError("nothing was found")
    outcome = sink.outcome()
    if outcome is not None:
        raise from_info(outcome)


@contextmanager
def _traced(app: App) -> Iterator[None]:
    try:
        yield
    finally:
        app.note_trace()


def _finish(guard: Guard, given: Any, sink: Sink | None) -> None:
    """Bring to an end what a callback returned, handing its records to ``sink``."""
    if sink is not None and hasattr(given, "__aiter__"):
        guard.run(_drain(given, sink))
        return
    value = guard.run(given) if hasattr(given, "__await__") else given
    if sink is not None:
        for record in value if isinstance(value, list) else [value]:
            sink.put(record)


async def _drain(records: Any, sink: Sink) -> None:
    import asyncio

    loop = asyncio.get_running_loop()
    timer: asyncio.TimerHandle | None = None
    async with aclosing(records):
        async for record in records:
            sink.put(record)
            if timer is None or timer.when() <= loop.time():
                timer = loop.call_later(IDLE_SECONDS, sink.flush)
    if timer is not None:
        timer.cancel()


class Sink:
    """Takes the records of one run: counts them, remembers their errors.

    A record that says of itself that it is no outcome is a step on the way to one: it neither
    failed nor went well.
    """

    def __init__(self, record: type) -> None:
        self.count = 0
        self._failing = any(field.name == "error" for field in fields(record))
        self._errors: list[ErrorInfo | None] = []

    def put(self, record: Any) -> None:
        """Print ``record``, or keep it until all are known."""
        self.count += 1
        if self._failing and getattr(record, "is_outcome", True):
            self._errors.append(record.error)

    def flush(self) -> None:
        """The stream has nothing to give at the moment."""

    def close(self) -> None:
        """All went through."""

    def abort(self, reason: XmppctlError) -> None:
        """The run failed; what was printed must still be a document."""

    def outcome(self) -> ErrorInfo | None:
        """The error to report for the records that carry one."""
        return summarise(self._errors)


class WriterSink(Sink):
    """Writes each record in the output format as it comes."""

    def __init__(self, record: type, writer: output.Writer) -> None:
        super().__init__(record)
        self._writer = writer

    def put(self, record: Any) -> None:
        """Write ``record``."""
        super().put(record)
        with stdout_errors():
            self._writer.write(record)

    def flush(self) -> None:
        """Show what is kept."""
        # A reader that has gone is noticed by the next record.
        with suppress(SignalError, LocalError), stdout_errors():
            self._writer.flush()

    def close(self) -> None:
        """Complete the document."""
        with stdout_errors():
            self._writer.close()

    def abort(self, reason: XmppctlError) -> None:
        """Complete what was begun."""
        with stdout_errors():
            self._writer.abort()


class MonitorSink(Sink):
    """Keeps the records, and prints in the end what a monitoring system reads."""

    def __init__(self, record: type, format: str, monitor: Monitor, app: App) -> None:
        super().__init__(record)
        self._format = format
        self._monitor = monitor
        self._app = app
        self._stream = app.stdout
        self._records: list[Any] = []

    def put(self, record: Any) -> None:
        """Keep ``record``."""
        super().put(record)
        self._records.append(record)

    def close(self) -> None:
        """Print; ``nagios`` ends the run by its own exit code."""
        self._print(None)
        self._app.drop_afterwards()

    def abort(self, reason: XmppctlError) -> None:
        """Print what is known, with the failure: a file of metrics must not tell of better days.

        Where nothing is known, whoever reports the failure prints the line of ``nagios``.
        """
        if self._records or self._format == "prometheus":
            self._print(reason.info())

    def _print(self, failure: ErrorInfo | None) -> None:
        from xmppctl.model.monitor import Run
        from xmppctl.output.monitor import failed, render_nagios, render_prometheus

        account = None
        with suppress(XmppctlError):  # that there is none is told by whoever needs one
            account = self._app.settings.jid()
        run = Run(self._app.given, account, failure)
        checks, metrics = self._monitor(self._records, run)
        code = None
        if self._format == "nagios":
            first = [] if failure is None else [failed(failure, "RUN")]
            text, code = render_nagios([*first, *checks])
            text += "\n"
        else:
            text = render_prometheus(metrics)
        with stdout_errors():
            self._stream.write(text)
        if code is not None:
            raise click.exceptions.Exit(code)


def _sink(app: App, command: Command, contract: Contract) -> Sink:
    record, shape = contract
    stream = app.stdout
    if app.format in output.MONITOR_FORMATS:
        if command.monitor is None:
            raise UsageError(
                f"{app.command} has no output format {app.format}",
                hint=f"formats: {', '.join(output.FORMATS)}",
            )
        return MonitorSink(record, app.format, command.monitor, app)
    from xmppctl.output.color import use_color

    width = None
    if stream.isatty():
        from shutil import get_terminal_size

        width = get_terminal_size().columns
    format, chosen = app.format, app.fields
    of_xml = [field.name for field in fields(record) if field.name in ("raw_xml", "xml")]
    if app.raw_xml and of_xml and chosen is None and format in ("table", "plain"):
        format, chosen = "plain", of_xml  # the XML in place of the columns
    color = use_color(app.settings.get("color"), stream, app.env)
    writer = output.writer(
        format,
        record,
        shape=shape,
        stream=stream,
        fields=chosen,
        color=color,
        width=width,
        spoilers=bool(app.option("show_spoilers")),
        styling=color or bool(app.option("styling")),
    )
    return WriterSink(record, writer)


def _reason(error: BaseException) -> XmppctlError:
    """``error`` as what a record of the run may tell of it."""
    if isinstance(error, XmppctlError):
        return error
    reason = getattr(error, "reason", None)
    return reason if isinstance(reason, XmppctlError) else InternalError(type(error).__name__)


def _tell_collector(app: App, command: Command, contract: Contract, error: XmppctlError) -> None:
    """Metrics of a run that failed by its settings, before its format was known for sure."""
    from xmppctl.cli.report import form

    if command.monitor is not None and form(app) == "prometheus":
        with suppress(SignalError, LocalError):
            MonitorSink(contract[0], "prometheus", command.monitor, app).abort(error)
