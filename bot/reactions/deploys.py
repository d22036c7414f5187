"""What follows when a rollout moves: its card, what its authors hear, the next look at it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlmodel import Session, select

from bot import outbox, people, work
from bot.catalog import Service
from bot.deploys import loading, rules, service
from bot.deploys.loading import Desk
from bot.deploys.models import Change, Deploy, DeployChange, Target
from bot.deploys.views import Outcome, RangeState
from bot.events import DeployStatus, Human
from bot.promotions import service as promotions
from bot.promotions.models import Promotion
from bot.reactions import alerts, watching
from bot.reactions import promotions as promoting


def reconsider(session: Session, desk: Desk, deploy: Deploy, now: datetime, *, urgent: bool) -> None:
    """Show where a rollout stands, look again in time, and tell its authors what they must hear."""
    target = session.get(Target, deploy.target)
    assert target is not None
    owner = desk.catalog.service(target.service)
    urgent = urgent or deploy.state.ended or deploy.stuck_at is not None
    shown_by = promotions.owner_of(session, deploy)
    promotions.fell_back(session, desk, deploy, shown_by, now)
    _show(session, deploy, owner, shown_by, now, urgent=urgent)
    if deploy.state is DeployStatus.SUCCEEDED:
        promoting.went_live(session, desk, deploy, shown_by, now)
    elif deploy.state.ended:  # it may have been live until now
        promoting.show_went_live(session, desk, deploy, now)
    if deploy.state is DeployStatus.IN_PROGRESS and deploy.stuck_at is None:
        since = deploy.in_progress_at or deploy.began_at
        usual = service.usual_duration(session, deploy.target)
        work.schedule(session, "deploy", deploy.id or 0, since + rules.stuck_after(usual))
    elif deploy.state.ended:
        work.cancel(session, "deploy", deploy.id or 0)
    alerts.failed(session, desk, deploy, target, now)
    if deploy.range != RangeState.READING:
        carried, dropped = service.changes_of(session, deploy.id or 0), service.dropped_from(session, deploy.id or 0)
        final = owner.is_final(target.environment, deploy.final)
        _tell_authors(session, desk, deploy, carried, dropped, now, final=final)
        watching.tell(session, desk, deploy, target, carried, dropped, now)


def _tell_authors(
    session: Session, desk: Desk, deploy: Deploy,
    carried: Sequence[tuple[DeployChange, Change]], dropped: Sequence[Change], now: datetime, *, final: bool,
) -> None:  # fmt: skip
    """Each author has one card per change; what must be heard is also said in its thread."""
    for link, change in carried:
        _tell_of(session, desk, deploy, change, _outcome(deploy, leaving=link.leaving, final=final), now)
        if change.reverts is not None and deploy.state.ended:
            _show_reverted(session, change)
    for change in dropped:
        _tell_of(session, desk, deploy, change, Outcome.ABSENT, now)


def _show_reverted(session: Session, revert: Change) -> None:
    """What this takes back does nothing any more where it went, or does again: its cards say so."""
    taken = select(Change).where(Change.repo == revert.repo, Change.number == revert.reverts)
    for change in session.exec(taken).all():
        for card in outbox.cards_about(session, "change", str(change.id)):
            outbox.show_newer(session, card, urgent=False)


def _tell_of(
    session: Session, desk: Desk, deploy: Deploy, change: Change, outcome: Outcome | None, now: datetime
) -> None:
    for part, found in loading.author_slack_ids(session, desk, change):
        place = _standing_place(session, change, part.human, found)
        absent = outcome is Outcome.ABSENT
        if absent and outbox.find_card(session, "change", str(change.id), place) is None:
            continue
        card = outbox.touch_card(session, "change", str(change.id), place, now, urgent=deploy.state.ended)
        aloud = _aloud(session, change, deploy, outcome, place)
        if aloud is None:
            continue  # its card is edited
        if aloud is not Outcome.LIVE:
            outbox.unfold(session, card, now)
        outbox.add_note(
            session, "change", _said(change, deploy, aloud, place), place, now,
            thread=card, change=change.id, deploy=deploy.id, outcome=aloud.value,
        )  # fmt: skip


def _show(
    session: Session, deploy: Deploy, owner: Service, shown_by: Promotion | None, now: datetime, *, urgent: bool
) -> None:
    """On its own card, unless the card of the promotion that it carries out shows it."""
    if shown_by is not None:
        work.touch(session, "target", deploy.target)
        if outbox.find_card(session, "deploy", str(deploy.id), owner.channel) is None:
            return
    card = outbox.touch_card(session, "deploy", str(deploy.id), owner.channel, now, urgent=urgent)
    if deploy.state is DeployStatus.FAILED:
        outbox.unfold(session, card, now)


def tell_stuck(session: Session, desk: Desk, deploy_id: int, now: datetime) -> None:
    """Everybody who wrote what a stuck rollout carries hears of it once."""
    told: set[str] = set()
    arriving = [change for row, change in service.changes_of(session, deploy_id) if not row.leaving]
    for change in arriving:
        for _, place in loading.author_slack_ids(session, desk, change):
            if place not in told:
                told.add(place)
                outbox.add_note(session, "stuck", f"stuck:{deploy_id}:{place}", place, now, deploy=deploy_id)


def _outcome(deploy: Deploy, *, leaving: bool, final: bool) -> Outcome | None:
    """What an author must hear of this deploy now; None while an edit of their card is enough."""
    if deploy.state is DeployStatus.FAILED:
        return None if leaving else Outcome.FAILED
    if deploy.state is DeployStatus.SUCCEEDED and final:
        return Outcome.LEFT if leaving else Outcome.LIVE
    return None


def _aloud(session: Session, change: Change, deploy: Deploy, outcome: Outcome | None, place: str) -> Outcome | None:
    """What is to be said in this person's thread: the outcome, or that what was said to them before does not hold."""

    def heard(*said: Outcome) -> bool:
        return any(outbox.noted(session, _said(change, deploy, one, place)) for one in said)

    if outcome is Outcome.ABSENT:
        return outcome if heard(Outcome.LIVE, Outcome.FAILED) else None
    if outcome is None and deploy.state.ended and heard(Outcome.FAILED):
        return Outcome.CORRECTED
    return outcome


def _standing_place(session: Session, change: Change, human: Human, place: str) -> str:
    """Where to write to somebody about a change: where its card stands, also once Slack must be asked again."""
    former = people.formerly(session, human) if place.startswith(outbox.WHO) else None
    if former is not None and outbox.find_card(session, "change", str(change.id), former) is not None:
        return former
    return place


def _said(change: Change, deploy: Deploy, outcome: Outcome, place: str) -> str:
    """What makes saying this to them the same as saying it before."""
    return f"change:{change.id}:{deploy.id}:{outcome.value}:{place}"
