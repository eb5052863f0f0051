"""`xmppctl register` where a server does what XEP-0077 allows and no server of the tests does."""

import pytest

from tests.peers.stream import STANZAS
from tests.servers.fake import FakeServer

PASSWORD = "s3cret-PASSWORD"
QUERY = "<query xmlns='jabber:iq:register'>{}</query>"
FORM = """<x xmlns='jabber:x:data' type='form'>
<field type='hidden' var='FORM_TYPE'><value>jabber:iq:register:{kind}</value></field>{fields}</x>"""


def values(element):
    return {
        field.get("var"): field.findtext("{jabber:x:data}value")
        for field in element.iter("{jabber:x:data}field")
    }


def legacy(element):
    return {child.tag.partition("}")[2]: child.text for child in element[0]}


@pytest.fixture
def run(authority, xmppctl):
    """``run(script, "create", ..., code=6)``: one run of register against a scripted server."""

    def go(script, *args, code=0, env=None):
        with FakeServer("fake.test", authority.issue("fake.test"), script) as server:
            return xmppctl(
                *("--json", "--timeout", "5s", "--debug-xml", "register", *args),
                jid="new@fake.test",
                password=PASSWORD,
                connect=server.address,
                ca_file=authority.ca_file,
                env=env,
            ).expect(code)

    return go


async def before_login(conn):
    await conn.starttls()
    await conn.stream_features("")


def test_a_redirection(run):
    async def script(conn):
        await before_login(conn)
        url = "<x xmlns='jabber:x:oob'><url>https://fake.test/join</url></x>"
        conn.result(
            await conn.recv(), QUERY.format(f"<instructions>On the web</instructions>{url}")
        )
        await conn.until_closed()

    done = run(script, "create", code=6)
    assert done.json()["oob_url"] == "https://fake.test/join"
    assert done.json()["instructions"] == "On the web"
    assert done.json()["registered"] is False
    assert done.error()["condition"] == "redirect"
    assert "https://fake.test/join" in done.error()["text"]
    assert run(script, "form", "fake.test").json()["oob_url"] == "https://fake.test/join"


@pytest.mark.parametrize("condition", ["not-allowed", "forbidden", "feature-not-implemented"])
def test_closed_in_other_words(run, condition):
    async def script(conn):
        await before_login(conn)
        conn.error(await conn.recv(), condition, text="go away")
        await conn.until_closed()

    for verb in (["create"], ["form", "fake.test"]):
        error = run(script, *verb, code=7).error()
        assert error["text"] == "fake.test does not offer registration (XEP-0077): it is closed"
        assert error["condition"] == "service-unavailable"


def test_only_the_form_is_submitted(run):
    sent = []

    async def script(conn):
        await before_login(conn)
        field = "<field var='{}' type='{}'><required/></field>"
        fields = field.format("username", "text-single") + field.format("password", "text-private")
        both = "<username/><password/><email/>" + FORM.format(kind="", fields=fields)
        conn.result(await conn.recv(), QUERY.format(both))
        sent.append(await conn.recv())
        conn.result(sent[0])
        await conn.until_closed()

    run(script, "create")
    [query] = sent[0]
    assert [child.tag for child in query] == ["{jabber:x:data}x"]
    assert values(query)["username"] == "new"


def test_the_obsolete_key_goes_back(run):
    sent = []

    async def script(conn):
        await before_login(conn)
        conn.result(await conn.recv(), QUERY.format("<username/><password/><key>k1</key><email/>"))
        sent.append(await conn.recv())
        conn.result(sent[0])
        await conn.until_closed()

    done = run(script, "create", "--email", "a@b.c")
    assert legacy(sent[0]) == {
        "username": "new", "password": PASSWORD, "key": "k1", "email": "a@b.c",
    }  # fmt: skip
    assert PASSWORD not in done.err


def test_silence_behind_the_submission(run):
    async def script(conn):
        await before_login(conn)
        conn.result(await conn.recv(), QUERY.format("<username/><password/>"))
        await conn.until_closed(30)

    error = run(script, "create", "--timeout", "0.5s", code=8).error()
    assert error["step"] == "register"
    assert "may exist" in error["hint"]


@pytest.mark.parametrize("payload", ["", "<other xmlns='x:y'/>"])
def test_an_answer_that_is_none(run, payload):
    async def script(conn):
        await before_login(conn)
        conn.result(await conn.recv(), payload)
        await conn.until_closed()

    assert run(script, "create", code=6).error()["condition"] == "malformed-answer"


def test_an_answer_by_somebody_else(run):
    async def script(conn):
        await before_login(conn)
        request = await conn.recv()
        conn.result(request, QUERY.format("<username/><password/>"), from_="evil.test")
        await conn.until_closed(30)

    run(script, "create", "--timeout", "0.5s", code=8)


def password_form(kind, names):
    fields = "".join(
        f"<field type='text-private' var='{name}'><required/></field>" for name in names
    )
    return QUERY.format(FORM.format(kind=kind, fields=fields))


def refuse_with(conn, request, payload, condition):
    conn.send(
        f"<iq type='error' id='{request.get('id')}' from='fake.test'>{payload}"
        f"<error type='modify'><{condition} xmlns='{STANZAS}'/></error></iq>"
    )


def test_passwd_with_a_form(run):
    sent, logins = [], []

    async def script(conn):
        await conn.login()
        logins.append(conn.password)
        if len(logins) == 1:
            first = await conn.recv()
            assert legacy(first) == {"username": "new", "password": "next-one"}
            names = ("username", "old_password", "password", "x-mmn")
            refuse_with(conn, first, password_form("changepassword", names), "not-authorized")
            sent.append(await conn.recv())
            conn.result(sent[0])
        await conn.until_closed()

    env = {"XMPPCTL_NEW_PASSWORD": "next-one"}
    done = run(script, "passwd", code=2, env=env)
    assert "x-mmn" in done.error()["text"]
    logins.clear()
    run(script, "passwd", "--field", "x-mmn=Throckmorton", env=env)
    assert values(sent[0]) == {
        "FORM_TYPE": "jabber:iq:register:changepassword",
        "username": "new@fake.test",
        "old_password": PASSWORD,
        "password": "next-one",
        "x-mmn": "Throckmorton",
    }
    assert logins == [PASSWORD, "next-one"]


def test_passwd_that_was_not_applied(run):
    logins = []

    async def script(conn):
        if logins:
            await conn.starttls()
            await conn.authenticate(failure="not-authorized")
            return
        await conn.login()
        logins.append(conn.password)
        conn.result(await conn.recv())
        await conn.until_closed()

    env = {"XMPPCTL_NEW_PASSWORD": "next-one"}
    done = run(script, "passwd", code=6, env=env)
    assert done.error()["condition"] == "not-applied"
    assert "next-one" not in done.out + done.err


@pytest.mark.parametrize(("failure", "code"), [(None, 0), ("not-authorized", 3)])
def test_the_stream_ends_before_the_password_is_confirmed(run, failure, code):
    logins = []

    async def script(conn):
        if not logins:
            await conn.login()
            logins.append(conn.password)
            await conn.recv()
            conn.stream_error("reset")
            return
        await conn.starttls()
        await conn.authenticate(failure=failure)
        if failure is None:
            await conn.bind()
            logins.append(conn.password)
            await conn.until_closed()

    env = {"XMPPCTL_NEW_PASSWORD": "next-one"}
    done = run(script, "passwd", code=code, env=env)
    if failure is None:
        assert logins == [PASSWORD, "next-one"]
    else:
        assert done.error()["condition"] == "reset"


@pytest.mark.parametrize("condition", ["not-allowed", "forbidden", "bad-request"])
def test_passwd_and_cancel_refused(run, condition):
    async def script(conn):
        await conn.login()
        conn.error(await conn.recv(), condition)
        await conn.until_closed()

    env = {"XMPPCTL_NEW_PASSWORD": "next-one"}
    assert run(script, "passwd", code=6, env=env).error()["condition"] == condition
    assert run(script, "cancel", "--yes", code=6).error()["condition"] == condition


def test_cancel_with_a_form(run):
    sent = []

    async def script(conn):
        await conn.login()
        first = await conn.recv()
        assert first[0][0].tag == "{jabber:iq:register}remove"
        names = ("username", "password")
        refuse_with(conn, first, password_form("cancel", names), "not-allowed")
        sent.append(await conn.recv())
        conn.result(sent[0])
        await conn.until_closed()

    done = run(script, "cancel", "--yes")
    assert values(sent[0])["password"] == PASSWORD
    assert PASSWORD not in done.err


def ends_early(condition, login_again):
    """The stream ends instead of the result; then a login is refused, or not."""
    connections = []

    async def script(conn):
        connections.append(conn)
        if len(connections) == 1:
            await conn.login()
            await conn.recv()
            conn.stream_error(condition)
        elif login_again is None:
            await conn.login()
            await conn.until_closed()
        else:
            await conn.starttls()
            await conn.authenticate(failure=login_again)

    return script


@pytest.mark.parametrize("condition", ["not-authorized", "conflict"])
def test_the_stream_ends_before_the_result(run, condition):
    done = run(ends_early(condition, "not-authorized"), "cancel", "--yes")
    assert done.json()["registered"] is False


@pytest.mark.parametrize("login_again", [None, "temporary-auth-failure"])
def test_an_end_that_proves_nothing(run, login_again):
    done = run(ends_early("conflict", login_again), "cancel", "--yes", code=3)
    assert done.error()["condition"] == "conflict"


def test_no_registration_without_tls(run):
    async def script(conn):
        await conn.stream_features("<register xmlns='http://jabber.org/features/iq-register'/>")
        await conn.until_closed()

    assert run(script, "create", code=5).error()["condition"] == "starttls-not-offered"
