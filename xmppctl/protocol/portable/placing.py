"""A node of a file into the own account: open to nobody to whom it was not open before.

The access model comes first and is read back before an item is published. What is in the account
already stays as it is unless it is to be replaced.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from xml.etree.ElementTree import Element, SubElement

from xmppctl.errors import RefusedError, UnsupportedError, UsageError
from xmppctl.model.form import Form, FormField
from xmppctl.model.jid import lenient
from xmppctl.model.portable import ImportedPart
from xmppctl.protocol import forms, pep, privatexml
from xmppctl.protocol.portable import nodes
from xmppctl.protocol.portable.nodes import CONFIGURE, NODE_CONFIG, Node, value
from xmppctl.protocol.pubsub import NS, OWNER, PUBSUB, Item
from xmppctl.session.stream import Session

MOVED = "urn:xmpp:moved:1"

_STEP = "import"
_ACCESS = "pubsub#access_model"
_OPENNESS = {"whitelist": 0, "authorize": 1, "roster": 2, "presence": 3, "open": 4}
_NOT_COPIED = frozenset({
    _ACCESS, "FORM_TYPE", "pubsub#creation_date", "pubsub#creator", "pubsub#owner",
    "pubsub#publisher", "pubsub#num_subscribers", "pubsub#node_type", "pubsub#collection",
    "pubsub#children", "pubsub#max_payload_size",
})  # fmt: skip


async def place(
    session: Session, node: Node, *, was: str, replacing: bool, dry_run: bool
) -> ImportedPart:
    """Make the node as the file has it, and publish what is not there yet.

    ``was``: the JID of the account in the file. What befalls the node stands in the record.
    Raises ConnectError, DeadlineError.
    """
    record = ImportedPart("pep", node.name, total=len(node.items))
    if node.name == MOVED:
        reason = "it says that the other account has moved: that is no longer so here"
        return replace(record, skipped=len(node.items), reason=reason)
    try:
        return await _Placing(session, node, record, was, replacing, dry_run).run()
    except (RefusedError, UnsupportedError, UsageError) as error:
        error.step = error.step or _STEP
        return replace(record, error=error.info())


class _Placing:
    def __init__(
        self,
        session: Session,
        node: Node,
        record: ImportedPart,
        was: str,
        replacing: bool,
        dry_run: bool,
    ) -> None:
        self._session = session
        self._node = node
        self._record = record
        self._was = str(lenient(was))
        self._replacing = replacing
        self._dry_run = dry_run
        self._reasons: list[str] = []
        told = node.configuration()
        self._told = told
        self._access = value(told, "access_model") or ""
        if self._access not in _OPENNESS:
            self._reasons.append("the file does not say to whom it is open: to nobody, then")
            self._access = "whitelist"

    async def run(self) -> ImportedPart:
        found = await nodes.configuration(self._session, self._node.name)
        fresh = found is None
        if found is None:
            if self._dry_run:
                return self._outcome(done=len(self._payloads()))
            found = await self._make()
        found = await self._set_access(found)
        if (fresh or self._replacing) and not self._dry_run:
            found = await self._set_rest(found)
            await self._affiliate()
        return await self._publish(found)

    async def _make(self) -> Form:
        session, name = self._session, self._node.name
        query = Element(PUBSUB)
        SubElement(query, f"{{{NS}}}create", {"node": name})
        configure = SubElement(query, f"{{{NS}}}configure")
        answers = {_ACCESS: [self._access], "pubsub#persist_items": ["1"]}
        groups = self._values().get("pubsub#roster_groups_allowed")
        if self._access == "roster" and groups:
            answers["pubsub#roster_groups_allowed"] = groups
        configure.append(forms.submit(NODE_CONFIG, answers))
        try:
            await session.request(
                query, type="set", step=_STEP, what=f"making the node {name}",
                feature=nodes.FEATURE,
            )  # fmt: skip
        except RefusedError as error:
            if error.condition != "conflict":  # another client was faster
                raise
        found = await nodes.configuration(session, name)
        if found is None:
            raise self._not_applied(f"the node {name} is not there, though the server made it")
        return found

    async def _set_access(self, found: Form) -> Form:
        """The node's access model as the file has it, or one that is no more open than that."""
        have = value(found, "access_model") or "unknown"
        if have == self._access:
            return found
        if self._replacing:
            if self._dry_run:
                return found
            await self._configure(found, {_ACCESS: [self._access]})
            return await self._again()
        self._reasons.append(f"its access model stays {have}; it was {self._access}")
        return found

    def _check_access(self, found: Form) -> None:
        """Nothing goes where more people could read it than before."""
        have = value(found, "access_model") or "unknown"
        if _OPENNESS.get(have, 9) <= _OPENNESS[self._access] or (self._replacing and self._dry_run):
            return
        raise RefusedError(
            f"the node {self._node.name} has the access model {have}, and was {self._access}: "
            "nothing was published",
            step=_STEP,
            condition="precondition-not-met",
            by=self._session.bare,
            hint="--replace makes it as it was; what is in it may have been seen by others",
        )

    async def _set_rest(self, found: Form) -> Form:
        """The other settings, as far as this server knows them (§3.9.1)."""
        left_out = _NOT_COPIED | ({"pubsub#persist_items"} if self._node.items else set())
        wanted = {
            name: values
            for name, values in self._values().items()
            if name not in left_out and _may_be(found, name, values)
        }
        if not wanted:
            return found
        try:
            await self._configure(found, wanted)
        except (RefusedError, UsageError):
            refused = await self._one_by_one(found, wanted)
            if refused:
                names = ", ".join(name.removeprefix("pubsub#") for name in refused)
                self._reasons.append(f"settings that the server does not take: {names}")
        return await self._again()

    async def _one_by_one(self, found: Form, wanted: Mapping[str, list[str]]) -> list[str]:
        """Set what is taken alone, beside what was taken before; the names of the others."""
        taken: dict[str, list[str]] = {}
        refused: list[str] = []
        for name, values in wanted.items():
            for each in [values, ["max"]] if name == "pubsub#max_items" else [values]:
                try:
                    await self._configure(found, {**taken, name: each})
                except (RefusedError, UsageError):
                    continue
                taken[name] = each
                break
            else:
                refused.append(name)
        return refused

    async def _configure(self, found: Form, answers: Mapping[str, Sequence[str]]) -> None:
        """Set these fields; the access model goes along, so that it never is another one."""
        query = Element(OWNER)
        configure = SubElement(query, CONFIGURE, {"node": self._node.name})
        access = value(found, "access_model") if _ACCESS not in answers else None
        fixed = {_ACCESS: [access]} if access is not None else {}
        configure.append(forms.fill(found, {**answers, **fixed}))
        await self._session.request(
            query, type="set", step=_STEP, what=f"configuring the node {self._node.name}"
        )

    async def _again(self) -> Form:
        found = await nodes.configuration(self._session, self._node.name)
        if found is None:
            raise self._not_applied(f"the node {self._node.name} went away")
        return found

    async def _affiliate(self) -> None:
        session, name = self._session, self._node.name
        wanted = {
            str(lenient(each.get("jid", ""))): each.get("affiliation", "")
            for each in self._node.affiliations
            if each.get("jid") and each.get("affiliation")
        }
        wanted.pop(session.bare, None)
        # the account itself, perhaps under an older name; and nobody else is to own its nodes
        owners = {jid for jid, kind in wanted.items() if kind == "owner"}
        if owners - {self._was}:
            self._reasons.append(
                f"not made its owner again: {', '.join(sorted(owners - {self._was}))}"
            )
        wanted = {jid: kind for jid, kind in wanted.items() if jid not in owners | {self._was}}
        if not wanted:
            return
        there = await nodes.affiliations(session, name)
        query = Element(OWNER)
        holder = SubElement(query, nodes.AFFILIATIONS, {"node": name})
        for jid, kind in wanted.items():
            if there.get(jid, "none") != kind:
                SubElement(holder, nodes.AFFILIATION, {"jid": jid, "affiliation": kind})
        if len(holder):
            what = f"the affiliations of the node {name}"
            await session.request(query, type="set", step=_STEP, what=what)

    async def _publish(self, found: Form) -> ImportedPart:
        session, name = self._session, self._node.name
        there = {each.get("id"): each for each in await self._there()}
        same = kept = 0
        fresh: list[Item] = []
        changed: list[Item] = []
        for item in self._payloads():
            old = there.get(item.id) if item.id is not None else None
            if old is None:
                fresh.append(item)
            elif len(old) and privatexml.same(old[0], item.payload):
                same += 1
            elif self._replacing:
                changed.append(item)
            else:
                kept += 1
        if same and same == len(self._payloads()):
            self._reasons.append("they are there already")
        if kept:
            self._reasons.append(f"{kept} kept as they are there: --replace takes the file's")
        lost = 0
        room = self._capacity(found) - len(there)
        if len(fresh) > room and not self._replacing:
            if self._capacity(found) == 1:
                self._reasons.append("another item is there: --replace takes the file's")
                fresh = []
            else:
                lost, fresh = len(fresh) - max(room, 0), fresh[len(fresh) - max(room, 0) :]
        elif len(fresh) > self._capacity(found):
            lost = len(fresh) - self._capacity(found)
            fresh = fresh[lost:]
        to_publish = changed + fresh
        if to_publish:
            self._check_access(found)
        if self._dry_run:
            return self._outcome(done=len(to_publish), lost=lost)
        if not to_publish:
            return self._outcome(lost=lost)
        ids = await pep.publish(session, name, to_publish, {})
        after = {each.get("id") for each in await self._there()}
        missing = [each for each in ids if each not in after]
        record = self._outcome(done=len(ids) - len(missing), lost=lost)
        if missing:
            text = f"{len(missing)} items of the node {name} are not there, though they were taken"
            return replace(record, error=self._not_applied(text).info())
        return record

    async def _there(self) -> list[Element]:
        """The items; one server says of a node without any that it is not there."""
        try:
            return await nodes.items(self._session, self._node.name)
        except RefusedError as error:
            if error.condition != "item-not-found":
                raise
            return []

    def _payloads(self) -> list[Item]:
        return [Item(each.get("id"), each[0]) for each in self._node.items if len(each)]

    def _capacity(self, found: Form) -> int:
        most = value(found, "max_items")
        if most is None or not most.isdecimal() or len(most) > 9:
            return 10**9
        return int(most)

    def _values(self) -> dict[str, list[str]]:
        fields = self._told.fields if self._told is not None else ()
        return {each.var: each.values for each in fields if each.var and each.values}

    def _outcome(self, *, done: int = 0, lost: int = 0) -> ImportedPart:
        total = self._record.total
        if self._node.subscriptions:
            number = len(self._node.subscriptions)
            self._reasons.append(f"{number} subscriptions of others are not made for them")
        error = None
        if lost:
            error = self._not_applied(
                f"the node {self._node.name} has no room for {lost} of its items"
            ).info()
        reason = "; ".join(self._reasons) or None
        return replace(self._record, done=done, skipped=total - done, reason=reason, error=error)

    def _not_applied(self, text: str) -> RefusedError:
        return RefusedError(text, step=_STEP, condition="not-applied", by=self._session.bare)


def _may_be(found: Form, name: str, values: Sequence[str]) -> bool:
    """Whether this server has the setting, with another value, and could have this one."""
    field = next((each for each in found.fields if each.var == name), None)
    if field is None or field.type in ("fixed", "hidden") or _alike(field, values):
        return False
    choices = {option.value for option in field.options}
    return not choices or choices.issuperset(values)


def _alike(field: FormField, values: Sequence[str]) -> bool:
    same = {"true": "1", "false": "0"}
    return [same.get(each, each) for each in field.values] == [same.get(v, v) for v in values]
