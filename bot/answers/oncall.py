"""``/ship oncall``: who is on call for a service, until when, and how that is known."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, select

from bot import people
from bot.answers.status import called
from bot.catalog import Service
from bot.deploys.loading import Desk
from bot.incidents.loading import open_line
from bot.incidents.views import IncidentLine
from bot.people import OnCallList
from bot.promotions.gathering import approver_words

MOST_NAMED = 8
"""Approvers who are named where nobody is on call."""


@dataclass(frozen=True, kw_only=True)
class OnCallPerson:
    """Somebody on call; ``until`` None where their shift has no end that is told."""

    name: str
    slack_id: str | None
    until: datetime | None


@dataclass(frozen=True, kw_only=True)
class HelperView:
    """Somebody who can help besides; ``from_at`` is when they work again, where they do not now."""

    name: str
    slack_id: str
    online: bool | None
    works_now: bool
    from_at: datetime | None
    away: str | None


@dataclass(frozen=True, kw_only=True)
class OnCallReply:
    """Who is on call. ``source`` is ``pagerduty``, or ``approvers`` where the service is on no rota.

    ``trouble`` says why nobody can be named; ``paging`` is what an alert of the service does.
    """

    service: str
    source: str
    on_call: tuple[OnCallPerson, ...]
    approvers: tuple[HelperView, ...]
    rota: str
    read_at: datetime | None
    trouble: str | None
    paging: str
    incident: IncidentLine | None


def on_call(session: Session, desk: Desk, service: str) -> OnCallReply:
    """Who is on call for a service; UserError, with the nearest, for one that nobody has heard of."""
    owner = desk.catalog.service(called(session, desk, service))
    rota = owner.pagerduty_service
    row = session.exec(select(OnCallList).where(OnCallList.service == rota)).first() if rota else None
    fact = people.group(session, desk.catalog, "on-call", desk.now, service=owner) if rota else None
    present = _present(row, desk.now) if row is not None and fact is not None else ()
    doubtful = fact is not None and fact.trouble is not None and not _only_strangers(present, fact.read_at)
    return OnCallReply(
        service=owner.name,
        source="pagerduty" if rota else "approvers",
        on_call=() if doubtful else present,
        approvers=_approvers(session, desk, owner) if not rota or doubtful or not present else (),
        rota=rota or "",
        read_at=row.read_at if row is not None else None,
        trouble=fact.trouble if fact is not None and doubtful else None,
        paging=owner.paging.value,
        incident=open_line(session, desk, owner.name),
    )


def _present(row: OnCallList, now: datetime) -> tuple[OnCallPerson, ...]:
    """Those of a list whose shift lasts."""
    found = []
    for one in row.who:
        until = datetime.fromisoformat(one["until"]) if one["until"] else None
        if until is None or until > now:
            found.append(OnCallPerson(name=one["name"], slack_id=one["slack_id"], until=until))
    return tuple(found)


def _only_strangers(present: tuple[OnCallPerson, ...], read_at: datetime | None) -> bool:
    """Whether the trouble is only that Slack does not know them: who is on call is known all the same."""
    return bool(present) and read_at is not None and not any(one.slack_id for one in present)


def _approvers(session: Session, desk: Desk, owner: Service) -> tuple[HelperView, ...]:
    facts = (people.group(session, desk.catalog, word, desk.now, service=owner) for word in approver_words(owner))
    members = {one for fact in facts for one in fact.members or ()}
    profiles = people.profiles_of(session, frozenset(members))
    found = []
    for one in people.who_can(session, desk.catalog, members, desk.now)[:MOST_NAMED]:
        row = profiles.get(one.slack_id)
        away = row.away if row is not None and (row.away_until is None or row.away_until > desk.now) else None
        found.append(
            HelperView(
                name=one.name, slack_id=one.slack_id, online=one.online, works_now=one.works_now,
                from_at=one.from_at, away=away,
            )
        )  # fmt: skip
    return tuple(found)
