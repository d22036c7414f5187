"""A generated history with known culprits: what was rolled out and turned, what broke, and which alerts that made fire.

Everything is drawn forwards: a change breaks something or does not, the symptom follows once enough traffic has met it,
its alert follows once its rule has noticed, people roll back or mend, and unrelated things fail meanwhile. What is
assumed, and where it is from (anchors are named where they are):

- Of what wakes people, 72 in 100 come from changes (Google's Workbook: about 70; Slack: 73 of customers' incidents),
  ``CHANGED``; a twentieth of those from changes that we are never told of (a database altered by hand, a configuration
  pushed elsewhere), for which the right answer is that there is no likely change.
- How much breaks is DORA's share of each group (``company``). Risk is only loosely in a change's size: the
  riskiest half holds some five sixths of what breaks, as in Meta's work on the risk of diffs.
- Most symptoms come within minutes of full traffic, a quarter within the hour, a tenth burns slowly for hours; at a
  twentieth of the traffic each takes longer to be seen.
- What breaks is rolled back (55 in 100), mended by a further rollout (30), or ends otherwise; both are changes too, and
  now and then break something themselves. A bad change often fires a second alert, also once it is taken out already.
- Of services that depend on a broken one, some 15 in 100 fail as well; their alerts tell their own builds and stacks.
- Unrelated alerts: single ones, ones that come and go, and storms of many services. More than two in five come
  while people work, which is a quarter of the week.
- 3 in 100 rollouts are reported up to half an hour late. A rule notices after some minutes, and half of them tell of
  nothing but when they fired.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from random import Random

from tests.evaluation.company import Made, Watching, company, minutes

CHANGED = 0.72
"""The share of alerts that come from changes."""

FIRST_DAY = datetime(2026, 3, 2, tzinfo=UTC)
"""A Monday."""

TURNED_A_DAY = 0.25
FLAG_BREAKS = 0.06
UNTOLD = 0.05
"""Of what comes from changes, the share of those that we are never told of."""


@dataclass
class Rolled:
    """A rollout as it went, and as it was reported: ``reports`` are (arrival, status, at, percent)."""

    number: int
    service: str
    sha: str
    tag: str
    previous: Rolled | None
    began_at: datetime
    live_at: datetime
    finished_at: datetime
    succeeded: bool
    steps: tuple[tuple[datetime, int], ...]
    paths: frozenset[str] = frozenset()
    additions: int = 0
    deletions: int = 0
    labels: frozenset[str] = frozenset()
    changes: int = 0
    rollback: bool = False
    revert: bool = False
    reports: tuple[tuple[datetime, str, datetime, int | None], ...] = ()

    @property
    def name(self) -> tuple[str, int]:
        """What it is known as: its kind and number."""
        return "deploy", self.number

    def share(self, at: datetime) -> float:
        """How much of the traffic is on it."""
        if at < self.live_at:
            return 0.0
        if at >= self.finished_at:
            return 1.0 if self.succeeded else 0.0
        told = [percent for instant, percent in self.steps if instant <= at]
        return told[-1] / 100 if told else 0.5


@dataclass(frozen=True)
class Turned:
    """A flag that was turned."""

    number: int
    service: str
    flag: str
    at: datetime

    @property
    def name(self) -> tuple[str, int]:
        """What it is known as: its kind and number."""
        return "flag", self.number


@dataclass
class Fired:
    """An alert: what it tells, when it reached us, and what it came from (None: nothing that we are told of)."""

    number: int
    service: str
    key: str
    fired_at: datetime
    arrived_at: datetime
    over_at: datetime
    culprit: tuple[str, int] | None
    kind: str
    onset_at: datetime | None = None
    held: int | None = None
    """For how many minutes its rule had to hold, where it tells."""
    version: str | None = None
    paths: tuple[str, ...] = ()

    @property
    def onset(self) -> datetime:
        """When the symptom began as far as it is told."""
        if self.onset_at is not None:
            return min(self.onset_at, self.fired_at)
        return self.fired_at - minutes(self.held or 0)


@dataclass
class History:
    """All that happened."""

    services: dict[str, Made]
    rollouts: list[Rolled] = field(default_factory=list)
    flags: list[Turned] = field(default_factory=list)
    alerts: list[Fired] = field(default_factory=list)


def history(seed: int, days: int = 60, services: int = 60, changed: float = CHANGED) -> History:
    """The history that this seed makes."""
    return _Making(Random(seed), days, services, changed).made()


class _Making:
    """A history in the making."""

    def __init__(self, random: Random, days: int, services: int, changed: float) -> None:
        self.random, self.days, self.changed = random, days, changed
        self.history = History(company(random, services))
        self.numbers = count(1)
        self.seen_on: dict[int, Rolled] = {}
        """By an alert's number, the build that is broken."""
        self.live: dict[str, list[Rolled]] = {name: [] for name in self.history.services}
        self.busy: dict[str, datetime] = {}
        """Until when a service is not rolled out: something is wrong with it."""
        self.planned: list[tuple[datetime, int, str, str]] = []
        self.dependents: dict[str, list[str]] = {name: [] for name in self.history.services}
        for made in self.history.services.values():
            for below in made.depends_on:
                self.dependents[below].append(made.name)

    def made(self) -> History:
        """All of it, in the order of time."""
        for name in self.history.services:
            self._plan_rollouts(name)
            self._plan_flags(name)
        heapq.heapify(self.planned)
        while self.planned:
            at, _, what, service = heapq.heappop(self.planned)
            if what == "flag":
                self._turn(service, at)
            else:
                self._roll(service, at, what)
        self._unrelated()
        self._label()
        self.history.rollouts.sort(key=lambda one: (one.began_at, one.number))
        self.history.alerts.sort(key=lambda one: (one.arrived_at, one.number))
        return self.history

    # --- what is planned ---

    def _working_time(self) -> datetime:
        """Some instant of some working day, nine to six."""
        day = self.random.choice([day for day in range(self.days) if day % 7 < 5])
        return FIRST_DAY + timedelta(days=day, minutes=self.random.uniform(9 * 60, 18 * 60))

    def _any_time(self) -> datetime:
        return FIRST_DAY + timedelta(days=self.random.uniform(0, self.days))

    def _plan(self, at: datetime, what: str, service: str) -> None:
        heapq.heappush(self.planned, (at, next(self.numbers), what, service))

    def _often(self, a_day: float) -> int:
        """How often something happens in all that time."""
        expected = a_day * self.days * 5 / 7
        return sum(self.random.random() < expected / 400 for _ in range(400)) if expected < 300 else int(expected)

    def _plan_rollouts(self, name: str) -> None:
        for _ in range(self._often(self.history.services[name].a_day)):
            at = self._working_time() if self.random.random() < 0.93 else self._any_time()
            self._plan(at, "change", name)
            if self.random.random() < 0.2:  # what was forgotten follows soon
                self._plan(at + minutes(self.random.uniform(12, 60)), "change", name)

    def _plan_flags(self, name: str) -> None:
        for _ in range(self._often(TURNED_A_DAY)):
            self._plan(self._working_time(), "flag", name)

    # --- what goes live ---

    def _roll(self, service: str, at: datetime, what: str) -> None:
        """``what``: ``change``, ``mend`` (a further rollout against what is wrong), or ``rollback``."""
        made, earlier = self.history.services[service], self.live[service]
        busy = self.busy.get(service)
        if what == "change" and busy is not None and at < busy:
            self._plan(busy + minutes(self.random.uniform(20, 120)), what, service)
            return
        under_way = bool(earlier) and earlier[-1].finished_at > at
        if under_way and what == "change" and self.random.random() < 0.7:
            self._plan(earlier[-1].finished_at + minutes(self.random.uniform(2, 20)), what, service)
            return
        rollout = self._rollout(made, at, what)
        risk = {"change": 1.0, "mend": 1.2, "rollback": 0.3}[what] * self._risk(rollout)
        self.history.rollouts.append(rollout)
        self.live[service].append(rollout)
        if self.random.random() < made.breaks * risk:
            self._break(made, rollout)
        self._report(made, rollout)

    def _rollout(self, made: Made, at: datetime, what: str) -> Rolled:
        random, earlier = self.random, [one for one in self.live[made.name] if one.succeeded]
        number = next(self.numbers)
        previous = max((one for one in earlier if one.finished_at <= at), key=lambda one: one.finished_at, default=None)
        takes = made.takes * random.lognormvariate(0, 0.3) * (0.5 if what == "rollback" else 1)
        live = at + minutes(random.uniform(0.2, 1.5))
        finished = live + minutes(max(takes, 1))
        steps = tuple(
            (live + (finished - live) * part, percent) for part, percent in ((0, 5), (0.3, 25), (0.65, 50))
        ) if made.canary and what != "rollback" else ()  # fmt: skip
        rollout = Rolled(
            number, made.name, f"{random.getrandbits(160):040x}", f"v{number}.{random.randrange(10)}", previous,
            at, live, finished, True, steps,
        )  # fmt: skip
        if what == "rollback" and previous is not None and previous.previous is not None:
            back = previous.previous
            rollout.sha, rollout.tag, rollout.rollback = back.sha, back.tag, True
            rollout.paths, rollout.labels, rollout.changes = previous.paths, previous.labels, previous.changes
            rollout.additions, rollout.deletions = previous.deletions, previous.additions
            return rollout
        rollout.revert = what == "mend" and random.random() < 0.4
        self._fill(made, rollout)
        return rollout

    def _fill(self, made: Made, rollout: Rolled) -> None:
        random = self.random
        rollout.changes = random.choices([1, 2, 3, 4, 6, 9], [45, 22, 13, 9, 7, 4])[0]
        lines = sum(int(random.lognormvariate(4.0, 1.4)) + 1 for _ in range(rollout.changes))
        rollout.additions = int(lines * random.uniform(0.4, 0.95))
        rollout.deletions = lines - rollout.additions
        files = sum(1 + min(int(random.paretovariate(1.1)), 15) for _ in range(rollout.changes))
        rollout.paths = frozenset(made.file(random) for _ in range(files))
        drawn = {label for label, often in _LABELS.items() if random.random() < often}
        rollout.labels = frozenset(drawn)

    def _risk(self, rollout: Rolled) -> float:
        """How likely it is to break something, as a multiple of what is usual: mostly chance, partly its size."""
        size = ((rollout.additions + rollout.deletions) / 120) ** 0.35
        labelled = 1.8 if "migration" in rollout.labels else 1.0
        return float(min(size * labelled * self.random.lognormvariate(-0.4, 0.9), 12))

    def _report(self, made: Made, rollout: Rolled) -> None:
        """When the reports of it reach us."""
        late = minutes(self.random.uniform(2, 30)) if self.random.random() < 0.03 else timedelta()
        told: list[tuple[str, datetime, int | None]] = []
        if not made.ends_only:
            told += [("pending", rollout.began_at, None)]
            told += [("in_progress", rollout.live_at, rollout.steps[0][1] if rollout.steps else None)]
            told += [("in_progress", at, percent) for at, percent in rollout.steps[1:] if at < rollout.finished_at]
        told += [("succeeded" if rollout.succeeded else "failed", rollout.finished_at, None)]
        rollout.reports = tuple(
            (at + late + timedelta(seconds=self.random.randrange(1, 15)), status, at, percent)
            for status, at, percent in told
        )

    def _turn(self, service: str, at: datetime) -> None:
        number = next(self.numbers)
        flag = Turned(number, service, f"flag-{service}-{self.random.randrange(12)}", at)
        self.history.flags.append(flag)
        if self.random.random() < FLAG_BREAKS:
            onset = at + minutes(self.random.expovariate(1 / 4))
            self._symptom(self.history.services[service], flag.name, "flag", onset, None)

    # --- what breaks ---

    def _break(self, made: Made, rollout: Rolled) -> None:
        """The symptom comes once it has met enough traffic, if it is still there then."""
        random = self.random
        slowly = random.random()
        if slowly < 0.65:
            needed, kind = random.expovariate(1 / 3), "at once"
        elif slowly < 0.9:
            needed, kind = random.lognormvariate(2.7, 0.6), "within the hour"
        else:
            needed, kind = random.lognormvariate(4.5, 0.7), "slow burn"
        kind = "rollback" if rollout.rollback else "revert" if rollout.revert else kind
        at = rollout.live_at
        while needed > 0 and at < rollout.live_at + timedelta(hours=12):
            needed -= max(rollout.share(at), 0.01) ** 0.5
            at += minutes(1)
        onset = at + minutes(random.uniform(0, 1))
        if onset < rollout.finished_at:
            kind = "canary" if rollout.steps else kind
            if random.random() < 0.5:  # the pipeline notices as well
                rollout.succeeded, rollout.finished_at = False, onset + minutes(random.uniform(2, 6))
        self._symptom(made, rollout.name, kind, onset, rollout)

    def _symptom(
        self, made: Made, culprit: tuple[str, int], kind: str, onset: datetime, rollout: Rolled | None
    ) -> None:
        """Its alerts, those of services that depend on it, and what people do about it."""
        random = self.random
        mended = onset + minutes(random.uniform(10, 45))
        over = mended + minutes(random.uniform(2, 10))
        self.busy[made.name] = max(self.busy.get(made.name, over), over)
        if random.random() < 0.85:
            self._fire(made, "errors", onset, over, culprit, kind, rollout)
        gone = rollout.finished_at if rollout is not None and not rollout.succeeded else mended
        second = onset + minutes(random.uniform(3, 40))
        if random.random() < 0.4 and second < gone + minutes(5):
            self._fire(made, "latency", second, over, culprit, kind, rollout)
        level, often = self.dependents[made.name], 0.15
        for _ in range(2):
            for name in level:
                if random.random() < often:
                    above = self.history.services[name]
                    later = onset + minutes(random.expovariate(1 / 3))
                    self._fire(above, "errors", later, over, culprit, "dependency", None)
            level, often = sorted({further for name in level for further in self.dependents[name]}), 0.05
        done = random.random()
        if rollout is not None and rollout.succeeded and done < 0.85:
            self._plan(mended, "rollback" if done < 0.55 else "mend", made.name)

    # --- what fires ---

    def _fire(
        self, made: Made, key: str, onset: datetime, over: datetime, culprit: tuple[str, int] | None, kind: str,
        broken: Rolled | None,
    ) -> None:  # fmt: skip
        """An alert fires some minutes after the symptom began. ``broken`` is the build that did it, where one did."""
        random = self.random
        fired = Fired(
            next(self.numbers), made.name, f"{made.name} {key}", onset, onset, over, culprit, kind
        )  # fmt: skip
        held = random.choice((1, 2, 5, 10))
        noticed = minutes(random.lognormvariate(0.3, 0.8))
        fired.fired_at = (
            onset + noticed + minutes(held if random.random() < 0.6 or made.watching is Watching.HELD else 0)
        )
        if made.watching is Watching.HELD:
            fired.held = held
        elif made.watching is Watching.BEGAN:
            fired.onset_at = onset + timedelta(seconds=random.randrange(-30, 60))
        fired.arrived_at = fired.fired_at + timedelta(seconds=random.randrange(5, 60))
        fired.over_at = max(over, fired.fired_at + minutes(random.uniform(2, 15)))
        if broken is not None:
            self.seen_on[fired.number] = broken
        if made.traced:
            frames = [made.file(random) for _ in range(random.randrange(3, 9))]
            if broken is not None and broken.paths and random.random() < 0.6:
                frames[random.choice((0, 0, 0, 1, 2))] = random.choice(sorted(broken.paths))
            fired.paths = tuple(f"/srv/{frame}" for frame in frames)
        self.history.alerts.append(fired)

    def _label(self) -> None:
        """Which build each alert is seen on, and which of them never fire since the same one was firing already.

        While a broken build rolls out it is seen on that; later on whatever runs, which has what is broken within it.
        """
        firing: dict[str, datetime] = {}
        fired = []
        for alert in sorted(self.history.alerts, key=lambda one: (one.fired_at, one.number)):
            if alert.fired_at < firing.get(alert.key, FIRST_DAY) + minutes(4):
                continue
            firing[alert.key] = alert.over_at
            fired.append(alert)
            made, broken = self.history.services[alert.service], self.seen_on.get(alert.number)
            if made.labelled and self.random.random() < 0.95:
                first = alert.onset_at or alert.fired_at - minutes(3)
                partly = broken is not None and broken.live_at <= first < broken.finished_at
                build = broken if partly and self.random.random() < 0.9 else self._running(made, first)
                if build is not None:
                    alert.version = build.tag if made.tagged else build.sha[:7]
        self.history.alerts = fired

    def _running(self, made: Made, at: datetime) -> Rolled | None:
        """The build that some request met."""
        for rollout in sorted(self.live[made.name], key=lambda one: one.live_at, reverse=True):
            if self.random.random() < rollout.share(at):
                return rollout
        return None

    def _unrelated(self) -> None:
        """Everything that fails without a change, or by one that nobody tells us of, in its share."""
        random, from_changes = self.random, len(self.history.alerts)
        wanted = int(from_changes / (1 - UNTOLD) / self.changed * (1 - self.changed))
        for _ in range(int(from_changes * UNTOLD / (1 - UNTOLD))):
            made = random.choice(list(self.history.services.values()))
            at = self._working_time()
            self._fire(made, "errors", at, at + minutes(random.uniform(10, 60)), None, "untold change", None)
        until = len(self.history.alerts) + wanted
        noisy = [made for made in self.history.services.values() if made.noisy]
        while len(self.history.alerts) < until:
            at = self._working_time() if random.random() < 0.25 else self._any_time()
            what = random.random()
            if what < 0.04:
                for made in random.sample(sorted(self.history.services.values(), key=lambda one: one.name), 12):
                    began = at + minutes(random.uniform(0, 4))
                    self._fire(made, "errors", began, at + minutes(random.uniform(20, 60)), None, "storm", None)
            elif what < 0.25 and noisy:
                made = random.choice(noisy)
                for _ in range(random.randrange(2, 6)):
                    over = at + minutes(random.uniform(3, 15))
                    self._fire(made, "queue", at, over, None, "comes and goes", None)
                    at = over + minutes(random.uniform(8, 40))
            else:
                made = random.choice(list(self.history.services.values()))
                key = random.choice(("errors", "latency", "queue", "disk"))
                self._fire(made, key, at, at + minutes(random.uniform(5, 60)), None, "unrelated", None)


_LABELS = {"migration": 0.05, "config": 0.07, "dependencies": 0.12, "feature": 0.3}
"""How often a rollout has a change with each of these labels."""
