"""What each kind of outgoing thing means: how a card or note is loaded from present state, how an effect is done.

Pure reading on the database's side; the calls of effects go through the ports. An effect documents why doing it
twice is harmless.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog
from sqlmodel import Session, col, select

from bot import outbox, people, work
from bot.catalog import Catalog
from bot.database import Database
from bot.delivery import CardKind, EffectKind, NoteKind, Outgoing, Showing
from bot.delivery.kinds import Settle
from bot.deploys import builds, loading, service
from bot.deploys.loading import Desk
from bot.deploys.models import Change, Deploy, Target
from bot.deploys.views import (
    BlindSpotNote,
    BrokenTemplateNote,
    ChangeNote,
    DigestCard,
    DigestLine,
    FailedCheck,
    GreenBuildNote,
    Outcome,
    RangeState,
    RedBuildNote,
    StuckNote,
    UnreachableNote,
)
from bot.errors import GiveUp, Unauthorised
from bot.events import DeployStatus, Human, Level
from bot.outbox import Card, Note
from bot.ports import Changes, Chat, Direction, Forge, Member, Range

log = structlog.get_logger(__name__)

Consequences = Callable[[Session, datetime], None]
"""Derives what follows from everything that was touched in a transaction."""


@dataclass(frozen=True)
class Kinds:
    """The kinds of one bot, over its catalogue and ports. ``settle`` derives what follows from a verb's touches."""

    catalog: Catalog
    forge_url: str
    database: Database
    chat: Chat
    forge: Forge
    clock: Callable[[], datetime]
    settle: Consequences

    def outgoing(self) -> Outgoing:
        """The one visible list of everything that goes out."""
        return Outgoing(
            cards={
                "deploy": CardKind(load=self._deploy_card, foldable=_deploy_may_fold, ahead=_deploys_ahead),
                "change": CardKind(load=self._change_card, foldable=_change_may_fold),
                "digest": CardKind(load=self._digest_card, foldable=_never),
            },
            notes={
                "change": NoteKind(load=self._change_note),
                "stuck": NoteKind(load=self._stuck_note),
                "red_build": NoteKind(load=self._red_build_note),
                "green_build": NoteKind(load=_green_build_note),
                "blind_spot": NoteKind(load=_blind_spot_note),
                "unreachable": NoteKind(load=_unreachable_note),
                "broken_template": NoteKind(load=_broken_template_note),
            },
            effects={
                service.RANGE: EffectKind(
                    run=self._read_range, postponed=self._range_unknown, given_up=self._range_unreadable
                ),
            },
            find_person=self._find_person,
            fallback=self.catalog.default_channel,
        )

    # --- cards ------------------------------------------------------------------------------------------------------

    def _deploy_card(self, session: Session, card: Card, now: datetime) -> Showing | None:
        deploy = session.get(Deploy, int(card.subject))
        if deploy is None:
            return None
        view = loading.deploy_card(session, self._desk(now), deploy)
        return Showing("cards/deploy", view, {"kind": "deploy", "deploy": card.subject, "sha": deploy.sha})

    def _change_card(self, session: Session, card: Card, now: datetime) -> Showing | None:
        change = session.get(Change, int(card.subject))
        if change is None:
            return None
        view = loading.change_card(session, self._desk(now), change, card.place)
        if card.ts is None:
            level = people.level_of(session, card.place, f"change:{change.id}")
            failed = any(stage.status is DeployStatus.FAILED or stage.left for stage in view.stages)
            if level is Level.NONE or (level is Level.FAILURES and not failed):
                return None
        return Showing("cards/change", view, {"kind": "change", "change": card.subject})

    def _digest_card(self, session: Session, card: Card, now: datetime) -> Showing | None:
        folded = session.exec(select(Card).where(Card.digest == card.id).order_by(col(Card.id))).all()
        lines = [line for one in folded if (line := self._line(session, one, now)) is not None]
        if not lines:
            return None
        at = [line.at for line in lines]
        changes = all(one.kind == "change" for one in folded)
        view = DigestCard(lines=tuple(lines), since=min(at), until=max(at), changes=changes)
        return Showing("cards/digest", view, {"kind": "digest"})

    def _line(self, session: Session, card: Card, now: datetime) -> DigestLine | None:
        if card.kind == "deploy":
            deploy = session.get(Deploy, int(card.subject))
            target = session.get(Target, deploy.target) if deploy else None
            return _deploy_line(deploy, target) if deploy and target else None
        change = session.get(Change, int(card.subject))
        stages = loading.stages(session, self._desk(now), change) if change else ()
        if change is None or not stages:
            return None
        last = max(stages, key=lambda stage: stage.at)
        return DigestLine(
            service=last.service, environment=last.environment, status=last.status, sha=change.label, url=change.url,
            at=last.at,
        )  # fmt: skip

    # --- notes ------------------------------------------------------------------------------------------------------

    def _change_note(self, session: Session, note: Note, now: datetime) -> Showing | None:
        change = session.get(Change, note.data["change"])
        deploy = session.get(Deploy, note.data["deploy"])
        if change is None or deploy is None:
            return None
        outcome = Outcome(note.data["outcome"])
        level = people.level_of(session, note.place, f"change:{change.id}")
        if level is Level.NONE or (level is Level.FAILURES and outcome is Outcome.LIVE):
            return None
        if outcome is Outcome.LIVE and deploy.state is not DeployStatus.SUCCEEDED:
            return None  # what it was said to be, it turned out not to be
        target = session.get(Target, deploy.target)
        assert target is not None
        began = deploy.in_progress_at or deploy.began_at
        view = ChangeNote(
            outcome=outcome,
            role=loading.role_of(session, self._desk(now), change, note.place),
            change=loading.change_views(session, self._desk(now), [change])[change.id or 0],
            service=target.service,
            environment=target.environment,
            status=deploy.state,
            duration=deploy.status_at - began if deploy.state.ended else None,
            url=deploy.url,
        )
        return Showing("notes/change", view, {"kind": "change", "change": str(change.id), "deploy": str(deploy.id)})

    def _stuck_note(self, session: Session, note: Note, now: datetime) -> Showing | None:
        deploy = session.get(Deploy, note.data["deploy"])
        stuck = loading.stuck_view(session, deploy) if deploy else None
        if deploy is None or stuck is None:
            return None  # it ended meanwhile
        target = session.get(Target, deploy.target)
        assert target is not None
        changes = [change for row, change in service.changes_of(session, deploy.id or 0) if not row.leaving]
        if self._mutes_all_of(session, note.place, changes, now):
            return None
        views = loading.change_views(session, self._desk(now), changes)
        view = StuckNote(
            service=target.service, environment=target.environment, stuck=stuck,
            changes=tuple(views[change.id or 0] for change in changes[: loading.LISTED]),
        )  # fmt: skip
        return Showing("notes/stuck", view, {"kind": "deploy", "deploy": str(deploy.id)})

    def _mutes_all_of(self, session: Session, place: str, changes: Sequence[Change], now: datetime) -> bool:
        """Whether somebody muted everything, or each of these changes that is theirs."""
        if people.level_of(session, place) is Level.NONE:
            return True
        desk = self._desk(now)
        theirs = [
            change
            for change in changes
            if any(place == author for _, author in loading.author_slack_ids(session, desk, change))
        ]
        muted = [people.level_of(session, place, f"change:{change.id}") is Level.NONE for change in theirs]
        return bool(muted) and all(muted)

    def _red_build_note(self, session: Session, note: Note, now: datetime) -> Showing | None:
        data = note.data
        if data["direct"] and people.level_of(session, note.place) is Level.NONE:
            return None
        failed = builds.failed_checks(session, data["repo"], data["sha"])
        if not failed:
            return None  # it was run again and is green by now, or it was a deploy's run all along
        author = Human(**data["author"]) if data.get("author") else None
        known = service.author_of_commit(session, data["repo"], data["sha"]) or author
        view = RedBuildNote(
            repo=data["repo"], service=data["service"], sha=data["sha"], title=data.get("title"), direct=data["direct"],
            checks=tuple(FailedCheck(name=check.name, url=check.url) for check in failed),
            author=loading.person(session, self._desk(now), known) if known else None,
        )  # fmt: skip
        return Showing("notes/red_build", view, {"kind": "build", "sha": data["sha"]})

    # --- effects ----------------------------------------------------------------------------------------------------

    async def _read_range(self, data: Mapping[str, Any]) -> Settle:
        """Ask the forge what a deploy carries. Twice is harmless: it only reads, and the answer replaces itself."""
        deploy_id, base = int(data["deploy"]), data["base"]
        asked = await self.database.read(lambda session: _range_wanted(session, deploy_id, base))
        if asked is None:
            return _nothing
        repo, sha, service_name = asked
        paths = bool(self.catalog.service(service_name).paths)
        if base is None:
            found = Range(Direction.AHEAD, arriving=await self.forge.single(repo, sha, paths=paths), leaving=Changes())
        else:
            found = await self.forge.compare(repo, base, sha, paths=paths)

        def write(session: Session, now: datetime) -> None:
            service.range_read(session, self.catalog, deploy_id, base, found, now)
            self.settle(session, now)

        return write

    def _range_unknown(self, session: Session, data: Mapping[str, Any], now: datetime) -> None:
        service.range_unknown(session, int(data["deploy"]), data["base"], RangeState.UNKNOWN)
        self.settle(session, now)

    def _range_unreadable(self, session: Session, data: Mapping[str, Any], now: datetime) -> None:
        service.range_unknown(session, int(data["deploy"]), data["base"], RangeState.UNREADABLE)
        self.settle(session, now)

    # --- people -----------------------------------------------------------------------------------------------------

    async def _find_person(self, who: str) -> Settle:
        """Who somebody is in Slack, by an address that Slack has verified; what waits for them goes there.

        It is remembered (for a while, also when there is nobody) in the same transaction that readdresses: in between,
        what happens would be written to the same person by two names.
        """
        now = self.clock()
        believed, slack_id = await self.database.read(lambda session: people.looked_up(session, who, now))
        found = None if believed else await self._member(who)

        def write(session: Session, now: datetime) -> None:
            if not believed:
                people.remember(session, who, found, now)
            place = (found.slack_id if found else slack_id) or people.linked_to(session, who)
            outbox.readdress(session, f"{outbox.WHO}{who}", place)
            if place is not None:  # cards that know a login only have a name to show now
                for change in service.named_by_login(session, who):
                    work.touch(session, "change", change)
                self.settle(session, now)

        return write

    async def _member(self, who: str) -> Member | None:
        for ask in self._addresses(who):
            address = await ask()
            member = await self._member_at(address) if address is not None else None
            if member is not None and member.active:
                return member
        return None

    async def _member_at(self, address: str) -> Member | None:
        try:
            return await self.chat.member_by_email(address)
        except Unauthorised:
            raise  # nobody at all can be found until that is mended
        except GiveUp as fault:
            log.warning("somebody cannot be looked up, and counts as not found", code=fault.code, mend=fault.mend)
            return None

    def _addresses(self, who: str) -> list[Callable[[], Awaitable[str | None]]]:
        """Ways to an e-mail address for somebody; the forge comes last, since it alone may have to be waited for."""
        sort, _, name = who.partition(":")
        if sort == "email":
            return [lambda: _now_known(name)]
        return [
            lambda: _now_known(self._catalogue_address(name)),
            lambda: self.database.read(lambda session: service.commit_address(session, name)),
            lambda: self._forge_address(name),
        ]

    def _catalogue_address(self, login: str) -> str | None:
        entry = self.catalog.person_by_github(login)
        return entry.email if entry else None

    async def _forge_address(self, login: str) -> str | None:
        try:
            return await self.forge.email(login)
        except GiveUp:
            return None  # the forge will not say: one way less, no failure

    def _desk(self, now: datetime) -> Desk:
        return Desk(self.catalog, self.forge_url, now)


def _range_wanted(session: Session, deploy_id: int, base: str | None) -> tuple[str, str, str] | None:
    """Repository, commit and service of a deploy whose range from ``base`` is still wanted."""
    deploy = session.get(Deploy, deploy_id)
    if deploy is None or deploy.repo is None or deploy.previous_sha != base:
        return None
    target = session.get(Target, deploy.target)
    assert target is not None
    return deploy.repo, deploy.sha, target.service


def _nothing(session: Session, now: datetime) -> None:
    """Nothing is to be written."""


async def _now_known(address: str | None) -> str | None:
    return address


def _deploys_ahead(session: Session, cards: Sequence[Card]) -> None:
    service.read_ahead(session, [int(card.subject) for card in cards])


def _deploy_may_fold(session: Session, card: Card) -> bool:
    deploy = session.get(Deploy, int(card.subject))
    return deploy is not None and deploy.state is not DeployStatus.FAILED and deploy.stuck_at is None


def _change_may_fold(session: Session, card: Card) -> bool:
    """A change's card may fold unless one of its deploys failed or took it out: the author must see that."""
    change = session.get(Change, int(card.subject))
    return change is not None and not service.went_wrong(session, int(card.subject))


def _never(session: Session, card: Card) -> bool:
    return False


def _deploy_line(deploy: Deploy, target: Target) -> DigestLine:
    return DigestLine(
        service=target.service, environment=target.environment, status=deploy.state, sha=deploy.sha, url=deploy.url,
        at=deploy.status_at,
    )  # fmt: skip


def _blind_spot_note(session: Session, note: Note, now: datetime) -> Showing | None:
    data = note.data
    deploys = [session.get(Deploy, deploy_id) for deploy_id in data["deploys"]]
    rows = [(deploy, session.get(Target, deploy.target)) for deploy in deploys if deploy is not None]
    view = BlindSpotNote(
        first_at=datetime.fromisoformat(data["first_at"]),
        last_at=datetime.fromisoformat(data["last_at"]),
        redelivered=data["redelivered"],
        deploys=tuple(_deploy_line(deploy, target) for deploy, target in rows if target is not None),
    )
    return Showing("notes/blind_spot", view, {"kind": "blind_spot"})


def _green_build_note(session: Session, note: Note, now: datetime) -> Showing | None:
    """Only to whom the red build was really told, and while it still holds."""
    data = note.data
    if not outbox.was_sent(session, f"{data['red']}:{note.place}"):
        return None
    if not builds.passes(session, data["repo"], data["sha"], data["check"]):
        return None
    if data["direct"] and people.level_of(session, note.place) is Level.NONE:
        return None
    view = GreenBuildNote(
        repo=data["repo"], service=data["service"], check=data["check"], sha=data["sha"], title=data["title"],
        url=data["url"],
    )  # fmt: skip
    return Showing("notes/green_build", view, {"kind": "build", "sha": data["sha"]})


def _unreachable_note(session: Session, note: Note, now: datetime) -> Showing | None:
    card = session.get(Card, note.data["card"]) if note.data.get("card") else None
    deploy = session.get(Deploy, int(card.subject)) if card is not None and card.kind == "deploy" else None
    target = session.get(Target, deploy.target) if deploy is not None else None
    view = UnreachableNote(
        place=note.data["unreachable"],
        reason=note.data["code"],
        mend=note.data["mend"],
        service=target.service if target else None,
    )
    return Showing("notes/unreachable", view, {"kind": "unreachable"})


def _broken_template_note(session: Session, note: Note, now: datetime) -> Showing | None:
    view = BrokenTemplateNote(template=note.data["template"], error=note.data["error"])
    return Showing("notes/broken_template", view, {"kind": "broken_template"})
