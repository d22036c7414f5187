"""A bot whose dashboard is open, and how people and screens come in."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
from aiohttp import web
from sqlmodel import Session

from bot import people, wiring
from bot.app import Bot
from bot.ports import Member
from bot.settings import Settings, load_settings
from handlers import api, passes, webhooks

TOKEN = "a-token-of-ours"
SECRET = "the-signing-secret"
NOON = datetime(2026, 3, 3, 12, 0, tzinfo=UTC)
CATALOGUE = """
timezone: Europe/Paris
teams:
  bakers: {channel: "#bakers"}
services:
  oven: {team: bakers, repo: bakery/oven, environments: [staging, production]}
"""


@dataclass
class Opened:
    """A bot whose dashboard is open, with a clock that is turned by hand; its engines do not run."""

    bot: Bot
    url: str
    http: aiohttp.ClientSession
    hours: float = 0

    @property
    def settings(self) -> Settings:
        """The bot's."""
        return self.bot.settings

    def now(self) -> datetime:
        """The bot's clock."""
        return NOON + timedelta(hours=self.hours)

    async def get(self, path: str, **headers: str) -> aiohttp.ClientResponse:
        """Ask without following anywhere."""
        address = path if path.startswith("http") else self.url + path
        answer = await self.http.get(address, headers=headers, allow_redirects=False)
        await answer.read()
        return answer

    async def meets(self, slack_id: str, *, guest: bool = False, active: bool = True) -> None:
        """Slack tells who somebody is."""
        member = Member(slack_id=slack_id, name="Ana", guest=guest, active=active)
        await self.does(lambda session: people.saw(session, member, self.now()))

    async def does(self, work: Callable[[Session], object]) -> None:
        """Something happens."""
        await self.bot.database.write(work)

    def link(self, slack_id: str = "U0ANA") -> str:
        """What somebody's Home shows them now."""
        found = passes.dashboard_link(self.settings, slack_id, self.now())
        assert found is not None
        return found.replace(self.settings.public_url or "", self.url)

    async def comes_in(self, slack_id: str = "U0ANA") -> str:
        """Follow the link; the cookie that came of it."""
        answer = await self.get(self.link(slack_id))
        assert (answer.status, answer.headers["Location"]) == (303, "../")
        return answer.headers["Set-Cookie"]


async def opened(database_url: str, folder: Path, *, catalogue: str = CATALOGUE, **more: str) -> AsyncIterator[Opened]:
    """Open the dashboard of a bot with these settings."""
    policy = folder / "shipmate.yml"
    policy.write_text(catalogue, encoding="utf-8")
    settings = load_settings(
        {"DATABASE_URL": database_url, "SHIPMATE_CONFIG": str(policy), "SHIPMATE_PUBLIC_URL": "http://127.0.0.1:1",
         "SLACK_SIGNING_SECRET": SECRET, **more}, None,
    )  # fmt: skip
    await asyncio.to_thread(wiring.upgrade_database, settings)
    wired = wiring.wire(settings, {name: source.translate for name, source in webhooks.SOURCES.items()})
    wired.bot.database.start()
    application = web.Application()
    api.add_routes(application, wired.bot, wired.renderer)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as http:
        there = Opened(wired.bot, f"http://{host}:{port}", http)
        wired.bot.clock = there.now
        yield there
    await runner.cleanup()
    await wired.close()


def basic(password: str) -> dict[str, str]:
    """As curl -u and a wall screen send it."""
    return {"Authorization": aiohttp.encode_basic_auth("wall", password)}
