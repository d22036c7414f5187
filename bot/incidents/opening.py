"""How an incident begins: an alert fires, or a person says so; and which alerts are one incident.

Alerts come in any order, any number of times and thousands at once: whatever belongs to an incident that is open joins
it for the price of one update, and of many services at once one incident is made.
"""

from __future__ import annotations

from datetime import datetime

from sqlmodel import Session, select

from bot import audit
from bot.alerts import gathering
from bot.alerts.models import Alert
from bot.alerts.suspects import Attribution, Confidence
from bot.audit import Tag
from bot.catalog import PagingMode, Service
from bot.deploys.loading import Desk
from bot.errors import UserError
from bot.events import AlertLevel, IncidentOpened
from bot.incidents import (
    attributing,
    finding,
    joining,
    locking,
    naming,
    pages,
    paging,
    present,
    promises,
    quieting,
    resolving,
    rooms,
    sending,
    telling,
    timeline,
    updating,
)
from bot.incidents.models import Incident, IncidentService, Page
from bot.incidents.states import SEVERITIES, USUAL_SEVERITY, EntryKind, PageState, State
from bot.incidents.telling import Said

MOST_ALERTS_TOLD = 5
"""Alerts joining one incident that are said aloud; the others stand on its card."""

MOST_ALERTS_ENTERED = 30
"""Alerts joining one incident that get a line of its timeline."""

LONGEST_TITLE = 200

_SEVERITIES = {AlertLevel.CRITICAL: 2, AlertLevel.ERROR: 3, AlertLevel.WARNING: 4, AlertLevel.INFO: 5}
"""How bad an incident is taken to be by how bad its alert is; people say otherwise."""

_GRAVEST_FIRST = list(AlertLevel)

_PROBABLE = (Confidence.HIGH, Confidence.MEDIUM)

STORM_TITLE = "Many services at once"


def alert_fired(session: Session, desk: Desk, alert: Alert, now: datetime) -> None:
    """An alert fires: it joins the incident that it belongs to, or opens one; nothing where it does neither."""
    if alert.service is None or alert.resolved_at is not None:
        return
    owner = desk.catalog.service(alert.service)
    environment = joining.environment_of(owner, alert.environment)
    known = session.get(Incident, alert.incident) if alert.incident is not None else None
    if known is not None:
        known = finding.going_on(session, known)
        if known.state == State.OPEN and quieting.lasts(desk, known, now):
            quieting.fires(session, desk, known, alert, now)
            return
        if known.quiet_at is None:
            return  # it fired on while people said that it was over, and were told so
    if environment is None or owner.paging is PagingMode.OFF or not _grave(desk, alert):
        return
    found = _standing(session, desk, owner, environment, alert, now)
    if found is not None:
        _join(session, desk, found, owner, environment, alert, now)
        return
    closed = joining.lately_resolved(session, owner.name, environment, now - desk.catalog.incidents.reopens_within)
    if closed is not None and _wakes_for(owner, environment, closed):
        _reopen(session, desk, closed, owner, environment, alert, now)
        return
    _open(session, desk, owner, environment, alert, now)


def is_real(session: Session, alert: Alert) -> bool:
    """Whether an alert belongs to an incident that goes on and is not only watched."""
    incident = session.get(Incident, alert.incident) if alert.incident is not None else None
    incident = finding.going_on(session, incident) if incident is not None else None
    return incident is not None and incident.state == State.OPEN and not incident.watched


def opened(session: Session, desk: Desk, event: IncidentOpened, now: datetime) -> str:
    """A person opens an incident; returns what they are told. UserError where there is nothing to open."""
    title = " ".join(event.title.split())[:LONGEST_TITLE]
    if not title:
        raise UserError("Say what is wrong: /incident open checkout answers 5xx")
    again = session.exec(
        select(Incident).where(Incident.opened_by == event.slack_id, Incident.opened_at == event.at)
    ).first()
    if again is not None:
        return f"{naming.capital(naming.called(again))} is open."
    owner = desk.catalog.service(event.service) if event.service else None
    environment = joining.environment_of(owner, None) if owner is not None else None
    if owner is not None and environment is not None:
        standing = joining.open_of(session, owner.name, environment)
        if standing is not None and not standing.watched:
            return updating.said_too(session, desk, standing, event, title, owner.name, now)
        if standing is not None:
            make_real(session, desk, standing, now)
            return f"{naming.capital(naming.called(standing))} was watched already, and is a real one now."
    if event.severity is not None and event.severity not in SEVERITIES:
        raise UserError("A severity is 1 (the worst) to 5 (the least).")
    incident = Incident(
        title=title, service=owner.name if owner is not None else None, environment=environment,
        bundle=joining.bundle_of(owner.name, environment) if owner is not None and environment is not None else None,
        severity=event.severity or USUAL_SEVERITY, opened_by=event.slack_id, opened_at=event.at, onset_at=event.at,
    )  # fmt: skip
    session.add(incident)
    session.flush()
    _opened(session, incident, f"{event.called} opened it", now, who=event.called)
    if event.text and event.channel and event.ts:
        timeline.enter(
            session, incident.id or 0, EntryKind.MESSAGE, timeline.message_key(event.channel, event.ts), event.text,
            timeline.said_at(event.ts) or now,
        )  # fmt: skip
    if owner is not None and environment is not None:
        _add_service(session, incident, owner, environment)
    attributing.attribute(session, desk, incident, now)
    _make_room(session, desk, incident, now)
    rooms.let_in(session, desk, incident, [event.slack_id], now)
    telling.show(session, desk, incident, now)
    session.flush()
    woken = paging.woken_words(session, desk, incident)
    return f"{naming.capital(naming.called(incident))} is open. Its room is being made; you are let in. {woken}"


def make_real(session: Session, desk: Desk, incident: Incident, now: datetime) -> None:
    """One that was only watched becomes a real one: room, lock, and whoever would have been woken is woken."""
    if not incident.watched or incident.state != State.OPEN:
        return
    incident.watched = False
    audit.record(session, Tag.INCIDENT_MOVED, f"incident:{incident.id}", now, to="real")
    session.flush()
    attributing.attribute(session, desk, incident, now)
    for page in session.exec(
        select(Page).where(Page.incident == incident.id, Page.state == PageState.SHADOW.value)
    ).all():
        session.delete(page)  # the present evidence calls for others: nobody was or will be woken by it
    _make_room(session, desk, incident, now)
    telling.show(session, desk, incident, now)


# --- inside -------------------------------------------------------------------------------------------------------


def _grave(desk: Desk, alert: Alert) -> bool:
    """Whether an alert is grave enough to open an incident."""
    level = AlertLevel(alert.level) if alert.level is not None else AlertLevel.ERROR
    return _GRAVEST_FIRST.index(level) <= _GRAVEST_FIRST.index(desk.catalog.paging.opens_at)


def _standing(
    session: Session, desk: Desk, owner: Service, environment: str, alert: Alert, now: datetime
) -> Incident | None:
    """The open incident that an alert belongs to."""
    found = joining.open_of(session, owner.name, environment)
    if found is not None and not quieting.lasts(desk, found, now):
        found.bundle, found = None, None  # it is for people to end; what fires now is another one
        session.flush()
    if found is not None and _wakes_for(owner, environment, found):
        return found
    found = joining.grouped(session, alert)
    if (
        found is not None
        and quieting.lasts(desk, found, now)
        and _wakes_for(owner, environment, found)
        and not _has_its_own_cause(session, desk, found, alert, now)
    ):
        return found
    found, own = _of_one_cause(session, desk, owner, environment, alert, now)
    if found is None and joining.storm_since(session, now):
        own = own or _look(session, desk, alert, now)
        if own.confidence is not Confidence.HIGH:
            standing = joining.storm_open(session, watched=owner.paging is PagingMode.SHADOW)
            return standing or _storm(session, desk, owner, environment, alert, now)
    return found


def _of_one_cause(
    session: Session, desk: Desk, owner: Service, environment: str, alert: Alert, now: datetime
) -> tuple[Incident | None, Attribution | None]:
    """The open incident of another service that has the cause of this alert; its own likely changes, where looked for.

    One service depends on the other, and both began together or have the same likely change; or both began together
    and the same change is at least probable: what two services depend on fails for both.
    """
    own: Attribution | None = None
    connected = joining.of_connected(session, desk.catalog, owner.name, environment)
    near = {incident.id for incident in connected}
    for incident in (*connected, *joining.of_same_time(session, alert.began_at)):
        if not quieting.lasts(desk, incident, now) or not _wakes_for(owner, environment, incident):
            continue
        if incident.id in near and abs(incident.onset_at - alert.began_at) <= joining.TOGETHER:
            return incident, own
        own = own or _look(session, desk, alert, now)
        probable = incident.id in near or own.confidence in _PROBABLE
        if own.suspects and probable and _same_cause(session, incident, own):
            return incident, own
    return None, own


def _wakes_for(owner: Service, environment: str, incident: Incident) -> bool:
    """Whether a service's people are woken where its alert joins this: not by what another service only watches."""
    own = incident.bundle == joining.bundle_of(owner.name, environment)
    return own or not incident.watched or owner.paging is PagingMode.SHADOW


def _look(session: Session, desk: Desk, alert: Alert, now: datetime) -> Attribution:
    """What may have caused one alert by itself."""
    return attributing.look(session, desk, gathering.symptom_of(session, desk.catalog, [alert]), now)


def _same_cause(session: Session, incident: Incident, found: Attribution) -> bool:
    standing = pages.standing(session, incident)
    first = found.suspects[0].candidate
    return bool(standing) and (standing[0].kind, standing[0].subject) == (first.kind, first.subject)


def _has_its_own_cause(session: Session, desk: Desk, incident: Incident, alert: Alert, now: datetime) -> bool:
    """Whether an alert that began at another time than an incident is of another change, and surely.

    Its sender counts both as one group where it groups all services by the alert's name, as it comes.
    """
    if abs(incident.onset_at - alert.began_at) <= joining.TOGETHER:
        return False
    own = _look(session, desk, alert, now)
    return own.confidence is Confidence.HIGH and not _same_cause(session, incident, own)


def _open(session: Session, desk: Desk, owner: Service, environment: str, alert: Alert, now: datetime) -> Incident:
    incident = Incident(
        title=_title(owner, alert), service=owner.name, environment=environment,
        bundle=joining.bundle_of(owner.name, environment), severity=_severity(alert),
        watched=owner.paging is PagingMode.SHADOW, opened_at=now, onset_at=alert.began_at,
    )  # fmt: skip
    _begin(session, desk, incident, owner, environment, alert, now)
    return incident


def _storm(session: Session, desk: Desk, owner: Service, environment: str, alert: Alert, now: datetime) -> Incident:
    """Many services at once: one incident for all that follows, of which the first service's people are woken."""
    watched = owner.paging is PagingMode.SHADOW
    incident = Incident(
        title=STORM_TITLE, service=None, environment=environment, bundle=joining.storm_bundle(watched=watched),
        storm=True, severity=min(2, _severity(alert)), watched=watched, opened_at=now, onset_at=alert.began_at,
    )  # fmt: skip
    _begin(session, desk, incident, owner, environment, alert, now)
    return incident


def _begin(
    session: Session, desk: Desk, incident: Incident, owner: Service, environment: str, alert: Alert, now: datetime
) -> None:
    incident.pager_incident = alert.pager_incident
    incident.pager_url = alert.url if alert.pager_incident is not None else None
    session.add(incident)
    session.flush()
    alert.incident = incident.id
    _enter_alert(session, incident, alert)
    _opened(session, incident, "Opened by that alert", now)
    _add_service(session, incident, owner, environment)
    attributing.attribute(session, desk, incident, now)
    if not incident.watched:
        _make_room(session, desk, incident, now)
    telling.show(session, desk, incident, now)


def _opened(session: Session, incident: Incident, text: str, now: datetime, who: str | None = None) -> None:
    timeline.enter(session, incident.id or 0, EntryKind.ACT, "opened", text, incident.opened_at, who=who)
    audit.record(
        session, Tag.INCIDENT_OPENED, f"incident:{incident.id}", now, who=incident.opened_by, title=incident.title,
        service=incident.service, severity=incident.severity, watched=incident.watched or None,
    )  # fmt: skip


def _make_room(session: Session, desk: Desk, incident: Incident, now: datetime) -> None:
    """What a real incident has: its room, locks on what it is about, and the promise of a word how it stands."""
    rooms.want(session, desk, incident, now)
    promises.promise(session, desk, incident, now)
    locking.lock(session, desk, incident, now)


def _join(
    session: Session, desk: Desk, incident: Incident, owner: Service, environment: str, alert: Alert, now: datetime
) -> None:
    """An alert belongs to an incident that is open: what it brings that is new is told, and looked at."""
    if alert.incident == incident.id:
        return  # it has just opened it
    named = joining.has_named(session, incident, alert.name)
    news = _is_news(session, incident, alert)
    alert.incident = incident.id
    if incident.watched and owner.paging is PagingMode.PAGE:  # the catalogue says so since it began
        make_real(session, desk, incident, now)
    if alert.began_at < incident.onset_at:
        incident.onset_at, news = alert.began_at, True
    if incident.pager_incident is None and alert.pager_incident is not None:
        incident.pager_incident, incident.pager_url, incident.pager_ours = alert.pager_incident, alert.url, False
        sending.ask_responders(session, incident, now)
    if not named:
        _tell_alert(session, desk, incident, alert, now)
    quieting.fires(session, desk, incident, alert, now)
    if _add_service(session, incident, owner, environment):
        if not incident.watched:
            locking.lock(session, desk, incident, now)
        news = True
        telling.show(session, desk, incident, now)
    if news:
        attributing.look_again_soon(session, incident, now)


def _reopen(
    session: Session, desk: Desk, incident: Incident, owner: Service, environment: str, alert: Alert, now: datetime
) -> None:
    """An alert fires soon after people said that it was over: it was not."""
    if incident.bundle is None and incident.service is not None and incident.environment is not None:
        incident.bundle = joining.bundle_of(incident.service, incident.environment)
    alert.incident = incident.id
    if pages.not_ours(incident) or alert.pager_incident is not None:  # the pager's incident of then has ended
        own = alert.pager_incident
        incident.pager_incident, incident.pager_ours = own, False
        incident.pager_url = alert.url if own is not None else None
    resolving.reopened(session, desk, incident, now, called=None, alert=alert.id)
    _add_service(session, incident, owner, environment)
    if incident.watched and owner.paging is PagingMode.PAGE:  # the catalogue says so since it was over
        make_real(session, desk, incident, now)
        return
    if not incident.watched:
        locking.lock(session, desk, incident, now)
        paging.reopened(session, desk, incident, now)
    attributing.attribute(session, desk, incident, now)


def _add_service(session: Session, incident: Incident, owner: Service, environment: str) -> bool:
    """Whether a service is new to an incident, which is about it now."""
    if joining.is_about(session, incident, owner.name, environment):
        return False
    session.add(IncidentService(incident=incident.id or 0, service=owner.name, environment=environment))
    session.flush()
    return True


def _is_news(session: Session, incident: Incident, alert: Alert) -> bool:
    """Whether it says of the symptom what its incident's others do not: that anything fires, another build, a stack."""
    if incident.opened_by is not None and pages.first_alert(session, incident) is None:
        return True  # a person opened it, and woke nobody
    if incident.mitigated_at is not None and incident.quiet_at is not None:
        return True  # it was over once its likely change was out, and something fires all the same
    if alert.version is None and not alert.paths:
        return False
    known = session.exec(select(Alert).where(Alert.incident == incident.id).limit(present.MOST_ALERTS)).all()
    new_version = alert.version is not None and alert.version not in {one.version for one in known}
    return new_version or bool(set(alert.paths) - {path for one in known for path in one.paths})


def _tell_alert(session: Session, desk: Desk, incident: Incident, alert: Alert, now: datetime) -> None:
    """Another kind of alert joined: on the timeline, and the first ones aloud."""
    written = timeline.count(session, incident.id or 0)
    if written < MOST_ALERTS_ENTERED:
        _enter_alert(session, incident, alert)
    names = select(Alert.name).where(Alert.incident == incident.id).distinct().limit(MOST_ALERTS_TOLD + 1)
    joined = len(session.exec(names).all())  # no further: a storm has thousands
    if joined <= MOST_ALERTS_TOLD:
        telling.say(session, desk, incident, Said.ALERTS, f"alert:{alert.id}", now, alert=alert.id)
    telling.show(session, desk, incident, now, urgent=joined <= MOST_ALERTS_TOLD)


def _enter_alert(session: Session, incident: Incident, alert: Alert) -> None:
    timeline.enter(
        session, incident.id or 0, EntryKind.ALERT, f"alert:{alert.name}"[:255], f"{alert.name} fired", alert.began_at,
        url=alert.url,
    )  # fmt: skip


def _severity(alert: Alert) -> int:
    return _SEVERITIES[AlertLevel(alert.level)] if alert.level is not None else USUAL_SEVERITY


def _title(owner: Service, alert: Alert) -> str:
    """What an incident is called: its alert's name, with the service where that does not name it."""
    name = " ".join(alert.name.split()) or "an alert"
    return (name if owner.name.casefold() in name.casefold() else f"{owner.name}: {name}")[:LONGEST_TITLE]
