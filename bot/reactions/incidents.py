"""What follows for incidents: from alerts, rollouts, flags, the pager's answers and the clock."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlmodel import Session

from bot.alerts.models import Alert, FlagChange
from bot.deploys.loading import Desk
from bot.deploys.models import Deploy
from bot.events import PagerAnswered
from bot.incidents import (
    acts,
    answering,
    attributing,
    changing,
    counting,
    opening,
    pages,
    people,
    quieting,
    telling,
    unanswered,
)

KINDS = (telling.INCIDENT, pages.PAGE, attributing.LIKELY, *quieting.KINDS, people.ROTAS, counting.COUNTS)
"""Kinds of work that are incidents'."""


def begin(session: Session, desk: Desk, now: datetime) -> None:
    """We are at work again: it is to be known who is on call before anything fires."""
    people.keep_rotas(session, desk, now)


def alerts_told(session: Session, desk: Desk, told: Sequence[Alert], now: datetime) -> None:
    """Alerts fire, or are over: each joins or opens an incident, or may be the end of one."""
    for alert in told:
        if alert.resolved_at is None:
            opening.alert_fired(session, desk, alert, now)
        else:
            quieting.alert_over(session, desk, alert, now)
        session.flush()
    counting.soon(session, told, now)


def alerts_moved(session: Session, desk: Desk, moved: Sequence[Alert], now: datetime) -> None:
    """Somebody said whose these alerts are: one of another service's incident leaves that."""
    for alert in moved:
        quieting.alert_moved(session, desk, alert, now)


def wakes(session: Session, alert: Alert) -> bool:
    """Whether an alert belongs to an incident that wakes or asks people by itself: they need no second word of it."""
    return opening.is_real(session, alert)


def deploy_moved(session: Session, desk: Desk, deploy: Deploy, now: datetime) -> None:
    """A rollout moved, or it became known what it carries: it may have caused what is open, or have ended it."""
    attributing.deploy_moved(session, desk, deploy, now)
    changing.went_live(session, desk, deploy, now)


def flag_changed(session: Session, desk: Desk, flag: FlagChange | None, now: datetime) -> None:
    """A flag was turned; None: that was known."""
    if flag is not None:
        attributing.flag_moved(session, desk, flag, now)


def pager_answered(session: Session, desk: Desk, event: PagerAnswered, now: datetime) -> None:
    """The pager tells how one of its incidents stands."""
    answering.pager_answered(session, desk, event, now)


def due(session: Session, desk: Desk, kind: str, number: int, now: datetime) -> None:
    """The time of an incident, of a page, or to look for likely changes again has come."""
    if kind == pages.PAGE:
        unanswered.due(session, desk, number, now)
    elif kind == attributing.LIKELY:
        attributing.due(session, desk, number, now)
    elif kind in quieting.KINDS:
        quieting.due(session, desk, kind, number, now)
    elif kind == counting.COUNTS:
        counting.due(session, desk, number, now)
    elif kind == people.ROTAS:
        people.keep_rotas(session, desk, now)
    else:
        acts.due(session, desk, number, now)
