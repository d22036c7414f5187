"""The bot's side of GitHub in the stand-in world, with a network between them that can fail."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from bot.adapters.github_client import GithubClient
from bot.adapters.github_names import Names
from bot.adapters.pipeline_github import GithubSide
from bot.callbacks import vetted
from bot.events import Event
from bot.ports import Order
from bot.sandbox.server import Sandbox
from handlers.webhooks import github as webhooks
from tests.adapters.between import Between
from tests.conftest import UNHURRIED

REPO = "acme/checkout"
SITE = "https://github.example"


@asynccontextmanager
async def github_side(
    sandbox: Sandbox, network: Between, *, app: bool = True, patience: int = UNHURRIED
) -> AsyncIterator[GithubSide]:
    """Signed in as the App, or by token."""
    settings = sandbox.environment(github_app=app)
    client = GithubClient(
        settings["GITHUB_API_URL"].replace(sandbox.url, network.url),
        token=settings.get("GITHUB_TOKEN"),
        app_id=settings.get("GITHUB_APP_ID"),
        private_key=settings.get("GITHUB_APP_PRIVATE_KEY"),
        timeout=patience,
    )
    try:
        yield GithubSide(client, Names(client), SITE)
    finally:
        await client.close()


def order(sandbox: Sandbox, promotion: int = 12, **more: Any) -> Order:
    """Main's newest commit to production."""
    asked: dict[str, Any] = {
        "service": "checkout",
        "environment": "production",
        "repo": REPO,
        "sha": sandbox.github.forge.repository(REPO).branches["main"],
        "rollback": False,
        "comment": "Approved by Dee: soaked 30 min, e2e passed",
    }
    return Order(promotion=promotion, **(asked | more))


async def heard(sandbox: Sandbox) -> Sequence[Event]:
    """What GitHub's webhooks have told, in our words, as far as it waits at this very GitHub."""
    await sandbox.settle()
    translate = vetted(webhooks.translate, sandbox.environment()["GITHUB_API_URL"])
    return [event for one in sandbox.github.deliveries for event in translate(one.headers, one.body)]


def just_now() -> datetime:
    """When a doubtful call was begun."""
    return datetime.now(UTC) - timedelta(seconds=1)
