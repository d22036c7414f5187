"""How promotions are shown and said, and how what they carry is read from the forge."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlmodel import Session

from bot import people
from bot.alerts.models import Alert
from bot.catalog import Catalog
from bot.database import Database
from bot.delivery import EffectKind, Showing
from bot.delivery.kinds import Settle
from bot.deploys import service as deploys
from bot.deploys.loading import Desk
from bot.deploys.models import Deploy, Target
from bot.deploys.views import RangeState
from bot.events import Level
from bot.incidents import locking, rollouts, telling
from bot.locks.models import Lock
from bot.outbox import Card, Note
from bot.outgoing import brakes
from bot.outgoing.people import Consequences
from bot.ports import Changes, Direction, Forge, Range
from bot.promotions import finding, following, loading, notes, ranges, shown
from bot.promotions.views import PromotionNote, Said
from bot.trains import loading as trains


def promotion_card(session: Session, desk: Desk, card: Card) -> Showing | None:
    """The present promotion of a line, in its channel or to somebody who was asked.

    In a channel what is aboard of a train is shown by its departure's card alone: this one says so.
    """
    promotion = finding.present(session, int(card.subject))
    if promotion is None:
        return None
    aboard = trains.aboard_card(session, desk, promotion) if not _is_copy(card) else None
    if aboard is not None:
        return Showing("cards/aboard", aboard, {"kind": "promotion", "promotion": str(promotion.id)})
    view = brakes.on_promotion(session, loading.promotion_card(session, desk, promotion))
    return Showing("cards/promotion", view, {"kind": "promotion", "promotion": str(promotion.id), "sha": promotion.sha})


def alike(session: Session, card: Card) -> tuple[str, bool]:
    """What all copies of a card have in common; one in a channel has it too, unless it says what it is aboard of."""
    promotion = finding.present(session, int(card.subject))
    of_train = promotion is not None and promotion.departure is not None
    return card.subject, of_train and not _is_copy(card)


def _is_copy(card: Card) -> bool:
    """Whether it was sent to somebody."""
    return card.place.startswith(("U", "W"))


def promotion_note(session: Session, desk: Desk, note: Note) -> Showing | None:
    """What must be heard of a promotion; None once it is not so, or where somebody wants to hear nothing of it."""
    change = note.data.get("change")
    if change is not None and people.level_of(session, note.place, f"change:{change}") is not Level.ALL:
        return None
    view = notes.promotion_note(session, desk, note)
    if view is None or (view.said == Said.HELD.value and _known(session, note)):
        return None
    alert = session.get(Alert, note.data["alert"]) if note.data.get("alert") is not None else None
    view = replace(view, incident=rollouts.open_of(session, alert))
    return Showing("notes/promotion_said", view, {"kind": "promotion", "promotion": str(view.promotion_id)})


def _known(session: Session, note: Note) -> bool:
    """Whether an incident's lock holds a change back, and its author has heard of the incident itself."""
    lock = session.get(Lock, note.data["lock"]) if note.data.get("lock") is not None else None
    incident = locking.incident_of(lock.cause) if lock is not None else None
    return incident is not None and telling.was_told(session, incident, note.place)


def went_round_note(session: Session, desk: Desk, note: Note) -> Showing | None:
    """A rollout reached an environment that gates hold, and none was asked; None where it turned out to be ours."""
    deploy = session.get(Deploy, note.data["deploy"])
    target = session.get(Target, deploy.target) if deploy is not None else None
    if deploy is None or target is None:
        return None
    owner = following.owner_of(session, deploy)
    if owner is not None and owner.called_at is not None:
        return None
    view = PromotionNote(
        said=Said.WENT_ROUND.value,
        promotion_id=owner.id or 0 if owner is not None else 0,
        service=target.service,
        environment=target.environment,
        sha=deploy.sha,
        rollback=deploys.is_rollback(deploy),
        who=shown.who_view(session, desk, f"github:{deploy.creator.lower()}" if deploy.creator else None),
        reason=None,
        changes=(),
        url=deploy.url,
        deploy=deploy.state,
    )
    return Showing("notes/promotion_said", view, {"kind": "deploy", "deploy": str(deploy.id)})


@dataclass(frozen=True)
class PromotionRanges:
    """Asks what promotions carry."""

    catalog: Catalog
    database: Database
    forge: Forge
    desk: Callable[[datetime], Desk]
    settle: Consequences

    def effects(self) -> Mapping[str, EffectKind]:
        """The kind of effect."""
        return {ranges.RANGE: EffectKind(run=self.read, postponed=self.unknown, given_up=self.unreadable)}

    async def read(self, data: Mapping[str, Any]) -> Settle:
        """Ask the forge what a promotion carries. Twice is harmless: it only reads, and the answer replaces itself."""
        promotion_id, base = int(data["promotion"]), data["base"]
        asked = await self.database.read(lambda session: ranges.range_wanted(session, promotion_id, base))
        if asked is None:
            return _nothing
        repo, sha, service_name = asked
        paths = bool(self.catalog.service(service_name).paths)
        if base is None:
            found = Range(Direction.AHEAD, arriving=await self.forge.single(repo, sha, paths=paths), leaving=Changes())
        else:
            found = await self.forge.compare(repo, base, sha, paths=paths)

        def write(session: Session, now: datetime) -> None:
            ranges.range_read(session, self.desk(now), promotion_id, base, found, now)
            self.settle(session, now)

        return write

    def unknown(self, session: Session, data: Mapping[str, Any], now: datetime) -> None:
        """The forge does not answer now."""
        ranges.range_unknown(session, int(data["promotion"]), data["base"], RangeState.UNKNOWN)
        self.settle(session, now)

    def unreadable(self, session: Session, data: Mapping[str, Any], now: datetime) -> None:
        """The forge will not tell."""
        ranges.range_unknown(session, int(data["promotion"]), data["base"], RangeState.UNREADABLE)
        self.settle(session, now)


def _nothing(session: Session, now: datetime) -> None:
    """Nothing is to be written."""
