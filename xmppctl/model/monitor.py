"""What a monitoring system is told: checks with a state, and metrics."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import Annotated, Any, ClassVar, Literal

from xmppctl.errors import ErrorInfo
from xmppctl.model.jid import Jid
from xmppctl.records import dataclass

State = Literal["ok", "warning", "critical", "unknown"]


@dataclass(frozen=True)
class Perf:
    """One performance figure of a check."""

    label: Annotated[str, "what is measured, such as rtt; empty: what the check is called"]
    value: Annotated[float | None, "the figure, null where it could not be measured"]
    uom: Annotated[
        Literal["", "s", "ms", "us", "%", "B", "KB", "MB", "GB", "TB", "c"],
        "unit; c is a counter that only grows",
    ] = ""
    warn: Annotated[str | None, "range outside of which the state is warning: 10, 10:, ~:10"] = None
    crit: Annotated[str | None, "range outside of which the state is critical"] = None
    min: Annotated[float | None, "smallest figure possible"] = None
    max: Annotated[float | None, "greatest figure possible"] = None


@dataclass(frozen=True)
class Check:
    """One thing that was checked, and how it is."""

    PLAIN: ClassVar[str] = "service"
    TABLE: ClassVar[tuple[str, ...]] = ("service", "state", "text")

    service: Annotated[str, "what was checked, such as XMPP PING"]
    state: Annotated[State, "how it is"]
    text: Annotated[str, "one line for people"]
    details: Annotated[list[str], "further lines"] = field(default_factory=list)
    perf: Annotated[list[Perf], "performance figures"] = field(default_factory=list)


@dataclass(frozen=True)
class Sample:
    """One value of a metric."""

    labels: Annotated[dict[str, str], "labels by name"]
    value: Annotated[float, "the value, in the base unit that the metric's name ends in"]


@dataclass(frozen=True)
class Metric:
    """A metric with its values."""

    name: Annotated[str, "name with its base unit, such as xmpp_ping_rtt_seconds"]
    help: Annotated[str, "what it tells, in one sentence"]
    type: Annotated[Literal["gauge", "counter", "untyped"], "kind of the metric"] = "gauge"
    samples: Annotated[list[Sample], "its values"] = field(default_factory=list)


@dataclass(frozen=True)
class Run:
    """The run whose records are told to a monitoring system.

    ``given``: the verb's own options and arguments by their names. ``account``: whose run it is,
    None where that could not be found out. ``failure``: what ended it before all its records were
    there.
    """

    given: Mapping[str, Any] = field(default_factory=dict)
    account: Jid | None = None
    failure: ErrorInfo | None = None
