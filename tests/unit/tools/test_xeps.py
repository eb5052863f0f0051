"""Declared XEPs: joined, written as DOAP and as a table, compared with their sources."""

from __future__ import annotations

import subprocess
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from tools import check_xeps, gen_xeps, plugins
from tools.describe import leaves, sections
from xmppctl.cli.tree import Tree
from xmppctl.model.xep import Support, Xep, merge
from xmppctl.output.doap import render

PING = Xep("0199", "2.0.1", "complete")


def test_merge_orders_by_number() -> None:
    disco = Xep("0030", "2.5.0", "complete")
    assert merge([(PING, "b"), (disco, "a")]) == [Support(disco, ("a",)), Support(PING, ("b",))]


def test_merge_joins_what_several_modules_declare() -> None:
    declared = [
        (Xep("0202", "2.0", "partial", "asks"), "b"),
        (Xep("0202", "2.0", "complete"), "c"),
        (Xep("0202", "2.0", "partial", "answers"), "a"),
        (Xep("0202", "2.0", "partial", "asks"), "a"),
    ]
    joined = Xep("0202", "2.0", "partial", "answers; asks")
    assert merge(declared) == [Support(joined, ("a", "b", "c"))]


def test_merge_refuses_two_versions() -> None:
    with pytest.raises(ValueError, match=r"XEP-0199 .* 2\.0 and 2\.0\.1 by a and b"):
        merge([(PING, "a"), (Xep("0199", "2.0", "complete"), "b")])


def test_doap_escapes_notes() -> None:
    note = "<x/> & 'more'"
    text = render([Support(Xep("0199", "2.0.1", "partial", note), ("a",))])
    found = ET.fromstring(text).findtext(".//{https://linkmauve.fr/ns/xmpp-doap#}note")
    assert found == note


def test_table() -> None:
    text = gen_xeps.table([Support(PING, ("xmppctl.protocol.ping",))], {"0199": "A | B"})
    row = next(line for line in text.splitlines() if "| [XEP-" in line)
    assert row.startswith("| [XEP-0199](https://xmpp.org/extensions/xep-0199.html) | A \\| B |")
    assert "| 2.0.1 | complete |" in row
    assert "`protocol.ping`" in row


def test_what_plugins_name_is_there() -> None:
    paths = set()
    for members in sections(Tree()).values():
        for name, member in members:
            paths |= {name, *(path for path, _ in leaves(name, member))}
    tests = Path(__file__).parent.parent.parent / "integration"
    assert list(plugins.check(paths, tests)) == []


XML = """<xep><header>
  <title>Ping &amp;
    Pong</title>
  <revision><version>2.0.1</version></revision>
  <revision><version>1.0</version></revision>
</header></xep>"""


def test_title_and_version_of_a_source() -> None:
    assert check_xeps.title(XML) == "Ping & Pong"
    assert check_xeps.version(XML) == "2.0.1"
    with pytest.raises(ValueError, match="title"):
        check_xeps.title("<xep/>")


def test_titles_module_is_python() -> None:
    space: dict[str, dict[str, str]] = {}
    titles = {"0199": 'A "B" é', "0030": "C"}
    exec(check_xeps.titles_module(titles), space)
    assert space["TITLES"] == titles
    assert list(space["TITLES"]) == ["0030", "0199"]


def test_a_newer_version_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    git = ["git", "-C", str(tmp_path), "-c", "user.name=a", "-c", "user.email=a@example.org"]
    (tmp_path / "xep-0199.xml").write_text(XML)
    subprocess.run(["git", "init", "--quiet", str(tmp_path)], check=True)
    subprocess.run([*git, "add", "."], check=True)
    subprocess.run([*git, "commit", "--quiet", "--no-gpg-sign", "-m", "x"], check=True)
    titles = tmp_path / "titles.py"
    monkeypatch.setattr(check_xeps, "_TITLES", titles)
    declared = [(PING, "here")]
    monkeypatch.setattr("xmppctl.protocol.implemented", lambda: declared)
    assert check_xeps.main([str(tmp_path)]) == 0
    assert '"0199": "Ping & Pong"' in titles.read_text()
    declared[:] = [(Xep("0199", "2.0", "complete"), "there")]
    assert check_xeps.main([str(tmp_path)]) == 1
    assert capsys.readouterr().out == "XEP-0199 is 2.0.1, there declares 2.0\n"
