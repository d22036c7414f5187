"""Nobody answered a page in time: the pager is asked, whoever is next is woken, or somebody is told again."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlmodel import Session, col, select

from bot import outbox, work
from bot.deploys.loading import Desk
from bot.gates.wording import listed
from bot.incidents import pages, people, rooms, sending, succession, telling, timeline
from bot.incidents.models import Incident, Page
from bot.incidents.states import WAITING, EntryKind, PageState, State
from bot.incidents.telling import PersonSaid, Said
from bot.incidents.waking import Way
from bot.outbox import Card, Lane

_BY_ITSELF = "PagerDuty goes on by its escalation policy"
_NOBODY_LEFT = "nobody else is left to be woken"
_NOBODY = "nobody is known to tell"

MOST_NAGS = 3
"""How often somebody is asked again in Slack who cannot be woken otherwise."""


def due(session: Session, desk: Desk, page_id: int, now: datetime) -> None:
    """The time to answer a page has passed: the pager is asked, or somebody who is only told in Slack is told again.

    Nothing is done where somebody is on it, it is over, or nothing fires any more.
    """
    page = session.get(Page, page_id)
    incident = session.get(Incident, page.incident) if page is not None else None
    if page is None or incident is None or incident.state != State.OPEN or pages.answered(session, incident):
        return
    if page.state not in WAITING and page.state != PageState.OVER:
        return
    if incident.quiet_at is not None:  # it may fire again soon, and is looked at then
        if now - incident.quiet_at < desk.catalog.incidents.reopens_within:
            work.schedule(session, pages.PAGE, page_id, now + desk.catalog.paging.no_answer_after)
        return
    if page.state == PageState.OVER:  # it ended before they answered, and goes on
        sending.anew(session, desk, incident, page, now)
        return
    until = page.no_answer_at
    if page.state == PageState.WANTED and page.way in sending.CALLS and until is not None and now < until:
        _unreached(session, desk, incident, page, now)
        work.schedule(session, pages.PAGE, page_id, until)
    elif page.state == PageState.SENT and page.pager_incident is not None:
        key = f"{pages.ESCALATE}:{page_id}"
        if not outbox.add_effect(session, pages.ESCALATE, key, now, lane=Lane.PAGE, page=page_id):
            outbox.rearm_effect(session, key)
    else:
        _nag(session, desk, incident, page, now)


def escalate(session: Session, desk: Desk, incident: Incident, page: Page, now: datetime) -> str:
    """Nobody answered a page: the team's escalation policy is asked, or whoever is on call; returns who, in words."""
    found = succession.next_of(session, desk, incident, now, but=page, escalating=True)
    if found is not None:
        sending.put_by(session, page, PageState.UNANSWERED)
    elif page.way == Way.POLICY:
        return _NOBODY_LEFT if pages.exhausted(session, incident) else _BY_ITSELF
    return sending.wake_next(session, desk, incident, page, now, found)


def then_words(session: Session, desk: Desk, incident: Incident, page: Page, *, leaves: bool = False) -> str | None:
    """What is done where a page is not answered by its time: ``due``, as it would be now, in words.

    None where nothing is: it is answered, nobody waits for it, or nothing fires. ``leaves``: as it will be once the
    call has left, which is about to.
    """
    waits = page.state in WAITING and page.no_answer_at is not None
    if not waits or incident.state != State.OPEN or incident.quiet_at is not None or pages.answered(session, incident):
        return None
    told_only = page.way not in sending.CALLS or (not leaves and is_late(page, desk.now))
    if told_only and page.nags < MOST_NAGS:
        return "this is asked again" if page.slack_id is not None else "it is said again"
    found = succession.next_of(session, desk, incident, desk.now, but=page, escalating=True)
    if found is not None:
        by_policy = page.way == Way.POLICY and not is_late(page, desk.now)
        return succession.woken_words(session, desk, incident, found.wake, by_policy=by_policy)
    return _BY_ITSELF if page.way == Way.POLICY and not pages.exhausted(session, incident) else _NOBODY_LEFT


def is_late(page: Page, now: datetime) -> bool:
    """Whether a call has not left within the time that it may take."""
    calls = page.state == PageState.WANTED and page.way in sending.CALLS
    return calls and page.asked_at + sending.LEAVES_WITHIN <= now


def _unreached(session: Session, desk: Desk, incident: Incident, page: Page, now: datetime) -> None:
    """A call has not left within the time that it may take: that is said aloud, and others are told in Slack."""
    told = _tell_others(session, desk, incident, page, now)
    words = f"{listed(told)} {'is' if len(told) == 1 else 'are'} told in Slack" if told else _NOBODY
    of = f"{page.id}:{page.asked_at.isoformat()}:unreached"
    telling.say(
        session, desk, incident, Said.PAGE_FAILED, of, now, page=page.id,
        why="PagerDuty cannot be reached, and is tried again", next=words,
    )  # fmt: skip
    text = f"{page.name} could not be called so far (PagerDuty cannot be reached): {words}"
    timeline.enter(session, incident.id or 0, EntryKind.PAGE, f"unreached:{of}", text, now)
    telling.show(session, desk, incident, now)


def _tell_others(session: Session, desk: Desk, incident: Incident, page: Page, now: datetime) -> list[str]:
    """Tell whoever was on call when that was last read, and those who approve, in Slack; returns their names."""
    owner = pages.owner_of(session, desk, incident)
    found = people.instead_of_pager(session, desk, owner, now) if owner is not None else ()
    named = []
    for one in found:
        if one.slack_id is None or one.slack_id == page.slack_id:
            continue
        key = f"{page.id}:{page.asked_at.isoformat()}:{page.nags}:unreached"
        nag = page.nags
        telling.tell(session, incident, one.slack_id, PersonSaid.PAGE, key, now, page=page.id, nag=nag)
        rooms.let_in(session, desk, incident, [one.slack_id], now)
        named.append(one.name)
    return named


def told_instead(session: Session, page: Page) -> Sequence[str]:
    """Who has been told already, in Slack, that a call does not leave."""
    others = (Card.kind == telling.PAGE, Card.subject == str(page.id), col(Card.place) != (page.slack_id or ""))
    return session.exec(select(Card.place).where(*others).order_by(col(Card.id))).all()


def _nag(session: Session, desk: Desk, incident: Incident, page: Page, now: datetime) -> None:
    """Tell them again in Slack, which is all there is; after some times somebody else is told as well."""
    page.nags += 1
    number = page.id or 0
    if page.nags > MOST_NAGS:
        words = escalate(session, desk, incident, page, now)
        telling.say(session, desk, incident, Said.NO_ANSWER, f"{number}:last", now, page=number, next=words)
        return
    if page.slack_id is not None:
        of = f"{number}:{page.asked_at.isoformat()}:{page.nags}"
        telling.tell(session, incident, page.slack_id, PersonSaid.PAGE, of, now, page=number, nag=page.nags)
    words = f"{page.name} is asked again" if page.slack_id is not None else "whoever reads this, can you look?"
    if page.state == PageState.WANTED:
        # Else it was down with us, or the time for the first word was slept through.
        anew = bool(told_instead(session, page))
        told = [*([page.name] if page.slack_id is not None else []), *_tell_others(session, desk, incident, page, now)]
        now_told = f"{'is' if len(told) == 1 else 'are'} told {'again ' if anew else ''}in Slack"
        words = f"PagerDuty does not answer, and is tried again; {f'{listed(told)} {now_told}' if told else _NOBODY}"
    telling.say(session, desk, incident, Said.NO_ANSWER, f"{number}:{page.nags}", now, page=number, next=words)
    page.no_answer_at = now + desk.catalog.paging.no_answer_after
    work.schedule(session, pages.PAGE, number, page.no_answer_at)
    telling.show(session, desk, incident, now)
