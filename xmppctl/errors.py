"""Every way xmppctl can fail, and the exit code that each way has.

    XmppctlError
      InternalError      1  a bug of ours
      UsageError         2  wrong arguments, malformed configuration, missing credentials
      ConnectError       3  a definite no on the way to the server
      AuthError          4  the server refused the credentials
      TlsError           5  no trustworthy TLS
      RefusedError       6  the entity answered with an error
      UnsupportedError   7  the server or peer lacks the feature
      DeadlineError      8  silence, at a named step
      PartialError       9  several targets, some of them failed
      EmptyError        10  nothing found, or no answer to a ping
      LocalError        11  a local file or state could not be used
      UntrustedError    12  no trusted key for a recipient
      SignalError  130/143/141  SIGINT, SIGTERM, broken pipe

Standard library only: everything else in the package may import this module.
"""

from __future__ import annotations

from dataclasses import replace
from enum import IntEnum
from typing import Annotated, ClassVar

from xmppctl.records import dataclass


class Exit(IntEnum):
    """Exit codes, as the contract with the user has them."""

    OK = 0
    INTERNAL = 1
    USAGE = 2
    CONNECT = 3
    AUTH = 4
    TLS = 5
    REFUSED = 6
    UNSUPPORTED = 7
    TIMEOUT = 8
    PARTIAL = 9
    EMPTY = 10
    LOCAL = 11
    UNTRUSTED = 12
    SIGINT = 130
    PIPE = 141
    SIGTERM = 143


@dataclass(frozen=True)
class ErrorInfo:
    """An error as it stands in a record's ``error`` field and, as JSON, on stderr."""

    code: Annotated[int, "exit code of this failure alone"]
    name: Annotated[str, "name of the exit code, such as REFUSED"]
    step: Annotated[str | None, "what was being done: dns, tcp, tls, auth, bind, send, ..."] = None
    condition: Annotated[str | None, "defined condition (RFC 6120 §8.3.3, §4.9.3, §6.5)"] = None
    type: Annotated[str | None, "stanza error type: auth, cancel, continue, modify, wait"] = None
    text: Annotated[str | None, "human-readable explanation"] = None
    by: Annotated[str | None, "JID or host:port of the entity that said so"] = None
    hint: Annotated[str | None, "what to try"] = None
    limit: Annotated[int | None, "the limit that was exceeded, in bytes"] = None


class XmppctlError(Exception):
    """Base of all failures that a user can meet.

    ``text`` says what failed in one sentence; ``hint`` says what to try. Both may contain text
    from the network: whoever shows them escapes it (``xmppctl.output.escape``).
    """

    code: ClassVar[Exit] = Exit.INTERNAL

    def __init__(
        self,
        text: str,
        *,
        step: str | None = None,
        condition: str | None = None,
        type: str | None = None,
        by: str | None = None,
        hint: str | None = None,
        limit: int | None = None,
    ) -> None:
        super().__init__(text)
        self.text = text
        self.step = step
        self.condition = condition
        self.type = type
        self.by = by
        self.hint = hint
        self.limit = limit

    @property
    def exit(self) -> Exit:
        """The exit code of this very error (a signal's depends on the signal)."""
        return self.code

    def info(self) -> ErrorInfo:
        """This error as a record."""
        return ErrorInfo(
            code=int(self.exit),
            name=self.exit.name,
            step=self.step,
            condition=self.condition,
            type=self.type,
            text=self.text,
            by=self.by,
            hint=self.hint,
            limit=self.limit,
        )


class InternalError(XmppctlError):
    """A bug of ours."""


class UsageError(XmppctlError):
    """Wrong arguments, bad JID, malformed configuration, missing credentials or extra."""

    code = Exit.USAGE


class ConnectError(XmppctlError):
    """A definite no on the way: NXDOMAIN, refused, unreachable, stream ended by the server."""

    code = Exit.CONNECT


class AuthError(XmppctlError):
    """The server refused the credentials, or offers no acceptable mechanism."""

    code = Exit.AUTH


class TlsError(XmppctlError):
    """Certificate not trusted, wrong name, expired, pin mismatch, TLS not offered."""

    code = Exit.TLS


class RefusedError(XmppctlError):
    """The entity answered with an error."""

    code = Exit.REFUSED


class UnsupportedError(XmppctlError):
    """The server or peer does not offer the feature that this needs."""

    code = Exit.UNSUPPORTED


class DeadlineError(XmppctlError):
    """Silence for longer than the user allowed; ``step`` says where."""

    code = Exit.TIMEOUT


class PartialError(XmppctlError):
    """Several targets, some of them failed."""

    code = Exit.PARTIAL


class EmptyError(XmppctlError):
    """Nothing found where ``--fail-empty`` asked for something, or no answer to a ping."""

    code = Exit.EMPTY


class LocalError(XmppctlError):
    """A local file or state could not be read or written, or is open to others."""

    code = Exit.LOCAL


class UntrustedError(XmppctlError):
    """No trusted device or key for a recipient; nothing was sent."""

    code = Exit.UNTRUSTED


class SignalError(XmppctlError):
    """The run was ended by a signal, or by the reader of its output."""

    def __init__(self, code: Exit, text: str) -> None:
        super().__init__(text)
        self._exit = code

    @property
    def exit(self) -> Exit:
        """128 + the signal's number."""
        return self._exit


def missing_aioxmpp() -> UsageError:
    """What to say where aioxmpp is missing: Python 3.13 and later cannot meet its own pins."""
    import shlex
    import sys
    from importlib.util import find_spec

    python = shlex.quote(sys.executable)
    # environments that uv made have no pip of their own
    pip = f"{python} -m pip install" if find_spec("pip") else f"uv pip install --python {python}"
    return UsageError(
        "the XMPP library aioxmpp is not installed",
        step="start",
        condition="missing-dependency",
        hint=f"{pip} --no-deps aioxmpp==0.13.3",
    )


BY_CODE: dict[int, type[XmppctlError]] = {
    int(cls.code): cls for cls in XmppctlError.__subclasses__() if cls is not SignalError
}


def from_info(info: ErrorInfo) -> XmppctlError:
    """The exception that ``info`` was made from (a record's error, raised after all)."""
    return BY_CODE[info.code](
        info.text or info.condition or info.name,
        step=info.step,
        condition=info.condition,
        type=info.type,
        by=info.by,
        hint=info.hint,
        limit=info.limit,
    )


def summarise(infos: list[ErrorInfo | None]) -> ErrorInfo | None:
    """One error for the outcome of many targets: ``None`` when all went well.

    All failed with one code: that code, told by the first of them. Otherwise PARTIAL.
    """
    failed = [info for info in infos if info is not None]
    if not failed:
        return None
    if len(failed) == len(infos) and len({info.code for info in failed}) == 1:
        return replace(failed[0])
    first = failed[0]
    return ErrorInfo(
        code=int(Exit.PARTIAL),
        name=Exit.PARTIAL.name,
        step=first.step,
        condition=first.condition,
        type=first.type,
        text=f"{len(failed)} of {len(infos)} targets failed; the first: {first.text}",
        by=first.by,
        hint=first.hint,
    )
