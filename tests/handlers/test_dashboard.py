"""The dashboard's door: every way in, and that nobody else comes in."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlmodel import Session

from bot import work
from bot.settings import load_settings
from handlers import passes
from tests.handlers.board import NOON, SECRET, TOKEN, Opened, basic, opened


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


async def test_a_link_opens_one_session_and_leads_on_only_in_the_browser_that_has_it(there: Opened) -> None:
    """What stays in a history or in a proxy's log lets nobody in; whoever presses twice is not turned away."""
    await there.meets("U0ANA")
    await there.meets("U0EVE")
    link = there.link()
    assert (await there.http.head(link, allow_redirects=False)).status == 405, "to try it does not use it"
    cookie = (await there.get(link)).headers["Set-Cookie"].partition(";")[0]
    found = await there.get(link)
    assert (found.status, "Set-Cookie" in found.headers) == (403, False)
    assert "used already" in await found.text()
    assert "press Dashboard" in await found.text()
    again = await there.get(link, Cookie=cookie)
    assert (again.status, again.headers["Location"], "Set-Cookie" in again.headers) == (303, "../", False)
    eve = (await there.comes_in("U0EVE")).partition(";")[0]
    assert (await there.get(link, Cookie=eve)).status == 403, "it was made for Ana"
    assert (await there.get(there.link())).status == 303, "another one is as good as the first"


async def test_of_several_who_come_by_one_link_at_once_one_gets_in(there: Opened) -> None:
    await there.meets("U0ANA")
    link = there.link()
    answers = await asyncio.gather(*(there.get(link) for _ in range(8)))
    assert sorted(one.status for one in answers) == [303, *[403] * 7]


async def test_what_is_kept_of_a_used_link_is_forgotten_once_it_would_be_too_old(there: Opened) -> None:
    await there.meets("U0ANA")
    await there.comes_in()

    def kept(session: Session) -> list[str]:
        return [kind for kind, _ in work.due(session, there.now()) if kind == passes.USED]

    there.hours = 1.0
    assert await there.bot.database.read(kept) == [], "a replica's clock may be behind"
    there.hours = 1.1
    assert await there.bot.database.read(kept) == [passes.USED]
    await there.bot.due()
    assert await there.bot.database.read(kept) == []


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
