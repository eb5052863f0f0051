#!/usr/bin/env python3
"""Writes every file of the repository that is derived from the code.

    tools/generate.py          write those that differ, remove those whose command is gone
    tools/generate.py --check  write nothing; exit 1 and name them

Derived are the index of the commands (xmppctl/cli/_index.py) and that of the payloads of messages
(xmppctl/protocol/payload/_index.py), completions/, man/, docs/schema/, docs/reference.md,
docs/exit-codes.md, docs/xeps.md and xmppctl.doap. None of them is read here: a merge conflict in
one of them is resolved by running this.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
if __name__ == "__main__":
    sys.path[0] = str(ROOT)

COMMAND = "make generate"

# Directories (with the names of their files) in which nothing stays that is not derived.
_OWN = (("completions", "*"), ("docs/schema", "*.json"), ("man", "*"))


def outputs() -> dict[str, str]:
    """The text of every derived file by its path under the root."""
    from tools import gen_man, gen_payloads, gen_reference, gen_xeps
    from tools.xep_titles import TITLES
    from xmppctl.cli.tree import Tree, build_index
    from xmppctl.commands import completion, doap
    from xmppctl.commands.schema import schemas
    from xmppctl.model.xep import merge
    from xmppctl.protocol import implemented

    tree = Tree(index={})
    found = {
        "xmppctl/cli/_index.py": build_index(),
        "xmppctl/protocol/payload/_index.py": gen_payloads.index(),
        "completions/xmppctl.bash": completion.script("bash"),
        "completions/_xmppctl": completion.script("zsh"),
        "completions/xmppctl.fish": completion.script("fish"),
        "docs/reference.md": gen_reference.reference(tree),
        "docs/exit-codes.md": gen_reference.exit_codes(),
        "docs/xeps.md": gen_xeps.table(merge(implemented()), TITLES),
        "xmppctl.doap": doap.text(),
    }
    found |= {f"man/{name}": text for name, text in gen_man.pages(tree).items()}
    for path, schema in schemas(tree).items():
        name = path.replace(" ", "-")
        found[f"docs/schema/{name}.json"] = json.dumps(schema, indent=2, ensure_ascii=False) + "\n"
    return {path: text.strip("\n") + "\n" for path, text in found.items()}


def stale(wanted: Mapping[str, str], root: Path = ROOT) -> list[str]:
    """The paths under ``root`` whose files are not what ``wanted`` says, sorted."""
    different = {path for path, text in wanted.items() if _read(root / path) != text}
    return sorted(different | set(_left_over(wanted, root)))


def write(wanted: Mapping[str, str], root: Path = ROOT) -> list[str]:
    """Make the files under ``root`` what ``wanted`` says; the paths that were touched, sorted."""
    changed = stale(wanted, root)
    for path in changed:
        target = root / path
        if path not in wanted:
            target.unlink(missing_ok=True)
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        # In one step: a run beside this one, or a shell that completes, sees all or nothing.
        fresh = target.with_name(f".{target.name}.{os.getpid()}")
        fresh.write_text(wanted[path], encoding="utf-8")
        fresh.replace(target)
    return changed


def _read(path: Path) -> str | None:
    with suppress(FileNotFoundError):
        return path.read_bytes().decode("utf-8", "replace")
    return None


def _left_over(wanted: Mapping[str, str], root: Path) -> Iterator[str]:
    for directory, pattern in _OWN:
        for path in (root / directory).glob(pattern):
            name = path.relative_to(root).as_posix()
            if name not in wanted and not path.name.startswith("."):
                yield name


def untitled() -> list[str]:
    """The numbers of declared XEPs that ``tools/xep_titles.py`` does not name."""
    from tools.xep_titles import TITLES
    from xmppctl.protocol import implemented

    return sorted({xep.number for xep, _ in implemented()} - TITLES.keys())


def main(arguments: list[str] | None = None) -> int:
    """Run with ``arguments`` (the process's own by default); the exit code."""
    parser = argparse.ArgumentParser(description="Write the files that are derived from the code.")
    parser.add_argument("--check", action="store_true", help="only tell what is out of date")
    check = parser.parse_args(arguments).check
    wanted = outputs()
    paths = stale(wanted) if check else write(wanted)
    for path in paths:
        print(f"out of date: {path}" if check else path, file=sys.stderr if check else sys.stdout)
    if check and paths:
        print(f"mend with: {COMMAND}", file=sys.stderr)
    missing = untitled()
    for number in missing:
        print(f"tools/xep_titles.py: no title of XEP-{number}", file=sys.stderr)
    return 1 if missing or (check and paths) else 0


if __name__ == "__main__":
    sys.exit(main())
