"""The parts of what is shown of an incident, from present state: alerts, pages, what is said and to be done, links."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import quote

from sqlalchemy import func
from sqlmodel import Session, col, select

from bot.alerts.models import Alert, FlagChange
from bot.deploys.loading import Desk, compare_url
from bot.deploys.views import LinkView, PersonView
from bot.incidents import finding, likely_changes, present, unanswered
from bot.incidents.models import Incident, Likely, Page, StatusUpdate, Task
from bot.incidents.states import PageState
from bot.incidents.views import (
    AlertLine,
    PageLine,
    TaskView,
    UpdateView,
)
from bot.incidents.waking import Way
from bot.locks import facts, scopes
from bot.locks import loading as locks

MOST_LOOKED_AT = 10
"""Services of one incident whose locks are looked at: so many it locks itself (``locking.MOST_LOCKED``)."""


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


def page_line(session: Session, desk: Desk, page: Page) -> PageLine:
    """Somebody who was woken, as people see it."""
    person = locks.person(session, desk, page.slack_id, page.name) if page.slack_id else PersonView(name=page.name)
    incident = session.get(Incident, page.incident)
    then = unanswered.then_words(session, desk, finding.going_on(session, incident), page) if incident else None
    late = unanswered.is_late(page, desk.now)
    return PageLine(
        page_id=page.id or 0,
        person=person,
        role=page.role,
        way=page.way,
        state=PageState(page.state),
        reason=page.reason,
        asked_at=page.sent_at or page.asked_at,
        answered_at=page.answered_at,
        next_at=page.no_answer_at if then is not None else None,
        then=then,
        sure=page.way != Way.MESSAGE.value,
        late=late,
        told=_told_instead(session, desk, page) if late else (),
    )


def _told_instead(session: Session, desk: Desk, page: Page) -> tuple[PersonView, ...]:
    """Who is told in Slack since a call does not leave."""
    places = unanswered.told_instead(session, page)
    return tuple(locks.person(session, desk, one) for one in places)


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
        asked_by=locks.person(session, desk, row.made_by) if row.made_by != row.owner else None,
        done=row.done_at is not None,
        issue_url=row.issue_url,
    )


def tasks(session: Session, desk: Desk, incident: Incident, most: int) -> tuple[tuple[TaskView, ...], int]:
    """What is to be done first, then what is done; how many more there are."""
    rows = session.exec(
        select(Task).where(Task.incident == incident.id).order_by(col(Task.done_at).is_not(None), col(Task.id))
    ).all()
    return tuple(task_view(session, desk, row) for row in rows[:most]), max(0, len(rows) - most)


def still_locked(session: Session, desk: Desk, incident: Incident) -> tuple[str, ...]:
    """What holds on at its services, in sentences: locks of people, of rollbacks and failures, of other incidents."""
    found: dict[int, str] = {}
    standing = scopes.standing(session)
    for row in finding.services_of(session, incident)[:MOST_LOOKED_AT]:
        for lock in facts.facts_among(standing, desk.catalog, row.service, row.environment, None, desk.now):
            if not lock.ended and lock.id not in found:
                by = f" by {lock.owner}" if lock.set_by is not None else ""
                found[lock.id] = f"{lock.scope} stays locked{by}: {lock.reason}"
    return tuple(found.values())


def links(session: Session, desk: Desk, incident: Incident, rows: Sequence[Likely]) -> tuple[LinkView, ...]:
    """Where to look: the first alert, the runbook, old and new beside each other, PagerDuty; each address once."""
    owner = desk.catalog.service(incident.service) if incident.service else None
    alert = next(iter(present.alerts(session, incident)), None)
    found: list[tuple[str, str | None]] = [
        ("Alert", alert.url if alert is not None else None),
        ("Runbook", (alert.runbook if alert is not None else None) or (owner.runbook if owner is not None else None)),
        ("Dashboard", alert.dashboard if alert is not None else None),
        *_of_deploy(session, desk, rows[0] if rows else None),
        ("Flag", _flag_url(session, rows[0] if rows else None)),
        ("PagerDuty", incident.pager_url),
    ]
    by_address = {url: name for name, url in reversed(found) if url}
    return tuple(LinkView(name=name, url=url) for name, url in found if url and by_address[url] == name)


def _flag_url(session: Session, likely: Likely | None) -> str | None:
    """Where the flag is that a likely change turned."""
    flag = session.get(FlagChange, likely.subject) if likely is not None and likely.kind == "flag" else None
    return flag.url if flag is not None else None


def _of_deploy(session: Session, desk: Desk, likely: Likely | None) -> list[tuple[str, str | None]]:
    """Old and new beside each other, and what was changed between them."""
    found = likely_changes.target_of(session, likely) if likely is not None else None
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
