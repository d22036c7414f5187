"""``kill -9`` at random moments under load: what was accepted is said, once, with the right end.

The world (Slack, GitHub, the pipelines) lives in this process, the bot in one of its own that is killed and started
again. Pipelines of several services report in parallel, each in order, and send a webhook again until it is accepted.
``SHIPMATE_TORTURE_ROUNDS`` sets the kills of ``make torture``, ``SHIPMATE_TORTURE_SEED`` repeats a failed run.
"""

from __future__ import annotations

import asyncio
import os
import random
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import Session, col, select

from bot.database import Database
from bot.inbox import Delivery, DeliveryState
from bot.outbox import Card, CardState, Effect, Note, SendState
from bot.sandbox.github import GitHub
from bot.sandbox.server import Sandbox
from bot.sandbox.world import Message
from tests.acceptance import digests, processes, watching
from tests.acceptance.pipeline import Envelope, Postman, Rollout
from tests.conftest import settings_for

pytestmark = pytest.mark.both_engines

ROUNDS = 5
TORTURE_ROUNDS = int(os.environ.get("SHIPMATE_TORTURE_ROUNDS", "50"))
LOOK_EVERY = 5
"""Kills between two times at which everything is compared with what happened."""

CHANNEL = "#deploys"
AUTHORS = ("ana", "ben", "chi", "dee")
ENDS = {"success": "live in", "failure": "failed in"}
ICONS = {"success": "✅", "failure": "🔴"}

QUICK: dict[str, Any] = {"per_channel": None, "updates_per_minute": None, "progress_every": 0.0, "doubt_settles": 0.3}
"""No pace: every deploy has a card of its own."""

FOLDING: dict[str, Any] = {**QUICK, "per_channel": 40.0, "channel_burst": 3, "fold_after": 0.4}
"""A pace that the load exceeds: some deploys and changes become lines of digests."""


@dataclass(frozen=True)
class Expected:
    """A rollout that ended, as its channel must show it."""

    service: str
    environment: str
    sha: str
    state: str


@dataclass
class Service:
    """One service and its pipeline: merges, then rolls out to staging and production, minute after minute."""

    repo: str
    github: GitHub
    numbers: Iterator[int]
    at: datetime
    rollouts: list[Expected] = field(default_factory=list)
    heard: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    """How often an author must be told (author, title, outcome)."""
    shipped: dict[str, str] = field(default_factory=dict)
    """Author by title, of all that was rolled out anywhere."""
    _waiting: dict[str, list[tuple[str, str]]] = field(default_factory=lambda: defaultdict(list))
    _merged: int = 0

    @property
    def name(self) -> str:
        """What the bot calls it."""
        return self.repo.partition("/")[2]

    def begin(self) -> list[Envelope]:
        """The first commit is rolled out everywhere: there is something to compare with."""
        repo = self.github.repository(self.repo)
        head = repo.branches["main"]
        for environment in ("staging", "production"):
            self._waiting[environment] = [("ana", "Begin")]
        return [*self._roll_out(head, "staging", "success"), *self._roll_out(head, "production", "success")]

    async def ship(self, chance: random.Random) -> list[Envelope]:
        """One or two merges, then staging, then production unless staging failed."""
        sha = ""
        for _ in range(chance.choice((1, 1, 2))):
            self._merged += 1
            author, title = chance.choice(AUTHORS), f"Change {self._merged} of {self.name}."
            number = await self.github.open_pull(self.repo, author=author, title=title)
            sha = await self.github.merge_pull(self.repo, number, merged_by=author)
            for environment in ("staging", "production"):
                self._waiting[environment].append((author, title))
        state = chance.choice(("success", "success", "success", "failure"))
        envelopes = self._roll_out(sha, "staging", state)
        if state == "success":
            envelopes += self._roll_out(sha, "production", chance.choice(("success", "success", "failure")))
        return envelopes

    def _roll_out(self, sha: str, environment: str, state: str) -> list[Envelope]:
        rollout = Rollout(number=next(self.numbers), repo=self.repo, sha=sha, environment=environment, began_at=self.at)
        envelopes = [
            rollout.announced(),
            rollout.said("in_progress", self.at + timedelta(seconds=5)),
            rollout.said(state, self.at + timedelta(seconds=65)),
        ]
        self.at += timedelta(minutes=2)
        self.rollouts.append(Expected(self.name, environment, sha, state))
        self._expect(environment, state)
        return envelopes

    def _expect(self, environment: str, state: str) -> None:
        """Who must hear of it: of a failure everywhere, of a success only where customers are."""
        carried = self._waiting[environment]
        for author, title in carried:
            self.shipped[title] = author
            if state == "failure":
                self.heard[(author, title, f"did not go live in {environment}")] += 1
            elif environment == "production":
                self.heard[(author, title, f"is live in {environment}")] += 1
        if state == "success":
            self._waiting[environment] = []


@dataclass
class World:
    """Everything that happens outside the bot, and where its database is."""

    sandbox: Sandbox
    postman: Postman
    database: Database
    services: list[Service]
    chance: random.Random
    sending: list[asyncio.Task[None]] = field(default_factory=list)

    def send(self, envelopes: list[list[Envelope]]) -> None:
        """Each service's pipeline goes on where it is; they run in parallel."""
        before = list(self.sending)
        for number, more in enumerate(envelopes):
            after = before[number] if number < len(before) else None
            self.sending[number : number + 1] = [asyncio.create_task(self._after(after, more))]

    async def _after(self, before: asyncio.Task[None] | None, envelopes: list[Envelope]) -> None:
        if before is not None:
            await before
        await self.postman.insist(envelopes)

    async def some_moment(self) -> None:
        """A moment to be killed at: just after Slack was called so many times, or at any instant."""
        calls = self.sandbox.slack.calls
        wanted = (calls[-1].number if calls else 0) + self.chance.randint(1, 60)
        with suppress(TimeoutError):
            await self.sandbox.slack.until(
                lambda: calls and calls[-1].number >= wanted, within=self.chance.uniform(0.1, 1.2)
            )

    async def everything_arrived(self) -> None:
        """Wait until all was accepted, applied and said."""
        await asyncio.gather(*self.sending)
        await watching.at_rest(self.database, within=60.0)


async def torture(sandbox: Sandbox, database_url: str, folder: Path, *, rounds: int, limits: dict[str, Any]) -> None:
    """Kill the bot ``rounds`` times and compare what it said with what happened."""
    seed = int(os.environ.get("SHIPMATE_TORTURE_SEED") or random.randrange(2**32))
    print(f"SHIPMATE_TORTURE_SEED={seed}")
    chance = random.Random(seed)
    environment = {
        **sandbox.environment(),
        "DATABASE_URL": database_url,
        "SHIPMATE_PORT": "0",
        "SHIPMATE_DEFAULT_CHANNEL": CHANNEL,
    }
    log = folder / "bot.log"
    numbers = iter(range(1, 1_000_000))
    at = datetime.now(UTC) - timedelta(hours=3)
    services = [Service(f"acme/{name}", sandbox.github, numbers, at) for name in ("depot", "scales", "larder", "mail")]
    async with AsyncExitStack() as stack:
        postman = Postman(sandbox)
        stack.push_async_callback(postman.close)
        database = Database(settings_for(sandbox, database_url).database_url)
        stack.push_async_callback(database.close)
        world = World(sandbox, postman, database, services, chance)
        world.send([service.begin() for service in services])
        try:
            for number in range(1, rounds + 1):
                async with processes.running(environment, log, **limits) as bot:
                    postman.at(bot.url)
                    world.send([await service.ship(chance) for service in services])
                    if chance.random() < 0.4:
                        sandbox.slack.fault("accept_then_cut", method="chat.postMessage", times=chance.randint(1, 3))
                    await world.some_moment()
                    await bot.kill()
                sandbox.slack.clear_faults()
                if number % LOOK_EVERY == 0 or number == rounds:
                    async with processes.running(environment, log, **limits) as bot:
                        postman.at(bot.url)
                        await world.everything_arrived()
                        await compare(world)
                        await bot.end()
        except BaseException:
            print(log.read_text()[-6000:])
            raise
        finally:
            for task in world.sending:
                task.cancel()
            await asyncio.gather(*world.sending, return_exceptions=True)


async def compare(world: World) -> None:
    """What stands in Slack is what happened: everything, once, nothing given up."""
    await world.database.read(lambda session: nothing_failed(session, world.postman.accepted))
    assert watching.said_twice(world.sandbox) == []
    messages = world.sandbox.slack.messages(CHANNEL)
    lines: dict[tuple[str, str, str], list[str]] = defaultdict(list)
    for line in digests.lines(messages):
        lines[(line.service, line.environment, line.label)].append(line.icon)
    shown: Counter[tuple[str, str, str]] = Counter()
    for card in watching.cards(messages, "deploy"):
        shown[identity_of(card)] += 1
    for service in world.services:
        for expected in service.rollouts:
            identity = (expected.service, expected.environment, expected.sha[:7])
            own, folded = shown.pop(identity, 0), lines[identity]
            assert own + len(folded) >= 1, f"{identity} is shown nowhere"
            assert own <= 1, f"{identity} has {own} cards"
            assert folded in ([], [ICONS[expected.state]]), f"{identity} ended {expected.state}, folded: {folded}"
            if own:
                card = watching.one(watching.cards(messages, "deploy"), *distinct(identity))
                assert f"{ENDS[expected.state]} *{expected.environment}*" in watching.words_of(card)
            else:
                assert expected.state == "success", f"{identity} failed and has no card of its own"
    assert not shown, f"nobody deployed {sorted(shown)}"
    for service in world.services:
        compare_direct_messages(world.sandbox, service)


def compare_direct_messages(sandbox: Sandbox, service: Service) -> None:
    """Each author has one message for each of their changes, and each thing worth hearing is said once below it."""
    for title, author in service.shipped.items():
        messages = sandbox.slack.direct_messages(author)
        mine = [card for card in watching.cards(messages, "change") if says(card, service, title)]
        folded = [line for line in digests.lines(messages) if line.service == service.name]
        failed = sum(
            times
            for (who, what, outcome), times in service.heard.items()
            if (who, what) == (author, title) and outcome.startswith("did not")
        )
        if not mine:
            assert folded, f"{author} was not told of {title!r}"
            assert not failed, f"{title!r} failed and is folded"
            continue
        assert len(mine) == 1, f"{author} has {len(mine)} messages about {title!r}"
        (card,) = mine
        replies = Counter(outcome_of(reply) for reply in sandbox.slack.replies(card.channel, card.ts))
        expected = Counter(
            {outcome: times for (who, what, outcome), times in service.heard.items() if (who, what) == (author, title)}
        )
        assert replies == expected, f"{author} heard {dict(replies)} of {title!r} and not {dict(expected)}"


def nothing_failed(session: Session, accepted: set[str]) -> None:
    """Every accepted delivery is stored and applied, and nothing that was to be said or done is parked."""
    states = dict(session.exec(select(Delivery.delivery_id, Delivery.state)).all())
    assert {guid: states.get(guid) for guid in accepted} == dict.fromkeys(accepted, DeliveryState.APPLIED.value)
    for table in (Note, Effect):
        failed = session.exec(select(table).where(table.state == SendState.FAILED.value)).all()
        assert not failed, f"given up: {failed}"
    unreachable = session.exec(select(Card).where(Card.state == CardState.UNREACHABLE.value)).all()
    assert not unreachable, f"given up: {unreachable}"
    assert not session.exec(select(Card).where(col(Card.error).is_not(None))).all()


HEADLINE = re.compile(r"\*(?P<service>[\w-]+)\* .*?\*(?P<environment>[\w-]+)\*")
SHORT = re.compile(r"`([0-9a-f]{7})`")


def identity_of(card: Message) -> tuple[str, str, str]:
    """The service, environment and commit that a deploy's card is about, by its words."""
    words = watching.words_of(card)
    headline = HEADLINE.search(words)
    commits = SHORT.findall(words.rpartition("\n\n")[2]) or SHORT.findall(words)
    assert headline is not None, words
    assert commits, words
    sha = (card.metadata or {})["event_payload"]["sha"][:7]
    assert sha in commits, words
    return headline["service"], headline["environment"], sha


def distinct(identity: tuple[str, str, str]) -> tuple[str, str, str]:
    """Words that together only the card of this rollout says."""
    service, environment, sha = identity
    return f"*{service}* ", f"*{environment}*", f"\n`{sha}`"


def says(card: Message, service: Service, title: str) -> bool:
    """Whether a change's card is about this one; only the first commits share a title."""
    words = watching.words_of(card)
    return title in words and f" {service.name} · " in words


def outcome_of(reply: Message) -> str:
    """What a reply in an author's thread tells, without emphasis: ``is live in production``."""
    found = re.search(
        r"(is live in|did not go live in|is no longer in|Correction).*?\*([\w-]+)\*", reply.blocks[0]["text"]["text"]
    )
    assert found is not None, watching.words_of(reply)
    return f"{found[1]} {found[2]}"


@pytest.mark.timeout(300)
async def test_five_kills_lose_nothing_and_say_nothing_twice(
    sandbox: Sandbox, database_url: str, tmp_path: Path
) -> None:
    """Every accepted deploy has its card with its end, every author their message and the replies, none twice."""
    await torture(sandbox, database_url, tmp_path, rounds=ROUNDS, limits=QUICK)


@pytest.mark.timeout(300)
async def test_kills_during_a_burst_lose_no_line_of_a_digest(sandbox: Sandbox, sqlite_url: str, tmp_path: Path) -> None:
    """With a pace that the load exceeds, what was folded stands in its digest, and failures stand for themselves."""
    await torture(sandbox, sqlite_url, tmp_path, rounds=2, limits=FOLDING)


@pytest.mark.torture
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("limits", [QUICK, FOLDING], ids=["own-cards", "folding"])
async def test_many_kills_lose_nothing_and_say_nothing_twice(
    sandbox: Sandbox, database_url: str, tmp_path: Path, limits: dict[str, Any]
) -> None:
    """The same for as many kills as are asked for, compared after every few."""
    await torture(sandbox, database_url, tmp_path, rounds=TORTURE_ROUNDS, limits=limits)
