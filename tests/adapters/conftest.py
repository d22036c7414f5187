"""What tests of several adapters stand on: stand-ins for GitHub and Slack, and a network that can fail."""

from __future__ import annotations

from collections.abc import AsyncIterator

import aiohttp
import pytest
from aiohttp import web
from slack_sdk.web.async_client import AsyncWebClient

from bot.adapters.github import GithubForge
from bot.adapters.pipeline_github import GithubSide
from bot.adapters.slack import SlackChat
from bot.sandbox.repositories import Repository
from bot.sandbox.server import Sandbox
from tests.adapters import github_stub, slack_stub
from tests.adapters.between import Between
from tests.adapters.github_receiver import Receiver
from tests.adapters.github_side import REPO, github_side
from tests.adapters.github_stub import GithubServer
from tests.adapters.slack_side import RecordingBot, client_of
from tests.adapters.slack_stub import STANDING, SlackServer, ok
from tests.adapters.stub import body, hang
from tests.conftest import UNHURRIED


@pytest.fixture
async def network(sandbox: Sandbox) -> AsyncIterator[Between]:
    """What lies between the bot and GitHub."""
    async with Between(sandbox.url) as running:
        yield running


@pytest.fixture
async def side(sandbox: Sandbox, network: Between) -> AsyncIterator[GithubSide]:
    """The bot's side, as the App."""
    async with github_side(sandbox, network) as made:
        yield made


@pytest.fixture
def repo(sandbox: Sandbox) -> Repository:
    """What the stand-in GitHub keeps of the repository."""
    return sandbox.github.forge.repository(REPO)


@pytest.fixture
async def github() -> AsyncIterator[GithubServer]:
    """A running server that knows one repository."""
    async with GithubServer() as made:
        yield made


@pytest.fixture
def patience(request: pytest.FixtureRequest) -> int:
    """Seconds that the adapter under test waits: only where a test has the server ``hang`` is it to run out."""
    called = getattr(request.node, "callspec", None)
    return 1 if called is not None and hang in called.params.values() else UNHURRIED


@pytest.fixture
async def forge(github: GithubServer, patience: int) -> AsyncIterator[GithubForge]:
    """The adapter under test, with a token."""
    made = GithubForge(github.url, token=github_stub.TOKEN, timeout=patience)
    yield made
    await made.close()


@pytest.fixture
async def slack() -> AsyncIterator[SlackServer]:
    """A running server that knows who we are."""
    async with SlackServer() as made:
        made.tell(
            "auth.test",
            body(
                {
                    "ok": True,
                    "url": "https://acme.slack.example/",
                    "team": "Acme",
                    "team_id": "T0ACME",
                    "user": "shipmate",
                    "user_id": "U0SHIPMATE",
                    "bot_id": "B0SHIPMATE",
                },
                x_oauth_scopes="chat:write, users:read",
            ),
        )
        made.tell("chat.postMessage", ok(channel=STANDING.channel, ts=STANDING.ts, message={}))
        yield made


@pytest.fixture
async def chat(slack: SlackServer, patience: int) -> AsyncIterator[SlackChat]:
    """The adapter under test."""
    made = SlackChat(slack_stub.TOKEN, slack.url, timeout=patience)
    yield made
    await made.close()


@pytest.fixture
async def client(sandbox: Sandbox) -> AsyncIterator[AsyncWebClient]:
    """Slack's own client of the stand-in Slack."""
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=UNHURRIED)) as session:
        yield client_of(sandbox, session)


@pytest.fixture
async def recorder(sandbox: Sandbox) -> AsyncIterator[RecordingBot]:
    """A bot that is connected to the stand-in Slack."""
    bot = RecordingBot(sandbox.environment()["SLACK_SIGNING_SECRET"])
    application = web.Application()
    application.router.add_post("/slack/events", bot.handle)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    bot.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    sandbox.connect(bot.url)
    yield bot
    await runner.cleanup()


@pytest.fixture
async def receiver(sandbox: Sandbox) -> AsyncIterator[Receiver]:
    """Whoever receives the stand-in GitHub's webhooks."""
    receiver = Receiver(sandbox.environment()["GITHUB_WEBHOOK_SECRET"])
    application = web.Application()
    application.router.add_post("/webhooks/github", receiver.handle)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    sandbox.connect(f"http://127.0.0.1:{runner.addresses[0][1]}")
    yield receiver
    await runner.cleanup()
