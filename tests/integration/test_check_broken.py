"""``xmppctl server check``: each defect is named by its check, and nothing else is.

The servers are the tests' own (tests/servers/bench.py): real ones cannot be broken so.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.peers.process import Result, Xmppctl
from tests.servers.bench import PASSWORD, Bench
from tests.servers.broken import DEFECTS, DOMAIN, Broken
from tests.servers.ca import Authority
from xmppctl.model.check import NEED_ACCOUNT

Finding = dict[str, Any]

QUICK = ("--connect-timeout", "2s", "--timeout", "2s")
"""What keeps silent does so for long enough."""


def check(xmppctl: Xmppctl, bench: Bench, broken: Broken, *words: str) -> Result:
    who = f"me@{broken.domain}" if broken.account else None
    return xmppctl(
        *(*QUICK[:2], *words, *QUICK[2:], "server", "check", broken.domain, *broken.words),
        jid=who,
        password=PASSWORD if broken.account else None,
        ca_file=bench.authority.ca_file,
        env={"XMPPCTL_NAMESERVER": bench.nameserver},
    )


def blamed(findings: list[Finding]) -> set[tuple[str, str]]:
    """Check and status of all that is not well; what stands behind a defect may be unknown."""
    return {
        (finding["check"], finding["status"])
        for finding in findings
        if finding["status"] not in ("ok", "unknown")
    }


def shown(findings: list[Finding]) -> str:
    return "\n".join(
        f"{each['status']:8}{each['check']:18}{each['target']}: {each['detail']}"
        for each in findings
    )


@pytest.mark.parametrize("name", DEFECTS)
def test_a_defect(xmppctl: Xmppctl, authority: Authority, name: str) -> None:
    broken = DEFECTS[name]
    with Bench(DOMAIN, authority, **broken.bench(authority)) as bench:
        run = check(xmppctl, bench, broken, "--json")
    findings = run.json()
    expected = {(each, broken.status) for each in broken.check.split()}
    assert blamed(findings) == expected, f"{shown(findings)}\n{run}"
    run.expect(6)
    for finding in findings:
        if finding["status"] in ("warn", "fail"):
            assert finding["advice"], finding
        if finding["status"] != "ok":
            assert finding["detail"], finding


@pytest.mark.parametrize("account", [False, True])
def test_a_server_that_is_well(xmppctl: Xmppctl, authority: Authority, account: bool) -> None:
    broken = Broken("", words=("--s2s",) if account else (), account=account)
    with Bench(DOMAIN, authority) as bench:
        run = check(xmppctl, bench, broken, "--json")
    findings = run.expect(0).json()
    assert not blamed(findings), shown(findings)
    unknown = [finding for finding in findings if finding["status"] == "unknown"]
    assert not unknown, shown(unknown)
    # what tells of defects tells of their absence too
    expected = {check for each in DEFECTS.values() for check in each.check.split()}
    missing = expected - {finding["check"] for finding in findings}
    assert not missing - (set() if account else NEED_ACCOUNT)
    pairs = [(finding["check"], finding["target"]) for finding in findings]
    assert len(set(pairs)) == len(pairs)
