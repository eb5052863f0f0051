"""Administration without a server: what services ask for, how they tell what was not done."""

import asyncio
from types import SimpleNamespace

import pytest

from tests.unit.session.streams import make_session
from xmppctl.errors import RefusedError, UnsupportedError, UsageError
from xmppctl.model.admin import AdminSession, ServiceStats
from xmppctl.model.form import FormField, Option
from xmppctl.model.jid import parse as jid
from xmppctl.protocol import adhoc, admin
from xmppctl.protocol.admin import service, users
from xmppctl.session.xml import parse

BARD = jid("shakespeare.lit")
JULIET = jid("juliet@shakespeare.lit")
DISCO = "http://jabber.org/protocol/disco"
DATA = "jabber:x:data"


def form(*fields, kind="form"):
    inner = "".join(f"<field var='{name}' type='{type}'>{more}</field>"
                    for name, type, more in fields)  # fmt: skip
    return f"<x xmlns='{DATA}' type='{kind}'>{inner}</x>"


def values(*texts):
    return "".join(f"<value>{text}</value>" for text in texts)


def options(*texts):
    return "".join(f"<option><value>{text}</value></option>" for text in texts)


ACCOUNT = ("accountjid", "jid-single", "<required/>")
ACCOUNTS = ("accountjids", "jid-multi", "<required/>")
PASSWORD = ("password", "text-private", "")
AGAIN = ("password-verify", "text-private", "")


class Service:
    """Runs the ``commands``: node behind "admin#" -> form (or None), and what it answers then.

    An answer is the XML inside of a completed command, an error, or a function of the values.
    """

    def __init__(self, **commands):
        self.commands = {name.replace("_", "-"): how for name, how in commands.items()}
        self.done = []
        self.trace = make_session()[0].trace
        self.online = None

    async def request(self, payload, **_):
        if payload.tag == f"{{{DISCO}#items}}query" and payload.get("node") == "online users":
            if self.online is None:
                raise RefusedError("", condition="item-not-found")
            inner = "".join(f"<item jid='{each}'/>" for each in self.online)
            return parse(f"<query xmlns='{DISCO}#items'>{inner}</query>")
        if payload.tag == f"{{{DISCO}#items}}query":
            inner = "".join(f"<item jid='{BARD}' node='{self.node(n)}'/>" for n in self.commands)
            return parse(f"<query xmlns='{DISCO}#items'>{inner}</query>")
        if payload.tag == f"{{{DISCO}#info}}query":
            return parse(f"<query xmlns='{DISCO}#info'><feature var='{adhoc.NS}'/></query>")
        name = payload.get("node").removeprefix(f"{admin.NS}#")
        if payload.get("action") == "cancel":
            return self.command("canceled", "")
        if name not in self.commands:
            raise RefusedError("", condition="service-unavailable")
        asked, answer = self.commands[name]
        given = payload.find(f"{{{DATA}}}x")
        if asked is not None and payload.get("action") == "execute":
            return self.command("executing", asked)
        found = {
            field.get("var"): [value.text or "" for value in field]
            for field in (given if given is not None else [])
        }
        self.done.append((name, found))
        answer = answer(found) if callable(answer) else answer
        if isinstance(answer, Exception):
            raise answer
        return self.command("completed", answer)

    def ask(self, payload, **_):
        return SimpleNamespace(element=payload)

    def send(self, *elements):
        assert [each.get("action") for each in elements] == ["cancel"]

    @staticmethod
    def node(name):
        return name if "/" in name else f"{admin.NS}#{name}"

    @staticmethod
    def command(status, inner):
        head = f"<command xmlns='{adhoc.NS}' node='n' sessionid='s' status='{status}'>"
        return parse(f"{head}{inner}</command>")


def run(work):
    return asyncio.run(work)


def test_an_account_is_made_and_the_password_given_twice():
    bard = Service(add_user=(form(ACCOUNT, PASSWORD, AGAIN, ("email", "text-single", "")), ""))
    made = run(users.add(bard, BARD, JULIET, "R0m30", {"email": "j@capulet.com"}))
    assert (made.jid, made.action, made.ok) == (str(JULIET), "add", True)
    (_, given) = bard.done[0]
    assert given == {
        "accountjid": [str(JULIET)], "password": ["R0m30"], "password-verify": ["R0m30"],
        "email": ["j@capulet.com"],
    }  # fmt: skip
    plain = Service(add_user=(form(ACCOUNT, PASSWORD), ""))
    run(users.add(plain, BARD, JULIET, "R0m30", {}))
    assert set(plain.done[0][1]) == {"accountjid", "password"}
    with pytest.raises(UsageError, match="takes no email"):
        run(users.add(plain, BARD, JULIET, "R0m30", {"email": "x"}))
    with pytest.raises(RefusedError, match="asks for no password"):
        run(users.add(Service(add_user=(form(ACCOUNT), "")), BARD, JULIET, "x", {}))


@pytest.mark.parametrize(
    ("answer", "condition", "text"),
    [
        ("<note type='error'>Account already exists</note>", "conflict", "already"),
        (RefusedError("", condition="conflict"), "conflict", "already"),
        ("<note type='error'>Failed to write</note>", "undefined-condition", "Failed to write"),
    ],
)
def test_what_is_not_done_is_told_in_the_same_words(answer, condition, text):
    bard = Service(add_user=(form(ACCOUNT, PASSWORD), answer))
    with pytest.raises(RefusedError) as info:
        run(users.add(bard, BARD, JULIET, "x", {}))
    assert info.value.condition == condition
    assert text in info.value.text


@pytest.mark.parametrize(
    "answer",
    [
        "<note type='error'>User does not exist</note>",
        "<note type='info'>The following accounts could not be deleted:\n"
        "juliet@shakespeare.lit</note>",
        RefusedError("", condition="item-not-found"),
    ],
)
def test_an_account_that_is_not_there(answer):
    bard = Service(delete_user=(form(ACCOUNTS), answer))
    gone = run(users.change(bard, BARD, JULIET, "delete"))
    assert (gone.ok, gone.error.condition) == (False, "item-not-found")
    assert gone.error.text == "shakespeare.lit has no account juliet@shakespeare.lit"
    assert run(users.change(bard, BARD, JULIET, "delete", if_exists=True)).error is None


def test_a_note_about_somebody_else_is_no_failure():
    note = (
        "<note>The following accounts were deleted:\njuliet@shakespeare.lit\n"
        "The following accounts could not be deleted:\nx@shakespeare.lit</note>"
    )
    bard = Service(delete_user=(form(ACCOUNTS), note))
    assert run(users.change(bard, BARD, JULIET, "delete")).ok


def test_disable_and_enable():
    single = form(("accountjid", "jid-single", ""))
    bard = Service(disable_user=(form(ACCOUNTS), ""), reenable_user=(single, ""))
    assert run(users.change(bard, BARD, JULIET, "disable")).ok
    assert run(users.change(bard, BARD, JULIET, "enable")).ok
    assert bard.done == [
        ("disable-user", {"accountjids": [str(JULIET)]}),
        ("reenable-user", {"accountjid": [str(JULIET)]}),
    ]
    lacking = run(users.change(Service(add_user=(None, "")), BARD, JULIET, "disable"))
    assert lacking.error.name == "UNSUPPORTED"
    assert "http://jabber.org/protocol/admin#disable-user" in lacking.error.text


def listing(field, *jids):
    return form((field, "jid-multi", values(*jids)), kind="result")


@pytest.mark.parametrize(
    ("choices", "limit", "asked", "shown", "more"),
    [
        (("25", "50", "all"), None, "all", 3, False),
        (("25", "50", "none"), None, "none", 3, False),
        (("2", "3"), None, "3", 3, True),
        (("2", "5", "all"), 2, "2", 2, True),
        (("2", "5", "all"), 4, "5", 3, False),
        (("2", "all"), 3, "all", 3, False),
        ((), 3, "3", 3, True),
    ],
)
def test_lists_of_which_so_many_can_be_had(choices, limit, asked, shown, more):
    ask = form(("max_items", "list-single" if choices else "text-single", options(*choices)))
    names = [f"{n}@shakespeare.lit" for n in "abc"]
    bard = Service(get_registered_users_list=(ask, listing("registereduserjids", *names)))
    found = run(users.listed(bard, BARD, "registered", limit))
    assert bard.done[0][1] == {"max_items": [asked]}
    assert ([user.jid for user in found[0]], found[1]) == (names[:shown], more)


@pytest.mark.parametrize(
    ("state", "node", "field"),
    [
        ("disabled", "get-disabled-users-list", "disableduserjids"),
        ("active", "get-active-users", "activeuserjids"),
        ("idle", "get-idle-users", "idleuserjids"),
    ],
)
def test_lists_that_come_at_once(state, node, field):
    bard = Service(**{node: (None, listing(field, "A@Shakespeare.lit", "", "a@shakespeare.lit/x"))})
    (users_found, more) = run(users.listed(bard, BARD, state, None))
    assert ([user.jid for user in users_found], more) == (["a@shakespeare.lit"], False)


def stats(*resources, addresses=()):
    return form(
        ("rostersize", "text-single", values("12")),
        ("onlineresources", "text-multi", values(*resources)),
        ("ipaddresses", "text-multi", values(*addresses)),
        ("stanzaspersecond", "text-single", values("0.5")),
        ("loginsperminute", "text-single", values("many")),
        kind="result",
    )


def test_statistics_of_a_user():
    bard = Service(
        user_stats=(form(ACCOUNT), stats("a", "b", addresses=["::1", "127.0.0.1"])),
        get_user_lastlogin=(
            form(ACCOUNT), form(("lastlogin", "text-single", values("2003-12-19T17:58:35Z"))),
        ),
    )  # fmt: skip
    found = run(users.stats(bard, BARD, JULIET))
    assert (found.roster_size, found.online_resources) == (12, ["a", "b"])
    assert (found.stanzas_per_second, found.logins_per_minute) == (0.5, None)
    assert found.last_login == "2003-12-19T17:58:35Z"
    sessions = run(users.of_user(bard, BARD, JULIET))
    assert sessions[0] == AdminSession(f"{JULIET}/a", ip="::1")
    del bard.commands["get-user-lastlogin"]
    assert run(users.stats(bard, BARD, JULIET)).last_login is None
    odd = form(
        ("stanzaspersecond", "text-single", values("nan")),
        ("loginsperminute", "text-single", values("1e999")), kind="result",
    )  # fmt: skip
    bard.commands["user-stats"] = (form(ACCOUNT), odd)
    found = run(users.stats(bard, BARD, JULIET))
    assert (found.stanzas_per_second, found.logins_per_minute) == (None, None)


def test_statistics_of_nobody():
    """One server tells of everybody that there is nothing."""
    none = form(("rostersize", "text-single", values("0")), kind="result")
    bard = Service(
        user_stats=(form(ACCOUNT), none),
        get_user_lastlogin=(form(ACCOUNT), form(("lastlogin", "text-single", values("Never")))),
        get_registered_users_list=(None, listing("registereduserjids", "a@shakespeare.lit")),
    )
    for work in (users.stats, users.of_account):
        with pytest.raises(RefusedError) as info:
            run(work(bard, BARD, JULIET))
        assert info.value.condition == "item-not-found"
        run(work(bard, BARD, jid("a@shakespeare.lit")))
    del bard.commands["get-registered-users-list"]
    assert run(users.stats(bard, BARD, JULIET)).roster_size == 0


def test_what_is_done_without_asking_to_whom():
    for node, work in (
        ("delete-user", lambda bard: users.change(bard, BARD, JULIET, "delete")),
        ("disable-user", lambda bard: users.change(bard, BARD, JULIET, "disable")),
    ):
        done = run(work(Service(**{node: (None, "")})))
        assert (done.ok, done.error.condition) == (False, "malformed-answer")
    shown = Service(delete_user=(form(ACCOUNTS, kind="result"), ""))
    done = run(users.change(shown, BARD, JULIET, "delete"))
    assert (done.ok, done.error.condition) == (False, "malformed-answer")


DETAILS = (
    "a@shakespeare.lit",
    " - odd: one: away(-1), IP: [127.0.0.1]",
    " - phone: unavailable(-), IP: [&lt;unknown&gt;]",
    " - broken",
    "b@shakespeare.lit",
    " - x: available(0), IP: [::1]",
)


def test_sessions_are_told_in_three_ways():
    ask = form(("max_items", "list-single", options("25", "all")), ("details", "boolean", ""))
    bard = Service(get_online_users_list=(ask, listing("onlineuserjids", *DETAILS)))
    found = run(users.sessions(bard, BARD))
    assert bard.done[0][1] == {"max_items": ["all"], "details": ["1"]}
    assert found == [
        AdminSession("a@shakespeare.lit/odd: one", "away", -1, "127.0.0.1"),
        AdminSession("a@shakespeare.lit/phone", "unavailable", None, "<unknown>"),
        AdminSession("b@shakespeare.lit/x", "available", 0, "::1"),
    ]
    odd = (" - of nobody: away(1), IP: [::1]", "a@b", " - c: away(99999999), IP: [::1]")
    bard = Service(get_online_users_list=(None, listing("onlineuserjids", *odd)))
    assert run(users.sessions(bard, BARD)) == [AdminSession("a@b/c", "away", None, "::1")]
    plain = Service(
        get_online_users_list=(None, listing("onlineuserjids", "a@shakespeare.lit")),
        user_stats=(form(ACCOUNT), stats("desk")),
    )
    assert run(users.sessions(plain, BARD)) == [AdminSession("a@shakespeare.lit/desk")]
    plain.online = ["a@shakespeare.lit/one", "x@elsewhere.test/two", "a@shakespeare.lit"]
    assert run(users.sessions(plain, BARD)) == [AdminSession("a@shakespeare.lit/one")]


def test_only_what_is_there_is_ended():
    bard = Service(
        user_stats=(form(ACCOUNT), stats("a", "b")), end_user_session=(form(ACCOUNTS), "")
    )
    both = run(users.kick(bard, BARD, JULIET))
    assert (both.ok, both.sessions) == (True, [f"{JULIET}/a", f"{JULIET}/b"])
    one = run(users.kick(bard, BARD, jid(f"{JULIET}/b")))
    assert one.sessions == [f"{JULIET}/b"]
    assert bard.done[-1] == ("end-user-session", {"accountjids": [f"{JULIET}/b"]})
    none = run(users.kick(bard, BARD, jid(f"{JULIET}/c")))
    assert (none.ok, none.error.condition) == (False, "item-not-found")
    assert run(users.kick(bard, BARD, jid(f"{JULIET}/c"), if_exists=True)).error is None
    # who tells nothing of sessions is asked to end them all the same
    blind = Service(end_user_session=(form(("accountjid", "jid-single", "")), ""))
    assert run(users.kick(blind, BARD, JULIET)).sessions == []


def test_numbers():
    def number(text, field):
        return (None, form((field, "text-single", values(text))))

    bard = Service(
        get_registered_users_num=number("123", "registeredusersnum"),
        get_idle_users_num=number("-1", "idleusersnum"),
        get_online_users_list=(None, listing("onlineuserjids", "a@b", "c@b")),
    )
    assert run(service.stats(bard, BARD)) == ServiceStats(str(BARD), registered=123, online=2)
    with pytest.raises(UnsupportedError):
        run(service.stats(Service(add_user=(None, "")), BARD))


def test_announcements_by_either_name_of_the_field():
    for field in ("announcement", "body"):
        bard = Service(announce=(form((field, "text-multi", "")), "<note>to 2</note>"))
        told = run(service.announce(bard, BARD, "a\nb", None, "online"))
        assert bard.done == [("announce", {field: ["a", "b"]})]
        assert told.notes == ["to 2"]
        with pytest.raises(UsageError, match="takes no subject"):
            run(service.announce(bard, BARD, "a", "s", "online"))
    with pytest.raises(UnsupportedError, match="announce-all"):
        run(service.announce(bard, BARD, "a", None, "all"))


class WithMotd(Service):
    """Has a message of the day; shows it ``late`` questions after it was changed."""

    def __init__(self, late=0, *, stuck=False):
        self.text, self.shown, self.left = "", "", 0
        super().__init__(
            set_motd=(form(("motd", "text-multi", "")), self._set),
            delete_motd=(form(("confirm", "boolean", values("0"))), self._delete),
        )
        self.late, self.stuck = late, stuck
        self.commands["edit-motd"] = (self, self._set)

    def _set(self, given):
        self.text, self.left = "\n".join(given["motd"]), self.late
        return ""

    def _delete(self, given):
        assert given == {"confirm": ["1"]}
        self.text, self.left = "", self.late
        return ""

    @staticmethod
    def command(status, inner):
        if isinstance(inner, WithMotd):
            inner.left -= 1
            if inner.left < 0 and not inner.stuck:
                inner.shown = inner.text
            inner = form(("motd", "text-multi", values(*filter(None, inner.shown.split("\n")))))
        return Service.command(status, inner)


def test_the_message_of_the_day():
    bard = WithMotd(late=2)
    assert run(service.motd(bard, BARD)).text is None
    run(service.set_motd(bard, BARD, "a\nb", None, send=True))
    assert run(service.motd(bard, BARD)).text == "a\nb"
    run(service.set_motd(bard, BARD, "c", None, send=False))
    assert run(service.motd(bard, BARD)).text == "c"
    run(service.delete_motd(bard, BARD, if_exists=False))
    assert run(service.motd(bard, BARD)).text is None
    with pytest.raises(RefusedError) as info:
        run(service.delete_motd(bard, BARD, if_exists=False))
    assert info.value.condition == "item-not-found"
    run(service.delete_motd(bard, BARD, if_exists=True))
    bard.stuck, bard.shown = True, "another"
    with pytest.raises(RefusedError, match="has another one"):
        run(service.set_motd(bard, BARD, "d", None, send=True))


def test_a_message_of_the_day_that_no_form_shows():
    with pytest.raises(RefusedError) as info:
        run(service.motd(Service(edit_motd=(None, "")), BARD))
    assert info.value.condition == "malformed-answer"


DELAY = ("delay", "list-single", options("30", "5", "120") + values("5"))
TEXT = ("announcement", "text-multi", "")


@pytest.mark.parametrize(
    ("delay", "taken"), [(None, 5), (0.0, 5), (5.0, 5), (5.5, 30), (90.0, 120), (120.0, 120)]
)
def test_the_next_longer_delay_is_taken(delay, taken):
    bard = Service(shutdown=(form(DELAY, TEXT), ""))
    done = run(service.shutdown(bard, BARD, delay, "bye\nall", None))
    assert done.delay_seconds == taken
    assert bard.done[0][1] == {"delay": [str(taken)], "announcement": ["bye", "all"]}


def test_shutdowns_that_are_not_to_be_had():
    bard = Service(shutdown=(form(DELAY), ""))
    with pytest.raises(UsageError, match="as late as that"):
        run(service.shutdown(bard, BARD, 121.0, None, None))
    with pytest.raises(UsageError, match="takes no announcement"):
        run(service.shutdown(bard, BARD, None, "bye", None))
    assert bard.done == []
    node = {"running nodes/a@b/shutdown": (form(DELAY), "")}
    assert run(service.shutdown(Service(**node), BARD, None, None, None)).node == next(iter(node))
    with pytest.raises(UsageError, match="several machines"):
        run(service.shutdown(
            Service(**node, **{"running nodes/c@d/shutdown": (None, "")}), BARD, None, None, None
        ))  # fmt: skip
    with pytest.raises(UnsupportedError):
        run(service.shutdown(Service(announce=(None, "")), BARD, None, None, None))
    field = FormField("delay", "text-single")
    assert service._delay(field, 7.9, BARD) == "7"
    odd = FormField("delay", "list-single", options=[Option("now"), Option("x1")])
    with pytest.raises(UsageError):
        service._delay(odd, None, BARD)
