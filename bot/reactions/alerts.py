"""What follows from alerts and flags: whoever shipped what they began after hears of it, and incidents look at them.

An alert on what went live and is watched, or on what rolls out just now, is said in the thread of that rollout's card
and to each author, whether or not a promotion carries it; of a storm only the first few are, since the card counts the
rest.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, assert_never

from sqlalchemy import ColumnElement, bindparam, func
from sqlmodel import Session, col, select

from bot import outbox
from bot.alerts import service as alerts
from bot.alerts.mapping import told_of
from bot.alerts.models import Alert
from bot.catalog import Service
from bot.deploys import loading
from bot.deploys import service as deploys
from bot.deploys.loading import Desk
from bot.deploys.models import Deploy, Target
from bot.deploys.views import DeploySaid
from bot.events import AlertMapped, AlertReported, DeployStatus, Event, FlagChanged, PagerAnswered
from bot.outbox import Card, Note
from bot.promotions import service as promotions
from bot.promotions import telling
from bot.promotions.views import Said
from bot.reactions import incidents

SAID = "deploy_said"
"""The kind of note about a rollout that no promotion carries."""

MOST_HEARD = 5
"""Alerts of one rollout that are said aloud."""

MOST_TIMES = 2
"""So often one alert is said to fire, and to be over, …"""

FLAPS_WITHIN = timedelta(minutes=30)
"""… within this time."""

MOVES = timedelta(days=1)
"""A rollout of which nothing was told for longer goes on for nobody."""

LATEST = 5
"""Rollouts of a target since an alert began that are looked at for whether it was said of them, once it is over."""

_MOVING = (DeployStatus.IN_PROGRESS.value,)
_MOVED = (*_MOVING, *(status.value for status in DeployStatus if status.ended))

# Held: to build it costs more than to run it, and a storm asks it for each of its alerts.
_LATEST = (
    select(Deploy)
    .where(
        Deploy.target == bindparam("of_target"),
        col(Deploy.status).in_(bindparam("of_statuses", expanding=True)),
        col(Deploy.status_at) >= bindparam("since"),
        col(Deploy.in_progress_at) <= bindparam("by"),
    )
    .order_by(col(Deploy.began_at).desc(), col(Deploy.id).desc())
    .limit(LATEST)
)

Heard = AlertReported | FlagChanged | PagerAnswered
"""What monitoring, flags and the pager tell."""


def stream_of(events: Sequence[Event]) -> str:
    """Whose turn a delivery takes: alerts about one service wait for each other, and nothing else waits for them."""
    first = events[0] if events else None
    if not isinstance(first, AlertReported):
        return ""
    return f"alert:{told_of(first.service, first.name, first.labels)}"


def heard(session: Session, desk: Desk, event: Heard, now: datetime) -> None:
    """Keep it, and have incidents look at it."""
    match event:
        case AlertReported():
            found = alerts.report(session, desk.catalog, event, now)
            incidents.alerts_told(session, desk, found.every, now)
            tell_of_live(session, desk, found.news, now)
        case FlagChanged():
            incidents.flag_changed(session, desk, alerts.flag_changed(session, desk.catalog, event, now), now)
        case PagerAnswered():
            incidents.pager_answered(session, desk, event, now)
        case _:
            assert_never(event)


def mapped(session: Session, desk: Desk, event: AlertMapped, now: datetime) -> str:
    """Somebody said whose alerts of a kind are: what fires of them counts at once. What they are told."""
    said, firing = alerts.mapped(session, desk.catalog, event, now)
    incidents.alerts_moved(session, desk, firing, now)
    told(session, desk, firing, now)
    return said


def due(session: Session, desk: Desk, kind: str, number: int, now: datetime) -> None:
    """What time changes of alerts: one that nobody calls over has been quiet for long enough."""
    told(session, desk, alerts.due(session, desk.catalog, kind, number, now), now)


def told(session: Session, desk: Desk, found: Sequence[Alert], now: datetime) -> None:
    """Alerts fire, or are over: incidents look at them, and whoever shipped what they are on hears of it."""
    incidents.alerts_told(session, desk, found, now)
    tell_of_live(session, desk, [alert for alert in found if alert.service is not None], now)


def tell_of_live(session: Session, desk: Desk, found: Sequence[Alert], now: datetime) -> None:
    """Of alerts where customers are that began after what is live there did, while that is watched, or rolls out."""
    for alert in found:
        owner = desk.catalog.service(alert.service or "")
        for target in _where_customers_are(session, owner):
            for deploy in _had_customers(session, target, alert) if alerts.concerns(alert, target.environment) else ():
                _tell(session, desk, deploy, alert, owner.channel, now)


def _had_customers(session: Session, target: Target, alert: Alert) -> list[Deploy]:
    """What is live there, and what rolls out (a canary, say), where the alert began after its first traffic.

    Of an alert that is over also what has ended since, for what was said of it to be ended too.
    """
    live = session.get(Deploy, target.live) if target.live is not None else None
    others: Sequence[Deploy] = session.exec(
        _LATEST,
        params={
            "of_target": target.id,
            "of_statuses": _MOVING if alert.resolved_at is None else _MOVED,
            "by": alert.started_at,
            "since": alert.started_at - MOVES,
        },
    ).all()
    if live is None:
        return list(others)
    found = [live] if alert.started_at >= live.began_at else []
    newer = (one for one in others if one.id != live.id and one.began_at >= live.began_at)  # older: never told its end
    return [*found, *newer]


def _where_customers_are(session: Session, owner: Service) -> list[Target]:
    """The last target of its pipeline; without a configured one, those that are called so."""
    if owner.environments:
        last = promotions.target_called(session, owner.name, owner.environments[-1])
        return [last] if last is not None else []
    known = session.exec(select(Target).where(func.lower(Target.service) == owner.name.lower())).all()
    return [target for target in known if owner.is_final(target.environment)]


def _tell(session: Session, desk: Desk, live: Deploy, alert: Alert, channel: str, now: datetime) -> None:
    """To the thread of the card that shows this rollout, and once to each author whom no incident tells."""
    owner = promotions.owner_of(session, live)
    if alert.resolved_at is not None:
        if owner is not None:
            telling.tell_alert_over(session, desk, owner, alert.id or 0, now)
        else:
            _say_over(session, live, alert, now)
    elif now < live.status_at + (desk.catalog.paging.window if live.state.ended else MOVES) and not _comes_and_goes(
        session, alert
    ):
        authors = not incidents.wakes(session, alert)
        if owner is None and _may_be_heard(session, f"{SAID}:{live.id}:{DeploySaid.ALERT.value}:", channel):
            _say(session, desk, live, channel, alert, now, authors=authors)
        elif owner is not None and _may_be_heard(
            session, f"{telling.PROMOTION}:{owner.id}:{Said.ALERT.value}:", channel
        ):
            telling.tell_alert(session, desk, owner, alert.id or 0, now, authors=authors)


def failed(session: Session, desk: Desk, deploy: Deploy, target: Target, now: datetime) -> None:
    """A rollout that no promotion carries failed: its team hears it, for an edited card notifies nobody.

    Its authors hear it in the threads of their changes.
    """
    if deploy.state is DeployStatus.FAILED and promotions.owner_of(session, deploy) is None:
        channel = desk.catalog.service(target.service).channel
        card = outbox.find_card(session, "deploy", str(deploy.id), channel)
        if card is not None and card.ts is not None:  # one that was not read yet says it itself
            _note(session, deploy, DeploySaid.FAILED, "", channel, card, now)


def _say(
    session: Session, desk: Desk, deploy: Deploy, channel: str, alert: Alert, now: datetime, *, authors: bool
) -> None:
    """Say that it fires in the thread of the rollout's card, and to its ``authors`` in those of their changes."""
    card = outbox.find_card(session, "deploy", str(deploy.id), channel)
    if card is not None:
        outbox.unfold(session, card, now)
    _note(session, deploy, DeploySaid.ALERT, str(alert.id), channel, card, now, alert=alert.id)
    places: dict[str, int] = {}
    for link, change in deploys.changes_of(session, deploy.id or 0) if authors else ():
        if not link.leaving:
            for _, place in loading.author_slack_ids(session, desk, change):
                places.setdefault(place, change.id or 0)
    for place, number in places.items():
        thread = outbox.find_card(session, "change", str(number), place)
        _note(session, deploy, DeploySaid.ALERT, str(alert.id), place, thread, now, alert=alert.id, change=number)


def _say_over(session: Session, deploy: Deploy, alert: Alert, now: datetime) -> None:
    """That it is over, wherever it was said that it fires."""
    begins = f"{SAID}:{deploy.id}:{DeploySaid.ALERT.value}:{alert.id}:"
    said = session.exec(select(Note).where(*_beginning(begins)).order_by(col(Note.id))).all()
    for note in said:
        change = {"change": note.data["change"]} if "change" in note.data else {}
        thread = session.get(Card, note.thread) if note.thread is not None else None
        _note(session, deploy, DeploySaid.ALERT_OVER, str(alert.id), note.place, thread, now, alert=alert.id, **change)


def _note(
    session: Session,
    deploy: Deploy,
    said: DeploySaid,
    of: str,
    place: str,
    thread: Card | None,
    now: datetime,
    **data: Any,
) -> None:
    outbox.add_note(
        session, SAID, f"{SAID}:{deploy.id}:{said.value}:{of}:{place}", place, now, thread=thread, deploy=deploy.id,
        said=said.value, **data,
    )  # fmt: skip


def _comes_and_goes(session: Session, alert: Alert) -> bool:
    """Whether the same alert fired so often shortly before that its beginnings and ends are said no more: cards count.

    Its incident says that it comes and goes.
    """
    before = select(Alert.id).where(
        Alert.source == alert.source, Alert.fingerprint == alert.fingerprint, Alert.id != alert.id,
        col(Alert.started_at).between(alert.started_at - FLAPS_WITHIN, alert.started_at),
    )  # fmt: skip
    return len(session.exec(before.limit(MOST_TIMES)).all()) == MOST_TIMES


def _may_be_heard(session: Session, begins: str, place: str) -> bool:
    """Whether fewer than ``MOST_HEARD`` were said there, by how the keys of what is said begin."""
    said = select(Note.id).where(*_beginning(begins), Note.place == place).limit(MOST_HEARD)
    return len(session.exec(said).all()) < MOST_HEARD


def _beginning(key: str) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    """Keys that begin so: between it and what its last sign, a colon, is followed by."""
    return col(Note.key) >= key, col(Note.key) < f"{key[:-1]};"
