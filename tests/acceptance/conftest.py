"""Scenes are played at Acme."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from bot.sandbox.server import Sandbox
from bot.sandbox.story import SCENES, play
from tests.acceptance.scenes import (
    PACE,
    SLOWER,
    SPEED,
    at_acme,
    told_to_the_end,
)


@pytest.fixture
async def perform(sandbox: Sandbox, sqlite_url: str, tmp_path: Path) -> AsyncIterator[Callable[[str], Awaitable[None]]]:
    """Plays a scene to its end, and lets the bot say all of it."""
    async with at_acme(sandbox, sqlite_url, tmp_path) as running:

        async def performed(name: str) -> None:
            sandbox.clock.speed = SLOWER if SCENES[name].needs_bot else SPEED
            await play(sandbox, name, pace=PACE)
            await told_to_the_end(sandbox, running)

        yield performed
