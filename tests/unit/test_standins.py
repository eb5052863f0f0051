"""Stand-ins for modules: the real one whenever something is asked, nothing before."""

from __future__ import annotations

import inspect
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xmppctl import standins

PREPARED = """
import sys
from xmppctl import standins
standins.prepare()
import click
standins.settle()
def deferred(name):
    return isinstance(sys.modules[name], standins.Deferred)
"""


def python(program: str, *options: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, *options, "-c", PREPARED + program],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_click_and_asyncio_wake_none_of_them() -> None:
    program = """
import asyncio, ssl, pathlib, xml.etree.ElementTree
async def main():
    await asyncio.sleep(0)
loop = asyncio.new_event_loop()
loop.run_until_complete(main())
loop.close()
@click.command()
@click.option("-n", "--name", help="A name.")
def command(name):
    \"\"\"Help.\"\"\"
command.main(["--name", "x", "-n", "x"], standalone_mode=False)
# of some versions of Python pathlib asks fnmatch, and -c loads linecache beforehand
names = ["inspect", "uuid", "gettext", "copy", "ntpath", "ipaddress", "difflib",
         "urllib.parse", "traceback", "logging", "subprocess", "concurrent.futures", "tempfile"]
print([name for name in names if not deferred(name)])
print([name for name in ("ast", "tokenize", "platform", "string", "textwrap", "email", "locale",
                         "shutil", "random") if name in sys.modules])
"""
    assert python(program) == ["[]", "[]"]


def test_what_is_known_beforehand_is_the_same_in_the_real_modules() -> None:
    program = """
for name, module in list(sys.modules.items()):
    if isinstance(module, standins.Deferred):
        known = {key: value for key, value in vars(module).items() if key[:2] != "__"}
        real = standins.real(name)
        for key, value in known.items():
            there = getattr(real, key)
            assert callable(there) if callable(value) else there == value, (name, key)
print(sys.modules["logging"].getLogger("x").name)
"""
    assert python(program) == ["x"]


@given(st.text(st.sampled_from("ab \n\t"), max_size=30))
def test_cleandoc(doc: str) -> None:
    assert standins._cleandoc(doc) == inspect.cleandoc(doc)


@pytest.mark.parametrize(
    ("statement", "expression", "shown"),
    [
        ("import inspect", "inspect.signature(lambda a: 0)", "(a)"),
        ("from inspect import cleandoc", "repr(cleandoc('a\\n  b\\n  c '))", "'a\\nb\\nc '"),
        ("from inspect import cleandoc", "repr(cleandoc(' \\tx'))", "'x'"),
        ("import uuid", "uuid.UUID(int=1)", "00000000-0000-0000-0000-000000000001"),
        ("", "click.UUID('00000000-0000-0000-0000-000000000001').int", "1"),
        ("import gettext", "gettext.NullTranslations().ngettext('a', 'b', 2)", "b"),
        ("from gettext import ngettext", "ngettext('a', 'b', 1) + ngettext('a', 'b', 2)", "ab"),
        ("from copy import deepcopy", "deepcopy([1])", "[1]"),
        ("from copy import replace_x as _, copy", "copy([1])", None),
        ("from urllib.parse import *", "quote('a b')", "a%20b"),
        ("from pathlib import Path", "Path('/a b').as_uri()", "file:///a%20b"),
        ("from ipaddress import ip_address", "ip_address('::1')", "::1"),
        ("import traceback", "traceback.format_exception_only(ValueError('x'))[0]", "x"),
        ("from traceback import extract_stack", "type(extract_stack()).__name__", "StackSummary"),
        ("import logging.handlers", "logging.handlers.QueueHandler.__name__", "QueueHandler"),
        ("import logging", "logging.getLogger('a').getChild('b').name", "a.b"),
        ("import subprocess", "subprocess.run(['true']).returncode", "0"),
        ("from concurrent.futures import ThreadPoolExecutor as T",
         "T(1).submit(int, '7').result()", "7"),
        ("import concurrent.futures.thread as t", "t.ThreadPoolExecutor.__name__",
         "ThreadPoolExecutor"),
        ("import tempfile", "tempfile.gettempdir()[0]", "/"),
        ("from datetime import UTC, datetime", "datetime(2026, 1, 2, tzinfo=UTC)",
         "2026-01-02 00:00:00+00:00"),
        ("import datetime, pickle",
         "pickle.loads(pickle.dumps(datetime.timedelta(1))) == datetime.timedelta(1)", "True"),
    ],
)  # fmt: skip
def test_what_is_asked_is_answered_by_the_real_module(
    statement: str, expression: str, shown: str | None
) -> None:
    program = f"{statement}\nprint(str({expression}).strip())"
    if shown is None:
        program = f"try:\n    {statement}\nexcept ImportError as error:\n    print('none')"
        assert python(program) == ["none"]
        return
    assert python(program)[-1].endswith(shown) or "\n".join(python(program)) == shown


def test_an_asyncio_that_complains_is_heard() -> None:
    program = """
import asyncio
loop = asyncio.new_event_loop()
loop.call_soon(lambda: 1 / 0)
loop.call_soon(loop.stop)
loop.run_forever()
print(asyncio.log.logger.getEffectiveLevel())
import logging
logging.basicConfig(level=logging.DEBUG, stream=sys.stdout, format="%(message)s")
asyncio.log.logger.debug("told")
asyncio.run(asyncio.to_thread(print, "ran"))
"""
    lines = python(program)
    assert lines[0] == "30"
    assert "told" in lines
    assert "ran" in lines


def test_two_threads_may_ask_at_once() -> None:
    program = """
import threading
import inspect as held
start, found = threading.Barrier(8), []
def ask():
    start.wait()
    found.append(held.Parameter)
    from inspect import Parameter
    found.append(Parameter)
threads = [threading.Thread(target=ask) for _ in range(8)]
for each in threads: each.start()
for each in threads: each.join()
print(len(found), len(set(found)))
"""
    assert python(program) == ["16 1"]


def test_what_is_loaded_already_stays() -> None:
    program = "import logging\nimport sys; from xmppctl import standins\n"
    done = subprocess.run(
        [sys.executable, "-c", program + "standins.prepare(); print(logging.Logger.__name__)"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "Logger\n"
