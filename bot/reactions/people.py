"""What follows when people say who they are and how much they want to hear."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement
from sqlmodel import Session, col, select

from bot import outbox, people
from bot.catalog import OutsideHours
from bot.deploys.loading import Desk
from bot.deploys.models import Change
from bot.events import GithubLinked, HoursChosen, IdentityProven, Level, PreferenceChosen
from bot.outbox import CardState

RECENT_CARDS = 5
"""How many of a person's cards are edited when they mute everything: those in view; the others follow when touched."""

UNMUTED_HEARS = {
    Level.ALL: "you will hear how it goes.",
    Level.FAILURES: "you will hear of it when it fails, as of all your changes. /ship me unmute brings the rest back.",
    Level.NONE: "but all your changes are muted, so you still hear nothing of it. /ship me unmute takes that back.",
}
"""What unmuting one change comes to, by how much somebody wants to hear of everything."""

PREFERENCE_SAID = {
    Level.ALL: "You will hear how each of your changes goes. /ship me failures keeps it to what went wrong.",
    Level.FAILURES: "You will only hear of your changes when they fail. /ship me unmute brings the rest back.",
    Level.NONE: "Muted: you hear nothing of your changes, but for pages: what wakes you is never muted. "
    "/ship me unmute takes it back.",
}


def linked(session: Session, desk: Desk, event: GithubLinked) -> str:
    """Keep or forget the login that somebody named; what they are told."""
    if event.login is None:
        login = people.unlink(session, event.slack_id, event.at)
        if login is None:
            return "You had linked no GitHub login. /ship me shows what I know of you."
        return f"Unlinked: {login} is no longer yours because you said so. /ship me shows what I know of you."
    if not people.link(session, desk.catalog, event.slack_id, event.login, event.at):
        return f"{event.login} was linked anew since then: that stands."
    return (
        f"Messages about {event.login}'s changes come to you now, unless Slack knows somebody else by the "
        "address of that account. This routes messages, no more. /ship me github none takes it back."
    )


def proven(session: Session, desk: Desk, event: IdentityProven) -> str:
    """Keep what GitHub said of somebody; what they are told."""
    return people.prove(session, desk.catalog, event)


def hours_chosen(session: Session, desk: Desk, event: HoursChosen) -> str:
    """Keep when somebody works; what they are told."""
    if not people.choose_hours(session, event):
        return "You said other hours since then: those stand. /ship me shows them."
    session.flush()
    hours = people.hours_of(session, desk.catalog, event.slack_id)
    begins, ends = (f"{minutes // 60:02}:{minutes % 60:02}" for minutes in (hours.begins, hours.ends))
    again = "/ship me hours off takes it back." if hours.chosen else "Those are the usual hours."
    woken = " Outside them whoever is on call is woken first for what breaks after your changes."
    waits = woken if desk.catalog.paging.outside_hours is OutsideHours.ON_CALL else ""
    return f"You can be asked for approvals on weekdays from {begins} to {ends} ({hours.zone.key}).{waits} {again}"


def preference(session: Session, event: PreferenceChosen, now: datetime) -> str:
    """Keep how much somebody wants to hear, and show it on their cards; what they are told."""
    if not people.choose(session, event.slack_id, event.scope, event.level, event.at):
        return "You chose something else since then: that stands. /ship me shows what you hear."
    cards = session.exec(
        select(outbox.Card).where(
            outbox.Card.kind == "change",
            outbox.Card.place == event.slack_id,
            outbox.Card.state == CardState.LIVE.value,
            col(outbox.Card.ts).is_not(None),
            *_of_scope(event.scope),
        ).order_by(col(outbox.Card.id).desc()).limit(RECENT_CARDS)
    ).all()  # fmt: skip
    for card in cards:
        outbox.touch_card(session, card.kind, card.subject, card.place, now, urgent=True)
    return _preference_said(session, event)


def _preference_said(session: Session, event: PreferenceChosen) -> str:
    if event.scope == people.EVERYTHING:
        return PREFERENCE_SAID[event.level]
    change = session.get(Change, int(event.scope.removeprefix("change:")))
    label = change.label if change else "that change"
    if event.level is Level.NONE:
        return f"Muted {label}: you will hear no more of it. Unmute it on its card, or with /ship me unmute {label}."
    return f"Unmuted {label}: {UNMUTED_HEARS[people.level_of(session, event.slack_id)]}"


def _of_scope(scope: str) -> Sequence[ColumnElement[bool]]:
    """Which change cards a preference's scope covers."""
    return () if scope == people.EVERYTHING else (col(outbox.Card.subject) == scope.removeprefix("change:"),)
