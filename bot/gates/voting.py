"""What speaks for and against one person's yes: who they are, what they wrote, what they saw."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from bot.gates.base import Run, Situation, Vote
from bot.gates.wording import UNREAD, counted, listed

UNPROVEN = "GitHub has not said which account is yours"
"""What speaks against somebody who may mend that themselves."""


def supposed(situation: Situation, person: str, names: frozenset[str]) -> Vote:
    """The yes of somebody of whom nothing but their names is doubted, were they to give it now."""
    return Vote(
        person=person, called=person, at=situation.now, seen=situation.run.seen, names=names, proven=True, full=True
    )


def said_at(vote: Vote) -> tuple[datetime, str]:
    """What puts yeses in the order in which they were given."""
    return vote.at, vote.person


def names_of(votes: Sequence[Vote]) -> frozenset[str]:
    """Every name by which somebody who gave one of these is known."""
    return frozenset(name for vote in votes for name in (*vote.names, f"slack:{vote.person}"))


def excluded(situation: Situation) -> frozenset[str]:
    """Every name whose yes cannot count: who asked for it, and (but for a rollback) who wrote it."""
    run = situation.run
    wrote = () if run.rollback else (change.wrote for change in run.changes or ())
    return run.requested_by.union(*wrote)


def objection_to(situation: Situation, vote: Vote) -> str | None:
    """What speaks against this person, whatever they saw and whatever group they are in."""
    run, names = situation.run, names_of([vote])
    if not vote.full and vote.trouble is None:
        return "guests and other workspaces only read"
    did: dict[str, list[str]] = {}
    for change in () if run.rollback else run.changes or ():
        mine = change.wrote & names
        if mine:
            part = "merged" if mine <= change.merged else "co-authored" if mine <= change.coauthored else "wrote"
            did.setdefault(part, []).append(change.label)
    told = [f"{part} {listed(labels)}{' for a bot' if part == 'merged' else ''}" for part, labels in did.items()]
    if told:
        return f"you {listed(told)}"
    if run.requested_by & names:
        return "you asked for it"
    if not vote.proven:
        return UNPROVEN
    return None


def unread_changes(run: Run) -> str | None:
    """Why nobody can tell yet, or ever, whose yes would be their own change's; a rollback does not ask."""
    if run.rollback or (run.changes is not None and not run.truncated):
        return None
    if run.changes is None:
        return UNREAD
    return (
        f"{counted(run.truncated, 'further commit')} cannot be read, so whoever wrote them cannot be told from an "
        "approver: promote an earlier build first"
    )


def unknown_people(run: Run) -> list[str]:
    """Who is not known: the authors of changes, or who asked. Either may be one of those who say yes: one more must."""
    if run.rollback:
        return []
    changes = run.changes or ()
    unknown = [change.label for change in changes if not change.wrote]
    unproven = [change.label for change in changes if change.wrote and change.unproven]
    said = [f"nobody knows who wrote {listed(unknown)}"] if unknown else []
    said += [f"only the commit itself says who wrote {listed(unproven)}"] if unproven else []
    who = [" and ".join(said)] if said else []
    who += [f"nobody knows who asked for it {run.unnamed}"] if run.unnamed else []
    return [f"{one}: one more approval" for one in who]


def moved(run: Run, vote: Vote) -> str:
    """What changed since somebody looked."""
    labels = [change.label for change in run.changes or ()]
    added = sum(label not in vote.saw for label in labels)
    gone = sum(label not in labels for label in vote.saw)
    if added and gone:
        return f"{counted(added, 'change')} added and {gone} removed"
    if added or gone:
        return f"{counted(added or gone, 'change')} {'added' if added else 'removed'}"
    return "the commits or the policy changed"
