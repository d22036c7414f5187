"""How alerts are said: of whom nobody knows whose they are, and what fires on a rollout that no promotion carries."""

from __future__ import annotations

from sqlmodel import Session

from bot import people
from bot.alerts import service as alerts
from bot.alerts import unknown
from bot.alerts.mapping import kind_of
from bot.alerts.models import Alert, AlertMapping
from bot.alerts.views import MoreUnmappedCard, ServiceChoice, UnmappedCard, UnmappedKind
from bot.delivery import Showing
from bot.deploys import loading, service
from bot.deploys.loading import Desk
from bot.deploys.models import Deploy, Target
from bot.deploys.views import DeployNote, DeploySaid
from bot.events import AlertLevel, DeployStatus, Level
from bot.incidents import rollouts
from bot.locks.loading import person
from bot.outbox import Card, Note

MOST_CHOICES = 100
"""Options that a menu takes."""

LONGEST_VALUE = 150
"""Characters of an option's value: a service of a longer name cannot be chosen, and is written into shipmate.yml."""

SHOWN_LABELS = 6

NAMED_KINDS = 5
"""Kinds of alerts that are named where many wait to be asked about."""


def unmapped_card(session: Session, desk: Desk, card: Card) -> Showing | None:
    """Asks whose an alert is, be it over by now, or shows what was answered; None where nobody need ask any more."""
    alert = session.get(Alert, unknown.alert_of(card))
    if alert is None:
        return None
    kind = kind_of(alert.source, alert.name, alert.labels)
    said = session.get(AlertMapping, kind)
    answered = said is not None or alert.service is not None
    if answered and card.ts is None:
        return None
    fires = next(iter(unknown.firing_of(session, alert.source, kind)), None) if alert.resolved_at is not None else alert
    names = alerts.those_it_may_be_of(session, desk.catalog, alert)
    choices = tuple(ServiceChoice(name=name, value=f"{alert.id}:{name}") for name in names[:MOST_CHOICES])
    named, meant = alerts.misnamed(session, desk.catalog, alert) or (None, None)
    view = UnmappedCard(
        alert_id=alert.id or 0,
        name=alert.name,
        source=alert.source,
        since=(fires or alert).started_at,
        over=fires is None,
        url=alert.url,
        summary=alert.summary,
        labels=tuple(f"{key}={value}" for key, value in list(alert.labels.items())[:SHOWN_LABELS]),
        choices=tuple(one for one in choices if len(one.value) <= LONGEST_VALUE),
        grave=alert.level if alert.level in (AlertLevel.CRITICAL, AlertLevel.ERROR) else None,
        answered=answered,
        service=said.service if said is not None else alert.service,
        by=person(session, desk, said.by) if said is not None else None,
        more=len(names) > MOST_CHOICES,
        named=named,
        meant=meant,
    )
    return Showing("cards/alert_unmapped", view, {"kind": "alert", "alert": str(alert.id)})


def more_unmapped_card(session: Session, desk: Desk, card: Card) -> Showing | None:
    """How many more kinds there are, and the gravest of them."""
    kinds, at_least = unknown.not_asked(session)
    if not kinds and card.ts is None:
        return None
    named = tuple(UnmappedKind(name=one.name, level=one.level) for one in kinds[:NAMED_KINDS])
    view = MoreUnmappedCard(kinds=len(kinds), named=named, at_least=at_least)
    return Showing("cards/alert_unmapped_more", view, {"kind": "alert"})


def deploy_note(session: Session, desk: Desk, note: Note) -> Showing | None:
    """What is said of a rollout that no promotion carries; None once it is not so, or where it is muted."""
    deploy, said = session.get(Deploy, note.data["deploy"]), DeploySaid(note.data["said"])
    target = session.get(Target, deploy.target) if deploy is not None else None
    if deploy is None or target is None:
        return None
    own = note.data.get("change")
    if own is not None and people.level_of(session, note.place, f"change:{own}") is Level.NONE:
        return None
    alert = session.get(Alert, note.data["alert"]) if note.data.get("alert") is not None else None
    if said is DeploySaid.FAILED and deploy.state is not DeployStatus.FAILED:
        return None
    if said is not DeploySaid.FAILED and (
        alert is None or (alert.resolved_at is None) is not (said is DeploySaid.ALERT)
    ):
        return None
    arriving = [change for link, change in service.changes_of(session, deploy.id or 0) if not link.leaving]
    if own is not None:
        arriving = [
            change
            for change in arriving
            if any(note.place == place for _, place in loading.author_slack_ids(session, desk, change))
        ] or arriving
    views = loading.change_views(session, desk, arriving[: loading.LISTED])
    view = DeployNote(
        said=said.value,
        service=target.service,
        environment=target.environment,
        sha=deploy.sha,
        rollback=service.is_rollback(deploy),
        changes=tuple(views[change.id or 0] for change in arriving[: loading.LISTED]),
        more=max(0, len(arriving) - loading.LISTED),
        url=deploy.url,
        alert=alert.name if alert is not None else None,
        alert_url=alert.url if alert is not None else None,
        since=alert.started_at if alert is not None else None,
        incident=rollouts.open_of(session, alert),
        rolling=deploy.state is DeployStatus.IN_PROGRESS,
    )
    return Showing("notes/deploy_said", view, {"kind": "deploy", "deploy": str(deploy.id)})
