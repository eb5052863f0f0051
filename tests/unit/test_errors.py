"""The tree of errors, its exit codes, and the one error of many targets."""

from __future__ import annotations

import dataclasses
import shlex
import sys

import pytest

from xmppctl import errors
from xmppctl.errors import (
    BY_CODE,
    ErrorInfo,
    Exit,
    InternalError,
    RefusedError,
    SignalError,
    TlsError,
    XmppctlError,
    from_info,
    summarise,
)

CODES = {
    "OK": 0, "INTERNAL": 1, "USAGE": 2, "CONNECT": 3, "AUTH": 4, "TLS": 5, "REFUSED": 6,
    "UNSUPPORTED": 7, "TIMEOUT": 8, "PARTIAL": 9, "EMPTY": 10, "LOCAL": 11, "UNTRUSTED": 12,
    "SIGINT": 130, "PIPE": 141, "SIGTERM": 143,
}  # fmt: skip


def test_the_codes_never_change() -> None:
    assert {code.name: int(code) for code in Exit} == CODES


def test_every_class_has_a_code_of_its_own() -> None:
    classes = [cls for cls in XmppctlError.__subclasses__() if cls is not SignalError]
    assert len({cls.code for cls in classes}) == len(classes)
    assert {int(cls.code) for cls in classes} == set(range(1, 13))
    assert [BY_CODE[int(cls.code)] for cls in classes] == classes


def test_the_docstring_prints_the_tree() -> None:
    for cls in XmppctlError.__subclasses__():
        line = next(each for each in (errors.__doc__ or "").splitlines() if cls.__name__ in each)
        if cls is not SignalError:
            assert f" {int(cls.code)} " in line


def test_there_and_back() -> None:
    error = RefusedError(
        "no", step="send", condition="gone", type="cancel", by="a@b", hint="try", limit=7
    )
    info = error.info()
    assert dataclasses.asdict(info) == {
        "code": 6, "name": "REFUSED", "step": "send", "condition": "gone", "type": "cancel",
        "text": "no", "by": "a@b", "hint": "try", "limit": 7,
    }  # fmt: skip
    again = from_info(info)
    assert type(again) is RefusedError
    assert again.info() == info
    assert str(error) == "no"


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "PIPE"])
def test_signals(name: str) -> None:
    info = SignalError(Exit[name], "x").info()
    assert (info.code, info.name) == (CODES[name], name)


def test_an_error_without_words() -> None:
    assert from_info(ErrorInfo(5, "TLS", condition="odd")).text == "odd"
    assert from_info(ErrorInfo(5, "TLS")).text == "TLS"


def test_the_outcome_of_many_targets() -> None:
    refused, tls = RefusedError("a", by="x").info(), TlsError("b").info()
    assert summarise([]) is None
    assert summarise([None, None]) is None
    assert summarise([refused]) == refused
    assert summarise([refused, RefusedError("c").info()]) == refused
    mixtures: list[list[ErrorInfo | None]] = [[refused, None], [refused, tls]]
    for mixed in mixtures:
        outcome = summarise(mixed)
        assert outcome is not None
        assert outcome.code == Exit.PARTIAL
        assert outcome.by == "x"
        assert outcome.text == f"{2 - mixed.count(None)} of 2 targets failed; the first: a"


def test_missing_library() -> None:
    error = errors.missing_aioxmpp()
    assert error.code is Exit.USAGE
    assert sys.executable in shlex.split(error.hint or "")
    assert "--no-deps aioxmpp==" in (error.hint or "")


def test_a_bug_is_internal() -> None:
    assert InternalError("x").exit is Exit.INTERNAL
