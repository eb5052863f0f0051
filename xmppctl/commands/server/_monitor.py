"""What a monitoring system is told of the checks of a server.

The metrics have the names of the blackbox exporter's and of the XMPP blackbox exporter's, with the
prefix ``xmpp_``: those are made per scrape and have no labels that tell whom they are about, while
these stand in one file with those of other domains, and must not be taken for the exporters' own.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from xmppctl.model.check import Finding
    from xmppctl.model.monitor import Check, Metric, Perf, Run, Sample, State

_FAMILY = "xmpp_probe"

_STATES: dict[str, State] = {
    "ok": "ok",
    "warn": "warning",
    "fail": "critical",
    "unknown": "unknown",
}
_CODES = {"ok": 0, "warn": 1, "fail": 2, "unknown": 3}

_MOMENT = re.compile(r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")

Labels = dict[str, str]


def monitor(findings: Sequence[Finding], run: Run) -> tuple[list[Check], list[Metric]]:
    """A check for each finding; metrics of each, and of the domain as a whole.

    A run that failed has the metrics of what it found, and no success. Findings come as they are
    made; here they are in the same order in every run.
    """
    from xmppctl.model.check import CHECKS

    place = {name: number for number, name in enumerate(CHECKS)}
    ordered = sorted(findings, key=lambda each: (place.get(each.check, len(place)), each.target))
    return [_check(finding, run) for finding in ordered], _metrics(ordered, run)


def _check(finding: Finding, run: Run) -> Check:
    from xmppctl.model.monitor import Check

    advice = finding.advice if finding.status != "ok" else None
    return Check(
        service=f"{finding.check} {finding.target}",
        state=_STATES[finding.status],
        text=finding.detail or ("" if finding.value is None else str(finding.value)),
        details=[f"try: {advice}"] if advice else [],
        perf=_perf(finding, run),
    )


def _perf(finding: Finding, run: Run) -> list[Perf]:
    """The figure of a finding with its limits; perfdata knows no days."""
    from xmppctl.model.monitor import Perf

    value = _number(finding)
    match finding.unit:
        case "days":
            limits = [run.given.get(name) for name in ("warn_days", "crit_days")]
            warn, crit = (None if days is None else f"{days:g}:" for days in limits)
            return [Perf("", value, "", warn, crit)]
        case "ms":
            limits = [run.given.get(name) for name in ("warn_time", "crit_time")]
            warn, crit = (None if limit is None else f"{limit * 1000:g}" for limit in limits)
            return [Perf("", value, "ms", warn, crit, min=0)]
        case "s":
            return [Perf("", value, "s")]
        case _:
            return []


def _metrics(findings: Sequence[Finding], run: Run) -> list[Metric]:
    from xmppctl.model.monitor import Metric, Sample

    name = _domain(run)
    failing = run.failure is not None or any(finding.status == "fail" for finding in findings)
    numbers = dict.fromkeys(_CODES, 0)
    for finding in findings:
        numbers[finding.status] += 1
    found = [
        Metric(f"{_FAMILY}_success", "Whether no check failed.",
               samples=[Sample({"domain": name}, float(bool(findings) and not failing))]),
        Metric(f"{_FAMILY}_checks", "Number of checks by status.",
               samples=[Sample({"domain": name, "status": status}, float(number))
                        for status, number in numbers.items()]),
    ]  # fmt: skip
    for suffix, help, read in _EACH:
        samples = [
            Sample({"domain": name, **labels}, value)
            for finding in findings
            for labels, value in read(finding)
        ]
        found.append(Metric(f"{_FAMILY}_{suffix}", help, samples=_unique(samples)))
    return found


def _domain(run: Run) -> str:
    """The domain that is checked, in its ASCII form; empty where not even that is known."""
    jid = run.given.get("domain") or run.account
    try:
        return jid.idna if jid is not None else ""
    except ValueError:
        return ""


def _unique(samples: Iterable[Sample]) -> list[Sample]:
    """The samples, one for each set of labels: two would make the whole file invalid."""
    known = {tuple(sorted(sample.labels.items())): sample for sample in samples}
    return list(known.values())


def _number(finding: Finding) -> float | None:
    value = finding.value
    return None if value is None or isinstance(value, str) else float(value)


_Values = Iterable[tuple[Labels, float]]


def _status(finding: Finding) -> _Values:
    yield {"check": finding.check, "target": finding.target}, float(_CODES[finding.status])


def _success(finding: Finding) -> _Values:
    """What could not be found out is neither."""
    if finding.status != "unknown":
        labels = {"check": finding.check, "target": finding.target}
        yield labels, float(finding.status != "fail")


def _duration(finding: Finding) -> _Values:
    value = _number(finding)
    if finding.unit == "ms" and value is not None:
        phase, target = finding.check, finding.target
        if phase == "login.time":  # each step of a login has its name behind the account
            target, _, step = target.partition(" ")
            phase = f"login.{step}" if step else "login"
        yield {"phase": phase, "target": target}, round(value / 1000, 9)


def _expiry(finding: Finding) -> _Values:
    if finding.check == "tls.days" and (match := _MOMENT.search(finding.detail)):
        yield {"target": finding.target}, datetime.fromisoformat(match[0]).timestamp()


def _words(check: str, label: str) -> Callable[[Finding], _Values]:
    """One sample for each word of the value."""

    def read(finding: Finding) -> _Values:
        if finding.check == check and isinstance(finding.value, str):
            for word in finding.value.split():
                yield {"target": finding.target, label: word}, 1.0

    return read


def _tls_version(finding: Finding) -> _Values:
    """The best version, which a client of today gets, spelt as the blackbox exporter does."""
    if finding.check == "tls.versions" and isinstance(finding.value, str) and finding.value:
        version = f"TLS {finding.value.split()[-1]}"
        yield {"target": finding.target, "version": version}, 1.0


def _of(check: str, unit: str) -> Callable[[Finding], _Values]:
    """The value of a check in a base unit."""

    def read(finding: Finding) -> _Values:
        value = _number(finding)
        if finding.check == check and finding.unit == unit and value is not None:
            yield {"target": finding.target}, value

    return read


def _software(finding: Finding) -> _Values:
    if finding.check == "server.version" and isinstance(finding.value, str):
        yield {"target": finding.target, "version": finding.value}, 1.0


_EACH: tuple[tuple[str, str, Callable[[Finding], _Values]], ...] = (
    ("check_success", "Whether a check did not fail; warnings are successes.", _success),
    ("check_status", "Status of a check: 0 ok, 1 warn, 2 fail, 3 unknown.", _status),
    ("duration_seconds", "Time of a step: that of a check, or of a login.", _duration),
    ("ssl_earliest_cert_expiry", "When the certificate ends, in seconds of Unix time.", _expiry),
    ("tls_version_info", "The best version of TLS that is offered.", _tls_version),
    ("tls_version_offered", "The versions of TLS that are offered.",
     _words("tls.versions", "version")),
    ("sasl_mechanism_offered", "The SASL mechanisms that are offered inside TLS.",
     _words("sasl.mechanisms", "mechanism")),
    ("server_info", "Software and version of the server.", _software),
    ("server_uptime_seconds", "How long the server has been running.", _of("server.uptime", "s")),
    ("clock_offset_seconds", "How far the clock of the server is ahead.", _of("server.clock", "s")),
)  # fmt: skip
