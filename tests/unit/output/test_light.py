import subprocess
import sys

HEAVY = {"tabulate", "json", "csv", "lxml", "asyncio", "aioxmpp", "click", "hashlib"}


def test_importing_the_layer_loads_nothing_heavy() -> None:
    program = (
        "import sys, xmppctl.output, xmppctl.output.escape, xmppctl.model.monitor\n"
        f"print(sorted({HEAVY!r} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"


def test_only_a_long_table_loads_tabulate() -> None:
    program = """
import io, sys
from xmppctl.errors import ErrorInfo
from xmppctl.output import FORMATS, writer
for format in sorted(FORMATS, key="table".__eq__):
    out = writer(format, ErrorInfo, shape="array", stream=io.StringIO())
    out.write(ErrorInfo(2, "USAGE"))
    out.close()
    assert "tabulate" not in sys.modules, format
out = writer("table", ErrorInfo, shape="array", stream=io.StringIO())
for _ in range(50):
    out.write(ErrorInfo(2, "USAGE"))
out.close()
assert "tabulate" in sys.modules
assert "importlib.metadata" not in sys.modules
import importlib.metadata
assert importlib.metadata.version("tabulate")[0].isdigit()
"""
    subprocess.run([sys.executable, "-c", program], check=True)
