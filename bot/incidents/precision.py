"""How well people are woken, and how changes fare: counted from what people said and did, never guessed.

Paging precision: of the pages to those who wrote, merged or rolled back a likely change, how many were for the change
that it was. What was said when the incident was resolved decides; else whoever spoke last of that change. A page of
which nobody said anything is counted apart. Where two incidents turned out to be one, what was said of a change in
either is said of it in both.

Change-fail rate and recovery follow dora.dev: a deploy that needed immediate intervention is counted once, however many
incidents it caused, against the rollouts of that service to its last environment in the same window; rollbacks are
rework, and are not among them. It failed where people said that it was it; where they said nothing of any change, what
was taken out again while the incident lasted did, since somebody intervened. Our own confidence alone counts nothing.
A rollout that was stopped half way counts where it was the cause: it had customers. Medians, since one long night must
not speak for the rest.
"""

from __future__ import annotations

import math
import statistics
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import select as sql_select
from sqlmodel import Session, col, select

from bot.deploys.loading import Desk
from bot.deploys.models import Deploy, Target
from bot.events import DeployStatus
from bot.incidents import resolving
from bot.incidents.models import Incident, IncidentService, Likely, Opinion, Page
from bot.incidents.states import PageState, State
from bot.incidents.waking import Role
from bot.ports import Direction

NO_TEAM = "no team"
"""What services that belong to no team are counted under."""

AUTHORS = frozenset({Role.AUTHOR.value, Role.MERGER.value, Role.OTHER_AUTHOR.value, Role.ROLLED_BACK.value})
"""Why somebody was woken on account of a change, rather than because they are on call."""

NOT_SENT = frozenset({PageState.SHADOW.value, PageState.WANTED.value, PageState.FAILED.value})

Subject = tuple[str, int]
"""What a likely change is: its kind and its number; the same in every incident that it may have caused."""

NONE_OF_THEM: Subject = ("", -1)
"""What people say was the cause where it was none of the likely changes."""

SLOW = 0.9
"""The share of recoveries that are at most as long as the slow one that is named beside the median."""


class Verdict(StrEnum):
    """What people said of the change for which somebody was woken."""

    RIGHT = "right"
    WRONG = "wrong"
    UNJUDGED = "unjudged"


@dataclass(frozen=True, kw_only=True)
class Judged:
    """A page, and what was said of the change for which it was sent."""

    team: str
    service: str | None
    verdict: Verdict


@dataclass(frozen=True, kw_only=True)
class Precision:
    """How many pages went to authors, and how many of those were for the change that it was, or was not."""

    sent: int
    right: int
    wrong: int

    @property
    def unjudged(self) -> int:
        """Of which nobody said anything."""
        return self.sent - self.right - self.wrong

    @property
    def share(self) -> float | None:
        """Right among those that were judged; None where none was."""
        judged = self.right + self.wrong
        return self.right / judged if judged else None


@dataclass(frozen=True, kw_only=True)
class Stability:
    """How a service's changes fared. ``deploys`` went to its last environment; ``failed`` of them caused an incident.

    ``recoveries`` are the times from the onset to the end of the harm, one for each failed deploy, the shortest first.
    ``incidents`` counts all of the service's, whatever caused them; ``lasted`` is the same time of each that is
    resolved, in any order: dora.dev counts no recovery but from failed deploys, so it is told apart.
    """

    service: str
    deploys: int
    failed: int
    incidents: int
    recoveries: tuple[timedelta, ...]
    lasted: tuple[timedelta, ...] = ()

    @property
    def recovery(self) -> timedelta | None:
        """The median recovery time; None where nothing failed, or nothing has ended yet."""
        return _median(self.recoveries)

    @property
    def incident_recovery(self) -> timedelta | None:
        """The median of how long its incidents lasted, whatever caused them; None where none is resolved."""
        return _median(self.lasted)

    @property
    def slow_recovery(self) -> timedelta | None:
        """The recovery time that nine in ten do not exceed."""
        if not self.recoveries:
            return None
        return self.recoveries[math.ceil(SLOW * len(self.recoveries)) - 1]


def _median(spans: Sequence[timedelta]) -> timedelta | None:
    return timedelta(seconds=statistics.median(one.total_seconds() for one in spans)) if spans else None


# --- counting, pure -----------------------------------------------------------------------------------------------


def verdict(cause: Subject | None, likely: Subject, opinions: Iterable[tuple[datetime, bool]]) -> Verdict:
    """What people said of a likely change: as the incident was resolved (``cause``), else whoever spoke last."""
    if cause is not None:
        return Verdict.RIGHT if cause == likely else Verdict.WRONG
    said = max(opinions, default=None)
    if said is None:
        return Verdict.UNJUDGED
    return Verdict.RIGHT if said[1] else Verdict.WRONG


def count(pages: Iterable[Judged]) -> Precision:
    """How often those who were woken were woken for the change that it was."""
    verdicts = [page.verdict for page in pages]
    return Precision(sent=len(verdicts), right=verdicts.count(Verdict.RIGHT), wrong=verdicts.count(Verdict.WRONG))


def by_team(pages: Iterable[Judged]) -> Mapping[str, Precision]:
    """The same for each team, by name."""
    grouped: dict[str, list[Judged]] = defaultdict(list)
    for page in pages:
        grouped[page.team].append(page)
    return {team: count(grouped[team]) for team in sorted(grouped)}


# --- what is counted ----------------------------------------------------------------------------------------------


def pages_to_authors(session: Session, desk: Desk, since: datetime, until: datetime) -> Sequence[Judged]:
    """Every page that was sent on account of a change in a window, with what was said of that change."""
    rows = session.exec(
        select(Page, Incident)
        .join(Incident, col(Page.incident) == col(Incident.id))
        .where(Page.asked_at >= since, Page.asked_at < until, col(Page.role).in_(AUTHORS))
        .where(col(Page.state).not_in(NOT_SENT), col(Page.likely).is_not(None))
        .order_by(col(Page.id))
    ).all()
    on = _going_on(session)
    goes_on = _incidents_of(session, {on.get(incident.id or 0, incident.id or 0) for _, incident in rows})
    named = _likely_of(session, {*(page.likely for page, _ in rows), *(one.cause for one in goes_on.values())})
    said = _opinions(session, on, goes_on)
    about = _services(session, {incident.id for _, incident in rows if incident.service is None})
    found = []
    for page, incident in rows:
        service = incident.service or about.get(incident.id or 0)
        team = desk.catalog.service(service).team if service is not None else None
        whole = goes_on[on.get(incident.id or 0, incident.id or 0)]
        likely = named.get(page.likely or 0)
        change = (likely.kind, likely.subject) if likely is not None else ("", 0)
        caused = named.get(whole.cause or 0)
        cause = None if whole.cause is None else (caused.kind, caused.subject) if caused is not None else NONE_OF_THEM
        found.append(
            Judged(
                team=team.name if team is not None else NO_TEAM,
                service=service,
                verdict=verdict(cause, change, said[whole.id or 0, *change]),
            )
        )
    return found


def stability(session: Session, desk: Desk, since: datetime, until: datetime) -> Mapping[str, Stability]:
    """How the changes of each service fared that had a deploy or an incident in a window, by name."""
    causes = _causes(session)
    rows = session.connection().execute(  # columns alone: a month may have tens of thousands of them
        sql_select(
            col(Deploy.id), col(Deploy.status), col(Deploy.direction), col(Deploy.final),
            col(Target.service), col(Target.environment),
        )
        .join(Target, col(Deploy.target) == col(Target.id))
        .where(col(Deploy.status_at) >= since, col(Deploy.status_at) < until)
    )  # fmt: skip
    shipped: dict[str, set[int]] = defaultdict(set)
    failed: dict[str, set[int]] = defaultdict(set)
    for found, status, direction, claimed, service, environment in rows:
        number = found or 0
        if number in causes:
            failed[service].add(number)
            shipped[service].add(number)
            continue
        final = desk.catalog.service(service).is_final(environment, claimed)
        if final and status == DeployStatus.SUCCEEDED.value and direction != Direction.BEHIND.value:
            shipped[service].add(number)
    seen = _incidents(session, since, until)
    return {
        service: Stability(
            service=service,
            deploys=len(shipped[service]),
            failed=len(failed[service]),
            incidents=len(seen.get(service, ())),
            recoveries=tuple(
                sorted(took for number in failed[service] if (took := _longest(causes[number])) is not None)
            ),
            lasted=tuple(took for one in seen.get(service, ()) if (took := _longest([one])) is not None),
        )
        for service in sorted({*shipped, *seen})
    }


def _longest(incidents: Iterable[Incident]) -> timedelta | None:
    """How long it took to recover from a deploy: until the last of what it caused was over; None while one is open."""
    took = [resolving.recovery(one) if one.state == State.RESOLVED.value else None for one in incidents]
    known = [one for one in took if one is not None]
    return max(known) if known and len(known) == len(took) else None


def taken_out(likely: Iterable[tuple[Likely, Verdict]]) -> Likely | None:
    """The deploy that an incident is counted for of which nobody said what caused it: the likeliest taken out again.

    None where people spoke for another, or against this: then it is as they said.
    """
    known = list(likely)
    if any(said is Verdict.RIGHT for _, said in known):
        return None
    out = [one for one, said in known if said is Verdict.UNJUDGED and one.rolled_back_at is not None]
    return min(out, key=lambda one: (one.rank == 0, one.rank), default=None)


def _causes(session: Session) -> Mapping[int, Sequence[Incident]]:
    """By deploy, the incidents that it caused, by what people said, or did: it was taken out meanwhile."""
    found: dict[int, dict[int, Incident]] = defaultdict(dict)
    decided = session.exec(
        select(Likely.subject, Incident)
        .join(Incident, col(Incident.cause) == col(Likely.id))
        .where(Likely.kind == "deploy", Incident.state != State.MERGED.value)
    ).all()
    for subject, incident in decided:
        found[subject][incident.id or 0] = incident
    on = _going_on(session)
    spoken = select(Opinion.likely).where(col(Opinion.right).is_(True))
    rows = session.exec(
        select(Likely).where(col(Likely.rolled_back_at).is_not(None) | col(Likely.id).in_(spoken))
    ).all()
    whole = _incidents_of(session, {on.get(one.incident, one.incident) for one in rows})
    undecided = {number: one for number, one in whole.items() if one.cause is None}
    said = _opinions(session, on, undecided)
    judged: dict[int, dict[Subject, tuple[Likely, Verdict]]] = defaultdict(dict)
    for likely in sorted(rows, key=lambda one: one.incident in undecided):  # its own row speaks for a merged one's
        number, change = on.get(likely.incident, likely.incident), (likely.kind, likely.subject)
        if number in undecided:
            judged[number][change] = likely, verdict(None, change, said[number, *change])
    for number, changes in judged.items():
        out = taken_out(changes.values())
        right = [likely for likely, opinion in changes.values() if opinion is Verdict.RIGHT]
        for one in (*right, *((out,) if out is not None else ())):
            if one.kind == "deploy":
                found[one.subject][number] = undecided[number]
    return {subject: list(rows.values()) for subject, rows in found.items()}


def _going_on(session: Session) -> Mapping[int, int]:
    """Of every incident that was merged, the one that goes on."""
    merged = select(Incident.id, Incident.merged_into).where(col(Incident.merged_into).is_not(None))
    into = {number or 0: other or 0 for number, other in session.exec(merged).all()}
    found = {}
    for number, following in into.items():
        seen, on = {number}, following
        while on in into and on not in seen:
            seen.add(on)
            on = into[on]
        found[number] = on
    return found


def _incidents_of(session: Session, numbers: Iterable[int]) -> Mapping[int, Incident]:
    rows = session.exec(select(Incident).where(col(Incident.id).in_(sorted(numbers)))).all()
    return {row.id or 0: row for row in rows}


def _likely_of(session: Session, numbers: Iterable[int | None]) -> Mapping[int, Likely]:
    wanted = sorted(one for one in numbers if one)
    return {row.id or 0: row for row in session.exec(select(Likely).where(col(Likely.id).in_(wanted))).all()}


def _opinions(
    session: Session, on: Mapping[int, int], incidents: Iterable[int]
) -> Mapping[tuple[int, str, int], Sequence[tuple[datetime, bool]]]:
    """What was said of each change in these incidents, and in those that go on as them (``on``)."""
    wanted = set(incidents)
    family = wanted | {number for number, into in on.items() if into in wanted}
    found: dict[tuple[int, str, int], list[tuple[datetime, bool]]] = defaultdict(list)
    rows = session.exec(
        select(Opinion, Likely)
        .join(Likely, col(Opinion.likely) == col(Likely.id))
        .where(col(Likely.incident).in_(sorted(family)))
    ).all()
    for opinion, likely in rows:
        number = on.get(likely.incident, likely.incident)
        found[number, likely.kind, likely.subject].append((opinion.at, opinion.right))
    return found


def _services(session: Session, numbers: Iterable[int | None]) -> Mapping[int, str]:
    """The first service of each of these incidents."""
    rows = session.exec(
        select(IncidentService)
        .where(col(IncidentService.incident).in_(sorted(one for one in numbers if one is not None)))
        .order_by(col(IncidentService.id).desc())
    ).all()
    return {row.incident: row.service for row in rows}


def _incidents(session: Session, since: datetime, until: datetime) -> Mapping[str, Sequence[Incident]]:
    """By service, the incidents about it that began in a window; one that was merged is the other's."""
    rows = session.exec(
        select(IncidentService.service, Incident)
        .join(Incident, col(IncidentService.incident) == col(Incident.id))
        .where(Incident.onset_at >= since, Incident.onset_at < until, Incident.state != State.MERGED.value)
    ).all()
    found: dict[str, dict[int, Incident]] = defaultdict(dict)  # it may be about two environments of a service
    for service, incident in rows:
        found[service][incident.id or 0] = incident
    return {service: list(incidents.values()) for service, incidents in found.items()}
