import re

import pytest
from hypothesis import given

from tests.unit.output.records import TEXT
from tests.unit.output.test_escape import drives_a_terminal
from xmppctl.errors import AuthError, InternalError, LocalError, UsageError, XmppctlError
from xmppctl.model.monitor import Check, Metric, Perf, Sample, State
from xmppctl.output.monitor import failed, render_nagios, render_prometheus

RTT = Perf("rtt", 12.5, "ms", warn="100", crit="500", min=0)


def test_one_check() -> None:
    check = Check(
        "XMPP PING", "ok", "example.org answered", ["1 of 1"], [RTT, Perf("loss", 0, "%")]
    )
    assert render_nagios([check]) == (
        "XMPP PING OK - example.org answered | 'rtt'=12.5ms;100;500;0 'loss'=0%\n1 of 1",
        0,
    )


def test_several_checks_tell_the_worst_first() -> None:
    checks = [
        Check("DNS", "ok", "2 records", perf=[Perf("time", 3, "ms")]),
        Check("TLS", "warning", "9 days left", ["issuer: CA"]),
        Check("LOGIN", "critical", "refused"),
    ]
    text, code = render_nagios(checks)
    assert code == 2
    assert text.splitlines() == [
        "XMPP CRITICAL - LOGIN: refused; 1 of 3 ok | 'DNS time'=3ms",
        "[CRITICAL] LOGIN - refused",
        "[WARNING] TLS - 9 days left",
        "issuer: CA",
        "[OK] DNS - 2 records",
    ]


def test_how_many_more_are_as_bad() -> None:
    checks = [Check("A", "critical", "gone"), Check("B", "critical", "gone"), Check("C", "ok", "")]
    text, _ = render_nagios(checks)
    assert text.splitlines()[0] == "XMPP CRITICAL - A: gone (and 1 more); 1 of 3 ok"


def test_a_figure_with_the_name_of_its_check() -> None:
    check = Check("tls.days x:1", "ok", "fine", perf=[Perf("", 20, "", "14:", "7:")])
    assert render_nagios([check])[0].endswith("| 'tls.days x:1'=20;14:;7:")
    assert "| 'tls.days x:1'=20;14:;7:" in render_nagios([check, check])[0]


def test_several_checks_that_are_all_well() -> None:
    text, code = render_nagios([Check("DNS", "ok", "a"), Check("TLS", "ok", "b")])
    assert (text.splitlines()[0], code) == ("XMPP OK - 2 of 2 ok", 0)


@pytest.mark.parametrize(
    ("states", "code"),
    [
        (["ok"], 0),
        (["ok", "unknown"], 3),
        (["unknown", "warning"], 1),
        (["warning", "critical", "unknown"], 2),
        ([], 3),
    ],
)
def test_the_worst_state_is_the_exit_code(states: list[State], code: int) -> None:
    assert render_nagios([Check("X", state, "text") for state in states])[1] == code


@pytest.mark.parametrize(
    ("error", "code"),
    [(UsageError, 3), (InternalError, 3), (LocalError, 3), (AuthError, 2)],
)
def test_a_failed_run(error: type[XmppctlError], code: int) -> None:
    text, exit_code = render_nagios([failed(error("it went wrong").info())])
    assert exit_code == code
    assert "it went wrong" in text


@pytest.mark.parametrize(
    ("perf", "text"),
    [
        (Perf("a", None, "s"), "'a'=U"),
        (Perf("a", float("inf"), "s"), "'a'=U"),
        (Perf("it's=1|2", 1), "'it''s_1\\x7c2'=1"),
        (Perf("a", 1e-9), "'a'=0"),
        (Perf("a", 1e16, "B"), "'a'=10000000000000000B"),
        (Perf("a", 1, max=100), "'a'=1;;;;100"),
    ],
)
def test_performance_figures(perf: Perf, text: str) -> None:
    assert render_nagios([Check("X", "ok", "fine", perf=[perf])])[0] == f"X OK - fine | {text}"


@given(TEXT, TEXT, TEXT)
def test_hostile_text_neither_ends_the_line_nor_begins_perfdata(
    text: str, detail: str, label: str
) -> None:
    check = Check("X", "ok", text, [detail], [Perf(label, 1)])
    output = render_nagios([check])[0]
    first, second = output.split("\n")
    assert first.count("|") == 1
    assert "|" not in second
    assert not any(map(drives_a_terminal, first + second))


def test_metrics() -> None:
    metrics = [
        Metric(
            "xmpp_ping_rtt_seconds",
            "Round-trip time.",
            samples=[Sample({"to": "a.example"}, 0.0125), Sample({"to": "b.example"}, 1)],
        ),
        Metric("xmpp_up", "Whether it is up.", samples=[Sample({}, 1)]),
    ]
    assert render_prometheus(metrics) == (
        "# HELP xmpp_ping_rtt_seconds Round-trip time.\n"
        "# TYPE xmpp_ping_rtt_seconds gauge\n"
        'xmpp_ping_rtt_seconds{to="a.example"} 0.0125\n'
        'xmpp_ping_rtt_seconds{to="b.example"} 1\n'
        "# HELP xmpp_up Whether it is up.\n"
        "# TYPE xmpp_up gauge\n"
        "xmpp_up 1\n"
    )


def test_no_metric_is_an_empty_file() -> None:
    assert render_prometheus([]) == ""


def test_metrics_of_one_name_are_one_group() -> None:
    one = Metric("up", "Up.", samples=[Sample({"a": "1"}, 1)])
    other = Metric("down", "Down.")
    two = Metric("up", "Up.", samples=[Sample({"a": "2"}, 0)])
    assert render_prometheus([one, other, two]).splitlines()[:4] == [
        "# HELP up Up.",
        "# TYPE up gauge",
        'up{a="1"} 1',
        'up{a="2"} 0',
    ]


@pytest.mark.parametrize(
    ("value", "text"),
    [(float("nan"), "NaN"), (float("inf"), "+Inf"), (float("-inf"), "-Inf"), (0.1, "0.1")],
)
def test_values_of_samples(value: float, text: str) -> None:
    metric = Metric("up", "Up.", samples=[Sample({}, value)])
    assert render_prometheus([metric]).splitlines()[-1] == f"up {text}"


@pytest.mark.parametrize(
    ("metrics", "what"),
    [
        ([Metric("no-name", "x")], "no-name"),
        ([Metric("up\n", "x")], "up"),
        ([Metric("up", "x", samples=[Sample({"a-b": "c"}, 1)])], "a-b"),
        ([Metric("up", "x"), Metric("up", "x", type="counter")], "both"),
    ],
)
def test_what_the_format_does_not_allow_is_refused(metrics: list[Metric], what: str) -> None:
    with pytest.raises(ValueError, match=what):
        render_prometheus(metrics)


_LABELLED = re.compile(r'up\{a="((?:[^"\\\n]|\\["\\n])*)"\} 1')


@given(TEXT, TEXT)
def test_hostile_labels_stay_inside_their_quotes(label: str, help: str) -> None:
    text = render_prometheus([Metric("up", help, samples=[Sample({"a": label}, 1)])])
    first, _, last, end = text.split("\n")
    assert first.startswith("# HELP up ")
    assert _LABELLED.fullmatch(last)
    assert end == ""
