"""Which incident somebody means, and what belongs to it."""

from __future__ import annotations

from collections.abc import Sequence

from sqlmodel import Session, col, select

from bot.errors import UserError
from bot.incidents import naming
from bot.incidents.models import Incident, IncidentService, Likely, Page
from bot.incidents.states import State

LISTED = 5
"""Open incidents that a refusal names."""


def of_place(session: Session, number: int | None, channel: str | None) -> Incident | None:
    """The incident of this number, or whose room is this channel; of one that was merged, the one that goes on."""
    if number is not None:
        found = session.get(Incident, number)
    elif channel:
        rooms = select(Incident).where(Incident.room == channel).order_by(col(Incident.id).desc()).limit(1)
        found = session.exec(rooms).first()
    else:
        found = None
    return going_on(session, found) if found is not None else None


def going_on(session: Session, incident: Incident) -> Incident:
    """The incident as which this one goes on, however often it was merged; itself where it was not."""
    seen = {incident.id}
    while incident.merged_into is not None and incident.merged_into not in seen:
        following = session.get(Incident, incident.merged_into)
        if following is None:
            break
        seen.add(following.id)
        incident = following
    return incident


def held(session: Session, number: int | None, channel: str | None) -> Incident:
    """The incident that somebody means, held until the transaction ends; UserError where none is meant."""
    if number is None and channel:
        rooms = select(Incident.id).where(Incident.room == channel).order_by(col(Incident.id).desc()).limit(1)
        number = session.exec(rooms).first()
        if number is None:
            raise UserError(f"This channel is no incident's room: say it there. {open_words(session)}")
    found = hold(session, number) if number is not None else None
    if found is None:
        what = f"I know no incident {number}." if number is not None else "Which incident?"
        raise UserError(f"{what} {open_words(session)}")
    return found


def hold(session: Session, number: int) -> Incident | None:
    """The incident of this number as it stands now, held until the transaction ends."""
    statement = select(Incident).where(Incident.id == number).with_for_update()
    return session.exec(statement, execution_options={"populate_existing": True}).first()


def open_words(session: Session) -> str:
    """Which incidents are open, in a sentence."""
    rows = session.exec(
        select(Incident).where(Incident.state == State.OPEN.value).order_by(col(Incident.id).desc()).limit(LISTED + 1)
    ).all()
    if not rows:
        return "No incident is open."
    named = ", ".join(naming.called(row) for row in rows[:LISTED])
    return f"Open: {named}{' and more (/incident status)' if len(rows) > LISTED else ''}."


def services_of(session: Session, incident: Incident) -> Sequence[IncidentService]:
    """The services that an incident is about, in the order in which they joined it."""
    return session.exec(
        select(IncidentService).where(IncidentService.incident == incident.id).order_by(col(IncidentService.id))
    ).all()


def likely_of(session: Session, incident: Incident, number: int) -> Likely:
    """The likely change of this number; UserError where it is none of this incident, nor of one that was merged in."""
    row = session.get(Likely, number)
    of = session.get(Incident, row.incident) if row is not None else None
    if row is None or of is None or going_on(session, of).id != incident.id:
        raise UserError(f"That is no likely change of {naming.called(incident)}: its card shows those that there are.")
    return row


def likely_changes(session: Session, incident: Incident) -> Sequence[Likely]:
    """The likely changes of an incident, the first one first; one that a later look no longer names comes last."""
    rows = session.exec(select(Likely).where(Likely.incident == incident.id).order_by(col(Likely.id))).all()
    return sorted(rows, key=lambda row: (row.rank == 0, row.rank))


def named_likely(session: Session, incident: Incident) -> list[Likely]:
    """The likely changes that are named: its own, else those of what goes on as it, which it is about as well."""
    for of in (incident, *merged_into(session, incident)):
        found = [row for row in likely_changes(session, of) if row.rank > 0]
        if found:
            return found
    return []


def recovered_by_undoing(session: Session, incident: Incident) -> bool:
    """Whether its harm is counted as ended when a likely change was out, though something fired on for a while."""
    ended, quiet = incident.mitigated_at, incident.quiet_at
    if ended is None or quiet is None or quiet <= ended:
        return False
    return any(one.rolled_back_at == ended for one in likely_changes(session, incident))


def pages_of(session: Session, incident: Incident) -> Sequence[Page]:
    """Everybody who was woken for an incident, in order."""
    return session.exec(select(Page).where(Page.incident == incident.id).order_by(col(Page.id))).all()


def page_of(session: Session, incident: Incident, slack_id: str) -> Page | None:
    """The page of this person."""
    statement = select(Page).where(Page.incident == incident.id, Page.slack_id == slack_id).order_by(col(Page.id))
    return session.exec(statement.limit(1)).first()


def merged_into(session: Session, incident: Incident) -> Sequence[Incident]:
    """The incidents that go on as this one, also by way of others."""
    found: dict[int, Incident] = {}
    waiting = [incident.id]
    while waiting:
        of = waiting.pop()
        for row in session.exec(select(Incident).where(Incident.merged_into == of).order_by(col(Incident.id))).all():
            if row.id is not None and row.id not in found and row.id != incident.id:
                found[row.id] = row
                waiting.append(row.id)
    return [found[number] for number in sorted(found)]
