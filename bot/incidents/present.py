"""What is wrong with an incident at present: the alerts that tell of it, since when, and by what name.

What fires once a likely change was out, and all that had fired before was over, is another symptom than that one's.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import or_
from sqlmodel import Session, col, select

from bot.alerts.models import Alert
from bot.incidents import statements
from bot.incidents.models import Incident, Likely

MOST_ALERTS = 20
"""Alerts of one incident that the symptom is taken from."""


def alerts(session: Session, incident: Incident) -> Sequence[Alert]:
    """The alerts that tell what is wrong now, the first of them first; of an incident without any, none."""
    every = select(Alert).where(Alert.incident == incident.id).order_by(col(Alert.started_at), col(Alert.id))
    out = _out(session, incident)
    later = session.exec(every.where(col(Alert.started_at) > out).limit(MOST_ALERTS)).all() if out is not None else ()
    if later and _was_over(session, incident, later[0].started_at):
        return later
    return session.exec(every.limit(MOST_ALERTS)).all()


def onset(session: Session, incident: Incident) -> datetime:
    """Since when it is as it is now: the incident's onset, unless what fires is another symptom than at first."""
    out = _out(session, incident)
    if out is None:
        return incident.onset_at
    found = alerts(session, incident)
    if not found or found[0].started_at <= out:
        return incident.onset_at
    return max(incident.onset_at, min(one.began_at for one in found))


def title(session: Session, incident: Incident) -> str:
    """What is wrong now, for whoever is woken: the incident's title, or what fires now where that is something else."""
    fires = (
        select(Alert)
        .where(Alert.incident == incident.id, col(Alert.resolved_at).is_(None))
        .order_by(col(Alert.started_at), col(Alert.id))
    )
    firing = session.exec(fires.limit(MOST_ALERTS)).all()
    others = [one for one in firing if " ".join(one.name.split()) not in incident.title]
    if not others or incident.storm:
        return incident.title
    if len(others) == len(firing) and incident.opened_by is None:  # that by which it is called is over
        called = others[-1].name
        of = others[-1].service
        return called if of is None or of.casefold() in called.casefold() else f"{of}: {called}"
    return f"{incident.title}, {others[-1].name} fires too"


def undid(session: Session, likely: Likely, at: datetime) -> bool:
    """Whether a flag that was turned ``at`` took another likely change out by that: to turn it back brings that in."""
    same = select(Likely.id).where(Likely.incident == likely.incident, Likely.kind == "flag")
    return session.exec(same.where(Likely.rolled_back_at == at, Likely.id != likely.id).limit(1)).first() is not None


def _out(session: Session, incident: Incident) -> datetime | None:
    """When the last of its likely changes was taken out that was."""
    found: datetime | None = session.exec(statements.LAST_TAKEN_OUT, params={"of_incident": incident.id}).one()
    return found


def _was_over(session: Session, incident: Incident, by: datetime) -> bool:
    """Whether all alerts of an incident that fired before an instant were over by then."""
    fires_on = or_(col(Alert.resolved_at).is_(None), col(Alert.resolved_at) > by)
    return (
        session.exec(
            select(Alert.id).where(Alert.incident == incident.id, col(Alert.started_at) < by, fires_on).limit(1)
        ).first()
        is None
    )
