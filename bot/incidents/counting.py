"""How many alerts of an incident fire stands on its cards: soon after some came or went, however many those are."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlmodel import Session

from bot import work
from bot.alerts.models import Alert
from bot.deploys.loading import Desk
from bot.incidents import finding, telling
from bot.incidents.models import Incident

COUNTS = "incident_counts"
"""The kind of work that shows the figures of an incident anew; by its number."""

WITHIN = timedelta(seconds=20)
"""How old they are at most: a storm has hundreds of alerts a second, and each would have the cards drawn anew."""


def soon(session: Session, told: Sequence[Alert], now: datetime) -> None:
    """Some alerts fire, or are over: those of incidents are counted anew, once for all that come until then."""
    for number in dict.fromkeys(alert.incident for alert in told):
        if number is not None:
            work.once(session, COUNTS, number, now + WITHIN)


def due(session: Session, desk: Desk, number: int, now: datetime) -> None:
    """Show the figures as they are; where nothing changed nothing is sent."""
    incident = session.get(Incident, number)
    if incident is not None:
        telling.show(session, desk, finding.going_on(session, incident), now, urgent=False)
