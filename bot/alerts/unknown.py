"""Alerts of which nobody knows whose they are: said once of each kind, and only so many in an hour.

Whoever reads it says whose they are (``AlertMapped``), or nobody's. What is beyond the measure is told in one note at
the end of the hour, and each such kind is asked about when it fires next.
"""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta

from sqlmodel import Session, col, select

from bot import outbox, work
from bot.alerts.mapping import kind_of
from bot.alerts.models import Alert, AlertMapping
from bot.catalog import Catalog
from bot.outbox import Note

ASKED = "alert_unmapped"
"""Its kind of note."""

MORE = "alert_unmapped_more"
"""The kind of note that says how many more there were."""

LOOK = "unknown_alerts"
"""Its kind of work; the subject is nothing."""

AT_MOST = 10
"""How many are asked about in an hour."""

HOUR = timedelta(hours=1)

_COUNTED = 500
"""Firing alerts of nobody that are looked at when it is told how many more there are."""


def ask(session: Session, catalog: Catalog, alert: Alert, kind: str, now: datetime) -> None:
    """Ask in the default channel whose alerts like this one are, unless somebody was asked or has said."""
    key = asked_key(kind)
    if session.get(AlertMapping, kind) is not None or _is_there(session, key):
        return
    lately = _asked_since(session, now - HOUR)
    if len(lately) >= AT_MOST:
        work.schedule(session, LOOK, 0, min(lately) + HOUR)
        return
    outbox.add_note(session, ASKED, key, catalog.default_channel, now, alert=alert.id)


def due(session: Session, catalog: Catalog, now: datetime) -> None:
    """Say how many more kinds of alerts fire of which nobody knows whose they are, and nobody was asked."""
    kinds = not_asked(session)
    if kinds:
        outbox.add_note(
            session, MORE, f"{MORE}:{now.isoformat()}", catalog.default_channel, now, kinds=len(kinds)
        )  # fmt: skip


def not_asked(session: Session) -> list[str]:
    """The kinds that fire, are nobody's, and were not asked about."""
    rows = session.exec(
        select(Alert)
        .where(col(Alert.service).is_(None), col(Alert.resolved_at).is_(None))
        .order_by(col(Alert.started_at).desc(), col(Alert.id).desc())
        .limit(_COUNTED)
    ).all()
    kinds = dict.fromkeys(kind_of(alert.source, alert.name, alert.labels) for alert in rows)
    return [
        kind
        for kind in kinds
        if session.get(AlertMapping, kind) is None and not _is_there(session, asked_key(kind))
    ]  # fmt: skip


def asked_key(kind: str) -> str:
    """What makes asking about a kind the same as asking before."""
    return f"{ASKED}:{hashlib.sha256(kind.encode()).hexdigest()[:40]}"


def _is_there(session: Session, key: str) -> bool:
    return session.exec(select(Note.id).where(Note.key == key)).first() is not None


def _asked_since(session: Session, since: datetime) -> list[datetime]:
    """When each of the last hour's was asked; keys lie between ``alert_unmapped:`` and ``alert_unmapped;``."""
    return list(
        session.exec(
            select(Note.created_at).where(Note.key >= f"{ASKED}:", Note.key < f"{ASKED};", Note.created_at > since)
        ).all()
    )
