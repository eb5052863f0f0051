"""``python -m xmppctl``, and the entry point of the console script."""

from __future__ import annotations

import sys


def main() -> int:
    """Run the command line of this process; the exit code."""
    try:
        from xmppctl.cli.main import main as run

        return run()
    except KeyboardInterrupt:
        # Before or after the part that handles signals: 128 + SIGINT.
        return 130


if __name__ == "__main__":
    sys.exit(main())
