#!/usr/bin/env python3
"""Compares what modules declare with the XEPs themselves, in a Git repository of their sources.

    tools/check_xeps.py REPOSITORY   for example a clone of github.com/xsf/xeps

Writes the titles of all declared XEPs into tools/xep_titles.py, and exits with 1 when a XEP has a
newer version than the one that is declared: somebody has to read what changed.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
from html import unescape
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
if __name__ == "__main__":
    sys.path[0] = str(ROOT)

_TITLES = ROOT / "tools/xep_titles.py"


def source(repository: str, number: str) -> str:
    """The XML of a XEP in its newest version. Raises CalledProcessError where there is none."""
    command = ["git", "-C", repository, "show", f"HEAD:xep-{number}.xml"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def title(xml: str) -> str:
    """The title of a XEP."""
    return " ".join(unescape(_element(xml, "title")).split())


def version(xml: str) -> str:
    """The newest version of a XEP: its first revision."""
    return _element(xml, "version").strip()


def _element(xml: str, name: str) -> str:
    match = re.search(rf"<{name}>(.*?)</{name}>", xml, re.DOTALL)
    if match is None:
        raise ValueError(f"the XEP has no <{name}/>")
    return match.group(1)


def titles_module(titles: dict[str, str]) -> str:
    """The text of ``tools/xep_titles.py``."""
    quoted = {number: json.dumps(text, ensure_ascii=False) for number, text in titles.items()}
    rows = [f'    "{number}": {text},' for number, text in sorted(quoted.items())]
    head = '"""The titles of the declared XEPs, written by tools/check_xeps.py."""'
    return "\n".join([head, "", "TITLES: dict[str, str] = {", *rows, "}", ""])


def main(arguments: list[str] | None = None) -> int:
    """Run with ``arguments`` (the process's own by default); the exit code."""
    parser = argparse.ArgumentParser(description="Compare declared XEPs with their sources.")
    parser.add_argument("repository")
    repository = parser.parse_args(arguments).repository
    from xmppctl.protocol import implemented

    titles: dict[str, str] = {}
    old = 0
    for xep, module in implemented():
        xml = source(repository, xep.number)
        titles[xep.number] = title(xml)
        if xep.version != version(xml):
            old += 1
            print(f"XEP-{xep.number} is {version(xml)}, {module} declares {xep.version}")
    _TITLES.write_text(titles_module(titles), encoding="utf-8")
    return 1 if old else 0


if __name__ == "__main__":
    sys.exit(main())
