"""Sentences about a promotion that several answers share."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlmodel import Session

from bot import people
from bot.deploys.loading import Desk
from bot.events import Human
from bot.gates import Judged, Judgement, Open, Verdict
from bot.gates.wording import spoken as length_words
from bot.promotions.gathering import target_of
from bot.promotions.models import Promotion, State
from bot.promotions.states import is_called, state_of, unawaited

_ENDED = {
    State.DONE: "is live",
    State.FAILED: "failed",
    State.REJECTED: "was rejected",
    State.CANCELLED: "was cancelled",
    State.EXPIRED: "expired",
    State.SUPERSEDED: "was superseded by a newer build",
}


def called(session: Session, promotion: Promotion) -> str:
    """How a promotion is called in a sentence."""
    target = target_of(session, promotion)
    return f"{target.service} → {target.environment} ({promotion.sha[:7]})"


def ended_words(session: Session, desk: Desk, promotion: Promotion) -> str:
    """How a promotion came to its end: ``checkout → production (a1b2c3d) was rejected at 14:02 (Europe/Paris): …``"""
    by = f" by {person_words(session, desk, promotion.ended_by)}" if promotion.ended_by else ""
    zone = desk.catalog.timezone.key
    at = f" at {spoken(desk, promotion.ended_at)} ({zone})" if promotion.ended_at else ""
    why = f": {promotion.ended_reason}" if promotion.ended_reason else ""
    if unawaited(promotion):
        return (
            f"{called(session, promotion)} rolls out, and nobody waits for it: "
            f"{person_words(session, desk, promotion.ended_by)} stopped waiting{at}{why}."
        )
    return f"{called(session, promotion)} {_ENDED[state_of(promotion)]}{by}{at}{why}."


def starts_words(desk: Desk, promotion: Promotion) -> str:
    """Where a promotion that was approved stands."""
    match state_of(promotion):
        case State.STARTING if not is_called(promotion) and promotion.not_before is not None:
            if promotion.not_before <= desk.now:
                return "starts now"
            return f"starts at {spoken(desk, promotion.not_before, seconds=True)} ({desk.catalog.timezone.key})"
        case State.STARTING | State.ROLLING:
            return "is rolling out"
        case State.DONE:
            return "is live"
    return "waits for its gates"


def waits_words(desk: Desk, judgement: Judgement) -> str:
    """What is still closed, and until when as far as time opens it: ``soaks in staging for 30 min (18 min left)``."""
    return "; ".join(gate_words(one) + _left(desk, one.verdict) for one in judgement.closed)


def gate_words(judged: Judged) -> str:
    """What a gate says, with its name where the sentence does not say it already."""
    return verdict_words(judged.gate, judged.verdict.reason)


def verdict_words(gate: str, reason: str) -> str:
    """The same of a verdict that was kept."""
    return reason if gate in ("lock", "freeze") or reason.startswith(gate) else f"{gate}: {reason}"


def _left(desk: Desk, verdict: Verdict) -> str:
    """How long a verdict holds by itself, in minutes rounded up: plain text knows no reader's time zone."""
    if isinstance(verdict, Open) or verdict.until is None or verdict.until <= desk.now:
        return ""
    minutes = -((desk.now - verdict.until) // timedelta(minutes=1))
    return f" ({'less than a minute' if minutes <= 1 else length_words(timedelta(minutes=minutes))} left)"


def person_words(session: Session, desk: Desk, who: str | None) -> str:
    """How somebody is called whom our tables name ``slack:U…`` or ``github:ana``."""
    if who is None:
        return "somebody"
    sort, _, name = who.partition(":")
    if sort == "slack":
        entry, profile = desk.catalog.person_by_slack(name), people.profile_of(session, name)
        return (entry.name if entry else None) or (profile.name if profile else None) or name
    return people.name_of(session, desk.catalog, Human(login=name if sort == "github" else None, email=name))


def spoken(desk: Desk, at: datetime, *, seconds: bool = False) -> str:
    """An instant in the catalogue's time zone, with the day where that is not today."""
    local = at.astimezone(desk.catalog.timezone)
    day = "" if local.date() == desk.now.astimezone(desk.catalog.timezone).date() else f"{local:%a %d %b} "
    return f"{day}{local:%H:%M:%S}" if seconds else f"{day}{local:%H:%M}"
