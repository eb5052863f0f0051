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


def test_only_a_table_loads_tabulate() -> None:
    program = """
import io, sys
from xmppctl.errors import ErrorInfo
from xmppctl.output import FORMATS, writer
for format in sorted(FORMATS, key="table".__eq__):
    out = writer(format, ErrorInfo, shape="array", stream=io.StringIO())
    assert "tabulate" not in sys.modules, format
    out.write(ErrorInfo(2, "USAGE"))
    out.close()
assert "tabulate" in sys.modules
"""
    subprocess.run([sys.executable, "-c", program], check=True)
