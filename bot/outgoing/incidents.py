"""How incidents are shown and said: in their channels, in their room, and to those who are woken or asked."""

from __future__ import annotations

from sqlmodel import Session

from bot import people
from bot.delivery import Showing
from bot.deploys.loading import Desk
from bot.events import Level
from bot.incidents import loading
from bot.incidents.models import Incident
from bot.incidents.telling import PersonSaid
from bot.incidents.views import LikelyView
from bot.outbox import Card, Note


def incident_card(session: Session, desk: Desk, card: Card) -> Showing | None:
    """One incident, in a team's channel or in its room."""
    incident = session.get(Incident, int(card.subject))
    if incident is None:
        return None
    view = loading.incident_card(session, desk, incident, place=card.place)
    return Showing("cards/incident", view, {"kind": "incident", "incident": card.subject})


def page_card(session: Session, desk: Desk, card: Card) -> Showing | None:
    """What wakes one person, and goes on saying how it stands; None where it need not wake them any more.

    Muting never mutes it.
    """
    view = loading.page_note(session, desk, int(card.subject), place=card.place, first=card.ts is None)
    if view is None:
        return None
    return Showing("cards/page", view, {"kind": "page", "page": card.subject, "incident": str(view.card.incident_id)})


def incident_note(session: Session, desk: Desk, note: Note, *, over: bool = False) -> Showing | None:
    """What must be heard of an incident; None once it is not so. ``over``: how what was said reads after the end."""
    view = loading.incident_note(session, desk, note, over=over)
    if view is None:
        return None
    return Showing("notes/incident_said", view, {"kind": "incident", "incident": str(view.card.incident_id)})


def person_note(session: Session, desk: Desk, note: Note, *, over: bool = False) -> Showing | None:
    """What one person is told: that they are woken, which muting never mutes; or asked, unless they hear nothing.

    ``over``: how what they were told reads after the end.
    """
    view = loading.person_note(session, desk, note, over=over)
    if view is None:
        return None
    if not over and view.said == PersonSaid.ASKED.value and _muted(session, note, view.likely):
        return None
    return Showing("notes/incident_person", view, {"kind": "incident", "incident": str(view.card.incident_id)})


def _muted(session: Session, note: Note, likely: LikelyView | None) -> bool:
    """Whether somebody wants to hear nothing at all, or nothing of each of the changes that this is about."""
    if people.level_of(session, note.place) is Level.NONE:
        return True
    changes = [one.change_id for one in likely.changes if one.change_id is not None] if likely is not None else []
    return bool(changes) and all(people.level_of(session, note.place, f"change:{one}") is Level.NONE for one in changes)
