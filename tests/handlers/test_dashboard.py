"""The dashboard's door: every way in and out, what its answers say to a browser, and that hostile words stay words."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
import pytest
from aiohttp import web
from sqlmodel import Session

from bot import people, wiring
from bot.app import Bot
from bot.catalog import Catalog
from bot.deploys import service as deploys
from bot.events import Human
from bot.ports import Member
from bot.reactions import Reactions
from bot.settings import Settings, load_settings
from handlers import api, passes, webhooks
from handlers.api.dashboard import COUNTED_AGAIN, REFRESHES, SHARED_AT_MOST, shared_for
from tests.unit.reports import REPO, carrying, merged, pull, report

TOKEN = "a-token-of-ours"
SECRET = "the-signing-secret"
HOSTILE = '<script>alert(1)</script> "><img src=x onerror=alert(2)> javascript:alert(3) \u202egnp.exe'
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


async def opened(database_url: str, folder: Path, **more: str) -> AsyncIterator[Opened]:
    """Open the dashboard of a bot with these settings."""
    catalogue = folder / "shipmate.yml"
    catalogue.write_text(CATALOGUE, encoding="utf-8")
    settings = load_settings(
        {"DATABASE_URL": database_url, "SHIPMATE_CONFIG": str(catalogue), "SHIPMATE_PUBLIC_URL": "http://127.0.0.1:1",
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


@pytest.fixture
async def there(sqlite_url: str, tmp_path: Path) -> AsyncIterator[Opened]:
    """A dashboard that a token opens too."""
    async for one in opened(sqlite_url, tmp_path, SHIPMATE_API_TOKEN=TOKEN):
        yield one


@pytest.fixture
async def secure(sqlite_url: str, tmp_path: Path) -> AsyncIterator[Opened]:
    """One behind https, which no token opens."""
    async for one in opened(sqlite_url, tmp_path, SHIPMATE_PUBLIC_URL="https://ship.example.com"):
        yield one


def basic(password: str) -> dict[str, str]:
    """As curl -u and a wall screen send it."""
    return {"Authorization": aiohttp.encode_basic_auth("wall", password)}


# --- the ways in --------------------------------------------------------------------------------------------------


async def test_a_link_from_slack_opens_a_session_and_leaves_no_pass_in_the_address(there: Opened) -> None:
    await there.meets("U0ANA")
    cookie = await there.comes_in()
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert "Path=/" in cookie
    assert "Secure" not in cookie, "it is plain http here"
    page = await there.get("/", Cookie=cookie.partition(";")[0])
    assert page.status == 200
    assert "What is live where" in await page.text()


async def test_behind_https_the_cookie_is_secure_and_nobody_elses_to_set(secure: Opened) -> None:
    await secure.meets("U0ANA")
    cookie = await secure.comes_in()
    assert cookie.startswith("__Host-")
    assert "; Secure" in cookie


@pytest.mark.parametrize("how", [basic(TOKEN), {"Authorization": f"Bearer {TOKEN}"}])
async def test_the_token_opens_it_for_a_wall_screen(there: Opened, how: dict[str, str]) -> None:
    assert (await there.get("/", **how)).status == 200


# --- and nobody else ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Cookie": "shipmate-dashboard="},
        {"Cookie": "shipmate-dashboard=WyJVMEFOQSIsMTc5NTMwMzEyM10.SPC8ThSYZRxOlv6HZpCvtOqheAKUEiN0rYDQiHGuBDs"},
        {"Cookie": "shipmate-dashboard=%00%ff"},
        basic("wrong"),
        basic(""),
        {"Authorization": "Bearer "},
        {"Authorization": "Basic é"},
    ],
)
async def test_anybody_else_sees_no_data_and_learns_how_to_come_in(there: Opened, headers: dict[str, str]) -> None:
    answer = await there.get("/", **headers)
    words = await answer.text()
    assert answer.status == 401
    assert "press Dashboard" in words
    assert "oven" not in words
    assert TOKEN not in words


async def test_a_link_is_no_session_and_a_session_no_link(there: Opened) -> None:
    await there.meets("U0ANA")
    link = there.link().partition("pass=")[2]
    assert (await there.get("/", Cookie=f"shipmate-dashboard={link}")).status == 401
    session = passes.session_of(there.settings, "U0ANA", there.now())
    assert (await there.get(f"/dashboard/open?pass={session}")).status == 403


async def test_a_link_lasts_an_hour_and_a_session_twelve(there: Opened) -> None:
    await there.meets("U0ANA")
    link, cookie = there.link(), (await there.comes_in()).partition(";")[0]
    there.hours = 1.01
    stale = await there.get(link)
    assert stale.status == 403
    assert "too old" in await stale.text()
    assert "press Dashboard" in await stale.text()
    assert "Set-Cookie" not in stale.headers
    there.hours = 11.9
    assert (await there.get("/", Cookie=cookie)).status == 200
    there.hours = 12.1
    over = await there.get("/", Cookie=cookie)
    assert over.status == 401
    assert "session is over" in await over.text()
    assert "Basic" not in over.headers["WWW-Authenticate"], "somebody from Slack is not asked for a password"
    assert "signs in in a private window" in await over.text(), "nor is a screen whose browser they used"
    none_of_ours = await there.get("/", Cookie="shipmate-dashboard=" + "x" * 60)
    assert none_of_ours.headers["WWW-Authenticate"].startswith("Basic"), "whoever left that is not known by it"


@pytest.mark.parametrize("change", ["", "x", "U0EVE"])
async def test_a_forged_link_opens_nothing(there: Opened, change: str) -> None:
    await there.meets("U0ANA")
    await there.meets("U0EVE")
    forged = there.link()[:-3] + change if change != "U0EVE" else there.link("U0ANA").replace("pass=", "pass=U0EVE")
    answer = await there.get(forged)
    assert answer.status == 403
    assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize("who", [{"guest": True}, {"active": False}])
async def test_whoever_is_no_full_member_is_let_in_no_more(there: Opened, who: dict[str, bool]) -> None:
    """Also with a session from before."""
    await there.meets("U0ANA")
    cookie = (await there.comes_in()).partition(";")[0]
    there.hours = 0.1
    await there.meets("U0ANA", guest=who.get("guest", False), active=who.get("active", True))
    assert (await there.get("/", Cookie=cookie)).status == 401
    assert (await there.get(there.link())).status == 403


async def test_a_stranger_to_slack_gets_nothing(there: Opened) -> None:
    assert (await there.get(there.link("U0NOBODY"))).status == 403


async def test_another_secret_signs_nothing_of_ours(there: Opened) -> None:
    other = there.settings.model_copy(
        update={"slack_signing_secret": None, "slack_app_token": there.settings.api_token}
    )
    link = passes.dashboard_link(other, "U0ANA", there.now())
    assert link is not None
    await there.meets("U0ANA")
    assert (await there.get(link.replace("http://127.0.0.1:1", there.url))).status == 403


def test_without_an_address_or_a_key_there_is_no_link() -> None:
    plain = load_settings({"SLACK_SIGNING_SECRET": SECRET}, None)
    keyless = load_settings({"SHIPMATE_PUBLIC_URL": "https://ship.example.com"}, None)
    assert passes.dashboard_link(plain, "U0ANA", NOON) is None
    assert passes.dashboard_link(keyless, "U0ANA", NOON) is None
    with pytest.raises(ValueError, match="no link"):
        passes.session_of(keyless, "U0ANA", NOON)


async def test_a_browser_asks_for_a_password_only_where_there_is_one_and_never_for_a_script(
    there: Opened, secure: Opened
) -> None:
    assert (await there.get("/")).headers["WWW-Authenticate"].startswith("Basic")
    assert (await there.get("/", **{"X-Shipmate-Refresh": "1"})).headers["WWW-Authenticate"] == "Slack"
    tokenless = await secure.get("/")
    assert tokenless.headers["WWW-Authenticate"] == "Slack"
    assert "SHIPMATE_API_TOKEN" in await tokenless.text()


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
@pytest.mark.parametrize("path", ["/", "/dashboard/open"])
async def test_nothing_can_be_done_here(there: Opened, method: str, path: str) -> None:
    async with there.http.request(method, there.url + path, headers=basic(TOKEN)) as answer:
        assert answer.status == 405


# --- what is answered ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/", "/?service=nothing", "/dashboard/open", "/dashboard/open?pass=x"])
@pytest.mark.parametrize("headers", [{}, basic(TOKEN)])
async def test_every_answer_lets_nothing_in_from_elsewhere_and_tells_nobody(
    there: Opened, path: str, headers: dict[str, str]
) -> None:
    answer = await there.get(path, **headers)
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["X-Frame-Options"] == "DENY"


async def test_style_and_script_are_ours_and_kept_only_by_their_present_address(there: Opened) -> None:
    words = await (await there.get("/", **basic(TOKEN))).text()
    for name, kind in (("board.css", "text/css"), ("board.js", "text/javascript")):
        address = next(part for part in words.split('"') if name in part)
        assert urlsplit(address).netloc == ""
        kept = await there.get("/" + address.removeprefix("./"))
        assert (kept.status, kept.content_type) == (200, kind)
        assert "immutable" in kept.headers["Cache-Control"]
        assert (await there.get(f"/dashboard/{name}")).headers["Cache-Control"] == "no-cache"


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/?service=ovne", "did you mean “oven”?"),
        ("/?team=baker", "did you mean “bakers”?"),
        ("/?service=%3Cscript%3E", "I know no service “&lt;script&gt;”"),
        ("/?team=%00%ff", "I know no team"),
    ],
)
async def test_an_unknown_name_is_not_found_with_the_nearest(there: Opened, path: str, said: str) -> None:
    answer = await there.get(path, **basic(TOKEN))
    assert answer.status == 404
    assert said in await answer.text()
    assert "<script>" not in await answer.text()


@pytest.mark.parametrize("path", ["/?team=&service=", "/?service=OVEN", "/?team=bakers&service=oven", "/?other=1"])
async def test_what_is_empty_or_unknown_narrows_nothing(there: Opened, path: str) -> None:
    assert (await there.get(path, **basic(TOKEN))).status == 200


async def test_hostile_words_stay_words(there: Opened) -> None:
    """A title, an address, a name: all of it from outside."""
    catalog = there.bot.catalog

    def happens(session: Session) -> None:
        reactions = Reactions(catalog, "https://github.com")
        reactions.react(session, [merged(812, "b", title=HOSTILE, author=Human(name=HOSTILE))], there.now())
        reactions.react(
            session,
            [report("b", "succeeded", number="1", url="javascript:alert(4)", creator=Human(login=HOSTILE))],
            there.now(),
        )
        settle(session, catalog)

    await there.does(happens)
    words = await (await there.get("/", **basic(TOKEN))).text()
    assert "&lt;script&gt;alert(1)" in words
    assert "<script>" not in words
    assert "<img" not in words
    assert 'href="javascript' not in words
    assert "\u202e" not in words


def settle(session: Session, catalog: Catalog) -> None:
    """The forge tells what the only rollout brought."""
    deploys.range_read(
        session, catalog, 1, None, carrying(pull(812, "b", title=HOSTILE, author=Human(name=HOSTILE))), NOON
    )


async def test_figures_are_counted_anew_only_now_and_then(there: Opened) -> None:
    """Many pages ask for them all day long; what is live is as of now each time."""

    async def figures() -> str:
        return (await (await there.get("/", **basic(TOKEN))).text()).partition('id="figures"')[2]

    assert "nobody was woken" in await figures()
    catalog = there.bot.catalog

    def happens(session: Session) -> None:
        Reactions(catalog, "https://github.com").react(session, [report("b", repo=REPO, number="1")], there.now())

    await there.does(happens)
    assert "nobody was woken" in await figures()
    there.hours = COUNTED_AGAIN / timedelta(hours=1)
    assert "oven" in await figures()


async def test_pages_that_read_themselves_again_share_one_and_whoever_opens_it_gets_their_own(there: Opened) -> None:
    """Nobody is shown what another may not see: whether somebody may look is asked each time."""
    again = {**basic(TOKEN), REFRESHES: "1"}
    first = await (await there.get("/", **again)).text()
    there.hours = 0.5
    assert await (await there.get("/", **again)).text() == first
    assert await (await there.get("/", **basic(TOKEN))).text() != first, "opened: as of now"
    assert (await there.get("/", **{REFRESHES: "1"})).status == 401


def test_a_page_that_was_slow_to_make_is_not_shown_for_long() -> None:
    """A large organisation's costs little all the same; one that waited for the database is old news soon."""
    assert shared_for(0.05) == pytest.approx(1.0)
    assert shared_for(40) == SHARED_AT_MOST


async def test_a_template_of_the_users_own_wins_and_a_broken_one_is_passed_over(
    sqlite_url: str, tmp_path: Path
) -> None:
    folder = tmp_path / "ours" / "pages"
    folder.mkdir(parents=True)
    own = folder / "notice.html.j2"
    own.write_text("<main>Ask the harbour master</main>", encoding="utf-8")
    async for there in opened(sqlite_url, tmp_path, SHIPMATE_TEMPLATES=str(folder.parent)):
        assert "harbour master" in await (await there.get("/")).text()
        own.write_text("<main>{{ nothing_of_that_name }}</main>", encoding="utf-8")
        assert "press Dashboard" in await (await there.get("/")).text()
