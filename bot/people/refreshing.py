"""Reading who belongs where from Slack and PagerDuty, before anybody asks in a transaction.

Each is an effect that only reads: doing it twice is harmless, the answer replaces itself. What cannot be read is
written down as its trouble, and read again; what was read before is believed until it is an hour old.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog
from sqlmodel import Session

from bot import work
from bot.catalog import Catalog
from bot.database import Database
from bot.delivery.kinds import EffectKind, Settle
from bot.errors import GiveUp, OutgoingError
from bot.people import freshness, members
from bot.people.concerning import seen_of
from bot.people.groups import SCHEDULE, Group, OnCallList
from bot.people.members import Profile
from bot.ports import Chat, Member, OnCall, Rota

log = structlog.get_logger(__name__)

WATCHED = 30
"""People of one group at most of whom it is asked whether they are online: a larger group is not asked person by
person.
"""


@dataclass(frozen=True)
class Refreshing:
    """Keeps people fresh. ``pager`` None = no PagerDuty is configured; ``settle`` derives what follows from touches."""

    catalog: Catalog
    database: Database
    chat: Chat
    pager: Rota | None
    clock: Callable[[], datetime]
    settle: Callable[[Session, datetime], None]

    def effects(self) -> Mapping[str, EffectKind]:
        """The kinds of effects, by ``freshness.KINDS``."""
        return {
            "group": EffectKind(run=self.read_group, postponed=_wait, given_up=_wait),
            "on_call": EffectKind(run=self.read_on_call, postponed=_wait, given_up=_wait),
            "member": EffectKind(run=self.read_member, postponed=_wait, given_up=_wait),
        }

    async def read_group(self, data: Mapping[str, Any]) -> Settle:
        """Who is in a user group, and whether they are full members of the workspace."""
        number = int(data["id"])
        handle = await self.database.read(lambda session: _handle_of(session, number))
        if handle is None:
            return _nothing
        try:
            found = await self.chat.group_members(handle)
            seen = await self._look_at(found or ())
        except GiveUp as fault:
            return self._in_vain("group", Group, number, fault)

        def write(session: Session, now: datetime) -> None:
            row = session.get(Group, number)
            assert row is not None
            seen.keep(session, now)
            if seen.short:  # part of it was read: the rest follows, and the group is believed once all of it was
                return freshness.tried(session, "group", row, now, seen.short)
            listed = sorted(found) if found is not None else None
            believed = freshness.fresh(row.read_at, now) and row.trouble is None
            changed = row.members != listed or not believed
            row.members, row.read_at = listed, now
            freshness.tried(session, "group", row, now, None)
            return self._follow(session, [*([("group", number)] if changed else []), *seen.changed], now)

        return write

    async def read_on_call(self, data: Mapping[str, Any]) -> Settle:
        """Who is on call for a service, or whose shift it is by a schedule, and who they are in Slack."""
        number = int(data["id"])
        service = await self.database.read(lambda session: _service_of(session, number))
        if service is None:
            return _nothing
        try:
            if self.pager is None:
                raise GiveUp("no_pagerduty", "set PAGERDUTY_API_KEY")
            found = await self._listed(self.pager, service)
            who = [(one, await self._slack_id(one)) for one in found]
            seen = await self._look_at(slack_id for _, slack_id in who if slack_id)
        except GiveUp as fault:
            return self._in_vain("on_call", OnCallList, number, fault)

        def write(session: Session, now: datetime) -> None:
            row = session.get(OnCallList, number)
            assert row is not None
            seen.keep(session, now)
            if seen.short:
                return freshness.tried(session, "on_call", row, now, seen.short)
            listed = [_plain(one, slack_id) for one, slack_id in who]
            believed = freshness.fresh(row.read_at, now) and row.trouble is None
            changed = _on_now(row.who, now) != _on_now(listed, now) or not believed
            row.who, row.read_at = listed, now
            freshness.tried(session, "on_call", row, now, None)
            return self._follow(session, [*([("on_call", number)] if changed else []), *seen.changed], now)

        return write

    async def _listed(self, pager: Rota, key: str) -> Sequence[OnCall]:
        if key.startswith(SCHEDULE):
            return await pager.on_schedule(key.removeprefix(SCHEDULE), self.clock())
        return await pager.on_call(key)

    async def read_member(self, data: Mapping[str, Any]) -> Settle:
        """Who somebody is in Slack, and whether they are online."""
        number = int(data["id"])
        slack_id = await self.database.read(lambda session: _slack_id_of(session, number))
        if slack_id is None:
            return _nothing
        try:
            found, online = await self.chat.member(slack_id), await self._online(slack_id)
        except GiveUp as fault:
            return self._in_vain("member", Profile, number, fault)

        def write(session: Session, now: datetime) -> None:
            row = session.get(Profile, number)
            assert row is not None
            before = seen_of(row, now)
            _keep(session, slack_id, found, now)
            row.online, row.online_at = online, now
            freshness.tried(session, "member", row, now, None)
            self._follow(session, [("member", number)] if before != seen_of(row, now) else [], now)

        return write

    async def _look_at(self, slack_ids: Iterable[str]) -> _Seen:
        """Who these people are where that is not known well enough, and whether they are online."""
        wanted = sorted(set(slack_ids))
        now = self.clock()
        known = await self.database.read(lambda session: _read_at(session, wanted))
        seen = _Seen()
        for slack_id in wanted:
            read_at = known.get(slack_id)
            if read_at is not None and now - read_at < freshness.STALE / 2:
                continue
            try:
                seen.members[slack_id] = await self.chat.member(slack_id)
            except GiveUp:
                raise
            except OutgoingError as fault:
                seen.short = str(fault)
                return seen
        for slack_id in wanted if len(wanted) <= WATCHED else ():
            seen.online[slack_id] = await self._online(slack_id)
        return seen

    async def _online(self, slack_id: str) -> bool | None:
        """Whether somebody is online; nobody waits for it, so what cannot be asked is not known."""
        try:
            return await self.chat.present(slack_id)
        except OutgoingError as fault:
            log.debug("whether somebody is online cannot be told", error=str(fault))
            return None

    async def _slack_id(self, one: OnCall) -> str | None:
        """Who somebody on call is in Slack: by the catalogue, else by the address they have in PagerDuty."""
        entry = next((entry for entry in self.catalog.people if entry.pagerduty == one.user), None) or (
            self.catalog.person_by_email(one.email) if one.email else None
        )
        if entry is not None and entry.slack:
            return entry.slack
        member = await self.chat.member_by_email(one.email) if one.email else None
        return member.slack_id if member is not None else None

    def _in_vain(self, kind: str, table: type[Group | OnCallList | Profile], number: int, fault: GiveUp) -> Settle:
        log.error("people cannot be read", what=kind, code=fault.code, mend=fault.mend)
        trouble = (fault.mend or fault.code).rstrip(".")

        def write(session: Session, now: datetime) -> None:
            row: Any = session.get(table, number)
            changed = row.trouble != trouble
            freshness.tried(session, kind, row, now, trouble)
            self._follow(session, [(kind, number)] if changed else [], now)

        return write

    def _follow(self, session: Session, changed: Collection[tuple[str, int]], now: datetime) -> None:
        """What was read is another than before: whatever was judged by it is judged again."""
        if changed:
            for kind, number in changed:
                work.touch(session, kind, number)
            self.settle(session, now)


class _Seen:
    """What a look at several people found. ``short`` says why it ended early."""

    def __init__(self) -> None:
        self.members: dict[str, Member | None] = {}
        self.online: dict[str, bool | None] = {}
        self.short: str | None = None
        self.changed: list[tuple[str, int]] = []
        """Whoever is seen otherwise than before, once it is written down."""

    def keep(self, session: Session, now: datetime) -> None:
        """Write it down."""
        before = members.profiles_of(session, frozenset(self.members))
        was = {slack_id: seen_of(before.get(slack_id), now) for slack_id in self.members}
        for slack_id, found in self.members.items():
            _keep(session, slack_id, found, now)
        after = members.profiles_of(session, frozenset({*self.members, *self.online}))
        self.changed = [
            ("member", after[slack_id].id or 0) for slack_id in was if was[slack_id] != seen_of(after[slack_id], now)
        ]
        for slack_id, online in self.online.items():
            if slack_id in after:
                after[slack_id].online, after[slack_id].online_at = online, now


def _keep(session: Session, slack_id: str, found: Member | None, now: datetime) -> None:
    if found is None:
        members.unseen(session, slack_id, now)
    else:
        members.saw(session, found, now)


def _plain(one: OnCall, slack_id: str | None) -> dict[str, str | None]:
    until = one.until.isoformat() if one.until is not None else None
    return {"user": one.user, "name": one.name, "slack_id": slack_id, "until": until}


def _on_now(who: Iterable[Mapping[str, Any]], now: datetime) -> list[tuple[Any, ...]]:
    """Who is listed, each with whether their shift lasts: that another reading names a later end of it is no news."""
    return [
        (one["user"], one["name"], one["slack_id"], one["until"] is None or datetime.fromisoformat(one["until"]) > now)
        for one in who
    ]


def _handle_of(session: Session, number: int) -> str | None:
    row = session.get(Group, number)
    return row.handle if row is not None else None


def _service_of(session: Session, number: int) -> str | None:
    row = session.get(OnCallList, number)
    return row.service if row is not None else None


def _slack_id_of(session: Session, number: int) -> str | None:
    row = session.get(Profile, number)
    return row.slack_id if row is not None else None


def _read_at(session: Session, slack_ids: Iterable[str]) -> dict[str, datetime | None]:
    return {slack_id: row.read_at for slack_id, row in members.profiles_of(session, frozenset(slack_ids)).items()}


def _nothing(session: Session, now: datetime) -> None:
    """Nothing is to be written."""


def _wait(session: Session, data: Mapping[str, Any], now: datetime) -> None:
    """It is tried again; what was read before is believed until it is too old."""
