"""Who leads an incident, who speaks for it, who writes it down: plain roles that anybody may take or give."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlmodel import Session

from bot import people
from bot.deploys.loading import Desk
from bot.errors import UserError
from bot.events import IncidentAct, IncidentActed
from bot.incidents import naming, rooms, telling, timeline
from bot.incidents.models import Incident
from bot.incidents.states import EntryKind
from bot.incidents.telling import Said

ROLES: Mapping[IncidentAct, str] = {
    IncidentAct.LEAD: "lead",
    IncidentAct.COMMUNICATIONS: "communications",
    IncidentAct.SCRIBE: "scribe",
}
"""The acts that give a role, and the role's name, which is also its column."""

_DOES = {
    "lead": "leads",
    "communications": "speaks for",
    "scribe": "writes down",
}


def give(session: Session, desk: Desk, incident: Incident, event: IncidentActed, now: datetime) -> str:
    """Somebody takes a role, or gives it to somebody else (``who``); returns what they are told."""
    role, who = ROLES[event.act], event.who or event.slack_id
    before, name = getattr(incident, role), naming.person_called(session, desk, who)
    own = who == event.slack_id
    if before == who:
        return f"Nothing to do: {'you have' if own else f'{name} has'} that role already ({role})."
    _must_belong(session, desk, who, name, now)
    take(session, desk, incident, role, who, now)
    telling.say(
        session, desk, incident, Said.ROLE, f"{role}:{who}:{now.isoformat()}", now,
        who=who, role=role, called=event.called,
    )  # fmt: skip
    former = f" until now {naming.person_called(session, desk, before)} did." if before else ""
    doing = _DOES[role]
    if own:
        doing = {"leads": "lead", "speaks for": "speak for", "writes down": "write down"}[doing]
    said = f"{'You' if own else name} {doing} {naming.called(incident)} now"
    return f"{said};{former}" if former else f"{said}."


def take(session: Session, desk: Desk, incident: Incident, role: str, who: str, now: datetime) -> None:
    """Somebody has a role from now on, and is in the room; nothing is said of it."""
    setattr(incident, role, who)
    session.add(incident)
    session.flush()
    name = naming.person_called(session, desk, who)
    key = f"role:{role}:{who}:{now.isoformat()}"
    timeline.enter(session, incident.id or 0, EntryKind.ROLE, key, f"{name} {_DOES[role]} the incident", now)
    rooms.let_in(session, desk, incident, [who], now)
    if role == "lead":
        rooms.head_changed(session, incident, now)
    telling.show(session, desk, incident, now)


def lay_down(session: Session, incident: Incident, role: str, called: str, now: datetime) -> None:
    """Somebody has a role no more, and nobody else has it yet; nothing is said of it."""
    setattr(incident, role, None)
    session.add(incident)
    session.flush()
    key, words = f"role:{role}::{now.isoformat()}", f"{called} {_DOES[role]} the incident no more"
    timeline.enter(session, incident.id or 0, EntryKind.ROLE, key, words, now)
    if role == "lead":
        rooms.head_changed(session, incident, now)


def _must_belong(session: Session, desk: Desk, who: str, name: str, now: datetime) -> None:
    """UserError where Slack has said that somebody can do nothing here."""
    profile = people.profile_of(session, who)
    if profile is not None and profile.read_at is not None and not profile.full:
        raise UserError(
            f"{name} is no full member of this workspace and could do nothing in that role: name somebody who is."
        )
    unread = profile is None or profile.read_at is None
    if unread and desk.catalog.person_by_slack(who) is None:
        people.want_member(session, who, now)
        raise UserError(
            f"Slack has not told me yet who {name} is, and only full members take a role: name somebody else, or try "
            "it again in a minute."
        )
    if unread:
        people.want_member(session, who, now)
