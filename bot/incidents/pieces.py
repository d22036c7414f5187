"""The parts of what is shown of an incident, from present state: alerts, likely changes, pages, what changed before."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from urllib.parse import quote

from sqlalchemy import func
from sqlmodel import Session, col, select

from bot.alerts.models import Alert, FlagChange
from bot.catalog import Catalog
from bot.deploys import loading as deploys
from bot.deploys import service
from bot.deploys.loading import Desk, compare_url
from bot.deploys.models import Change, Deploy, RolloutStep, Target
from bot.deploys.views import LinkView, PersonView
from bot.events import DeployStatus, Human
from bot.incidents import people
from bot.incidents.models import Incident, IncidentService, Likely, Opinion, Page, StatusUpdate, Task
from bot.incidents.states import PageState
from bot.incidents.views import (
    AlertLine,
    BeforeLine,
    LikelyView,
    OpinionView,
    PageLine,
    TaskView,
    UpdateView,
)
from bot.incidents.waking import Way
from bot.locks import loading as locks
from bot.people import is_bot
from bot.promotions import service as promotions
from bot.promotions.loading import who_view

MOST_BEFORE = 20
"""Deploys and flags before the onset that are read: a storm's services have many."""


# --- alerts -------------------------------------------------------------------------------------------------------


def alerts(session: Session, incident: Incident, most: int) -> tuple[tuple[AlertLine, ...], int, int]:
    """The first alerts of an incident, those that fire before the others; how many more there are; how many fire."""
    of = Alert.incident == incident.id
    in_all, firing = session.exec(
        select(func.count(), func.count().filter(col(Alert.resolved_at).is_(None))).select_from(Alert).where(of)
    ).one()
    is_over = col(Alert.resolved_at).is_not(None)
    alike = session.exec(
        select(func.min(Alert.id), func.count())
        .where(of)
        .group_by(col(Alert.name), col(Alert.service), is_over)
        .order_by(is_over, func.min(Alert.started_at), func.min(Alert.id))
        .limit(most)
    ).all()
    numbers = [number for number, _ in alike]
    rows = {row.id: row for row in session.exec(select(Alert).where(col(Alert.id).in_(numbers))).all()}
    lines = tuple(alert_line(incident, rows[number], times) for number, times in alike)
    return lines, max(0, in_all - sum(times for _, times in alike)), firing


def alert_line(incident: Incident, alert: Alert, times: int = 1) -> AlertLine:
    """One alert of an incident, and how many of its name there are."""
    own = incident.service is not None and (alert.service or "").casefold() == incident.service.casefold()
    return AlertLine(
        name=alert.name,
        since=alert.began_at,
        over_at=alert.resolved_at,
        url=alert.url,
        service=None if own else alert.service,
        summary=alert.summary,
        times=times,
    )


# --- likely changes -----------------------------------------------------------------------------------------------


def likely_views(session: Session, desk: Desk, incident: Incident, rows: Sequence[Likely]) -> tuple[LikelyView, ...]:
    """Likely changes as people see them; one whose deploy or flag is gone is left out."""
    opinions = _opinions(session, desk, [row.id or 0 for row in rows])
    found = (
        _deploy(session, desk, incident, row, opinions)
        if row.kind == "deploy"
        else _flag(session, desk, incident, row, opinions)
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
    session: Session, desk: Desk, incident: Incident, row: Likely, opinions: Mapping[int, tuple[OpinionView, ...]]
) -> LikelyView | None:
    found = target_of(session, row)
    if found is None:
        return None
    deploy, target = found
    at, rolling = _took_effect(session, deploy, incident.onset_at)
    carried = [change for change, leaving in _carried(session, deploy) if not leaving]
    first = people.primary(carried) if carried else None
    ordered = [first, *(one for one in carried if one is not first)] if first is not None else []
    views = deploys.change_views(session, desk, ordered[: people.MOST_CHANGES])
    owner = promotions.owner_of(session, deploy)
    back = service.is_rollback(deploy) or (owner is not None and owner.rollback)
    by = owner.requested_by if back and owner is not None else f"github:{deploy.creator}" if deploy.creator else None
    return LikelyView(
        likely_id=row.id or 0,
        rank=row.rank,
        kind=row.kind,
        label=first.label if first is not None else deploy.sha[:7],
        service=target.service,
        environment=target.environment,
        at=at,
        before=length(incident.onset_at - at),
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
        and (target.live == deploy.id or _stands_last(session, deploy)),
        opinions=opinions.get(row.id or 0, ()),
    )


def _flag(
    session: Session, desk: Desk, incident: Incident, row: Likely, opinions: Mapping[int, tuple[OpinionView, ...]]
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
        before=length(incident.onset_at - flag.at),
        confidence=row.confidence,
        evidence=_said(row.evidence),
        against=_said(row.against),
        who=_turned(session, desk, flag),
        summary=flag.summary,
        url=flag.url,
        rolled_back_at=row.rolled_back_at,
        opinions=opinions.get(row.id or 0, ()),
    )


def length(span: timedelta) -> timedelta:
    """How long people call it: whole minutes, and seconds only where it is less than one."""
    minute = timedelta(minutes=1)
    return max(span, timedelta()) if span < minute else span // minute * minute


def _carried(session: Session, deploy: Deploy) -> Sequence[tuple[Change, bool]]:
    rows = service.changes_of(session, deploy.id or 0)
    if rows or deploy.repo is None:
        return [(change, row.leaving) for row, change in rows]
    alone = service.change_of_commit(session, deploy.repo, deploy.sha)
    return [(alone, False)] if alone is not None else []


def _took_effect(session: Session, deploy: Deploy, onset: datetime) -> tuple[datetime, bool]:
    """When a rollout went live, or where it had not by the onset, when it first had traffic; and whether that is so."""
    if deploy.state is DeployStatus.SUCCEEDED and deploy.status_at <= onset:
        return deploy.status_at, False
    step = session.exec(
        select(RolloutStep).where(RolloutStep.deploy == deploy.id).order_by(col(RolloutStep.at)).limit(1)
    ).first()
    return (step.at if step is not None else deploy.in_progress_at or deploy.began_at), True


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


def _turned(session: Session, desk: Desk, flag: FlagChange) -> PersonView | None:
    known = who_view(session, desk, flag.who)
    if known is None:
        return PersonView(name=flag.name) if flag.name else None
    return replace(known, name=flag.name) if flag.name and "@" in known.name else known  # an address is no name


# --- people -------------------------------------------------------------------------------------------------------


def page_line(session: Session, desk: Desk, page: Page) -> PageLine:
    """Somebody who was woken, as people see it."""
    waits = page.state in (PageState.WANTED.value, PageState.SENT.value)
    person = locks.person(session, desk, page.slack_id, page.name) if page.slack_id else PersonView(name=page.name)
    return PageLine(
        page_id=page.id or 0,
        person=person,
        role=page.role,
        way=page.way,
        state=PageState(page.state),
        reason=page.reason,
        asked_at=page.sent_at or page.asked_at,
        answered_at=page.answered_at,
        next_at=page.no_answer_at if waits else None,
        sure=page.way != Way.MESSAGE.value,
    )


# --- what is said and to be done ----------------------------------------------------------------------------------


def update_view(session: Session, desk: Desk, row: StatusUpdate | None) -> UpdateView | None:
    """How an incident stood, as somebody said."""
    if row is None:
        return None
    return UpdateView(
        condition=row.condition,
        actions=row.actions,
        needs=row.needs,
        by=locks.person(session, desk, row.slack_id, row.called),
        at=row.at,
        next_at=row.next_at,
    )


def latest_update(session: Session, incident: Incident) -> StatusUpdate | None:
    """What was said last of how it stands."""
    return session.exec(
        select(StatusUpdate)
        .where(StatusUpdate.incident == incident.id)
        .order_by(col(StatusUpdate.at).desc(), col(StatusUpdate.id).desc())
        .limit(1)
    ).first()


def task_view(session: Session, desk: Desk, row: Task) -> TaskView:
    """Something to be done."""
    return TaskView(
        task_id=row.id or 0,
        text=row.text,
        owner=locks.person(session, desk, row.owner) if row.owner else None,
        done=row.done_at is not None,
        issue_url=row.issue_url,
    )


def tasks(session: Session, desk: Desk, incident: Incident, most: int) -> tuple[tuple[TaskView, ...], int]:
    """What is to be done first, then what is done; how many more there are."""
    rows = session.exec(
        select(Task).where(Task.incident == incident.id).order_by(col(Task.done_at).is_not(None), col(Task.id))
    ).all()
    return tuple(task_view(session, desk, row) for row in rows[:most]), max(0, len(rows) - most)


# --- what changed before ------------------------------------------------------------------------------------------


def before(
    session: Session, desk: Desk, incident: Incident, services: Sequence[IncidentService], most: int
) -> tuple[tuple[BeforeLine, ...], int]:
    """Rollouts and flags of these services, and of those they depend on, before the onset; how many more there are."""
    names = _with_dependencies(
        desk.catalog, [*(one.service for one in services), *([incident.service] if incident.service else [])]
    )
    since = incident.onset_at - desk.catalog.paging.window
    rolled = session.exec(
        select(Deploy, Target)
        .join(Target, col(Target.id) == col(Deploy.target))
        .where(
            func.lower(Target.service).in_(names),
            Deploy.began_at <= incident.onset_at,
            Deploy.status_at >= since,
            col(Deploy.status).not_in((DeployStatus.PENDING.value, DeployStatus.CANCELLED.value)),
        )
        .order_by(col(Deploy.status_at).desc(), col(Deploy.id).desc())
        .limit(MOST_BEFORE)
    ).all()
    turned = session.exec(
        select(FlagChange)
        .where(func.lower(FlagChange.service).in_(names), FlagChange.at <= incident.onset_at, FlagChange.at >= since)
        .order_by(col(FlagChange.at).desc())
        .limit(MOST_BEFORE)
    ).all()
    lines = [
        _rolled(session, desk, deploy, target, incident.onset_at)
        for deploy, target in rolled
        if _is_last(desk.catalog, target)
    ]
    lines += [
        BeforeLine(
            kind="flag", at=flag.at, service=flag.service or "", environment=flag.environment,
            label=f"{flag.flag} {flag.summary}", who=_turned(session, desk, flag), url=flag.url,
        )
        for flag in turned
    ]  # fmt: skip
    latest = sorted(lines, key=lambda line: line.at, reverse=True)
    return tuple(latest[:most]), max(0, len(latest) - most)


def _with_dependencies(catalog: Catalog, names: Sequence[str]) -> Collection[str]:
    found: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name.casefold() not in found:
            found.add(name.casefold())
            waiting += catalog.service(name).depends_on
    return found


def _is_last(catalog: Catalog, target: Target) -> bool:
    owner = catalog.service(target.service)
    return not owner.environments or owner.is_final(target.environment)


def _rolled(session: Session, desk: Desk, deploy: Deploy, target: Target, onset: datetime) -> BeforeLine:
    labels = [change.label for change, leaving in _carried(session, deploy) if not leaving]
    back = service.is_rollback(deploy)
    at, _ = _took_effect(session, deploy, onset)
    failed = deploy.state is DeployStatus.FAILED
    plain = [label for label in labels if label != deploy.sha[:7]]
    ours = promotions.owner_of(session, deploy) is not None  # GitHub then names us, whoever asked for it
    person = deploy.creator if deploy.creator and not ours and not is_bot(f"github:{deploy.creator}") else None
    return BeforeLine(
        kind="rollback" if back else "failed" if failed else "deploy",
        at=at,
        service=target.service,
        environment=target.environment,
        label=f"{', '.join(plain[:3])} ({deploy.sha[:7]})" if plain and not back else deploy.sha[:7],
        changes=len(labels) if not back else 0,
        who=deploys.person(session, desk, Human(login=person)) if person else None,
        url=deploy.url,
    )


# --- where to look ------------------------------------------------------------------------------------------------


def links(session: Session, desk: Desk, incident: Incident, rows: Sequence[Likely]) -> tuple[LinkView, ...]:
    """Where to look: the first alert, the runbook, old and new beside each other, PagerDuty; each address once."""
    owner = desk.catalog.service(incident.service) if incident.service else None
    alert = session.exec(
        select(Alert).where(Alert.incident == incident.id).order_by(col(Alert.started_at), col(Alert.id)).limit(1)
    ).first()
    found: list[tuple[str, str | None]] = [
        ("Alert", alert.url if alert is not None else None),
        ("Runbook", (alert.runbook if alert is not None else None) or (owner.runbook if owner is not None else None)),
        ("Dashboard", alert.dashboard if alert is not None else None),
        *_of_deploy(session, desk, rows[0] if rows else None),
        ("PagerDuty", incident.pager_url),
    ]
    by_address = {url: name for name, url in reversed(found) if url}
    return tuple(LinkView(name=name, url=url) for name, url in found if url and by_address[url] == name)


def _of_deploy(session: Session, desk: Desk, likely: Likely | None) -> list[tuple[str, str | None]]:
    """Old and new beside each other, and what was changed between them."""
    found = target_of(session, likely) if likely is not None else None
    if found is None or found[0].previous_sha is None:
        return []
    deploy, target = found
    base, head = deploy.previous_sha or "", deploy.sha
    owner = desk.catalog.service(target.service)
    compared = compare_url(owner, target.environment, head, deploy.began_at, base)
    diff = (
        f"{desk.forge_url}/{deploy.repo}/compare/{quote(base)}...{quote(head)}"
        if deploy.repo and base != head
        else None
    )
    return [("Old vs new", compared), ("Diff", diff)]
