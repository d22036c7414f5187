"""Runs at GitHub that wait before an environment: who asks, what they are told meanwhile, and when they are gone.

A closed gate is never answered with ``rejected``, which would end the run: it waits, with a status note now and then.
Only a person's Reject does. GitHub takes ten notes; the last is kept for the end.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, select

from bot import audit, outbox, work
from bot.audit import Tag
from bot.events import RunEnded
from bot.gates import Judgement
from bot.outbox import Lane
from bot.promotions import rules, statements
from bot.promotions.models import GateRequest, Promotion, State

NOTE = "gate_note"
"""The effect that posts a status note. Twice costs one of the ten; it is left out where it is out of date."""

REJECT = "gate_reject"
"""The effect that ends a run's wait with a person's no. Twice is harmless: the second finds nothing pending."""

_ENDINGS = {
    State.CANCELLED: "This promotion was cancelled",
    State.EXPIRED: "This promotion expired",
    State.SUPERSEDED: "A newer build took this one's place",
}
"""What a run that waits on is told when its promotion came to an end."""


def note(session: Session, promotion: Promotion, judgement: Judgement, now: datetime) -> None:
    """Say on the runs that wait what they wait for, where that has changed."""
    if State(promotion.state) is not State.OPEN:
        return  # what is about to be answered needs no note
    for run in waiting(session, promotion):
        _note(session, run, rules.comment("Waiting", judgement), now, most=rules.NOTES_TAKEN - 1)


def over(session: Session, promotion: Promotion, to: State, now: datetime, why: str | None) -> None:
    """A promotion ended: a person's no ends the wait of its runs, any other end is written on them."""
    for run in waiting(session, promotion):
        if to is State.REJECTED:
            close(session, run, "rejected", now)
            words = rules.one_line(f"Rejected: {why}" if why else "Rejected")[: rules.LONGEST_COMMENT]
            outbox.add_effect(
                session, REJECT, f"{REJECT}:{run.id}", now, lane=Lane.APPROVAL,
                repo=run.repo, run=run.run, environment=run.environment, comment=words,
            )  # fmt: skip
        elif to in _ENDINGS:
            words = f"{_ENDINGS[to]}. Cancel this run, or ask for its build again with /ship promote."
            _note(session, run, words, now, most=rules.NOTES_TAKEN)


def refuse(session: Session, run: GateRequest, words: str, now: datetime) -> None:
    """Say on a run why no promotion was made of it."""
    _note(session, run, words[: rules.LONGEST_COMMENT], now, most=rules.NOTES_TAKEN - 1)


def waiting(session: Session, promotion: Promotion) -> Sequence[GateRequest]:
    """The runs that wait for this promotion."""
    return session.exec(statements.WAITING_RUNS, params={"of_promotion": promotion.id}).all()


def choose(session: Session, promotion: Promotion) -> None:
    """Write down which run the call that begins now lets in: the first that waits, where any does."""
    run = next(iter(waiting(session, promotion)), None)
    promotion.called_run = run.id if run is not None else None
    session.flush()


def chosen(session: Session, promotion: Promotion) -> GateRequest | None:
    """The run that the last call lets in, though it may be over: another one would be let in beside it."""
    return session.get(GateRequest, promotion.called_run) if promotion.called_run is not None else None


def close(session: Session, run: GateRequest, outcome: str, now: datetime) -> None:
    """A run waits for our answer no more."""
    run.over_at, run.outcome = now, outcome
    session.flush()
    audit.record(
        session, Tag.GATE_OVER, f"run:{run.repo}/{run.run}", now, environment=run.environment, outcome=outcome,
        promotion=run.promotion,
    )  # fmt: skip


def run_ended(session: Session, event: RunEnded, now: datetime) -> None:
    """A run is over: what waited in it is gone. Told late of one that has asked afresh since, nothing is."""
    rows = session.exec(
        select(GateRequest).where(
            GateRequest.repo == event.repo,
            GateRequest.run == event.run,
            col(GateRequest.over_at).is_(None),
            GateRequest.asked_at <= event.at,
        )
    ).all()
    for run in rows:
        close(session, run, "vanished", now)
        work.touch(session, "target", run.target)


def note_wanted(session: Session, data: Mapping[str, Any]) -> GateRequest | None:
    """The run that a note is for, None once it waits no more or has been told something newer."""
    run = session.get(GateRequest, int(data["request"]))
    if run is None or run.over_at is not None or run.notes != int(data["number"]):
        return None
    return run


def _note(session: Session, run: GateRequest, words: str, now: datetime, *, most: int) -> None:
    if run.noted == words or run.notes >= most:
        return
    run.noted, run.notes = words, run.notes + 1
    session.flush()
    outbox.add_effect(
        session, NOTE, f"{NOTE}:{run.id}:{run.notes}", now, lane=Lane.APPROVAL,
        request=run.id, number=run.notes, comment=words,
    )  # fmt: skip
