"""The made-up company whose history is generated: its services, how each is built, rolled out and watched.

Nothing here knows how likely changes are found, and no number here is one of that rule's. What is assumed, and where it
is from:

- Services are those of DORA's four groups of 2024, in its shares, each with how often it is rolled out and how much of
  that fails there.
- A twentieth of the pipelines tells of its success alone, a quarter of the services goes out by canary.
- A third of the services has its build in the labels of its metrics, a third tracks errors with their stack. Whoever
  labels metrics labels them always: most often the label only says what runs.
- A service depends on none to three others; who depends on whom is one large graph without circles.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from random import Random


class Watching(StrEnum):
    """What a service's alerts tell of when the symptom began."""

    FIRED = "fired"
    """When their rule fired, and no more."""
    HELD = "held"
    """That, and for how long the rule had to hold (a label ``for``)."""
    BEGAN = "began"
    """When it began."""


@dataclass(frozen=True)
class Made:
    """One service as it is made, rolled out and watched; times are in minutes."""

    name: str
    depends_on: tuple[str, ...]
    a_day: float
    """Rollouts on a working day."""
    breaks: float
    """The share of them that breaks something."""
    takes: float
    """How long a rollout usually takes."""
    canary: bool
    ends_only: bool
    """Its pipeline tells of nothing but how it ended."""
    tagged: bool
    """Its builds are known by tags rather than by commits."""
    labelled: bool
    """Its metrics carry the build."""
    traced: bool
    """Its errors carry their stack."""
    watching: Watching
    noisy: bool
    """One of its alerts comes and goes by itself."""
    files: tuple[str, ...]
    """Its files, those that are changed and run most first."""

    def file(self, random: Random) -> str:
        """One of its files: the first is every tenth that is changed or stands on a stack, and so on (Zipf)."""
        return random.choices(self.files, _OFTEN)[0]


_FILES = 60
_OFTEN = [1 / (place + 3) for place in range(_FILES)]

_GROUPS = ((2.0, 0.05), (0.5, 0.2), (0.1, 0.1), (0.02, 0.4))
"""DORA's groups, best first: rollouts on a working day, and the share of them that breaks something."""

_GROUP_SHARES = (19, 22, 35, 25)


def company(random: Random, services: int) -> dict[str, Made]:
    """As many services, by name."""
    found: dict[str, Made] = {}
    names = [f"service-{number:02}" for number in range(services)]
    for number, name in enumerate(names):
        # The first few are what many depend on: sign-in, payment, search.
        depended = random.choices([0, 1, 2, 3], [25, 35, 25, 15])[0]
        below = sorted({names[int(number * random.random() ** 2)] for _ in range(depended)} if number else ())
        canary = random.random() < 0.25
        a_day, breaks = random.choices(_GROUPS, _GROUP_SHARES)[0]
        found[name] = Made(
            name=name,
            depends_on=tuple(below),
            a_day=a_day * random.uniform(0.7, 1.3),
            breaks=breaks,
            takes=random.lognormvariate(3.8, 0.7) if canary else random.lognormvariate(1.9, 0.6),
            canary=canary,
            ends_only=not canary and random.random() < 0.07,
            tagged=random.random() < 0.3,
            labelled=random.random() < 0.35,
            traced=random.random() < 0.35,
            watching=random.choices([Watching.FIRED, Watching.HELD, Watching.BEGAN], [50, 30, 20])[0],
            noisy=random.random() < 0.2,
            files=tuple(f"{name}/{random.choice(('api', 'core', 'jobs'))}/part_{part:02}.py" for part in range(_FILES)),
        )
    return found


def minutes(number: float) -> timedelta:
    """So long."""
    return timedelta(seconds=round(number * 60))
