"""Gates and people as cards, notes and answers show them: each verdict with who can open it, each person by name."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlmodel import Session

from bot.deploys import loading as deploys
from bot.deploys.loading import Desk
from bot.deploys.views import PersonView
from bot.events import Human
from bot.gates import Judged, Judgement, Open, Situation
from bot.gates.lock import each_lock, waits_for_go
from bot.locks import loading as locks
from bot.people import Available
from bot.promotions import judging
from bot.promotions.gathering import situation
from bot.promotions.models import Promotion
from bot.promotions.rules import state_of as verdict_state
from bot.promotions.views import (
    AbleView,
    GateLine,
)

MOST_ABLE = 5
"""How many of those who can are named: more would not be read."""


def gate_lines(session: Session, desk: Desk, known: Situation, verdicts: Iterable[Judged]) -> tuple[GateLine, ...]:
    """These verdicts, each with who can open it; several locks each with its own end, and whether it wants a Go."""
    found: list[GateLine] = []
    for judged in verdicts:
        locks_here = each_lock(known) if judged.gate == "lock" and not isinstance(judged.verdict, Open) else ()
        found += [
            _gate_line(
                session,
                desk,
                Judged("lock", verdict),
                go=lock.id if waits_for_go(lock, known) else None,
                able=lock.able,
                room=lock.room if not waits_for_go(lock, known) else None,
            )
            for lock, verdict in locks_here
        ] or [_gate_line(session, desk, judged)]
    return tuple(found)


def closed_lines(session: Session, desk: Desk, promotion: Promotion, judgement: Judgement) -> tuple[GateLine, ...]:
    """The same of those that are closed."""
    if not judgement.closed:
        return ()
    return gate_lines(session, desk, situation(session, desk, promotion, desk.now), judgement.closed)


def _gate_line(
    session: Session, desk: Desk, judged: Judged, *, go: int | None = None, able: str = "", room: str | None = None
) -> GateLine:
    """One verdict; whose yes is missing is told apart, with their hours."""
    verdict = judged.verdict
    who = () if isinstance(verdict, Open) or judged.gate == "approval" else verdict.who
    named = 0 < len(who) <= MOST_ABLE
    return GateLine(
        gate=judged.gate,
        state=verdict_state(verdict),
        reason=verdict.reason,
        until=None if isinstance(verdict, Open) else verdict.until,
        can=tuple(locks.person(session, desk, slack_id) for slack_id in who) if named else (),
        go=go,
        able="" if named else able,
        room=room,
    )


def who_view(session: Session, desk: Desk, who: str | None) -> PersonView | None:
    """Somebody whom our tables name ``slack:U…``, ``github:ana`` or by their address."""
    if who is None:
        return None
    sort, _, name = who.partition(":")
    if sort == "slack":
        return locks.person(session, desk, name)
    human = Human(login=name if sort == "github" else None, email=name if sort == "email" else None)
    return deploys.person(session, desk, human if name else Human(name=who))


def able_views(session: Session, desk: Desk, promotion: Promotion) -> tuple[AbleView, ...]:
    """Whose yes is missing, whoever is easiest to reach first."""
    return able_of(session, desk, promotion, situation(session, desk, promotion, desk.now))


def able_of(session: Session, desk: Desk, promotion: Promotion, known: Situation) -> tuple[AbleView, ...]:
    """The same, of facts that were gathered before."""
    return able_shown(judging.helpers(session, desk, promotion, known))


def able_shown(able: Sequence[Available]) -> tuple[AbleView, ...]:
    """The first of these people, each with whether they can be asked now."""
    return tuple(
        AbleView(
            person=PersonView(name=one.name, slack_id=one.slack_id),
            online=one.online,
            from_at=None if one.works_now else one.from_at,
        )
        for one in able[:MOST_ABLE]
    )
