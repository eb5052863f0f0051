"""XEP-0227: Portable Import/Export Format, from the side of the account's owner.

A client reads and writes what the server lets it: no credentials; of the private storage, which
cannot be listed, the elements that are asked for; an archive and waiting messages are read only.
The block list (XEP-0191), for which the format has no place of its own, is the default privacy
list, as XEP-0191 §5 has it.
"""

from __future__ import annotations

from xmppctl.protocol import Xep
from xmppctl.protocol.pubsub import NS as NS_PUBSUB
from xmppctl.protocol.pubsub import NS_OWNER
from xmppctl.session.xml import NS_CLIENT

XEPS = (
    Xep("0227", "1.1", "partial", "the user's side; no credentials, archives are not imported"),
)

NS = "urn:xmpp:pie:0"
NS_MAM = "urn:xmpp:pie:0#mam"
NS_PRIVATE = "jabber:iq:private"
NS_PRIVACY = "jabber:iq:privacy"
NS_ROSTER = "jabber:iq:roster"
NS_INCLUDE = "http://www.w3.org/2001/XInclude"

SERVER_DATA = f"{{{NS}}}server-data"
HOST = f"{{{NS}}}host"
USER = f"{{{NS}}}user"
OFFLINE = f"{{{NS}}}offline-messages"
ARCHIVE = f"{{{NS_MAM}}}archive"
RESULT = "{urn:xmpp:mam:2}result"
ROSTER = f"{{{NS_ROSTER}}}query"
PRIVATE = f"{{{NS_PRIVATE}}}query"
PRIVACY = f"{{{NS_PRIVACY}}}query"
VCARD = "{vcard-temp}vCard"
CONFIGURATIONS = f"{{{NS_OWNER}}}pubsub"
NODES = f"{{{NS_PUBSUB}}}pubsub"
REQUEST = f"{{{NS_CLIENT}}}presence"
INCLUDE = f"{{{NS_INCLUDE}}}include"
