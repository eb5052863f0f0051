"""Checks as a Nagios plugin prints them, metrics as Prometheus reads them from a text file.

Sources: Monitoring Plugins Development Guidelines (output, perfdata, return codes); Prometheus
text exposition format 0.0.4, as the node exporter's textfile collector takes it.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from xmppctl.errors import ErrorInfo, Exit
from xmppctl.model.monitor import Check, Metric, Perf, Sample, State
from xmppctl.output.escape import safe

_CODES: dict[State, int] = {"ok": 0, "warning": 1, "critical": 2, "unknown": 3}
_BY_SEVERITY: tuple[State, ...] = ("ok", "unknown", "warning", "critical")
_OUR_SIDE = (Exit.USAGE, Exit.INTERNAL, Exit.LOCAL)

_METRIC_NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_LABEL_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")


def failed(info: ErrorInfo, service: str = "XMPP") -> Check:
    """The check of a run that failed: unknown where the fault is on our side, else critical."""
    return Check(
        service=service,
        state="unknown" if info.code in _OUR_SIDE else "critical",
        text=info.text or info.condition or info.name,
    )


def render_nagios(checks: Sequence[Check]) -> tuple[str, int]:
    """The text for stdout, without a final newline, and the exit code (0 to 3).

    The first line has the worst state (critical, warning, unknown, ok) and all figures. Of
    several checks it tells the first in that state and how many are well; each has a line of
    its own below it, the worst first, since Nagios cuts what is longer than 8 KB, and its figures
    carry its name. No check at all is unknown.
    """
    if not checks:
        checks = [Check(service="XMPP", state="unknown", text="nothing was checked")]
    state = max((check.state for check in checks), key=_BY_SEVERITY.index)
    first = next(check for check in checks if check.state == state)
    if len(checks) == 1:
        head, rest = f"{first.service} {state.upper()} - {first.text}", first.details
    else:
        well = sum(check.state == "ok" for check in checks)
        alike = sum(check.state == state for check in checks) - 1
        others = f" (and {alike} more)" if alike else ""
        told = "" if state == "ok" else f"{first.service}: {first.text}{others}; "
        head = f"XMPP {state.upper()} - {told}{well} of {len(checks)} ok"
        worst_first = sorted(checks, key=lambda check: -_BY_SEVERITY.index(check.state))
        rest = [line for check in worst_first for line in (_line(check), *check.details)]
    figures = [
        _perf(perf, check.service, alone=len(checks) == 1)
        for check in checks
        for perf in check.perf
    ]
    lines = [_text(line) for line in (head, *rest)]
    if figures:
        lines[0] += f" | {' '.join(figures)}"
    return "\n".join(lines), _CODES[state]


def render_prometheus(metrics: Sequence[Metric]) -> str:
    """The metrics, each line ending in a newline; no metric gives an empty text.

    Metrics of one name become one group, as the format demands; one without values is left out.
    Raises ValueError for a name that the format does not allow, and for one name with two types.
    """
    groups: dict[str, tuple[Metric, list[Sample]]] = {}
    for metric in metrics:
        if not _METRIC_NAME.fullmatch(metric.name):
            raise ValueError(f"{metric.name!r} is no name of a metric")
        head, samples = groups.setdefault(metric.name, (metric, []))
        if head.type != metric.type:
            raise ValueError(f"{metric.name} is both {head.type} and {metric.type}")
        samples.extend(metric.samples)
    lines: list[str] = []
    for name, (metric, samples) in groups.items():
        if not samples:
            continue
        lines.append(f"# HELP {name} {_escaped(metric.help)}")
        lines.append(f"# TYPE {name} {metric.type}")
        lines.extend(f"{name}{_labels(sample)} {_value(sample.value)}" for sample in samples)
    return "".join(f"{line}\n" for line in lines)


def _line(check: Check) -> str:
    return f"[{check.state.upper()}] {check.service} - {check.text}"


def _text(line: str) -> str:
    """A line of text; the pipe would begin perfdata."""
    return safe(line).replace("|", "\\x7c")


def _perf(perf: Perf, service: str, *, alone: bool) -> str:
    """``'label'=value[uom];warn;crit;min;max`` without trailing semicolons.

    A label must hold neither ``=`` nor ``|``; a quote is doubled. U: no figure could be had.
    """
    name = perf.label or service if alone else f"{service} {perf.label}".rstrip()
    label = _text(name).replace("=", "_").replace("'", "''")
    value = "U"
    if perf.value is not None and math.isfinite(perf.value):
        value = f"{_number(perf.value)}{perf.uom}"
    limits = [
        perf.warn or "",
        perf.crit or "",
        "" if perf.min is None else _number(perf.min),
        "" if perf.max is None else _number(perf.max),
    ]
    return f"'{label}'={';'.join([value, *limits]).rstrip(';')}"


def _number(value: float) -> str:
    """A decimal number without an exponent, which not every reader of perfdata knows."""
    text = f"{value:.6f}"
    return text.rstrip("0").rstrip(".")


def _labels(sample: Sample) -> str:
    for name in sample.labels:
        if not _LABEL_NAME.fullmatch(name):
            raise ValueError(f"{name!r} is no name of a label")
    pairs = (f'{name}="{_escaped(value, quotes=True)}"' for name, value in sample.labels.items())
    return f"{{{','.join(pairs)}}}" if sample.labels else ""


def _escaped(text: str, *, quotes: bool = False) -> str:
    text = safe(text, newlines=True).replace("\\", "\\\\").replace("\n", "\\n")
    return text.replace('"', '\\"') if quotes else text


def _value(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    return repr(value)
