"""xmpp: URIs: the examples of the XEPs and of RFC 5122, and what strangers may write into them."""

import shlex

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xmppctl.cli.tree import Tree
from xmppctl.model.jid import parse as jid
from xmppctl.model.uri import make, parse

PUBSUB = "xmpp:pubsub.shakespeare.lit"
COVEN = "xmpp:coven@chat.shakespeare.lit"
ROMEO = "xmpp:romeo@montague.net"

EXAMPLES = [
    (f"{ROMEO}?message", "send romeo@montague.net -"),
    (
        f"{ROMEO}?message;subject=Test%20Message;body=Here%27s%20a%20test%20message",
        "send '--subject=Test Message' romeo@montague.net -- 'Here'\"'\"'s a test message'",
    ),
    (f"{ROMEO}?message;type=groupchat;body=hi", "muc send -- romeo@montague.net hi"),
    (f"{ROMEO}?message;type=headline;from=a@b.c;id=7",
     "send --id=7 --type=headline romeo@montague.net -"),
    (f"{ROMEO}?message;body=", "send romeo@montague.net -"),
    (f"{ROMEO}?message;body=-", "send romeo@montague.net -- -"),
    (f"{ROMEO}?message;body=a@b.c", "send romeo@montague.net -- a@b.c"),
    ("xmpp:--yes@a.b?message;body=--help", "send xmpp:--yes@a.b -- --help"),
    (f"{ROMEO}?message;type=groupchat", "muc send -- romeo@montague.net"),
    (f"{ROMEO}?message;type=groupchat;body=-", "muc send -- romeo@montague.net -"),
    (f"{ROMEO}?roster", "roster add -- romeo@montague.net"),
    (
        f"{ROMEO}?roster;name=Romeo%20Montague;group=Friends;group=A",
        "roster add '--name=Romeo Montague' --group=Friends --group=A -- romeo@montague.net",
    ),
    (f"{ROMEO}?roster;preauth=T;ibr=y", "roster add --token=T -- romeo@montague.net"),
    (f"{ROMEO}?remove", "roster remove -- romeo@montague.net"),
    (f"{ROMEO}?subscribe", "roster subscribe -- romeo@montague.net"),
    (f"{ROMEO}?unsubscribe", "roster cancel -- romeo@montague.net"),
    (f"{COVEN}?join", "muc join -- coven@chat.shakespeare.lit"),
    (f"{COVEN}?invite;jid=hecate@shakespeare.lit;jid=bard@shakespeare.lit",
     "muc invite -- coven@chat.shakespeare.lit hecate@shakespeare.lit bard@shakespeare.lit"),
    ("xmpp:example.com?register;preauth=TOKEN", "register create --token=TOKEN -- example.com"),
    ("xmpp:marlowe.shakespeare.lit?register", "register form -- marlowe.shakespeare.lit"),
    ("xmpp:marlowe.shakespeare.lit?unregister", "register cancel -- marlowe.shakespeare.lit"),
    (f"{PUBSUB}?;node=princely_musings", "pubsub items -- pubsub.shakespeare.lit princely_musings"),
    (f"{PUBSUB}?pubsub;action=retrieve;node=n;item=i",
     "pubsub items --id=i -- pubsub.shakespeare.lit n"),
    (f"{PUBSUB}?pubsub;action=subscribe;node=n", "pubsub subscribe -- pubsub.shakespeare.lit n"),
    (f"{PUBSUB}?pubsub;action=unsubscribe;node=n",
     "pubsub unsubscribe -- pubsub.shakespeare.lit n"),
    ("xmpp:montague.net?command;node=stats", "adhoc run -- montague.net stats"),
    ("xmpp:montague.net?command", "adhoc list -- montague.net"),
    (f"{ROMEO}?disco;node=n;request=items;type=get", "disco items --node=n -- romeo@montague.net"),
    (f"{ROMEO}?vcard", "vcard get -- romeo@montague.net"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "command"), EXAMPLES)
def test_examples(text, command):
    found = parse(text)
    assert found.command == f"xmppctl {command}"
    assert found.known or found.action is None


@pytest.mark.parametrize("command", sorted({command for _, command in EXAMPLES}))
def test_the_command_is_understood(command):
    """By those that are there: verb, options and arguments."""
    place, words = Tree(), shlex.split(command)
    context = click.Context(place)
    while isinstance(place, click.Group):
        place = place.get_command(context, words.pop(0))
        if place is None:
            pytest.skip(f"there is no such command here: {command}")
        context = click.Context(place, parent=context)
    rest = place.make_parser(context).parse_args(list(words))[1]
    assert rest == []
    if place.name == "send" and "body" not in [each.name for each in place.params]:
        # it has a rule of its own for what stands behind --
        behind = words[words.index("--") + 1 :] if "--" in words else []
        assert len(behind) <= 1


def test_a_password_is_no_argument():
    found = parse(f"{COVEN}?join;password=a%20b")
    assert found.command == (
        "XMPPCTL_ROOM_PASSWORD='a b' xmppctl muc join -- coven@chat.shakespeare.lit"
    )


@pytest.mark.parametrize(
    ("text", "about"),
    [
        ("xmpp:node@example.com", "node@example.com"),
        ("XMPP:example.com", "example.com"),
        ("xmpp:example.com/some-resource", "example.com/some-resource"),
        ("xmpp:nasty!%23$%25()*+,-.;=%3F%5B%5C%5D%5E_%60%7B%7C%7D~node@example.com",
         "nasty!#$%()*+,-.;=?[\\]^_`{|}~node@example.com"),
        ("xmpp:node@example.com/repulsive%20!%23%22$%25&'()*+,-.%2F:;%3C=%3E%3F%40resource",
         "node@example.com/repulsive !#\"$%&'()*+,-./:;<=>?@resource"),
        ("xmpp:ji%C5%99i@%C4%8Dechy.example/v%20Praze", "jiři@čechy.example/v Praze"),
        ("xmpp:jiři@čechy.example", "jiři@čechy.example"),
    ],
)  # fmt: skip
def test_addresses(text, about):
    found = parse(text)
    assert (found.jid, found.action, found.command, found.account) == (about, None, None, None)


def test_an_account_that_it_wants_is_never_used():
    found = parse("xmpp://guest@example.com/support@example.com?message;from=boss@example.com#f")
    assert (found.account, found.jid) == ("guest@example.com", "support@example.com")
    assert found.command == "xmppctl send support@example.com -"
    assert found.fragment == "f"


def test_parameters():
    found = parse(f"{ROMEO}?x;a=1;a=2;b;;=c;d=%3D%3B%0A")
    assert [(each.name, each.value) for each in found.pairs] == [
        ("a", "1"), ("a", "2"), ("b", ""), ("d", "=;\n"),
    ]  # fmt: skip
    assert found.params == {"a": "1", "b": "", "d": "=;\n"}
    assert (found.action, found.known, found.command) == ("x", False, None)


@pytest.mark.parametrize(
    "text",
    [
        "", "xmpp", "xmpp:", "xmpp:?message", "http://example.com", "mailto:a@b.c", "xmpp:a@@b.c",
        "xmpp:a b@c.d", "xmpp:a@b.c?message;body=a b", "xmpp:a@b.c?message;body=%",
        "xmpp:a@b.c?message;body=%zz", "xmpp:a@b.c?message;body=%ff", "xmpp:%c3%28@b.c",
        "xmpp:a@b.c?message;body=%00", "xmpp:a@b.c?message;body=%1b%5b31m",
        "xmpp:a@b.c?message;subject=%c2%9b31m", "xmpp:a%0a@b.c", "xmpp:a@b.c/%7f",
        "xmpp:a@b.c?mess%0aage", "xmpp:a@b.c?x;k%0a=v", "xmpp:a@b.c\n", "xmpp:a@b.c?\x1b",
        "xmpp:a@b.c#%00", "xmpp:a@b.c?x=" + "y" * 20_000, "xmpp://%00/a@b.c",
        "xmpp:a@b.c?message;body=%ed%a0%80",
    ],
)  # fmt: skip
def test_no_uri(text):
    with pytest.raises(ValueError, match=r"."):
        parse(text)


def test_bad_people_are_not_invited():
    assert parse(f"{COVEN}?invite;jid=--help").command is None
    assert parse(f"{COVEN}?invite;jid=a@b@c").command is None
    assert parse(f"{COVEN}?invite").command is None


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=30))
def test_values_come_back_as_one_word(value):
    made = make(jid("bob@example.org"), "message", [("body", value), ("subject", value)])
    assert made.uri.isascii()
    assert " " not in made.uri
    found = parse(made.uri)
    assert found.params == {"body": value, "subject": value}
    words = shlex.split(found.command)
    assert words == ["xmppctl", "send", f"--subject={value}", "bob@example.org", "--", value]


@pytest.mark.parametrize(
    ("action", "pairs"), [("a;b", []), ("a b", []), ("x", [("k;", "v")]), ("x", [("", "v")])]
)
def test_what_cannot_be_made(action, pairs):
    with pytest.raises(ValueError, match="is not the name"):
        make(jid("bob@example.org"), action, pairs)


def test_made_of_an_odd_address():
    odd = jid("nasty!#$%()*+,-.;=?[]^_`{|}~node@example.com/a b/c?d#e")
    assert parse(make(odd, None, []).uri).jid == str(odd)
    assert make(jid("[::1]"), "join", []).uri == "xmpp:[::1]?join"
