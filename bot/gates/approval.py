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

from bot.gates.base import Blocked, GroupFact, Open, Run, Situation, Verdict, Vote, Waiting
from bot.gates.options import Duration, Names, Shape
from bot.gates.wording import UNREAD, counted, listed

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
class _Wanted:
    """So many yeses of these members; None = every full member. ``names`` is what they are called, empty for all."""

    count: int
    names: tuple[str, ...]
    members: frozenset[str] | None
    troubles: tuple[str, ...]

    @property
    def called(self) -> str:
        """How the group is called; empty for everybody."""
        return _either([self])

    def takes(self, person: str) -> bool:
        """Whether this person's yes is one of them."""
        return self.members is None or person in self.members


class _Table:
    """Who sits for which group: as many people as can be seated, each once (augmenting paths)."""

    def __init__(self, wanted: Sequence[_Wanted]) -> None:
        self.wanted = wanted
        self.seated: list[list[Vote]] = [[] for _ in wanted]

    @property
    def missing(self) -> int:
        """How many seats are empty."""
        return sum(group.count for group in self.wanted) - sum(map(len, self.seated))

    @property
    def votes(self) -> list[Vote]:
        """Those who are seated, in the order in which they said yes."""
        return sorted((vote for seats in self.seated for vote in seats), key=_said)

    def seat(self, vote: Vote) -> bool:
        """Find them a seat, moving others to other groups of theirs where that makes room."""
        return self._seat(vote, [index for index, group in enumerate(self.wanted) if group.takes(vote.person)], set())

    def _seat(self, vote: Vote, groups: Sequence[int], tried: set[int]) -> bool:
        for index in groups:
            if index in tried:
                continue
            tried.add(index)
            if len(self.seated[index]) < self.wanted[index].count:
                self.seated[index].append(vote)
                return True
            for other in list(self.seated[index]):
                elsewhere = [i for i, group in enumerate(self.wanted) if group.takes(other.person)]
                if self._seat(other, elsewhere, tried):
                    self.seated[index].remove(other)
                    self.seated[index].append(vote)
                    return True
        return False

    def helped_by(self) -> list[int]:
        """The groups one more of whose members would fill an empty seat, be it by making room."""
        reached = {index for index, group in enumerate(self.wanted) if len(self.seated[index]) < group.count}
        waiting = list(reached)
        while waiting:
            here = waiting.pop()
            for index, seats in enumerate(self.seated):
                if index not in reached and any(self.wanted[here].takes(vote.person) for vote in seats):
                    reached.add(index)
                    waiting.append(index)
        return sorted(reached)


UNPROVEN = "GitHub has not said which account is yours"
"""What speaks against somebody who may mend that themselves."""


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
        unread = _unread(run)
        if unread is not None:
            return Waiting(unread) if run.changes is None else Blocked(unread)
        wanted = self._wanted(situation, demands)
        table = self._table(situation, wanted)
        if table.missing == 0:
            return Open(f"approved by {listed([vote.called for vote in table.votes])}")
        return Waiting(
            "; ".join([*self._lost(situation, wanted), *_troubles(table), *_unknown(run), _needed(table)]),
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
        objection = _objection(situation, vote) or _unread(run)
        if objection is not None:
            return objection
        if vote.seen != run.seen:
            return f"{_moved(run, vote)} since you looked"
        wanted = self._wanted(situation, demands)
        if any(group.takes(vote.person) for group in wanted):
            return None
        troubles = tuple(dict.fromkeys(trouble for group in wanted for trouble in group.troubles))
        return "; ".join([f"you do not belong to {_either(wanted)}", *troubles])

    def candidates(self, situation: Situation, demands: int) -> frozenset[str] | None:
        """The Slack ids of those in a group whose yes is missing; None = every full member."""
        if _unread(situation.run) is not None:
            return frozenset()
        return _candidates(situation, self._table(situation, self._wanted(situation, demands)))

    def can_help(self, situation: Situation, demands: int, names: Mapping[str, frozenset[str]]) -> tuple[str, ...]:
        """Which of these people could give a missing yes, by every name that is known to be theirs."""
        if _unread(situation.run) is not None:
            return ()
        table = self._table(situation, self._wanted(situation, demands))
        heard = _names(table.votes)
        helped = [table.wanted[index] for index in table.helped_by()]
        return tuple(
            person
            for person, known in names.items()
            if not (known | {f"slack:{person}"}) & (heard | _excluded(situation))
            and any(group.takes(person) for group in helped)
        )

    def circle(self, situation: Situation, demands: int) -> frozenset[str]:
        """All in a group whose yes is missing, also whose yes cannot count; nobody where that is everybody."""
        if _unread(situation.run) is not None:
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
        if _unread(situation.run) is not None or (situation.run.rollback and self.rollback_count == 0):
            return 0
        wanted = self._wanted(situation, demands)
        table = self._table(situation, wanted)
        if any(wanted[index].members is None or wanted[index].troubles for index in table.helped_by()):
            return 0
        for person in self.can_help(situation, demands, names):
            vote = _supposed(situation, person, names[person])
            if not _names([vote]) & _names(table.votes):
                table.seat(vote)
        return table.missing

    def barred(self, situation: Situation, demands: int, names: Mapping[str, frozenset[str]]) -> Mapping[str, str]:
        """What speaks against those of these people who cannot give a missing yes: "wrote #402", "approved already"."""
        votes = self._table(situation, self._wanted(situation, demands)).votes
        found = {}
        for person, known in names.items():
            vote = _supposed(situation, person, known)
            if _names([vote]) & _names(votes):
                found[person] = "approved already"
            elif (objection := _objection(situation, vote)) is not None:
                found[person] = objection.removeprefix("you ")
        return found

    def _wanted(self, situation: Situation, demands: int) -> tuple[_Wanted, ...]:
        """Every group with the number of yeses that it must give; the last may be filled by any of them."""
        run = situation.run
        everybody = tuple(dict.fromkeys(word for group in self.groups for word in group.words)) or situation.approvers
        groups: tuple[Group, ...] = () if run.rollback else self.groups
        further = self.rollback_count
        if not run.rollback:
            asked = sum(group.count for group in groups)
            further = max(0, self.count - asked) + demands + len(_unknown(run))
        wanted = [_whom(group.words, group.count, situation) for group in groups]
        return (*wanted, _whom(everybody, further, situation)) if further else tuple(wanted)

    def _table(self, situation: Situation, wanted: Sequence[_Wanted]) -> _Table:
        table = _Table(wanted)
        for vote in self._counting(situation):
            # Two accounts of one person are one person; names that only exclude are names here too.
            if not _names([vote]) & _names(table.votes):
                table.seat(vote)
        return table

    def _counting(self, situation: Situation) -> list[Vote]:
        """The yeses that nothing speaks against, in the order in which they were given."""
        return [
            vote
            for vote in sorted(situation.votes, key=_said)
            if vote.trouble is None and self._stands(situation, vote)
        ]

    def _stands(self, situation: Situation, vote: Vote) -> bool:
        """Whether it was given to this, is not too old, and nothing speaks against whoever gave it."""
        fresh = vote.seen == situation.run.seen and situation.now < vote.at + self.expires
        return fresh and _objection(situation, vote) is None

    def _lost(self, situation: Situation, wanted: Sequence[_Wanted]) -> list[str]:
        """What became of yeses that counted once: void, expired, or of nobody knows whom just now."""
        run, void, expired = situation.run, dict[str, list[str]](), list[str]()
        for vote in sorted(situation.votes, key=_said):
            if _objection(situation, vote) is not None or not any(group.takes(vote.person) for group in wanted):
                continue
            if vote.seen != run.seen:
                void.setdefault(_moved(run, vote), []).append(vote.called)
            elif situation.now >= vote.at + self.expires:
                expired.append(vote.called)
        lost = [f"void: {what} since {listed(people)} approved" for what, people in void.items()]
        if expired:
            lost.append(f"the yes of {listed(expired)} expired")
        doubted = [vote for vote in sorted(situation.votes, key=_said) if self._stands(situation, vote)]
        return lost + [vote.trouble for vote in doubted if vote.trouble is not None]


def _supposed(situation: Situation, person: str, names: frozenset[str]) -> Vote:
    """The yes of somebody of whom nothing but their names is doubted, were they to give it now."""
    return Vote(
        person=person, called=person, at=situation.now, seen=situation.run.seen, names=names, proven=True, full=True
    )


def _said(vote: Vote) -> tuple[datetime, str]:
    return vote.at, vote.person


def _names(votes: Sequence[Vote]) -> frozenset[str]:
    return frozenset(name for vote in votes for name in (*vote.names, f"slack:{vote.person}"))


def _excluded(situation: Situation) -> frozenset[str]:
    """Every name whose yes cannot count: who asked for it, and (but for a rollback) who wrote it."""
    run = situation.run
    wrote = () if run.rollback else (change.wrote for change in run.changes or ())
    return run.requested_by.union(*wrote)


def _objection(situation: Situation, vote: Vote) -> str | None:
    """What speaks against this person, whatever they saw and whatever group they are in."""
    run, names = situation.run, _names([vote])
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


def _whom(words: Sequence[str], count: int, situation: Situation) -> _Wanted:
    """What a group comes to: whoever any of its words names, as far as that can be relied on."""
    if not words:
        return _Wanted(count, (), None, ())
    facts = [situation.groups.get(word) or GroupFact(name=word, members=None, trouble="never read") for word in words]
    sound = [fact.members for fact in facts if fact.trouble is None]
    return _Wanted(
        count,
        tuple(dict.fromkeys(fact.name for fact in facts)),
        None if None in sound else frozenset().union(*(members for members in sound if members is not None)),
        tuple(f"who belongs to {fact.name} is not known ({fact.trouble})" for fact in facts if fact.trouble),
    )


def _candidates(situation: Situation, table: _Table) -> frozenset[str] | None:
    helped = [table.wanted[index] for index in table.helped_by()]
    if any(group.members is None for group in helped):
        return None
    barred = _excluded(situation) | _names(table.votes)
    people = frozenset[str]().union(*(group.members for group in helped if group.members is not None))
    return frozenset(person for person in people if f"slack:{person}" not in barred)


def _unread(run: Run) -> str | None:
    """Why nobody can tell yet, or ever, whose yes would be their own change's; a rollback does not ask."""
    if run.rollback or (run.changes is not None and not run.truncated):
        return None
    if run.changes is None:
        return UNREAD
    return (
        f"{counted(run.truncated, 'further commit')} cannot be read, so whoever wrote them cannot be told from an "
        "approver: promote an earlier build first"
    )


def _unknown(run: Run) -> list[str]:
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


def _troubles(table: _Table) -> list[str]:
    """Why groups whose yes is missing cannot be relied on."""
    return list(dict.fromkeys(trouble for index in table.helped_by() for trouble in table.wanted[index].troubles))


def _moved(run: Run, vote: Vote) -> str:
    """What changed since somebody looked."""
    labels = [change.label for change in run.changes or ()]
    added = sum(label not in vote.saw for label in labels)
    gone = sum(label not in labels for label in vote.saw)
    if added and gone:
        return f"{counted(added, 'change')} added and {gone} removed"
    if added or gone:
        return f"{counted(added or gone, 'change')} {'added' if added else 'removed'}"
    return "the commits or the policy changed"


def _needed(table: _Table) -> str:
    """``needs 1 yes (payments-leads)``; ``1 of 2, needs 1 yes of security``."""
    empty = [
        (group, group.count - len(seats))
        for group, seats in zip(table.wanted, table.seated, strict=True)
        if len(seats) < group.count
    ]
    heard, total = len(table.votes), sum(group.count for group in table.wanted)
    if len(table.wanted) == 1 and not heard:
        (group,) = table.wanted
        return f"needs {_yeses(total)}" + (f" ({group.called})" if group.called else "")
    if len(empty) == len(table.helped_by()):
        needs = listed([_yeses(number) + (f" of {group.called}" if group.called else "") for group, number in empty])
    else:
        # Somebody of another group would do as well: whoever sits for it could then move.
        needs = f"{_yeses(table.missing)} of {_either([table.wanted[index] for index in table.helped_by()])}"
    return f"{heard} of {total}, needs {needs}" if heard else f"needs {needs}"


def _either(wanted: Sequence[_Wanted]) -> str:
    """Whoever belongs to any of these groups; empty where one of them is everybody."""
    if any(not group.names for group in wanted):
        return ""
    return listed(list(dict.fromkeys(name for group in wanted for name in group.names)), last="or")


def _yeses(number: int) -> str:
    return counted(number, "yes", "yeses")
