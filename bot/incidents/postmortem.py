"""The draft of a postmortem: what is known of an incident, filled in; what only people know is left to them.

It names what happened and who helped, never whose doing it was to blame for: what is learnt is about the system.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlmodel import Session, col, func, select

from bot.alerts.models import Alert
from bot.deploys import loading, service
from bot.deploys.loading import Desk
from bot.deploys.models import Deploy
from bot.incidents import finding, naming, tasks, timeline
from bot.incidents.models import Incident, Likely, Page, StatusUpdate
from bot.incidents.states import SEVERITIES, PageState

TEMPLATE = "documents/postmortem.md"

MOST_LINES = 1000
"""Lines of the timeline in one document: a canvas takes 1 MiB."""

MOST_ALERTS = 20
MOST_CHANGES = 20


@dataclass(frozen=True, kw_only=True)
class CarriedChange:
    """A change that a likely deploy brought: ``authors`` are names."""

    label: str
    title: str
    url: str | None
    authors: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class LikelyPart:
    """A change that may have done it, with what speaks for and against it; ``cause``: it was, as somebody said."""

    name: str
    confidence: str
    cause: bool
    evidence: tuple[str, ...]
    against: tuple[str, ...]
    changes: tuple[CarriedChange, ...]
    url: str | None
    rolled_back_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class AlertPart:
    """An alert that fired, until ``over_at``."""

    name: str
    service: str | None
    summary: str | None
    since: datetime
    over_at: datetime | None
    url: str | None


@dataclass(frozen=True, kw_only=True)
class Responder:
    """Somebody who was woken, why, and when they answered; ``state`` is one of ``states.PageState``."""

    name: str
    reason: str
    state: str
    asked_at: datetime
    answered_at: datetime | None
    answered_after: timedelta | None


@dataclass(frozen=True, kw_only=True)
class UpdatePart:
    """How it stood, as somebody said."""

    at: datetime
    by: str
    condition: str
    actions: str | None
    needs: str | None


@dataclass(frozen=True, kw_only=True)
class ActionItem:
    """Something that was or is to be done."""

    text: str
    owner: str | None
    done: bool
    url: str | None
    asked_by: str | None = None
    """Who wrote it down, where that is somebody else than the owner."""


@dataclass(frozen=True, kw_only=True)
class Line:
    """One line of the timeline, at an instant in UTC; ``kind`` is a ``states.EntryKind``."""

    at: datetime
    kind: str
    text: str
    who: str | None
    url: str | None


@dataclass(frozen=True, kw_only=True)
class Postmortem:
    """An incident as the draft of its postmortem shows it. ``recovery`` runs from the onset to the end of the harm.

    ``cause_known``: somebody said which change it was, or that it was none of them (``cause`` is None then).
    ``earlier`` lines of the timeline are left out; ``more_alerts`` alerts are counted only.
    """

    incident_id: int
    title: str
    service: str | None
    environment: str | None
    services: tuple[str, ...]
    severity: str
    meaning: str
    state: str
    storm: bool
    onset_at: datetime
    opened_at: datetime
    opened_by: str | None
    mitigated_at: datetime | None
    resolved_at: datetime | None
    resolved_by: str | None
    recovery: timedelta | None
    resolution: str | None
    cause: LikelyPart | None
    cause_known: bool
    confidence: str
    likely: tuple[LikelyPart, ...]
    alerts: tuple[AlertPart, ...]
    more_alerts: int
    lead: str | None
    communications: str | None
    scribe: str | None
    responders: tuple[Responder, ...]
    updates: tuple[UpdatePart, ...]
    actions: tuple[ActionItem, ...]
    lines: tuple[Line, ...]
    earlier: int
    room_name: str | None

    @property
    def mark(self) -> str:
        """What tells it from the draft of another end of the same incident, or of another one, in its heading."""
        at = self.resolved_at
        ended = f", resolved {at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC" if at is not None else ""
        return f"incident {self.incident_id}{ended}"


def title_of(view: Postmortem) -> str:
    """What the document is called."""
    return f"Postmortem of incident {view.incident_id}: {view.title}"


def marked(written: str, mark: str) -> str:
    """The document with its mark in a heading, by which it is found again where an answer was lost.

    One from a template of somebody's own need not have it.
    """
    stands = any(line.startswith("#") and mark in line for line in written.splitlines())
    return written if stands else f"{written.rstrip()}\n\n### {mark}\n"


def load(session: Session, desk: Desk, incident: Incident) -> Postmortem:
    """What is known of an incident now."""
    number = incident.id or 0
    severity = SEVERITIES.get(incident.severity)
    likely = {
        row.id: _likely(session, desk, incident, row)
        for row in finding.likely_changes(session, incident)
        if row.rank > 0 or row.id == incident.cause
    }
    alerts = session.exec(
        select(Alert).where(Alert.incident == number).order_by(col(Alert.started_at), col(Alert.id)).limit(MOST_ALERTS)
    ).all()
    fired: int = session.exec(select(func.count()).select_from(Alert).where(Alert.incident == number)).one()
    ended = incident.mitigated_at  # not known while something fires, though people say that it is over
    lines = timeline.entries(session, number, latest=MOST_LINES)

    def called(slack_id: str | None) -> str | None:
        return naming.person_called(session, desk, slack_id) if slack_id else None

    return Postmortem(
        incident_id=number,
        title=incident.title,
        service=incident.service,
        environment=incident.environment,
        services=tuple(f"{row.service} ({row.environment})" for row in finding.services_of(session, incident)),
        severity=severity.name if severity else f"SEV{incident.severity}",
        meaning=severity.meaning if severity else "",
        state=incident.state,
        storm=incident.storm,
        onset_at=incident.onset_at,
        opened_at=incident.opened_at,
        opened_by=called(incident.opened_by),
        mitigated_at=incident.mitigated_at,
        resolved_at=incident.resolved_at,
        resolved_by=called(incident.resolved_by),
        recovery=max(timedelta(), ended - incident.onset_at) if ended is not None else None,
        resolution=incident.resolution,
        cause=next((part for part in likely.values() if part.cause), None) or _merged_cause(session, desk, incident),
        cause_known=incident.cause is not None,
        confidence=incident.confidence,
        likely=tuple(likely.values()),
        alerts=tuple(
            AlertPart(
                name=alert.name,
                service=alert.service,
                summary=alert.summary,
                since=alert.began_at,
                over_at=alert.resolved_at,
                url=alert.url,
            )
            for alert in alerts
        ),
        more_alerts=fired - len(alerts),
        lead=called(incident.lead),
        communications=called(incident.communications),
        scribe=called(incident.scribe),
        responders=tuple(
            _responder(page) for page in finding.pages_of(session, incident) if page.state != PageState.SHADOW.value
        ),
        updates=tuple(
            UpdatePart(at=row.at, by=row.called, condition=row.condition, actions=row.actions, needs=row.needs)
            for row in session.exec(
                select(StatusUpdate).where(StatusUpdate.incident == number).order_by(col(StatusUpdate.id))
            ).all()
        ),
        actions=tuple(
            ActionItem(
                text=task.text,
                owner=called(task.owner),
                done=task.done_at is not None,
                url=task.issue_url,
                asked_by=called(task.made_by) if task.made_by != task.owner else None,
            )
            for task in tasks.tasks_of(session, incident)
        ),
        lines=tuple(Line(at=row.at, kind=row.kind, text=row.text, who=row.who, url=row.url) for row in lines),
        earlier=max(0, timeline.count(session, number) - len(lines)),
        room_name=incident.room_name if incident.room is not None else None,
    )


def _likely(session: Session, desk: Desk, incident: Incident, row: Likely) -> LikelyPart:
    deploy = session.get(Deploy, row.subject) if row.kind == "deploy" else None
    changes = (
        [change for link, change in service.changes_of(session, row.subject) if not link.leaving]
        if deploy is not None
        else []
    )
    views = loading.change_views(session, desk, changes[:MOST_CHANGES])
    return LikelyPart(
        name=naming.likely_called(session, desk, row),
        confidence=row.confidence,
        cause=row.id == incident.cause,
        evidence=tuple(words for _, words in row.evidence),
        against=tuple(words for _, words in row.against),
        changes=tuple(
            CarriedChange(
                label=view.label, title=view.title, url=view.url, authors=tuple(one.name for one in view.authors)
            )
            for view in (views[change.id or 0] for change in changes[:MOST_CHANGES])
        ),
        url=deploy.url if deploy is not None else None,
        rolled_back_at=row.rolled_back_at,
    )


def _merged_cause(session: Session, desk: Desk, incident: Incident) -> LikelyPart | None:
    """The cause where it is a likely change of an incident that was merged into this one."""
    row = session.get(Likely, incident.cause) if incident.cause else None
    return _likely(session, desk, incident, row) if row is not None else None


def _responder(page: Page) -> Responder:
    after = page.answered_at - page.asked_at if page.answered_at is not None else None
    return Responder(
        name=page.name,
        reason=page.reason,
        state=page.state,
        asked_at=page.asked_at,
        answered_at=page.answered_at,
        answered_after=after,
    )
