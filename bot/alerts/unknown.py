"""Alerts of which nobody knows whose they are: asked about once for each kind, and only so many in an hour.

Whoever reads it says whose they are (``AlertMapped``), or nobody's, and the question shows the answer. What is beyond
the measure is one line that lives, at once; at the end of the hour the next ones are asked about, the gravest first.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import case
from sqlmodel import Session, col, select

from bot import outbox, work
from bot.alerts.mapping import kind_of
from bot.alerts.models import Alert, AlertMapping
from bot.catalog import Catalog
from bot.events import AlertLevel
from bot.outbox import Card

ASKED = "alert_unmapped"
"""Its kind of card; the subject is the kind's mark and the alert's number."""

MORE = "alert_unmapped_more"
"""The kind of card that says how many more there are."""

LOOK = "unknown_alerts"
"""Its kind of work; the subject is nothing."""

AT_MOST = 10
"""How many are asked about in an hour …"""

AT_MOST_CRITICAL = 20
"""… and where the next one is critical: it does not wait behind ten that are not."""

HOUR = timedelta(hours=1)

_COUNTED = 500
"""Firing alerts of nobody that are looked at when it is told how many more there are."""

_GRAVITY = case({level.value: 2 * place for place, level in enumerate(AlertLevel)}, value=col(Alert.level), else_=3)
"""The gravest first; what tells no level lies between errors and warnings."""


def ask(session: Session, catalog: Catalog, alert: Alert, kind: str, now: datetime) -> None:
    """Ask in the default channel whose alerts like this one are, unless somebody was asked or has said.

    What asked of one that is over shows that another one fires.
    """
    if session.get(AlertMapping, kind) is not None:
        return
    before = _asked_about(session, kind)
    for card in before:
        first = session.get(Alert, alert_of(card))
        if first is not None and first.resolved_at is not None:
            outbox.show_newer(session, card, urgent=False)
    if before:
        return
    lately = _asked_since(session, now - HOUR)
    if len(lately) >= (AT_MOST_CRITICAL if alert.level == AlertLevel.CRITICAL else AT_MOST):
        work.schedule(session, LOOK, 0, min(lately) + HOUR)
        _show_more(session, catalog, now)
        return
    outbox.touch_card(session, ASKED, f"{_mark(kind)}:{alert.id}", catalog.default_channel, now, urgent=True)


def over(session: Session, kind: str) -> None:
    """One of nobody's is over: what asked shows whether any of its kind still fires, and how many kinds wait."""
    for card in _asked_about(session, kind) or filter(None, [_line(session)]):
        outbox.show_newer(session, card, urgent=False)


def firing_of(session: Session, source: str, kind: str) -> Sequence[Alert]:
    """Those of nobody's that fire and are of this kind, the first one first."""
    rows = session.exec(
        select(Alert)
        .where(col(Alert.service).is_(None), col(Alert.resolved_at).is_(None), Alert.source == source)
        .order_by(col(Alert.started_at), col(Alert.id))
        .limit(_COUNTED)
    ).all()
    return [one for one in rows if kind_of(one.source, one.name, one.labels) == kind]


def answered(session: Session, kind: str) -> None:
    """Somebody said whose alerts of a kind are: what asked shows it."""
    for card in _asked_about(session, kind):
        outbox.show_newer(session, card, urgent=True)


def due(session: Session, catalog: Catalog, now: datetime) -> None:
    """Another hour: ask about those of which nobody was asked yet, as many as may be, and show how many more wait."""
    kinds, _ = not_asked(session)
    for alert in kinds:
        ask(session, catalog, alert, kind_of(alert.source, alert.name, alert.labels), now)
    line = _line(session)
    if line is not None:
        outbox.show_newer(session, line, urgent=False)


def not_asked(session: Session) -> tuple[Sequence[Alert], bool]:
    """One alert of each kind that fires, is nobody's, and was not asked about; the gravest first, then the latest.

    With it, whether so many fire that not all of them were looked at.
    """
    rows = session.exec(
        select(Alert)
        .where(col(Alert.service).is_(None), col(Alert.resolved_at).is_(None))
        .order_by(_GRAVITY, col(Alert.started_at).desc(), col(Alert.id).desc())
        .limit(_COUNTED)
    ).all()
    kinds: dict[str, Alert] = {}
    for alert in rows:
        kinds.setdefault(kind_of(alert.source, alert.name, alert.labels), alert)
    unasked = [
        alert
        for kind, alert in kinds.items()
        if session.get(AlertMapping, kind) is None and not _asked_about(session, kind)
    ]
    return unasked, len(rows) == _COUNTED


def alert_of(card: Card) -> int:
    """The number of the alert that a card asks about."""
    return int(card.subject.rpartition(":")[2])


def _mark(kind: str) -> str:
    """What makes asking about a kind the same as asking before."""
    return hashlib.sha256(kind.encode()).hexdigest()[:40]


def _asked_about(session: Session, kind: str) -> Sequence[Card]:
    """What asked about a kind; subjects lie between its mark with a colon and with a semicolon."""
    mark = _mark(kind)
    return session.exec(
        select(Card).where(Card.kind == ASKED, Card.subject >= f"{mark}:", Card.subject < f"{mark};")
    ).all()  # fmt: skip


def _asked_since(session: Session, since: datetime) -> Sequence[datetime]:
    """When each of the last hour's was asked."""
    return session.exec(select(Card.created_at).where(Card.kind == ASKED, Card.created_at > since)).all()


def _show_more(session: Session, catalog: Catalog, now: datetime) -> None:
    """One line says how many more there are: the same for an hour."""
    line = _line(session)
    if line is not None and line.created_at > now - HOUR:
        outbox.show_newer(session, line, urgent=False)
    else:
        outbox.touch_card(session, MORE, str(int(now.timestamp())), catalog.default_channel, now, urgent=True)


def _line(session: Session) -> Card | None:
    """The latest line that says how many more there are."""
    return session.exec(select(Card).where(Card.kind == MORE).order_by(col(Card.id).desc()).limit(1)).first()
