"""The sections of RESULTS.md: each benchmark replaces its own."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Iterable
from pathlib import Path

RESULTS = Path(__file__).with_name("RESULTS.md")
_HEAD = "# Benchmark results\n\nEach section names the command that writes it anew.\n"


def record(title: str, command: str, lines: Iterable[str]) -> None:
    """Print the section ``title`` and put it into RESULTS.md in place of the former one."""
    where = f"Python {platform.python_version()}, {platform.system()}, {os.cpu_count()} CPUs"
    section = f"\n## {title}\n\n`{command}` on {where}\n\n" + "\n".join(lines) + "\n"
    print(section)
    text = RESULTS.read_text() if RESULTS.exists() else _HEAD
    former = re.compile(rf"\n## {re.escape(title)}\n.*?(?=\n## |\Z)", re.DOTALL)
    text = former.sub("", text).rstrip("\n") + "\n" + section
    RESULTS.write_text(text)
