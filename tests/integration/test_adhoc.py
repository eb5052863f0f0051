"""`xmppctl adhoc` (XEP-0050) and `presence set --client` (XEP-0146).

The commands are those of the servers, of another client of the account (slixmpp), and of a
component that says what no library would.
"""

import json
import os
import pty
import signal
import subprocess

import pytest

from tests.peers.process import EXECUTABLE, way_environment
from tests.peers.rawxml import RawComponent
from tests.servers.quirks import Feature

pytestmark = pytest.mark.in_turn

NS = "http://jabber.org/protocol/commands"
COMMAND = f"{{{NS}}}command"
ADMIN = "http://jabber.org/protocol/admin"
RC = "http://jabber.org/protocol/rc#set-status"


def test_commands_of_a_server(xmppctl, alice, server):
    def adhoc(*args, account=alice, code=0):
        run = xmppctl("--json", "adhoc", *args, account=account).expect(code)
        return run.json() if code == 0 else run.error()

    admin = server.admin()
    mine = {each["node"]: each for each in adhoc("list")}
    every = {each["node"] for each in adhoc("list", server.domain, account=admin)}
    node = f"{ADMIN}#announce"
    assert {each["jid"] for each in mine.values()} == {server.domain}
    assert node in every - mine.keys()
    own = next(iter(mine))
    told = adhoc("info", server.domain, own)
    assert (told["node"], told["name"]) == (own, mine[own]["name"])
    assert "command-node" in {each["type"] for each in told["identities"]}
    assert NS in told["features"]
    assert adhoc("info", server.domain, "no:such", code=6)["condition"] == "item-not-found"
    missing = adhoc("run", server.domain, "no:such", code=6)
    assert missing["condition"] == "item-not-found"
    assert "adhoc list" in missing["hint"]
    assert adhoc("run", server.domain, node, code=6)["condition"] == "forbidden"
    # a service that has nothing to do with commands
    assert "XEP-0050" in adhoc("list", server.upload, code=7)["text"]


def test_a_command_of_a_server_asks_and_does(xmppctl, slix, server):
    admin = server.admin()
    node = f"{ADMIN}#announce"
    shown = xmppctl(
        "--json", "adhoc", "run", server.domain, node, "--show-form", "--lang", "de", account=admin
    ).expect().json()  # fmt: skip
    assert (shown["status"], shown["default_action"]) == ("executing", "complete")
    assert shown["form"]["form_type"] == ADMIN
    field = next(f["var"] for f in shown["form"]["fields"] if f["type"] == "text-multi")
    run = xmppctl(
        "--json", "adhoc", "run", server.domain, node, "--field", "nix=1", account=admin
    ).expect(2)  # fmt: skip
    assert "no field 'nix'" in run.error()["text"]
    peer = slix(admin, "peer")
    peer.send_presence()
    args = ("--field", "subject=S", "--field", f"{field}=one\ntwo")
    done = xmppctl("--json", "adhoc", "run", server.domain, node, *args, account=admin)
    record = done.expect().json()
    assert (record["status"], record["error"]) == ("completed", None)
    assert record["sessionid"]
    message = peer.wait(lambda s: s.name == "message" and s["body"] == "one\ntwo")
    assert (message["from"].bare, message["subject"]) == (server.domain, "S")


def test_a_secret_goes_by_file_and_is_not_shown(xmppctl, server):
    admin = server.admin()
    jid = f"new-{os.urandom(4).hex()}@{server.domain}"
    node = f"{ADMIN}#add-user"
    given = {"accountjid": jid, "password": "S3CRET-9", "password-verify": "S3CRET-9"}
    args = [word for name, value in given.items() for word in ("--field", f"{name}={value}")]
    run = xmppctl("--json", "adhoc", "run", server.domain, node, *args, account=admin).expect(2)
    assert "password is a secret" in run.error()["text"]
    path = xmppctl.home / "new.json"
    path.write_text(json.dumps(given))
    args = ("adhoc", "run", server.domain, node, "--form-json", str(path))
    made = xmppctl("--json", "--debug-xml", *args, account=admin).expect()
    assert made.json()["status"] == "completed"
    assert "S3CRET-9" not in made.err
    # told by an error on one server, by a note on the other
    assert xmppctl("--json", *args, account=admin).expect(6).error()["name"] == "REFUSED"


# --- commands of another client of the account


@pytest.fixture
def desktop(slix, alice):
    """alice's other client, which lets itself be told what to do; what it was told."""
    peer = slix(alice, "desktop")

    told = []
    peer.run(peer.client.register_plugin, "xep_0050")

    def form(*fields, title="T"):
        made = peer.plugin("xep_0004").make_form("form", title)
        for var, kind, options in fields:
            field = made.add_field(var=var, ftype=kind, required=kind != "text-multi")
            for option in options:
                field.add_option(value=option)
        return made

    def read(payload):
        found = {name: field["value"] for name, field in payload.get_fields().items()}
        return {name: "\n".join(v) if isinstance(v, list) else v for name, v in found.items()}

    def keep(payload, session, following):
        told.append(read(payload))
        return following(session)

    def finish(payload, session):
        def done(session):
            session["payload"], session["next"] = None, None
            session["notes"] = [("info", "as you like")]
            return session

        return keep(payload, session, done)

    def status(iq, session):
        shows = ("chat", "online", "away", "xa", "dnd")
        session["payload"] = form(
            ("status", "list-single", shows), ("status-priority", "text-single", ()),
            ("status-message", "text-multi", ()),
        )  # fmt: skip
        session["payload"].get_fields()["status-priority"]["value"] = "5"
        session["next"] = finish
        return session

    def order(iq, session):
        def second(session):
            session["payload"] = form(("size", "list-single", ("s", "l")), title="Size")
            session["next"], session["has_next"], session["allow_prev"] = finish, False, True
            return session

        session["payload"] = form(("drink", "text-single", ()), title="Drink")
        session["next"] = lambda payload, session: keep(payload, session, second)
        session["has_next"] = True
        session["cancel"] = lambda iq, session: told.append("cancel")
        return session

    def fail(iq, session):
        session["notes"] = [("error", "out of coffee \u202e"), ("warn", "soon")]
        return session

    for node, handler in ((RC, status), ("order", order), ("fail", fail)):
        peer.run(peer.plugin("xep_0050").add_command, node=node, name=node[:5], handler=handler)
    peer.send_presence()
    return told


def at(alice):
    return f"{alice.jid}/desktop"


def test_a_client_is_told_its_presence(xmppctl, alice, desktop):
    listed = xmppctl("--json", "adhoc", "list", at(alice), account=alice).expect().json()
    assert {each["node"] for each in listed} == {RC, "order", "fail"}
    args = ("--field", "status=xa", "--field", "status-message=a\nb")
    run = xmppctl("--json", "adhoc", "run", at(alice), RC, *args, account=alice).expect().json()
    assert run["notes"] == [{"type": "info", "text": "as you like"}]
    assert desktop.pop() == {"status": "xa", "status-priority": "5", "status-message": "a\nb"}

    args = ("presence", "set", "--client", "desktop")
    more = ("--show", "dnd", "--status", "busy", "--priority", "-3")
    set_ = xmppctl("--json", *args, *more, account=alice).expect().json()
    assert (set_["jid"], set_["show"], set_["status"]) == (at(alice), "dnd", "busy")
    assert desktop.pop() == {"status": "dnd", "status-priority": "-3", "status-message": "busy"}
    xmppctl(*args, account=alice).expect()
    told = desktop.pop()
    # the priority that it offered stays
    assert (told["status"], told["status-priority"]) == ("online", "5")
    assert not told.get("status-message")
    xmppctl(*args, "--for", "1m", account=alice).expect(2)


def test_a_client_that_is_not_there_or_cannot(xmppctl, alice, slix):
    args = ("--json", "presence", "set", "--client")
    assert xmppctl(*args, "gone", account=alice).expect(6).error()["condition"] == (
        "service-unavailable"
    )
    slix(alice, "plain")
    run = xmppctl(*args, "plain", "--show", "away", account=alice).expect(7)
    assert "XEP-0050" in run.error()["text"] or "XEP-0146" in run.error()["text"]


@pytest.mark.servers("ejabberd")  # which only carries it
def test_a_command_of_several_stages(xmppctl, alice, desktop, tmp_path):
    def order(*args, code=0):
        run = xmppctl("--json", "adhoc", "run", at(alice), "order", *args, account=alice)
        return run.expect(code).json() if code == 0 else run.expect(code).error()

    done = order("--field", "drink=tea", "--field", "size=l")
    assert (done["status"], done["form"], done["actions"]) == ("completed", None, [])
    assert desktop == [{"drink": "tea"}, {"size": "l"}]
    desktop.clear()
    steps = tmp_path / "steps.json"
    steps.write_text('[{"drink": "tea"}, {"size": "s"}]')
    order("--step-json", str(steps))
    assert desktop == [{"drink": "tea"}, {"size": "s"}]
    desktop.clear()
    steps.write_text('[{"drink": "tea"}]')
    second = order("--step-json", str(steps), "--show-form")
    assert (second["form"]["title"], second["default_action"]) == ("Size", "complete")
    assert second["actions"] == ["prev", "complete"]
    assert desktop == [{"drink": "tea"}, "cancel"]
    desktop.clear()
    odd = order("--field", "drink=tea", "--field", "size=s", "--field", "cup=1", code=2)
    assert "'cup'" in odd["text"]
    assert desktop == [{"drink": "tea"}, "cancel"]
    desktop.clear()
    assert order("--action", "cancel")["status"] == "canceled"
    assert desktop == ["cancel"]


@pytest.mark.servers("ejabberd")  # which only carries it
def test_a_failure_in_a_note(xmppctl, alice, desktop):
    run = xmppctl("--json", "adhoc", "run", at(alice), "fail", account=alice).expect(6)
    assert run.json()["notes"][1] == {"type": "warn", "text": "soon"}
    assert "out of coffee" in run.error()["text"]
    table = xmppctl("adhoc", "run", at(alice), "fail", account=alice).expect(6)
    assert "\u202e" not in table.out + table.err


@pytest.mark.servers("prosody")  # which only carries it
def test_a_person_is_asked(xmppctl, alice, desktop):
    run = xmppctl("--json", "adhoc", "run", at(alice), "order", "--interactive", account=alice)
    assert "terminal" in run.expect(2).error()["text"]
    ours, theirs = pty.openpty()
    try:
        with subprocess.Popen(
            [EXECUTABLE, "--json", "adhoc", "run", at(alice), "order", "--interactive"],
            stdin=theirs,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={
                **xmppctl.environment(),
                **way_environment(alice.server),
                "XMPPCTL_JID": alice.jid,
                "XMPPCTL_PASSWORD": alice.password,
            },
        ) as process:
            os.write(ours, b"tea\n\nl\nc\n")
            out, err = process.communicate(timeout=30)
    finally:
        os.close(ours)
        os.close(theirs)
    assert process.returncode == 0, err
    assert json.loads(out)["status"] == "completed"
    assert b"Drink\n" in err
    assert b"c complete, p prev, x cancel [complete]:" in err
    assert desktop == [{"drink": "tea"}, {"size": "l"}]


# --- a component that is odd


def answer(component, iq, inner, status="executing", **attributes):
    more = "".join(f" {name}='{value}'" for name, value in attributes.items())
    component.send(
        f"<iq type='result' id='{iq.get('id')}' from='{iq.get('to')}' to='{iq.get('from')}'>"
        f"<command xmlns='{NS}' node='odd' sessionid='s1' status='{status}'{more}>{inner}</command>"
        "</iq>"
    )


FORM = (
    "<actions execute='next'><next/></actions>"
    "<x xmlns='jabber:x:data' type='form'><field var='a'/></x>"
)


@pytest.mark.servers("prosody")  # the server only carries it
@pytest.mark.parametrize("how", ["signal", "deadline", "loop"])
def test_giving_up_is_told(xmppctl, alice, server, how):
    limit = ("--deadline", "4s") if how == "deadline" else ()
    with RawComponent.attach(server) as component:
        run = xmppctl.start(
            "--json", *limit, "adhoc", "run", server.component, "odd", "--field", "a=1",
            account=alice,
        )  # fmt: skip
        first = component.recv(15)
        assert (first[0].tag, first[0].get("action")) == (COMMAND, "execute")
        answer(component, first, FORM)
        second = component.recv()
        assert (second[0].get("action"), second[0].get("sessionid")) == ("next", "s1")
        if how == "signal":
            run.signal(signal.SIGTERM)
        elif how == "loop":
            answer(component, second, FORM)
        last = component.recv()
        assert (last[0].get("action"), last[0].get("sessionid")) == ("cancel", "s1")
        answer(component, last, "", "canceled")
        done = xmppctl.finish(run)
    assert done.code == {"signal": 143, "deadline": 8, "loop": 6}[how]


@pytest.mark.servers("prosody")
def test_a_component_that_lists_the_commands_of_others(xmppctl, alice, server):
    with RawComponent.attach(server) as component:
        run = xmppctl.start("--json", "adhoc", "list", server.component, account=alice)
        for _ in range(2):
            iq = component.recv(15)
            inner = (
                f"<item jid='{server.component}' node='own'/><item jid='{alice.jid}' node='evil'/>"
                if "items" in iq[0].tag
                else f"<feature var='{NS}'/>"
            )
            space = iq[0].tag.partition("}")[0][1:]
            component.send(
                f"<iq type='result' id='{iq.get('id')}' from='{iq.get('to')}' "
                f"to='{iq.get('from')}'><query xmlns='{space}' node='{NS}'>{inner}</query></iq>"
            )
        found = xmppctl.finish(run).expect().json()
    assert [each["node"] for each in found] == ["own"]


def test_servers_of_the_tests_have_commands(server):
    assert Feature.ADHOC in server.features
