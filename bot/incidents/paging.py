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

from bot import audit, work
from bot.alerts.suspects import Confidence
from bot.audit import Tag
from bot.catalog import Service
from bot.deploys.loading import Desk
from bot.gates.wording import listed
from bot.incidents import (
    finding,
    flags,
    naming,
    pages,
    people,
    present,
    roles,
    rooms,
    sending,
    succession,
    telling,
    timeline,
)
from bot.incidents.models import Incident, Likely, Page
from bot.incidents.states import GONE_ON, WAITING, EntryKind, PageState
from bot.incidents.telling import PersonSaid, Said
from bot.incidents.waking import ON_CALL, Plan, Role, Wake, Way, reason_of

NOBODY_ELSE = "nobody else"
"""Whom a “Not mine” wakes where nobody is left to be woken."""

AGAIN_AFTER = timedelta(minutes=30)
"""An incident that is opened again wakes nobody whom it woke within this time."""


def wake(
    session: Session, desk: Desk, incident: Incident, plan: Plan, now: datetime, likely: Likely | None
) -> Sequence[Page]:
    """Wake whom a plan names, each once for an incident; returns the pages that are new.

    Those whom it only mentions are told that they may know something, unless hardly anything speaks for their change
    and somebody else was woken. Of a service that wakes nobody the channel reads whom it would have woken.
    """
    made = [page for one in plan.calls if (page := sending.make(session, incident, one, now, likely)) is not None]
    shadow = [page for page in made if page.state == PageState.SHADOW]
    if shadow:
        numbers = [page.id for page in shadow]
        of = f"{likely.id if likely is not None else 0}:{numbers[0]}"
        if telling.stands(session, desk, incident):  # else its card says so as it is shown first
            telling.say(session, desk, incident, Said.WOULD_WAKE, of, now, pages=numbers)
        for page in shadow:
            sending.enter(session, incident, page, f"{page.name} would have been woken: {page.reason}", now)
    for page in made:
        if page not in shadow:
            sending.send(session, desk, incident, page, now)
    sending.ask_in_slack(session, desk, incident, now)  # whoever was to be called may be told alone (``causes``)
    faint = (
        likely is not None and likely.confidence == Confidence.LOW and any(map(_reached, pages.of(session, incident)))
    )
    if likely is not None and not incident.watched and not faint:
        for person in plan.asked:
            if person.slack_id is not None and person.proven and person.away is None:
                telling.tell(
                    session, incident, person.slack_id, PersonSaid.ASKED, str(likely.id), now,
                    likely=likely.id, why=reason_of(person),
                )  # fmt: skip
    return made


def _reached(page: Page) -> bool:
    """Whether a page is to anybody: not where nobody is known to be on call, and no pager knows either."""
    return page.slack_id is not None or page.way != Way.MESSAGE


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
        sending.put_by(session, page, state)
    return sending.wake_next(
        session, desk, incident, page, now, succession.next_of(session, desk, incident, now, but=page)
    )


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
    leads = lead not in (None, slack_id) and lead not in waiting and not pages.only_named(session, incident)
    if leads and not any(one.slack_id == lead for one in found):
        names.append(people.named(session, desk, lead or ""))
    return names


def let_off(session: Session, page: Page) -> None:
    """Somebody need not answer any more, since it is not theirs and somebody else is on it."""
    sending.put_by(session, page)


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
    every = [one for one in pages.of(session, incident) if one.state != PageState.SHADOW and not pages.is_spent(one)]
    woken = [one for one in every if one.role == Role.ON_CALL]
    if pages.not_ours(incident) or any(one.state != PageState.OVER for one in woken):
        woken = [one for one in woken if one.state != PageState.OVER]
        names = ", ".join(one.name for one in woken) or "Whoever is on call"
        return f"{names} {'was' if len(woken) < 2 else 'were'} woken already."
    if woken:  # before it was resolved, and it goes on
        called = _on_call_anew(session, desk, incident, owner, now) or woken[-1]
        if called.state == PageState.OVER:
            sending.anew(session, desk, incident, called, now)
        return f"{called.name} is called now."
    found = succession.on_call(session, desk, incident, owner, now) or succession.escalation(
        session, desk, incident, owner
    )
    if found is None:
        return f"Nobody could be woken: nobody is known to be on call for {owner.name}."
    return naming.capital(sending.wake_next(session, desk, incident, None, now, succession.Next(found))) + "."


def on_it(
    session: Session, desk: Desk, incident: Incident, slack_id: str, now: datetime, *, at_pager: bool = False
) -> None:
    """Somebody says that they are on it: their page is answered, nobody else is woken in vain, and one leads."""
    mine = [one for one in pages.of(session, incident) if one.slack_id == slack_id and one.state != PageState.SHADOW]
    already = any(page.state == PageState.ANSWERED for page in mine)
    for page in mine:
        answer(session, incident, page, now)
    called = people.named(session, desk, slack_id)
    # Whoever was woken anew, or comes back to what had gone on without them, says something new.
    of = f"slack:{slack_id}{f':{now.isoformat()}' if mine else ''}"
    said = not already and telling.say(
        session, desk, incident, Said.ANSWERED, of, now,
        page=mine[0].id if mine else None, who=slack_id, called=called,
    )  # fmt: skip
    if said:
        where = " in PagerDuty" if at_pager else ""
        timeline.enter(
            session, incident.id or 0, EntryKind.PAGE, f"on_it:{of}", f"{called} is on it{where}", now, who=called
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
    then, and does so now. Where a policy called, whoever is on call now is. The pager's incident of then has ended, and
    another one is opened.
    """
    if incident.pager_ours:
        incident.pager_incident, incident.pager_ours, incident.pager_url = None, False, None
    if pages.not_ours(incident):
        return  # the alert is the pager's own incident: whoever is on call is woken by it
    flags.look_whether_back(session, desk, incident, now)
    found = [
        page
        for page in pages.of(session, incident)
        if page.state not in _NOT_ANEW and not _is_past(session, incident, page) and not pages.is_spent(page)
    ]
    again = _again(incident, found, now)
    owner = pages.owner_of(session, desk, incident)
    by_pager = pages.by_pager(desk, owner)
    for page in found:
        if page not in again and page.state == PageState.OVER and page.way != Way.POLICY:
            work.schedule(session, pages.PAGE, page.id or 0, page.asked_at + AGAIN_AFTER)
    if again and by_pager and not any(page.way != Way.RESPOND for page in again):
        again[0].way = Way.ASSIGN.value  # there is nobody's incident to be asked to
    for page in again:
        if page.way != Way.POLICY:
            sending.anew(session, desk, incident, page, now)
        elif page.pager_user is not None and (page.state == PageState.ANSWERED or page.slack_id == incident.lead):
            page.way, page.reason = Way.ASSIGN.value, "was on it"  # they are; a policy would call whoever it calls now
            sending.anew(session, desk, incident, page, now)
    if not _waits(session, incident) and any(page.way == Way.POLICY for page in again):
        _on_call_anew(session, desk, incident, owner, now)
    if not _waits(session, incident):
        found_next = succession.next_of(session, desk, incident, now, but=None)
        sending.wake_next(session, desk, incident, None, now, found_next)
    if not _waits(session, incident):  # everybody let it go then
        _on_call_anew(session, desk, incident, owner, now)


def _again(incident: Incident, found: Sequence[Page], now: datetime) -> list[Page]:
    """Who of these is woken anew at once: all who were woken long ago, and else one, whoever was on it before all."""
    again = [page for page in found if now >= page.asked_at + AGAIN_AFTER]
    if not any(page.way != Way.RESPOND for page in again):
        first = next((page for page in found if page.slack_id == incident.lead and incident.lead is not None), None)
        first = first or next((page for page in found if page.state == PageState.ANSWERED), None)
        first = first or next((page for page in found if page.way != Way.RESPOND), None)
        return [first, *again] if first is not None and first not in again else again
    return again


def _waits(session: Session, incident: Incident) -> bool:
    """Whether anybody is woken, and waited for, of whom it does not depend on somebody else's being so."""
    return any(page.state in WAITING and page.way != Way.RESPOND for page in pages.of(session, incident))


def begin_anew(session: Session, incident: Incident) -> None:
    """It goes on after its end: who did not answer then is waited for no more, and every policy may be asked again."""
    for page in pages.of(session, incident):
        of_policy = page.state == PageState.FAILED and page.who.startswith(pages.POLICY)
        if of_policy or page.state == PageState.UNANSWERED:
            page.state = PageState.OVER.value
    session.flush()


def _on_call_anew(
    session: Session, desk: Desk, incident: Incident, owner: Service | None, now: datetime
) -> Page | None:
    """Have whoever is on call now called by the policy, as though nobody had been; without the pager, told in Slack."""
    if owner is None:
        return None
    by_pager = pages.by_pager(desk, owner)
    found = people.on_call(session, desk, owner, now, pager=by_pager)
    person, way = found[0] if found else ON_CALL, Way.POLICY if by_pager else Way.MESSAGE
    names = person.names
    every = pages.of(session, incident)
    page = next((one for one in every if one.state != PageState.SHADOW and names & pages.names_of(one)), None)
    if page is None:
        return sending.call(session, desk, incident, Wake(person, way, reason_of(person)), now)
    page.way, page.role, page.reason = way.value, person.role.value, reason_of(person)
    sending.anew(session, desk, incident, page, now)
    return page


def _is_past(session: Session, incident: Incident, page: Page) -> bool:
    """Whether somebody was woken for a change that was out before what fires now, and is not on it: not theirs now."""
    likely = session.get(Likely, page.likely) if page.likely is not None and page.role in pages.AUTHORS else None
    if likely is None or likely.rolled_back_at is None or page.state == PageState.ANSWERED:
        return False
    return page.slack_id != incident.lead and likely.rolled_back_at < present.onset(session, incident)


_NOT_ANEW = frozenset({PageState.SHADOW.value, PageState.FAILED.value, *GONE_ON})
"""Pages of whom nobody is woken by an incident that is opened again."""


def held(session: Session, incident_id: int) -> Incident | None:
    """The incident that goes on, of this number."""
    found = session.get(Incident, incident_id)
    return finding.going_on(session, found) if found is not None else None
