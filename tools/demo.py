"""Shows xmppctl at work: each command as one would type it, and what it really prints.

    make demo

Runs inside ``tools/sandbox.py --only prosody --``, whose environment names the account. Exit code:
0, or that of the first step that failed.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

ALICE, BOB, DOMAIN = (os.environ.get(name, "") for name in ("ALICE", "BOB", "DOMAIN"))

# what it shows, the command, and the exit code that it has to have
STEPS = (
    ("Is the server alive, and who is it?", "xmppctl ping", 0),
    ("", "xmppctl entity version", 0),
    ("Send; exit code 0 means that bob's server took it.", f"xmppctl send {BOB} 'Backup done'", 0),
    ("The same for a script.", f"df -h / | xmppctl --json send {BOB} -", 0),
    ("A message that bounces is an error.", f"xmppctl send nobody@{DOMAIN} hi", 6),
    ("The contact list.", "xmppctl roster list", 0),
    ("What the server can do.", f"xmppctl disco info {DOMAIN} --json | jq -c .identities", 0),
    ("For Nagios and its relatives.", "xmppctl -o nagios ping", 0),
    (
        "A room, and a word in it.",
        f"xmppctl -o plain muc create ops@conference.{DOMAIN} --field roomname=Operations",
        0,
    ),
    ("", f"xmppctl muc send ops@conference.{DOMAIN} 'Deployed'", 0),
    ("A file, by a URL.", f"xmppctl -o plain upload --to {BOB} /etc/hostname", 0),
    (
        "Bob reads what came from alice.",
        'XMPPCTL_JID="$BOB" XMPPCTL_PASSWORD="$BOB_PASSWORD" \\\n'
        f"    xmppctl mam query --with {ALICE} --json | jq '.[] | {{timestamp, from, body}}'",
        0,
    ),
)


def befriend() -> None:
    """Give alice a contact, by way of a client that is not xmppctl."""
    from tests.peers.rawxml import RawClient

    host, _, port = os.environ["XMPPCTL_CONNECT"].rpartition(":")
    ca_file = Path(os.environ["XMPPCTL_CA_FILE"])
    with RawClient(DOMAIN, (host, int(port)), ca_file) as client:
        client.open()
        client.login("alice", os.environ["ALICE_PASSWORD"])
        client.bind()
        item = f"<item jid='{BOB}' name='Bob'><group>friends</group></item>"
        client.iq(f"<query xmlns='jabber:iq:roster'>{item}</query>", type="set")


def main() -> int:
    """Run the steps one after the other."""
    if not DOMAIN:
        print("demo: run it by `make demo`", file=sys.stderr)
        return 2
    befriend()
    for title, command, expected in STEPS:
        if title:
            print(f"\n# {title}")
        print(f"$ {command}", flush=True)
        code = subprocess.call(["bash", "-o", "pipefail", "-c", command], stderr=subprocess.STDOUT)
        if code != expected:
            print(f"demo: exit code {code} instead of {expected}", file=sys.stderr)
            return code or 1
        if code:
            print(f"[exit code {code}]")
    print("\nThat was a Prosody of its own; it is gone again.")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
