"""What the API tells of incidents and of the figures about them, as plain data."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import ColumnElement, exists
from sqlmodel import Session, col, func, select

from bot.alerts.models import Alert
from bot.answers.lists import Asked, Page, Row, instant
from bot.answers.metrics import USUAL, ServiceFigures, TeamFigures, figures, team_called
from bot.answers.status import called
from bot.deploys.loading import Desk
from bot.incidents import finding, likely_changes, pieces, timeline
from bot.incidents.models import Incident, IncidentService
from bot.incidents.resolving import recovery
from bot.incidents.states import SEVERITIES
from bot.incidents.views import LikelyView


def incidents(session: Session, desk: Desk, asked: Asked) -> Page:
    """Incidents, newest first; ``service`` and ``environment`` are those of any of its services."""
    wanted = select(Incident)
    if asked.before is not None:
        wanted = wanted.where(col(Incident.id) < asked.before)
    if asked.state is not None:
        wanted = wanted.where(Incident.state == asked.state)
    if asked.service is not None or asked.environment is not None:
        of: list[ColumnElement[bool]] = [col(IncidentService.incident) == col(Incident.id)]
        if asked.service is not None:
            of.append(func.lower(IncidentService.service) == asked.service.lower())
        if asked.environment is not None:
            of.append(func.lower(IncidentService.environment) == asked.environment.lower())
        wanted = wanted.where(exists().where(*of))
    found = session.exec(wanted.order_by(col(Incident.id).desc()).limit(asked.limit + 1)).all()
    shown = found[: asked.limit]
    rows = [_row(session, one) for one in shown]
    return Page(rows, shown[-1].id if len(found) > asked.limit else None)


def incident(session: Session, desk: Desk, number: int) -> Row | None:
    """One incident at length: what is likely, with evidence; who was woken; how it stood; None where there is none."""
    row = session.get(Incident, number)
    if row is None:
        return None
    likely = likely_changes.likely_views(session, desk, row, finding.likely_changes(session, row))
    update = pieces.update_view(session, desk, pieces.latest_update(session, row))
    tasks, _ = pieces.tasks(session, desk, row, _MOST_TASKS)
    alerts = session.exec(
        select(Alert).where(Alert.incident == number).order_by(col(Alert.started_at), col(Alert.id)).limit(_MOST_ALERTS)
    ).all()
    return {
        **_row(session, row),
        "likely_changes": [_likely(one) for one in likely],
        "alerts": [
            {
                "name": one.name,
                "service": one.service,
                "started_at": instant(one.started_at),
                "onset_at": instant(one.began_at),
                "resolved_at": instant(one.resolved_at),
                "url": one.url,
            }
            for one in alerts
        ],
        "pages": [
            {
                "name": one.name,
                "role": one.role,
                "way": one.way,
                "reason": one.reason,
                "state": one.state,
                "asked_at": instant(one.asked_at),
                "answered_at": instant(one.answered_at),
            }
            for one in finding.pages_of(session, row)
        ],
        "status": None
        if update is None
        else {
            "condition": update.condition,
            "actions": update.actions,
            "needs": update.needs,
            "by": update.by.name,
            "at": instant(update.at),
        },
        "tasks": [
            {"text": one.text, "owner": one.owner.name if one.owner else None, "done": one.done, "url": one.issue_url}
            for one in tasks
        ],
    }


def timeline_of(session: Session, desk: Desk, number: int) -> Sequence[Row] | None:
    """What happened in an incident, in order; None where there is none."""
    if session.get(Incident, number) is None:
        return None
    return [
        {"at": instant(one.at), "kind": one.kind, "text": one.text, "who": one.who, "url": one.url}
        for one in timeline.entries(session, number, latest=_MOST_LINES)
    ]


def metrics(session: Session, desk: Desk, service: str | None, team: str | None, days: int | None) -> Row:
    """The figures of the last ``days``: paging precision by team; change failures and recovery by service.

    Shares are from 0 to 1, lengths in seconds; nine in ten recoveries took at most ``slow_recovery``.
    UserError, with the nearest, for a service or a team that nobody has heard of.
    """
    length = timedelta(days=days) if days is not None else USUAL
    teams, services = figures(
        session, desk, length,
        service=desk.catalog.service(called(session, desk, service)) if service is not None else None,
        team=team_called(desk, team) if team is not None else None,
    )  # fmt: skip
    return {
        "days": length.days,
        "from": instant(desk.now - length),
        "to": instant(desk.now),
        "paging": [_team(one) for one in teams],
        "services": [_service(one) for one in services],
    }


_MOST_TASKS = 200
_MOST_ALERTS = 200
_MOST_LINES = 5000


def _row(session: Session, row: Incident) -> Row:
    took = recovery(row)
    return {
        "id": row.id,
        "title": row.title,
        "state": row.state,
        "severity": row.severity,
        "severity_name": SEVERITIES[row.severity].name if row.severity in SEVERITIES else None,
        "watched": row.watched,
        "storm": row.storm,
        "services": [
            {"service": one.service, "environment": one.environment, "locked": one.locked}
            for one in finding.services_of(session, row)
        ],
        "confidence": row.confidence,
        "opened_at": instant(row.opened_at),
        "onset_at": instant(row.onset_at),
        "mitigated_at": instant(row.mitigated_at),
        "resolved_at": instant(row.resolved_at),
        "recovered_in": took.total_seconds() if took is not None and row.resolved_at is not None else None,
        "resolution": row.resolution,
        "cause": row.cause,
        "merged_into": row.merged_into,
        "opened_by": row.opened_by,
        "lead": row.lead,
        "room": row.room,
        "pager_url": row.pager_url,
        "document": row.document,
    }


def _likely(one: LikelyView) -> Row:
    return {
        "id": one.likely_id,
        "rank": one.rank,
        "kind": one.kind,
        "label": one.label,
        "service": one.service,
        "environment": one.environment,
        "sha": one.sha,
        "at": instant(one.at),
        "confidence": one.confidence,
        "evidence": list(one.evidence),
        "against": list(one.against),
        "changes": [{"label": change.label, "title": change.title, "url": change.url} for change in one.changes],
        "rolled_back_at": instant(one.rolled_back_at),
        "said_right": sum(opinion.right for opinion in one.opinions),
        "said_wrong": sum(not opinion.right for opinion in one.opinions),
    }


def _team(one: TeamFigures) -> Row:
    judged = one.right + one.wrong
    return {
        "team": one.team,
        "pages": one.pages,
        "right": one.right,
        "wrong": one.wrong,
        "unjudged": one.unjudged,
        "precision": one.right / judged if judged else None,
    }


def _service(one: ServiceFigures) -> Row:
    return {
        "service": one.service,
        "team": one.team,
        "deploys": one.deploys,
        "failed": one.failed,
        "change_fail_rate": one.failed / one.deploys if one.deploys else None,
        "incidents": one.incidents,
        "median_recovery": one.recovery.total_seconds() if one.recovery is not None else None,
        "slow_recovery": one.slow_recovery.total_seconds() if one.slow_recovery is not None else None,
        "median_incident_recovery": one.incident_recovery.total_seconds()
        if one.incident_recovery is not None
        else None,
    }
