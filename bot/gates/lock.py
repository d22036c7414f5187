"""Somebody's brake: closed while a lock covers the promotion, and after it until a person has said Go."""

from __future__ import annotations

from dataclasses import dataclass

from bot.gates.base import Blocked, LockFact, Open, Situation, Verdict


@dataclass(frozen=True)
class Lock:
    """No lock covers it. A rollback passes every lock but one that says so."""

    name: str = "lock"

    def judge(self, situation: Situation, demands: int) -> Verdict:
        """Blocked by every lock at once: until the last of them ends, lifted by whoever may lift one of them."""
        locks = [verdict for _, verdict in each_lock(situation)]
        if not locks:
            return Open("no lock stops a rollback" if situation.run.rollback else "no lock")
        ends = [lock.until for lock in locks if lock.until is not None]
        return Blocked(
            "; ".join(lock.reason for lock in locks),
            until=max(ends) if len(ends) == len(locks) else None,
            who=tuple(dict.fromkeys(person for lock in locks for person in lock.who)),
        )


def each_lock(situation: Situation) -> tuple[tuple[LockFact, Blocked], ...]:
    """The locks that stop this promotion, each with the verdict it would come to alone."""
    return tuple(
        (
            lock,
            Blocked(
                _told(lock, situation), until=None if waits_for_go(lock, situation) else lock.ends_at, who=lock.who
            ),
        )
        for lock in situation.locks
        if not (situation.run.rollback and lock.rollbacks)
    )


def waits_for_go(lock: LockFact, situation: Situation) -> bool:
    """Whether it has ended, and holds until a person says Go."""
    return lock.ended or (lock.ends_at is not None and lock.ends_at <= situation.now)


def _told(lock: LockFact, situation: Situation) -> str:
    if not waits_for_go(lock, situation):
        if lock.hold:
            return f"held by {lock.owner}: {lock.reason}"
        return f"{lock.scope} is locked by {lock.owner}: {lock.reason}"
    if lock.hold:
        return f"the hold of {lock.owner} ran out: it waits for somebody's Go"
    how = "is lifted" if lock.ends_at is None else "ran out"
    return f"the lock on {lock.scope} {how}: {situation.run.environment} waits for somebody's Go"
