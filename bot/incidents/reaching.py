"""Whom the pager really called, where a policy was asked or somebody was given the page there: never whom we supposed.

The pager says so when it answers a call, and by its webhooks; whoever it is gets a page of their own name, is told in
Slack with the evidence and the buttons, and is waited for.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlmodel import Session

from bot import work
from bot.deploys.loading import Desk
from bot.incidents import pages, people, rooms, sending, telling
from bot.incidents.models import Incident, Page
from bot.incidents.states import GONE_ON, PageState
from bot.incidents.telling import PersonSaid, Said
from bot.incidents.waking import Role, Way
from bot.ports import Reached


def reached(
    session: Session,
    desk: Desk,
    incident: Incident,
    page: Page | None,
    found: Sequence[Reached],
    now: datetime,
    at: datetime | None = None,
) -> None:
    """The pager called these people; ``page`` is the one by which it was asked, which is theirs where it named nobody.

    Who had a page before, and let it go, has it again. ``at`` is when it called them, which we may hear of late: their
    time to answer begins now.
    """
    at = min(at or now, now)
    for one in found:
        slack_id, known = people.by_pager(session, desk, one.user)
        name = known or one.name or "somebody whom PagerDuty calls"
        row = _row_of(session, incident, one.user, slack_id)
        if row is not None and (row.state in _LET_GO or (row is not page and row.way == Way.MESSAGE)):
            _again(session, desk, incident, row, one.user, now, at)
        elif row is page and row is not None:
            row.pager_user = one.user
        elif page is not None and page.way == Way.POLICY and page.pager_user is None:
            _name(session, incident, page, one.user, slack_id, name, taken=row is not None)
            if page.state == PageState.SENT and at > (page.sent_at or page.asked_at):  # it went on to them meanwhile
                page.sent_at = at
                _wait(session, desk, incident, page, now)
            _tell(session, desk, incident, page, now)
        elif row is None:
            row = _made(session, incident, page, one.user, slack_id, name, now, at)
            _wait(session, desk, incident, row, now)
            _tell(session, desk, incident, row, now)
            sending.woken(session, desk, incident, row, now)
    session.flush()


def of_others(session: Session, page: Page, found: Sequence[Reached]) -> None:
    """A policy that was asked by a page called those of other pages, or not who was thought: this one is nobody's."""
    if page.way != Way.POLICY or page.state != PageState.SENT or not found:
        return
    if page.pager_user is None:
        sending.put_by(session, page, PageState.OVER)
    elif all(one.user != page.pager_user for one in found):
        sending.put_by(session, page)
    session.flush()


def handed_over(session: Session, incident: Incident, pager: str, to: str, at: datetime, state: PageState) -> None:
    """The pager's incident went from whoever had it to somebody else (``to``, its id of them), who is waited for."""
    for page in pages.of(session, incident):
        theirs = page.pager_incident == pager and page.way != Way.RESPOND and page.state == PageState.SENT
        if theirs and page.pager_user not in (None, to) and (page.sent_at or page.asked_at) < at:
            page.state = state.value
            work.cancel(session, pages.PAGE, page.id or 0)
    session.flush()


# --- inside -------------------------------------------------------------------------------------------------------

_LET_GO = frozenset({*GONE_ON, PageState.OVER.value})
"""Pages whose people are called again where the pager calls them."""


def _again(session: Session, desk: Desk, incident: Incident, row: Page, user: str, now: datetime, at: datetime) -> None:
    """The pager calls somebody again, as its policy goes round: that is said, and they are waited for."""
    was_over = row.state == PageState.OVER
    if was_over:  # of before it was opened again: they are woken anew
        row.asked_at, row.nags, row.answered_at = now, 0, None
    row.state, row.way, row.sent_at, row.pager_user = PageState.SENT.value, Way.POLICY.value, at, user
    row.pager_incident = incident.pager_incident
    _wait(session, desk, incident, row, now)
    session.flush()
    if pages.answered(session, incident):
        return
    if was_over:  # else their message is edited: whom a policy calls again hears the call
        _tell(session, desk, incident, row, now)
    telling.say(session, desk, incident, Said.CALLED_AGAIN, f"{row.id}:{at.isoformat()}", now, page=row.id)


def _row_of(session: Session, incident: Incident, user: str, slack_id: str | None) -> Page | None:
    """The page of one person, by the pager's id of them or by Slack's."""
    names = {f"pager:{user}", *([f"slack:{slack_id}"] if slack_id is not None else [])}
    found = (one for one in pages.of(session, incident) if one.state != PageState.SHADOW)
    return next((one for one in found if names & pages.names_of(one)), None)


def _name(
    session: Session, incident: Incident, page: Page, user: str, slack_id: str | None, name: str, *, taken: bool
) -> None:
    """A page that went to a policy is of whoever was called; ``taken``: they have one of their own as well."""
    page.pager_user, page.slack_id, page.name = user, slack_id, name
    if not taken:
        page.who = f"slack:{slack_id}" if slack_id is not None else f"pager:{user}"
    session.flush()


def _made(
    session: Session,
    incident: Incident,
    page: Page | None,
    user: str,
    slack_id: str | None,
    name: str,
    now: datetime,
    at: datetime,
) -> Page:
    row = Page(
        incident=incident.id or 0,
        who=f"slack:{slack_id}" if slack_id is not None else f"pager:{user}",
        slack_id=slack_id,
        pager_user=user,
        name=name,
        role=Role.ON_CALL.value,
        way=Way.POLICY.value,
        reason="is called by PagerDuty",
        likely=page.likely if page is not None else None,
        state=PageState.SENT.value,
        pager_incident=incident.pager_incident,
        asked_at=now,
        sent_at=at,
    )
    session.add(row)
    session.flush()
    return row


def _wait(session: Session, desk: Desk, incident: Incident, page: Page, now: datetime) -> None:
    if not pages.answered(session, incident):
        page.no_answer_at = now + desk.catalog.paging.no_answer_after
        work.schedule(session, pages.PAGE, page.id or 0, page.no_answer_at)


def _tell(session: Session, desk: Desk, incident: Incident, page: Page, now: datetime) -> None:
    if page.slack_id is not None and not pages.answered(session, incident):
        key = f"{page.id}:reached:{page.asked_at.isoformat()}"
        telling.tell(session, incident, page.slack_id, PersonSaid.PAGE, key, now, page=page.id, nag=0)
        rooms.let_in(session, desk, incident, [page.slack_id], now)
