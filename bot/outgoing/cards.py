"""How the cards of deploys and changes are loaded from present state."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from sqlmodel import Session, col, select

from bot import people
from bot.delivery import Showing
from bot.deploys import loading, service
from bot.deploys.loading import Desk
from bot.deploys.models import Change, Deploy, Target
from bot.deploys.views import (
    DigestCard,
    DigestLine,
)
from bot.events import DeployStatus, Level
from bot.outbox import Card
from bot.outgoing import brakes
from bot.trains import foreseeing


def deploy_card(session: Session, desk: Desk, card: Card) -> Showing | None:
    """One rollout in its channel."""
    deploy = session.get(Deploy, int(card.subject))
    if deploy is None:
        return None
    view = brakes.on_deploy(session, desk, deploy, loading.deploy_card(session, desk, deploy))
    return Showing("cards/deploy", view, {"kind": "deploy", "deploy": card.subject, "sha": deploy.sha})


def change_card(session: Session, desk: Desk, card: Card) -> Showing | None:
    """One change, to one of its authors; None where they want to hear nothing of it."""
    change = session.get(Change, int(card.subject))
    if change is None:
        return None
    view = loading.change_card(session, desk, change, card.place)
    onward = foreseeing.onward(session, desk, change, view.stages, reader=card.place)
    if card.ts is None:
        level = people.level_of(session, card.place, f"change:{change.id}")
        failed = any(stage.status is DeployStatus.FAILED or stage.left for stage in view.stages)
        if level is Level.NONE or (level is Level.FAILURES and not failed):
            return None
    return Showing("cards/change", replace(view, onward=onward), {"kind": "change", "change": card.subject})


def digest_card(session: Session, desk: Desk, card: Card) -> Showing | None:
    """What was folded into one message."""
    folded = session.exec(select(Card).where(Card.digest == card.id).order_by(col(Card.id))).all()
    deploys_ahead(session, [one for one in folded if one.kind == "deploy"])
    lines = [line for one in folded if (line := _line(session, desk, one)) is not None]
    if not lines:
        return None
    at = [line.at for line in lines]
    changes = all(one.kind == "change" for one in folded)
    view = DigestCard(lines=tuple(lines), since=min(at), until=max(at), changes=changes)
    return Showing("cards/digest", view, {"kind": "digest"})


def _line(session: Session, desk: Desk, card: Card) -> DigestLine | None:
    if card.kind == "deploy":
        deploy = session.get(Deploy, int(card.subject))
        target = session.get(Target, deploy.target) if deploy else None
        return deploy_line(deploy, target) if deploy and target else None
    change = session.get(Change, int(card.subject))
    stages = loading.stages(session, desk, change) if change else ()
    if change is None or not stages:
        return None
    last = max(stages, key=lambda stage: stage.at)
    return DigestLine(
        service=last.service, environment=last.environment, status=last.status, sha=change.label, url=change.url,
        at=last.at,
    )  # fmt: skip


def deploys_ahead(session: Session, cards: Sequence[Card]) -> None:
    """Read at once what these cards will show."""
    service.read_ahead(session, [int(card.subject) for card in cards])


def deploy_may_fold(session: Session, card: Card) -> bool:
    """A rollout may fold unless it failed or looks stuck."""
    deploy = session.get(Deploy, int(card.subject))
    return deploy is not None and deploy.state is not DeployStatus.FAILED and deploy.stuck_at is None


def change_may_fold(session: Session, card: Card) -> bool:
    """A change's card may fold unless one of its deploys failed or took it out: the author must see that.

    One that no rollout carries yet has nothing to say in a digest of rollouts.
    """
    change = session.get(Change, int(card.subject))
    if change is None or change.id is None or not service.was_carried(session, change.id):
        return False
    return not service.went_wrong(session, change.id)


def never(session: Session, card: Card) -> bool:
    """This kind of card never folds."""
    return False


def deploy_line(deploy: Deploy, target: Target) -> DigestLine:
    """One rollout as a line of a digest."""
    return DigestLine(
        service=target.service, environment=target.environment, status=deploy.state, sha=deploy.sha, url=deploy.url,
        at=deploy.status_at,
    )  # fmt: skip
