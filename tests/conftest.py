"""Fixtures: the real servers of the run, fresh accounts on them, and xmppctl as a process.

XMPPCTL_TEST_SKIP=ejabberd (or prosody, or both with a comma) leaves a server's tests out, and the
end of the run says so. A server that is merely missing is a failure.

XMPPCTL_TEST_TRANSPORT=direct (or websocket, bosh) lets xmppctl reach them that way, and runs only
what that makes a difference to: the tests of tests/integration that reach a server and do not say
themselves how.

A test that is marked ``in_turn`` runs with one of the servers, which one being its name's to say,
so that each module meets both, and with both where XMPPCTL_TEST_EVERYTHING=1.

A parametrized test that is marked ``sampled`` runs half of its cases, one at least, always the same
ones, chosen by their names; what only the others would show is found where
XMPPCTL_TEST_EVERYTHING=1, which runs all. The end of the run says how many were left out.

Two servers, their clients and xmppctl share a machine: a test of tests/integration or tests/servers
that fails runs again, twice at most, and the end of the run names it. XMPPCTL_TEST_EVERYTHING=1,
which make test-all sets, is strict.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any
from zlib import crc32

import pytest
from hypothesis import settings

from tests.peers.process import (
    ANOTHER_TRANSPORT,
    OWN_CONNECTION,
    TRANSPORT,
    TRANSPORTS,
    Xmppctl,
)
from tests.servers.base import Account, Server
from tests.servers.ca import Authority
from tests.servers.ejabberd import Ejabberd
from tests.servers.prosody import Prosody

_EVERYTHING = bool(os.environ.get("XMPPCTL_TEST_EVERYTHING"))

# how long an example takes says more of the machine than of the code
settings.register_profile("xmppctl", deadline=None, max_examples=100 if _EVERYTHING else 40)
settings.load_profile("xmppctl")

SERVERS: dict[str, type[Server]] = {"prosody": Prosody, "ejabberd": Ejabberd}
SHELLS = frozenset({"bash", "zsh", "fish"})
SKIPPED = frozenset(filter(None, os.environ.get("XMPPCTL_TEST_SKIP", "").split(",")))
_HERE = Path(__file__).resolve().parent
_INTEGRATION = _HERE / "integration"
_SERVERS = _HERE / "servers"
_LEFT_BY_PEERS = "default::pytest.PytestUnraisableExceptionWarning"
_LEFT_OUT = pytest.StashKey[int]()
_LOG_MARKS = pytest.StashKey[dict[str, int]]()


class Farm:
    """The servers that the collected tests need, all starting at once when the first is asked."""

    def __init__(self, directory: Path, authority: Authority, wanted: set[str]) -> None:
        self._servers = {name: SERVERS[name](directory / name, authority) for name in wanted}
        self._pool = ThreadPoolExecutor(max_workers=max(1, len(wanted)))
        self._starts: dict[str, Future[None]] = {
            name: self._pool.submit(server.start) for name, server in self._servers.items()
        }

    def get(self, name: str) -> Server:
        """A server that is ready; raises ServerError when it could not be started."""
        self._starts[name].result()
        return self._servers[name]

    def stop(self) -> None:
        """Stop all of them, at once."""
        for start in self._starts.values():
            start.exception()
        list(self._pool.map(lambda server: server.stop(), self._servers.values()))
        self._pool.shutdown()


def _needs(item: pytest.Item) -> set[str]:
    """The names of the servers that a test uses."""
    fixtures = set(getattr(item, "fixturenames", ()))
    call = getattr(item, "callspec", None)
    chosen = {call.params["server"]} if call is not None and "server" in call.params else set()
    return (fixtures & SERVERS.keys()) | chosen


def _skip_if_asked(name: str) -> None:
    if name in SKIPPED:
        pytest.skip(f"XMPPCTL_TEST_SKIP names {name}")


# --- fixtures -----------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """The certificate authority of the run."""
    return Authority(tmp_path_factory.mktemp("ca"))


@pytest.fixture(scope="session")
def farm(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, authority: Authority
) -> Iterator[Farm]:
    """All servers of the run."""
    wanted: set[str] = set().union(*(_needs(item) for item in request.session.items)) - SKIPPED
    farm = Farm(tmp_path_factory.mktemp("servers"), authority, wanted)
    yield farm
    farm.stop()


@pytest.fixture(scope="session")
def prosody(request: pytest.FixtureRequest) -> Prosody:
    """Prosody, running."""
    _skip_if_asked("prosody")
    server = request.getfixturevalue("farm").get("prosody")
    assert isinstance(server, Prosody)
    return server


@pytest.fixture(scope="session")
def ejabberd(request: pytest.FixtureRequest) -> Ejabberd:
    """Ejabberd, running."""
    _skip_if_asked("ejabberd")
    server = request.getfixturevalue("farm").get("ejabberd")
    assert isinstance(server, Ejabberd)
    return server


@pytest.fixture(scope="session")
def server(request: pytest.FixtureRequest) -> Server:
    """Each server in turn; ``@pytest.mark.servers("prosody")`` takes only those named."""
    chosen = request.getfixturevalue(request.param)
    assert isinstance(chosen, Server)
    return chosen


@pytest.fixture
def alice(server: Server) -> Account:
    """A fresh account."""
    return server.account("alice")


@pytest.fixture
def bob(server: Server) -> Account:
    """Another fresh account."""
    return server.account("bob")


@pytest.fixture
def xmppctl(tmp_path: Path) -> Iterator[Xmppctl]:
    """Runs xmppctl as a process: ``xmppctl("ping", account=alice)``; see ``Xmppctl``."""
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    runner = Xmppctl(home)
    yield runner
    runner.close()


# --- hooks --------------------------------------------------------------------------------------


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "servers(*names): run against these servers only")
    config.addinivalue_line(
        "markers", "in_turn: with one of the servers; with both where everything is tested"
    )
    config.addinivalue_line(
        "markers", "sampled: half of the cases; all of them where everything is tested"
    )
    config.addinivalue_line("markers", f"own_connection: {OWN_CONNECTION}")
    if TRANSPORT not in TRANSPORTS:
        raise pytest.UsageError(f"XMPPCTL_TEST_TRANSPORT: not one of {', '.join(TRANSPORTS)}")
    unknown = SKIPPED - SERVERS.keys() - SHELLS
    if unknown:
        names = ", ".join(sorted(unknown))
        raise pytest.UsageError(f"XMPPCTL_TEST_SKIP: no such server or shell: {names}")


@pytest.hookimpl(tryfirst=True)
def pytest_collection(session: pytest.Session) -> None:
    """Where several processes collect everything, each begins at another place.

    Otherwise all of them, side by side, would compile every module in the same order.
    """
    worker = getattr(session.config, "workerinput", None)
    if worker is None or [Path(arg).resolve() for arg in session.config.args] != [_HERE]:
        return
    paths = sorted(_HERE.rglob("test_*.py"))
    start = len(paths) * int(worker["workerid"].removeprefix("gw")) // worker["workercount"]
    for path in paths[start:] + paths[:start]:
        # what cannot be imported, or is to be skipped, is told when it is collected
        with suppress(Exception, pytest.skip.Exception):
            import_module(".".join(path.relative_to(_HERE.parent).with_suffix("").parts))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "server" in metafunc.fixturenames:
        marker = metafunc.definition.get_closest_marker("servers")
        names = list(SERVERS) if marker is None else list(marker.args)
        if metafunc.definition.get_closest_marker("in_turn") and not _EVERYTHING:
            # skipped servers leave the other one
            left = [name for name in names if name not in SKIPPED] or names
            names = [left[crc32(metafunc.definition.nodeid.encode()) % len(left)]]
        metafunc.parametrize("server", names, indirect=True, scope="session")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Over another transport, leave out what says itself how to connect, or to no server."""
    for item in items:
        if item.path.is_relative_to(_INTEGRATION) or item.path.is_relative_to(_SERVERS):
            # a socket that a peer of an earlier test left to the collector tells nothing of xmppctl
            item.add_marker(pytest.mark.filterwarnings(_LEFT_BY_PEERS))
            if not _EVERYTHING:
                item.add_marker(pytest.mark.flaky(reruns=2))
        elif not _EVERYTHING:
            # what such a test left to the collector may be found in the middle of another one; a
            # test's own leak is there again
            again = pytest.mark.flaky(reruns=1, only_rerun=["[Uu]nraisable"])
            item.add_marker(again)
    if not _EVERYTHING:
        _sample(config, items)
    if not ANOTHER_TRANSPORT:
        return
    chosen = [
        item
        for item in items
        if item.path.is_relative_to(_INTEGRATION)
        and item.get_closest_marker("own_connection") is None
        and _needs(item)
    ]
    config.hook.pytest_deselected(items=[item for item in items if item not in set(chosen)])
    items[:] = chosen


def _sample(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out half of the cases of each sampled test, the same ones in every process."""
    cases: dict[tuple[Path, str], list[pytest.Item]] = defaultdict(list)
    for item in items:
        if isinstance(item, pytest.Function) and item.get_closest_marker("sampled"):
            cases[item.path, item.originalname].append(item)
    left: set[pytest.Item] = set()
    for each in cases.values():
        each.sort(key=lambda item: (crc32(item.nodeid.encode()), item.nodeid))
        left.update(each[(len(each) + 1) // 2 :])
    config.stash[_LEFT_OUT] = len(left)
    if left:
        config.hook.pytest_deselected(items=list(left))
        items[:] = [item for item in items if item not in left]


def pytest_sessionfinish(session: pytest.Session) -> None:
    told = getattr(session.config, "workeroutput", None)  # of a worker of pytest-xdist
    if told is not None:
        told["left_out"] = session.config.stash.get(_LEFT_OUT, 0)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any, error: object) -> None:
    """Every worker collected the same; what any of them tells is what was left out."""
    told = getattr(node, "workeroutput", {}).get("left_out", 0)
    node.config.stash[_LEFT_OUT] = max(told, node.config.stash.get(_LEFT_OUT, 0))


def _servers_of(item: pytest.Item) -> list[Server]:
    values = getattr(item, "funcargs", {}).values()
    return list({value.name: value for value in values if isinstance(value, Server)}.values())


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_call(item: pytest.Item) -> None:
    item.stash[_LOG_MARKS] = {server.name: server.log_size() for server in _servers_of(item)}


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Any:
    """What every run of xmppctl wrote, and the servers' logs of this very test."""
    report = yield
    if report.when == "call" and report.failed:
        runner = getattr(item, "funcargs", {}).get("xmppctl")
        if isinstance(runner, Xmppctl):
            runner.close()
            report.sections += [("xmppctl", str(result)) for result in runner.results]
        marks = item.stash.get(_LOG_MARKS, {})
        for server in _servers_of(item):
            tail = server.log_tail(80, since=marks.get(server.name, 0))
            report.sections.append((f"log of {server.name}", tail))
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if ANOTHER_TRANSPORT:
        skipped = terminalreporter.stats.get("skipped", ())
        count = sum(OWN_CONNECTION in str(report.longrepr) for report in skipped)
        terminalreporter.write_sep(
            "!",
            f"over {TRANSPORT}: only what that makes a difference to; left out besides: "
            f"{count} tests that say how to connect",
        )
    left = terminalreporter.config.stash.get(_LEFT_OUT, 0)
    if left:
        terminalreporter.write_sep(
            "!", f"{left} cases of sampled tests were left out; XMPPCTL_TEST_EVERYTHING=1 runs all"
        )
    again = sorted({report.nodeid for report in terminalreporter.stats.get("rerun", ())})
    if again:
        terminalreporter.write_sep("!", f"{len(again)} tests ran again, having failed")
        for name in again:
            terminalreporter.write_line(name)
    if SKIPPED:
        names = ", ".join(sorted(SKIPPED))
        terminalreporter.write_sep("!", f"tests of {names} were left out: XMPPCTL_TEST_SKIP")
