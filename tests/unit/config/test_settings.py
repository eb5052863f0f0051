"""Which value holds, and where it comes from."""

import dataclasses
import itertools

import pytest

from xmppctl.config import profiles, settings
from xmppctl.errors import LocalError, UsageError
from xmppctl.model.memory import Known

PIN = "sha256:" + "ab" * 32
FILE = """
output = "csv"
timeout = "40s"
default_account = "work"
[accounts.work]
jid = "alice@example.org"
password_command = "echo from-account"
connect = "work.example.org:5222"
connect_timeout = "7s"
[accounts.home]
jid = "bob@example.net/phone"
timeout = "50s"
"""


@pytest.fixture
def config(tmp_path):
    def config(text=FILE):
        path = tmp_path / "config.toml"
        path.write_text(text)
        path.chmod(0o600)
        return profiles.load(path)

    return config


@pytest.fixture(autouse=True)
def no_terminal(monkeypatch):
    monkeypatch.setattr("xmppctl.config.secrets._stdin_is_terminal", lambda: False)


def resolve(config, env=None, **options):
    given = {name: (value, f"option --{name.replace('_', '-')}") for name, value in options.items()}
    return settings.resolve(given, env or {}, config)


# name, (option, environment, account, built-in) as text, and their values
MATRIX = [
    ("connect", ("o:1", "e:2", "a:3"), [("o", 1), ("e", 2), ("a", 3), None]),
    ("tls", ("direct", "starttls", "auto"), ["direct", "starttls", "auto", "auto"]),
    ("transport", ("tcp", "bosh", "websocket"), ["tcp", "bosh", "websocket", "auto"]),
    (
        "endpoint",
        ("wss://o/", "https://e/", "wss://a/"),
        ["wss://o/", "https://e/", "wss://a/", None],
    ),
    ("sasl", ("sasl1", "sasl2", "auto"), ["sasl1", "sasl2", "auto", "auto"]),
    ("sasl_mechanism", ("a", "b", "c"), ["A", "B", "C", None]),
    ("resource", ("o", "e", "a"), ["o", "e", "a", None]),
    ("connect_timeout", ("1", "2s", "3m"), [1.0, 2.0, 180.0, 10.0]),
    ("timeout", ("1", "2s", "3m"), [1.0, 2.0, 180.0, 30.0]),
    ("retry", ("1", "2", "3"), [1, 2, 3, 0]),
    ("pin", (PIN, PIN.replace("b", "c"), PIN.replace("b", "d")), None),
    ("ca_file", ("/o", "/e", "/a"), None),
    ("cert", ("/o", "/e", "/a"), None),
    ("key", ("/o", "/e", "/a"), None),
    ("password_command", ("o", "e", "a"), ["o", "e", "a", None]),
]


@pytest.mark.parametrize(("name", "texts", "expected"), MATRIX, ids=[row[0] for row in MATRIX])
@pytest.mark.parametrize("present", list(itertools.product((True, False), repeat=3)))
def test_option_then_environment_then_account_then_built_in(config, name, texts, expected, present):
    option, environment, account = present
    text = '[accounts.a]\njid = "a@x.example"\n' + (f'{name} = "{texts[2]}"\n' if account else "")
    found = resolve(
        config(text),
        {f"XMPPCTL_{name.upper()}": texts[1]} if environment else {},
        **({name: texts[0]} if option else {}),
    )
    level = present.index(True) if any(present) else 3
    assert (
        found.origin(name)
        == (
            f"option --{name.replace('_', '-')}",
            f"environment XMPPCTL_{name.upper()}",
            f"account a in {found.config.path}",
            "built-in",
        )[level]
    )
    if expected is not None:
        assert found.get(name) == expected[level]
    elif level < 3:
        assert found.values[name].text == texts[level]


@pytest.mark.parametrize("name", ["anonymous"])
def test_switches_may_be_turned_off_above_the_account(config, name):
    text = f'[accounts.a]\njid = "a@x.example"\n{name} = true\n'
    assert resolve(config(text)).get(name) is True
    assert resolve(config(text), {f"XMPPCTL_{name.upper()}": "0"}).get(name) is False
    assert resolve(config(text), {f"XMPPCTL_{name.upper()}": "0"}, **{name: True}).get(name) is True


def test_preferences_come_from_the_top_of_the_file(config):
    found = resolve(config())
    assert (found.get("output"), found.origin("output")) == ("csv", str(found.config.path))
    assert found.get("color") == "auto"
    assert found.get("timeout") == 40.0
    assert resolve(config(), account="home").get("timeout") == 50.0
    assert resolve(config(), {"XMPPCTL_OUTPUT": "json"}).get("output") == "json"
    assert resolve(config(), {"XMPPCTL_OUTPUT": "json"}, output="tsv").get("output") == "tsv"
    assert resolve(config(), {"XMPPCTL_COLOR": "never"}).get("color") == "never"


def test_values_that_were_parsed_before_are_taken_as_they_are(config):
    found = resolve(
        config(),
        timeout=2.5,
        connect=("::1", 5222),
        pin=(b"\xab" * 32,),
        retry=2,
        password_fd=3,
        jid=profiles.load(config().path).profiles["work"].jid,
    )
    assert found.get("timeout") == 2.5
    assert found.get("connect") == ("::1", 5222)
    assert found.values["connect"].text == "[::1]:5222"
    assert found.get("pin") == (b"\xab" * 32,)
    assert found.secret.value == 3


def test_the_environment_gives_several_pins(config):
    first, second = "sha256:" + bytes(32).hex(":"), "sha256:" + "ab" * 32
    for between in (",", " ", ", "):
        found = resolve(config(), {"XMPPCTL_PIN": f"{first}{between}{second}"})
        assert found.get("pin") == (bytes(32), b"\xab" * 32)


def test_empty_variables_and_absent_options_count_as_not_given(config):
    found = resolve(config(), {"XMPPCTL_JID": "", "XMPPCTL_PASSWORD": ""}, jid=None, pin=())
    assert str(found.account().jid) == "alice@example.org"
    assert found.origin("pin") == "built-in"


def test_names_that_are_no_settings_are_passed_over(config):
    assert resolve(config(), {"XMPPCTL_DEADLINE": "x"}, deadline="x").get("timeout") == 40.0


@pytest.mark.parametrize(
    ("env", "options", "words"),
    [
        ({}, {"jid": "a b@x"}, "option --jid: the localpart"),
        ({}, {"timeout": "soon"}, "option --timeout: 'soon' is not a duration"),
        ({"XMPPCTL_TLS": "off"}, {}, "environment XMPPCTL_TLS: 'off' is not one of"),
        ({"XMPPCTL_ANONYMOUS": "perhaps"}, {}, "environment XMPPCTL_ANONYMOUS"),
        ({"XMPPCTL_CONNECT": "host"}, {}, "environment XMPPCTL_CONNECT.*HOST:PORT"),
        ({}, {"pin": ("x",)}, "option --pin: 'x' is not a pin"),
        ({}, {"account": "nobody"}, "option --account: there is no account 'nobody'"),
        ({"XMPPCTL_ACCOUNT": "nobody"}, {}, "environment XMPPCTL_ACCOUNT: there is no account"),
        ({"XMPPCTL_NAMESERVER": "a b"}, {}, "environment XMPPCTL_NAMESERVER"),
        (
            {},
            {"password_file": "f", "password_fd": "3"},
            "--password-file and option --password-fd",
        ),
        (
            {"XMPPCTL_PASSWORD": "s3cret", "XMPPCTL_PASSWORD_COMMAND": "c"},
            {},
            "XMPPCTL_PASSWORD_COMMAND and environment XMPPCTL_PASSWORD exclude",
        ),
        ({}, {"anonymous": True, "password_fd": 3}, "--anonymous and a password exclude"),
        ({}, {"account": "work", "jid": "eve@example.org"}, "--account is alice@example.org, but"),
        (
            {"XMPPCTL_ACCOUNT": "work", "XMPPCTL_JID": "eve@example.org"},
            {},
            "XMPPCTL_ACCOUNT is alice@example.org, but environment XMPPCTL_JID says",
        ),
    ],
)
def test_what_is_wrong_is_told_with_where_it_stands(config, env, options, words):
    with pytest.raises(UsageError, match=words) as caught:
        resolve(config(), env, **options)
    assert "s3cret" not in str(caught.value.info())


def test_the_account_of_the_file(config):
    account = resolve(config(), {"XMPPCTL_NAMESERVER": "[::1]:5353"}).account()
    assert dataclasses.replace(account, password=None) == dataclasses.replace(
        account,
        password=None,
        anonymous=False,
        connect=("work.example.org", 5222),
        nameserver=("::1", 5353),
        connect_timeout=7.0,
        timeout=40.0,
        retry=0,
        pins=(),
        tls="auto",
        cert=None,
        key=None,
        ca_file=None,
        sasl_mechanism=None,
    )
    assert str(account.jid) == "alice@example.org"
    assert account.password() == "from-account"


def test_without_any_jid_there_is_advice(config):
    with pytest.raises(UsageError, match="no JID to connect as") as caught:
        resolve(config("")).account()
    assert "--jid" in caught.value.hint
    assert "account add" in caught.value.hint
    assert resolve(config("")).get("output") == "table"


@pytest.mark.parametrize(
    ("options", "env"),
    [
        ({"jid": "eve@example.org"}, {}),
        ({"jid": "alice@evil.example"}, {}),
        ({}, {"XMPPCTL_JID": "eve@example.org"}),
        ({"jid": "eve@example.org"}, {"XMPPCTL_ACCOUNT": "work"}),
        ({"jid": "eve@example.org"}, {"XMPPCTL_JID": "alice@example.org"}),
    ],
)
def test_another_jid_gets_nothing_of_the_account(config, options, env):
    found = resolve(config(), env, **options)
    assert found.profile is None
    account = found.account()
    assert account.connect is None
    assert account.connect_timeout == 10.0
    with pytest.raises(UsageError, match="no password for"):
        account.password()


@pytest.mark.parametrize(
    ("options", "env"),
    [
        ({"jid": "ALICE@Example.org/here"}, {}),
        ({}, {"XMPPCTL_JID": "alice@example.org/here"}),
        ({"jid": "alice@example.org/here"}, {"XMPPCTL_ACCOUNT": "home"}),
        ({"account": "work", "resource": "here"}, {"XMPPCTL_JID": "eve@example.org"}),
        ({"account": "work", "jid": "alice@example.org/here"}, {}),
    ],
)
def test_the_same_bare_jid_gets_the_account(config, options, env):
    found = resolve(config(), env, **options)
    assert found.profile.name == "work"
    account = found.account()
    assert str(account.jid) == "alice@example.org/here"
    assert account.connect == ("work.example.org", 5222)
    assert account.password() == "from-account"


def test_a_jid_finds_its_account_beside_the_default(config):
    found = resolve(config(), jid="bob@example.net")
    assert found.profile.name == "home"
    assert found.values["account"].text == "home"
    assert str(found.account().jid) == "bob@example.net/phone"


TWINS = """
[accounts.one]
jid = "a@x.example/1"
[accounts.two]
jid = "a@x.example/2"
"""


def test_two_accounts_of_one_jid_are_told_apart_by_name(config):
    with pytest.raises(UsageError, match=r"several accounts have the JID a@x\.example: one, two"):
        resolve(config(TWINS), jid="a@x.example")
    twins = 'default_account = "two"\n' + TWINS
    assert resolve(config(twins), jid="a@x.example").profile.name == "two"
    env = {"XMPPCTL_ACCOUNT": "one"}
    assert resolve(config(twins), env, jid="a@x.example").profile.name == "one"


@pytest.mark.parametrize(
    ("options", "env", "expected"),
    [
        ({}, {}, "bob@example.net/phone"),
        ({"jid": "bob@example.net/o"}, {}, "bob@example.net/o"),
        ({"jid": "bob@example.net/o", "resource": "r"}, {}, "bob@example.net/r"),
        ({}, {"XMPPCTL_JID": "bob@example.net/e"}, "bob@example.net/e"),
        ({}, {"XMPPCTL_RESOURCE": "e"}, "bob@example.net/e"),
        ({"jid": "bob@example.net"}, {"XMPPCTL_JID": "eve@x.example/e"}, "bob@example.net/phone"),
    ],
)
def test_the_resource(config, options, env, expected):
    text = '[accounts.home]\njid = "bob@example.net/phone"\n'
    assert str(resolve(config(text), env, **options).account().jid) == expected


@pytest.mark.parametrize(
    ("options", "env", "secret"),
    [
        ({}, {}, "from-account"),
        ({}, {"XMPPCTL_PASSWORD": "from-env"}, "from-env"),
        ({}, {"XMPPCTL_PASSWORD_COMMAND": "echo from-env-command"}, "from-env-command"),
        ({"password_command": "echo option"}, {"XMPPCTL_PASSWORD": "from-env"}, "option"),
        ({}, {"XMPPCTL_PASSWORD": "e", "XMPPCTL_JID": "alice@example.org/x"}, "e"),
        ({"jid": "eve@x.example"}, {"XMPPCTL_PASSWORD": "e"}, "e"),
    ],
)
def test_the_order_of_passwords(config, options, env, secret):
    assert resolve(config(), env, **options).account().password() == secret


def test_a_password_of_the_environment_holds_for_the_jid_of_an_option(config):
    env = {"XMPPCTL_JID": "alice@example.org", "XMPPCTL_PASSWORD": "s3cret"}
    found = resolve(config(), env, jid="eve@x.example")
    assert found.account().password() == "s3cret"
    assert found.secret is not None and found.secret.origin == "environment XMPPCTL_PASSWORD"


def test_anonymous_needs_a_domain_only(config):
    account = resolve(config(""), jid="example.org", anonymous=True).account()
    assert (str(account.jid), account.anonymous, account.password) == ("example.org", True, None)
    account = resolve(config(), anonymous=True).account()
    assert str(account.jid) == "example.org"
    with pytest.raises(UsageError, match="is a domain, not an account"):
        resolve(config(""), jid="example.org").account()


def test_without_a_login_a_domain_is_enough(config):
    account = resolve(config(""), jid="example.org").account(login=False)
    assert (str(account.jid), account.password) == ("example.org", None)


def test_files_are_checked_before_anything_is_opened(config, tmp_path):
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    with pytest.raises(UsageError, match="a key needs its --cert"):
        resolve(config(), key=str(key)).account()
    with pytest.raises(LocalError, match=r"cert\.pem \(option --cert\): No such file"):
        resolve(config(), cert=str(cert)).account()
    with pytest.raises(LocalError, match="option --ca-file"):
        resolve(config(), ca_file=str(tmp_path / "missing")).account()
    cert.write_text("x")
    cert.chmod(0o644)
    with pytest.raises(LocalError, match="open to others"):
        resolve(config(), cert=str(cert)).account()
    key.write_text("x")
    key.chmod(0o640)
    with pytest.raises(LocalError, match=r"key\.pem.*open to others"):
        resolve(config(), cert=str(cert), key=str(key)).account()
    key.chmod(0o600)
    account = resolve(config(), cert=str(cert), key=str(key)).account()
    assert (account.cert, account.key) == (cert, key)


def test_with_a_certificate_no_password_is_asked_for(config, tmp_path):
    cert = tmp_path / "cert.pem"
    cert.write_text("x")
    cert.chmod(0o600)
    assert resolve(config(""), jid="a@x.example", cert=cert).account().password is None
    account = resolve(config(""), {"XMPPCTL_PASSWORD": "e"}, jid="a@x.example", cert=cert).account()
    assert account.password() == "e"


def test_every_setting_is_described_with_its_origin(config):
    found = resolve(config(), {"XMPPCTL_PASSWORD": "s3cret", "XMPPCTL_TLS": "direct"}, retry="2")
    rows = {row.name: (row.value, row.origin) for row in found.describe()}
    work = f"account work in {found.config.path}"
    assert rows["account"] == ("work", f"default_account in {found.config.path}")
    assert rows["jid"] == ("alice@example.org", work)
    assert rows["connect_timeout"] == ("7s", work)
    assert rows["timeout"] == ("40s", str(found.config.path))
    assert rows["tls"] == ("direct", "environment XMPPCTL_TLS")
    assert rows["retry"] == ("2", "option --retry")
    assert rows["anonymous"] == ("false", "built-in")
    assert rows["sasl_mechanism"] == (None, "built-in")
    assert rows["password"] == ("(hidden)", "environment XMPPCTL_PASSWORD")
    assert "password_command" not in rows
    assert "s3cret" not in repr(found)


@pytest.mark.parametrize(
    ("line", "name", "value"),
    [
        ("keyring = true", "keyring", "true"),
        ('password = "s3cret"', "password", "(hidden)"),
        ('password_file = "/f"', "password_file", "/f"),
        ('password_command = "c"', "password_command", "c"),
        ("", "password", None),
    ],
)
def test_the_source_of_the_password_is_described_and_never_its_text(config, line, name, value):
    found = resolve(config(f'[accounts.a]\njid = "a@x.example"\n{line}\n'))
    assert found.describe()[-1].name == name
    assert found.describe()[-1].value == value
    assert "s3cret" not in repr(found)


def test_the_file_is_found_by_the_given_environment(config):
    env = {"XMPPCTL_CONFIG_DIR": str(config().path.parent)}
    assert settings.resolve({}, env).profile.name == "work"


def test_output_formats_are_those_of_the_output():
    from xmppctl.config.keys import OUTPUTS
    from xmppctl.output import FORMATS, MONITOR_FORMATS

    assert (*FORMATS, *MONITOR_FORMATS) == OUTPUTS


WSS, HTTPS = "wss://w.example/ws", "https://b.example/bosh"


@pytest.mark.parametrize(
    ("account", "env", "options", "expected"),
    [
        # transport, endpoint, connect as the session sees them
        ({}, {}, {}, ("auto", None, None)),
        ({}, {}, {"endpoint": WSS}, ("websocket", WSS, None)),
        ({}, {}, {"endpoint": HTTPS}, ("bosh", HTTPS, None)),
        ({}, {}, {"endpoint": HTTPS, "transport": "bosh"}, ("bosh", HTTPS, None)),
        ({}, {}, {"endpoint": HTTPS, "transport": "auto"}, ("bosh", HTTPS, None)),
        ({}, {}, {"transport": "tcp", "connect": "h:1"}, ("tcp", None, ("h", 1))),
        ({}, {}, {"transport": "websocket"}, ("websocket", None, None)),
        # the stronger level holds, and what contradicts it is left out
        ({"endpoint": WSS}, {}, {}, ("websocket", WSS, None)),
        ({"endpoint": WSS}, {}, {"connect": "h:1"}, ("auto", None, ("h", 1))),
        ({"endpoint": WSS}, {}, {"transport": "tcp"}, ("tcp", None, None)),
        ({"endpoint": WSS}, {}, {"endpoint": HTTPS}, ("bosh", HTTPS, None)),
        (
            {"endpoint": WSS, "transport": "websocket"},
            {},
            {"endpoint": HTTPS},
            ("bosh", HTTPS, None),
        ),
        ({"connect": "h:1", "transport": "tcp"}, {}, {"endpoint": HTTPS}, ("bosh", HTTPS, None)),
        ({"connect": "h:1"}, {"TRANSPORT": "bosh"}, {}, ("bosh", None, None)),
        ({"connect": "h:1"}, {"ENDPOINT": WSS}, {"transport": "tcp"}, ("tcp", None, ("h", 1))),
        ({}, {"TRANSPORT": "bosh"}, {"connect": "h:1"}, ("auto", None, ("h", 1))),
    ],
)
def test_the_way_to_the_server_is_one_way(config, account, env, options, expected):
    text = '[accounts.a]\njid = "a@x.example"\n'
    text += "".join(f'{name} = "{value}"\n' for name, value in account.items())
    env = {f"XMPPCTL_{name}": value for name, value in env.items()}
    found = resolve(config(text), env, **options)
    made = found.account()
    assert (made.transport, made.endpoint, made.connect) == expected
    # what does not hold is not shown as if it did
    assert (found.get("endpoint"), found.get("connect")) == expected[1:]
    for name in ("endpoint", "connect"):
        assert (found.origin(name) == "built-in") == (found.get(name) is None)


@pytest.mark.parametrize(
    "both",
    [
        {"endpoint": WSS, "connect": "h:1"},
        {"endpoint": WSS, "transport": "tcp"},
        {"endpoint": WSS, "transport": "bosh"},
        {"endpoint": HTTPS, "transport": "websocket"},
        {"connect": "h:1", "transport": "bosh"},
    ],
    ids=str,
)
def test_a_contradiction_on_one_level_is_a_usage_error(config, both):
    plain = '[accounts.a]\njid = "a@x.example"\n'
    options = [f"option --{name}" for name in both]
    with pytest.raises(UsageError) as caught:
        resolve(config(plain), **both)
    assert all(option in caught.value.text for option in options)
    env = {f"XMPPCTL_{name.upper()}": value for name, value in both.items()}
    with pytest.raises(UsageError, match="environment XMPPCTL_"):
        resolve(config(plain), env)
    stored = "".join(f'{name} = "{value}"\n' for name, value in both.items())
    with pytest.raises(UsageError, match=r"account a in .*config\.toml: (connect|transport) "):
        config(plain + stored)


def test_a_downgrade_is_accepted_for_a_run_and_by_no_account(config):
    plain = '[accounts.a]\njid = "a@x.example"\n'
    assert resolve(config(plain)).account().allow_downgrade is False
    assert resolve(config(plain), allow_downgrade=True).account().allow_downgrade is True
    found = resolve(config(plain), {"XMPPCTL_ALLOW_DOWNGRADE": "1"})
    assert found.account().allow_downgrade is True
    assert found.origin("allow_downgrade") == "environment XMPPCTL_ALLOW_DOWNGRADE"
    with pytest.raises(UsageError, match="no setting 'allow_downgrade'"):
        config(plain + "allow_downgrade = true\n")


def test_an_account_has_a_memory_of_its_own(config, tmp_path):
    env = {f"XMPPCTL_{kind}_DIR": str(tmp_path / kind) for kind in ("STATE", "CACHE")}

    def memory(**options):
        return resolve(config(), env, **options).account().memory

    known = Known(features="f")
    memory().learn(known)
    assert memory().known().features == "f"
    for other in (
        {"connect": "h:1"},
        {"transport": "tcp"},
        {"endpoint": WSS},
        {"tls": "direct"},
        {"jid": "eve@example.org"},
        {"jid": "example.org", "anonymous": True},
    ):
        assert memory(**other).known() is None
    device = memory().device()
    assert memory(connect="h:1", resource="r").device() == device
    assert memory(jid="eve@example.org").device() not in (None, device)
    assert memory(jid="example.org", anonymous=True).device() is None
    memory(jid="example.org", anonymous=True).learn(known)
    assert memory(jid="example.org", anonymous=True).known() is not None


def test_before_a_login_there_is_no_memory(config):
    assert resolve(config(), jid="x.example").account(login=False).memory is None
