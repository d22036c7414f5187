"""What the API lists: services, deploys, promotions, locks, as plain data, newest first, a page at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import ColumnElement
from sqlalchemy.orm import Mapped
from sqlmodel import Session, col, select

from bot.deploys.loading import Desk
from bot.deploys.models import Change, Deploy, Target
from bot.locks import rules as lock_rules
from bot.locks.models import Lock
from bot.promotions.models import Promotion, PromotionChange

Row = dict[str, object]

LARGEST_PAGE = 200
USUAL_PAGE = 50


@dataclass(frozen=True, kw_only=True)
class Asked:
    """Which rows: those with a number below ``before``, at most ``limit``; None where that does not narrow."""

    before: int | None = None
    limit: int = USUAL_PAGE
    service: str | None = None
    environment: str | None = None
    state: str | None = None


@dataclass(frozen=True)
class Page:
    """Rows, and what to ask for with ``before`` to get the next ones; None on the last page."""

    rows: Sequence[Row]
    next: int | None


List = Callable[[Session, Desk, Asked], Page]


def services(session: Session, desk: Desk, asked: Asked) -> Page:
    """Every service of the catalogue and every one seen, by name, with what is live in each environment."""
    live: dict[str, dict[str, Row]] = {}
    rows = session.exec(
        select(Target, Deploy).outerjoin(Deploy, col(Deploy.id) == col(Target.live)).order_by(col(Target.service))
    ).all()
    for target, deploy in rows:
        if target.service != "*":
            there = live.setdefault(target.service, {})
            there[target.environment] = _live(deploy)
    names = sorted({*live, *(service.name for service in desk.catalog.services.values())}, key=str.casefold)
    found = [name for name in names if asked.service is None or name.casefold() == asked.service.casefold()]
    start = asked.before or 0
    part = found[start : start + asked.limit]
    following = start + asked.limit if start + asked.limit < len(found) else None
    return Page([_service(desk, name, live.get(name, {})) for name in part], following)


def deploys(session: Session, desk: Desk, asked: Asked) -> Page:
    """Rollouts; ``state`` is their status."""
    wanted = select(Deploy, Target).join(Target, col(Target.id) == col(Deploy.target))
    wanted = wanted.where(*_narrowed(asked, col(Deploy.id), col(Deploy.status)))
    found = session.exec(wanted.order_by(col(Deploy.id).desc()).limit(asked.limit + 1)).all()
    rows: list[Row] = [
        {
            "id": deploy.id,
            "service": target.service,
            "environment": target.environment,
            "sha": deploy.sha,
            "status": deploy.status,
            "percent": deploy.percent,
            "began_at": instant(deploy.began_at),
            "at": instant(deploy.status_at),
            "previous_sha": deploy.previous_sha,
            "live": target.live == deploy.id,
            "url": deploy.url,
        }
        for deploy, target in found
    ]
    return _page(rows, asked)


def promotions(session: Session, desk: Desk, asked: Asked) -> Page:
    """Promotions, each with the changes it carries."""
    wanted = select(Promotion, Target).join(Target, col(Target.id) == col(Promotion.target))
    wanted = wanted.where(*_narrowed(asked, col(Promotion.id), col(Promotion.state)))
    found = session.exec(wanted.order_by(col(Promotion.id).desc()).limit(asked.limit + 1)).all()
    carried = _carried(session, [promotion.id or 0 for promotion, _ in found])
    rows: list[Row] = [
        {
            "id": promotion.id,
            "service": target.service,
            "environment": target.environment,
            "sha": promotion.sha,
            "state": promotion.state,
            "rollback": promotion.rollback,
            "via": promotion.via,
            "requested_by": promotion.requested_by,
            "reason": promotion.reason,
            "changes": carried.get(promotion.id or 0, []),
            "created_at": instant(promotion.created_at),
            "ended_at": instant(promotion.ended_at),
            "ended_by": promotion.ended_by,
            "ended_reason": promotion.ended_reason,
            "successor": promotion.successor,
            "deploy": promotion.deploy,
            "departure": promotion.departure,
            "url": promotion.url,
        }
        for promotion, target in found
    ]
    return _page(rows, asked)


def locks(session: Session, desk: Desk, asked: Asked) -> Page:
    """Locks that hold something now, also those that ran out and wait for a Go; ``service`` is their scope's."""
    wanted = select(Lock).where(col(Lock.closed).is_(False))
    if asked.before is not None:
        wanted = wanted.where(col(Lock.id) < asked.before)
    if asked.service is not None:
        wanted = wanted.where(col(Lock.scope).ilike(f"{asked.service.translate(_LITERALLY)}%", escape="\\"))
    found = session.exec(wanted.order_by(col(Lock.id).desc()).limit(asked.limit + 1)).all()
    rows: list[Row] = [
        {
            "id": lock.id,
            "kind": lock.scope_kind,
            "scope": lock.scope,
            "reason": lock.reason,
            "owner": lock.owner,
            "cause": lock.cause,
            "began_at": instant(lock.began_at),
            "ends_at": instant(lock.ends_at),
            "waits_for_go": lock_rules.stage(lock, desk.now) is lock_rules.Stage.WANTS_GO,
            "rollbacks_may_pass": lock.rollbacks,
        }
        for lock in found
    ]
    return _page(rows, asked)


_LITERALLY = str.maketrans({"%": r"\%", "_": r"\_", "\\": r"\\"})


def _live(deploy: Deploy | None) -> Row:
    if deploy is None:
        return {"sha": None, "since": None, "deploy": None}
    return {"sha": deploy.sha, "since": instant(deploy.status_at), "deploy": deploy.id}


def _service(desk: Desk, name: str, live: dict[str, Row]) -> Row:
    service = desk.catalog.service(name)
    places = [*service.environments, *(place for place in live if place not in service.environments)]
    return {
        "name": name,
        "known": service.known,
        "team": service.team.name if service.team else None,
        "channel": service.channel,
        "repo": service.repo,
        "promote_through": service.promote_through.value if service.promote_through else None,
        "environments": [{"name": place, "live": live.get(place)} for place in places],
    }


def _narrowed(asked: Asked, number: Mapped[int | None], state: Mapped[str]) -> list[ColumnElement[bool]]:
    narrowed: list[ColumnElement[bool]] = []
    if asked.before is not None:
        narrowed.append(number < asked.before)
    if asked.service is not None:
        narrowed.append(col(Target.service).ilike(asked.service.translate(_LITERALLY), escape="\\"))
    if asked.environment is not None:
        narrowed.append(col(Target.environment).ilike(asked.environment.translate(_LITERALLY), escape="\\"))
    if asked.state is not None:
        narrowed.append(state == asked.state)
    return narrowed


def _carried(session: Session, promotions: Sequence[int]) -> dict[int, list[Row]]:
    found: dict[int, list[Row]] = {}
    rows = session.exec(
        select(PromotionChange, Change)
        .join(Change, col(Change.id) == col(PromotionChange.change))
        .where(col(PromotionChange.promotion).in_(promotions))
        .order_by(col(PromotionChange.position))
    ).all()
    for link, change in rows:
        named: Row = {"label": change.label, "title": change.title, "url": change.url, "leaving": link.leaving}
        found.setdefault(link.promotion, []).append(named)
    return found


def _page(rows: list[Row], asked: Asked) -> Page:
    """``rows`` holds one more than asked for where there are more."""
    if len(rows) <= asked.limit:
        return Page(rows, None)
    last = rows[asked.limit - 1]["id"]
    assert isinstance(last, int)
    return Page(rows[: asked.limit], last)


def instant(at: datetime | None) -> str | None:
    """An instant as programs read it; None stays None."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z") if at is not None else None
