"""The one visible list of everything that goes out: each kind, and what loads, shows or does it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sqlmodel import Session

from bot.alerts import unknown
from bot.catalog import Catalog, PromoteThrough
from bot.database import Database
from bot.delivery import CardKind, EffectKind, NoteKind, Outgoing, Showing
from bot.deploys import service
from bot.deploys.loading import Desk
from bot.incidents import telling
from bot.outbox import Card, Note
from bot.outgoing import alerts, cards, incidents, locks, notes, promotions, trains
from bot.outgoing.deploying import Deploying
from bot.outgoing.paging import Paging
from bot.outgoing.people import Consequences, Finding
from bot.outgoing.ranges import Ranges
from bot.outgoing.rooms import RoomCalls
from bot.outgoing.unasking import Unasking
from bot.people import Refreshing
from bot.ports import Chat, Forge, GateKeeper, Issues, Pager, Pipeline, Rooms, Rota
from bot.rendering import Renderer


@dataclass(frozen=True)
class Kinds:
    """The kinds of one bot, over its catalogue and ports. ``settle`` derives what follows from a verb's touches.

    Without ``pipelines``, a ``keeper``, a ``pager``, a ``waker`` (the pager that can wake people), ``rooms`` or
    ``issues``, what would call them says that they are not set up. ``renderer`` writes documents.
    """

    catalog: Catalog
    forge_url: str
    database: Database
    chat: Chat
    forge: Forge
    clock: Callable[[], datetime]
    settle: Consequences
    pipelines: Mapping[PromoteThrough, Pipeline] = field(default_factory=dict)
    keeper: GateKeeper | None = None
    pager: Rota | None = None
    waker: Pager | None = None
    rooms: Rooms | None = None
    issues: Issues | None = None
    renderer: Renderer = field(default_factory=Renderer)

    def outgoing(self) -> Outgoing:
        """The one visible list of everything that goes out."""
        finding = Finding(self.catalog, self.database, self.chat, self.forge, self.clock, self.settle)
        return Outgoing(
            cards={
                "deploy": CardKind(
                    load=self._card(cards.deploy_card), foldable=cards.deploy_may_fold, ahead=cards.deploys_ahead
                ),
                "change": CardKind(load=self._card(cards.change_card), foldable=cards.change_may_fold),
                "digest": CardKind(load=self._card(cards.digest_card), foldable=cards.never),
                "promotion": CardKind(
                    load=self._card(promotions.promotion_card), foldable=cards.never, alike=promotions.alike
                ),
                "lock": CardKind(load=self._card(locks.lock_card), foldable=cards.never),
                "lock_go": CardKind(load=self._card(locks.go_card), foldable=cards.never),
                "freeze": CardKind(load=self._card(locks.freeze_card), foldable=cards.never),
                "departure": CardKind(load=self._card(trains.departure_card), foldable=cards.never),
                unknown.ASKED: CardKind(load=self._card(alerts.unmapped_card), foldable=cards.never),
                unknown.MORE: CardKind(load=self._card(alerts.more_unmapped_card), foldable=cards.never),
                telling.INCIDENT: CardKind(load=self._card(incidents.incident_card), foldable=cards.never),
                telling.PAGE: CardKind(load=self._card(incidents.page_card), foldable=cards.never),
            },
            notes={
                "change": NoteKind(load=self._note(notes.change_note)),
                "watch": NoteKind(load=self._note(notes.watch_note)),
                "stuck": NoteKind(load=self._note(notes.stuck_note)),
                "red_build": NoteKind(load=self._note(notes.red_build_note)),
                "green_build": NoteKind(load=notes.green_build_note),
                "blind_spot": NoteKind(load=notes.blind_spot_note),
                "unreachable": NoteKind(load=notes.unreachable_note),
                "broken_template": NoteKind(load=notes.broken_template_note),
                "promotion_said": NoteKind(load=self._note(promotions.promotion_note)),
                "went_round": NoteKind(load=self._note(promotions.went_round_note)),
                "lock": NoteKind(load=self._note(locks.lock_note)),
                "freeze": NoteKind(load=self._note(locks.freeze_note)),
                "departure_said": NoteKind(load=self._note(trains.departure_note)),
                "train_said": NoteKind(load=self._note(trains.train_note)),
                "passenger_said": NoteKind(load=self._note(trains.passenger_note)),
                "deploy_said": NoteKind(load=self._note(alerts.deploy_note)),
                telling.SAID: NoteKind(load=self._note(incidents.incident_note), elsewhere=True),
                telling.PERSON_SAID: NoteKind(load=self._note(incidents.person_note)),
            },
            effects=self._effects(),
            find_person=finding.find_person,
            fallback=self.catalog.default_channel,
        )

    def _effects(self) -> Mapping[str, EffectKind]:
        ranges = Ranges(self.catalog, self.database, self.forge, self.settle)
        carried = promotions.PromotionRanges(self.catalog, self.database, self.forge, self._desk, self.settle)
        deploying = Deploying(self.database, self.pipelines, self.keeper, self.clock, self._desk, self.settle)
        refreshing = Refreshing(self.catalog, self.database, self.chat, self.pager, self.clock, self.settle)
        paging = Paging(self.database, self.waker, self.clock, self._desk, self.settle)
        rooms = RoomCalls(
            self.database, self.rooms, self.issues, self.clock, self._desk, self.settle, self.renderer
        )  # fmt: skip
        return {
            **paging.effects(),
            service.RANGE: EffectKind(run=ranges.read, postponed=ranges.unknown, given_up=ranges.unreadable),
            **carried.effects(),
            **deploying.effects(),
            **refreshing.effects(),
            **rooms.effects(),
            **Unasking(self.database, self.chat, self.clock, self._desk, self.renderer).effects(),
        }

    def _card(
        self, load: Callable[[Session, Desk, Card], Showing | None]
    ) -> Callable[[Session, Card, datetime], Showing | None]:
        return lambda session, card, now: load(session, self._desk(now), card)

    def _note(
        self, load: Callable[[Session, Desk, Note], Showing | None]
    ) -> Callable[[Session, Note, datetime], Showing | None]:
        return lambda session, note, now: load(session, self._desk(now), note)

    def _desk(self, now: datetime) -> Desk:
        return Desk(self.catalog, self.forge_url, now)
