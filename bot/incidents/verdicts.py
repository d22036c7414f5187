"""What people say of a likely change: that it was the cause, or that it was not. These are the labels we learn by.

“Not mine” is an answer like any other: whoever is next is woken, and nothing more is made of it.
"""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session, select

from bot import audit
from bot.audit import Tag
from bot.deploys.loading import Desk
from bot.errors import UserError
from bot.events import IncidentActed
from bot.gates.wording import listed
from bot.incidents import finding, naming, pages, paging, people, ranking, roles, telling, timeline
from bot.incidents.models import Incident, Likely, Opinion, Page
from bot.incidents.states import WAITING, EntryKind, PageState, State
from bot.incidents.telling import Said
from bot.incidents.waking import Way

_PASSABLE = (PageState.WANTED.value, PageState.SENT.value, PageState.ANSWERED.value)
"""Pages that can still be passed on."""


def not_mine(session: Session, desk: Desk, incident: Incident, event: IncidentActed, now: datetime) -> str:
    """Somebody says that it is not theirs; returns what they are told, with who is woken instead.

    Somebody who was woken for it passes that on. Somebody who was asked, or had a hand in it, wakes whoever is next
    only where nobody is waited for, once for each likely change; a second voice that says the same is kept, and wakes
    nobody. While somebody else is on it, and after the end, it is kept alone. UserError, with nothing done, where the
    button named somebody else than who would be woken now, and for whoever has nothing to do with it.
    """
    _must_be_seen(session, desk, incident, event)
    page = finding.page_of(session, incident, event.slack_id)
    number = event.likely if event.likely is not None else (page.likely if page is not None else None)
    likely = finding.likely_of(session, incident, number) if number is not None else None
    if likely is None and page is None:
        raise UserError(
            f"Of which likely change of {naming.called(incident)}? Its card has a button for each. To wake whoever is "
            "on call, use its button for that."
        )
    name = naming.likely_called(session, desk, likely) if likely is not None else naming.called(incident)
    goes_on = incident.state == State.OPEN.value and not incident.watched
    if goes_on and page is None and not _concerns(session, desk, incident, likely, event.slack_id):
        waited = _waited_for(session, incident)
        raise UserError(
            f"Nothing was done: only who was woken or asked, or had a hand in it, can say that. {waited}If you can "
            "help, say that you are on it."
        )
    said_before = likely is not None and _rejected(session, likely)
    fresh = likely is None or give(session, likely, event, now, right=False)
    if fresh:
        key = f"not_mine:{event.slack_id}:{likely.id if likely is not None else ''}:{now.isoformat()}"
        words = f"{event.called} says that it was not {name}" if likely is not None else f"{event.called} passed it on"
        timeline.enter(session, incident.id or 0, EntryKind.ACT, key, words, now)
    if incident.state != State.OPEN.value:
        return f"Kept: it was not {name}. {naming.capital(naming.called(incident))} is over, so nobody is woken."
    if incident.watched:
        telling.show(session, desk, incident, now)
        return f"Kept: it was not {name}. Nobody is woken for {incident.service}, so nobody else is either."
    if (said := _taken(session, desk, incident, event, page)) is not None:
        telling.show(session, desk, incident, now)
        return f"Kept: it was not {name}. {said}"
    passes = page is not None and page.state in _PASSABLE
    waited = "" if passes else _waited_for(session, incident)
    if waited and not said_before:
        telling.show(session, desk, incident, now)
        return f"Kept: it was not {name}. {waited}Nobody else is woken before."
    if not passes and (said_before or not fresh):
        telling.show(session, desk, incident, now)
        return f"Kept: it was not {name}. Somebody had said so before, and whoever is next was woken then."
    if passes and incident.lead == event.slack_id:  # or it would look as though somebody were on it
        roles.lay_down(session, incident, "lead", event.called, now)
    next_words = paging.pass_on(session, desk, incident, page if passes else None, now)
    telling.say(
        session, desk, incident, Said.NOT_MINE, f"{event.slack_id}:{likely.id if likely is not None else ''}", now,
        who=event.slack_id, called=event.called, likely=likely.id if likely is not None else None, next=next_words,
    )  # fmt: skip
    telling.show(session, desk, incident, now)
    then = f"{naming.capital(next_words)}."
    return f"Thank you: it is not {name}. {then}" if likely is not None else f"Thank you. {then}"


def right(session: Session, desk: Desk, incident: Incident, event: IncidentActed, now: datetime) -> str:
    """Somebody says that a likely change is the cause; returns what they are told."""
    if event.likely is None:
        raise UserError(f"Which likely change of {naming.called(incident)} was it? Its card has a button for each.")
    likely = finding.likely_of(session, incident, event.likely)
    name = naming.likely_called(session, desk, likely)
    if not give(session, likely, event, now, right=True):
        return f"Nothing to do: you said already that it was {name}."
    key = f"right:{event.slack_id}:{likely.id}:{now.isoformat()}"
    words = f"{event.called} says that it was {name}"
    timeline.enter(session, incident.id or 0, EntryKind.ACT, key, words, now)
    if incident.state == State.RESOLVED.value and incident.cause is None:
        incident.cause = likely.id
        session.add(incident)
        session.flush()
    if incident.state == State.OPEN.value:
        said = f"{likely.id}:said:{event.slack_id}:{now.isoformat()}"
        telling.say(session, desk, incident, Said.LIKELY, said, now, likely=likely.id, called=event.called)
    telling.show(session, desk, incident, now)
    return f"Kept: it was {name}."


def give(session: Session, likely: Likely, event: IncidentActed, now: datetime, *, right: bool) -> bool:
    """Keep what somebody says, in the place of what they said before; returns whether it is news."""
    row = session.exec(select(Opinion).where(Opinion.likely == likely.id, Opinion.slack_id == event.slack_id)).first()
    if row is not None and row.right is right:
        return False
    row = row or Opinion(likely=likely.id or 0, slack_id=event.slack_id, right=right, at=now)
    row.right, row.at = right, now
    session.add(row)
    session.flush()
    audit.record(
        session, Tag.OPINION_GIVEN, f"incident:{likely.incident}", now, who=f"slack:{event.slack_id}",
        likely=likely.id, kind=likely.kind, of=likely.subject, right=right,
    )  # fmt: skip
    of = session.get(Incident, likely.incident)
    if of is not None:
        ranking.reorder(session, of)
    return True


def _must_be_seen(session: Session, desk: Desk, incident: Incident, event: IncidentActed) -> None:
    """UserError where the button that was pressed named another than who would be woken by it now."""
    if event.seen is None or incident.state != State.OPEN.value or incident.watched:
        return
    who = paging.next_words(session, desk, incident)
    if paging.mark_of(who) != event.seen and not paging.on_it_besides(session, desk, incident, event.slack_id):
        raise UserError(
            f"Nothing was done: things have moved on since that button was shown, and it would wake {who} now. If it "
            "is not yours, press the button as it is on the card now."
        )


def _taken(session: Session, desk: Desk, incident: Incident, event: IncidentActed, page: Page | None) -> str | None:
    """That somebody else is on it, so that nobody is woken; whoever was asked besides is let off."""
    others = paging.on_it_besides(session, desk, incident, event.slack_id)
    if not others:
        return None
    if page is not None and page.state in (PageState.WANTED.value, PageState.SENT.value):
        paging.let_off(session, page)
    return f"{listed(others)} {'is' if len(others) == 1 else 'are'} on it, so nobody else is woken."


def _concerns(session: Session, desk: Desk, incident: Incident, likely: Likely | None, slack_id: str) -> bool:
    """Whether somebody has a say: they were told of it in their own conversation, or had a hand in that change."""
    if telling.was_told(session, incident.id or 0, slack_id):
        return True
    found = people.of_likely(session, desk, incident, likely) if likely is not None else ()
    return any(one.slack_id == slack_id for one in found)


def _waited_for(session: Session, incident: Incident) -> str:
    """Who is called and has not answered yet, in a sentence; nothing where nobody is."""
    asked = [one.name for one in pages.of(session, incident) if one.state in WAITING and one.way != Way.RESPOND.value]
    return f"{listed(asked)} {'is' if len(asked) == 1 else 'are'} asked now. " if asked else ""


def _rejected(session: Session, likely: Likely) -> bool:
    """Whether anybody has said before that it was not this."""
    wrong = select(Opinion.id).where(Opinion.likely == likely.id, Opinion.right == False)  # noqa: E712 (a column)
    return session.exec(wrong.limit(1)).first() is not None
