"""Text in Markdown and roff: nothing of it becomes markup by accident."""

from __future__ import annotations

import pytest

from tools import gen_man, gen_reference
from xmppctl.cli.tree import Tree


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("``<r/>`` and <a>", r"`<r/>` and \<a\>"),
        ("2 * 3, _private, snake_case", r"2 \* 3, \_private, snake_case"),
        ("see --no-input", "see `--no-input`"),
        ("also XMPPCTL_ROOM_PASSWORD", "also `XMPPCTL_ROOM_PASSWORD`"),
    ],
)
def test_markdown(text: str, expected: str) -> None:
    assert gen_reference.prose(text) == expected


def test_anchor() -> None:
    assert gen_reference.anchor("xmppctl roster list") == "xmppctl-roster-list"
    assert gen_reference.anchor("Record ErrorInfo") == "record-errorinfo"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("see --no-input", r"see \fB\-\-no\-input\fR"),
        ("it's ~ §4", r"it\(aqs \(ti [u00A7]".replace("[", r"\[") + "4"),
        (r"a\b", r"a\eb"),
        (".TH is no request", r"\&.TH is no request"),
        ("well-known", "well-known"),
    ],
)
def test_roff_prose(text: str, expected: str) -> None:
    assert gen_man.prose(text) == expected


def test_roff_literal() -> None:
    assert gen_man.literal("'a' -b `c`\n.d ^~") == (
        r"\(aqa\(aq \-b \(gac\(ga" + "\n" + r"\&.d \(ha\(ti"
    )


def test_a_page_for_each_command() -> None:
    tree = Tree(index={})
    pages = gen_man.pages(tree)
    visible = {name for name in tree.names if not tree.load(name).hidden}
    assert set(pages) == {"xmppctl.1"} | {f"xmppctl-{name}.1" for name in visible}
    for name in visible:
        assert rf"\fBxmppctl\-{name.replace('-', chr(92) + '-')}\fR(1)" in pages["xmppctl.1"]
        assert "\n.SH SYNOPSIS\n" in pages[f"xmppctl-{name}.1"]
    for page in pages.values():
        assert page.isascii()
        assert "\n\n" not in page, "an empty line is a break of its own"
