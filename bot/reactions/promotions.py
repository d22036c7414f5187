"""What follows for promotions: from rollouts and checks, and from whatever a target is touched by."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlmodel import Session

from bot import people, work
from bot.alerts import service as alerts
from bot.catalog import Catalog
from bot.deploys.loading import Desk
from bot.deploys.models import Deploy, Target
from bot.events import DeployReported
from bot.locks import service as locks
from bot.locks.rules import OnTheirWay
from bot.promotions import backlog, finding, statements, telling
from bot.promotions import service as promotions
from bot.promotions.models import Promotion, State
from bot.promotions.words import called
from bot.reactions import alerts as alerting
from bot.work import Subject

SHOWN_AGAIN = 3
"""How many promotions of each kind are shown again that ended before."""


def deploy_reported(session: Session, desk: Desk, deploy: Deploy, event: DeployReported, now: datetime) -> None:
    """A rollout moved: the promotion it carries out follows it, and its build goes on to the environment after."""
    promotions.deploy_moved(session, desk, deploy, event, now)
    promotions.raise_for_build(session, desk, deploy, now)


def reconsider(session: Session, desk: Desk, target_id: int, now: datetime) -> None:
    """Something about a target changed: what is open there is judged, and locks show what waits because of them.

    What has ended shows nothing that is judged: it is shown where a rollout moves (``went_live``, ``show_went_live``),
    where other alerts fire on it (``show_watched``) or an incident's lock moves (``show_live``), and when its watch is
    over (``due``).
    """
    promotions.reconsider(session, desk, target_id, now)
    target = session.get(Target, target_id)
    if target is not None:
        locks.show_covering(session, desk.catalog, target.service, target.environment, now)


def went_live(session: Session, desk: Desk, deploy: Deploy, owner: Promotion | None, now: datetime) -> None:
    """Something went live: the card of what was live before says so, and its own shows how long it is watched.

    ``owner`` is the promotion whose card shows the rollout.
    """
    show_went_live(session, desk, deploy, now)
    target = session.get(Target, deploy.target)
    if target is not None:
        alerting.tell_of_live(session, desk, alerts.firing(session, target.service, {target.environment}), now)
    watched_until = deploy.status_at + desk.catalog.paging.window
    if owner is not None and watched_until > now:
        work.schedule(session, telling.PROMOTION, owner.id or 0, watched_until)


def show_went_live(session: Session, desk: Desk, deploy: Deploy, now: datetime) -> None:
    """A rollout ended: the last promotions that went live there, or failed to, and those of the builds concerned.

    They are shown as they are now: live, replaced, rolled back. Of a build that went there before, long ago, it may be
    that it is live again, or is so no more.
    """
    live = _live(session, deploy.target)
    builds = {sha for one in (deploy, live) if one is not None for sha in (one.sha, one.previous_sha) if sha}
    # What is live may be followed by any number that failed.
    found = [*_last(session, deploy.target, State.DONE), *_last(session, deploy.target, State.FAILED)]
    _show(session, desk, [*found, *_of_builds(session, deploy.target, builds)], now)


def show_watched(session: Session, desk: Desk, target_id: int, now: datetime) -> None:
    """Other alerts fire there, or none any more: the card of what is live says so for as long as it is watched."""
    live = _live(session, target_id)
    if live is not None and now < live.status_at + desk.catalog.paging.window:
        _show(session, desk, _of_build(session, live), now)


def show_live(session: Session, desk: Desk, target_id: int, now: datetime) -> None:
    """What an incident holds there has changed: the card of what is live, which names the incident, says so."""
    live = _live(session, target_id)
    if live is not None:
        _show(session, desk, _of_build(session, live), now)


def due(session: Session, desk: Desk, promotion_id: int, now: datetime) -> None:
    """A promotion's time has come: its target is looked at; one that was watched shows that it is no more."""
    promotion = session.get(Promotion, promotion_id)
    if promotion is None:
        return
    work.touch(session, "target", promotion.target)
    if promotion.state == State.DONE.value and finding.present(session, promotion.root or 0) is promotion:
        telling.show(session, desk, promotion, now)


def touch_all(session: Session) -> None:
    """What every promotion is judged by may have changed: the policy."""
    for target in promotions.open_targets(session):
        work.touch(session, "target", target)


def people_read(session: Session, desk: Desk, read: Sequence[Subject]) -> None:
    """Groups, rotas and people are known otherwise than before: whatever waits and depends on them is judged again."""
    promotions.touch_concerned(session, desk, people.concerning(session, read))


def moving(session: Session, target_ids: Sequence[int], *, catalog: Catalog, rollbacks: bool) -> OnTheirWay:
    """What is on its way to these targets as a lock is set that ``rollbacks`` may pass, as its owner is told."""
    found = promotions.moving(session, target_ids)
    held = [
        one
        for one in promotions.about_to_start(session, target_ids)
        if not (one.rollback and rollbacks) and any(gate.name == "lock" for gate in catalog.service(one.service).gates)
    ]
    changes, authors = backlog.waiting_at(session, target_ids)
    return OnTheirWay(
        changes=changes,
        people=authors,
        called=[_named(one) for one in found if not one.doubtful],
        doubtful=[_named(one) for one in found if one.doubtful],
        held=[_named(one) for one in held],
    )


def _live(session: Session, target_id: int) -> Deploy | None:
    target = session.get(Target, target_id)
    return session.get(Deploy, target.live) if target is not None and target.live is not None else None


def _of_build(session: Session, live: Deploy) -> Sequence[Promotion]:
    """The promotions that brought there what is live."""
    return _of_builds(session, live.target, {live.sha})


def _of_builds(session: Session, target_id: int, shas: Collection[str]) -> Sequence[Promotion]:
    """The last promotions that brought these builds there."""
    of = {"of_target": target_id, "of_state": State.DONE.value, "of_shas": sorted(shas)}
    return session.exec(statements.LAST_OF_BUILDS, params={**of, "most": len(shas) * SHOWN_AGAIN}).all()


def _last(session: Session, target_id: int, state: State) -> Sequence[Promotion]:
    """The last promotions that ended so there."""
    of = {"of_target": target_id, "of_state": state.value, "most": SHOWN_AGAIN}
    return session.exec(statements.LAST_ENDED, params=of).all()


def _show(session: Session, desk: Desk, found: Sequence[Promotion], now: datetime) -> None:
    """Show each on the card of its line, unless that shows a later one."""
    for promotion in {one.id: one for one in found}.values():
        if finding.present(session, promotion.root or 0) is promotion:
            telling.show(session, desk, promotion, now)


def _named(one: promotions.Moving) -> str:
    by = f", promotion {one.promotion}" if one.promotion else ""
    return f"{one.service} → {one.environment} ({one.sha[:7]}{by})"


MOST_TOLD = 3
"""How many of those that a lifted lock lets go are named to whoever lifted it."""


def beginning(session: Session, desk: Desk, target_ids: Sequence[int], now: datetime) -> str:
    """What begins at these targets now that nothing is judged by what was lifted, or what it still waits for."""
    waiting = [one for one in (promotions.open_at(session, target) for target in target_ids) if one is not None]
    told = [f"{called(session, one)} {promotions.begins_words(session, desk, one, now)}" for one in waiting]
    if not told:
        return ""
    more = f"; and {len(told) - MOST_TOLD} more" if len(told) > MOST_TOLD else ""
    return f"{'; '.join(told[:MOST_TOLD])}{more}."
