"""A company whose production is held behind gates: what happens there, and what people see and press.

Its pipeline ships every merge to staging by itself, and takes up what Shipmate asks for production.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp

from bot.sandbox.pipeline import Pipeline
from bot.sandbox.server import Sandbox
from bot.sandbox.world import Message
from bot.server import Serving, serving
from bot.settings import Settings
from tests.acceptance import watching
from tests.acceptance.stories import CHANNEL, REPO, Turnable
from tests.conftest import UNLIMITED, settings_for

PEOPLE = """
people:
  - {slack: U0ANA, github: ana, email: ana@example.com, name: Ana}
  - {slack: U0BEN, github: ben, email: ben@example.com, name: Ben}
  - {slack: U0CHI, github: chi, email: chi@example.com, name: Chi}
  - {slack: U0DEE, github: dee, email: dee@example.com, name: Dee}
  - {slack: U0EVE, github: eve, email: eve@example.com, name: Eve}
"""
API_TOKEN = "a-token-of-ours"

GATES = "[lock, freeze, order, {soak: 30m}, {approval: {count: 1, expires: 4h}}, health]"


def policy(*, gates: str = GATES, through: str = "github-deployment", undo: str = "0s", more: str = "") -> str:
    """The catalogue of checkout, held by these gates and carried out in this way."""
    return f"""
timezone: Europe/Paris
teams:
  payments: {{channel: "#payments-deploys", approvers: "@payments-leads"}}
services:
  checkout:
    team: payments
    repo: acme/checkout
    environments: [staging, production]
    promote_through: {through}
    gates: {gates}
    undo: {undo}
    {more}
{PEOPLE}"""


def next_wednesday(now: datetime) -> datetime:
    """Ten in the morning (UTC) of the next one: Ana, Ben and Dee are at work, Chi and Eve are not, in every season."""
    days = (2 - now.weekday()) % 7
    at = (now + timedelta(days=days)).replace(hour=10, minute=0, second=0, microsecond=0)
    return at if at > now else at + timedelta(days=7)


@dataclass
class Company:
    """What happens in it, and what people see of it. ``clock`` is the bot's, and goes with the world's."""

    sandbox: Sandbox
    serving: Serving
    pipeline: Pipeline
    clock: Turnable
    settings: Settings
    others: tuple[Pipeline, ...] = ()
    """The pipelines of the other repositories."""
    _waits: dict[str, bool] = field(default_factory=dict)
    _running: AsyncExitStack = field(default_factory=AsyncExitStack)

    # What happens

    async def merge(
        self, author: str, title: str, *, repo: str = REPO, merged_by: str | None = None, **more: Any
    ) -> str:
        """Somebody's pull request is merged, built and rolled out to staging; the commit it became."""
        self.let_pass(minutes=1)
        github = self.sandbox.github
        number = await github.open_pull(repo, author=author, title=title, **more)
        sha = await github.merge_pull(repo, number, merged_by=merged_by or author)
        await self.at_rest()
        return sha

    async def begin(self) -> None:
        """The bot starts, by the configuration as it stands."""
        self.serving = await self._running.enter_async_context(
            serving(self.settings, limits=UNLIMITED, clock=self.clock)
        )
        self.sandbox.connect(self.serving.url)

    async def end(self) -> None:
        """The bot stops in good order."""
        await self._running.aclose()

    async def turn_to(self, hour: int, minute: int = 0, *, days: int = 0) -> None:
        """Let time pass until a time (UTC) of this day, or of one to come, and what is due by then be done."""
        now = self.clock()
        at = now.replace(hour=hour, minute=minute, second=1, microsecond=0) + timedelta(days=days)
        assert at > now, f"it is {now:%H:%M:%S} already"
        await self.turn(seconds=(at - now).total_seconds())

    async def turn(self, **more: float) -> None:
        """Let time pass, and everything that was due be done."""
        self.let_pass(**more)
        self.serving.bot.database.ring_all()
        before = -1
        while before != (before := self._said_on_the_wire()):
            for _ in range(2):  # what is due may make something else due, and nobody hear of it
                await self.serving.bot.due()
            await self.at_rest()

    def let_pass(self, **more: float) -> None:
        """Let time pass, and nobody look: GitHub dates by the second, and within one nothing has an order."""
        self.sandbox.clock.turn(by=timedelta(**more))
        self.clock.ahead = timedelta(seconds=self.sandbox.clock.turned)

    async def at_rest(self) -> None:
        """Wait until everything has arrived, is rolled out and said; what is due later is left to wait."""
        bot, before = self.serving.bot, -1
        while before != (before := self._said_on_the_wire()):
            for pipeline in (self.pipeline, *self.others):
                await pipeline.settle()
            await self.sandbox.settle()
            await watching.at_rest(bot.database, by=self.clock())
            await asyncio.gather(*bot._tasks)  # answers under way

    def _said_on_the_wire(self) -> int:
        """How many requests went either way so far: when no more came while we looked, all is at rest."""
        sandbox = self.sandbox
        return sum(stand_in.log.total for stand_in in (sandbox.slack, sandbox.github, sandbox.pagerduty))

    async def ship(self, person: str, text: str, *, channel: str = CHANNEL) -> str:
        """Type ``/ship …``; what the asker alone reads."""
        return await self._heard(
            person, channel, lambda: self.sandbox.slack.command(person, "/ship", text, channel=channel)
        )

    async def press(
        self, person: str, action: str, message: Message | None = None, *, chosen: str | None = None
    ) -> str:
        """Use a button of the promotion's card; what the presser alone reads."""
        card = message or self.card()
        click = self.sandbox.slack.click
        return await self._heard(
            person, card.channel, lambda: click(person, card.channel, card.ts, action_id=action, chosen=chosen)
        )

    async def fill(self, person: str, values: Mapping[str, Any]) -> Any:
        """Fill in the modal on top and submit it."""
        view = self.sandbox.slack.modals(person)[-1]
        done = await self.sandbox.slack.submit(person, view["id"], dict(values))
        await self.at_rest()
        return done

    async def submit(self, person: str, values: Mapping[str, Any], *, channel: str = CHANNEL) -> str:
        """Fill in the modal on top and submit it; what the person reads: the answer, or the faults beside it."""
        done: list[Any] = []

        async def filled() -> None:
            done.append(await self.fill(person, values))

        answer = await self._heard(person, channel, filled)
        return "\n".join([*done[0].errors.values(), answer])

    async def choose(self, person: str, option: str, message: Message | None = None) -> str:
        """Choose an option of the card's menu by the word it begins with; what the chooser alone reads."""
        menu = [
            one
            for block in (message or self.card()).blocks
            if block["type"] == "actions"
            for element in block["elements"]
            if element["type"] == "overflow"
            for one in element["options"]
        ]
        (value,) = [one["value"] for one in menu if one["text"]["text"].startswith(option)]
        return await self.press(person, "promotions:more", message, chosen=value)

    async def tell(self, path: str, body: object, *, headers: Mapping[str, str] | None = None) -> tuple[int, Any]:
        """A program sends something to the API; the status and the answer."""
        self.let_pass(seconds=2)
        sent = {"Authorization": f"Bearer {API_TOKEN}", **(headers or {})}
        async with (
            aiohttp.ClientSession(headers=sent) as http,
            http.post(f"{self.serving.url}{path}", json=body) as answer,
        ):
            told = (answer.status, await answer.json())
        await self.at_rest()
        return told

    async def asked(self, path: str, **query: str) -> tuple[int, Any]:
        """A program asks the API; the status and the answer."""
        async with (
            aiohttp.ClientSession(headers={"Authorization": f"Bearer {API_TOKEN}"}) as http,
            http.get(f"{self.serving.url}{path}", params=query) as answer,
        ):
            return answer.status, await answer.json()

    async def calendar(self, train: str) -> str:
        """The feed to which somebody's calendar is subscribed."""
        async with (
            aiohttp.ClientSession(headers={"Authorization": f"Bearer {API_TOKEN}"}) as http,
            http.get(f"{self.serving.url}/api/v1/trains/{train}.ics") as answer,
        ):
            return await answer.text()

    # What people see

    def shows(self, *words: str) -> bool:
        """Whether the newest promotion's card says all of these."""
        return all(word in self.says() for word in words)

    def heard_by(self, person: str) -> str:
        """Everything that stands in a person's conversation with Shipmate, threads included."""
        found = self.sandbox.slack.direct_messages(person)
        return "\n---\n".join(
            watching.words_of(one) for top in found for one in (top, *self.sandbox.slack.replies(top.channel, top.ts))
        )

    def copy_for(self, person: str) -> Message | None:
        """The copy of the newest promotion's card that was sent to somebody."""
        found = watching.cards(self.sandbox.slack.direct_messages(person), "promotion")
        return next((one for one in found if _shown(one) == _shown(self.card())), None)

    def modal(self, person: str) -> str:
        """Everything that the modal on top says."""
        view = self.sandbox.slack.modals(person)[-1]
        return "\n".join(watching.texts([view]))

    def standing_in(self, channel: str = CHANNEL) -> str:
        """Everything that everybody sees in a channel, threads included."""
        found = [one for one in self.sandbox.slack.messages(channel) if one.ephemeral_for is None]
        return "\n---\n".join(
            watching.words_of(one) for top in found for one in (top, *self.sandbox.slack.replies(top.channel, top.ts))
        )

    def locks(self, channel: str = CHANNEL) -> list[Message]:
        """The locks' cards in a channel, oldest first."""
        return watching.cards(self.sandbox.slack.messages(channel), "lock")

    def promotions(self, channel: str = CHANNEL) -> list[Message]:
        """The promotions' cards in a channel, oldest first."""
        return watching.cards(self.sandbox.slack.messages(channel), "promotion")

    def card(self, *words: str) -> Message:
        """The newest promotion's card, or the only one that says these words."""
        found = self.promotions()
        assert found, "no promotion has a card"
        return watching.one(found, *words) if words else found[-1]

    def says(self, message: Message | None = None) -> str:
        """Everything that the newest promotion's card says, or this message."""
        return watching.words_of(message or self.card())

    def said_in_thread(self) -> list[str]:
        """What was said aloud under the newest promotion's card."""
        card = self.card()
        return [watching.words_of(reply) for reply in self.sandbox.slack.replies(card.channel, card.ts)]

    def buttons(self, message: Message | None = None) -> list[str]:
        """The actions that a card offers."""
        return [
            element["action_id"]
            for block in (message or self.card()).blocks
            if block["type"] == "actions"
            for element in block["elements"]
        ]

    def production(self, repo: str = REPO) -> list[str]:
        """The commits for which a deployment to production was created at GitHub, oldest first."""
        there = self.sandbox.github.repository(repo)
        return [one.sha for one in there.deployments.values() if one.environment == "production"]

    async def hears(self, person: str, channel: str, act: Callable[[], Any]) -> str:
        """What somebody alone reads in a channel because of an act."""
        return await self._heard(person, channel, act)

    async def _heard(self, person: str, channel: str, act: Callable[[], Any]) -> str:
        def whispers() -> list[str]:
            places = {channel, *([f"#{channel}"] if not channel.startswith("#") else [])}
            return [
                watching.words_of(one)
                for place in self.sandbox.world.channels.values()
                if place.id in places or f"#{place.name}" in places
                for one in self.sandbox.world.everything(place)
                if one.ephemeral_for is not None and one.ephemeral_for in (person, f"U0{person.upper()}")
            ]

        self.let_pass(seconds=2)
        before = len(whispers())
        await act()
        await self.at_rest()
        return "\n".join(whispers()[before:])


def _shown(card: Message) -> object:
    """The number of the promotion that a card, or a copy of it, shows."""
    return (card.metadata or {}).get("event_payload", {}).get("promotion")


@asynccontextmanager
async def company(
    sandbox: Sandbox,
    database_url: str,
    folder: Path,
    *,
    catalogue: str | None = None,
    github_app: bool = False,
    others: Sequence[str] = (),
    **environment: str,
) -> AsyncIterator[Company]:
    """A bot in a company with this catalogue, and its pipeline; something is live everywhere already.

    It is Wednesday. With ``github_app`` it signs in to GitHub as the App. ``others`` are further repositories.
    """
    file = folder / "shipmate.yml"
    file.write_text(catalogue or policy())
    sandbox.clock.turn(to=next_wednesday(sandbox.clock.now()))
    clock = Turnable(timedelta(seconds=sandbox.clock.turned))
    if github_app:
        environment = {"GITHUB_TOKEN": "", **sandbox.environment(github_app=True), **environment}
    settings = settings_for(
        sandbox, database_url, SHIPMATE_CONFIG=str(file), SHIPMATE_API_TOKEN=API_TOKEN, **environment
    )

    async def at_once(_: float) -> None:
        return

    def pipeline_of(repo: str) -> Pipeline:
        return Pipeline(sandbox.github, repo, at_once, places=("staging",))

    async with AsyncExitStack() as stack:
        running = await stack.enter_async_context(AsyncExitStack())
        first = await running.enter_async_context(serving(settings, limits=UNLIMITED, clock=clock))
        sandbox.connect(first.url)
        pipelines = [pipeline_of(repo) for repo in (REPO, *others)]
        there = Company(sandbox, first, pipelines[0], clock, settings, tuple(pipelines[1:]), _running=running)
        for pipeline in pipelines:
            live = sandbox.github.repository(pipeline.repo).branches["main"]
            for place in ("staging", "production"):
                there.let_pass(minutes=1)
                deployment = await sandbox.github.deployment(pipeline.repo, live, place)
                await sandbox.github.deployment_status(pipeline.repo, deployment, "success")
        await there.at_rest()
        for pipeline in pipelines:
            pipeline.watch()
            stack.push_async_callback(pipeline.close)
        yield there
