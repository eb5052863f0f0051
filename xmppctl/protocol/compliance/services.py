"""The services of a domain, and what is told by it, its account and them (XEP-0030)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from contextlib import suppress
from typing import NamedTuple

from xmppctl.errors import ConnectError, UnsupportedError, XmppctlError
from xmppctl.model.disco import DiscoInfo
from xmppctl.model.jid import Jid, parse
from xmppctl.protocol import channelsearch, disco, mix, room, upload
from xmppctl.protocol.compliance.verdict import Verdict, unknown
from xmppctl.protocol.flights import UNREACHABLE
from xmppctl.protocol.mam.query import NS as NS_MAM
from xmppctl.protocol.server import contacts, sos
from xmppctl.session.stream import Session

PING = "http://jabber.org/protocol/muc#self-ping-optimization"
_PUBSUB = "http://jabber.org/protocol/pubsub"
_RETRACTION = "urn:xmpp:message-retract:"
_MODERATION = "urn:xmpp:message-moderate:"

_MOST = 64
"""Services that are asked; a hostile server could list thousands."""

_GRACE = 0.5
"""Seconds for those that have not answered, when rooms and uploads are found."""

_OFFERED = {
    "0054": ("domain", "vcard-temp"),
    "0191": ("domain", "urn:xmpp:blocking"),
    "0215": ("domain", "urn:xmpp:extdisco:2"),
    "0280": ("domain", "urn:xmpp:carbons:2"),
    "0313": ("account", NS_MAM),
    "0357": ("account", "urn:xmpp:push:0"),
    "0398": ("account", "urn:xmpp:pep-vcard-conversion:0"),
    "0402": ("account", "urn:xmpp:bookmarks:1#compat"),
    "0223": ("account", f"{_PUBSUB}#publish-options"),
    "0115": ("account", f"{_PUBSUB}#filtered-notifications"),
}
"""Where which feature is announced."""


class Sight(NamedTuple):
    """What is told of a domain, one of its accounts, and its services; None: nothing is."""

    domain: DiscoInfo | None
    account: DiscoInfo | None
    services: list[DiscoInfo]


def is_rooms(info: DiscoInfo) -> bool:
    """Whether it is a service with rooms (XEP-0045 §6.1)."""
    return room.NS in info.features and _is(info, "conference", "text")


def is_upload(info: DiscoInfo) -> bool:
    """Whether it takes files (XEP-0363 §3)."""
    return upload.NS in info.features


async def find(session: Session, domain: str) -> list[DiscoInfo]:
    """What a domain and the services that it lists say, those that answer in time.

    Raises what ended the stream.
    """
    try:
        listed = [item.jid async for item in disco.items(session, domain) if not item.node]
    except ConnectError:
        raise
    except XmppctlError as error:
        if error.condition in UNREACHABLE:
            return []
        listed = []
    jids: list[Jid] = []
    for text in dict.fromkeys([domain, *listed]):
        with suppress(ValueError):  # to send to what is no JID may end the stream
            jids.append(parse(text))
    tasks = [asyncio.ensure_future(disco.info(session, jid)) for jid in jids[:_MOST]]
    try:
        pending: set[asyncio.Task[DiscoInfo]] = set(tasks)
        enough = False
        while pending:
            done, pending = await asyncio.wait(
                pending,
                timeout=_GRACE if enough else None,
                return_when=asyncio.FIRST_COMPLETED,
            )
            if not done:
                break
            known = _known(tasks)
            enough = any(map(is_rooms, known)) and any(map(is_upload, known))
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    return _known(tasks)


def _known(tasks: list[asyncio.Task[DiscoInfo]]) -> list[DiscoInfo]:
    found = []
    for task in tasks:
        if not task.done() or task.cancelled():
            continue
        error = task.exception()
        if isinstance(error, ConnectError) or not isinstance(error, XmppctlError | None):
            raise error
        if error is None:
            found.append(task.result())
    return found


def announced(sight: Sight, *, own: bool) -> dict[str, Verdict]:
    """What follows from what is told; what others may know of a domain is not all that it has.

    ``own``: it is the account's own domain.
    """
    found = {
        test: _feature(sight, where, feature, own) for test, (where, feature) in _OFFERED.items()
    }
    found |= _personal(sight)
    services = sight.services
    found["0045"] = _service(
        services, is_rooms, "rooms", "no service that is listed, and answers, has rooms"
    )
    found["0363"] = _service(
        services, is_upload, "files", "no service that is listed, and answers, takes files"
    )
    found["0369"] = _service(services, _is_mix, "channels", "no service with channels")
    found["0433"] = _service(
        services, lambda info: channelsearch.NS in info.features, "searches",
        "no service that searches rooms",
    )  # fmt: skip
    found |= _of_rooms([each for each in services if is_rooms(each)])
    if sight.domain is not None:
        found |= _of_domain(sight.domain)
    return found


def _feature(sight: Sight, where: str, feature: str, own: bool) -> Verdict:
    # some tell to the account what is a matter of the domain, and the other way round
    told = [info.features for info in (sight.domain, sight.account) if info is not None]
    if any(feature in features for features in told):
        return Verdict(True, "disco", f"announced: {feature}")
    if own and (sight.domain if where == "domain" else sight.account) is not None:
        return Verdict(False, "disco", f"not announced: {feature}")
    if own:
        return unknown(f"the {where} does not tell what it can do")
    return unknown(f"not announced to others: {feature}")


def _personal(sight: Sight) -> dict[str, Verdict]:
    """Personal eventing, which an account announces by an identity (XEP-0163 §6)."""
    if sight.account is None:
        return {"0163": unknown("what the account can do is not told")}
    if _is(sight.account, "pubsub", "pep"):
        return {"0163": Verdict(True, "disco", "the account announces pubsub/pep")}
    lacking = Verdict(False, "disco", "the account does not announce pubsub/pep")
    return {"0163": lacking, "0223": lacking}


def _service(
    services: list[DiscoInfo], matches: Callable[[DiscoInfo], bool], what: str, none: str
) -> Verdict:
    jids = [info.jid for info in services if matches(info)]
    if jids:
        return Verdict(True, "disco", f"{what}: {', '.join(jids[:3])}")
    return Verdict(False, "disco", none)


def _of_rooms(rooms: list[DiscoInfo]) -> dict[str, Verdict]:
    if not rooms:
        lacking = Verdict(False, "disco", "no service that is listed, and answers, has rooms")
        return dict.fromkeys(("0410", "0313 of rooms", "0424", "0425"), lacking)
    features = {feature for info in rooms for feature in info.features}
    untested = unknown("no room was there to look at")
    found = dict.fromkeys(("0410", "0313 of rooms", "0424", "0425"), untested)
    if PING in features:
        found["0410"] = Verdict(True, "disco", f"announced: {PING}")
    if NS_MAM in features:
        found["0313 of rooms"] = Verdict(True, "disco", f"announced: {NS_MAM}")
    return found | {test: told for test, told in in_room(features).items() if told.met}


def in_room(features: Collection[str]) -> dict[str, Verdict]:
    """What a room says about messages that are taken back."""
    found: dict[str, Verdict] = {}
    for test, prefix in (("0424", _RETRACTION), ("0425", _MODERATION)):
        named = sorted(each for each in features if each.startswith(prefix))
        words = f"announced: {named[-1]}" if named else "rooms do not announce it"
        found[test] = Verdict(bool(named), "disco", words)
    return found


def _of_domain(info: DiscoInfo) -> dict[str, Verdict]:
    register = "jabber:iq:register" in info.features
    status = sos.read_addresses(info)
    try:
        contacts.read(info)
        addresses = True
    except UnsupportedError:
        addresses = False
    return {
        "0030": Verdict(True, "disco", "the domain tells what it is"),
        "0077": Verdict(register, "disco", "announced" if register else "not announced"),
        "0157": Verdict(addresses, "disco", "addresses are told" if addresses else "none is told"),
        "0455": Verdict(bool(status), "disco", "told" if status else "not told"),
    }


def _is_mix(info: DiscoInfo) -> bool:
    return mix.NS in info.features and _is(info, "conference", "mix")


def _is(info: DiscoInfo, category: str, kind: str) -> bool:
    return any((each.category, each.type) == (category, kind) for each in info.identities)
