"""The XML of OMEMO that its two versions share the form of: numbers, keys, lists of devices."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any
from xml.etree.ElementTree import Element, SubElement

from xmppctl.protocol.omemo import HIGHEST_ID, LOWEST_ID, MAX_DEVICES, NEW, OLD

if TYPE_CHECKING:
    from omemo import SignedLabel
    from omemo.bundle import Bundle
    from omemo.message import Message

Devices = Mapping[int, "SignedLabel | None"]
"""Ids of devices, and what they are called."""

DEVICE_NODES = {OLD: f"{OLD}.devicelist", NEW: f"{NEW}:devices"}
_LISTS = {OLD: f"{{{OLD}}}list", NEW: f"{{{NEW}}}devices"}


class MalformedError(ValueError):
    """What came cannot be read; the text says what."""


def bundle_place(ns: str, device: int) -> tuple[str, str]:
    """Node and item of the bundle of a device: of 0.3 each has a node (§4.3 of both versions)."""
    if ns == OLD:
        return f"{OLD}.bundles:{device}", "current"
    return f"{NEW}:bundles", str(device)


def number(text: str | None, what: str) -> int:
    """An id: a positive number of 31 bits. Raises MalformedError."""
    try:
        found = int(text or "") if (text or "").isascii() else 0
    except ValueError:
        found = 0
    if not LOWEST_ID <= found <= HIGHEST_ID:
        raise MalformedError(f"{what} is {text!r}, no number that may be there")
    return found


def data(element: Element | None, what: str, *, size: int | None = None) -> bytes:
    """The base64 in an element, of ``size`` bytes. Raises MalformedError."""
    if element is None:
        raise MalformedError(f"there is no {what}")
    try:
        found = base64.b64decode("".join((element.text or "").split()), validate=True)
    except (binascii.Error, ValueError):
        raise MalformedError(f"{what} is no base64") from None
    if not found or (size is not None and len(found) != size):
        raise MalformedError(f"{what} has {len(found)} bytes")
    return found


def put(parent: Element, tag: str, content: bytes, **attributes: str) -> Element:
    """A child with base64 in it."""
    child = SubElement(parent, tag, attributes)
    child.text = base64.b64encode(content).decode()
    return child


def devices_element(ns: str, devices: Devices) -> Element:
    """The list of an account's devices."""
    whole = Element(_LISTS[ns])
    for identifier, label in devices.items():
        child = SubElement(whole, f"{{{ns}}}device", {"id": str(identifier)})
        if label is not None:
            child.set("label", label.label)
            child.set("labelsig", base64.b64encode(label.signature).decode())
    return whole


def read_devices(ns: str, element: Element) -> dict[int, SignedLabel | None]:
    """The devices in a list; what is no id is left out. Raises MalformedError for no list."""
    from omemo import SignedLabel

    if element.tag != _LISTS[ns]:
        raise MalformedError("there is no list of devices")
    found: dict[int, SignedLabel | None] = {}
    for child in element.findall(f"{{{ns}}}device"):
        try:
            identifier = number(child.get("id"), "a device id")
        except MalformedError:
            continue
        label = None
        name, signature = child.get("label"), child.get("labelsig")
        if name and signature:
            holder = Element("labelsig")
            holder.text = signature
            try:
                label = SignedLabel(name, data(holder, "a signature", size=64))
            except MalformedError:
                label = None
        found[identifier] = label
        if len(found) == MAX_DEVICES:
            break
    return found


def version(ns: str) -> Any:
    """The module with the XML of a version."""
    from xmppctl.protocol.omemo import new, old

    return old if ns == OLD else new


def read_bundle(ns: str, element: Element, jid: str, device: int) -> Bundle:
    """A bundle of keys. Raises MalformedError, also for keys that are none."""
    bundle: Bundle = guarded(lambda: version(ns).read_bundle(element, jid, device))
    return bundle


def guarded(read: Callable[[], Any]) -> Any:
    """What ``read`` gives. Raises MalformedError for whatever the libraries raise about it.

    They know what arrives from the network by exceptions of half a dozen kinds.
    """
    try:
        return read()
    except MalformedError:
        raise
    except Exception as error:
        raise MalformedError(f"it cannot be read ({type(error).__name__})") from None


def encrypted_element(message: Message) -> Element:
    """The ``<encrypted/>`` of a message."""
    element: Element = version(message.namespace).encrypted_element(message)
    return element
