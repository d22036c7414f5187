"""What somebody who comes late into an incident's room is told, for them alone: how it stands in a few lines."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session, col, select

from bot import outbox
from bot.alerts.models import Alert
from bot.deploys.loading import Desk
from bot.events import RoomJoined
from bot.incidents import finding, naming, ranking, resolving, telling
from bot.incidents.models import Incident, Likely, StatusUpdate
from bot.incidents.states import SEVERITIES, State
from bot.outbox import Lane

ROOM_WHISPER = "room_whisper"
"""The kind of effect that tells somebody who came late how it stands: ``incident``, ``slack_id``."""

TEMPLATE = "notes/incident_summary"

LATE = timedelta(minutes=5)
"""Whoever comes sooner than this after the beginning has missed nothing: the card is all there is."""

LISTED = 3


@dataclass(frozen=True, kw_only=True)
class IncidentSummary:
    """How an incident stands. ``likely`` are the likely changes by name; ``on_it`` those who said that they are.

    ``condition`` is the last status update, if any; ``locked`` the services whose deploys wait.
    """

    incident_id: int
    title: str
    severity: str
    meaning: str
    state: str
    onset_at: datetime
    lead: str | None
    on_it: tuple[str, ...]
    likely: tuple[str, ...]
    sureness: str
    """How sure it is that the first of them did it; what people said of it goes before what the evidence says."""
    firing: int
    alerts: bool
    """Whether any alert ever came to it."""
    looked: bool
    """Whether what may have caused it was looked for: it is about a service."""
    condition: str | None
    condition_at: datetime | None
    next_update_at: datetime | None
    promised: bool
    """Whether somebody said by when the next word comes: else its severity calls for one by then."""
    locked: tuple[str, ...]
    resolved_at: datetime | None
    zone: str


def joined(session: Session, event: RoomJoined, now: datetime) -> None:
    """Somebody came into a channel: a latecomer to an incident's room is told how it stands, once.

    Not whoever was woken for it: their own message goes on saying that.
    """
    incident = session.exec(
        select(Incident).where(Incident.room == event.channel).order_by(col(Incident.id).desc()).limit(1)
    ).first()
    if incident is None or incident.state == State.MERGED.value or event.at - incident.opened_at < LATE:
        return
    if telling.was_woken(session, incident.id or 0, event.slack_id):
        return
    outbox.add_effect(
        session, ROOM_WHISPER, f"{ROOM_WHISPER}:{incident.id}:{event.slack_id}", now, lane=Lane.FEED,
        incident=incident.id, slack_id=event.slack_id,
    )  # fmt: skip


def load(session: Session, desk: Desk, incident: Incident) -> IncidentSummary:
    """How it stands now."""
    severity = SEVERITIES.get(incident.severity)
    update = session.exec(
        select(StatusUpdate).where(StatusUpdate.incident == incident.id).order_by(col(StatusUpdate.id).desc()).limit(1)
    ).first()
    leads = naming.person_called(session, desk, incident.lead) if incident.lead else None
    answered = [page for page in finding.pages_of(session, incident) if page.state == "answered"]
    known = [page.name for page in answered if page.slack_id is not None or page.pager_user is not None]
    on_it = [name for name in known if name != leads]  # who leads is on it, and is named already
    likely = finding.named_likely(session, incident)[:LISTED]
    return IncidentSummary(
        incident_id=incident.id or 0,
        title=incident.title,
        severity=severity.name if severity else f"SEV{incident.severity}",
        meaning=severity.meaning if severity else "",
        state=incident.state,
        onset_at=incident.onset_at,
        lead=leads,
        on_it=tuple(dict.fromkeys(on_it)),
        likely=tuple(naming.likely_called(session, desk, row) for row in likely),
        sureness=_sureness(session, likely[0]) if likely else "",
        firing=resolving.fires(session, incident),
        alerts=session.exec(select(Alert.id).where(Alert.incident == incident.id).limit(1)).first() is not None,
        looked=bool(finding.services_of(session, incident)),
        condition=update.condition if update is not None else None,
        condition_at=update.at if update is not None else None,
        next_update_at=incident.next_update_at,
        promised=update is not None and update.next_at == incident.next_update_at,
        locked=tuple(row.service for row in finding.services_of(session, incident) if row.locked),
        resolved_at=incident.resolved_at,
        zone=desk.catalog.timezone.key,
    )


def _sureness(session: Session, likely: Likely) -> str:
    of = session.get(Incident, likely.incident)  # it may be of one that goes on as this
    return ranking.sureness(likely, ranking.verdicts(session, of) if of is not None else {})
