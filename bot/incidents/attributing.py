"""From an incident to its likely changes and their people: looked at when it opens, and whenever more is heard.

A rollout that is reported late is looked at as though it had been known from the beginning; who was woken stays woken,
and another likely change is said aloud. What people said of a change (“not it”) is never overruled by a later look.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from sqlmodel import Session, col, func, select

from bot import audit, work
from bot.alerts import gathering, suspects
from bot.alerts.models import FlagChange
from bot.alerts.rollouts import went_back
from bot.alerts.suspects import Attribution, Confidence, Suspect, Symptom
from bot.audit import Tag
from bot.catalog import PagingMode
from bot.deploys.loading import Desk
from bot.deploys.models import Deploy, Target
from bot.events import DeployStatus
from bot.incidents import (
    causes,
    flags,
    joining,
    naming,
    pages,
    paging,
    people,
    present,
    ranking,
    rooms,
    statements,
    telling,
    timeline,
)
from bot.incidents.models import Incident, IncidentService, Likely
from bot.incidents.plain import was_turned
from bot.incidents.states import EntryKind, State
from bot.incidents.telling import Said
from bot.incidents.waking import Circumstances, Person, Plan, Role, Wake, who_to_page
from bot.promotions import service as promotions
from bot.promotions.words import person_words

LIKELY = "likely"
"""The kind of work that looks for the likely changes of an incident again; by its number."""

SOON = timedelta(minutes=1)
"""How often one incident is looked at anew because of what its alerts say."""

NOTICED_AFTER = timedelta(minutes=15)
"""By how much a person who opens an incident may have noticed late what is wrong."""

GRAVE = 2
"""A person who says that it is as bad as this (or worse) has whoever is on call woken."""

MOST_INCIDENTS = 20
"""Open incidents that one rollout is looked at for."""


def attribute(session: Session, desk: Desk, incident: Incident, now: datetime, *, wakes: bool = True) -> None:
    """Look for what may have caused an incident, keep it with its evidence, and (``wakes``) wake whom it calls for."""
    flags.look_whether_back(session, desk, incident, now)
    symptom = symptom_of(session, desk, incident)
    if symptom is None:
        incident.attributed_at = now
        if wakes:
            _wake(session, desk, incident, None, now)
        return
    found = look(session, desk, symptom, now)
    before = {one.id: one.rank for one in pages.standing(session, incident)}
    first_time = incident.attributed_at is None
    rows = [_keep(session, incident, place, suspect) for place, suspect in enumerate(found.suspects, start=1)]
    session.flush()
    kept = {row.id for row in rows}
    for former in pages.standing(session, incident):
        if former.id not in kept:
            former.rank = 0
    session.flush()
    ranking.reorder(session, incident)
    flags.look_whether_back(session, desk, incident, now)
    incident.confidence, incident.attributed_at = found.confidence.value, now
    session.flush()
    if first_time or before != {row.id: row.rank for row in rows}:
        audit.record(
            session, Tag.LIKELY_FOUND, f"incident:{incident.id}", now, confidence=found.confidence.value,
            said=found.said, likely=[f"{row.kind}:{row.subject}:{row.confidence}" for row in rows],
        )  # fmt: skip
    top = _believed(session, incident)
    if wakes:
        _wake(session, desk, incident, top, now)
    moved = top is not None and before.get(top.id) != 1
    if moved and not first_time and top is not None:
        telling.say(session, desk, incident, Said.LIKELY, f"{top.id}:{top.confidence}", now, likely=top.id)
        _enter(session, incident, f"likely:{top.id}", f"Likely now: {naming.likely_called(session, desk, top)}", now)
        rooms.links_changed(session, incident, now)
    telling.show(session, desk, incident, now)


def graver(session: Session, desk: Desk, incident: Incident, now: datetime) -> None:
    """People say how bad it is: where nobody was woken for it, and it is grave, whoever is on call is."""
    if incident.state != State.OPEN or incident.watched or incident.severity > GRAVE:
        return
    if not pages.woken(session, incident) and not pages.answered(session, incident):
        calls = _on_call(session, desk, incident, now)
        paging.wake(session, desk, incident, Plan(calls, (), ""), now, None)


def look(session: Session, desk: Desk, symptom: Symptom, now: datetime) -> Attribution:
    """What may have caused a symptom, by all that is known now."""
    window = desk.catalog.paging.window
    return suspects.attribute(symptom, gathering.candidates(session, desk.catalog, symptom, window, now), window)


def look_again_soon(session: Session, incident: Incident, now: datetime) -> None:
    """Its alerts say something new: it is looked at again, though not more than once a minute."""
    if incident.attributed_at is None:
        return
    work.schedule(session, LIKELY, incident.id or 0, max(now, incident.attributed_at + SOON))


def due(session: Session, desk: Desk, incident_id: int, now: datetime) -> None:
    """It is time to look again."""
    incident = session.get(Incident, incident_id)
    if incident is not None and incident.state == State.OPEN:
        attribute(session, desk, incident, now)


def symptom_of(session: Session, desk: Desk, incident: Incident) -> Symptom | None:
    """What is wrong, as its alerts tell; of an incident that a person opened, as they do. None where it is nobody's."""
    alerts = present.alerts(session, incident)
    if alerts:
        return gathering.symptom_of(session, desk.catalog, alerts)
    if incident.service is None:
        return None
    return Symptom(
        service=incident.service,
        environment=incident.environment,
        onset=incident.onset_at,
        onset_earliest=incident.onset_at - NOTICED_AFTER,
        dependencies=joining.below(desk.catalog, incident.service),
    )


def plan_of(session: Session, desk: Desk, incident: Incident, top: Likely | None, now: datetime) -> Plan:
    """Who is to be woken for an incident now, whose likeliest change this is."""
    owner = pages.owner_of(session, desk, incident)
    by_pager = pages.by_pager(desk, owner)
    found = people.of_likely(session, desk, incident, top) if top is not None else ()
    others = (
        _authors_of_others(session, desk, incident, top) if top is None or top.confidence != Confidence.HIGH else ()
    )
    confidence = Confidence(top.confidence) if top is not None else Confidence.NONE
    on_call = people.on_call(session, desk, owner, now, pager=by_pager) if owner is not None else ()
    if owner is not None:
        people.want(session, desk, owner, found, now)
    elsewhere = causes.elsewhere(session, incident, top) if top is not None else ()
    if confidence is Confidence.HIGH and causes.passed_on(found, elsewhere):
        confidence = Confidence.MEDIUM  # for whoever is on call: they said there that it is not theirs
    plan = who_to_page(
        Circumstances(
            mode=pages.mode_of(owner, incident),
            confidence=confidence,
            people=(*found, *others),
            on_call=on_call,
            pager=by_pager,
            own_pager_incident=pages.not_ours(incident),
            outside_hours=desk.catalog.paging.outside_hours,
            already=pages.woken(session, incident),
        )
    )
    return replace(plan, calls=tuple(causes.once(one, elsewhere) for one in plan.calls))


def deploy_moved(session: Session, desk: Desk, deploy: Deploy, now: datetime) -> None:
    """A rollout moved: open incidents of its service tell of it, and look whether it may have caused them.

    One that takes a likely change out again has mitigated its incident.
    """
    target = session.get(Target, deploy.target)
    assert target is not None
    for incident, own in _concerned(session, desk, target.service, target.environment):
        if own and deploy.status_at >= incident.onset_at - desk.catalog.paging.window:
            _tell_rollout(session, incident, deploy, target)
        if (
            deploy.began_at <= (onset := present.onset(session, incident))
            and deploy.status_at >= onset - 2 * desk.catalog.paging.window
        ):
            attribute(session, desk, incident, now)
        _look_whether_out(session, desk, incident, deploy, now)


def flag_moved(session: Session, desk: Desk, flag: FlagChange, now: datetime) -> None:
    """A flag was turned: open incidents of its service tell of it, and look whether it may have caused them."""
    if flag.service is None:
        return
    for incident, own in _concerned(session, desk, flag.service, flag.environment):
        if own:
            timeline.enter(
                session, incident.id or 0, EntryKind.FLAG, f"flag:{flag.id}",
                _turned(flag), flag.at, who=flag.name, url=flag.url,
            )  # fmt: skip
        if flag.at <= present.onset(session, incident):
            attribute(session, desk, incident, now)
        elif flags.look_whether_back(session, desk, incident, now):
            telling.show(session, desk, incident, now)


# --- inside -------------------------------------------------------------------------------------------------------


def _wake(session: Session, desk: Desk, incident: Incident, top: Likely | None, now: datetime) -> None:
    """Wake whom the present likely changes call for; whoever is on call is not woken once somebody is on it."""
    plan = plan_of(session, desk, incident, top, now)
    if incident.opened_by is not None and pages.first_alert(session, incident) is None:
        # Of a grave one whoever is on call is woken; of others whoever opened it says by a button whom to wake. Those
        # of a likely change hear that they may know something.
        named = tuple(one.person for one in plan.calls if top is not None and one.person.role is not Role.ON_CALL)
        grave = incident.severity <= GRAVE and not pages.answered(session, incident)
        calls = _on_call(session, desk, incident, now) if grave else ()
        woken = {name for one in calls for name in one.person.names}
        asked = tuple(one for one in (*named, *plan.asked) if not one.names & woken)
        plan = Plan(calls, asked, plan.words)
    elif pages.answered(session, incident):
        plan = Plan(tuple(one for one in plan.calls if one.person.change is not None), plan.asked, plan.words)
    paging.wake(session, desk, incident, plan, now, top)


def _on_call(session: Session, desk: Desk, incident: Incident, now: datetime) -> tuple[Wake, ...]:
    """Whoever is on call, of a service whose people are woken, where they were not woken yet."""
    owner = pages.owner_of(session, desk, incident)
    if owner is None or owner.paging is not PagingMode.PAGE or incident.watched:
        return ()
    by_pager = pages.by_pager(desk, owner)
    return who_to_page(
        Circumstances(
            mode=PagingMode.PAGE,
            confidence=Confidence.NONE,
            on_call=people.on_call(session, desk, owner, now, pager=by_pager),
            pager=by_pager,
            own_pager_incident=pages.not_ours(incident),
            already=pages.woken(session, incident),
        )
    ).calls


def _keep(session: Session, incident: Incident, place: int, suspect: Suspect) -> Likely:
    candidate = suspect.candidate
    row = session.exec(
        select(Likely).where(
            Likely.incident == incident.id, Likely.kind == candidate.kind, Likely.subject == candidate.subject
        )
    ).first()
    if row is None:
        row = Likely(
            incident=incident.id or 0, kind=candidate.kind, subject=candidate.subject, rank=place,
            confidence=suspect.confidence.value, score=suspect.score,
        )  # fmt: skip
        session.add(row)
    row.rank, row.confidence, row.score = place, suspect.confidence.value, suspect.score
    row.evidence = [[one.name.value, one.words] for one in suspect.evidence]
    row.against = [[one.name.value, one.words] for one in suspect.against]
    return row


def _believed(session: Session, incident: Incident) -> Likely | None:
    """The likeliest change of which nobody has said that it is not the cause."""
    rejected = pages.rejected(session, incident)
    return next((row for row in pages.standing(session, incident) if row.id not in rejected), None)


def _authors_of_others(session: Session, desk: Desk, incident: Incident, top: Likely | None) -> tuple[Person, ...]:
    """Where it is not clear which change it was: who wrote the other likely ones, to be asked."""
    found: list[Person] = []
    for likely in pages.standing(session, incident):
        if top is None or likely.id != top.id:
            found += people.of_likely(session, desk, incident, likely)[:1]
    return tuple(found)


def _concerned(session: Session, desk: Desk, service: str, environment: str | None) -> Sequence[tuple[Incident, bool]]:
    """The open incidents of a service or of what depends on it, and of each whether it is of this very service."""
    if session.exec(statements.ANY_OPEN).first() is None:
        return ()
    names = {one.lower() for one in (service, *joining.above(desk.catalog, desk.catalog.service(service).name))}
    rows = session.exec(
        select(Incident, IncidentService)
        .join(IncidentService, col(IncidentService.incident) == col(Incident.id))
        .where(Incident.state == State.OPEN.value, func.lower(IncidentService.service).in_(sorted(names)))
        .order_by(col(Incident.id))
        .limit(MOST_INCIDENTS)
    ).all()
    found: dict[int, tuple[Incident, bool]] = {}
    for incident, row in rows:
        if environment is not None and row.environment.casefold() != environment.casefold():
            continue
        own = row.service.casefold() == service.casefold()
        found[incident.id or 0] = (incident, own or found.get(incident.id or 0, (incident, False))[1])
    return list(found.values())


_MOVED = {
    DeployStatus.PENDING: "is to be rolled out",
    DeployStatus.IN_PROGRESS: "rolls out",
    DeployStatus.SUCCEEDED: "is live",
    DeployStatus.FAILED: "failed to roll out",
    DeployStatus.CANCELLED: "was cancelled",
}


def _turned(flag: FlagChange) -> str:
    """What was done to a flag, and how its sender puts it where that says more."""
    was = was_turned(flag.summary)
    said = was.removeprefix("was ") == flag.summary.strip().casefold()
    return f"The flag {flag.flag} {was}" + ("" if said else f" ({flag.summary})")


def _tell_rollout(session: Session, incident: Incident, deploy: Deploy, target: Target) -> None:
    if deploy.state is DeployStatus.PENDING:
        return
    goes_back = "The rollback to " if went_back(session, deploy) else ""
    text = f"{goes_back}{target.service} {deploy.sha[:7]} {_MOVED[deploy.state]}"
    timeline.enter(
        session, incident.id or 0, EntryKind.DEPLOY, f"deploy:{deploy.id}:{deploy.status}", text, deploy.status_at,
        who=deploy.creator, url=deploy.url,
    )  # fmt: skip


def _look_whether_out(session: Session, desk: Desk, incident: Incident, deploy: Deploy, now: datetime) -> None:
    """Whether this rollout took a likely change of the incident out again."""
    if deploy.state is not DeployStatus.SUCCEEDED:
        return
    for likely in session.exec(select(Likely).where(Likely.incident == incident.id, Likely.kind == "deploy")).all():
        suspect = session.get(Deploy, likely.subject)
        if suspect is None or likely.rolled_back_at is not None or not _takes_out(session, deploy, suspect):
            continue
        likely.rolled_back_at = deploy.status_at
        if likely.rank != 1:
            continue
        incident.mitigated_at = incident.mitigated_at or deploy.status_at
        owner = promotions.owner_of(session, deploy)
        who = (owner.requested_by if owner is not None else None) or (
            f"github:{deploy.creator}" if deploy.creator else None
        )
        called = person_words(session, desk, who)
        telling.say(
            session, desk, incident, Said.ROLLED_BACK, f"{likely.id}:{deploy.id}", now,
            likely=likely.id, deploy=deploy.id, called=called,
        )  # fmt: skip
        _enter(
            session, incident, f"rolled_back:{likely.id}",
            f"{naming.likely_called(session, desk, likely)} is out again, by {called}", deploy.status_at,
        )  # fmt: skip
        telling.show(session, desk, incident, now)


def _takes_out(session: Session, deploy: Deploy, suspect: Deploy) -> bool:
    """Whether this rollout, which came later, brought back what was there before the other."""
    if deploy.target != suspect.target or deploy.id == suspect.id or deploy.status_at <= suspect.began_at:
        return False
    if deploy.sha == suspect.sha:
        return False
    if deploy.sha == suspect.previous_sha:
        return True
    owner = promotions.owner_of(session, deploy)
    back = went_back(session, deploy) or (owner is not None and owner.rollback)
    replaced = session.get(Deploy, deploy.previous) if deploy.previous is not None else None
    return back and replaced is not None and (replaced.id == suspect.id or replaced.began_at > suspect.began_at)


def _enter(session: Session, incident: Incident, key: str, text: str, at: datetime) -> None:
    timeline.enter(session, incident.id or 0, EntryKind.ACT, key, text, at)
