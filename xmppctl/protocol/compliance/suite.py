"""XEP-0479: the XMPP Compliance Suites 2023, as far as they concern servers.

What a specification asks of clients alone is left out ("N/A" in the column of servers).
"""

from __future__ import annotations

from typing import NamedTuple

from xmppctl.model.compliance import Category, Level


class Row(NamedTuple):
    """One specification; ``test`` is the name of what is tested for it."""

    category: Category | None
    level: Level
    feature: str
    requirement: str
    title: str
    test: str


def _row(
    category: Category | None,
    level: Level,
    feature: str,
    number: str,
    title: str,
    test: str | None = None,
) -> Row:
    kind = "XEP-" if number.startswith("0") else "RFC "
    return Row(category, level, feature, f"{kind}{number}", title, test or number)


ROWS = (
    _row("core", "server", "Core features", "6120", "XMPP Core"),
    _row("core", "server", "TLS", "7590", "Use of TLS in XMPP"),
    _row("core", "server", "Feature discovery", "0030", "Service Discovery"),
    _row("core", "server", "Server Extensibility", "0114", "Jabber Component Protocol"),
    _row("core", "advanced", "Direct TLS", "0368", "SRV records for XMPP over TLS"),
    _row("core", "advanced", "Feature broadcasts", "0115", "Entity Capabilities"),
    _row("core", "advanced", "Event publishing", "0163", "Personal Eventing Protocol"),
    _row("web", "server", "Web Connection Mechanisms", "7395", "XMPP over WebSocket"),
    _row("web", "server", "Web Connection Mechanisms", "0206", "XMPP Over BOSH"),
    _row("im", "server", "Core features", "6121", "XMPP Instant Messaging and Presence"),
    _row("im", "server", "vcard-temp", "0054", "vcard-temp"),
    _row("im", "server", "Outbound Message Synchronization", "0280", "Message Carbons"),
    _row("im", "server", "Group Chat", "0045", "Multi-User Chat"),
    _row("im", "server", "Group Chat", "0249", "Direct MUC Invitations"),
    _row("im", "server", "File Upload", "0363", "HTTP File Upload"),
    _row("im", "advanced", "User Avatar Compatibility", "0398",
         "User Avatar to vCard-Based Avatars Conversion"),
    _row("im", "advanced", "User Avatar Compatibility", "0153", "vCard-Based Avatars"),
    _row("im", "advanced", "User Blocking", "0191", "Blocking Command"),
    _row("im", "advanced", "Advanced Group Chat", "0048", "Bookmarks"),
    _row("im", "advanced", "Advanced Group Chat", "0313",
         "Message Archive Management", "0313 of rooms"),
    _row("im", "advanced", "Advanced Group Chat", "0402", "PEP Native Bookmarks"),
    _row("im", "advanced", "Advanced Group Chat", "0410", "MUC Self-Ping (Schrödinger's Chat)"),
    _row("im", "advanced", "Persistent Storage of Private Data via PubSub", "0223",
         "Persistent Storage of Private Data via PubSub"),
    _row("im", "advanced", "Private XML Storage", "0049", "Private XML Storage"),
    _row("im", "advanced", "Stream Management", "0198", "Stream Management"),
    _row("im", "advanced", "History Storage / Retrieval", "0313", "Message Archive Management"),
    _row("mobile", "server", "Stream Management", "0198", "Stream Management"),
    _row("mobile", "server", "Client State Indication", "0352", "Client State Indication"),
    _row("mobile", "advanced", "Third Party Push Notifications", "0357", "Push Notifications"),
    _row("av", "server", "STUN/TURN server discovery", "0215", "External Service Discovery"),
    _row("web", "note", "Connection Mechanism Discovery", "0156",
         "Discovering Alternative XMPP Connection Methods"),
    _row("im", "note", "For public networks", "0077", "In-Band Registration"),
    _row("im", "note", "For public networks", "0157", "Contact Addresses for XMPP Services"),
    _row("im", "note", "Discovery of public rooms", "0433", "Extended Channel Search"),
    _row("im", "note", "Misbehaviour in public rooms", "0424", "Message Retraction"),
    _row("im", "note", "Misbehaviour in public rooms", "0425", "Moderated Message Retraction"),
    _row(None, "future", "Client connection optimizations", "0386", "Bind 2"),
    _row(None, "future", "Client connection optimizations", "0409", "IM Routing-NG"),
    _row(None, "future", "On-boarding of new users", "0401",
         "Ad-hoc Account Invitation Generation"),
    _row(None, "future", "On-boarding of new users", "0445",
         "Pre-Authenticated In-Band Registration"),
    _row(None, "future", "MIX", "0369", "Mediated Information eXchange (MIX)"),
    _row(None, "future", "To phase out XEP-0048 and XEP-0049", "0402", "PEP Native Bookmarks"),
    _row(None, "future", "To phase out XEP-0115", "0390", "Entity Capabilities 2.0"),
    _row(None, "future", "Outages", "0455", "Service Outage Status"),
)  # fmt: skip
"""Category by category, the lower level first; then what is only noted."""
