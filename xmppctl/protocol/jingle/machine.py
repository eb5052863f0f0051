"""A Jingle session with one content, a file, apart from any wire: events in, actions out.

Both roles are here. Nothing waits and nothing is sent: every call gives the actions that follow
from it, in their order. Whatever the peer says, and whenever, is answered by an action or refused
(``RefusalError``), which is told the peer in the answer to its request (XEP-0166 §5, §6).
"""

from __future__ import annotations

from enum import Enum
from typing import Literal

from xmppctl.protocol.jingle import files, transports
from xmppctl.protocol.jingle.actions import (
    Accepted,
    Action,
    Activate,
    Begin,
    Dial,
    Ended,
    Say,
    Told,
    out_of_order,
    tie_break,
    unknown_session,
    unsupported_info,
)
from xmppctl.protocol.jingle.elements import Content, Jingle, Reason, same
from xmppctl.protocol.jingle.files import File
from xmppctl.protocol.jingle.transports import Candidate, Ibb, Info, S5b, Transport
from xmppctl.session.responder import RefusalError

Role = Literal["initiator", "responder"]


class State(Enum):
    """PENDING: offered, not answered. CONNECTING: agreed upon, not connected."""

    NEW = "new"
    PENDING = "pending"
    CONNECTING = "connecting"
    ACTIVE = "active"
    ENDED = "ended"


class Machine:
    """One session; ``me`` and ``peer`` are full JIDs.

    ``fallback``: what takes the place of SOCKS5 where that finds no way; None ends the session. Of
    the responder only its block size counts.
    """

    def __init__(
        self,
        role: Role,
        me: str,
        peer: str,
        sid: str,
        content: Content,
        transport: Transport,
        *,
        fallback: Ibb | None = None,
    ) -> None:
        self.role: Role = role
        self.me = me
        self.peer = peer
        self.sid = sid
        self.state = State.NEW if role == "initiator" else State.PENDING
        self.content = content
        self.transport = transport
        self.fallback = fallback
        self._their = transport if role == "responder" else None
        self._replacing = False
        self._reset()

    def _reset(self) -> None:
        self._dialled = self._ours_known = self._theirs_known = False
        self._ours: Candidate | None = None
        self._theirs: Candidate | None = None
        self._waiting_for: Candidate | None = None

    # --- what this side does

    def initiate(self) -> list[Action]:
        """Offer the file."""
        assert self.state is State.NEW
        self.state = State.PENDING
        content = self._content(description=True, transport=self.transport)
        return [self._say("session-initiate", content, initiator=self.me)]

    def accept(self, file: File, transport: Transport) -> list[Action]:
        """Take the file that is offered; nothing where the peer has given up meanwhile."""
        if self.state is not State.PENDING or self.role != "responder":
            return []
        self.transport = transport
        content = Content(
            self.content.creator,
            self.content.name,
            self.content.senders,
            description=files.write(file),
            transport=transports.write(transport),
        )
        said = self._say("session-accept", content, responder=self.me)
        self.state = State.CONNECTING
        return [said, *self._connect()]

    def dialled(self, candidate: Candidate | None) -> list[Action]:
        """Which of the peer's candidates works; None: none does."""
        if self.state is not State.CONNECTING or not self._dialled or self._ours_known:
            return []
        self._ours_known, self._ours = True, candidate
        info = (
            Info("candidate-error") if candidate is None else Info("candidate-used", candidate.cid)
        )
        return [self._info(info), *self._nominate()]

    def activated(self, candidate: Candidate, *, ok: bool) -> list[Action]:
        """The proxy of ours is ready, or cannot be used."""
        if self.state is not State.CONNECTING or self._waiting_for != candidate:
            return []
        if not ok:
            return [self._info(Info("proxy-error")), *self._lost()]
        self.state = State.ACTIVE
        begin = Begin(self.transport, candidate, mine=True)
        return [self._info(Info("activated", candidate.cid)), begin]

    def tell(self, *infos: Info) -> list[Action]:
        """Tell the peer of the transport."""
        return [] if self.state is State.ENDED else [self._info(*infos)]

    def received(self) -> list[Action]:
        """The file is here as a whole: say so, and that the session is over."""
        if self.state is State.ENDED:
            return []
        element = files.received(self.content.creator, self.content.name)
        said = Say(Jingle("session-info", self.sid, info=(element,)))
        return [said, *self.end(Reason("success"))]

    def end(self, reason: Reason) -> list[Action]:
        """End the session; nothing where it is over, or was never begun."""
        if self.state is State.ENDED:
            return []
        begun = self.state is not State.NEW
        self.state = State.ENDED
        said: list[Action] = [Say(Jingle("session-terminate", self.sid, reason=reason))]
        return [*(said if begun else []), Ended(reason, by_peer=False)]

    def lost(self) -> list[Action]:
        """The peer cannot be reached any more: nothing is said."""
        if self.state is State.ENDED:
            return []
        self.state = State.ENDED
        return [Ended(Reason("gone"), by_peer=False)]

    # --- what the peer does

    def receive(self, jingle: Jingle) -> list[Action]:
        """What an action of the peer leads to, once it is acknowledged. Raises RefusalError."""
        if self.state in (State.ENDED, State.NEW):
            raise unknown_session()
        handler = {
            "session-accept": self._accepted,
            "session-info": self._informed,
            "session-terminate": self._terminated,
            "transport-info": self._transport_info,
            "transport-replace": self._replace,
            "transport-accept": self._replaced,
            "transport-reject": self._rejected,
            "content-add": self._added,
            "content-reject": self._removed,
            "content-remove": self._removed,
            "content-modify": self._ignored,
            "description-info": self._ignored,
        }.get(jingle.action)
        if handler is None:
            if jingle.action == "security-info":
                raise unsupported_info()
            raise out_of_order()
        return handler(jingle)

    def _check(self, jingle: Jingle) -> Content:
        content = jingle.content
        if content is None or not same(content, self.content):
            raise RefusalError("item-not-found")
        return content

    def _accepted(self, jingle: Jingle) -> list[Action]:
        if self.role != "initiator" or self.state is not State.PENDING:
            raise out_of_order()
        content = self._check(jingle)
        answer = transports.read(content.transport)
        if answer is None or answer.kind != self.transport.kind or answer.sid != self.transport.sid:
            return self.end(Reason("failed-transport", "not the transport that was offered"))
        self._their = answer
        self.state = State.CONNECTING
        if isinstance(answer, Ibb) and isinstance(self.transport, Ibb):
            self.transport = _smaller(self.transport, answer)
        return [Accepted(files.read(content.description)), *self._connect()]

    def _informed(self, jingle: Jingle) -> list[Action]:
        if not jingle.info:  # is anybody there? (§6.8)
            return []
        element = jingle.info[0]
        if element.tag == files.RECEIVED:
            self._check_name(element.get("creator"), element.get("name"))
            return [Told(None)]
        if element.tag == files.CHECKSUM:
            self._check_name(element.get("creator"), element.get("name"))
            file = files.checksum(element)
            if file is None:
                raise RefusalError("bad-request", "modify")
            return [Told(file)]
        raise unsupported_info()

    def _check_name(self, creator: str | None, name: str | None) -> None:
        if (creator or self.content.creator) != self.content.creator or (
            name or self.content.name
        ) != self.content.name:
            raise RefusalError("item-not-found")

    def _terminated(self, jingle: Jingle) -> list[Action]:
        self.state = State.ENDED
        return [Ended(jingle.reason or Reason("general-error"), by_peer=True)]

    def _added(self, jingle: Jingle) -> list[Action]:
        if not jingle.contents:
            raise RefusalError("bad-request", "modify")
        # one file in a session; the names are those of the peer
        named = tuple(
            Content(each.creator, each.name, each.senders) for each in jingle.contents[:1]
        )
        reject = Jingle("content-reject", self.sid, contents=named, reason=Reason("decline"))
        return [Say(reject)]

    def _removed(self, jingle: Jingle) -> list[Action]:
        self._check(jingle)
        reason = jingle.reason or Reason("cancel")
        self.state = State.ENDED
        # without its only content the session has to end (XEP-0234 §6.5)
        said = Say(Jingle("session-terminate", self.sid, reason=Reason("cancel")))
        return [said, Ended(reason, by_peer=True)]

    def _ignored(self, jingle: Jingle) -> list[Action]:
        return []

    # --- the transport

    def _transport_info(self, jingle: Jingle) -> list[Action]:
        content = self._check(jingle)
        if isinstance(self.transport, Ibb):
            raise unsupported_info()  # of one more bytestream
        told = transports.read_info(content.transport)
        if told is None or (content.transport is not None and _other(content, self.transport)):
            raise unsupported_info()
        if told.name == "candidate":
            return []  # it comes too late for those that are being tried
        if told.name in ("candidate-used", "candidate-error"):
            return self._their_choice(told)
        if told.name == "activated":
            return self._their_proxy(told)
        if self.state is not State.CONNECTING:
            raise out_of_order()
        return self._lost()

    def _their_choice(self, told: Info) -> list[Action]:
        if self._theirs_known or self.state not in (State.PENDING, State.CONNECTING):
            raise out_of_order()
        candidate = None
        if told.cid is not None:
            assert isinstance(self.transport, S5b)
            known = {each.cid: each for each in self.transport.candidates}
            if told.cid not in known:
                raise RefusalError("item-not-found")
            candidate = known[told.cid]
        self._theirs_known, self._theirs = True, candidate
        return self._nominate() if self.state is State.CONNECTING else []

    def _their_proxy(self, told: Info) -> list[Action]:
        waiting = self._waiting_for
        if self.state is not State.CONNECTING or waiting is None or waiting != self._ours:
            raise out_of_order()
        if told.cid != waiting.cid:
            raise RefusalError("item-not-found")
        self.state = State.ACTIVE
        return [Begin(self.transport, waiting)]

    def _connect(self) -> list[Action]:
        if isinstance(self.transport, Ibb):
            self.state = State.ACTIVE
            return [Begin(self.transport)]
        assert isinstance(self._their, S5b)
        self._dialled = True
        return [Dial(self._their)]

    def _nominate(self) -> list[Action]:
        if not (self._ours_known and self._theirs_known):
            return []
        chosen = transports.nominate(self._ours, self._theirs, initiator=self.role == "initiator")
        if chosen is None:
            return self._lost()
        if not chosen.candidate.is_proxy:
            self.state = State.ACTIVE
            return [Begin(self.transport, chosen.candidate, mine=chosen.mine)]
        self._waiting_for = chosen.candidate
        return [Activate(chosen.candidate)] if chosen.mine else []

    def _lost(self) -> list[Action]:
        """There is no way by SOCKS5 (XEP-0260 §3): the initiator decides what is next."""
        sid = self.transport.sid
        self._reset()
        if self.role == "responder":
            return []  # the initiator replaces the transport, or ends the session
        if self.fallback is None:
            return self.end(Reason("connectivity-error"))
        self.transport = self.fallback
        self.fallback = None
        self._replacing = True
        assert sid != self.transport.sid
        return [self._say("transport-replace", self._content(transport=self.transport))]

    def _replace(self, jingle: Jingle) -> list[Action]:
        content = self._check(jingle)
        if self._replacing:
            raise tie_break()
        if self.state is not State.CONNECTING:
            raise out_of_order()
        offered = transports.read(content.transport)
        if not isinstance(offered, Ibb) or self.fallback is None:
            refused = Content(content.creator, content.name, transport=content.transport)
            return [self._say("transport-reject", refused)]
        self.transport = Ibb(offered.sid, min(self.fallback.block_size, offered.block_size))
        self._reset()
        said = self._say("transport-accept", self._content(transport=self.transport))
        return [said, *self._connect()]

    def _replaced(self, jingle: Jingle) -> list[Action]:
        content = self._check(jingle)
        if not self._replacing or self.state is not State.CONNECTING:
            raise out_of_order()
        self._replacing = False
        answer = transports.read(content.transport)
        if not isinstance(answer, Ibb) or answer.sid != self.transport.sid:
            return self.end(Reason("failed-transport", "not the transport that was offered"))
        assert isinstance(self.transport, Ibb)
        self.transport = _smaller(self.transport, answer)
        return self._connect()

    def _rejected(self, jingle: Jingle) -> list[Action]:
        self._check(jingle)
        if not self._replacing:
            raise out_of_order()
        return self.end(Reason("connectivity-error"))

    # --- saying

    def _content(
        self,
        *,
        description: bool = False,
        transport: Transport | None = None,
        infos: tuple[Info, ...] = (),
    ) -> Content:
        return Content(
            self.content.creator,
            self.content.name,
            self.content.senders if description else "both",
            description=self.content.description if description else None,
            transport=None if transport is None else transports.write(transport, *infos),
        )

    def _say(
        self,
        action: str,
        content: Content,
        *,
        initiator: str | None = None,
        responder: str | None = None,
    ) -> Say:
        return Say(Jingle(action, self.sid, initiator, responder, (content,)))

    def _info(self, *infos: Info) -> Say:
        transport = self.transport
        bare = S5b(transport.sid) if isinstance(transport, S5b) else transport
        return self._say("transport-info", self._content(transport=bare, infos=infos))


def _other(content: Content, transport: Transport) -> bool:
    return content.transport is not None and content.transport.get("sid") != transport.sid


def _smaller(ours: Ibb, theirs: Ibb) -> Ibb:
    return Ibb(ours.sid, min(ours.block_size, theirs.block_size))
