"""What somebody would write with slixmpp; like its examples it proves nothing about a message.

python -m benchmarks._slix ping JID
python -m benchmarks._slix send JID     each line of standard input is a message
python -m benchmarks._slix deliver      each line of standard input is a recipient
python -m benchmarks._slix archive      all messages, as lines of JSON
python -m benchmarks._slix roster       all contacts, as lines of JSON
"""

from __future__ import annotations

import json
import sys
import warnings
from typing import Any

from benchmarks._login import Login

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import slixmpp


class Client(slixmpp.ClientXMPP):
    """Logs in, does one thing, disconnects."""

    def __init__(self, login: Login, verb: str, args: list[str]) -> None:
        super().__init__(login.jid, login.password)
        self.verb, self.args = verb, args
        self.ca_certs = login.ca_file
        self.enable_direct_tls = login.direct
        self.enable_starttls = not login.direct
        self.register_plugin("xep_0199")
        self.register_plugin("xep_0334")
        if verb == "archive":
            self.register_plugin("xep_0313")
        self.add_event_handler("session_start", self.start)
        self.connect(*login.address)

    async def start(self, _: Any) -> None:
        """Do the one thing; whatever comes of it, disconnect."""
        try:
            await self.work()
        finally:
            await self.disconnect(wait=60.0)

    async def work(self) -> None:
        """The one thing."""
        if self.verb == "ping":
            print(await self.plugin["xep_0199"].ping(slixmpp.JID(self.args[0])))
        elif self.verb == "send":
            for line in sys.stdin:
                self.send_message(slixmpp.JID(self.args[0]), line.rstrip("\n"), mtype="chat")
        elif self.verb == "archive":
            async for each in self.plugin["xep_0313"].iterate(rsm={"max": 100}):
                _print_archived(each)
        elif self.verb == "roster":
            roster = await self.get_roster()
            for jid, item in roster["roster"]["items"].items():
                print(json.dumps({"jid": str(jid), **item}, ensure_ascii=False))
        else:
            for line in sys.stdin:
                message = self.make_message(line.strip(), "to all", mtype="chat")
                message.enable("no-store")
                message.send()


def _print_archived(result: Any) -> None:
    forwarded = result["mam_result"]["forwarded"]
    message = forwarded["stanza"]
    record = {
        "id": message["id"],
        "archive_id": result["mam_result"]["id"],
        "from": str(message["from"]),
        "to": str(message["to"]),
        "type": message["type"],
        "timestamp": forwarded["delay"]["stamp"].isoformat(),
        "body": message["body"],
    }
    print(json.dumps(record, ensure_ascii=False))


def main() -> None:
    """Run it until it is disconnected."""
    verb, *args = sys.argv[1:]
    client = Client(Login.of_environment(), verb, args)
    client.loop.run_until_complete(client.disconnected)


if __name__ == "__main__":
    main()
