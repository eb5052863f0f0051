"""What the monitors of several commands need: thresholds, sums, moments."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from xmppctl.model.monitor import Metric, State


def graded(value: float, warn: float | None, crit: float | None) -> State:
    """The state of a figure that is the better the smaller it is; at the limit it is still well."""
    if crit is not None and value > crit:
        return "critical"
    return "warning" if warn is not None and value > warn else "ok"


def gauge(name: str, help: str, labels: dict[str, str], value: float | datetime | None) -> Metric:
    """A metric with one sample; with none where there is no value."""
    from xmppctl.model.monitor import Metric, Sample

    number = value.timestamp() if isinstance(value, datetime) else value
    samples = [] if number is None else [Sample(labels, float(number))]
    return Metric(name, help, samples=samples)


def moment(at: datetime) -> str:
    """A time as the JSON of a record has it."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")
