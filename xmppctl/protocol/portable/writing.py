"""XEP-0227 §3: the text of a file, piece by piece, so that an archive of any size goes through."""

from __future__ import annotations

from collections.abc import Iterable
from copy import copy
from xml.etree.ElementTree import Element

from xmppctl.model.jid import lenient
from xmppctl.protocol.portable import ARCHIVE, NS, NS_MAM, RESULT
from xmppctl.session.xml import quote, serialise, split

BEGIN_ARCHIVE = f"<archive xmlns='{NS_MAM}'>\n"
END_ARCHIVE = "</archive>\n"
END = "</user>\n</host>\n</server-data>\n"


def begin(jid: str) -> str:
    """What stands before the data of the account ``jid``."""
    account = lenient(jid)
    return (
        "<?xml version='1.0' encoding='UTF-8'?>\n"
        f"<server-data xmlns='{NS}'>\n<host jid={quote(account.domain)}>\n"
        f"<user name={quote(account.local or '')}>\n"
    )


def element(content: Element) -> str:
    """An element of the account."""
    return serialise(content, NS) + "\n"


def container(tag: str, children: Iterable[Element]) -> str:
    """An element with many children, each on a line of its own."""
    ns, name = split(tag)
    namespace = "" if ns == NS else f" xmlns={quote(ns)}"
    lines = "".join(serialise(child, ns) + "\n" for child in children)
    return f"<{name}{namespace}>\n{lines}</{name}>\n"


def result(content: Element) -> str:
    """One message of the archive (§3.10), without the id of the question that it answered."""
    assert content.tag == RESULT
    plain = copy(content)
    plain.attrib = {name: value for name, value in content.items() if name != "queryid"}
    plain.tail = None
    return serialise(plain, split(ARCHIVE)[0]) + "\n"
