"""Whatever `send` puts into a message is what a reader finds there."""

import io
import re
from contextlib import redirect_stderr, redirect_stdout

from hypothesis import given, settings
from hypothesis import strategies as st

from xmppctl.cli.main import main
from xmppctl.protocol import message
from xmppctl.protocol.payload import Context
from xmppctl.session.xml import parse

CHARACTERS = st.characters(exclude_categories=("Cs", "Cc", "Cn", "Co"), include_characters="\n\t")
TEXT = st.text(CHARACTERS, min_size=1, max_size=40).filter(lambda text: text.strip() == text)
WORD = st.from_regex(r"\A[A-Za-z][A-Za-z0-9._-]{0,12}\Z")
LINE = TEXT.filter(lambda text: "\n" not in text and "\t" not in text)


@st.composite
def calls(draw):
    """Arguments for ``send``, and the fields that the message must have then."""
    args, fields = [], {}

    def give(flag, value, name, expected):
        if draw(st.booleans()):
            args.append(flag if value is None else f"{flag}={value}")
            fields[name] = expected

    body = draw(TEXT)
    fields["body"] = body
    for flag, name in (("--subject", "subject"), ("--thread", "thread"), ("--id", "id"),
                       ("--nick-name", "nick")):  # fmt: skip
        value = draw(LINE)
        give(flag, value, name, value)
    give("--receipt", None, "receipt", {"requested": True})
    give("--markable", None, "marker", {"type": "markable"})
    give("--unstyled", None, "unstyled", True)
    give("--expire-in", "90s", "expire_in_s", 90)
    give("--hint", "store", "hints", ["store"])
    hint = draw(LINE)
    give("--spoiler-hint", hint, "spoiler", {"hint": hint})
    name, value = draw(WORD), draw(LINE)
    give("--header", f"x-{name}={value}", "headers", {f"x-{name}": value})
    replaced = draw(WORD)
    give("--replace", f"old-{replaced}", "replace_id", f"old-{replaced}")
    url = f"https://example.org/{draw(WORD)}"
    give("--oob-url", url, "oob", [{"url": url}])
    answered = draw(WORD)
    if draw(st.booleans()):
        args.append(f"--reply-to=r-{answered}")
        fields["reply"] = {"id": f"r-{answered}", "to": "bob@example.org"}
        if draw(st.booleans()):
            args.append(f"--quote={draw(TEXT)}")
    if "--receipt" not in args and draw(st.booleans()) and "reply" not in fields:
        args.append("--me")
        fields["body"], fields["me"] = f"/me {body}", True
    return [*args, "bob@example.org", "--", body], fields


def run(args):
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        code = main(["-j", "alice@example.org", "send", "--dry-run", *args])
    return code, out.getvalue(), err.getvalue()


@given(calls())
@settings(max_examples=80)
def test_what_is_sent_is_what_is_read(call):
    from xmppctl.output.values import to_value

    args, fields = call
    code, out, err = run(args)
    assert code == 0, err
    stanza = parse(out.rstrip("\n"))
    record = message.read(stanza, Context("bob@example.org"))
    found = to_value(record)
    if "reply" in fields:
        # the quotation is in front, and the fallback says up to where: in code points
        (end,) = [each.get("end", 0) for each in found.get("fallback", [])] or [0]
        assert found["body"][end:] == fields.pop("body")
        assert re.match(r"(> .*\n|>\n)*\Z", found["body"][:end])
    assert {name: found.get(name) for name in fields} == fields
