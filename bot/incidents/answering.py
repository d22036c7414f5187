"""What comes back about pages: that they left, that they could not, that somebody answered, or that nobody did."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlmodel import Session, col, select

from bot import work
from bot.deploys.loading import Desk
from bot.events import PagerAnswered, PagerSaid
from bot.incidents import (
    finding,
    pages,
    paging,
    people,
    present,
    reaching,
    rooms,
    sending,
    telling,
    timeline,
    unanswered,
)
from bot.incidents.models import Incident, Page
from bot.incidents.plain import opens
from bot.incidents.states import EXHAUSTED, GONE_ON, WAITING, EntryKind, PageState, State
from bot.incidents.telling import Said
from bot.incidents.waking import Way
from bot.ports import Call, Paged, PagerState, Reached


@dataclass(frozen=True)
class Leaving:
    """What the pager is asked for a page: to be called, or where ``incident`` is set to escalate that by ``policy``.

    ``by_name``: one person is called, who is looked up there by ``email`` where ``call`` does not name them yet.
    """

    call: Call
    by_name: bool
    email: str | None = None
    incident: str | None = None
    policy: str | None = None
    """Empty: the pager's incident's own policy."""
    rung: tuple[str, ...] = ()
    """Whose phones rang already."""

    def calling(self, user: str | None) -> Call:
        """The call, to this person of the pager's; None: by the policy."""
        return replace(self.call, user=user)


@dataclass(frozen=True)
class Asking:
    """Somebody is asked to the pager's incident ``incident``."""

    incident: str
    user: str | None
    email: str | None
    message: str


def leaving(session: Session, desk: Desk, page_id: int) -> Leaving | None:
    """What is asked of the pager for a page at this moment; None where nobody needs to be woken by it any more."""
    page, incident = _open(session, page_id)
    if page is None or incident is None or page.state != PageState.WANTED or page.way not in (Way.ASSIGN, Way.POLICY):
        return None
    owner = pages.owner_of(session, desk, incident)
    by_policy = page.way == Way.POLICY
    policy = page.who.removeprefix(pages.POLICY) if page.who.startswith(pages.POLICY) else None
    alert = next(iter(present.alerts(session, incident)), None)
    call = Call(
        key=pages.key_of(incident, page),
        service=(owner.pagerduty_service if owner is not None else None) or "",
        user=None if by_policy else page.pager_user,
        policy=policy or None,
        title=pages.title_of(session, desk, incident, page),
        details=pages.details_of(
            session, desk, incident, page, unanswered.then_words(session, desk, incident, page, leaves=True)
        ),
        url=alert.url if alert is not None and opens(alert.url) else None,
    )
    email = None if by_policy or page.pager_user is not None else people.email_of(session, desk, page.slack_id)
    standing = incident.pager_incident if policy is not None else None
    rung = tuple(
        one.pager_user
        for one in pages.of(session, incident)
        if one.pager_user and one.id != page.id and one.state != PageState.OVER  # that was before it was opened again
    )
    return Leaving(call, not by_policy, email, standing, policy, rung)


def asking(session: Session, desk: Desk, page_id: int) -> Asking | None:
    """To what somebody is asked besides the one who was woken; None where they need not be any more."""
    page, incident = _open(session, page_id)
    if page is None or incident is None or page.state != PageState.WANTED or incident.pager_incident is None:
        return None
    message = f"{pages.title_of(session, desk, incident, page)}. You are asked because you {page.reason}."
    email = None if page.pager_user is not None else people.email_of(session, desk, page.slack_id)
    return Asking(incident.pager_incident, page.pager_user, email, message)


def looking(session: Session, page_id: int) -> str | None:
    """The pager's incident that is asked about, since nobody has answered a page; None where that does not matter."""
    page, incident = _open(session, page_id)
    if page is None or incident is None or page.state != PageState.SENT or pages.answered(session, incident):
        return None
    return page.pager_incident


def sent(session: Session, desk: Desk, page_id: int, paged: Paged, user: str | None, now: datetime) -> None:
    """A page has left. What went to whoever came before is ended at the pager only now: nobody is without a page."""
    page = session.get(Page, page_id)
    incident = session.get(Incident, page.incident) if page is not None else None
    if page is None or incident is None:
        return
    page.pager_incident, page.pager_user = paged.incident, user or page.pager_user
    first_time = page.sent_at is None
    page.sent_at = page.sent_at or now
    going_on = finding.going_on(session, incident)
    if going_on.state != State.OPEN or page.state == PageState.OVER:
        pages.resolve(session, paged.incident, now)  # it ended while the call was on its way
        return
    if not pages.not_ours(going_on) or going_on.pager_incident == paged.incident:
        own = going_on.pager_incident == paged.incident and not going_on.pager_ours
        going_on.pager_incident, going_on.pager_ours = paged.incident, not own
        going_on.pager_url = paged.url or going_on.pager_url
    if page.state == PageState.WANTED:
        page.state = PageState.SENT.value
        page.no_answer_at = now + desk.catalog.paging.no_answer_after
        work.schedule(session, pages.PAGE, page_id, page.no_answer_at)
    elif pages.answered(session, going_on):  # in Slack, while the call was on its way
        pages.acknowledge(session, going_on, now)
    if page.way == Way.POLICY:
        reaching.reached(session, desk, going_on, page, paged.reached, now)
        reaching.of_others(session, page, paged.reached)
    if first_time and page.state not in (PageState.PASSED_ON, PageState.OVER):
        sending.woken(session, desk, going_on, page, now)
    for number in _given_up(session, incident):
        if number != paged.incident:
            pages.resolve(session, number, now)
    if going_on.room_name is not None and going_on.room is not None:
        pages.note(session, going_on, f"room:{paged.incident}", f"In Slack: #{going_on.room_name}", now)
    sending.ask_responders(session, incident, now)
    rooms.links_changed(session, going_on, now)
    telling.show(session, desk, going_on, now)


def failed(session: Session, desk: Desk, page_id: int, why: str, now: datetime) -> None:
    """A page cannot be sent: whoever is next is woken at once, and that is said aloud."""
    page, incident = _open(session, page_id)
    if page is None or incident is None or page.state != PageState.WANTED:
        return
    page.state = PageState.FAILED.value
    work.cancel(session, pages.PAGE, page_id)
    session.flush()
    words = paging.pass_on(session, desk, incident, page, now)
    of = f"{page_id}:{page.asked_at.isoformat()}"
    telling.say(session, desk, incident, Said.PAGE_FAILED, of, now, page=page_id, why=why[:300], next=words)
    timeline.enter(
        session, incident.id or 0, EntryKind.PAGE, f"page_failed:{of}",
        f"{page.name} could not be woken ({why[:300]}): {words}", now,
    )  # fmt: skip
    sending.ask_in_slack(session, desk, incident, now)
    telling.show(session, desk, incident, now)


def exhausted(session: Session, desk: Desk, page_id: int, now: datetime) -> None:
    """The policy that is asked has nobody left whom it has not called: it goes on calling them, and others are told.

    Whoever it went on from last is called still, so that theirs is no page that went to somebody else.
    """
    page, incident = _open(session, page_id)
    if page is None or incident is None or page.state != PageState.WANTED:
        return
    page.state, page.reason = PageState.FAILED.value, EXHAUSTED
    work.cancel(session, pages.PAGE, page_id)
    session.flush()
    words = paging.pass_on(session, desk, incident, page, now)
    rung = (one for one in pages.of(session, incident) if one.way == Way.POLICY and one.state != PageState.OVER)
    called = sorted((one for one in rung if one.sent_at is not None), key=lambda one: one.sent_at or now)
    if called and called[-1].state == PageState.UNANSWERED:
        called[-1].state, called[-1].no_answer_at = PageState.SENT.value, None
        session.flush()
    still = f"PagerDuty goes on calling {called[-1].name}" if called else "PagerDuty has nobody else to call"
    of = f"{page_id}:{page.asked_at.isoformat()}:exhausted"
    telling.say(session, desk, incident, Said.EXHAUSTED, of, now, page=page_id, called=page.name, next=words, why=still)
    text = f"{page.name} {page.reason}: {still}, {words}"
    timeline.enter(session, incident.id or 0, EntryKind.PAGE, f"exhausted:{of}", text, now)
    telling.show(session, desk, incident, now)


def asked(session: Session, desk: Desk, page_id: int, *, done: bool, user: str | None, now: datetime) -> None:
    """Somebody was asked to the pager's incident, or (not ``done``) has only been told in Slack, where it cannot."""
    page, incident = _open(session, page_id)
    if page is None or incident is None or page.state != PageState.WANTED:
        return
    page.state, page.sent_at, page.pager_user = PageState.SENT.value, now, user or page.pager_user
    if done:
        page.pager_incident = incident.pager_incident
    else:
        page.way = Way.MESSAGE.value
    telling.show(session, desk, incident, now)


def looked(session: Session, desk: Desk, page_id: int, state: PagerState | None, now: datetime) -> None:
    """How the pager's incident stood whose page nobody had answered here; None: nobody can tell, so it is passed on."""
    page, incident = _open(session, page_id)
    if page is None or incident is None or page.state != PageState.SENT or pages.answered(session, incident):
        return
    if state is not None and state.acknowledged_by:
        for user in state.acknowledged_by:
            _answered(session, desk, incident, page, user, None, now)
        return
    if state is not None and state.resolved:
        paging.answer(session, incident, page, now)
        return
    words = unanswered.escalate(session, desk, incident, page, now)
    of = f"{page_id}:{(page.sent_at or page.asked_at).isoformat()}"  # a policy may call them more than once
    telling.say(session, desk, incident, Said.NO_ANSWER, of, now, page=page_id, next=words)
    timeline.enter(
        session, incident.id or 0, EntryKind.PAGE, f"no_answer:{of}", f"{page.name} did not answer: {words}", now
    )
    telling.show(session, desk, incident, now)


def pager_answered(session: Session, desk: Desk, event: PagerAnswered, now: datetime) -> None:
    """The pager tells how one of its incidents stands; one that is none of ours and of no alert of ours is nothing."""
    incident, page = _meant(session, event)
    if incident is None:
        return
    going_on = finding.going_on(session, incident)
    slack_id, name = people.by_pager(session, desk, event.user) if event.user is not None else (None, None)
    called = name or event.name or (page.name if page is not None else None) or "somebody"
    did = _DID[event.said]
    if event.said is PagerSaid.RESOLVED and event.incident != going_on.pager_incident:
        did = "ended a page that had been passed on,"
    key = f"pager:{event.incident}:{event.said.value}:{event.user}:{event.at.isoformat()}"
    if not timeline.enter(
        session,
        going_on.id or 0,
        EntryKind.PAGE,
        key,
        f"{called} {did} in PagerDuty",
        event.at,
        who=called,
    ):
        return
    if event.said in (PagerSaid.ACKNOWLEDGED, PagerSaid.ACCEPTED):
        if going_on.state == State.OPEN:
            _answered(session, desk, going_on, page, event.user, event.name, event.at, slack_id)
    elif event.said is PagerSaid.DECLINED and page is not None and page.state in WAITING and _is(page, event):
        _declined(session, desk, going_on, page, now)
    elif event.said is PagerSaid.RESOLVED and page is not None and page.state in WAITING:
        if page.pager_incident in (None, event.incident):
            paging.answer(session, going_on, page, event.at)
    elif event.said in _HANDED_OVER and event.user is not None and going_on.state == State.OPEN:
        reaching.handed_over(session, going_on, event.incident, event.user, event.at, _HANDED_OVER[event.said])
        if going_on.pager_incident in (None, event.incident):
            reaching.reached(session, desk, going_on, page, [Reached(event.user, event.name)], now, event.at)
    session.flush()
    telling.show(session, desk, going_on, now)


# --- inside -------------------------------------------------------------------------------------------------------

_HANDED_OVER = {PagerSaid.ESCALATED: PageState.UNANSWERED, PagerSaid.REASSIGNED: PageState.PASSED_ON}
"""What the pager tells of somebody to whom its incident went, and where the page of whoever had it stands then."""

_DID = {
    PagerSaid.ACKNOWLEDGED: "acknowledged the page",
    PagerSaid.RESOLVED: "resolved the page",
    PagerSaid.DECLINED: "declined to respond",
    PagerSaid.ACCEPTED: "is coming to respond",
    PagerSaid.REASSIGNED: "was given the page",
    PagerSaid.ESCALATED: "was reached by escalation",
    PagerSaid.REOPENED: "opened the page again",
}


def _given_up(session: Session, incident: Incident) -> Sequence[str]:
    """The pager's incidents of those who passed on, where nobody is on it by them, and nobody is waited for."""
    found = pages.of(session, incident)
    kept = {
        one.pager_incident
        for one in found
        if one.state == PageState.ANSWERED or (one.way != Way.RESPOND and one.state in WAITING)
    }
    gone = (one.pager_incident for one in found if one.state in GONE_ON and one.way != Way.RESPOND)
    return [one for one in dict.fromkeys(gone) if one is not None and one not in kept]


def _open(session: Session, page_id: int) -> tuple[Page | None, Incident | None]:
    """A page and the incident that it is of, as it goes on; nothing once that is over."""
    page = session.get(Page, page_id)
    incident = paging.held(session, page.incident) if page is not None else None
    if page is None or incident is None or incident.state != State.OPEN:
        return None, None
    return page, incident


def _meant(session: Session, event: PagerAnswered) -> tuple[Incident | None, Page | None]:
    """The incident and the page of which the pager speaks: by our key, by its own id, of several by the person."""
    named = pages.keyed(session, event.key)
    if named is not None:
        page = session.get(Page, named.page)
        incident = session.get(Incident, named.incident)
        if incident is None or page is None or page.incident not in _family(session, incident):
            return incident, None
        if not pages.is_of_now(page, named):
            return incident, None  # of what was woken before it was resolved
        return incident, _theirs(session, incident, event.user) or page
    page = session.exec(select(Page).where(Page.pager_incident == event.incident).order_by(col(Page.id))).first()
    incident = session.get(Incident, page.incident) if page is not None else None
    if incident is None:
        incident = session.exec(
            select(Incident)
            .where(Incident.pager_incident == event.incident, Incident.state == State.OPEN.value)
            .order_by(col(Incident.id).desc())
        ).first()
    if incident is None:
        return None, None
    return incident, _theirs(session, incident, event.user) or page


def _is(page: Page, event: PagerAnswered) -> bool:
    """Whether a page is of whoever the pager speaks of."""
    return event.user is None or page.pager_user is None or page.pager_user == event.user


def _family(session: Session, incident: Incident) -> Sequence[int]:
    """An incident and those that were merged into it, whose pages may have become its own."""
    going_on = finding.going_on(session, incident)
    return [one.id or 0 for one in (incident, going_on, *finding.merged_into(session, going_on))]


def _theirs(session: Session, incident: Incident, user: str | None) -> Page | None:
    """The page of a person of the pager's."""
    if user is None:
        return None
    return session.exec(
        select(Page)
        .where(Page.incident == incident.id, Page.pager_user == user, Page.state != PageState.SHADOW.value)
        .order_by(col(Page.id))
    ).first()


def _answered(
    session: Session,
    desk: Desk,
    incident: Incident,
    page: Page | None,
    user: str | None,
    name: str | None,
    now: datetime,
    slack_id: str | None = None,
) -> None:
    """Somebody acknowledged at the pager: they are on it, also where they are nobody whom we woke."""
    known = pages.answered(session, incident)  # or it is our own acknowledgement that we hear of
    theirs = _theirs(session, incident, user) or (page if user is None else None)
    if theirs is None and page is not None and page.way == Way.POLICY and page.pager_user is None and not known:
        theirs = page  # the policy called them, and nobody told us who that would be
        if user is not None:
            reaching.reached(session, desk, incident, page, [Reached(user, name)], now)
    slack_id = slack_id or (people.by_pager(session, desk, user)[0] if user is not None else None)
    slack_id = slack_id or (theirs.slack_id if theirs is not None and user in (None, theirs.pager_user) else None)
    if slack_id is not None:
        paging.on_it(session, desk, incident, slack_id, now, at_pager=True)
    if theirs is not None:
        paging.answer(session, incident, theirs, now)
    if slack_id is None and not known:
        called = name or (theirs.name if theirs is not None else None) or "somebody"
        telling.say(
            session, desk, incident, Said.ANSWERED, f"pager:{user or called}", now,
            page=theirs.id if theirs is not None else None, who=None, called=called,
        )  # fmt: skip
        paging.hush(session, incident)


def _declined(session: Session, desk: Desk, incident: Incident, page: Page, now: datetime) -> None:
    """Somebody who was asked said no: of whoever was woken first it is passed on, the others were only asked."""
    if page.way == Way.RESPOND:
        page.state = PageState.DECLINED.value
        return
    words = paging.pass_on(session, desk, incident, page, now, state=PageState.DECLINED)
    telling.say(session, desk, incident, Said.DECLINED, f"{page.id}", now, page=page.id, next=words)
