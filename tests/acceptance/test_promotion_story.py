"""The way to production, in sentences: what people see, press and hear."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.sandbox.server import Sandbox
from tests.acceptance import watching
from tests.acceptance.promoting import company, policy

pytestmark = pytest.mark.both_engines

RETRY = "Retry payments on a gateway time-out"
TAX = "Round the tax per line"
STRIPE = "Bump stripe to 9.4.1"
DECLINED = "Say which card was declined"

DASHBOARD = 'compare_url: "https://grafana.example.com/d/canary?var-old={{ previous.sha }}&var-new={{ deploy.sha }}"'
GATES = "[lock, freeze, order, {soak: 30m}, {smoke: [e2e]}, {approval: {count: 1, expires: 4h}}, health]"


async def test_ana_merges_dee_approves_the_soak_ends_and_the_same_card_says_live(
    sandbox: Sandbox, database_url: str, tmp_path: Path
) -> None:
    """One card from staging to live; nobody presses anything when the last gate opens."""
    async with company(sandbox, database_url, tmp_path) as there:
        sha = await there.merge("ana", RETRY)
        card = there.card()
        assert there.shows("*checkout* → *production* needs 1 yes", "#801", "· Ana", "⏳ soaks in staging")
        assert "You can't: you wrote #801. Can: Dee (online), Eve (online" in await there.press(
            "ana", "promotions:approve"
        )
        assert "Approved" in await there.press("dee", "promotions:approve")
        assert there.shows("Ships by itself at", "✓ approved by Dee")
        assert sha not in there.production()
        await there.turn(minutes=31)
        assert there.card().ts == card.ts
        assert there.shows("✅ *checkout* live in *production*", "👍 Dee approved", "· no alert")
        assert "Your change *#801* is live in *production*" in there.heard_by("ana")
        assert there.production().count(sha) == 1
        assert not watching.said_twice(sandbox)


async def test_a_card_says_all_that_somebody_needs_who_must_say_yes(
    sandbox: Sandbox, sqlite_url: str, tmp_path: Path
) -> None:
    """What ships and whose it is, each gate with who or what opens it and when, the diff and the dashboard."""
    async with company(sandbox, sqlite_url, tmp_path, catalogue=policy(gates=GATES, more=DASHBOARD)) as there:
        await there.merge("ana", RETRY)
        await there.merge("ben", TAX)
        sha = await there.merge("dependabot[bot]", STRIPE, merged_by="chi")
        await there.press("ben", "promotions:include")
        assert there.shows("smoke: e2e has not reported")
        await there.tell("/api/v1/checks", {"service": "checkout", "sha": sha, "name": "e2e", "status": "passed"})
        card = there.says()
        for words in (
            "🟡 *checkout* → *production* needs 1 yes (@payments-leads)",
            "Approved, it ships by itself at",
            f"{RETRY} · Ana",
            f"{TAX} · Ben",
            f"{STRIPE} · dependabot, merged by Chi",
            "3 changes, +9 −3",
            "✓ no lock · ✓ no freeze · ✓ newer than what is live in production · ✓ e2e passed · ✓ no alert fires",
            "⏳ soaks in staging for 30 min · until",
            "⏳ approval: needs 1 yes (@payments-leads)",
            "Can approve: Dee (online), Eve (online",
            "|Diff>",
            "|Old vs new>",
            "Ship checkout in production?",
            "#801 Ana, #802 Ben, #803 Chi. It ships at",
            "Approve 3 changes…",
        ):
            assert words in card, words
        assert there.card().text.startswith("🟡 checkout → production needs 1 yes"), "the phone's notification"


async def test_who_wants_a_newer_change_aboard_clicks_include_newer_and_the_yes_is_void(
    sandbox: Sandbox, database_url: str, tmp_path: Path
) -> None:
    """It waits as next until somebody wants it; then the card says what was added since whose yes, and Dee hears it."""
    async with company(sandbox, database_url, tmp_path) as there:
        await there.merge("ana", RETRY)
        card = there.card()
        await there.press("dee", "promotions:approve")
        newer = await there.merge("ana", DECLINED)
        assert there.card().ts == card.ts
        assert there.shows("Next: ", "#802", f"(`{newer[:7]}`) waits behind this", "Include newer…")
        assert "Approvals given so far become void" in there.says(), "said before it is pressed"
        assert "The approval by Dee is void" in await there.press("chi", "promotions:include")
        assert f"Chi had `{newer[:7]}` take the place of the build that waited here" in there.said_in_thread()[0]
        assert there.card().ts == card.ts, "it takes over the card"
        assert there.shows("void: 1 change added since Dee approved", "needs 1 yes", f"`{newer[:7]}`", DECLINED)
        (void,) = [said for said in there.said_in_thread() if "<@U0DEE>" in said]
        assert "is void: *#802* was added since" in void
        await there.turn(minutes=40)
        assert newer not in there.production(), "nobody has said yes to this one"
        assert "Approved" in await there.press("dee", "promotions:approve")
        assert there.production()[-1] == newer


async def test_what_waits_as_next_is_raised_when_its_turn_comes(
    sandbox: Sandbox, sqlite_url: str, tmp_path: Path
) -> None:
    """A busy staging still ships: the open promotion keeps its build, and the newest follows it."""
    async with company(sandbox, sqlite_url, tmp_path) as there:
        first = await there.merge("ana", RETRY)
        await there.merge("ben", TAX)
        newest = await there.merge("ana", DECLINED)
        await there.press("dee", "promotions:approve")
        await there.turn(minutes=40)
        assert there.production()[-1] == first
        assert there.shows("needs 1 yes", "#802", "#803", f"`{newest[:7]}`")
        await there.press("dee", "promotions:approve")
        assert there.production()[-1] == newest


async def test_every_author_hears_of_a_lock_and_of_the_unlock(
    sandbox: Sandbox, database_url: str, tmp_path: Path
) -> None:
    """``/ship lock checkout rollback in progress``: nobody wonders why their change does not go on."""
    async with company(sandbox, database_url, tmp_path) as there:
        await there.merge("ana", RETRY)
        await there.merge("dependabot[bot]", STRIPE, merged_by="chi")
        await there.press("dee", "promotions:include")
        said = await there.ship("dee", "lock checkout rollback in progress")
        assert "Locked checkout until" in said
        assert "rollback in progress. Declared rollbacks still pass. Nothing was on its way there." in said
        assert there.shows("⛔ checkout is locked by Dee: rollback in progress · until")
        assert there.shows("can: anybody here but guests"), "its team names no members"
        for author in ("ana", "chi"):
            heard = there.heard_by(author)
            assert "*production* waits: checkout is locked by Dee until" in heard, author
            assert "rollback in progress" in heard
        assert "waits" not in there.heard_by("ben"), "nothing of his is aboard"
        assert "2 changes by 2 people wait" in there.says(there.locks()[-1])
        assert "Unlocked checkout. Dee is told." in await there.ship("ben", "unlock checkout")
        for author in ("ana", "chi"):
            assert there.heard_by(author).count("🔓 Your change") == 2, "once, in its blocks and for the phone"
        assert "<@U0BEN> lifted your lock on *checkout*" in there.heard_by("dee")
        assert there.shows("✓ no lock")


async def test_where_tells_the_whole_way_with_an_eta(sandbox: Sandbox, sqlite_url: str, tmp_path: Path) -> None:
    """What it waits for while somebody must act; an instant once only time is missing; then that it is there."""
    async with company(sandbox, sqlite_url, tmp_path) as there:
        for author, title in (("ana", TAX), ("ben", STRIPE), ("ana", DECLINED)):  # how long does it usually take?
            await there.merge(author, title)
            await there.press("dee", "promotions:approve")
            await there.turn(minutes=31)
        await there.merge("ana", RETRY)
        asked = await there.ship("ben", "where 804")
        for words in (
            "*#804* is live in *staging*",
            "⏳ *production* waits",
            "needs 1 yes",
            "Can approve: Dee (online)",
        ):
            assert words in asked
        await there.press("dee", "promotions:approve")
        assert "⏳ *production* about" in await there.ship("ben", "where 804")
        await there.turn(minutes=31)
        assert "*#804* is live in *staging* and *production*" in await there.ship("ben", "where 804")
