"""The same history told to the bot's own verbs, and asked about through the tables: both ways must agree."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import create_engine
from sqlalchemy.pool import StaticPool
from sqlmodel import Session, SQLModel

import bot.outgoing  # noqa: F401 - so that every table is known
from bot.alerts import service as alerts
from bot.alerts.gathering import candidates, symptom_of
from bot.alerts.models import Alert, FlagChange
from bot.alerts.suspects import Attribution, attribute
from bot.deploys import service as deploys
from bot.deploys.models import Deploy
from bot.events import AlertReported, DeployReported, DeployStatus, FlagChanged, Human, MergedPull
from bot.ports import Changes, Direction, Range
from tests.evaluation.history import Fired, History, Rolled, Turned
from tests.evaluation.scoring import answered
from tests.evaluation.telling import PLACE, WINDOW, Told

Answer = tuple[str, list[tuple[str, int, str, str]]]
"""How sure it is, and each change named: its kind, its number, how sure, on what grounds."""


@dataclass
class Agreement:
    """How many answers were asked for both ways, and which differ."""

    asked: int = 0
    differ: list[tuple[int, Answer, Answer]] = field(default_factory=list)


def agreement(history: History, most: int | None = None) -> Agreement:
    """Ask about the first alerts of a history, when each arrives, from memory and from tables."""
    told, found = Told(history), Agreement()
    with _session() as session:
        bot_ = _Bot(session, told)
        for alert, fired in bot_.played():
            ours = _plain(answered(told, alert, alert.arrived_at), lambda kind, subject: (kind, subject))
            theirs = _plain(bot_.answer(fired, alert.arrived_at), bot_.number)
            found.asked += 1
            if ours != theirs:
                found.differ.append((alert.number, ours, theirs))
            if most is not None and found.asked >= most:
                break
    return found


def _plain(answer: Attribution, number: Callable[[str, int], tuple[str, int]]) -> Answer:
    return answer.confidence.value, [
        (*number(one.candidate.kind, one.candidate.subject), one.confidence.value, one.grounds.value)
        for one in answer.suspects
    ]


@contextmanager
def _session() -> Iterator[Session]:
    engine = create_engine("sqlite://", connect_args={"check_same_thread": False}, poolclass=StaticPool)
    SQLModel.metadata.create_all(engine)
    with Session(engine) as session:
        yield session
    engine.dispose()


class _Bot:
    """The bot's own tables, to which a history is told in the order in which its reports arrived."""

    def __init__(self, session: Session, told: Told) -> None:
        self.session, self.told = session, told
        self.numbers: dict[tuple[str, int], tuple[str, int]] = {}

    def number(self, kind: str, subject: int) -> tuple[str, int]:
        """What the history calls it."""
        return self.numbers[kind, subject]

    def answer(self, fired: Alert, now: datetime) -> Attribution:
        """What the tables tell of an alert."""
        catalog = self.told.catalog
        symptom = symptom_of(self.session, catalog, (fired,))
        return attribute(symptom, candidates(self.session, catalog, symptom, WINDOW, now), WINDOW)

    def played(self) -> Iterator[tuple[Fired, Alert]]:
        """Everything as it is told; each alert once it is there."""
        queue: list[tuple[datetime, int, int, object]] = []
        history = self.told.history
        for rollout in history.rollouts:
            queue += [
                (arrival, 0, rollout.number, (rollout, place)) for place, (arrival, *_) in enumerate(rollout.reports)
            ]
        queue += [(flag.at + timedelta(seconds=5), 1, flag.number, flag) for flag in history.flags]
        for alert in history.alerts:
            queue += [
                (alert.arrived_at, 3, alert.number, (alert, False)),
                (alert.over_at, 2, alert.number, (alert, True)),
            ]
        heapq.heapify(queue)
        while queue:
            at, _, _, what = heapq.heappop(queue)
            match what:
                case (Rolled() as rollout, int(place)):
                    self._roll(rollout, place)
                case Turned():
                    self._turn(what, at)
                case (Fired() as alert, bool(over)):
                    fired = self._fire(alert, at, over=over)
                    if not over:
                        yield alert, fired
            self.session.commit()

    def _roll(self, rollout: Rolled, place: int) -> None:
        arrival, status, at, percent = rollout.reports[place]
        event = DeployReported(
            source="generic", external_id=str(rollout.number), repo=f"acme/{rollout.service}", service=rollout.service,
            environment=PLACE, sha=rollout.sha, ref=rollout.tag, status=DeployStatus(status), percent=percent,
            began_at=rollout.began_at, at=at,
        )  # fmt: skip
        deploy = deploys.reported(self.session, self.told.catalog, event, arrival)
        self.numbers["deploy", deploy.id or 0] = rollout.name
        self._read(rollout, deploy, arrival)

    def _read(self, rollout: Rolled, deploy: Deploy, now: datetime) -> None:
        """The forge tells what it carries."""
        of = rollout.previous if rollout.rollback and rollout.previous is not None else rollout
        pulls = Changes(pulls=tuple(_pulls(of, now)), commits=())
        nothing = Changes(pulls=(), commits=())
        found = Range(Direction.BEHIND, nothing, pulls) if rollout.rollback else Range(Direction.AHEAD, pulls, nothing)
        deploys.range_read(self.session, self.told.catalog, deploy.id or 0, deploy.previous_sha, found, now)

    def _turn(self, flag: Turned, now: datetime) -> None:
        event = FlagChanged(
            source="launchdarkly", external_id=str(flag.number), flag=flag.flag, project="company", environment=PLACE,
            service=flag.service, summary="turned on", at=flag.at,
        )  # fmt: skip
        turned = alerts.flag_changed(self.session, self.told.catalog, event, now)
        assert isinstance(turned, FlagChange)
        self.numbers["flag", turned.id or 0] = flag.name

    def _fire(self, alert: Fired, now: datetime, *, over: bool) -> Alert:
        event = AlertReported(
            source="generic", fingerprint=alert.key, service=alert.service, environment=PLACE, name=alert.key,
            started_at=alert.fired_at, resolved_at=alert.over_at if over else None, at=now, onset_at=alert.onset_at,
            labels={"for": f"{alert.held}m"} if alert.held is not None else {}, version=alert.version,
            paths=alert.paths,
        )  # fmt: skip
        (fired,) = alerts.reported(self.session, self.told.catalog, event, now)
        return fired


def _pulls(rollout: Rolled, now: datetime) -> Iterator[MergedPull]:
    """Its changes; the first has all that is known of them together."""
    for place in range(rollout.changes):
        first = place == 0
        yield MergedPull(
            number=rollout.number * 20 + place, sha=rollout.sha if first else f"{rollout.number * 20 + place:040x}",
            title=f"Change {rollout.number}.{place}", url="https://git.example.com/1", author=Human(login="ana"),
            paths=tuple(sorted(rollout.paths)) if first else (), labels=tuple(sorted(rollout.labels)) if first else (),
            additions=rollout.additions if first else 0, deletions=rollout.deletions if first else 0,
            reverts=1 if first and rollout.revert else None, merged_at=now,
        )  # fmt: skip
