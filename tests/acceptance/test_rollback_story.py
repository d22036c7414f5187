"""When production breaks: going back, telling everybody the truth about it, and coming in again: in sentences."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.sandbox.server import Sandbox
from tests.acceptance import watching
from tests.acceptance.promoting import Company, company, policy

pytestmark = pytest.mark.both_engines

RETRY = "Retry payments on a gateway time-out"
TAX = "Round the tax per line"
APPROVE = "promotions:approve"
QUICK = policy(gates="[lock, order, approval]")


async def shipped(there: Company, author: str, title: str) -> str:
    """Somebody's change is merged, approved by Dee and live in production; its commit."""
    sha = await there.merge(author, title)
    await there.press("dee", APPROVE)
    assert there.production()[-1] == sha
    return sha


async def test_the_button_lists_what_leaves_and_goes_back_to_the_last_good_build(
    sandbox: Sandbox, database_url: str, tmp_path: Path
) -> None:
    """One window, one reason; no gate but a lock that says so stops it; everybody whose change left hears it."""
    async with company(sandbox, database_url, tmp_path, catalogue=QUICK) as there:
        good = await shipped(there, "ana", RETRY)
        bad = await shipped(there, "ben", TAX)
        shown = there.card()
        await there.press("dee", "promotions:roll_back")
        modal = there.modal("dee")
        for words in ("Take out 1 change", "*1 change leaves production*", TAX, f"`{bad[:7]}` back to `{good[:7]}`"):
            assert words in modal, words
        assert RETRY not in modal, "it was live before"
        said = await there.submit("dee", {"reason": "every third payment fails"})
        assert "Rolling back: checkout → production" in said
        assert there.production()[-1] == good
        assert there.shows("⏪ *checkout* rolled back in *production*", "every third payment fails", TAX)
        assert "No longer live: *#802*" in there.said_in_thread()[-1]
        heard = there.heard_by("ben")
        assert "#802* was taken out of *production* by a rollback" in heard
        assert "was taken out" not in there.heard_by("ana")
        assert "was live in *production* and was rolled back" in there.says(shown)
        assert "promotions:roll_back" not in there.buttons(shown)


async def test_where_status_and_cards_say_that_production_is_not_running_it(
    sandbox: Sandbox, database_url: str, tmp_path: Path
) -> None:
    """Until something newer is live there: nobody takes for shipped what was taken out."""
    async with company(sandbox, database_url, tmp_path, catalogue=QUICK) as there:
        await shipped(there, "ana", RETRY)
        bad = await shipped(there, "ben", TAX)
        await there.ship("dee", "rollback checkout")
        assert "*1 change leaves production*" in there.modal("dee")
        await there.submit("dee", {"reason": "every third payment fails"})
        assert f"production is NOT running `{bad[:7]}`" in await there.ship("ana", "status checkout")
        where = await there.ship("ana", "where 802")
        assert "*#802* was taken out of *production*" in where
        for card in watching.cards(sandbox.slack.messages("#payments-deploys"), "promotion"):
            if f"`{bad[:7]}`" in there.says(card):
                assert "✅" not in there.says(card).splitlines()[0]
        await there.ship("chi", "unlock checkout/production")
        await there.press("chi", "locks:go", there.locks()[-1])
        fix = await there.merge("ben", f"Mend the tax {bad[:7]}")
        await there.press("dee", "promotions:acknowledge")
        await there.submit("dee", {"reason": "the fix is aboard"})
        await there.press("dee", APPROVE)
        assert there.production()[-1] == fix
        assert "NOT running" not in await there.ship("ana", "status checkout")
        assert "*#802* is live in" in await there.ship("ana", "where 802")


async def test_a_rollback_locks_and_what_comes_after_waits_for_a_persons_go(
    sandbox: Sandbox, sqlite_url: str, tmp_path: Path
) -> None:
    """The lock set itself: lifting it is one thing, and Go another."""
    async with company(sandbox, sqlite_url, tmp_path, catalogue=QUICK) as there:
        await shipped(there, "ana", RETRY)
        await shipped(there, "ben", TAX)
        await there.ship("dee", "rollback checkout")
        await there.submit("dee", {"reason": "every third payment fails"})
        lock = there.locks()[-1]
        assert "rolled back: every third payment fails" in there.says(lock)
        assert "holds until somebody lifts it" in there.says(lock)
        await there.merge("chi", "Say which card was declined")
        assert there.shows("⛔ checkout → production is locked by Shipmate")


async def test_what_was_taken_out_comes_in_again_with_a_fix_or_an_acknowledgement(
    sandbox: Sandbox, database_url: str, tmp_path: Path
) -> None:
    """The gate order names what was rolled back, and the card asks why it may go in again."""
    async with company(sandbox, database_url, tmp_path, catalogue=policy(gates="[order, approval]")) as there:
        await shipped(there, "ana", RETRY)
        await shipped(there, "ben", TAX)
        await there.ship("dee", "rollback checkout")
        await there.submit("dee", {"reason": "every third payment fails"})
        newer = await there.merge("chi", "Say which card was declined")
        assert there.shows("#802 was rolled back from production: bring a fix, or say why it may go in again")
        assert "↩️" not in there.says(), "its gate says it, and a phone shows it once"
        await there.press("dee", APPROVE)
        assert newer not in there.production()
        await there.press("eve", "promotions:acknowledge")
        assert TAX in there.modal("eve")
        assert "may go in again" in await there.submit("eve", {"reason": "it was the gateway, not the tax"})
        assert there.production()[-1] == newer


async def test_a_revert_aboard_is_a_fix(sandbox: Sandbox, sqlite_url: str, tmp_path: Path) -> None:
    """Nobody need acknowledge what is taken back in the same breath."""
    async with company(sandbox, sqlite_url, tmp_path, catalogue=policy(gates="[order, approval]")) as there:
        await shipped(there, "ana", RETRY)
        await shipped(there, "ben", TAX)
        await there.ship("dee", "rollback checkout")
        await there.submit("dee", {"reason": "every third payment fails"})
        newer = await there.merge("chi", f'Revert "{TAX}"', body="Reverts acme/checkout#802")
        assert there.shows("✓ newer than what is live in production", "(reverts #802)")
        await there.press("dee", APPROVE)
        assert there.production()[-1] == newer


async def test_a_rollback_aborts_what_waits_and_needs_nobodys_yes(
    sandbox: Sandbox, sqlite_url: str, tmp_path: Path
) -> None:
    """What was open is cancelled and says so; a lock passes a declared rollback, unless it says that none passes."""
    async with company(sandbox, sqlite_url, tmp_path, catalogue=QUICK) as there:
        good = await shipped(there, "ana", RETRY)
        await shipped(there, "ben", TAX)
        await there.merge("chi", "Say which card was declined")
        waiting = there.card()
        await there.ship("ana", "lock checkout no-rollbacks the database moves")
        await there.ship("ben", "rollback checkout")
        said = await there.submit("ben", {"reason": "every third payment fails"})
        assert "checkout is locked by Ana" in said
        assert "was cancelled by Ben" in there.says(waiting)
        assert "a rollback was declared" in there.says(waiting)
        assert there.production()[-1] != good
        await there.ship("ana", "unlock checkout")
        assert there.production()[-1] == good, "one's own change may be taken out without anybody's yes"


async def test_a_rollback_passes_an_ordinary_lock(sandbox: Sandbox, sqlite_url: str, tmp_path: Path) -> None:
    """Dee locks because production breaks, and Eve goes back."""
    async with company(sandbox, sqlite_url, tmp_path, catalogue=QUICK) as there:
        good = await shipped(there, "ana", RETRY)
        await shipped(there, "ben", TAX)
        await there.ship("dee", "lock checkout rollback in progress")
        await there.ship("eve", "rollback checkout")
        await there.submit("eve", {"reason": "every third payment fails"})
        assert there.production()[-1] == good


async def test_a_rollback_aborts_a_rolling_promotion(sandbox: Sandbox, sqlite_url: str, tmp_path: Path) -> None:
    """It is on its way and wrong: it is not waited for, and what it brought leaves."""
    catalogue = policy(gates="[lock, approval]", through="webhook")
    catalogue = catalogue.replace("undo: 0s", f"undo: 0s\n    promote_webhook: {sandbox.url}/api/api.test")
    async with company(
        sandbox, sqlite_url, tmp_path, catalogue=catalogue, SHIPMATE_WEBHOOK_SECRET="a long random text of ours"
    ) as there:
        bad = await there.merge("ben", TAX)
        await there.press("dee", APPROVE)
        await there.tell(
            "/api/v1/deploys",
            {"service": "checkout", "environment": "production", "sha": bad, "status": "in_progress", "run": "7"},
        )
        assert there.shows("🔄 *checkout* is rolling out to *production*")
        rolling = there.card()
        await there.ship("dee", "rollback checkout")
        assert TAX in there.modal("dee")
        await there.submit("dee", {"reason": "every third payment fails"})
        assert "was cancelled by Dee" in there.says(rolling)
        assert there.card().ts != rolling.ts
        assert there.shows("⏪", "every third payment fails")


async def test_there_is_nothing_to_go_back_to(sandbox: Sandbox, sqlite_url: str, tmp_path: Path) -> None:
    """Said at once, and no window is opened; nor for a service that nobody knows."""
    async with company(sandbox, sqlite_url, tmp_path, catalogue=QUICK) as there:
        assert "there is nothing to go back to" in await there.ship("dee", "rollback checkout")
        assert "I know no service" in await there.ship("dee", "rollback chekcout")
        assert not sandbox.slack.modals("dee")


async def test_what_leaves_has_changed_since_somebody_looked(sandbox: Sandbox, sqlite_url: str, tmp_path: Path) -> None:
    """Nothing leaves that the window did not list."""
    async with company(sandbox, sqlite_url, tmp_path, catalogue=QUICK) as there:
        await shipped(there, "ana", RETRY)
        await shipped(there, "ben", TAX)
        await there.ship("eve", "rollback checkout")
        newest = await shipped(there, "chi", "Say which card was declined")
        said = await there.submit("eve", {"reason": "every third payment fails"})
        assert "has changed since you looked" in said
        assert there.production()[-1] == newest
