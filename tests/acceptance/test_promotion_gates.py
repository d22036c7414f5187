"""What holds production back, gate by gate: who or what opens it, and that it opens: in sentences."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from bot.sandbox.server import Sandbox
from tests.acceptance.promoting import Company, company, next_wednesday, policy
from tests.acceptance.stories import REPO

RETRY = "Retry payments on a gateway time-out"
TAX = "Round the tax per line"
APPROVE = "promotions:approve"


def held_by(*gates: str, more: str = "") -> str:
    """The catalogue of checkout, held by these gates alone."""
    return policy(gates=f"[{', '.join(gates)}]", more=more)


async def alert(there: Company, state: str, **more: str) -> None:
    """A monitor reports the one alert of these tests."""
    began = there.clock().replace(minute=0, second=0, microsecond=0).isoformat()
    body = {"service": "checkout", "name": "checkout 5xx", "key": "5xx", "state": state, "started_at": began, **more}
    status, told = await there.tell("/api/v1/alerts", body)
    assert status == 202, told


async def test_soak_counts_from_the_builds_own_success_and_then_ships(
    sandbox: Sandbox, database_url: str, tmp_path: Path
) -> None:
    """The card says from when; nobody presses anything; a newer build in staging does not set it back."""
    async with company(sandbox, database_url, tmp_path, catalogue=held_by("{soak: 30m}")) as there:
        sha = await there.merge("ana", RETRY)
        assert there.shows("Ships by itself at", "⏳ soaks in staging for 30 min · until")
        await there.turn(minutes=20)
        await there.merge("ben", TAX)
        assert sha not in there.production()
        await there.turn(minutes=10)
        assert there.production()[-1] == sha


@pytest.mark.parametrize("way", ["check run", "report"])
async def test_smoke_waits_for_its_checks_by_name(sandbox: Sandbox, sqlite_url: str, tmp_path: Path, way: str) -> None:
    """Reported by GitHub or by a program; a failure blocks and is named, a later pass opens."""
    async with company(sandbox, sqlite_url, tmp_path, catalogue=held_by("{smoke: [e2e]}")) as there:
        sha = await there.merge("ana", RETRY)

        async def says(passed: bool) -> None:
            there.let_pass(minutes=1)
            if way == "check run":
                await sandbox.github.check_run(REPO, sha, "e2e", "success" if passed else "failure")
                await there.at_rest()
                return
            status = "passed" if passed else "failed"
            await there.tell("/api/v1/checks", {"service": "checkout", "sha": sha, "name": "e2e", "status": status})

        assert there.shows("⏳ smoke: e2e has not reported")
        await says(False)
        assert there.shows("⛔", "smoke", "e2e failed")
        assert sha not in there.production()
        await says(True)
        assert there.production()[-1] == sha


async def test_a_batch_that_is_too_big_asks_for_one_more_approval(
    sandbox: Sandbox, sqlite_url: str, tmp_path: Path
) -> None:
    """The card says why two are needed; one is not enough."""
    async with company(sandbox, sqlite_url, tmp_path, catalogue=held_by("{batch: {changes: 1}}", "approval")) as there:
        await there.merge("ana", RETRY)
        assert there.shows("needs 1 yes")
        sha = await there.merge("ben", TAX)
        await there.press("chi", "promotions:include")
        assert there.shows("✓ 2 changes, more than 1: one more approval", "needs 2 yeses")
        await there.press("dee", APPROVE)
        assert sha not in there.production()
        await there.press("eve", APPROVE)
        assert there.production()[-1] == sha


async def test_a_freeze_of_the_file_says_why_and_until_when_and_ends_by_itself(
    sandbox: Sandbox, sqlite_url: str, tmp_path: Path
) -> None:
    """Nobody lifts what the calendar says; it ships when the window ends."""
    begins = next_wednesday(sandbox.clock.now()) - timedelta(hours=1)
    window = f"""
freezes:
  - {{from: {begins.isoformat()}, until: {(begins + timedelta(hours=4)).isoformat()}, reason: Stocktaking}}
"""
    async with company(sandbox, sqlite_url, tmp_path, catalogue=held_by("freeze") + window) as there:
        sha = await there.merge("ana", RETRY)
        assert there.shows("⏳ frozen: Stocktaking · until", "Ships by itself at")
        assert "Stocktaking" in await there.ship("ben", "locks")
        assert sha not in there.production()
        await there.turn(hours=3, minutes=1)
        assert there.production()[-1] == sha


async def test_a_declared_freeze_holds_until_its_end_or_until_it_is_lifted(
    sandbox: Sandbox, database_url: str, tmp_path: Path
) -> None:
    """``/ship freeze until … reason``; without an end, or a reason, it is refused with what was expected."""
    async with company(sandbox, database_url, tmp_path, catalogue=held_by("freeze")) as there:
        assert "Say until when, and why" in await there.ship("ana", "freeze checkout")
        assert "needs a reason" in await there.ship("ana", "freeze checkout until 23:30")
        said = await there.ship("ana", "freeze checkout until 23:30 moving the database")
        assert "Frozen: checkout from now until 23:30 (Europe/Paris): moving the database" in said
        sha = await there.merge("ana", RETRY)
        assert there.shows("⏳ frozen: moving the database (by ")
        assert "*checkout* is frozen from" in there.standing_in()
        assert sha not in there.production()
        assert "Lifted the freeze of checkout" in await there.ship("chi", "freeze lift checkout")
        assert "*checkout* is frozen from" not in there.standing_in()
        assert "The freeze of *checkout* was lifted" in there.standing_in()
        assert there.production()[-1] == sha


async def test_no_alert_may_fire_on_the_service(sandbox: Sandbox, database_url: str, tmp_path: Path) -> None:
    """What fires is named on the card; when it is resolved, it ships."""
    async with company(sandbox, database_url, tmp_path, catalogue=held_by("{soak: 10m}", "health")) as there:
        sha = await there.merge("ana", RETRY)
        await alert(there, "firing")
        await there.turn(minutes=11)
        assert there.shows("⏳ health: the alert checkout 5xx fires")
        assert sha not in there.production()
        await alert(there, "resolved")
        assert there.production()[-1] == sha


async def test_what_fires_while_it_is_watched_stands_on_its_card(
    sandbox: Sandbox, sqlite_url: str, tmp_path: Path
) -> None:
    """Until nobody watches any more: then the card offers no rollback either."""
    async with company(sandbox, sqlite_url, tmp_path, catalogue=held_by("health")) as there:
        await there.merge("ana", RETRY)
        assert there.shows("live in *production*", "Watching until", "· no alert")
        await alert(there, "firing")
        assert there.shows("Watching until", "🔔 checkout 5xx", "firing")
        assert "promotions:roll_back" in there.buttons()
        await alert(there, "resolved")
        assert there.shows("Watching until", "· no alert")
        await there.turn(hours=1, minutes=1)
        assert there.shows("live in *production*")
        assert not there.shows("Watching until")
        assert "promotions:roll_back" not in there.buttons()


async def test_an_alert_elsewhere_holds_nothing(sandbox: Sandbox, sqlite_url: str, tmp_path: Path) -> None:
    """Another service's alert is not this one's."""
    async with company(sandbox, sqlite_url, tmp_path, catalogue=held_by("{soak: 10m}", "health")) as there:
        sha = await there.merge("ana", RETRY)
        await alert(there, "firing", service="cart")
        await there.turn(minutes=11)
        assert there.production()[-1] == sha


async def test_no_older_build_goes_over_a_newer_one(sandbox: Sandbox, sqlite_url: str, tmp_path: Path) -> None:
    """Asked for by name, it is refused by the gate, which says what goes back instead."""
    async with company(sandbox, sqlite_url, tmp_path, catalogue=held_by("order")) as there:
        old = await there.merge("ana", RETRY)
        new = await there.merge("ben", TAX)
        assert there.production()[-1] == new
        await there.ship("chi", f"promote checkout {old[:7]} to production")
        assert there.shows("⛔", "older than what is live in production: only a rollback goes back")
        await there.turn(hours=1)
        assert there.production()[-1] == new


async def test_a_train_gate_is_open_while_no_train_is_configured(
    sandbox: Sandbox, sqlite_url: str, tmp_path: Path
) -> None:
    """There is nothing to wait for yet, and the card says so."""
    async with company(sandbox, sqlite_url, tmp_path, catalogue=held_by("train", "approval")) as there:
        sha = await there.merge("ana", RETRY)
        assert there.shows("✓ no train goes there")
        await there.press("dee", APPROVE)
        assert there.production()[-1] == sha


@pytest.mark.parametrize("gate", ["risk", "hours", "ready"])
async def test_a_gate_that_is_not_built_yet_is_closed(
    sandbox: Sandbox, sqlite_url: str, tmp_path: Path, gate: str
) -> None:
    """Whoever asked for it must not believe that it holds anything but everything."""
    async with company(sandbox, sqlite_url, tmp_path, catalogue=held_by(gate, "approval")) as there:
        sha = await there.merge("ana", RETRY)
        assert there.shows("⛔", f"{gate} is not built yet")
        await there.press("dee", APPROVE)
        await there.turn(hours=1)
        assert sha not in there.production()


async def test_who_belongs_to_a_group_is_not_known_so_nobody_can_say_yes(
    sandbox: Sandbox, sqlite_url: str, tmp_path: Path
) -> None:
    """Closed with the reason, and whoever clicks reads it; once Slack answers again, the next look opens it."""
    sandbox.slack.fault("internal_error", method="usergroups.list")
    sandbox.slack.fault("internal_error", method="usergroups.users.list")
    async with company(sandbox, sqlite_url, tmp_path, catalogue=held_by("approval")) as there:
        sha = await there.merge("ana", RETRY)
        assert there.shows("who belongs to @payments-leads is not known")
        assert "who belongs to @payments-leads is not known" in await there.press("dee", APPROVE)
        sandbox.slack.clear_faults()
        await there.turn(minutes=10)
        assert there.shows("needs 1 yes (@payments-leads)", "Can approve: Dee")
        await there.press("dee", APPROVE)
        assert there.production()[-1] == sha


async def test_what_github_cannot_tell_nobody_can_approve(sandbox: Sandbox, sqlite_url: str, tmp_path: Path) -> None:
    """While GitHub is down nobody knows whose change it is: closed, said on the card, and mended by itself."""
    async with company(sandbox, sqlite_url, tmp_path, catalogue=held_by("approval")) as there:
        sandbox.github.fault(down=True)
        there.let_pass(minutes=1)
        number = await sandbox.github.open_pull(REPO, author="ana", title=RETRY)
        sha = await sandbox.github.merge_pull(REPO, number, merged_by="ana")
        await sandbox.slack.until(lambda: "GitHub could not be asked what it carries" in there.standing_in())
        assert there.shows("reading what it carries", "so nothing ships yet")
        assert APPROVE not in there.buttons()
        sandbox.github.fault()
        await there.turn(minutes=2)
        assert there.shows("needs 1 yes", RETRY)
        await there.press("dee", APPROVE)
        assert there.production()[-1] == sha
