"""What a monitoring system is told about pings."""

from xmppctl.commands.ping import monitor
from xmppctl.errors import EmptyError
from xmppctl.model.ping import Pong


def pong(to, rtt):
    if rtt is not None:
        return Pong(to, 1, ok=True, rtt_ms=rtt, answered_by="server")
    return Pong(to, 1, ok=False, rtt_ms=None, error=EmptyError(f"{to} is silent").info())


def test_states():
    pongs = [pong("a.example", 1.0), pong("a.example", 3.0), pong("b.example", None),
             pong("c.example", 1.0), pong("c.example", None)]  # fmt: skip
    checks, metrics = monitor(pongs)
    assert [check.state for check in checks] == ["ok", "critical", "warning"]
    assert checks[0].text == "a.example answers in 2.0 ms"
    assert checks[1].text == "b.example is silent"
    assert "50% lost" in checks[2].text
    values = {
        metric.name: {sample.labels["jid"]: sample.value for sample in metric.samples}
        for metric in metrics
    }
    assert values["xmpp_ping_rtt_seconds"] == {"a.example": 0.002, "c.example": 0.001}
    assert values["xmpp_ping_success"]["b.example"] == 0.0
    assert values["xmpp_ping_loss_ratio"] == {"a.example": 0, "b.example": 1, "c.example": 0.5}
