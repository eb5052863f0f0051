"""Gajim 1.7 without anybody at its screen: commands on stdin, what happens on stdout, JSON lines.

The README says how to run it. The application is Gajim's own; what would be a click is a call of
what the click calls.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from pathlib import Path
from typing import Any

OUT = os.fdopen(os.dup(1), "w", buffering=1, encoding="utf-8")
os.dup2(2, 1)  # what Gajim prints is not for the reader of the events

import gajim.gajim
from gi.repository import Gio, GLib

gajim.gajim._check_required_deps()

from gajim.common import app, ged
from gajim.common import application as core
from gajim.common.file_props import FilesProp
from gajim.common.settings import Settings
from gajim.common.structs import OutgoingMessage
from nbxmpp.namespaces import Namespace
from nbxmpp.protocol import JID
from nbxmpp.structs import IBBData

ACCOUNT = "peer"


def tell(event: str, **facts: Any) -> None:
    """One event for who drives this."""
    OUT.write(json.dumps({"event": event, **facts}, default=str) + "\n")


class Prepared(Settings):
    """Settings with the account of the environment in them."""

    def init(self) -> None:
        super().init()
        if ACCOUNT in self.get_accounts():
            return
        user, domain = os.environ["GAJIM_JID"].split("@")
        host, port = os.environ["GAJIM_CONNECT"].split(":")
        self.add_account(ACCOUNT)
        for name, value in {
            "name": user, "hostname": domain, "password": os.environ["GAJIM_PASSWORD"],
            "savepass": True, "active": True, "autoconnect": True, "resource": "gajim",
            "use_custom_host": True, "custom_host": host, "custom_port": int(port),
            "custom_type": "START TLS", "autoauth": True, "test_ft_proxies_on_startup": False,
            "ft_send_local_ips": "GAJIM_NO_ADDRESS" not in os.environ,
            "use_ft_proxies": "GAJIM_NO_PROXY" not in os.environ,
        }.items():  # fmt: skip
            self.set_account_setting(ACCOUNT, name, value)
        self.set_plugin_setting("omemo", "active", True)
        for name, value in {
            "use_keyring": False, "sounds_on": False, "show_notifications": False,
            "file_transfers_port": int(os.environ.get("GAJIM_PORT", "28011")),
            "preview_max_file_size": 2**30,
        }.items():  # fmt: skip
            self.set(name, value)


class Driver:
    """Does what it is told."""

    def __init__(self) -> None:
        self.policy = "take"
        self.directory = Path()
        self.props: Any = None
        for name in (
            "signed-in", "file-completed", "file-error", "file-hash-error", "file-send-error",
            "file-request-error", "jingle-disconnected-received", "jingle-error-received",
            "jingle-ft-cancelled-received", "message-not-sent", "message-error",
        ):  # fmt: skip
            app.ged.register_event_handler(name, ged.GUI2, self._told)
        app.ged.register_event_handler("file-request-received", ged.GUI2, self._offered)
        app.ged.register_event_handler("message-received", ged.GUI2, self._message)
        app.ged.register_event_handler("gc-message-received", ged.GUI2, self._message)
        app.ged.register_event_handler("file-progress", ged.GUI2, self._progress)
        for name in ("stanza-sent", "stanza-received"):
            app.ged.register_event_handler(name, ged.GUI2, self._stanza)
        self._trace = Path(os.environ["GAJIM_TRACE"]).open(  # noqa: SIM115 - for the whole run
            "a", buffering=1, encoding="utf-8"
        )
        GLib.io_add_watch(0, GLib.IO_IN | GLib.IO_HUP, self._ready)
        self._rest = b""

    @property
    def client(self) -> Any:
        return app.get_client(ACCOUNT)

    @property
    def window(self) -> Any:
        return app.interface.instances["file_transfers"]

    def _ready(self, *_: Any) -> bool:
        data = os.read(0, 65536)
        if not data:
            app.app.quit()
            return False
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            command = json.loads(line)
            try:
                getattr(self, "do_" + command.pop("do"))(**command)
            except Exception as error:
                tell("failed", text=repr(error))
        return True

    # --- what happens

    def _told(self, event: Any) -> None:
        facts = {"reason": getattr(event, "reason", None), "error": getattr(event, "error", None)}
        props = getattr(event, "file_props", None)
        if props is not None:
            facts |= {"name": props.name, "path": props.file_name, "error": props.error}
        tell(event.name, **{key: value for key, value in facts.items() if value is not None})

    def _stanza(self, event: Any) -> None:
        self._trace.write(f"{'>' if event.name == 'stanza-sent' else '<'} {event.stanza}\n")

    def _progress(self, event: Any) -> None:
        tell("file-progress", bytes=event.file_props.received_len)

    def _message(self, event: Any) -> None:
        encrypted = event.additional_data.get_value("encrypted", "name")
        if event.msgtxt:
            tell("message", text=event.msgtxt, encrypted=encrypted, room=event.name[:2] == "gc",
                 sender=event.fjid)  # fmt: skip

    def _offered(self, event: Any) -> None:
        props = self.props = event.file_props
        tell("offer", name=props.name, size=props.size, algorithm=props.algo, hash=props.hash_)
        if self.policy == "take":
            contact = self.client.get_module("Contacts").get_contact(event.jid)
            path = self.directory / Path(props.name).name
            self.window._start_receive(str(path), ACCOUNT, contact, props)
        elif self.policy == "decline":
            self.client.get_module("Bytestream").send_file_rejection(props)

    # --- what may be asked for

    def do_policy(self, policy: str, directory: str = ".") -> None:
        """What to do with offers: take, decline, wait."""
        self.policy, self.directory = policy, Path(directory)

    def do_subscribe(self, jid: str) -> None:
        """Ask for presence; requests of others are granted."""
        self.client.get_module("Presence").subscribe(jid, auto_auth=True)

    def do_features(self, jid: str) -> None:
        """What Gajim knows that a client can do."""
        info = app.storage.cache.get_last_disco_info(JID.from_string(jid))
        tell("features", known=info is not None, files=self._contact(jid).is_jingle_available)

    def do_send(self, jid: str, path: str) -> None:
        """Offer a file to a full JID."""
        full = JID.from_string(jid)
        known = list(FilesProp.getAllFileProp())
        done = self.window.send_file(ACCOUNT, self._contact(str(full.bare)), full, path)
        self.props = next((p for p in FilesProp.getAllFileProp() if p not in known), None)
        tell("sending", done=done)

    def do_cancel(self) -> None:
        """The button of the window of transfers."""
        self.props.tt_account = ACCOUNT
        self.window.cancel_transfer(self.props)

    def do_terminate(self) -> None:
        """End the session of the transfer."""
        self.client.get_module("Bytestream").send_file_rejection(self.props)

    def do_say(self, jid: str, text: str, *, room: bool = False, omemo: bool = True) -> None:
        """Send a message, to an account or into a room that is joined."""
        contact = self._contact(jid, omemo=omemo)
        kind = "groupchat" if room else "chat"
        self.client.send_message(
            OutgoingMessage(account=ACCOUNT, contact=contact, message=text, type_=kind)
        )

    def do_upload(self, jid: str, path: str, *, omemo: bool = True) -> None:
        """Upload a file and send where it is."""
        self.client.get_module("HTTPUpload").send_file(self._contact(jid, omemo=omemo), Path(path))

    def do_download(self, uri: str) -> None:
        """Open a URI as the preview of a message does."""
        shown = Shown(self)
        app.preview_manager.create_preview(uri, shown, False)

    def do_trust(self, jid: str) -> None:
        """Fetch what is missing of the devices, and trust all of them."""
        omemo = self.client.get_module("OMEMO")
        omemo.request_devicelist(jid)
        tell("devices", devices=omemo.backend.get_devices(jid, without_self=True),
             missing=omemo.are_keys_missing(jid))  # fmt: skip

    def do_join(self, room: str) -> None:
        """Join a room."""
        self.client.get_module("MUC").join(room, nick="gajim")

    def do_room(self, room: str) -> None:
        """Whether Gajim encrypts there, and for whom."""
        omemo = self.client.get_module("OMEMO")
        tell("room", omemo=omemo.is_omemo_groupchat(room),
             members=sorted(omemo.backend.get_muc_members(room)))  # fmt: skip

    def do_quit(self) -> None:
        """End Gajim."""
        app.app.start_shutdown()

    def _contact(self, jid: str, *, omemo: bool | None = None) -> Any:
        contact = self.client.get_module("Contacts").get_contact(jid)
        if omemo is not None:
            contact.settings.set("encryption", "OMEMO" if omemo else "")
        return contact


class Shown:
    """In the place of the widget that shows what was downloaded."""

    def __init__(self, driver: Driver) -> None:
        self.account = ACCOUNT
        self._driver = driver

    def update(self, preview: Any, _data: Any) -> None:
        data = preview.orig_path.read_bytes() if preview.orig_exists else b""
        if data and len(data) == preview.file_size:  # written as a whole
            digest = hashlib.sha256(data).hexdigest()
            tell("downloaded", name=preview.filename, size=len(data), sha256=digest)
        elif preview.info_message:
            tell("download-failed", text=preview.info_message)
        elif not preview.download_in_progress and preview.mime_type:
            # nothing that Gajim shows by itself: as a click on "download" does
            app.preview_manager.download_content(preview, force=True)

    def update_progress(self, preview: Any, _progress: float, _request: Any) -> None:
        pass


def take_offers() -> None:
    """Gajim 1.7.3 as it stands fails with a TypeError on every file that is offered to it.

    A content that comes is made without the properties of its file, which it must have. Here it is
    given some, and what is read from the offer goes into the same.
    """
    from gajim.common import jingle_content, jingle_ft

    fresh = FilesProp.getNewFileProp
    FilesProp.getNewFileProp = lambda account, sid: (
        FilesProp.getFileProp(account, sid) or fresh(account, sid)
    )

    def make(session: Any, transport: Any) -> Any:
        props = FilesProp.getNewFileProp(ACCOUNT, session.sid)
        return jingle_ft.JingleFileTransfer(session, props, transport=transport)

    jingle_content.contents[Namespace.JINGLE_FILE_TRANSFER_5] = lambda description: make


def take_blocks() -> None:
    """nbxmpp 4.2.2 as it stands fails with a TypeError on every bytestream that is opened."""
    IBBData.__new__.__defaults__ = (None,) * 4


def without_s5b() -> None:
    """Peers seem not to know SOCKS5, so that Gajim offers blocks inside the stream."""
    from gajim.common.modules.contacts import ResourceContact

    supports = ResourceContact.supports
    ResourceContact.supports = lambda contact, feature: (
        feature != Namespace.JINGLE_BYTESTREAM and supports(contact, feature)
    )


def main() -> None:
    backend = Gio.TlsBackend.get_default()
    backend.set_default_database(Gio.TlsFileDatabase.new(os.environ["GAJIM_CA_FILE"]))
    core.Settings = Prepared
    take_offers()
    take_blocks()
    if "GAJIM_WITHOUT_S5B" in os.environ:
        without_s5b()
    gajim.gajim._set_env_vars()
    gajim.gajim._init_gui("GTK")
    from gajim.gtk.application import GajimApplication

    application = GajimApplication()
    application.set_flags(application.get_flags() | Gio.ApplicationFlags.NON_UNIQUE)
    startup = application._startup

    def started() -> None:
        startup()
        application.driver = Driver()

    application._startup = started
    application.run(["gajim", "-s", "-c", os.environ["GAJIM_HOME"], *sys.argv[1:]])


if __name__ == "__main__":
    main()
