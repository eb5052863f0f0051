"""What the servers offer, and every known deviation of one from the other, each with a name.

A test asks ``Feature.X in server.features`` or ``Quirk.X in server.quirks``; it never asks for the
server's name. All were seen on Prosody 0.12.3 and ejabberd 23.01, the versions of Debian 12.
"""

from __future__ import annotations

from enum import Enum, auto


class Feature(Enum):
    """What a server of the tests offers."""

    ADHOC = auto()
    ANONYMOUS = auto()
    BLOCKING = auto()
    BOSH = auto()
    CAPTCHA_REGISTRATION = auto()
    CARBONS = auto()
    COMPONENTS = auto()
    EXTERNAL_SERVICES = auto()
    FORM_REGISTRATION = auto()
    HATS = auto()
    HOST_META = auto()
    HTTP_API = auto()
    INVITES = auto()
    MAM = auto()
    MAM_METADATA = auto()
    MIX = auto()
    MOTD = auto()
    MODERATION = auto()
    MUC = auto()
    MUC_MAM = auto()
    MUC_SUB = auto()
    MULTICAST = auto()
    PEP = auto()
    PLAIN_ONLY_HOST = auto()
    PRE_APPROVAL = auto()
    PRIVACY_LISTS = auto()
    PRIVATE_STORAGE = auto()
    PROXY65 = auto()
    PUBSUB = auto()
    PUBSUB_AFFILIATIONS = auto()
    PUBSUB_PENDING = auto()
    PUBSUB_SUBIDS = auto()
    PUBSUB_SUBSCRIPTION_OPTIONS = auto()
    PUSH = auto()
    REGISTRATION = auto()
    SASL2 = auto()
    SCRAM_SHA_512 = auto()
    SEARCH = auto()
    STREAM_MANAGEMENT = auto()
    UPLOAD = auto()
    USER_LISTS = auto()
    WEBSOCKET = auto()


class Quirk(Enum):
    """A deviation; the value tells what this server does."""

    MAM_COMPLETE_ABSENT = "an incomplete page has no 'complete' attribute at all"
    MAM_COUNT_SAYS_INCOMPLETE = "max=0 is answered with complete=false"
    MAM_UNKNOWN_ID_RESTARTS = "<after/> with an unknown id silently begins at the first message"
    MAM_WITHOUT_RSM_IS_WHOLE = "a query without RSM gives everything, not one page"
    MAM_BASIC_FORM = "the form has with, start and end only: no before-id, after-id, ids"
    MAM_PAGE_LIMIT_50 = "a page has at most 50 messages, whatever max says"
    PEP_NO_MAX_ITEMS = "publish-options with pubsub#max_items are refused (resource-constraint)"
    PEP_MAX_ITEMS_256 = "pubsub#max_items above 256 is refused"
    PEP_OWN_SUBSCRIPTIONS_UNSUPPORTED = "subscriptions of an own PEP node: feature-not-implemented"
    PEP_WHITELIST_NOT_ALLOWED = "a foreign whitelist node answers not-allowed, not forbidden"
    BLOCK_PUSH_TO_ALL = "block list pushes reach resources that never asked for the list"
    BLOCKED_WITHOUT_PAYLOAD = "a message to a blocked JID: modify/not-acceptable, no <blocked/>"
    ROSTER_REMOVE_ABSENT_OK = "removing a contact that is not there is a result"
    ROSTER_APPROVED_HIDDEN = "a subscription approved in advance is stored, but not shown"
    ROSTER_APPROVED_UNTOLD = "a request approved in advance: not told to a contact of this server"
    SUBSCRIBE_STORED_BARE = "a subscription request that waits keeps its text, no other payload"
    UNSUBSCRIBED_ENDS_BOTH = "<presence type='unsubscribed'/> ends the other direction too"
    DISCO_SUBSCRIPTION_REQUIRED = "disco of a stranger: subscription-required"
    UPLOAD_PUT_AUTHORIZATION = "PUT needs the Authorization header of the slot"
    UPLOAD_RENAMES_FILES = "spaces in a file name become underscores in the URL"
    UPLOAD_EMPTY_REFUSED = "a slot for zero bytes: bad-request"
    PUSH_DISABLE_UNKNOWN_REFUSED = "disabling a push service never enabled: item-not-found"
    MUC_NEW_ROOM_LOCKED = "a new room is locked until it is configured; others: item-not-found"
    MUC_HIDDEN_ROOM_LISTED_TO_OCCUPANT = "a hidden room is in the list that an occupant gets"
    MUC_ITEMS_ARE_OCCUPANTS = "disco items of a room are its occupants"
    MUC_ROOMS_IN_ONE_PIECE = "the list of rooms does not come in pages (XEP-0059)"
    MUC_OUTCAST_REGISTRATION_REQUIRED = "an outcast of a members-only room: registration-required"
    MUC_DESTROY_WITHOUT_110 = "the own presence of a destroyed room has no status 110"
    MUC_DESTROYED_ROOM_GONE = "a destroyed room answers gone, with the alternate venue"
    MUC_PARTICIPANTS_SET_SUBJECT = "participants may change the subject by default"
    MUC_SERVICE_REGISTERS_NICKS = "nicknames are registered with the service, not with each room"
    MUC_AVATAR_HASH_NOT_IN_DISCO = "a room does not tell the hash of its avatar"
    REGISTER_FORM_ALWAYS = "the legacy fields come with a data form"
    REGISTER_CLOSED_LOOKS_OPEN = "closed registration still offers fields; the set: auth/forbidden"
    REGISTER_REMOVE_CONFLICT = "after <remove/> the stream ends with conflict, not not-authorized"
    UNKNOWN_ELEMENT_ENDS_STREAM = "<enable/> or <authenticate/> unoffered: unsupported-stanza-type"
    BOUNCES_LATE = "a bounce may come behind the answer to what was asked after the message"
    BOSH_END_DROPS_ANSWERS = "the end of a BOSH session takes the place of answers not yet fetched"
    BOSH_UNACKED_LOST = "what was not acknowledged is lost when a BOSH session ends"
    BOSH_RESTART_DROPS_PAYLOAD = "what stands in the body that restarts a BOSH stream is dropped"
    UNBOUND_UNANSWERED = "stanzas on a stream without a resource are dropped without a word"
    FOOTER_DROPS_ANSWERS = "what was asked right before </stream:stream> is done, but not answered"
    SCRAM_PLUS_WRONG_UNDER_TLS13 = "-PLUS is offered under TLS 1.3 but verified with tls-unique"
