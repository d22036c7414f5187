"""Who sits for which group of approvers: as many people as can be seated, each once, and whose yes is missing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bot.gates.base import Vote
from bot.gates.voting import said_at
from bot.gates.wording import counted, listed


@dataclass(frozen=True)
class Wanted:
    """So many yeses of these members; None = every full member. ``names`` is what they are called, empty for all."""

    count: int
    names: tuple[str, ...]
    members: frozenset[str] | None
    troubles: tuple[str, ...]

    @property
    def called(self) -> str:
        """How the group is called; empty for everybody."""
        return either([self])

    def takes(self, person: str) -> bool:
        """Whether this person's yes is one of them."""
        return self.members is None or person in self.members


class Table:
    """Who sits for which group: as many people as can be seated, each once (augmenting paths)."""

    def __init__(self, wanted: Sequence[Wanted]) -> None:
        self.wanted = wanted
        self.seated: list[list[Vote]] = [[] for _ in wanted]

    @property
    def missing(self) -> int:
        """How many seats are empty."""
        return sum(group.count for group in self.wanted) - sum(map(len, self.seated))

    @property
    def votes(self) -> list[Vote]:
        """Those who are seated, in the order in which they said yes."""
        return sorted((vote for seats in self.seated for vote in seats), key=said_at)

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


def troubles_of(table: Table) -> list[str]:
    """Why groups whose yes is missing cannot be relied on."""
    return list(dict.fromkeys(trouble for index in table.helped_by() for trouble in table.wanted[index].troubles))


def needed(table: Table) -> str:
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
        needs = f"{_yeses(table.missing)} of {either([table.wanted[index] for index in table.helped_by()])}"
    return f"{heard} of {total}, needs {needs}" if heard else f"needs {needs}"


def either(wanted: Sequence[Wanted]) -> str:
    """Whoever belongs to any of these groups; empty where one of them is everybody."""
    if any(not group.names for group in wanted):
        return ""
    return listed(list(dict.fromkeys(name for group in wanted for name in group.names)), last="or")


def _yeses(number: int) -> str:
    return counted(number, "yes", "yeses")
