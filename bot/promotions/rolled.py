"""What became of a promotion's rollout, as its card shows it: how it began, where it is, what replaced it."""

from __future__ import annotations

from datetime import datetime, timedelta
from urllib.parse import quote

from sqlmodel import Session, col, select

from bot.alerts import service as alerts
from bot.alerts.views import AlertView
from bot.catalog import Service
from bot.deploys import loading as deploys
from bot.deploys import service
from bot.deploys.loading import Desk
from bot.deploys.models import Deploy, DeployReport, Target
from bot.deploys.views import LinkView, RangeState
from bot.events import DeployStatus
from bot.outbox import Effect, SendState
from bot.promotions import advancing, judging, ranges, telling
from bot.promotions.gathering import target_of
from bot.promotions.models import Promotion, State
from bot.promotions.shown import who_view
from bot.promotions.states import state_of
from bot.promotions.views import (
    RoundView,
    TryingView,
)
from bot.promotions.words import verdict_words


def round_view(session: Session, desk: Desk, promotion: Promotion) -> RoundView | None:
    """How its rollout began, where no gate was asked; None for one that we called, or that has not begun."""
    kept = next((one for one in judging.decisions_of(session, promotion.id or 0) if one.act == judging.ROUND), None)
    if kept is None:
        return None
    deploy = session.get(Deploy, promotion.deploy or target_of(session, promotion).live or 0)
    of_deploy = select(DeployReport.source).where(DeployReport.deploy == (deploy.id if deploy else None)).distinct()
    return RoundView(
        closed=tuple(verdict_words(one["gate"], one["reason"]) for one in kept.verdicts if one["state"] != "open"),
        sources=tuple(sorted(session.exec(of_deploy))),
        who=who_view(session, desk, kept.who),
        url=deploy.url if deploy is not None else None,
    )


def went_wrong_last(session: Session, promotion: Promotion) -> bool:
    """Whether its rollout began and failed, and nothing newer has gone live there since: a rollback starts from it."""
    deploy = session.get(Deploy, promotion.deploy) if promotion.deploy is not None else None
    if state_of(promotion) is not State.FAILED or deploy is None or deploy.state is DeployStatus.SUCCEEDED:
        return False
    live = live_at(session, target_of(session, promotion))
    return live is not None and live.status_at < deploy.began_at


def trying_of(session: Session, promotion: Promotion) -> TryingView | None:
    """The call that is made again and again because it does not get through."""
    if state_of(promotion) is not State.STARTING or promotion.asks_person is not None:
        return None
    effect = session.exec(
        select(Effect)
        .where(
            Effect.kind == advancing.DEPLOY, Effect.state == SendState.PENDING.value,
            Effect.key == f"{telling.PROMOTION}:{promotion.id}:{advancing.calls(session, promotion.id or 0)}",
        )
    ).first()  # fmt: skip
    if effect is None or not effect.attempts:
        return None
    return TryingView(
        tries=effect.attempts, since=promotion.not_before or effect.created_at, reason=effect.error or "no answer came",
        next_at=effect.due_at,
    )  # fmt: skip


def trouble_of(session: Session, promotion: Promotion) -> str | None:
    """What was seen when the forge was asked in vain what it carries."""
    if RangeState(promotion.range) not in (RangeState.UNREADABLE, RangeState.UNKNOWN):
        return None
    if promotion.repo is None:
        return "which repository it is of is not known: shipmate.yml names none, and no deploy told of one"
    key = f"{ranges.RANGE}:{promotion.id}:{promotion.base_sha}"
    error = session.exec(select(Effect.error).where(Effect.key == key)).first()
    code, _, mend = (error or "").partition(": ")
    if code == "not_found":
        since = f" and {promotion.base_sha[:7]}" if promotion.base_sha else ""
        return (
            f"GitHub answers “Not Found” about {promotion.sha[:7]}{since} of {promotion.repo}: it has no such commit, "
            "or Shipmate may not read it there"
        )
    return mend.rstrip(".") if mend and " " not in code else error


def live_at(session: Session, target: Target) -> Deploy | None:
    """What runs there."""
    return session.get(Deploy, target.live) if target.live is not None else None


def firing_on(session: Session, target: Target) -> tuple[AlertView, ...]:
    """The alerts that fire on a service there, or that name no environment."""
    return tuple(map(alerts.view, alerts.firing(session, target.service, {target.environment})))


def watch_ends(desk: Desk, owner: Service, target: Target, deploy: Deploy | None, is_live: bool) -> datetime | None:
    """Until when what went live is watched; None where nobody watches any more."""
    if deploy is None or not is_live or not owner.is_final(target.environment):
        return None
    until = deploy.status_at + desk.catalog.paging.window
    return until if desk.now < until else None


def rolled_back_at(session: Session, deploy: Deploy | None) -> datetime | None:
    """When a rollback took the place of this rollout."""
    if deploy is None:
        return None
    after = session.exec(
        select(Deploy)
        .where(Deploy.previous == deploy.id, Deploy.status == DeployStatus.SUCCEEDED.value)
        .order_by(col(Deploy.id).desc())
        .limit(1)
    ).first()
    return after.status_at if after is not None and service.is_rollback(after) else None


def duration_of(deploy: Deploy | None) -> timedelta | None:
    """How long a rollout took that has ended."""
    if deploy is None or not deploy.state.ended:
        return None
    return deploy.status_at - (deploy.in_progress_at or deploy.began_at)


def links_of(
    session: Session, desk: Desk, owner: Service, target: Target, promotion: Promotion, deploy: Deploy | None
) -> tuple[LinkView, ...]:
    """Where to look: what it changes, old beside new, its run, and the runbook where it failed."""
    links, base, sha = [], promotion.base_sha, promotion.sha
    if promotion.repo and base and base != sha:
        between = f"{quote(sha)}...{quote(base)}" if promotion.rollback else f"{quote(base)}...{quote(sha)}"
        links.append(LinkView(name="Diff", url=f"{desk.forge_url}/{promotion.repo}/compare/{between}"))
    elif promotion.repo:
        links.append(LinkView(name="Commit", url=f"{desk.forge_url}/{promotion.repo}/commit/{quote(sha)}"))
    if base and base != sha:
        began_at = deploy.began_at if deploy is not None else promotion.created_at
        compare = deploys.compare_url(owner, target.environment, sha, began_at, base)
        links += [LinkView(name="Old vs new", url=compare)] if compare is not None else []
    run = (deploy.url if deploy is not None else None) or promotion.url
    if run:
        links.append(LinkView(name="Run", url=run))
    if owner.runbook and state_of(promotion) is State.FAILED:
        links.append(LinkView(name="Runbook", url=owner.runbook))
    return tuple(links)
