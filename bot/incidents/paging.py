"""Waking people: each once for an incident, by whatever way there is; who comes next where they do not answer.

Everything here writes what is wanted, in the transaction that calls for it; ``bot.outgoing.paging`` has it done and
comes back to ``bot.incidents.answering``. Whoever is woken is told in Slack as well, whatever the pager does, and
muting mutes none of it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlmodel import Session

from bot import audit, outbox, work
from bot.audit import Tag
from bot.deploys.loading import Desk
from bot.gates.wording import listed
from bot.incidents import finding, naming, pages, people, roles, rooms, succession, telling, timeline
from bot.incidents.models import Incident, Likely, Page
from bot.incidents.states import GONE_ON, EntryKind, PageState, State
from bot.incidents.telling import PersonSaid, Said
from bot.incidents.waking import Plan, Role, Wake, Way, reason_of
from bot.outbox import Lane

NOBODY_ELSE = "nobody else"
"""Whom a “Not mine” wakes where nobody is left to be woken."""

WAITING = frozenset({PageState.WANTED.value, PageState.SENT.value})
"""Where a page stands that nobody has answered."""

CALLS = frozenset({Way.ASSIGN.value, Way.POLICY.value})
"""Ways by which the pager is to call somebody."""

LEAVES_WITHIN = timedelta(seconds=30)
"""A call that has not left by then is said not to have, and others are told in Slack."""

MOST_NAGS = 3
"""How often somebody is asked again in Slack who cannot be woken otherwise."""

AGAIN_AFTER = timedelta(minutes=30)
"""An incident that is opened again wakes nobody whom it woke within this time."""


def wake(
    session: Session, desk: Desk, incident: Incident, plan: Plan, now: datetime, likely: Likely | None
) -> Sequence[Page]:
    """Wake whom a plan names, each once for an incident; returns the pages that are new.

    Those whom it only mentions are told that they may know something. Of a service that wakes nobody the channel reads
    whom it would have woken.
    """
    made = [page for one in plan.calls if (page := _page(session, incident, one, now, likely)) is not None]
    shadow = [page for page in made if page.state == PageState.SHADOW]
    if shadow:
        numbers = [page.id for page in shadow]
        of = f"{likely.id if likely is not None else 0}:{numbers[0]}"
        telling.say(session, desk, incident, Said.WOULD_WAKE, of, now, pages=numbers)
        for page in shadow:
            _enter(session, incident, page, f"{page.name} would have been woken: {page.reason}", now)
    for page in made:
        if page not in shadow:
            _send(session, desk, incident, page, now)
    if likely is not None and not incident.watched and plan.asked:
        for person in plan.asked:
            if person.slack_id is not None and person.proven:
                telling.tell(
                    session, incident, person.slack_id, PersonSaid.ASKED, str(likely.id), now,
                    likely=likely.id, why=reason_of(person),
                )  # fmt: skip
    return made


def pass_on(
    session: Session,
    desk: Desk,
    incident: Incident,
    page: Page | None,
    now: datetime,
    state: PageState = PageState.PASSED_ON,
) -> str:
    """Wake whoever is next, since this page is not theirs or was not answered; returns who that is, in words."""
    if page is not None and page.state != PageState.FAILED:
        _put_by(session, page, state)
    return _wake_next(session, desk, incident, page, now, succession.next_of(session, desk, incident, now, but=page))


def escalate(session: Session, desk: Desk, incident: Incident, page: Page, now: datetime) -> str:
    """Nobody answered a page: the team's escalation policy is asked, or whoever is on call; returns who, in words."""
    found = succession.next_of(session, desk, incident, now, but=page, escalating=True)
    if found is not None:
        _put_by(session, page, PageState.UNANSWERED)
    elif page.way == Way.POLICY:
        return "PagerDuty goes on by its escalation policy"
    return _wake_next(session, desk, incident, page, now, found)


def next_words(session: Session, desk: Desk, incident: Incident) -> str:
    """Whom a “Not mine” about the likeliest change would wake: a name; “nobody else” where there is nobody."""
    found = succession.next_of(session, desk, incident, desk.now, but=None, passing=True)
    return succession.named(session, desk, incident, found.wake.person) if found is not None else NOBODY_ELSE


def mark_of(words: str) -> str:
    """A mark of whom a button names, to be carried by its value: by it a stale one is known."""
    return hashlib.sha256(words.encode()).hexdigest()[:8]


def on_it_besides(session: Session, desk: Desk, incident: Incident, slack_id: str) -> list[str]:
    """Who is on it other than this person, by name."""
    found = pages.of(session, incident)
    names = [one.name for one in found if one.state == PageState.ANSWERED and one.slack_id != slack_id]
    lead = incident.lead
    waiting = {one.slack_id for one in found if one.state in WAITING}
    if lead not in (None, slack_id) and lead not in waiting and not any(one.slack_id == lead for one in found):
        names.append(people.named(session, desk, lead or ""))
    return names


def let_off(session: Session, page: Page) -> None:
    """Somebody need not answer any more, since it is not theirs and somebody else is on it."""
    _put_by(session, page)


def woken_words(session: Session, desk: Desk, incident: Incident) -> str:
    """Who is called for an incident, in a sentence for whoever opened it; that nobody was, and what wakes somebody."""
    called = [page.name for page in pages.of(session, incident) if page.state in WAITING]
    if called:
        return f"{naming.capital(listed(called))} {'is' if len(called) == 1 else 'are'} called."
    owner = pages.owner_of(session, desk, incident)
    if owner is None:
        return "Nobody was woken: it is of no service. Name people in its room."
    found = people.on_call(session, desk, owner, desk.now, pager=pages.by_pager(desk, owner))
    who = listed([one.name for one in found[:1]]) or "whoever is on call"
    return f"Nobody was woken: the button on its card wakes {who}."


def wake_on_call(session: Session, desk: Desk, incident: Incident, now: datetime) -> str:
    """Wake whoever is on call now, because somebody asks for it; returns what they are told."""
    owner = pages.owner_of(session, desk, incident)
    if owner is None:
        return f"{naming.called(incident)} is of no service, so nobody is on call for it: name people in its room."
    woken = [one for one in pages.of(session, incident) if one.state != PageState.SHADOW and one.role == Role.ON_CALL]
    if pages.not_ours(incident) or any(one.state != PageState.OVER for one in woken):
        names = ", ".join(one.name for one in woken) or "Whoever is on call"
        return f"{names} {'was' if len(woken) < 2 else 'were'} woken already."
    if woken:  # before it was resolved, and it goes on
        _anew(session, desk, incident, woken[-1], now)
        return f"{woken[-1].name} is called now."
    found = succession.on_call(session, desk, incident, owner, now) or succession.escalation(
        session, desk, incident, owner
    )
    if found is None:
        return f"Nobody could be woken: nobody is known to be on call for {owner.name}."
    return naming.capital(_wake_next(session, desk, incident, None, now, succession.Next(found))) + "."


def on_it(
    session: Session, desk: Desk, incident: Incident, slack_id: str, now: datetime, *, at_pager: bool = False
) -> None:
    """Somebody says that they are on it: their page is answered, nobody else is woken in vain, and one leads."""
    mine = [one for one in pages.of(session, incident) if one.slack_id == slack_id and one.state != PageState.SHADOW]
    for page in mine:
        answer(session, incident, page, now)
    called = people.named(session, desk, slack_id)
    said = telling.say(
        session, desk, incident, Said.ANSWERED, f"slack:{slack_id}", now,
        page=mine[0].id if mine else None, who=slack_id, called=called,
    )  # fmt: skip
    if said:
        where = " in PagerDuty" if at_pager else ""
        timeline.enter(
            session, incident.id or 0, EntryKind.PAGE, f"on_it:{slack_id}", f"{called} is on it{where}", now, who=called
        )
    if incident.lead is None:
        roles.take(session, desk, incident, "lead", slack_id, now)
    rooms.let_in(session, desk, incident, [slack_id], now)
    hush(session, incident)
    if not at_pager:
        pages.acknowledge(session, incident, now)
    telling.show(session, desk, incident, now)


def answer(session: Session, incident: Incident, page: Page, now: datetime) -> None:
    """A page was answered: it is looked at no more."""
    if page.state in (PageState.ANSWERED.value, PageState.OVER.value):
        return
    page.state, page.answered_at = PageState.ANSWERED.value, now
    work.cancel(session, pages.PAGE, page.id or 0)
    audit.record(session, Tag.PAGE_ANSWERED, f"incident:{incident.id}", now, who=page.who, page=page.id)


def hush(session: Session, incident: Incident) -> None:
    """Somebody is on it: no page is passed on by itself any more."""
    for page in pages.of(session, incident):
        if page.state in WAITING:
            work.cancel(session, pages.PAGE, page.id or 0)


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
        _anew(session, desk, incident, page, now)
        return
    until = page.no_answer_at
    if page.state == PageState.WANTED and page.way in CALLS and until is not None and now < until:
        _unreached(session, desk, incident, page, now)
        work.schedule(session, pages.PAGE, page_id, until)
    elif page.state == PageState.SENT and page.pager_incident is not None:
        key = f"{pages.ESCALATE}:{page_id}"
        if not outbox.add_effect(session, pages.ESCALATE, key, now, lane=Lane.PAGE, page=page_id):
            outbox.rearm_effect(session, key)
    else:
        _nag(session, desk, incident, page, now)


def over(session: Session, incident: Incident, now: datetime) -> None:
    """An incident ended: whoever has not answered need not any more, and what we opened at the pager is ended."""
    ours = []
    for page in pages.of(session, incident):
        if page.state in WAITING:
            page.state = PageState.OVER.value
        work.cancel(session, pages.PAGE, page.id or 0)
        if page.pager_incident is not None and (page.pager_incident != incident.pager_incident or incident.pager_ours):
            ours.append(page.pager_incident)
    for number in dict.fromkeys(ours):
        pages.resolve(session, number, now)


def reopened(session: Session, desk: Desk, incident: Incident, now: datetime) -> None:
    """An alert opened it again: whoever was woken long ago is woken again, and whoever was on it at once; never nobody.

    Whoever never answered is woken again once that is long ago. Not somebody who passed it on: it went to somebody else
    then, and does so now. The pager's incident of then has ended, and another one is opened.
    """
    if incident.pager_ours:
        incident.pager_incident, incident.pager_ours, incident.pager_url = None, False, None
    if pages.not_ours(incident):
        return  # the alert is the pager's own incident: whoever is on call is woken by it
    found = [page for page in pages.of(session, incident) if page.state not in _NOT_ANEW]
    again = [page for page in found if now >= page.asked_at + AGAIN_AFTER]
    if not any(page.way != Way.RESPOND for page in again):
        first = next((page for page in found if page.slack_id == incident.lead and incident.lead is not None), None)
        first = first or next((page for page in found if page.state == PageState.ANSWERED), None)
        first = first or next((page for page in found if page.way != Way.RESPOND), None)
        again = [first, *again] if first is not None and first not in again else again
    by_pager = pages.by_pager(desk, pages.owner_of(session, desk, incident))
    for page in found:
        if page not in again and page.state == PageState.OVER:
            work.schedule(session, pages.PAGE, page.id or 0, page.asked_at + AGAIN_AFTER)
    if again and by_pager and not any(page.way != Way.RESPOND for page in again):
        again[0].way = Way.ASSIGN.value  # there is nobody's incident to be asked to
    for page in again:
        _anew(session, desk, incident, page, now)
    if not again:
        _wake_next(session, desk, incident, None, now, succession.next_of(session, desk, incident, now, but=None))


_NOT_ANEW = frozenset({PageState.SHADOW.value, PageState.FAILED.value, *GONE_ON})
"""Pages of whom nobody is woken by an incident that is opened again."""


# --- inside -------------------------------------------------------------------------------------------------------


def _page(session: Session, incident: Incident, wake: Wake, now: datetime, likely: Likely | None) -> Page | None:
    """The page of one person for an incident; None where they were woken for it before."""
    person = wake.person
    page = next((one for one in pages.of(session, incident) if person.names & pages.names_of(one)), None)
    if page is not None and (page.state != PageState.SHADOW or wake.way is Way.SHADOW):
        return None
    if page is None:
        page = Page(
            incident=incident.id or 0, who=person.who, slack_id=person.slack_id, pager_user=person.pager_user,
            name=person.name, role=person.role.value, way=wake.way.value, reason=wake.reason, asked_at=now,
        )  # fmt: skip
        session.add(page)
    page.way, page.reason, page.role, page.asked_at = wake.way.value, wake.reason, person.role.value, now
    page.likely = likely.id if likely is not None else None
    page.state = PageState.SHADOW.value if wake.way is Way.SHADOW else PageState.WANTED.value
    session.flush()
    return page


def _anew(session: Session, desk: Desk, incident: Incident, page: Page, now: datetime) -> None:
    """Wake somebody again who was woken before it was resolved: the pager's incident of then has ended."""
    if incident.pager_ours:
        incident.pager_incident, incident.pager_ours, incident.pager_url = None, False, None
    page.state, page.asked_at, page.nags = PageState.WANTED.value, now, 0
    page.pager_incident, page.sent_at, page.answered_at = None, None, None
    session.flush()
    _send(session, desk, incident, page, now, of=now.isoformat())


def _send(session: Session, desk: Desk, incident: Incident, page: Page, now: datetime, *, of: str = "") -> None:
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
    _enter(session, incident, page, f"{page.name} {did}: {page.reason}", now, of)
    if page.slack_id is not None:
        telling.tell(session, incident, page.slack_id, PersonSaid.PAGE, f"{number}:{of}", now, page=number, nag=0)
        rooms.let_in(session, desk, incident, [page.slack_id], now)
    if not calls:  # that somebody was woken is said once the call has left
        telling.say(session, desk, incident, Said.PAGED, f"{number}:{of}", now, page=number)
    page.no_answer_at = None
    if way is not Way.RESPOND:  # nobody waits for a second answer
        page.no_answer_at = now + desk.catalog.paging.no_answer_after
        looks = min(page.no_answer_at, now + LEAVES_WITHIN) if calls else page.no_answer_at
        work.schedule(session, pages.PAGE, number, looks)


def woken(session: Session, desk: Desk, incident: Incident, page: Page, now: datetime) -> None:
    """A call has left: only now is it said that somebody was woken, by the name that the pager gave."""
    of = f"{page.id}:{page.asked_at.isoformat()}"
    timeline.enter(
        session, incident.id or 0, EntryKind.PAGE, f"woken:{of}", f"{page.name} was woken: {page.reason}", now
    )
    telling.say(session, desk, incident, Said.PAGED, of, now, page=page.id)


def _unreached(session: Session, desk: Desk, incident: Incident, page: Page, now: datetime) -> None:
    """A call has not left within the time that it may take: that is said aloud, and others are told in Slack."""
    told = _tell_others(session, desk, incident, page, now)
    words = f"{listed(told)} {'is' if len(told) == 1 else 'are'} told in Slack" if told else "nobody is known to tell"
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


def ask_responders(session: Session, incident: Incident, now: datetime) -> None:
    """Ask those who wait for the pager's incident to be there, once it is."""
    if incident.pager_incident is None:
        return
    for page in pages.of(session, incident):
        if page.way == Way.RESPOND and page.state == PageState.WANTED:
            key = f"{pages.RESPOND}:{page.id}"
            if not outbox.add_effect(session, pages.RESPOND, key, now, lane=Lane.PAGE, page=page.id):
                outbox.rearm_effect(session, key)


def _enter(session: Session, incident: Incident, page: Page, text: str, now: datetime, of: str = "") -> None:
    timeline.enter(session, incident.id or 0, EntryKind.PAGE, f"page:{page.id}:{page.way}:{of}", text, now)


def _put_by(session: Session, page: Page, state: PageState = PageState.PASSED_ON) -> None:
    page.state = state.value
    work.cancel(session, pages.PAGE, page.id or 0)


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
    words = f"{page.name} is asked again"
    if page.state == PageState.WANTED:
        told = [*([page.name] if page.slack_id is not None else []), *_tell_others(session, desk, incident, page, now)]
        again = f"{listed(told)} {'is' if len(told) == 1 else 'are'} told again in Slack" if told else "nobody is known"
        words = f"PagerDuty does not answer, and is tried again; {again}"
    telling.say(session, desk, incident, Said.NO_ANSWER, f"{number}:{page.nags}", now, page=number, next=words)
    page.no_answer_at = now + desk.catalog.paging.no_answer_after
    work.schedule(session, pages.PAGE, number, page.no_answer_at)
    telling.show(session, desk, incident, now)


def _wake_next(
    session: Session, desk: Desk, incident: Incident, page: Page | None, now: datetime, found: succession.Next | None
) -> str:
    if found is None:
        return "nobody else can be woken"
    called = succession.named(session, desk, incident, found.wake.person)
    made = _page(session, incident, found.wake, now, found.likely)
    if made is None:
        return f"{called} was woken already"
    _send(session, desk, incident, made, now)
    session.flush()
    telling.show(session, desk, incident, now)
    return f"{called} is {'called' if made.way in CALLS else 'woken'} now"


def held(session: Session, incident_id: int) -> Incident | None:
    """The incident that goes on, of this number."""
    found = session.get(Incident, incident_id)
    return finding.going_on(session, found) if found is not None else None
