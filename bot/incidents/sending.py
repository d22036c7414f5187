"""One page leaves: by the pager, before all else, and in Slack; what is kept of it, and what follows then."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlmodel import Session

from bot import audit, outbox, work
from bot.audit import Tag
from bot.deploys.loading import Desk
from bot.incidents import pages, rooms, succession, telling, timeline
from bot.incidents.models import Incident, Likely, Page
from bot.incidents.states import WAITING, EntryKind, PageState
from bot.incidents.telling import PersonSaid, Said
from bot.incidents.waking import Wake, Way
from bot.outbox import Lane

CALLS = frozenset({Way.ASSIGN.value, Way.POLICY.value})
"""Ways by which the pager is to call somebody."""

LEAVES_WITHIN = timedelta(seconds=30)
"""A call that has not left by then is said not to have, and others are told in Slack."""


def make(session: Session, incident: Incident, wake: Wake, now: datetime, likely: Likely | None) -> Page | None:
    """The page of one person for an incident; None where they were woken for it before."""
    person = wake.person
    page = next((one for one in pages.of(session, incident) if person.names & pages.names_of(one)), None)
    if page is not None and not pages.is_spent(page) and (page.state != PageState.SHADOW or wake.way is Way.SHADOW):
        return None
    if page is None:
        page = Page(
            incident=incident.id or 0, who=person.who, slack_id=person.slack_id, pager_user=person.pager_user,
            name=person.name, role=person.role.value, way=wake.way.value, reason=wake.reason, asked_at=now,
        )  # fmt: skip
        session.add(page)
    page.way, page.reason, page.role, page.asked_at = wake.way.value, wake.reason, person.role.value, now
    page.sent_at = page.pager_incident = None
    page.likely = likely.id if likely is not None else None
    page.state = PageState.SHADOW.value if wake.way is Way.SHADOW else PageState.WANTED.value
    session.flush()
    return page


def anew(session: Session, desk: Desk, incident: Incident, page: Page, now: datetime) -> None:
    """Wake somebody again who was woken before it was resolved: the pager's incident of then has ended."""
    if incident.pager_ours:
        incident.pager_incident, incident.pager_ours, incident.pager_url = None, False, None
    page.state, page.asked_at, page.nags = PageState.WANTED.value, now, 0
    page.pager_incident, page.sent_at, page.answered_at = None, None, None
    session.flush()
    send(session, desk, incident, page, now, of=now.isoformat())


def send(session: Session, desk: Desk, incident: Incident, page: Page, now: datetime, *, of: str = "") -> None:
    """Have a page leave: by the pager, before all else, and in Slack. ``of`` tells it from the same page before."""
    number = page.id or 0
    way = Way(page.way)
    if way in CALLS:
        key = f"{pages.PAGE}:{number}"
        if not outbox.add_effect(session, pages.PAGE, key, now, lane=Lane.PAGE, page=number):
            outbox.rearm_effect(session, key)
    elif way is Way.RESPOND:
        ask_responders(session, incident, now)
    else:
        page.state, page.sent_at = PageState.SENT.value, now
    audit.record(
        session, Tag.PAGE_SENT, f"incident:{incident.id}", now, who=page.who, page=page.id, way=page.way, role=page.role
    )
    calls = way in CALLS
    did = "is called" if calls else "is asked to come" if way is Way.RESPOND else "was woken in Slack"
    if way is Way.MESSAGE and page.slack_id is None:
        did = "could not be told, since nobody is known in Slack"
    enter(session, incident, page, f"{page.name} {did}: {page.reason}", now, of)
    if page.slack_id is not None:
        telling.tell(session, incident, page.slack_id, PersonSaid.PAGE, f"{number}:{of}", now, page=number, nag=0)
        rooms.let_in(session, desk, incident, [page.slack_id], now)
    # That somebody was called is said once the call has left, together with who is asked to come to it.
    if not calls and (way is not Way.RESPOND or incident.pager_incident is not None):
        telling.say(session, desk, incident, Said.PAGED, f"{number}:{of}", now, page=number)
    page.no_answer_at = None
    if way is not Way.RESPOND:  # nobody waits for a second answer
        page.no_answer_at = now + desk.catalog.paging.no_answer_after
        looks = min(page.no_answer_at, now + LEAVES_WITHIN) if calls else page.no_answer_at
        work.schedule(session, pages.PAGE, number, looks)


def woken(session: Session, desk: Desk, incident: Incident, page: Page, now: datetime) -> None:
    """A call has left: only now is it said that somebody was woken, by the name that the pager gave.

    Whoever waits to be asked to it is named in the same breath, wherever that is said.
    """
    of = f"{page.id}:{page.asked_at.isoformat()}"
    text, number = f"{page.name} was woken: {page.reason}", incident.id or 0
    called = (f"page:{page.id}:{page.way}:{again}" for again in (page.asked_at.isoformat(), ""))
    if not any(timeline.became(session, number, key, text, now) for key in called):  # one line for one call
        timeline.enter(session, number, EntryKind.PAGE, f"woken:{of}", text, now)
    every = pages.of(session, incident)
    asked = [one for one in every if one.way == Way.RESPOND and one.state == PageState.WANTED]
    waiting = [one.id for one in asked if not _said_of(session, incident, one)]
    telling.say(session, desk, incident, Said.PAGED, of, now, page=page.id, pages=waiting)


def _said_of(session: Session, incident: Incident, page: Page) -> bool:
    """Whether it was said already that somebody is asked to come: to a call that had left before theirs was wanted."""
    return any(
        outbox.noted(session, telling.key_of(incident, Said.PAGED, f"{page.id}:{of}"))
        for of in ("", page.asked_at.isoformat())
    )


def ask_in_slack(session: Session, desk: Desk, incident: Incident, now: datetime) -> None:
    """Where no call has left or will, to which others could be asked: they have only been told in Slack, as is said."""
    every = pages.of(session, incident)
    if incident.pager_incident is not None or any(one.way in CALLS and one.state in WAITING for one in every):
        return
    for page in every:
        if page.way == Way.RESPOND and page.state == PageState.WANTED:
            page.way, page.state, page.sent_at = Way.MESSAGE.value, PageState.SENT.value, now
            of = f"{page.id}:{page.asked_at.isoformat()}:told"
            telling.say(session, desk, incident, Said.PAGED, of, now, page=page.id)
    session.flush()


def wake_next(
    session: Session, desk: Desk, incident: Incident, page: Page | None, now: datetime, found: succession.Next | None
) -> str:
    """Wake whoever was found to come next; returns what is done, in words."""
    if found is None:
        return "nobody else can be woken"
    called = succession.named(session, desk, incident, found.wake.person)
    made = call(session, desk, incident, found.wake, now, found.likely)
    if made is None:
        return f"{called} was woken already"
    return f"{called} is {'called' if made.way in CALLS else 'woken'} now"


def call(
    session: Session, desk: Desk, incident: Incident, wake: Wake, now: datetime, likely: Likely | None = None
) -> Page | None:
    """Wake somebody, and show it; None where they were woken for it before."""
    made = make(session, incident, wake, now, likely)
    if made is not None:
        send(session, desk, incident, made, now)
        session.flush()
        telling.show(session, desk, incident, now)
    return made


def ask_responders(session: Session, incident: Incident, now: datetime) -> None:
    """Ask those who wait for the pager's incident to be there, once it is."""
    if incident.pager_incident is None:
        return
    for page in pages.of(session, incident):
        if page.way == Way.RESPOND and page.state == PageState.WANTED:
            key = f"{pages.RESPOND}:{page.id}"
            if not outbox.add_effect(session, pages.RESPOND, key, now, lane=Lane.PAGE, page=page.id):
                outbox.rearm_effect(session, key)


def enter(session: Session, incident: Incident, page: Page, text: str, now: datetime, of: str = "") -> None:
    """Enter into the timeline what became of a page."""
    timeline.enter(session, incident.id or 0, EntryKind.PAGE, f"page:{page.id}:{page.way}:{of}", text, now)


def put_by(session: Session, page: Page, state: PageState = PageState.PASSED_ON) -> None:
    """A page is nobody's to answer any more: its time is looked at no longer."""
    page.state = state.value
    work.cancel(session, pages.PAGE, page.id or 0)
