"""`xmppctl server check`: which checks, of which domain, by which way, with whose account."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from xmppctl.cli import App
from xmppctl.commands.server import check as command
from xmppctl.errors import RefusedError, UsageError
from xmppctl.model.check import CHECKS, NEED_ACCOUNT, Finding
from xmppctl.model.jid import parse as jid
from xmppctl.protocol.check.engine import Plan

OPTIONS: dict[str, Any] = {
    "only": (),
    "skip": (),
    "warn_days": 14.0,
    "crit_days": 7.0,
    "warn_time": None,
    "crit_time": None,
    "strict": False,
    "s2s": False,
    "s2s_connect": None,
    "peers": (),
}
ALICE = {"XMPPCTL_JID": "alice@one.test", "XMPPCTL_PASSWORD": "secret"}
AT = ("127.0.0.1", 5999)


@pytest.fixture
def plan(tmp_path: Path) -> Any:
    """``plan("one.test", env, options)``: the plan, with nothing else in the environment."""

    def make(
        domain: str | None,
        env: dict[str, str] | None = None,
        given: dict[str, object] | None = None,
        **options: Any,
    ) -> Plan:
        app = App()
        places = {f"XMPPCTL_{n}_DIR": str(tmp_path / n) for n in ("CONFIG", "STATE", "CACHE")}
        app.env = {**places, **(env or {})}
        app.options = {name: (value, f"option --{name}") for name, value in (given or {}).items()}
        return command._plan(app, jid(domain) if domain else None, {**OPTIONS, **options})

    return make


def test_a_domain_without_an_account(plan: Any) -> None:
    made = plan("one.test")
    assert (made.domain, made.login, made.wanted) == ("one.test", None, frozenset(CHECKS))
    assert made.account.domain == "one.test"


def test_neither_a_domain_nor_an_account(plan: Any) -> None:
    with pytest.raises(UsageError, match="no DOMAIN, and no account") as caught:
        plan(None)
    assert "DOMAIN" in (caught.value.hint or "")


def test_the_account_and_its_domain(plan: Any) -> None:
    for domain in (None, "one.test", "ONE.test"):
        made = plan(domain, {**ALICE, "XMPPCTL_CONNECT": "127.0.0.1:5999"})
        assert made.domain == "one.test"
        assert made.own
        assert made.account.connect == AT
        assert str(made.login.jid) == "alice@one.test"


def test_a_domain_for_an_account_is_no_login(plan: Any) -> None:
    assert plan(None, {"XMPPCTL_JID": "one.test"}).login is None


def test_nobody_logs_in_where_no_check_needs_it(plan: Any) -> None:
    assert plan(None, ALICE, only=("tls",)).login is None


def test_an_account_of_another_domain(plan: Any) -> None:
    made = plan("two.test", {**ALICE, "XMPPCTL_CONNECT": "127.0.0.1:5999"})
    # what is said of its server holds for that one
    assert (made.domain, made.own, made.account.connect) == ("two.test", False, None)
    assert made.account.domain == "two.test"
    assert made.login.domain == "one.test"
    assert made.login.connect == AT


def test_an_option_says_where_the_domain_is(plan: Any) -> None:
    made = plan("two.test", ALICE, {"connect": "127.0.0.1:5999"})
    assert (made.account.connect, made.login) == (AT, None)


def test_pins_of_an_account_are_for_its_server(plan: Any) -> None:
    pin = {"XMPPCTL_PIN": f"sha256:{'00' * 32}"}
    assert plan("one.test", {**ALICE, **pin}).account.pins
    assert not plan("two.test", {**ALICE, **pin}).account.pins


def test_nobody_is_asked_for_a_password_for_another_domain(plan: Any) -> None:
    nobody = {"XMPPCTL_JID": "alice@one.test"}
    assert plan("two.test", nobody).login is None
    assert plan("one.test", nobody).login is not None
    assert plan("one.test", nobody, {"no_input": True}).login is None


def test_what_needs_an_account(plan: Any) -> None:
    with pytest.raises(UsageError, match=r"check mam.archive needs an account of one.test"):
        plan("one.test", only=("mam",))
    with pytest.raises(UsageError, match="--peer needs an account"):
        plan("one.test", peers=(jid("two.test"),))
    with pytest.raises(UsageError, match=r"check roster.get needs an account of two.test"):
        plan("two.test", ALICE, only=("roster",))
    with pytest.raises(UsageError, match="needs a --peer"):
        plan("one.test", ALICE, only=("s2s",))
    assert plan("two.test", ALICE, only=("s2s",)).login is not None
    made = plan("one.test", ALICE, peers=(jid("two.test"), jid("two.test")))
    assert made.peers == ("two.test",)


def test_which_checks(plan: Any) -> None:
    assert plan("one.test", only=("tls.days",)).wanted == {"tls.days"}
    assert plan("one.test", only=("tls",), skip=("tls.days",)).wanted == {
        each for each in CHECKS if each.startswith("tls.")
    } - {"tls.days"}
    several = plan("one.test", only=("tls.days,tls.name", "dns"), skip=("dns.srv, dns.port",))
    assert several.wanted == {"tls.days", "tls.name", "dns.target", "dns.ipv6", "dns.dnssec"}
    with pytest.raises(UsageError, match="leaves nothing"):
        plan("one.test", only=("tls.days",), skip=("tls",))


@pytest.mark.parametrize(
    "options", [{"warn_days": 5.0}, {"warn_time": 2.0, "crit_time": 1.0}], ids=str
)
def test_limits_that_contradict(plan: Any, options: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        plan("one.test", **options)


def test_limits(plan: Any) -> None:
    limits = plan("one.test", warn_time=1.0, crit_time=2.0).limits
    assert (limits.warn_days, limits.crit_days) == (14, 7)
    assert [limits.of_time(each) for each in (0.5, 1.5, 2.5)] == ["ok", "warn", "fail"]


def test_the_side_for_servers(plan: Any) -> None:
    assert not plan("one.test").s2s
    assert plan("one.test", s2s=True).s2s
    made = plan("one.test", s2s_connect=AT)
    assert (made.s2s, made.server_at) == (True, AT)
    named = {"connect": "127.0.0.1:5999"}
    assert plan("one.test", None, named, s2s_connect=AT).server_at == AT
    with pytest.raises(UsageError, match="--s2s:"):
        plan("one.test", None, named, s2s=True)


# --- the names


def test_a_check_that_there_is_not() -> None:
    with pytest.raises(click.BadParameter, match=r"no check 'tl'.*tls\.days"):
        command.CHECK.convert("tl", None, None)
    assert command.CHECK.convert("tls,dns.srv", None, None) == "tls,dns.srv"
    with pytest.raises(click.BadParameter, match=r"no check 'tl'"):
        command.CHECK.convert("tls,tl", None, None)


def test_completion() -> None:
    context, param = click.Context(click.Command("x")), click.Option(["--only"])
    names = [each.value for each in command.CHECK.shell_complete(context, param, "tls")]
    assert names[:2] == ["tls", "tls.starttls"]


def test_the_list_connects_with_nobody() -> None:
    from xmppctl.cli.tree import Tree

    run = CliRunner().invoke(Tree(), ["--json", "server", "check", "--list", "--skip", "tls"])
    assert run.exit_code == 0, run.output
    assert '"tls.' not in run.stdout
    assert run.stdout.count('"account": true') == len(NEED_ACCOUNT)


# --- the exit code


def finding(check: str, status: Any, detail: str = "so it is") -> Finding:
    return Finding(check, "one.test", status, detail=detail, advice="do something")


@pytest.mark.parametrize(
    ("findings", "strict", "condition"),
    [
        ([finding("a", "ok")], False, None),
        ([finding("a", "ok"), finding("b", "warn")], False, None),
        ([finding("a", "ok"), finding("b", "warn")], True, "checks-warned"),
        ([finding("a", "warn"), finding("b", "fail")], True, "checks-failed"),
        ([finding("a", "fail"), finding("b", "unknown", "not tested: a")], False, "checks-failed"),
        ([finding("b", "unknown", "not tested: a failed")], False, "checks-not-made"),
        ([finding("b", "unknown", "the server does not tell")], False, None),
        ([], False, "nothing-checked"),
    ],
)
def test_the_verdict(findings: list[Finding], strict: bool, condition: str | None) -> None:
    if condition is None:
        command._judge(findings, "one.test", strict=strict)
        return
    with pytest.raises(RefusedError) as caught:
        command._judge(findings, "one.test", strict=strict)
    assert caught.value.condition == condition


def test_the_error_names_what_failed() -> None:
    findings = [finding(f"check{number}", "fail", f"reason {number}") for number in range(5)]
    with pytest.raises(RefusedError) as caught:
        command._judge([*findings, finding("z", "ok")], "one.test", strict=False)
    text = caught.value.text
    assert text.startswith("5 of 6 checks failed: check0 at one.test: reason 0; check1 at ")
    assert text.endswith("check2 at one.test: reason 2; and 2 more")
    assert caught.value.hint == "do something"


def test_one_reason_is_told_once() -> None:
    reasons = ("not tested: a", "not tested: a", "not tested: b")
    findings = [finding(str(number), "unknown", why) for number, why in enumerate(reasons)]
    with pytest.raises(RefusedError) as caught:
        command._judge(findings, "one.test", strict=False)
    assert caught.value.text == (
        "3 of 3 checks could not be made: 0 at one.test: not tested: a; "
        "2 at one.test: not tested: b; and 1 more"
    )


def test_the_count() -> None:
    findings = [finding("a", each) for each in ("ok", "ok", "warn", "fail", "unknown")]
    told = command._counted(findings)
    assert told == "5 checks: 2 ok, 1 with a warning, 1 failed, 1 unknown"
