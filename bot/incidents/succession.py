"""Who comes next where somebody says that it is not theirs, or does not answer: each once for an incident."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from sqlmodel import Session

from bot.alerts.suspects import Confidence
from bot.catalog import OutsideHours, Service
from bot.deploys.loading import Desk
from bot.incidents import pages, people
from bot.incidents.models import Incident, Likely, Page
from bot.incidents.waking import ON_CALL, Person, Role, Wake, Way, can_be_woken, reason_of


@dataclass(frozen=True)
class Next:
    """Who would be woken next, and on whose account."""

    wake: Wake
    likely: Likely | None = None


def next_of(
    session: Session,
    desk: Desk,
    incident: Incident,
    now: datetime,
    *,
    but: Page | None,
    escalating: bool = False,
    passing: bool = False,
) -> Next | None:
    """Who comes next: whoever wrote the next likely change, whoever is on call, the escalation policy.

    ``but`` is whose answer was no; ``passing`` asks as though the likeliest change were rejected already;
    ``escalating`` leaves out those who wrote something, since the time for that has passed.
    """
    owner = pages.owner_of(session, desk, incident)
    if owner is None:
        return None
    woken = pages.woken(session, incident)
    if not escalating:
        rejected = set(pages.rejected(session, incident))
        standing = [one for one in pages.standing(session, incident) if one.id not in rejected]
        if passing:
            standing = standing[1:]
        elif but is not None:
            standing = [one for one in standing if one.id != but.likely]
        for likely in standing:
            found = _author(session, desk, incident, owner, likely, woken)
            if found is not None:
                return Next(found, likely)
    by_pager = pages.by_pager(desk, owner)
    policy = escalation(session, desk, incident, owner)
    if escalating and by_pager and policy is not None and not policy.person.names & woken:
        return Next(policy)
    for wake in (on_call(session, desk, incident, owner, now), policy if by_pager else None):
        if wake is not None and not wake.person.names & woken:
            return Next(wake)
    leads = people.on_call(session, desk, owner, now, pager=False)
    told = next((one for one in leads if not one.names & woken), None)
    if told is None:
        return None
    return Next(Wake(told, Way.MESSAGE, reason_of(told)))


def on_call(session: Session, desk: Desk, incident: Incident, owner: Service, now: datetime) -> Wake | None:
    """Whoever is on call and was not woken for it yet: by the pager's own policy, where it is there."""
    woken = pages.woken(session, incident)
    by_pager = pages.by_pager(desk, owner)
    if pages.not_ours(incident):
        return None
    found = people.on_call(session, desk, owner, now, pager=by_pager)
    if by_pager:
        asked = any(
            one.way == Way.POLICY and not one.who.startswith(pages.POLICY) for one in pages.of(session, incident)
        )
        if asked:
            return None
        person = next((one for one in found if not one.names & woken), None) or (ON_CALL if not found else found[0])
        if person.names & woken:  # it was they, as whoever wrote it; the policy may call somebody else by now
            person = ON_CALL
        return Wake(person, Way.POLICY, reason_of(person))
    told = next((one for one in found if not one.names & woken), None if found else ON_CALL)
    return Wake(told, Way.MESSAGE, reason_of(told)) if told is not None else None


def escalation(session: Session, desk: Desk, incident: Incident, owner: Service) -> Wake | None:
    """Whoever comes next by the team's escalation policy at the pager, or by the service's own where that was asked."""
    if not pages.by_pager(desk, owner):
        return None
    policy = owner.team.escalation_policy if owner.team is not None else None
    asked = any(one.way == Way.POLICY for one in pages.of(session, incident))
    if policy is None and not asked:
        return None
    whose = owner.team.name if owner.team is not None and policy is not None else owner.name
    person = replace(ON_CALL, who=f"{pages.POLICY}{policy or ''}", name=f"the escalation policy of {whose}")
    return Wake(person, Way.POLICY, "nobody has answered")


def named(session: Session, desk: Desk, incident: Incident, person: Person) -> str:
    """How somebody is called who is woken next: ``Dee``, ``whoever is on call for checkout``."""
    owner = pages.owner_of(session, desk, incident)
    if person is ON_CALL and owner is not None:
        return f"{person.name} for {owner.name}"
    return person.name


def woken_words(session: Session, desk: Desk, incident: Incident, wake: Wake, *, by_policy: bool = False) -> str:
    """That somebody is woken next, by name: ``Dee (on call) is woken``; by a policy, that it goes on to that.

    ``by_policy``: to somebody whom a policy called already, it is whoever comes next by it.
    """
    person, called = wake.person, named(session, desk, incident, wake.person)
    if person.who.startswith(pages.POLICY):
        return f"whoever is next by {called} is called" if by_policy else f"it goes on to {called}"
    named_so = person.role is Role.ON_CALL and not called.startswith(ON_CALL.name)
    return f"{called}{' (on call)' if named_so else ''} is woken"


def _author(
    session: Session, desk: Desk, incident: Incident, owner: Service, likely: Likely, woken: frozenset[str]
) -> Wake | None:
    """Whoever wrote a likely change that is at least probable, where they can be woken and were not."""
    if likely.confidence not in (Confidence.HIGH.value, Confidence.MEDIUM.value):
        return None
    by_pager = pages.by_pager(desk, owner)
    first = next((one for one in people.of_likely(session, desk, incident, likely) if not one.bot), None)
    if first is None or first.names & woken or can_be_woken(first, pager=by_pager) is not None:
        return None
    if first.working is False and desk.catalog.paging.outside_hours is OutsideHours.ON_CALL:
        return None
    way = Way.MESSAGE
    if by_pager:
        way = Way.RESPOND if pages.not_ours(incident) else Way.ASSIGN
    return Wake(first, way, reason_of(first))
