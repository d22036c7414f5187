"""What authors see of the train that their change catches: on its card, told once, and shown anew when that changes.

Only a card is ever made or edited here, and edits wake nobody; what must be heard is said when boarding closes.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlmodel import Session

from bot import outbox
from bot.departures.models import TrainRow
from bot.deploys import loading
from bot.deploys.loading import Desk
from bot.deploys.models import Change, Target
from bot.events import CheckFinished
from bot.gates import Smoke
from bot.trains import foreseeing
from bot.trains.telling import TRAIN

TOLD_WITHIN = timedelta(hours=1)
"""How long after a merge its authors are told at once: what is heard of later is told with its first rollout."""


def merged(session: Session, desk: Desk, change: Change, now: datetime) -> None:
    """A change was merged that a train carries: each author's card of it begins now, and says what it may expect."""
    if change.merged_at is None or now - change.merged_at > TOLD_WITHIN:
        return
    if not foreseeing.goes_by_train(desk, change):
        return
    if not foreseeing.onward(session, desk, change, loading.stages(session, desk, change)):
        return
    for _, place in loading.author_slack_ids(session, desk, change):
        outbox.touch_card(session, "change", str(change.id), place, now)


def target_changed(session: Session, desk: Desk, target_id: int, now: datetime) -> None:
    """A lock, a departure or a rollout there may let whoever waits catch another one."""
    target = session.get(Target, target_id)
    if target is not None:
        foreseeing.show_again(session, desk, target.service, target.environment, now)


def boarding_changed(session: Session, desk: Desk, kind: str, number: int, now: datetime) -> None:
    """A train's time came (of a departure, its targets tell): what boarded, or did not, is shown to whoever waits."""
    row = session.get(TrainRow, number) if kind == TRAIN else None
    train = desk.catalog.trains.get(row.name) if row is not None else None
    if train is not None:
        for service in train.services:
            foreseeing.show_again(session, desk, service, train.to, now)


def check_finished(session: Session, desk: Desk, event: CheckFinished, now: datetime) -> None:
    """A check ended that lets builds go, or keeps them."""
    for owner in desk.catalog.services_of(event.repo):
        if any(event.name in gate.checks for gate in owner.gates if isinstance(gate, Smoke)):
            for environment in owner.environments:
                foreseeing.show_again(session, desk, owner.name, environment, now)
