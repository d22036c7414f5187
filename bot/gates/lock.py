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
        locks = [lock for lock in situation.locks if not (situation.run.rollback and lock.rollbacks)]
        if not locks:
            return Open("no lock stops a rollback" if situation.run.rollback else "no lock")
        ends = [lock.ends_at for lock in locks if lock.ends_at is not None and not _over(lock, situation)]
        return Blocked(
            "; ".join(_told(lock, situation) for lock in locks),
            until=max(ends) if len(ends) == len(locks) else None,
            who=tuple(dict.fromkeys(person for lock in locks for person in lock.who)),
        )


def _over(lock: LockFact, situation: Situation) -> bool:
    return lock.ended or (lock.ends_at is not None and lock.ends_at <= situation.now)


def _told(lock: LockFact, situation: Situation) -> str:
    if not _over(lock, situation):
        return f"{lock.scope} is locked by {lock.owner}: {lock.reason}"
    how = "is lifted" if lock.ends_at is None else "ran out"
    return f"the lock on {lock.scope} {how}: {situation.run.environment} waits for somebody's Go"
