"""Who leads an incident, who speaks for it, who writes it down: plain roles that anybody may take or give."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlmodel import Session, col, select

from bot import people
from bot.deploys.loading import Desk
from bot.errors import UserError
from bot.events import IncidentAct, IncidentActed
from bot.incidents import finding, naming, rooms, telling, timeline
from bot.incidents.models import Incident, RoomPerson
from bot.incidents.states import EntryKind
from bot.incidents.telling import Said

ROLES: Mapping[IncidentAct, str] = {
    IncidentAct.LEAD: "lead",
    IncidentAct.COMMUNICATIONS: "communications",
    IncidentAct.SCRIBE: "scribe",
}
"""The acts that give a role, and the role's name, which is also its column."""

MOST_NAMED = 3
"""People who are named to whoever named somebody who cannot."""

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
    must_belong(session, desk, incident, who, "could do nothing in that role", now)
    take(session, desk, incident, role, who, now, by=None if own else event.called)
    telling.say(
        session, desk, incident, Said.ROLE, f"{role}:{who}:{now.isoformat()}", now,
        who=None if own else who, role=role, called=event.called,  # nobody is notified of what they did themselves
    )  # fmt: skip
    former = f" until now {naming.person_called(session, desk, before)} did." if before else ""
    doing = _DOES[role]
    if own:
        doing = {"leads": "lead", "speaks for": "speak for", "writes down": "write down"}[doing]
    said = f"{'You' if own else name} {doing} {naming.called(incident)} now"
    return f"{said};{former}" if former else f"{said}."


def take(
    session: Session, desk: Desk, incident: Incident, role: str, who: str, now: datetime, *, by: str | None = None
) -> None:
    """Somebody has a role from now on, and is in the room; nothing is said of it. ``by``: who else gave it to them."""
    setattr(incident, role, who)
    session.add(incident)
    session.flush()
    name = naming.person_called(session, desk, who)
    key = f"role:{role}:{who}:{now.isoformat()}"
    timeline.enter(session, incident.id or 0, EntryKind.ROLE, key, f"{name} {_DOES[role]} the incident", now, who=by)
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


def must_belong(session: Session, desk: Desk, incident: Incident, who: str, could: str, now: datetime) -> None:
    """UserError where Slack has said that somebody can do nothing here, or nothing of them: it names who can.

    ``could`` says of a guest, or of somebody of another workspace, what they could not do.
    """
    profile, name = people.profile_of(session, who), naming.person_called(session, desk, who)
    if profile is not None and profile.read_at is not None and not profile.full:
        raise UserError(
            f"{naming.capital(name)} is no full member of this workspace and {could}: name somebody who is"
            f"{_able(session, desk, incident, who)}."
        )
    unread = profile is None or profile.read_at is None
    if unread and desk.catalog.person_by_slack(who) is None:
        people.want_member(session, who, now)
        raise UserError(
            f"Slack has not told me yet who {name} is, and only full members take a role or a task: name somebody else"
            f"{_able(session, desk, incident, who)}, or try it again in a minute."
        )
    if unread:
        people.want_member(session, who, now)


def _able(session: Session, desk: Desk, incident: Incident, but: str) -> str:
    """Some who are there and can: ``, for example Ana or Chi``; nothing where nobody is."""
    paged = [page.slack_id for page in finding.pages_of(session, incident) if page.slack_id is not None]
    there = session.exec(
        select(RoomPerson.slack_id).where(RoomPerson.incident == incident.id).order_by(col(RoomPerson.id))
    ).all()
    found = [one for one in dict.fromkeys([*paged, *there]) if one != but]
    full = people.profiles_of(session, frozenset(found))
    names = [naming.person_called(session, desk, one) for one in found if one in full and full[one].full]
    return f", for example {' or '.join(names[:MOST_NAMED])}" if names else ""
