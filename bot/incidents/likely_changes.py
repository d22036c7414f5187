"""The likely changes of an incident as people see them: what each is, whose, what speaks for and against it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from sqlmodel import Session, col, select

from bot.alerts.models import FlagChange
from bot.alerts.rollouts import went_back
from bot.deploys import loading as deploys
from bot.deploys import service
from bot.deploys.loading import Desk
from bot.deploys.models import Change, Deploy, RolloutStep, Target
from bot.deploys.views import PersonView
from bot.events import DeployStatus
from bot.incidents import people, present
from bot.incidents.models import Incident, Likely, Opinion
from bot.incidents.views import (
    LikelyView,
    OpinionView,
)
from bot.locks import loading as locks
from bot.promotions import service as promotions
from bot.promotions.shown import who_view

_KEEPERS = {"launchdarkly": "LaunchDarkly"}


def likely_views(session: Session, desk: Desk, incident: Incident, rows: Sequence[Likely]) -> tuple[LikelyView, ...]:
    """Likely changes as people see them; one whose deploy or flag is gone is left out."""
    opinions = _opinions(session, desk, [row.id or 0 for row in rows])
    onset = present.onset(session, incident) if rows else incident.onset_at
    stacks = people.stacks_of(session, incident) if rows else ()
    found = (
        _deploy(session, desk, stacks, onset, row, opinions)
        if row.kind == "deploy"
        else _flag(session, desk, incident, onset, row, opinions)
        for row in rows
    )
    return tuple(one for one in found if one is not None)


def likely_view(session: Session, desk: Desk, incident: Incident, number: object) -> LikelyView | None:
    """The likely change of this number; None where there is none."""
    row = session.get(Likely, number) if isinstance(number, int) else None
    views = likely_views(session, desk, incident, [row]) if row is not None else ()
    return views[0] if views else None


def target_of(session: Session, likely: Likely) -> tuple[Deploy, Target] | None:
    """The deploy that a likely change is, and where it went; None for a flag."""
    deploy = session.get(Deploy, likely.subject) if likely.kind == "deploy" else None
    target = session.get(Target, deploy.target) if deploy is not None else None
    return (deploy, target) if deploy is not None and target is not None else None


def _deploy(
    session: Session,
    desk: Desk,
    stacks: Sequence[Sequence[str]],
    onset: datetime,
    row: Likely,
    opinions: Mapping[int, tuple[OpinionView, ...]],
) -> LikelyView | None:
    found = target_of(session, row)
    if found is None:
        return None
    deploy, target = found
    at, rolling = took_effect(session, deploy, onset)
    arrived = [change for change, leaving in carried(session, deploy) if not leaving]
    first = people.primary(session, arrived, stacks) if arrived else None
    ordered = [first, *(one for one in arrived if one is not first)] if first is not None else []
    views = deploys.change_views(session, desk, ordered[: people.MOST_CHANGES])
    owner = promotions.owner_of(session, deploy)
    back = went_back(session, deploy) or (owner is not None and owner.rollback)
    by = owner.requested_by if back and owner is not None else f"github:{deploy.creator}" if deploy.creator else None
    return LikelyView(
        likely_id=row.id or 0,
        rank=row.rank,
        kind=row.kind,
        label=first.label if first is not None else deploy.sha[:7],
        service=target.service,
        environment=target.environment,
        at=at,
        before=length(onset - at),
        confidence=row.confidence,
        evidence=_said(row.evidence),
        against=_said(row.against),
        changes=tuple(views.values()),
        more=max(0, len(ordered) - people.MOST_CHANGES) + deploy.truncated,
        rollback=back,
        rolling=rolling,
        who=who_view(session, desk, by) if back else None,
        sha=deploy.sha,
        url=deploy.url,
        rolled_back_at=row.rolled_back_at,
        can_roll_back=deploy.previous_sha not in (None, deploy.sha)
        and (_runs(session, deploy, target) or _stands_last(session, deploy)),
        opinions=opinions.get(row.id or 0, ()),
    )


def _flag(
    session: Session,
    desk: Desk,
    incident: Incident,
    onset: datetime,
    row: Likely,
    opinions: Mapping[int, tuple[OpinionView, ...]],
) -> LikelyView | None:
    flag = session.get(FlagChange, row.subject)
    if flag is None:
        return None
    return LikelyView(
        likely_id=row.id or 0,
        rank=row.rank,
        kind=row.kind,
        label=flag.flag,
        service=flag.service or incident.service or "",
        environment=flag.environment or incident.environment or "",
        at=flag.at,
        before=length(onset - flag.at),
        confidence=row.confidence,
        evidence=_said(row.evidence),
        against=_said(row.against),
        who=turned_by(session, desk, flag),
        summary=flag.summary,
        kept_in=_KEEPERS.get(flag.source),
        undid=present.undid(session, row, flag.at),
        url=flag.url,
        rolled_back_at=row.rolled_back_at,
        opinions=opinions.get(row.id or 0, ()),
    )


def length(span: timedelta) -> timedelta:
    """How long people call it: whole minutes, and seconds only where it is less than one."""
    minute = timedelta(minutes=1)
    return max(span, timedelta()) if span < minute else span // minute * minute


def carried(session: Session, deploy: Deploy) -> Sequence[tuple[Change, bool]]:
    """What a rollout carries, each with whether it leaves; before the forge has told, the change of its commit."""
    rows = service.changes_of(session, deploy.id or 0)
    if rows or deploy.repo is None:
        return [(change, row.leaving) for row, change in rows]
    alone = service.change_of_commit(session, deploy.repo, deploy.sha)
    return [(alone, False)] if alone is not None else []


def took_effect(session: Session, deploy: Deploy, onset: datetime) -> tuple[datetime, bool]:
    """When a rollout went live, or where it had not by the onset, when it first had traffic; and whether that is so."""
    if deploy.live_at is not None and deploy.live_at <= onset:
        return deploy.live_at, False
    step = session.exec(
        select(RolloutStep).where(RolloutStep.deploy == deploy.id).order_by(col(RolloutStep.at)).limit(1)
    ).first()
    return (step.at if step is not None else deploy.in_progress_at or deploy.began_at), True


def _runs(session: Session, deploy: Deploy, target: Target) -> bool:
    """Whether what it brought runs there: also where the same build was rolled out once more since."""
    live = session.get(Deploy, target.live) if target.live is not None and target.live != deploy.id else deploy
    return target.live is not None and live is not None and live.sha == deploy.sha


def _stands_last(session: Session, deploy: Deploy) -> bool:
    """Whether nothing has begun there since a rollout that did not succeed: it may have left something behind."""
    if deploy.state is DeployStatus.SUCCEEDED:
        return False
    later = select(Deploy.id).where(Deploy.target == deploy.target, Deploy.began_at > deploy.began_at)
    return session.exec(later.limit(1)).first() is None


def _opinions(session: Session, desk: Desk, likely: Sequence[int]) -> Mapping[int, tuple[OpinionView, ...]]:
    found: dict[int, list[OpinionView]] = defaultdict(list)
    rows = session.exec(select(Opinion).where(col(Opinion.likely).in_(likely)).order_by(col(Opinion.id))).all()
    for row in rows if likely else ():
        found[row.likely].append(OpinionView(person=locks.person(session, desk, row.slack_id), right=row.right))
    return {number: tuple(views) for number, views in found.items()}


def _said(evidence: Sequence[Sequence[str]]) -> tuple[str, ...]:
    """The words of ``[name, words]``."""
    return tuple(str(one[1]) for one in evidence if len(one) > 1)


def turned_by(session: Session, desk: Desk, flag: FlagChange) -> PersonView | None:
    """Who turned a flag, as far as its sender told."""
    known = who_view(session, desk, flag.who)
    if known is None:
        return PersonView(name=flag.name) if flag.name else None
    return replace(known, name=flag.name) if flag.name and "@" in known.name else known  # an address is no name
