"""The options that every command shares: connection options and output options.

They are declared once; commands hold none of their own copies. What was given on the command
line is kept in ``App.options`` with the option's name, so that settings know the origin. The
environment variables that the help names are read by ``xmppctl.config``, not by Click.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import click

from xmppctl.cli import completers
from xmppctl.cli.app import App
from xmppctl.cli.params import DURATION, ENDPOINT, HOST_PORT, JID, NONEMPTY, PIN
from xmppctl.output import FORMATS, MONITOR_FORMATS

CONNECTION = "Connection options (before the command only)"
OUTPUT = "Output options (before or after the command)"


class SharedOption(click.Option):
    """An option whose value goes to the App, not to the callback.

    ``key`` is its name in ``App.options``, ``heading`` where ``--help`` shows it. The value's
    storage name is one that no parameter of a command can have.
    """

    def __init__(
        self, *names: str, key: str, heading: str, const: object = None, **attrs: Any
    ) -> None:
        variable = f" ({attrs.pop('variable')})" if "variable" in attrs else ""
        attrs["help"] = f"{attrs['help']}{variable}"
        slug = names[-1].removeprefix("--").replace("-", "_")
        super().__init__(
            [f"shared_{slug}", *names], callback=self._store, expose_value=False, **attrs
        )
        self.key = key
        self.heading = heading
        self.const = const

    def _store(self, ctx: click.Context, param: click.Parameter, value: object) -> None:
        source = ctx.get_parameter_source(self.name or "")
        if source is click.core.ParameterSource.COMMANDLINE:
            kept = value if self.const is None else self.const
            ctx.ensure_object(App).options[self.key] = (kept, f"option {self.opts[-1]}")


def _connection(*names: str, **attrs: Any) -> SharedOption:
    key = names[-1].removeprefix("--").replace("-", "_")
    variable = f"XMPPCTL_{key.upper()}"
    return SharedOption(*names, key=key, heading=CONNECTION, variable=variable, **attrs)


def _output(*names: str, key: str | None = None, **attrs: Any) -> SharedOption:
    name = names[-1].removeprefix("--").replace("-", "_")
    return SharedOption(*names, key=key or name, heading=OUTPUT, **attrs)


@cache
def connection_options() -> tuple[SharedOption, ...]:
    """Who connects, where to and with which secret; the root command alone has them."""
    o = _connection
    path = click.Path(dir_okay=False)
    return (
        o(
            "-a",
            "--account",
            metavar="NAME",
            type=NONEMPTY,
            shell_complete=completers.accounts,
            help="Account of the config file.",
        ),
        o("-j", "--jid", metavar="JID", type=JID, help="Log in as this JID."),
        o("--password-file", type=path, help="Read the password from a file of mode 0600."),
        o(
            "--password-fd",
            metavar="N",
            type=click.IntRange(min=0),
            help="Read the password from an open file descriptor.",
        ),
        o(
            "--password-command",
            metavar="CMD",
            type=NONEMPTY,
            help="Take the first line that this shell command prints as password.",
        ),
        o("--anonymous", is_flag=True, help="Log in without an account (SASL ANONYMOUS)."),
        o("--cert", type=path, help="Client certificate (PEM) for SASL EXTERNAL."),
        o("--key", type=path, help="Private key (PEM) of the client certificate."),
        o("--resource", metavar="R", type=NONEMPTY, help="Ask for this resource."),
        o("--connect", type=HOST_PORT, help="Connect there instead of asking the DNS."),
        o(
            "--tls",
            type=click.Choice(["auto", "direct", "starttls"]),
            help="How TLS starts; it is always required.",
        ),
        o(
            "--transport",
            type=click.Choice(["auto", "tcp", "websocket", "bosh"]),
            help="What carries the stream.",
        ),
        o("--endpoint", type=ENDPOINT, help="Connect to this WebSocket (wss) or BOSH (https) URL."),
        o("--ca-file", type=path, help="Trust these certificates (PEM) as well."),
        o(
            "--pin",
            multiple=True,
            type=PIN,
            help="Trust the certificate with this public key alone; repeatable.",
        ),
        o(
            "--sasl",
            type=click.Choice(["auto", "sasl2", "sasl1"]),
            help="Which profile of SASL to use.",
        ),
        o("--sasl-mechanism", metavar="M", type=NONEMPTY, help="Use this SASL mechanism alone."),
        o(
            "--allow-downgrade",
            is_flag=True,
            help="Accept a weaker SASL mechanism than the one that worked before.",
        ),
        o("--connect-timeout", type=DURATION, help="Longest way to a session (10s)."),
        o(
            "--retry",
            metavar="N",
            type=click.IntRange(min=0),
            help="Try so often again what cannot have taken effect (0).",
        ),
    )


@cache
def output_options() -> tuple[SharedOption, ...]:
    """What is printed and how long is waited; accepted at every level, the later wins."""
    o = _output
    return (
        o(
            "-o",
            "--output",
            type=click.Choice([*FORMATS, *MONITOR_FORMATS]),
            metavar="FORMAT",
            variable="XMPPCTL_OUTPUT",
            help=f"{', '.join(FORMATS)}; for monitoring commands {' and '.join(MONITOR_FORMATS)}.",
        ),
        o("--json", is_flag=True, key="output", const="json", help="The same as -o json."),
        o("--fields", metavar="A,B,C", type=NONEMPTY, help="Print these fields in this order."),
        o("--raw-xml", is_flag=True, help="Print the XML itself where a record has some."),
        o(
            "--color",
            type=click.Choice(["auto", "always", "never"]),
            variable="XMPPCTL_COLOR",
            help="Colour the output; auto: on a terminal.",
        ),
        o("-q", "--quiet", is_flag=True, help="No progress and no status on standard error."),
        o("-v", "--verbose", is_flag=True, help="Tell on standard error what is done."),
        o(
            "--timeout",
            type=DURATION,
            variable="XMPPCTL_TIMEOUT",
            help="Longest silence while waiting for an answer (30s).",
        ),
        o("--deadline", type=DURATION, help="End the whole run after this time."),
        o("--yes", is_flag=True, help="Do not ask before something is destroyed."),
        o("--no-input", is_flag=True, help="Never ask for anything."),
        o("--debug-xml", is_flag=True, help="Show every stanza, secrets redacted."),
    )


@cache
def connection_names() -> frozenset[str]:
    """Every name of a connection option: ``-j``, ``--jid``, ..."""
    return frozenset(name for option in connection_options() for name in option.opts)


@cache
def output_names() -> frozenset[str]:
    """Every name of an output option."""
    return frozenset(name for option in output_options() for name in option.opts)
