"""The sections of RESULTS.md: each benchmark replaces its own."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Iterable
from pathlib import Path

RESULTS = Path(__file__).with_name("RESULTS.md")


def section(name: str, title: str, load: float, lines: Iterable[str]) -> str:
    """The section of the benchmark ``name``; ``load`` is that of the machine before it ran."""
    where = f"Python {platform.python_version()}, {platform.system()}, {os.cpu_count()} CPUs"
    command = f"`make bench BENCH_ARGS={name}` on {where}, load {load:.1f} beforehand"
    return f"## {title}\n\n{command}\n\n" + "\n".join(lines) + "\n"


def record(title: str, text: str) -> None:
    """Put a section into RESULTS.md in place of the former one, or behind all others."""
    head, *sections = re.split(r"\n(?=## )", RESULTS.read_text())
    titles = [part.partition("\n")[0] for part in sections]
    if f"## {title}" in titles:
        sections[titles.index(f"## {title}")] = text
    else:
        sections.append(text)
    RESULTS.write_text("\n\n".join(part.strip("\n") for part in (head, *sections)) + "\n")
