"""What tests of several adapters stand on: the stand-in GitHub, behind a network that can fail."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from bot.adapters.pipeline_github import GithubSide
from bot.sandbox.repositories import Repository
from bot.sandbox.server import Sandbox
from tests.adapters.between import Between
from tests.adapters.github_side import REPO, github_side


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
