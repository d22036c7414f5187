"""What people do about an incident. Any full member may: an incident is everybody's. Every click gets an answer.

A click that comes again, or too late, changes nothing and says what stands. What must follow a person's act (locks,
pages, the room) is written in the same transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from sqlmodel import Session

from bot import people
from bot.deploys.loading import Desk
from bot.errors import UserError
from bot.events import IncidentAct, IncidentActed, IncidentOpened, MessageKept, RoomJoined
from bot.incidents import (
    finding,
    merging,
    naming,
    opening,
    pages,
    paging,
    promises,
    resolving,
    roles,
    rooms,
    summary,
    tasks,
    telling,
    timeline,
    updating,
    verdicts,
)
from bot.incidents.models import Incident
from bot.incidents.states import EntryKind, PageState, State

Doing = Callable[[Session, Desk, Incident, IncidentActed, datetime], str]

AFTERWARDS = frozenset(
    {
        IncidentAct.REOPEN,
        IncidentAct.RIGHT,
        IncidentAct.NOT_MINE,
        IncidentAct.TASK,
        IncidentAct.DONE,
        IncidentAct.FOLLOW_UP,
    }
)
"""What can be done about an incident that is resolved."""


def opened(session: Session, desk: Desk, event: IncidentOpened, now: datetime) -> str:
    """Somebody opens an incident, which locks and makes a room; returns what they are told."""
    _must_be_full(session, desk, event.slack_id, now)
    return opening.opened(session, desk, event, now)


def act(session: Session, desk: Desk, event: IncidentActed, now: datetime) -> str:
    """Do what a person asks for; returns what they are told. UserError says why not, and who can."""
    try:
        return _done(session, desk, event, now)
    except UserError as refused:  # nobody types at three in the morning what they have typed already
        lost = event.text if event.act in (IncidentAct.UPDATE, IncidentAct.RESOLVE, IncidentAct.TASK) else None
        raise UserError(f"{refused} You said: “{lost.strip()}”" if lost and lost.strip() else str(refused)) from None


def _done(session: Session, desk: Desk, event: IncidentActed, now: datetime) -> str:
    _must_be_full(session, desk, event.slack_id, now)
    incident = finding.held(session, event.incident, event.channel)
    stands = _stale(session, desk, incident, event)
    if stands is not None:
        return stands
    return DOING[event.act](session, desk, incident, event, now)


def message_kept(session: Session, desk: Desk, event: MessageKept, now: datetime) -> str:
    """A message is to stand on a timeline; returns what the person is told.

    A mark on a message (``text`` None) asks nothing: in any channel but a room it means nothing to us, and that of
    somebody of whom Slack has said that they are a guest counts for nothing. Nobody is asked before it is heard.
    """
    if event.text is None:
        profile = people.profile_of(session, event.slack_id)
        if finding.of_place(session, event.incident, event.channel) is None or _reads_only(profile):
            return ""
    else:
        _must_be_full(session, desk, event.slack_id, now)
    return timeline.message_kept(session, desk, event, now)


def joined(session: Session, desk: Desk, event: RoomJoined, now: datetime) -> None:
    """Somebody came into a channel: where it is an incident's room and they come late, they are told how it stands."""
    summary.joined(session, event, now)


def due(session: Session, desk: Desk, incident_id: int, now: datetime) -> None:
    """A time that was kept for an incident has come: the next word was promised, or its room is to be closed."""
    incident = finding.hold(session, incident_id)
    if incident is None:
        return
    if incident.state == State.OPEN.value:
        promises.due(session, desk, incident, now)
    else:
        rooms.close_due(session, desk, incident, now)


def _reads_only(profile: people.Profile | None) -> bool:
    return profile is not None and profile.read_at is not None and not profile.full


def _must_be_full(session: Session, desk: Desk, slack_id: str, now: datetime) -> None:
    if not people.is_member(session, desk.catalog, None, slack_id, now):
        raise UserError("Only full members of this workspace act on incidents: ask one of them. You can read along.")


def _stale(session: Session, desk: Desk, incident: Incident, event: IncidentActed) -> str | None:
    """What stands, where a click comes again; UserError where it comes too late; None where it can be done."""
    match incident.state:
        case State.OPEN.value:
            if event.act is IncidentAct.REOPEN:
                return f"Nothing to do: {naming.called(incident)} is open{resolving.where(incident)}."
            return None
        case State.RESOLVED.value:
            if event.act in AFTERWARDS:
                return None
            ended = resolving.resolved_words(session, desk, incident)
            if event.act is IncidentAct.RESOLVE and (event.text or "").strip() in ("", incident.resolution or ""):
                return f"Nothing to do: {ended}."
            if event.act is IncidentAct.RESOLVE:  # somebody else was faster; what this one wrote is not lost
                raise UserError(f"Nothing to do: {ended}.")
            raise UserError(f"Nothing was done: {ended}. If it is not over, reopen it by the button on its card.")
        case _:
            on = finding.going_on(session, incident)
            goes_on = f"{naming.called(incident)} goes on as {naming.called(on)}"
            if event.act is IncidentAct.MERGE and event.into in (incident.merged_into, on.id):
                return f"Nothing to do: {goes_on} already."
            raise UserError(f"Nothing was done: {goes_on}{resolving.where(on)}. Do it there.")


def _mine(session: Session, desk: Desk, incident: Incident, event: IncidentActed, now: datetime) -> str:
    """Somebody is on it; the first to say so leads."""
    page, leads = finding.page_of(session, incident, event.slack_id), incident.lead is not None
    answered = page.state == PageState.ANSWERED.value if page is not None else None
    leading = answered is None and incident.lead == event.slack_id and not pages.only_named(session, incident)
    if answered or leading:
        return f"Nothing to do: you are on {naming.called(incident)} already{resolving.where(incident)}."
    paging.on_it(session, desk, incident, event.slack_id, now)
    leads = leads and incident.lead != event.slack_id
    lead = f", and {naming.person_called(session, desk, incident.lead)} leads" if leads else " and lead it"
    return f"You are on {naming.called(incident)}{lead}{resolving.where(incident)}."


def _lead(session: Session, desk: Desk, incident: Incident, event: IncidentActed, now: datetime) -> str:
    """Somebody leads; whoever was woken and takes the lead is on it, so that nobody else is woken in their place."""
    said = roles.give(session, desk, incident, event, now)
    page = finding.page_of(session, incident, event.slack_id)
    woken = page is not None and page.state not in (PageState.SHADOW, PageState.ANSWERED)  # also where it went on
    if woken and incident.lead == event.slack_id:
        paging.on_it(session, desk, incident, event.slack_id, now)
    return said


def _open_room(session: Session, desk: Desk, incident: Incident, event: IncidentActed, now: datetime) -> str:
    """One that was only watched becomes a real one; where no room could be made, it is tried again."""
    if not incident.watched:
        if incident.room is not None:
            return f"Nothing to do: its room is #{incident.room_name}."
        if incident.room_trouble is None:
            return f"Nothing to do: its room #{incident.room_name} is being opened."
        rooms.want(session, desk, incident, now)
        telling.show(session, desk, incident, now)
        return f"Trying again to open #{incident.room_name}."
    opening.make_real(session, desk, incident, now)
    timeline.enter(
        session, incident.id or 0, EntryKind.ACT, "made_real", "Made an incident with a room, a lock and people", now,
        who=event.called,
    )  # fmt: skip
    rooms.let_in(session, desk, incident, [event.slack_id], now)
    return f"Opening #{incident.room_name} for {naming.called(incident)}."


def _wake(session: Session, desk: Desk, incident: Incident, event: IncidentActed, now: datetime) -> str:
    """Whoever is on call is woken, because somebody asks for it."""
    return paging.wake_on_call(session, desk, incident, now)


DOING: Mapping[IncidentAct, Doing] = {
    IncidentAct.MINE: _mine,
    IncidentAct.NOT_MINE: verdicts.not_mine,
    IncidentAct.WAKE: _wake,
    IncidentAct.RIGHT: verdicts.right,
    IncidentAct.LEAD: _lead,
    IncidentAct.COMMUNICATIONS: roles.give,
    IncidentAct.SCRIBE: roles.give,
    IncidentAct.SEVERITY: updating.severity,
    IncidentAct.UPDATE: updating.update,
    IncidentAct.TASK: tasks.add,
    IncidentAct.DONE: tasks.done,
    IncidentAct.FOLLOW_UP: tasks.follow_up,
    IncidentAct.MERGE: merging.merge,
    IncidentAct.OPEN_ROOM: _open_room,
    IncidentAct.RESOLVE: resolving.resolve,
    IncidentAct.REOPEN: resolving.reopen,
}
"""What each act does; every act is here."""
