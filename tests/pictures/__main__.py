"""Draws the README's pictures: ``python -m tests.pictures [FOLDER]`` (by default ``docs/pictures``).

The real bot lives in the sandbox in this process, its scenes are played, and headless Chromium looks at the page. The
world's clock stands on a weekday morning and runs fast, so that what is seen looks like a day at work. Limits: needs
Chromium; the commits' names differ each time, so each run's pictures differ a little.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import yaml

from bot.delivery import Limits
from bot.sandbox.acme import acme_policy
from bot.sandbox.server import Sandbox
from bot.sandbox.slack_manifest import read_manifest
from bot.sandbox.story import play
from bot.sandbox.story_alerts import FIRES_AFTER, fires, ships_the_culprit
from bot.sandbox.story_cart import SOAK, Cart
from bot.sandbox.story_promotions import THREE_CHANGES
from bot.sandbox.story_room import MINE, Crew
from bot.sandbox.story_trains import Day
from bot.server import serving
from bot.settings import load_settings
from tests.acceptance.watching import at_rest
from tests.browser.chromium import Chromium, Tab, find_chromium

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "docs" / "pictures"
MANIFEST = ROOT / "manifest.yml"
LARGEST = 250_000
"""Bytes: a README that takes long to load is not read."""

SPEED = 60.0
PACE = 0.2
"""A second of a story takes this long, and twelve times that in the world: rollouts of a minute or two."""

DASHBOARD = "home:dashboard"
TUESDAY = 1
AT_WORK = {"minute": 4, "second": 0, "microsecond": 0}
SHOWN = Limits(per_channel=None, updates_per_minute=None, progress_every=0.0, doubt_settles=1.0)


class Pictures:
    """Takes pictures of one world's page into a folder."""

    def __init__(self, chromium: Chromium, url: str, folder: Path) -> None:
        self._chromium = chromium
        self._url = url
        self._folder = folder

    @asynccontextmanager
    async def page(
        self, where: str, *, width: int = 1280, height: int = 800, phone: bool = False, dark: bool = False
    ) -> AsyncIterator[Tab]:
        """The page at ``where`` (what follows the address)."""
        async with self._chromium.tab(
            width=width, height=height, phone=phone, dark=dark, scale=1.5 if phone else 1
        ) as tab:
            await tab.open(f"{self._url}/{where}")
            yield tab

    @asynccontextmanager
    async def elsewhere(
        self, address: str, *, width: int = 1280, height: int = 800, phone: bool = False, dark: bool = False
    ) -> AsyncIterator[Tab]:
        """A page that is not the world's own."""
        async with self._chromium.tab(
            width=width, height=height, phone=phone, dark=dark, scale=1.5 if phone else 1
        ) as tab:
            await tab.load(address)
            yield tab

    async def take(self, tab: Tab, name: str) -> None:
        """Write what is seen; AssertionError if it came out too large."""
        picture = await tab.picture()
        assert len(picture) <= LARGEST, f"{name} takes {len(picture):,} bytes"
        await asyncio.to_thread((self._folder / name).write_bytes, picture)
        print(f"{self._folder / name}: {len(picture) // 1000} kB")


async def draw(chromium: Chromium, folder: Path) -> None:
    """Play the scenes and take every picture."""
    async with _stage() as (world, perform):
        pictures = Pictures(chromium, world.url, folder)
        await perform("a calm deploy")
        await _after_a_calm_deploy(pictures)
        await perform("a failing deploy")
        await _after_a_failing_deploy(pictures)
    async with _stage() as (world, _):
        await _on_the_way_to_production(world, Pictures(chromium, world.url, folder))
    async with _stage() as (world, _):
        await _something_is_wrong(world, Pictures(chromium, world.url, folder))
    async with _stage() as (world, perform):
        await perform("a calm deploy")
        await _everything_at_a_glance(world, Pictures(chromium, world.url, folder))
    async with _stage(hour=9) as (world, _):
        await _before_a_train_leaves(world, Pictures(chromium, world.url, folder))


async def _after_a_calm_deploy(pictures: Pictures) -> None:
    async with pictures.page("?as=ana#C0PAYMENTS") as page:
        await page.sees("#log article", "live in production")
        await pictures.take(page, "calm-deploy.png")
    async with pictures.page("?as=ben#C0PAYMENTS", width=390, height=844, phone=True) as page:
        await page.sees("#log article", "live in production")
        await pictures.take(page, "phone.png")
    async with pictures.page("?as=ben#C0PAYMENTS", dark=True) as page:
        await page.write("#message-box textarea", "/ship status checkout")
        await page.press("Enter")
        await page.sees("#log .ephemeral")
        await page.hover("#channel-name")
        await pictures.take(page, "dark.png")
    async with pictures.page("?as=ana#C0PAYMENTS") as page:
        await page.click("#direct .place")
        await page.sees("#log article", "live in production")
        await page.hover("#channel-name")
        await pictures.take(page, "direct-message.png")


async def _after_a_failing_deploy(pictures: Pictures) -> None:
    async with pictures.page("?as=ana#C0PAYMENTS") as page:
        await page.sees("#log article", "failed in production")
        await pictures.take(page, "failing-deploy.png")
    async with pictures.page("?as=ana&pane=requests#C0PAYMENTS") as page:
        await page.click("[data-show=out]")
        await page.click("#request-list li:nth-child(3) summary")
        await page.sees(".request-inside", "HMAC-SHA256")
        await page.hover("#channel-name")
        await pictures.take(page, "requests.png")


async def _on_the_way_to_production(world: Sandbox, pictures: Pictures) -> None:
    """From the card that waits for a yes to the window that rolls back, pressed on the page as people press."""
    world.clock.speed = SPEED
    cart = await Cart.ready(world, PACE)
    card = await cart.build(*THREE_CHANGES)
    await cart.until_says(card, "e2e passed")
    world.clock.speed = 1
    async with pictures.page("?as=ben#C0PAYMENTS") as page:
        await page.click("#log .block-button", "Approve 3 changes…")
        await page.click("dialog.confirm .block-button", "Approve")
        await page.sees("#log .ephemeral", "You can't")
        await page.hover("#channel-name")
        await pictures.take(page, "needs-a-yes.png")
    async with pictures.page("?as=dee#C0PAYMENTS", width=1120, height=720) as page:
        await page.click("#log .block-button", "Details")
        await page.sees("dialog.modal", "Gates now")
        await pictures.take(page, "details.png")
        await page.click("dialog.modal .modal-close")
        await page.misses("dialog.modal")
    async with pictures.page("?as=dee#C0PAYMENTS", width=390, height=844, phone=True, dark=True) as page:
        await page.click("#log .block-button", "Approve 3 changes…")
        await page.sees("dialog.confirm")
        await pictures.take(page, "approve-on-a-phone.png")
    async with pictures.page("?as=dee#C0PAYMENTS", width=1120, height=720) as page:
        await page.click("#direct .place")
        await page.click("main button", "Home")
        await page.sees("main", "what waits for you")
        await pictures.take(page, "home.png")
    await cart.approve("dee", card)
    await cart.until_offers(card, "promotions:undo")
    await cart.later(0, by=SOAK)
    await cart.goes_live(card)
    async with pictures.page("?as=dee#C0PAYMENTS", width=1120, height=720) as page:
        await page.click("#log .block-button", "Roll back…")
        await page.sees("dialog.modal", "3 changes leave")
        await page.type("Baskets are empty after signing in")
        await pictures.take(page, "rollback.png")


async def _something_is_wrong(world: Sandbox, pictures: Pictures) -> None:
    """The page on Ana's phone, then the room, from which she goes back."""
    world.clock.speed = SPEED
    cart = await Cart.ready(world, PACE)
    crew = await Crew.ready(world, cart)
    await ships_the_culprit(cart)
    world.clock.speed = 1
    world.clock.turn(by=FIRES_AFTER)
    fires(cart)
    page = await crew.is_woken("ana")
    room = await crew.room("ana", "chi")
    async with pictures.page(f"?as=ana#{page.channel}", width=390, height=844, phone=True) as tab:
        await tab.sees("#log .block-button", "Not mine")
        await pictures.take(tab, "page-on-a-phone.png")
    await cart.press("ana", page, MINE)
    await crew.is_said(room, "is on it")
    await cart.until_says(room, "Ana leads")
    async with pictures.page(f"?as=ana#{room.channel}", height=920) as tab:
        await tab.sees("#log article", "Ana leads")
        await tab.hover("#channel-name")
        await pictures.take(tab, "incident-room.png")


async def _everything_at_a_glance(world: Sandbox, pictures: Pictures) -> None:
    """The dashboard while something is wrong and something waits, opened from Ana's Home."""
    world.clock.speed = SPEED
    cart = await Cart.ready(world, PACE)
    crew = await Crew.ready(world, cart)
    await ships_the_culprit(cart)
    world.clock.speed = 1
    world.clock.turn(by=FIRES_AFTER)
    fires(cart)
    page = await crew.is_woken("ana")
    room = await crew.room("ana", "chi")
    await cart.press("ana", page, MINE)
    await cart.until_says(room, "Ana leads")
    await cart.until_says(await cart.build(*THREE_CHANGES), "e2e passed")
    async with pictures.elsewhere(await _dashboard_of(world, "ana"), height=1000) as tab:
        await tab.sees("#waiting h3", "cart")
        await pictures.take(tab, "dashboard.png")
    async with pictures.elsewhere(
        await _dashboard_of(world, "ana"), width=390, height=844, phone=True, dark=True
    ) as tab:
        await tab.sees("#waiting h3", "cart")
        await pictures.take(tab, "dashboard-on-a-phone.png")


async def _dashboard_of(world: Sandbox, person: str) -> str:
    """Where the button in somebody's Home leads, each time anew: a link opens one session."""
    before = world.slack.home(person)
    await world.slack.open_home(person)
    await world.slack.until(lambda: world.slack.home(person) not in (None, before))
    view = world.slack.home(person) or {}
    buttons = (part for block in view["blocks"] for part in block.get("elements", ()))
    return next(str(part["url"]) for part in buttons if part.get("action_id") == DASHBOARD)


async def _before_a_train_leaves(world: Sandbox, pictures: Pictures) -> None:
    """The card of a departure that is sealed, and waits for one yes to all that it carries."""
    day = Day(world, PACE)
    await day.begins()
    await day.lands(day, "Search by colour", "ana", "src/colours.py", 64)
    await day.lands(day, "Forgive a letter too many", "chi", "src/spelling.py", 41)
    await day.lands(day.storefront, "Show the season first", "ben", "src/season.py", 28)
    await day.it_is(9, 46)
    await day.sealed("Search by colour")
    async with pictures.page("?as=ana#C0RELEASES", height=720) as tab:
        await tab.sees("#log .block-button", "Approve")
        await tab.hover("#channel-name")
        await pictures.take(tab, "train.png")


@asynccontextmanager
async def _stage(hour: int = 10) -> AsyncIterator[tuple[Sandbox, Callable[[str], Awaitable[None]]]]:
    """The world with the bot in it, and what plays a scene to its end and lets the bot say all of it."""
    manifest = read_manifest(yaml.safe_load(MANIFEST.read_text(encoding="utf-8")))
    with tempfile.TemporaryDirectory(prefix="shipmate-pictures-") as name:
        async with Sandbox(rate_limits=False, manifest=manifest) as world:
            world.clock.turn(to=_at_work(world.clock.now(), hour))
            policy = Path(name) / "shipmate.yml"
            policy.write_text(acme_policy(world.url), encoding="utf-8")
            settings = load_settings(
                {
                    **world.environment(),
                    "DATABASE_URL": f"sqlite:///{name}/shipmate.db",
                    "SHIPMATE_CONFIG": str(policy),
                    "SHIPMATE_PORT": "0",
                },
                None,
            )
            async with serving(settings, limits=SHOWN, clock=world.clock.now) as running:
                world.connect(running.url)
                # Where it listens is known only now, as in the demo.
                running.bot.settings = settings.model_copy(update={"public_url": running.url})
                world.clock.watchers.append(running.bot.database.ring_all)

                async def perform(scene: str) -> None:
                    world.clock.speed = SPEED
                    await play(world, scene, pace=PACE)
                    await world.settle()
                    await at_rest(running.wired.bot.database)
                    world.clock.speed = 1

                yield world, perform


def _at_work(now: datetime, hour: int) -> datetime:
    local = now.astimezone(ZoneInfo("Europe/Paris"))
    day = local + timedelta(days=(TUESDAY - local.weekday()) % 7)
    at = day.replace(hour=hour, **AT_WORK)  # type: ignore[arg-type]
    return at if at > local else at + timedelta(days=7)


def main(arguments: list[str]) -> int:
    """Draw; the exit status."""
    binary = find_chromium()
    if binary is None:
        print("There is no Chromium on this machine (on Debian: apt install chromium).", file=sys.stderr)
        return 1
    folder = Path(arguments[0]) if arguments else FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    chromium = Chromium(binary)
    try:
        asyncio.run(draw(chromium, folder))
    finally:
        chromium.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
