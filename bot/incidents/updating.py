"""How bad an incident is, and how it stands as somebody says; with when the next word comes."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlmodel import Session

from bot.deploys.loading import Desk
from bot.errors import UserError
from bot.events import IncidentActed, IncidentOpened
from bot.incidents import attributing, naming, promises, rooms, telling, timeline
from bot.incidents.models import Incident, StatusUpdate
from bot.incidents.states import SEVERITIES, EntryKind
from bot.incidents.telling import Said

LONGEST = 2000
"""Characters of each part of an update."""

FURTHEST = timedelta(days=7)
"""How far ahead the next word may be promised."""


def severity(session: Session, desk: Desk, incident: Incident, event: IncidentActed, now: datetime) -> str:
    """It is as bad as somebody says; returns what they are told. UserError names the severities that there are."""
    wanted = SEVERITIES.get(event.severity or 0)
    if wanted is None:
        table = " ".join(f"{one.number} ({one.name}): {one.meaning}" for one in SEVERITIES.values())
        raise UserError(f"Nothing was changed: choose one of these severities. {table}")
    if incident.severity == wanted.number:
        return f"Nothing to do: {naming.called(incident)} is {wanted.name} already."
    before = SEVERITIES.get(incident.severity)
    incident.severity = wanted.number
    session.add(incident)
    session.flush()
    promises.severity_changed(session, desk, incident, now)
    was = f", was {before.name}" if before is not None else ""
    timeline.enter(
        session, incident.id or 0, EntryKind.ACT, f"severity:{now.isoformat()}", f"{wanted.name}{was}", now,
        who=event.called,
    )  # fmt: skip
    telling.say(
        session, desk, incident, Said.SEVERITY, f"{wanted.number}:{now.isoformat()}", now,
        severity=wanted.number, called=event.called,
    )  # fmt: skip
    rooms.head_changed(session, incident, now)
    attributing.graver(session, desk, incident, now)
    telling.show(session, desk, incident, now)
    return f"{naming.capital(naming.called(incident))} is {wanted.name} now: {wanted.meaning}{_next(desk, incident)}"


def update(session: Session, desk: Desk, incident: Incident, event: IncidentActed, now: datetime) -> str:
    """Somebody says how it stands, and when they say it again; returns what they are told.

    Nobody is asked when it will be mended: only when the next word comes.
    """
    condition = (event.text or "").strip()
    if not condition:
        raise UserError("An update says how it stands: what people see now, what is being done, what is needed.")
    if event.next_at is not None and not event.at < event.next_at <= event.at + FURTHEST:
        raise UserError("The next update must be to come, within a week: choose another time for it.")
    next_at = event.next_at or now + promises.every(desk, incident)
    row = StatusUpdate(
        incident=incident.id or 0, condition=condition[:LONGEST], actions=_part(event.actions),
        needs=_part(event.needs), next_at=next_at, slack_id=event.slack_id, called=event.called, at=event.at,
    )  # fmt: skip
    session.add(row)
    session.flush()
    promises.promise(session, desk, incident, now, next_at)
    words = " ".join(
        part
        for part in (
            row.condition,
            f"Being done: {row.actions}" if row.actions else "",
            f"Needed: {row.needs}" if row.needs else "",
        )
        if part
    )
    timeline.enter(session, row.incident, EntryKind.STATUS, f"update:{row.id}", words, event.at, who=event.called)
    telling.say(session, desk, incident, Said.UPDATE, str(row.id), now, update=row.id)
    telling.show(session, desk, incident, now)
    where = f" in #{incident.room_name}" if incident.room is not None else ""
    if where and telling.is_shut(session, incident):
        where = f" in the thread of its card, since #{incident.room_name} is closed"
    by = naming.person_called(session, desk, incident.lead) if incident.lead not in (None, event.slack_id) else None
    reminded = f"{by}, who leads, is" if by is not None else "you are" if incident.lead is not None else "the room is"
    return f"Said{where}. The next word is promised for {naming.spoken(desk, next_at)}; {reminded} reminded then."


def said_too(
    session: Session, desk: Desk, incident: Incident, event: IncidentOpened, title: str, service: str, now: datetime
) -> str:
    """Somebody opens what is open already: they are let in and what they said is kept; returns what they are told.

    A severity they named is not taken for everybody's: that is one press on the card.
    """
    key = f"said_too:{event.slack_id}:{event.at.isoformat()}"
    timeline.enter(session, incident.id or 0, EntryKind.MESSAGE, key, title, event.at, who=event.called)
    rooms.let_in(session, desk, incident, [event.slack_id], now)
    where = f" Its room is #{incident.room_name}, where you are let in." if incident.room is not None else ""
    wanted, stands = SEVERITIES.get(event.severity or 0), SEVERITIES.get(incident.severity)
    worse = ""
    if wanted is not None and stands is not None and wanted != stands:
        worse = f" It is {stands.name}: if it is {wanted.name}, say so by ⋯ on its card."
    return (
        f"{naming.capital(naming.called(incident))} is open about {service} already.{where} "
        f"What you said stands on its timeline: “{title}”.{worse}"
    )


def _next(desk: Desk, incident: Incident) -> str:
    if incident.next_update_at is None:
        return ""
    return f" The next word on it is due by {naming.spoken(desk, incident.next_update_at)}."


def _part(words: str | None) -> str | None:
    kept = (words or "").strip()[:LONGEST]
    return kept or None
