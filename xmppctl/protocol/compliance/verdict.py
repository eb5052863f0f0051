"""What was found out about one requirement, and by which kind of evidence."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple, get_args
from xml.etree.ElementTree import Element

from xmppctl.errors import XmppctlError
from xmppctl.model.compliance import Method
from xmppctl.session.conditions import UNSUPPORTED, stanza_error

_RANK = {method: rank for rank, method in enumerate(get_args(Method))}


class Verdict(NamedTuple):
    """Whether it is there (None: unknown), how that is known, and what was found."""

    met: bool | None
    method: Method
    detail: str


Verdicts = Mapping[str, Verdict]
"""By the name of what was tested."""


def unknown(detail: str) -> Verdict:
    """It could not be found out."""
    return Verdict(None, "untested", detail)


def refused(answer: Element, method: Method = "live") -> Verdict:
    """A request was answered with an error."""
    condition = stanza_error(answer, "").condition
    if condition in UNSUPPORTED:
        return Verdict(False, method, f"the request is not known ({condition})")
    return Verdict(False, method, f"the request was refused ({condition})")


def failed(error: XmppctlError, what: str | None = None) -> Verdict:
    """A test came to an end by this error; silence is no support either."""
    text = error.text if what is None else f"{what}: {error.text}"
    return Verdict(False, "live", text)


def strongest(found: Iterable[Verdicts]) -> dict[str, Verdict]:
    """For each test the verdict with the best evidence: to have used it counts more than a word."""
    result: dict[str, Verdict] = {}
    for verdicts in found:
        for test, verdict in verdicts.items():
            known = result.get(test)
            if known is None or _RANK[verdict.method] < _RANK[known.method]:
                result[test] = verdict
    return result
