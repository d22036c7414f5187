"""Somebody else's yes: who must have said it, whose counts, and what to say to those whose does not.

A yes counts once, for one group, while it is fresh, and only for what was seen when it was given. It never counts from
whoever wrote or co-authored a change aboard, merged one for a bot, or asked for the promotion; nor from a guest, nor
from somebody whose GitHub identity is not proven, since nobody could tell whether they wrote any of it. Where it is not
known just now whether they are a full member, it waits until it is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated

from pydantic import Field

from bot.gates.base import Blocked, GroupFact, Open, Situation, Verdict, Vote, Waiting
from bot.gates.options import Duration, Names, Shape
from bot.gates.seating import Table, Wanted, either, needed, troubles_of
from bot.gates.voting import (
    excluded,
    moved,
    names_of,
    objection_to,
    said_at,
    supposed,
    unknown_people,
    unread_changes,
)
from bot.gates.wording import listed

_FREE = "a rollback needs nobody's yes"

_PEOPLE = Annotated[int, Field(ge=1, le=10)]


class GroupShape(Shape):
    """One group of approvers."""

    words: Names = Field(alias="from")
    """A Slack user group (``@name``), a member id, ``on-call``, or a login or e-mail address of ``people``."""
    count: _PEOPLE = 1
    """How many of them."""

    def group(self) -> Group:
        """The group with these options."""
        return Group(tuple(dict.fromkeys(self.words)), self.count)


class ApprovalShape(Shape):
    """Who must have said yes."""

    count: _PEOPLE = 1
    """How many people. With groups, as many as these ask for together, unless this is more."""
    expires: Duration | None = None
    """How long a yes counts; without it, four hours."""
    groups: Annotated[list[GroupShape], Field(min_length=1, max_length=10)] | None = None
    """Whose yes; without it, the team's approvers'. Nobody counts for two groups."""
    rollback_count: Annotated[int, Field(ge=0, le=10)] = 0
    """How many people for a declared rollback; one's own change is then allowed."""

    def gate(self) -> Approval:
        """The gate with these options."""
        return Approval(
            self.count,
            Approval.expires if self.expires is None else self.expires,
            tuple(group.group() for group in self.groups or ()),
            self.rollback_count,
        )


@dataclass(frozen=True)
class Group:
    """So many yeses of people whom one of these words names."""

    words: tuple[str, ...]
    count: int = 1


@dataclass(frozen=True)
class Approval:
    """So many people who did not write it have said yes; a yes counts until it expires.

    Without groups they are whom the team names, else every full member. With groups each asks for its own number, and
    ``count`` for further ones of any group where it is more; so do other gates (``demands``).
    """

    count: int = 1
    expires: timedelta = timedelta(hours=4)
    groups: tuple[Group, ...] = ()
    rollback_count: int = 0
    name: str = "approval"

    def judge(self, situation: Situation, demands: int) -> Verdict:
        """Waiting names what is missing, why a yes that was given does not count, and who can (``who``)."""
        run = situation.run
        if run.rollback and self.rollback_count == 0:
            return Open(_FREE)
        unread = unread_changes(run)
        if unread is not None:
            return Waiting(unread) if run.changes is None else Blocked(unread)
        wanted = self._wanted(situation, demands)
        table = self._table(situation, wanted)
        if table.missing == 0:
            return Open(f"approved by {listed([vote.called for vote in table.votes])}")
        return Waiting(
            "; ".join([*self._lost(situation, wanted), *troubles_of(table), *unknown_people(run), needed(table)]),
            who=tuple(sorted(_candidates(situation, table) or ())),
        )

    def lapses_at(self, situation: Situation, demands: int) -> datetime | None:
        """When the first of the yeses that count now expires."""
        table = self._table(situation, self._wanted(situation, demands))
        return min((vote.at + self.expires for vote in table.votes), default=None)

    def refusal(self, situation: Situation, vote: Vote, demands: int) -> str | None:
        """Why this yes would not count, said to whoever gives it; None where it would."""
        run = situation.run
        if run.rollback and self.rollback_count == 0:
            return _FREE
        objection = objection_to(situation, vote) or unread_changes(run)
        if objection is not None:
            return objection
        if vote.seen != run.seen:
            return f"{moved(run, vote)} since you looked"
        wanted = self._wanted(situation, demands)
        if any(group.takes(vote.person) for group in wanted):
            return None
        troubles = tuple(dict.fromkeys(trouble for group in wanted for trouble in group.troubles))
        return "; ".join([f"you do not belong to {either(wanted)}", *troubles])

    def candidates(self, situation: Situation, demands: int) -> frozenset[str] | None:
        """The Slack ids of those in a group whose yes is missing; None = every full member."""
        if unread_changes(situation.run) is not None:
            return frozenset()
        return _candidates(situation, self._table(situation, self._wanted(situation, demands)))

    def can_help(self, situation: Situation, demands: int, names: Mapping[str, frozenset[str]]) -> tuple[str, ...]:
        """Which of these people could give a missing yes, by every name that is known to be theirs."""
        if unread_changes(situation.run) is not None:
            return ()
        table = self._table(situation, self._wanted(situation, demands))
        heard = names_of(table.votes)
        helped = [table.wanted[index] for index in table.helped_by()]
        return tuple(
            person
            for person, known in names.items()
            if not (known | {f"slack:{person}"}) & (heard | excluded(situation))
            and any(group.takes(person) for group in helped)
        )

    def circle(self, situation: Situation, demands: int) -> frozenset[str]:
        """All in a group whose yes is missing, also whose yes cannot count; nobody where that is everybody."""
        if unread_changes(situation.run) is not None:
            return frozenset()
        table = self._table(situation, self._wanted(situation, demands))
        helped = [table.wanted[index] for index in table.helped_by()]
        if any(group.members is None for group in helped):
            return frozenset()
        return frozenset[str]().union(*(group.members for group in helped if group.members is not None))

    def short(self, situation: Situation, demands: int, names: Mapping[str, frozenset[str]]) -> int:
        """How many yeses are missing that nobody can give, were all of these people to say yes who can.

        0 where a group is everybody or cannot be read: then nobody knows.
        """
        if unread_changes(situation.run) is not None or (situation.run.rollback and self.rollback_count == 0):
            return 0
        wanted = self._wanted(situation, demands)
        table = self._table(situation, wanted)
        if any(wanted[index].members is None or wanted[index].troubles for index in table.helped_by()):
            return 0
        for person in self.can_help(situation, demands, names):
            vote = supposed(situation, person, names[person])
            if not names_of([vote]) & names_of(table.votes):
                table.seat(vote)
        return table.missing

    def barred(self, situation: Situation, demands: int, names: Mapping[str, frozenset[str]]) -> Mapping[str, str]:
        """What speaks against those of these people who cannot give a missing yes: "wrote #402", "approved already"."""
        votes = self._table(situation, self._wanted(situation, demands)).votes
        found = {}
        for person, known in names.items():
            vote = supposed(situation, person, known)
            if names_of([vote]) & names_of(votes):
                found[person] = "approved already"
            elif (objection := objection_to(situation, vote)) is not None:
                found[person] = objection.removeprefix("you ")
        return found

    def _wanted(self, situation: Situation, demands: int) -> tuple[Wanted, ...]:
        """Every group with the number of yeses that it must give; the last may be filled by any of them."""
        run = situation.run
        everybody = tuple(dict.fromkeys(word for group in self.groups for word in group.words)) or situation.approvers
        groups: tuple[Group, ...] = () if run.rollback else self.groups
        further = self.rollback_count
        if not run.rollback:
            asked = sum(group.count for group in groups)
            further = max(0, self.count - asked) + demands + len(unknown_people(run))
        wanted = [_whom(group.words, group.count, situation) for group in groups]
        return (*wanted, _whom(everybody, further, situation)) if further else tuple(wanted)

    def _table(self, situation: Situation, wanted: Sequence[Wanted]) -> Table:
        table = Table(wanted)
        for vote in self._counting(situation):
            # Two accounts of one person are one person; names that only exclude are names here too.
            if not names_of([vote]) & names_of(table.votes):
                table.seat(vote)
        return table

    def _counting(self, situation: Situation) -> list[Vote]:
        """The yeses that nothing speaks against, in the order in which they were given."""
        return [
            vote
            for vote in sorted(situation.votes, key=said_at)
            if vote.trouble is None and self._stands(situation, vote)
        ]

    def _stands(self, situation: Situation, vote: Vote) -> bool:
        """Whether it was given to this, is not too old, and nothing speaks against whoever gave it."""
        fresh = vote.seen == situation.run.seen and situation.now < vote.at + self.expires
        return fresh and objection_to(situation, vote) is None

    def _lost(self, situation: Situation, wanted: Sequence[Wanted]) -> list[str]:
        """What became of yeses that counted once: void, expired, or of nobody knows whom just now."""
        run, void, expired = situation.run, dict[str, list[str]](), list[str]()
        for vote in sorted(situation.votes, key=said_at):
            if objection_to(situation, vote) is not None or not any(group.takes(vote.person) for group in wanted):
                continue
            if vote.seen != run.seen:
                void.setdefault(moved(run, vote), []).append(vote.called)
            elif situation.now >= vote.at + self.expires:
                expired.append(vote.called)
        lost = [f"void: {what} since {listed(people)} approved" for what, people in void.items()]
        if expired:
            lost.append(f"the yes of {listed(expired)} expired")
        doubted = [vote for vote in sorted(situation.votes, key=said_at) if self._stands(situation, vote)]
        return lost + [vote.trouble for vote in doubted if vote.trouble is not None]


def _whom(words: Sequence[str], count: int, situation: Situation) -> Wanted:
    """What a group comes to: whoever any of its words names, as far as that can be relied on."""
    if not words:
        return Wanted(count, (), None, ())
    facts = [situation.groups.get(word) or GroupFact(name=word, members=None, trouble="never read") for word in words]
    sound = [fact.members for fact in facts if fact.trouble is None]
    return Wanted(
        count,
        tuple(dict.fromkeys(fact.name for fact in facts)),
        None if None in sound else frozenset().union(*(members for members in sound if members is not None)),
        tuple(f"who belongs to {fact.name} is not known ({fact.trouble})" for fact in facts if fact.trouble),
    )


def _candidates(situation: Situation, table: Table) -> frozenset[str] | None:
    helped = [table.wanted[index] for index in table.helped_by()]
    if any(group.members is None for group in helped):
        return None
    barred = excluded(situation) | names_of(table.votes)
    people = frozenset[str]().union(*(group.members for group in helped if group.members is not None))
    return frozenset(person for person in people if f"slack:{person}" not in barred)
