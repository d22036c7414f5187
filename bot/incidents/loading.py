"""From rows to views: what templates see of an incident, at the instant it is sent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, TypeVar

from sqlmodel import Session, SQLModel, col, func, select

from bot.alerts.models import Alert
from bot.deploys.loading import Desk
from bot.deploys.models import Deploy
from bot.deploys.views import PersonView
from bot.incidents import (
    changed_before,
    finding,
    likely_changes,
    locking,
    paging,
    people,
    pieces,
    present,
    quieting,
    rollouts,
)
from bot.incidents import pages as pages_kept
from bot.incidents.models import Incident, IncidentService, Page, StatusUpdate, Task
from bot.incidents.replies import SeverityRow
from bot.incidents.states import SEVERITIES, PageState, State
from bot.incidents.telling import PersonSaid, Said
from bot.incidents.views import IncidentCard, IncidentLine, IncidentNote, PageLine, PersonNote, RolesView, ServiceLine
from bot.incidents.waking import Role
from bot.locks import loading as locks
from bot.outbox import Note

Row = TypeVar("Row", bound=SQLModel)

LISTED = 5
"""Alerts, and changes before the onset, that a card names."""

MOST_SERVICES = 10
MOST_PAGES = 8
MOST_TASKS = 8
MOST_LIKELY = 3
MOST_CALLED = 3
"""Of those who have not answered, that a line of an incident names."""


# --- the card -----------------------------------------------------------------------------------------------------


def incident_card(
    session: Session, desk: Desk, incident: Incident, *, place: str | None = None, listed: int = LISTED
) -> IncidentCard:
    """An incident as those see it who read ``place``; ``listed`` of its alerts and of what changed before are named."""
    services = finding.services_of(session, incident)
    likely = finding.named_likely(session, incident)[:MOST_LIKELY]
    pages = [one for one in finding.pages_of(session, incident) if not pages_kept.is_spent(one)]
    alerts, more_alerts, firing = pieces.alerts(session, incident, listed)
    tasks, more_tasks = pieces.tasks(session, desk, incident, MOST_TASKS)
    before, more_before = changed_before.before(session, desk, incident, services, listed)
    is_open = incident.state == State.OPEN.value
    held = rollouts.held_by_incidents(session) if is_open and not incident.watched else frozenset()
    ever = locking.held_ever(session, incident) if not incident.watched else frozenset()
    ended = incident.mitigated_at  # not known while something fires, though people say that it is over
    return IncidentCard(
        incident_id=incident.id or 0,
        title=incident.title,
        service=incident.service,
        environment=incident.environment,
        severity=incident.severity,
        severity_words=SEVERITIES[incident.severity].meaning if incident.severity in SEVERITIES else "",
        state=State(incident.state),
        watched=incident.watched,
        storm=incident.storm,
        opened_at=incident.opened_at,
        onset_at=incident.onset_at,
        opened_by=_person(session, desk, incident.opened_by),
        quiet_at=incident.quiet_at,
        mitigated_at=incident.mitigated_at,
        resolved_at=incident.resolved_at,
        resolved_by=_person(session, desk, incident.resolved_by),
        resolution=incident.resolution,
        recovered_in=likely_changes.length(ended - incident.onset_at) if ended is not None and not is_open else None,
        recovered_by_undoing=not is_open and finding.recovered_by_undoing(session, incident),
        cause=likely_changes.likely_view(session, desk, incident, incident.cause),
        cause_known=incident.cause is not None,
        merged_into=incident.merged_into,
        goes_on_in=_room_of(session, incident.merged_into),
        services=tuple(
            ServiceLine(
                service=one.service,
                environment=one.environment,
                locked=one.locked and rollouts.place_of(one) in held,
                watched=not incident.watched
                and not one.locked
                and locking.joined_watched(desk, incident, one, services, ever),
            )
            for one in services[:MOST_SERVICES]
        ),
        more_services=max(0, len(services) - MOST_SERVICES),
        alerts=alerts,
        more_alerts=more_alerts,
        firing=firing,
        confidence=likely[0].confidence if likely else incident.confidence,
        likely=likely_changes.likely_views(session, desk, incident, likely),
        window=desk.catalog.paging.window,
        pages=tuple(pieces.page_line(session, desk, one) for one in pages[:MOST_PAGES]),
        more_pages=max(0, len(pages) - MOST_PAGES),
        wakes_next=_wakes_next(session, desk, incident),
        wakes_on_call=_wakes_on_call(session, desk, incident, pages),
        pager=_by_pager(desk, incident),
        roles=RolesView(
            lead=_person(session, desk, incident.lead),
            communications=_person(session, desk, incident.communications),
            scribe=_person(session, desk, incident.scribe),
        ),
        update=pieces.update_view(session, desk, pieces.latest_update(session, incident)),
        next_update_at=incident.next_update_at if is_open else None,
        word_is_due=is_open and incident.nagged_at is not None,
        tasks=tasks,
        more_tasks=more_tasks,
        before=before,
        more_before=more_before,
        room=incident.room,
        room_name=incident.room_name,
        room_trouble=incident.room_trouble,
        in_room=place is not None and place == incident.room,
        links=pieces.links(session, desk, incident, likely),
        document=incident.document,
        joined=tuple(one.id or 0 for one in finding.merged_into(session, incident)),
        zone=desk.catalog.timezone.key,
    )


def _room_of(session: Session, number: object) -> str | None:
    """The room of the incident of this number, as it goes on."""
    found = session.get(Incident, number) if isinstance(number, int) else None
    return found.room if found is not None else None


def _by_pager(desk: Desk, incident: Incident) -> bool:
    """Whether PagerDuty wakes the people of an incident's service."""
    return incident.service is None or pages_kept.by_pager(desk, desk.catalog.service(incident.service))


def _wakes_next(session: Session, desk: Desk, incident: Incident) -> str | None:
    """Whom a “Not mine” would wake, in words; None where nobody is left, or nobody is woken at all."""
    if incident.state != State.OPEN.value or incident.watched:
        return None
    words = paging.next_words(session, desk, incident)
    return words if words and words != paging.NOBODY_ELSE else None


def _wakes_on_call(session: Session, desk: Desk, incident: Incident, pages: Sequence[Page]) -> str | None:
    """Who is on call for an incident's service and was not woken yet, in words."""
    if incident.state != State.OPEN.value or incident.watched or incident.service is None:
        return None
    pages = [page for page in pages if page.state != PageState.OVER.value]  # before it was opened again
    if any(page.role == Role.ON_CALL.value and page.state != PageState.SHADOW.value for page in pages):
        return None
    owner = desk.catalog.service(incident.service)
    found = people.on_call(session, desk, owner, desk.now, pager=pages_kept.by_pager(desk, owner))
    woken = {page.who for page in pages}
    return ", ".join(one.name for one in found if one.who not in woken)[:80] or None


def incident_line(session: Session, desk: Desk, incident: Incident) -> IncidentLine:
    """An incident in one line, for lists."""
    likely = finding.named_likely(session, incident)[:1]
    views = likely_changes.likely_views(session, desk, incident, likely)
    alerts, _, firing = pieces.alerts(session, incident, LISTED)
    pages = finding.pages_of(session, incident)
    answered = [pieces.page_line(session, desk, one).person for one in pages if one.state == PageState.ANSWERED.value]
    unanswered = _unanswered(pages) if incident.state == State.OPEN.value and not answered else ()
    return IncidentLine(
        incident_id=incident.id or 0,
        title=incident.title,
        service=incident.service,
        severity=incident.severity,
        state=State(incident.state),
        watched=incident.watched,
        opened_at=incident.opened_at,
        resolved_at=incident.resolved_at,
        firing=firing,
        lead=_person(session, desk, incident.lead),
        on_it=tuple(answered),
        likely=views[0] if views else None,
        room=incident.room,
        alerts=tuple(one.name for one in alerts if one.over_at is None),
        by_hand=not alerts,
        called=tuple(pieces.page_line(session, desk, one) for one in unanswered[:MOST_CALLED]),
    )


def _unanswered(pages: Sequence[Page]) -> Sequence[Page]:
    """Who was called and has not answered, each once: first who still is, of them those after whom others are woken."""
    calls = [one for one in pages if one.state in _STILL_WAKES or one.state == PageState.UNANSWERED.value]
    latest = {one.who: one for one in sorted(calls, key=lambda one: one.id or 0)}
    return sorted(
        latest.values(), key=lambda one: (one.state not in _STILL_WAKES, one.no_answer_at is None, -(one.id or 0))
    )


def severity_rows() -> tuple[SeverityRow, ...]:
    """The plain table of severities."""
    return tuple(
        SeverityRow(number=one.number, name=one.name, meaning=one.meaning, update_every=one.update_every)
        for one in SEVERITIES.values()
    )


# --- what is said -------------------------------------------------------------------------------------------------


def incident_note(session: Session, desk: Desk, note: Note, *, over: bool = False) -> IncidentNote | None:
    """What a note says of an incident; None once it is not so any more, unless it was said and is ``over`` now."""
    data = note.data
    incident = session.get(Incident, data["incident"])
    if incident is None or (not over and _is_moot(Said(data["said"]), incident, data)):
        return None
    alert, update = _row(session, Alert, data, "alert"), _row(session, StatusUpdate, data, "update")
    task, deploy = _row(session, Task, data, "task"), _row(session, Deploy, data, "deploy")
    pages = [one for number in data.get("pages") or () if (one := session.get(Page, number)) is not None]
    return IncidentNote(
        said=data["said"],
        card=incident_card(session, desk, incident, place=note.place),
        who=_person(session, desk, data.get("who"), data.get("called")),
        called=data.get("called"),
        page=_page(session, desk, data.get("page")),
        pages=tuple(pieces.page_line(session, desk, one) for one in pages[:LISTED]),
        likely=likely_changes.likely_view(session, desk, incident, data.get("likely")),
        alert=pieces.alert_line(incident, alert) if alert is not None else None,
        times=data.get("times") or 0,
        lately=quieting.LATELY,
        calm=quieting.CALM,
        next=data.get("next"),
        why=data.get("why"),
        what=data.get("what"),
        role=data.get("role"),
        severity=data.get("severity"),
        update=pieces.update_view(session, desk, update),
        task=pieces.task_view(session, desk, task) if task is not None else None,
        sha=deploy.sha if deploy is not None else None,
        into=data.get("into"),
        from_=data.get("from_"),
        other_room=_room_of(session, data.get("into") or data.get("from_")),
        at=_instant(data.get("at")),
        lifted=tuple(data.get("lifted") or ()),
        still_locked=pieces.still_locked(session, desk, incident) if data["said"] == Said.RESOLVED.value else (),
    )


def person_note(session: Session, desk: Desk, note: Note, *, over: bool = False) -> PersonNote | None:
    """What one person is told of an incident; None once it is not so any more, unless it was said and is ``over``."""
    data = note.data
    incident = session.get(Incident, data["incident"])
    incident = finding.going_on(session, incident) if incident is not None else None
    if incident is None or (not over and incident.state != State.OPEN.value):
        return None
    said, page = PersonSaid(data["said"]), _row(session, Page, data, "page")
    if not over and said is PersonSaid.PAGE and page is not None and page.state not in _STILL_WAKES:
        return None
    return _to_person(
        session, desk, incident, page, place=note.place, of=data.get("likely"), said=said, why=data.get("why"),
        nag=int(data.get("nag") or 0), again=said is PersonSaid.PAGE,
    )  # fmt: skip


def page_note(session: Session, desk: Desk, number: int, *, place: str, first: bool) -> PersonNote | None:
    """What somebody reads who is woken, as it stands now; None where it is to be said ``first`` and wakes nobody."""
    page = session.get(Page, number)
    incident = session.get(Incident, page.incident) if page is not None else None
    if page is None or incident is None:
        return None
    incident = finding.going_on(session, incident)
    theirs = page.state in _STILL_WAKES or page.state == PageState.ANSWERED.value  # who answered on the phone reads it
    if first and (not theirs or incident.state != State.OPEN.value):
        return None
    return _to_person(session, desk, incident, page, place=place, of=None, said=PersonSaid.PAGE)


def _to_person(
    session: Session,
    desk: Desk,
    incident: Incident,
    page: Page | None,
    *,
    place: str,
    of: object,
    said: PersonSaid,
    why: str | None = None,
    nag: int = 0,
    again: bool = False,
) -> PersonNote:
    """What one person reads: of the change on whose account, else of the likely one, as everybody else does.

    It is called by what fires now, which is not what it began with where it was opened again.
    """
    card, title = incident_card(session, desk, incident, place=place), present.title(session, incident)
    # What fires now may be of another service than the incident's, which then says nothing of it.
    card = replace(card, title=title, service=card.service if title.startswith(incident.title) else None)
    theirs = pages_kept.likely_of(session, incident, page) if page is not None and of is None else None
    of = of or (theirs.id if theirs is not None else None)
    return PersonNote(
        said=said.value,
        card=card,
        page=pieces.page_line(session, desk, page) if page is not None else None,
        likely=likely_changes.likely_view(session, desk, incident, of) or card.first,
        why=why,
        nag=nag,
        instead=page is not None and page.slack_id != place,
        again=again,
        written=page is not None and page.likely is not None and page.likely == of and page.role in _THEIRS,
    )


_THEIRS = (Role.AUTHOR.value, Role.OTHER_AUTHOR.value, Role.ROLLED_BACK.value)

_STILL_WAKES = (PageState.WANTED.value, PageState.SENT.value, PageState.FAILED.value)
"""Where somebody is told that they are woken: not once they have answered, or it went to somebody else."""


def _is_moot(said: Said, incident: Incident, data: dict[str, Any]) -> bool:
    """Whether what is to be said was overtaken, and would only mislead."""
    is_open, told = incident.state == State.OPEN.value, _instant(data.get("at"))
    overtaken = {
        Said.WOULD_WAKE: not is_open or not incident.watched,
        Said.QUIET: not is_open or incident.quiet_at is None,
        Said.FIRES_AGAIN: not is_open,
        Said.FLAPS: not is_open,
        Said.UPDATE_DUE: not is_open or (told is not None and incident.next_update_at not in (None, told)),
        Said.NO_ROOM: incident.room is not None,
        Said.DOCUMENT: incident.document is None,
        Said.NO_DOCUMENT: data.get("why") is None and incident.room is not None,  # it came after the end
    }
    return overtaken.get(said, False)


def _row(session: Session, kind: type[Row], data: dict[str, Any], name: str) -> Row | None:
    """The row that a note's data names by its number."""
    number = data.get(name)
    return session.get(kind, number) if isinstance(number, int) else None


def _page(session: Session, desk: Desk, number: object) -> PageLine | None:
    row = session.get(Page, number) if isinstance(number, int) else None
    return pieces.page_line(session, desk, row) if row is not None else None


def _person(session: Session, desk: Desk, slack_id: str | None, called: str | None = None) -> PersonView | None:
    return locks.person(session, desk, slack_id, called) if slack_id else None


def _instant(value: object) -> datetime | None:
    return datetime.fromisoformat(value) if isinstance(value, str) else None


# --- lists --------------------------------------------------------------------------------------------------------


def open_incidents(session: Session, most: int) -> list[Incident]:
    """Those that are open, the worst and then the newest first; real ones before those that are only watched."""
    return list(
        session.exec(
            select(Incident)
            .where(Incident.state == State.OPEN.value)
            .order_by(col(Incident.watched), col(Incident.severity), col(Incident.id).desc())
            .limit(most)
        ).all()
    )


def open_line(session: Session, desk: Desk, service: str) -> IncidentLine | None:
    """The open incident of a service, a real one first; None where there is none."""
    row = session.exec(
        select(Incident)
        .join(IncidentService, col(IncidentService.incident) == col(Incident.id))
        .where(Incident.state == State.OPEN.value, func.lower(IncidentService.service) == service.lower())
        .order_by(col(Incident.watched), col(Incident.severity), col(Incident.id).desc())
        .limit(1)
    ).first()
    return incident_line(session, desk, row) if row is not None else None
