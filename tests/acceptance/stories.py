"""A company at work, for acceptance tests that read as sentences: people merge, a pipeline rolls out, Slack shows it.

People, merges and commits are the stand-in GitHub's. Rollouts are reported at instants of our own, a minute apart,
since two of one target within a second would have no order.
"""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bot.delivery import Limits
from bot.sandbox.server import Sandbox
from bot.sandbox.world import Message
from bot.server import Serving, serving
from tests.acceptance import watching
from tests.acceptance.pipeline import Postman, Rollout
from tests.conftest import UNLIMITED, settings_for

REPO = "acme/checkout"
CHANNEL = "#payments-deploys"
CATALOGUE = """
teams:
  payments: {channel: "#payments-deploys"}
services:
  checkout:
    team: payments
    repo: acme/checkout
    environments: [staging, production]
    compare_url: "https://grafana.example.com/d/canary?var-old={{ previous.sha }}&var-new={{ deploy.sha }}"
"""

BEGAN = timedelta(seconds=5)
"""When after its announcement a rollout starts."""

ENDED = timedelta(minutes=3, seconds=17)
"""When after its announcement a rollout ends: it took 3 min 12 s."""


@dataclass
class Turnable:
    """A clock that runs, and can be turned ahead."""

    ahead: timedelta = timedelta()

    def __call__(self) -> datetime:
        """The instant it shows."""
        return datetime.now(UTC) + self.ahead


@dataclass
class Story:
    """What happens in it, and what people see of it."""

    sandbox: Sandbox
    serving: Serving
    postman: Postman
    began: datetime = field(default_factory=lambda: datetime.now(UTC) - timedelta(minutes=45))
    _numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    # What happens

    async def merge(
        self,
        author: str,
        title: str,
        *,
        repo: str = REPO,
        merged_by: str | None = None,
        files: tuple[str, ...] = ("src/payments.py",),
    ) -> str:
        """Somebody's pull request is merged and its webhooks arrive; the commit it became."""
        github = self.sandbox.github
        number = await github.open_pull(repo, author=author, title=title, files=files)
        sha = await github.merge_pull(repo, number, merged_by=merged_by or author)
        await self.sandbox.settle()
        return sha

    def rollout(self, sha: str, environment: str, *, repo: str = REPO) -> Rollout:
        """A rollout that nobody has been told of, a minute later than the one before."""
        number = next(self._numbers)
        at = self.began + timedelta(minutes=number)
        return Rollout(number=number, repo=repo, sha=sha, environment=environment, began_at=at)

    async def say(self, rollout: Rollout, state: str, after: timedelta, *, description: str = "") -> None:
        """The pipeline reports a rollout's state, ``after`` its announcement."""
        await self.postman.insist([rollout.said(state, rollout.began_at + after, description=description)])

    async def roll_out(
        self, sha: str, environment: str, state: str = "success", *, repo: str = REPO, description: str = ""
    ) -> Rollout:
        """The pipeline announces a rollout, begins and ends it."""
        rollout = self.rollout(sha, environment, repo=repo)
        await self.postman.insist([rollout.announced()])
        await self.say(rollout, "in_progress", BEGAN)
        await self.say(rollout, state, ENDED, description=description)
        return rollout

    async def something_is_live(self, repo: str = REPO) -> str:
        """What the repository holds now is rolled out everywhere; its commit."""
        sha = self.sandbox.github.repository(repo).branches["main"]
        for environment in ("staging", "production"):
            await self.roll_out(sha, environment, repo=repo)
        await self.at_rest()
        return sha

    # What people see

    def cards(self, channel: str = CHANNEL) -> list[Message]:
        """The deploys' cards in a channel, oldest first."""
        return watching.cards(self.sandbox.slack.messages(channel), "deploy")

    def card(self, rollout: Rollout, channel: str = CHANNEL) -> Message:
        """The only card about a rollout's commit and environment."""
        return watching.one(self.cards(channel), f"*{rollout.environment}*", f"`{rollout.sha[:7]}`")

    def shows(self, rollout: Rollout, words: str, channel: str = CHANNEL) -> Callable[[], bool]:
        """A condition to wait for: some card about this rollout says these words."""

        def condition() -> bool:
            about = (f"*{rollout.environment}*", f"`{rollout.sha[:7]}`", words)
            return any(all(word in watching.words_of(card) for word in about) for card in self.cards(channel))

        return condition

    def told(self, person: str, title: str) -> Message:
        """The only message of its own in which a person hears of a change."""
        return watching.one(watching.cards(self.sandbox.slack.direct_messages(person), "change"), title)

    def heard(self, person: str, title: str) -> list[str]:
        """What a person heard aloud, in the thread of that message."""
        card = self.told(person, title)
        return [watching.words_of(reply) for reply in self.sandbox.slack.replies(card.channel, card.ts)]

    def hears(self, person: str, title: str) -> bool:
        """Whether a person hears of a change at all."""
        return any(title in watching.words_of(one) for one in self.sandbox.slack.direct_messages(person))

    async def at_rest(self) -> None:
        """Wait until everything has arrived and is said."""
        await self.sandbox.settle()
        await watching.at_rest(self.serving.bot.database)


@asynccontextmanager
async def story(
    sandbox: Sandbox,
    database_url: str,
    folder: Path,
    *,
    catalogue: str = CATALOGUE,
    limits: Limits = UNLIMITED,
    clock: Callable[[], datetime] | None = None,
    environment: Mapping[str, str] | None = None,
) -> AsyncIterator[Story]:
    """A bot in a company whose catalogue this is, with further ``environment`` variables."""
    file = folder / "shipmate.yml"
    file.write_text(catalogue)
    settings = settings_for(sandbox, database_url, SHIPMATE_CONFIG=str(file), **(environment or {}))
    async with AsyncExitStack() as stack:
        running = await stack.enter_async_context(serving(settings, limits=limits, clock=clock))
        sandbox.connect(running.url)
        postman = Postman(sandbox)
        stack.push_async_callback(postman.close)
        postman.at(running.url)
        yield Story(sandbox, running, postman)
