"""Locks that nobody forgets: what they hold, who hears of them, how they end: in sentences."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.sandbox.server import Sandbox
from tests.acceptance import watching
from tests.acceptance.promoting import company, policy

pytestmark = pytest.mark.both_engines

RETRY = "Retry payments on a gateway time-out"
TAX = "Round the tax per line"
APPROVE = "promotions:approve"

LOCKS_ALONE = policy(gates="[lock]")
"""Nothing but a lock holds it: whatever is merged ships."""


@pytest.mark.parametrize(
    "scope", ["checkout", "checkout/production", "service:checkout", "team:payments", "production", "everything"]
)
async def test_a_lock_holds_what_its_scope_covers(
    sandbox: Sandbox, sqlite_url: str, tmp_path: Path, scope: str
) -> None:
    """A service, one environment of it, a team, an environment of every service, everything."""
    async with company(sandbox, sqlite_url, tmp_path, catalogue=LOCKS_ALONE) as there:
        assert "Locked " in await there.ship("dee", f"lock {scope} the database moves")
        sha = await there.merge("ana", RETRY)
        assert sha not in there.production()
        assert there.shows("⛔ ", "is locked by Dee: the database moves", "is held back:")
        assert not there.shows("Ships by itself at"), "when it runs out, a person must say Go"
        assert "Unlocked" in await there.ship("dee", f"unlock {scope}")
        assert there.production()[-1] == sha, "a person who unlocks has said Go"


async def test_a_lock_without_a_scope_or_a_reason_is_refused(sandbox: Sandbox, sqlite_url: str, tmp_path: Path) -> None:
    """With what was expected; a window asks for both where nothing was typed."""
    async with company(sandbox, sqlite_url, tmp_path, catalogue=LOCKS_ALONE) as there:
        assert "Say why: a lock needs a reason" in await there.ship("dee", "lock checkout")
        said = await there.ship("dee", "lock rollback in progress")
        assert "I know nothing called “rollback”" in said
        assert "a service (checkout)" in said
        assert "did you mean" in (await there.ship("dee", "lock chekcout the database moves")).lower()
        await there.ship("dee", "lock")
        (modal,) = sandbox.slack.modals("dee")
        offered = await sandbox.slack.suggest("dee", "check", action_id="locks:scope", view_id=modal["id"])
        assert {"service:checkout", "checkout/production"} <= set(offered.values)
        said = await there.submit("dee", {"scope": "service:checkout", "reason": "the database moves"})
        assert "Locked checkout until" in said
        assert len(there.locks()) == 1


async def test_a_lock_ends_after_four_hours_its_owner_is_asked_and_production_waits_for_go(
    sandbox: Sandbox, database_url: str, tmp_path: Path
) -> None:
    """Nothing ships because a timer ran out at 07:00."""
    async with company(sandbox, database_url, tmp_path, catalogue=LOCKS_ALONE) as there:
        assert "Locked checkout until 15:0" in await there.ship("ana", "lock checkout the database moves")
        sha = await there.merge("ben", TAX)
        await there.turn(hours=3, minutes=46)
        asked = there.heard_by("ana")
        assert "Your lock on *checkout* runs out" in asked
        assert "After that nothing ships there until a person says Go" in asked
        await there.turn(minutes=20)
        assert "nothing ships there until a person says Go" in there.standing_in()
        assert sha not in there.production()
        assert there.shows(
            "waits for somebody's Go", "the lock on checkout ran out: production waits for somebody's Go"
        )
        assert not there.shows("by itself"), "a person says Go"
        assert "locks:go" in there.buttons()
        card = there.locks()[-1]
        assert "1 change by 1 person waits for the Go" in there.says(card)
        assert "Say Go on the card of what waits: checkout → production" in there.says(card)
        assert "locks:go" not in there.buttons(card)
        assert "Go for checkout" in await there.press("chi", "locks:go")
        assert there.production()[-1] == sha


async def test_extend_holds_it_longer_and_two_clicks_extend_once(
    sandbox: Sandbox, sqlite_url: str, tmp_path: Path
) -> None:
    """From the message in which its owner is asked; the second click is told that it holds so long already."""
    async with company(sandbox, sqlite_url, tmp_path, catalogue=LOCKS_ALONE) as there:
        await there.ship("ana", "lock checkout for 2h the database moves")
        sha = await there.merge("ben", TAX)
        await there.turn(hours=1, minutes=46)
        asked = next(one for one in sandbox.slack.direct_messages("ana") if "runs out" in watching.words_of(one))
        assert "holds until 17:0" in await there.press("ana", "locks:extend", asked)
        assert "holds until 17:0" in await there.press("ana", "locks:extend", asked)
        await there.turn(hours=3)
        assert sha not in there.production()
        assert "until" in there.says(there.locks()[-1])
        assert "runs out" not in there.says(there.locks()[-1])


async def test_locks_stack_and_each_lifts_its_own(sandbox: Sandbox, database_url: str, tmp_path: Path) -> None:
    """Two reasons, two people: it ships when both have let go; whoever lifts one is told of the other."""
    async with company(sandbox, database_url, tmp_path, catalogue=LOCKS_ALONE) as there:
        await there.ship("dee", "lock checkout the database moves")
        said = await there.ship("ben", "lock checkout we count the stock")
        assert "Besides: lock 1 on checkout (Dee: the database moves)" in said
        sha = await there.merge("ana", RETRY)
        assert there.shows(
            "is held back: 2 locks", "locked by Dee: the database moves ·", "locked by Ben: we count the stock ·"
        )
        said = await there.ship("chi", "unlock checkout")
        assert "2 locks, none of them yours" in said
        said = await there.ship("dee", "unlock checkout")
        assert "It stays closed by: lock 2 on checkout (Ben: we count the stock)" in said
        assert sha not in there.production()
        assert "go on" not in there.heard_by("ana"), "another lock holds it yet"
        assert "Unlocked checkout. Ben is told." in await there.ship("dee", "unlock 2")
        assert "<@U0DEE> lifted your lock on *checkout*" in there.heard_by("ben")
        assert there.production()[-1] == sha


async def test_a_lock_says_what_is_on_its_way_already(sandbox: Sandbox, sqlite_url: str, tmp_path: Path) -> None:
    """Its pipeline was called: no lock stops that any more, and whoever locks is told."""
    catalogue = policy(gates="[lock]", through="webhook")
    catalogue = catalogue.replace("undo: 0s", f"undo: 0s\n    promote_webhook: {sandbox.url}/api/api.test")
    async with company(
        sandbox, sqlite_url, tmp_path, catalogue=catalogue, SHIPMATE_WEBHOOK_SECRET="a long random text of ours"
    ) as there:
        sha = await there.merge("ana", RETRY)
        said = await there.ship("dee", "lock checkout the database moves")
        assert f"Already on its way, and not stopped by this: checkout → production ({sha[:7]}" in said


async def test_a_failed_production_deploy_locks_by_itself_until_somebody_says_go(
    sandbox: Sandbox, database_url: str, tmp_path: Path
) -> None:
    """Without an end, and bound to its cause: a later success lifts it, and a person says Go."""
    async with company(sandbox, database_url, tmp_path, catalogue=LOCKS_ALONE) as there:
        there.pipeline.break_next("production")
        broken = await there.merge("ana", RETRY)
        assert there.shows("🔴 *checkout* failed in *production*")
        card = there.locks()[-1]
        assert f"the rollout of {broken[:7]} failed" in there.says(card)
        assert "locked by itself" in there.says(card)
        assert "holds until somebody lifts it" in there.says(card)
        fix = await there.merge("ana", "Mend the retry")
        assert there.shows("⛔ checkout → production is locked by Shipmate")
        assert fix not in there.production()
        await there.turn(hours=3, minutes=1)
        assert "is still locked" in there.standing_in(), "what has no end is brought to mind"
        said = await there.ship("ben", "unlock checkout/production")
        assert "It set itself, so nothing ships there until somebody says Go" in said
        assert fix not in there.production()
        assert "Go for checkout → production" in await there.press("ben", "locks:go")
        assert there.production()[-1] == fix


async def test_a_locks_card_counts_changes_and_people(sandbox: Sandbox, sqlite_url: str, tmp_path: Path) -> None:
    """Whoever holds everybody up can see how many that are."""
    async with company(sandbox, sqlite_url, tmp_path, catalogue=LOCKS_ALONE) as there:
        await there.ship("dee", "lock checkout the database moves")
        assert "Nothing waits because of it" in there.says(there.locks()[-1])
        await there.merge("ana", RETRY)
        assert "1 change by 1 person waits because of it" in there.says(there.locks()[-1])
        await there.merge("ben", TAX)
        await there.press("chi", "promotions:include")
        assert "2 changes by 2 people wait because of it" in there.says(there.locks()[-1])


async def test_only_the_team_locks_what_is_the_teams(sandbox: Sandbox, sqlite_url: str, tmp_path: Path) -> None:
    """Where the configuration names who that is; anybody else reads who can."""
    catalogue = LOCKS_ALONE.replace(
        'approvers: "@payments-leads"', 'approvers: "@payments-leads", members: "@payments-leads"'
    )
    async with company(sandbox, sqlite_url, tmp_path, catalogue=catalogue) as there:
        await there.merge("dee", RETRY)
        said = await there.ship("ben", "lock checkout I do not like it")
        assert "payments" in said
        assert "✋" in said
        assert "Locked checkout" in await there.ship("dee", "lock checkout the database moves")
        assert "✋" in await there.press("ben", "locks:lift", there.locks()[-1])
        assert "lifted" not in there.heard_by("dee")
