"""What people ask, and ask to hear: watch, drift, status, where, the home tab, the shortcuts: in sentences."""

from __future__ import annotations

from pathlib import Path

from bot.sandbox.server import Sandbox
from tests.acceptance import watching
from tests.acceptance.promoting import Company, company, policy

RETRY = "Retry payments on a gateway time-out"
TAX = "Round the tax per line"
APPROVE = "promotions:approve"
QUICK = policy(gates="[lock, approval]")


def home(there: Company, person: str) -> str:
    """Everything that somebody's home tab says."""
    return "\n".join(watching.texts([there.sandbox.slack.home(person)]))


async def test_somebody_watches_a_change_for_somebody_else(sandbox: Sandbox, database_url: str, tmp_path: Path) -> None:
    """``/ship watch 801 production @eve``: she hears it when customers have it, and when they have it no more."""
    async with company(sandbox, database_url, tmp_path, catalogue=QUICK) as there:
        await there.merge("chi", TAX)
        await there.press("dee", APPROVE)
        await there.merge("ana", RETRY)
        assert "Eve will hear when #802 is live in production" in await there.ship(
            "ben", "watch 802 production <@U0EVE|eve>"
        )
        assert RETRY not in there.heard_by("eve")
        await there.press("dee", APPROVE)
        heard = there.heard_by("eve")
        assert "#802" in heard
        assert "production" in heard
        await there.ship("dee", "rollback checkout")
        await there.submit("dee", {"reason": "every third payment fails"})
        assert "⏪ #802 is no longer in production: " in there.heard_by("eve")


async def test_a_watch_can_be_stopped_and_a_stranger_is_not_found(
    sandbox: Sandbox, sqlite_url: str, tmp_path: Path
) -> None:
    """What is said of it is what happens."""
    async with company(sandbox, sqlite_url, tmp_path, catalogue=QUICK) as there:
        await there.merge("ana", RETRY)
        assert "You will hear when #801 is live in each environment" in await there.ship("ben", "watch 801")
        assert "Stopped" in await there.ship("ben", "watch stop 801")
        await there.press("dee", APPROVE)
        assert RETRY not in there.heard_by("ben")
        assert "I cannot tell who" in await there.ship("ben", "watch 801 production @nobody")
        assert "environment" in await there.ship("ben", "watch 801 moon")


async def test_drift_tells_what_production_has_not_and_who_waits(
    sandbox: Sandbox, sqlite_url: str, tmp_path: Path
) -> None:
    """The oldest first, since when, whose, and what holds it; nothing once it is there."""
    async with company(sandbox, sqlite_url, tmp_path, catalogue=QUICK) as there:
        assert "Nothing waits" in await there.ship("eve", "drift")
        await there.merge("ana", RETRY)
        await there.merge("ben", TAX)
        said = await there.ship("eve", "drift")
        for words in (
            "*checkout*: 2 changes in *staging*, not in *production* · oldest since",
            f"{RETRY} · Ana · since",
            f"{TAX} · Ben · since",
            "Waits: approval: needs 1 yes (@payments-leads)",
            "waiting: Ana and Ben",
        ):
            assert words in said, words
        await there.press("chi", "promotions:include")
        await there.press("dee", APPROVE)
        assert "Nothing waits" in await there.ship("eve", "drift checkout")


async def test_status_tells_what_waits_and_for_what(sandbox: Sandbox, sqlite_url: str, tmp_path: Path) -> None:
    """Of everything a line, of one service with its changes."""
    async with company(sandbox, sqlite_url, tmp_path, catalogue=QUICK) as there:
        sha = await there.merge("ana", RETRY)
        await there.ship("dee", "lock checkout the database moves")
        said = await there.ship("eve", "status")
        assert f"🟡 `{sha[:7]}` (1 change) waits: checkout is locked by Dee: the database moves" in said
        assert "🔒 checkout: the database moves · Dee · until" in said
        assert RETRY in await there.ship("eve", "status checkout")


async def test_home_shows_what_waits_for_me_and_my_changes_and_acts_there(
    sandbox: Sandbox, database_url: str, tmp_path: Path
) -> None:
    """Dee approves from her home tab; Ana's says how far her change is; both are made anew after what they did."""
    async with company(sandbox, database_url, tmp_path, catalogue=QUICK) as there:
        sha = await there.merge("ana", RETRY)
        for person in ("ana", "dee"):
            await sandbox.slack.open_home(person)
        await sandbox.slack.until(lambda: sandbox.slack.home("ana") and sandbox.slack.home("dee"))
        assert "Nothing waits for your yes" in home(there, "ana")
        assert RETRY in home(there, "ana")
        assert "Approve 1 change…" in home(there, "dee")
        assert "None that I know of" in home(there, "dee")
        view = sandbox.slack.home("dee")
        assert view is not None
        there.let_pass(seconds=2)
        await sandbox.slack.click_view("dee", view["id"], action_id=APPROVE)
        await sandbox.slack.until(lambda: "Nothing waits for your yes" in home(there, "dee"))
        await there.at_rest()
        assert there.production()[-1] == sha


async def test_the_promote_shortcut_asks_what_and_where_to(sandbox: Sandbox, sqlite_url: str, tmp_path: Path) -> None:
    """From anywhere in Slack; its menu offers what can be promoted."""
    async with company(sandbox, sqlite_url, tmp_path, catalogue=QUICK) as there:
        await there.merge("ana", RETRY)
        await there.choose("ben", "Cancel")
        await there.submit("ben", {"reason": "wrong day"})
        await sandbox.slack.shortcut("chi", "promote")
        await there.at_rest()
        (modal,) = sandbox.slack.modals("chi")
        offered = await sandbox.slack.suggest("chi", "check", action_id="promotions:target", view_id=modal["id"])
        assert offered.values == ["checkout/production"]
        await there.submit("chi", {"target": "checkout/production"})
        assert there.shows("needs 1 yes", "asked for by Chi")
        await sandbox.slack.shortcut("chi", "promote")
        (modal,) = sandbox.slack.modals("chi")
        await sandbox.slack.suggest("chi", "check", action_id="promotions:target", view_id=modal["id"])
        said = await there.submit("chi", {"target": "checkout/production", "build": "the newest"})
        assert "Name a build by its commit (a1b2c3d)" in said


async def test_the_lock_shortcut_asks_what_why_and_how_long(sandbox: Sandbox, sqlite_url: str, tmp_path: Path) -> None:
    """Everybody who waits reads why."""
    async with company(sandbox, sqlite_url, tmp_path, catalogue=QUICK) as there:
        await sandbox.slack.shortcut("chi", "lock")
        await there.at_rest()
        (modal,) = sandbox.slack.modals("chi")
        await sandbox.slack.suggest("chi", "every", action_id="locks:scope", view_id=modal["id"])
        await there.submit("chi", {"scope": "everything", "reason": "the data centre is on fire", "length": "for 1h"})
        assert "🔒 *everything*" in await there.ship("eve", "locks")
        await there.merge("ana", RETRY)
        assert there.shows("everything is locked by Chi: the data centre is on fire")


async def test_promote_by_word_takes_a_build_and_an_environment_or_says_what_is_wrong(
    sandbox: Sandbox, sqlite_url: str, tmp_path: Path
) -> None:
    """Each refusal says what was expected."""
    async with company(sandbox, sqlite_url, tmp_path, catalogue=QUICK) as there:
        assert "There is nothing to promote" in await there.ship("ben", "promote checkout")
        sha = await there.merge("ana", RETRY)
        assert "is on its way already" in await there.ship("ben", f"promote checkout {sha[:7]} to production")
        assert "Include newer on the card takes it aboard" in await there.ship(
            "ben", f"promote checkout {'f' * 40} to production"
        )
        assert "checkout is promoted to production" in await there.ship("ben", "promote checkout to moon")
        assert "I know no service “chekcout”" in await there.ship("ben", "promote chekcout")
        assert "I cannot place “quickly”" in await there.ship("ben", "promote checkout quickly")
        await there.press("dee", APPROVE)
        assert "runs" in await there.ship("ben", f"promote checkout {sha[:7]} to production")
