"""Real servers to try xmppctl on, with the accounts alice and bob; gone again afterwards.

    tools/sandbox.py                        both servers; prints the environment; ends by Ctrl-C
    tools/sandbox.py --only prosody         one of them
    tools/sandbox.py --only prosody -- CMD  runs CMD in that environment and ends with its code
    tools/sandbox.py --host sasl2 ...       alice and bob on another host: sasl2 has SASL2 and FAST

The environment is alice's account (XMPPCTL_JID, XMPPCTL_PASSWORD, XMPPCTL_CONNECT,
XMPPCTL_CA_FILE), directories for configuration and state, and DOMAIN, CONFERENCE, UPLOAD, PUBSUB,
ALICE, ALICE_PASSWORD, BOB, BOB_PASSWORD. DIRECT_TLS (for --connect with --tls direct), WEBSOCKET
and BOSH (for --endpoint) are other ways to the server. CMD gets that of the first server.
"""

from __future__ import annotations

import argparse
import os
import secrets
import shlex
import signal
import subprocess
import sys
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.servers.base import Server

NAMES = ("prosody", "ejabberd")


@contextmanager
def sandbox(names: tuple[str, ...], host: str | None = None) -> Iterator[list[dict[str, str]]]:
    """Start the servers; the environment of each. Raises tests.servers.base.ServerError.

    ``host``: the purpose of a virtual host (``Server.hosts``); servers without it are left out.
    """
    from tests.servers.ca import Authority
    from tests.servers.ejabberd import Ejabberd
    from tests.servers.prosody import Prosody

    kinds: dict[str, type[Server]] = {"prosody": Prosody, "ejabberd": Ejabberd}
    with tempfile.TemporaryDirectory(prefix="xmppctl-sandbox-") as name, ExitStack() as stack:
        directory = Path(name)
        authority = Authority(directory / "ca")
        chosen = [kinds[name] for name in names if host is None or host in kinds[name].hosts]
        servers = [kind(directory / kind.name, authority) for kind in chosen]
        with ThreadPoolExecutor() as pool:
            for server in servers:
                stack.callback(server.stop)
            list(pool.map(lambda server: server.start(), servers))
        yield [_environment(server, directory / f"home-{server.name}", host) for server in servers]


def _environment(server: Server, home: Path, purpose: str | None) -> dict[str, str]:
    people = {}
    domain = server.domain if purpose is None else server.hosts[purpose]
    for local in ("alice", "bob"):
        password = secrets.token_urlsafe(9)
        server.create_user(local, password, domain)
        people[local.upper()] = f"{local}@{domain}"
        people[f"{local.upper()}_PASSWORD"] = password
    host, port = server.starttls
    return {
        "XMPPCTL_JID": people["ALICE"],
        "XMPPCTL_PASSWORD": people["ALICE_PASSWORD"],
        "XMPPCTL_CONNECT": f"{host}:{port}",
        "XMPPCTL_CA_FILE": str(server.ca_file),
        **{
            f"XMPPCTL_{kind.upper()}_DIR": str(home / kind) for kind in ("config", "state", "cache")
        },
        "DIRECT_TLS": "{}:{}".format(*server.direct_tls),
        "WEBSOCKET": server.websocket_url,
        "BOSH": server.bosh_url,
        "DOMAIN": domain,
        "CONFERENCE": server.conference,
        "UPLOAD": server.upload,
        "PUBSUB": server.pubsub,
        **people,
    }


def _run(command: list[str], environment: dict[str, str]) -> int:
    """Run ``command`` to its end; signals go to it, and only then to us."""
    outer = {name: value for name, value in os.environ.items() if not name.startswith("XMPPCTL_")}
    path = f"{Path(sys.executable).parent}{os.pathsep}{outer.get('PATH', os.defpath)}"
    process = subprocess.Popen(command, env={**outer, **environment, "PATH": path})
    try:
        code = process.wait()
    except BaseException:
        process.terminate()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        raise
    return 128 - code if code < 0 else code


def _show(environments: list[dict[str, str]]) -> None:
    for environment in environments:
        print(f"# {environment['DOMAIN']}")
        for name, value in environment.items():
            print(f"export {name}={shlex.quote(value)}")
        print()
    print("# running; Ctrl-C ends it", flush=True)


class _Signalled(BaseException):
    """SIGINT or SIGTERM, as an exception: everything is cleaned up on its way out."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


def _raise(number: int, _frame: FrameType | None) -> None:
    for each in (signal.SIGINT, signal.SIGTERM):  # the clean-up is not to be interrupted
        signal.signal(each, signal.SIG_IGN)
    raise _Signalled(number)


def main(argv: list[str]) -> int:
    """Exit code: the command's, 1 when a server did not start, 128 + n for a signal."""
    own, command = argv, []
    if "--" in argv:
        own, command = argv[: argv.index("--")], argv[argv.index("--") + 1 :]
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--only", choices=NAMES, help="start this server only")
    parser.add_argument("--host", metavar="PURPOSE", help="make the accounts on this host")
    parser.epilog = "-- COMMAND ARGS... runs a command in the sandbox's environment"
    options = parser.parse_args(own)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _raise)

    from tests.servers.base import ServerError

    try:
        names = NAMES if options.only is None else (options.only,)
        with sandbox(names, options.host) as environments:
            if not environments:
                parser.error(f"no server has a host {options.host!r}")
            if command:
                return _run(command, environments[0])
            _show(environments)
            threading.Event().wait()
    except ServerError as error:
        print(f"sandbox: {error}", file=sys.stderr)
        return 1
    except FileNotFoundError as error:
        print(f"sandbox: {error.filename}: no such command", file=sys.stderr)
        return 127
    except _Signalled as caught:
        return 0 if caught.number == signal.SIGINT and not command else 128 + caught.number
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
