"""Accounts with nodes behind alice's session, and keys made for the tests."""

import base64
from functools import cache
from typing import ClassVar
from xml.etree.ElementTree import tostring

from tests.unit.protocol import serving
from xmppctl.model.openpgp import KeyRing, SecretKey
from xmppctl.protocol.openpgp import KEYS_NODE, NS, key_node, sequoia, user_id

ALICE, BOB, CAROL = "alice@fake.test", "bob@fake.test", "carol@fake.test"
PS = "http://jabber.org/protocol/pubsub"
DATE = "2026-01-02T03:04:05Z"


LOCKED = base64.b64decode(
    "lIYEawurHRYJKwYBBAHaRw8BAQdAFdkxXdaJjfibDddgmC7V6ySQhuCKa7ZXuKK9JFGTQ87+BwMCz5ccNg/pJr//"
    "9DDRqkT0mbz7njbZKCZ6zt/5NqmUwea+koqnJ36YarrJzECLaXDZQUir/bhEbRDhSAsVMn+H7jvk9fj2s7zuim3k"
    "Ovm5IrQUeG1wcDphbGljZUBmYWtlLnRlc3SIkAQTFggAOBYhBGKwzamRMcWW+itLi8V7Mh02QHW+BQJrC6sdAhsD"
    "BQsJCAcCBhUKCQgLAgQWAgMBAh4BAheAAAoJEMV7Mh02QHW+0yEA/AmBDIkLu2rcqCXHHhkJ7yydfydd19Z07Lyz"
    "jh+qWJ0DAQDwzaGKx1pfwyDRi16DdHkcT4TRfayyljD4fKjhm7XIB5yLBGsLqyASCisGAQQBl1UBBQEBB0BzQngt"
    "ehpKR3Sv2vOA+VNTehDT6fHw2Qtf7+x8QWPIDwMBCAf+BwMCTvwChU/5FQ7/BaocJMr9vMpN/ut2k6U7Y1fhOtLy"
    "LqkVXaqbYMLTDRSEr0bbPg5gq9bsIOXnuZ2v0TjhkMCx8WJyrazj328mpJHcww6vuoh4BBgWCAAgFiEEYrDNqZEx"
    "xZb6K0uLxXsyHTZAdb4FAmsLqyACGwwACgkQxXsyHTZAdb527AD/Tm00guMGK7Xb0SBPAaXAWzskHpnioJtFMeuq"
    "cMz2T1MA/iDvnG/nIPXZfeebSMrvpMIYRaJtCX5oBwXiOYGx3U0G"
)
"""A secret key of alice's with a passphrase, as gpg exports it."""


@cache
def key(jid, number=0):
    """The secret key number ``number`` of ``jid``; the same one in all tests."""
    return sequoia.generate(user_id(jid))


class Store:
    """A ``KeyStore`` in memory."""

    def __init__(self, *secrets, contacts=None):
        keys = tuple(SecretKey(each.fingerprint, each.data) for each in secrets)
        self.ring = KeyRing(keys, contacts or {})
        self.written = 0

    def read(self):
        return self.ring

    def update(self, change):
        self.ring = change(self.ring)
        self.written += 1
        return self.ring


class World:
    """``nodes[jid][node]`` is the payload of the only item, as text; ``config`` that of a node.

    A node of ``refused[jid]`` is refused with that condition. ``asked``: (to, action, node).
    """

    DEFAULT: ClassVar = {
        "persist_items": "1",
        "access_model": "presence",
        "max_items": "1",
        "send_last_published_item": "never",
    }

    def __init__(self, options=True):
        self.nodes = {}
        self.config = {}
        self.refused = {}
        self.asked = []
        features = [f"{PS}#publish", *([f"{PS}#publish-options"] if options else [])]
        self.info = serving.info(*features)
        self.serving = serving.Serving(self._handle)
        self.session = self.serving.session

    def announce(self, jid, *keys, date=DATE):
        """``jid`` announces these public keys."""
        nodes = self.nodes.setdefault(jid, {})
        entries = ""
        for each in keys:
            entries += f"<pubkey-metadata v4-fingerprint='{each.fingerprint}' date='{date}'/>"
            data = base64.b64encode(each.data).decode()
            nodes[key_node(each.fingerprint)] = (
                f"<pubkey xmlns='{NS}'><data>\n  {data}\n</data></pubkey>"
            )
        nodes[KEYS_NODE] = f"<public-keys-list xmlns='{NS}'>{entries}</public-keys-list>"

    def run(self, operation):
        return self.serving.run(lambda session: operation)

    def _handle(self, iq):
        to = iq.get("to") or ALICE
        payload = iq[0]
        if payload.tag.endswith("#info}query"):
            return self.info
        action = payload[0].tag.rpartition("}")[2]
        node = payload[0].get("node")
        self.asked.append((to, action, node))
        nodes = self.nodes.setdefault(to, {})
        if condition := self.refused.get(to):
            return serving.error(condition, "auth")
        if action == "items":
            if node not in nodes:
                return serving.error("item-not-found")
            return (
                f"<pubsub xmlns='{PS}'><items node='{node}'><item id='current'>{nodes[node]}"
                "</item></items></pubsub>"
            )
        if action == "publish":
            nodes[node] = tostring(payload[0][0][0], encoding="unicode")
            self.config.setdefault(node, {**self.DEFAULT, **self._wanted(payload)})
            return ""
        if action == "delete":
            return "" if nodes.pop(node, None) else serving.error("item-not-found")
        if action == "create" or payload.find(f"{{{PS}#owner}}configure/*") is not None:
            self.config[node] = {**self.config.get(node, self.DEFAULT), **self._wanted(payload)}
            return ""
        if node not in self.config:
            return serving.error("item-not-found")
        rows = [(f"pubsub#{name}", [value]) for name, value in self.config[node].items()]
        form = serving.form(f"{PS}#node_config", *rows, kind="form")
        return f"<pubsub xmlns='{PS}#owner'><configure node='{node}'>{form}</configure></pubsub>"

    @staticmethod
    def _wanted(payload):
        return {
            field.get("var").removeprefix("pubsub#"): field[0].text
            for field in payload.iter("{jabber:x:data}field")
            if field.get("var") != "FORM_TYPE"
        }
