"""Whose yes counts, for what and for how long; saying no, waiting, taking back; and being asked: in sentences."""

from __future__ import annotations

from pathlib import Path

from bot.sandbox.server import Sandbox
from tests.acceptance import watching
from tests.acceptance.promoting import company, policy

RETRY = "Retry payments on a gateway time-out"
TAX = "Round the tax per line"
STRIPE = "Bump stripe to 9.4.1"

AT_ONCE = "[lock, freeze, order, approval, health]"
"""Gates that a yes alone opens."""

APPROVE = "promotions:approve"
DEE = "  - {slack: U0DEE, github: dee, email: dee@example.com, name: Dee}\n"
ANYBODY = "[U0ANA, U0BEN, U0CHI, U0DEE, U0EVE]"


def approving(options: str) -> str:
    """The catalogue whose approval gate has these options, beside locks alone."""
    return policy(gates=f"[lock, {{approval: {options}}}]")


# --- whose yes counts -----------------------------------------------------------------------------------------------


async def test_nobody_approves_what_they_had_a_hand_in(sandbox: Sandbox, sqlite_url: str, tmp_path: Path) -> None:
    """Author, co-author and whoever merged for a bot are told why not, and who can."""
    catalogue = approving(f"{{groups: [{{from: {ANYBODY}}}]}}")
    async with company(sandbox, sqlite_url, tmp_path, catalogue=catalogue) as there:
        await there.merge("ana", RETRY, coauthors=("ben",))
        sha = await there.merge("dependabot[bot]", STRIPE, merged_by="chi")
        await there.press("eve", "promotions:include")
        for person, why in (
            ("ana", "You can't: you wrote #801. Can: Dee (online), Eve (online"),
            ("ben", "You can't: you co-authored #801. Can: Dee (online), Eve (online"),
            ("chi", "You can't: you merged #802 for a bot. Can: Dee (online), Eve (online"),
        ):
            assert why in await there.press(person, APPROVE), person
        assert sha not in there.production()
        assert there.shows("⏳ approval: needs 1 yes")
        await there.press("dee", APPROVE)
        assert there.production()[-1] == sha


async def test_whoever_asked_for_it_does_not_approve_it(sandbox: Sandbox, sqlite_url: str, tmp_path: Path) -> None:
    """A wish is not a second pair of eyes; the card says whose wish it was."""
    async with company(sandbox, sqlite_url, tmp_path, catalogue=policy(gates=AT_ONCE)) as there:
        sha = await there.merge("ana", RETRY)
        await there.choose("dee", "Cancel")
        await there.submit("dee", {"reason": "not before lunch"})
        assert "Asked for: checkout → production" in await there.ship("dee", "promote checkout")
        assert there.shows("asked for by Dee", "Can approve: Eve (online")
        assert "You can't: you asked for it. Can: Eve (online" in await there.press("dee", APPROVE)
        assert "Approved" in await there.press("eve", APPROVE)
        assert there.production()[-1] == sha


async def test_only_whoever_is_asked_may_say_yes_and_guests_only_read(
    sandbox: Sandbox, sqlite_url: str, tmp_path: Path
) -> None:
    """Somebody outside the group, a guest, a person of another workspace: each a clear answer, and nothing done."""
    async with company(sandbox, sqlite_url, tmp_path, catalogue=policy(gates=AT_ONCE)) as there:
        await there.merge("ana", RETRY)
        said = await there.press("ben", APPROVE)
        assert "You can't: you do not belong to @payments-leads. Can: Dee (online), Eve (online" in said
        assert "nothing was changed" in await there.press("gus", APPROVE)
        assert "Guests, and people of other workspaces, only read here" in await there.press("fay", APPROVE)
        assert "only read here" in await there.press("fay", "promotions:reject"), "before she has typed why"
        await there.press("chi", "promotions:details")
        assert RETRY in there.modal("chi"), "whoever sees the card may ask what it carries"
        assert there.shows("needs 1 yes")


async def test_a_typed_login_never_approves(sandbox: Sandbox, sqlite_url: str, tmp_path: Path) -> None:
    """Anybody can type a name: who GitHub has not vouched for is told how to have that done."""
    catalogue = policy(gates=AT_ONCE).replace(DEE, "")
    async with company(sandbox, sqlite_url, tmp_path, catalogue=catalogue) as there:
        sha = await there.merge("ana", RETRY)
        await there.ship("dee", "me github dee")
        said = await there.press("dee", APPROVE)
        assert "You can't: GitHub has not said which account is yours" in said
        assert "put you into people in shipmate.yml" in said
        assert "Can: Eve (online" in said, "and not Dee, who just could not"
        assert sha not in there.production()


async def test_a_yes_of_each_group_is_needed_and_one_person_counts_once(
    sandbox: Sandbox, sqlite_url: str, tmp_path: Path
) -> None:
    """The card says how many are there and whose is missing, by name; a second click changes nothing."""
    catalogue = approving('{groups: [{from: "@payments-leads"}, {from: [U0CHI, U0DEE]}]}')
    async with company(sandbox, sqlite_url, tmp_path, catalogue=catalogue) as there:
        sha = await there.merge("ana", RETRY)
        assert there.shows("needs 1 yes of @payments-leads and 1 yes of Chi or Dee")
        said = await there.press("dee", APPROVE)
        assert "Approved" in said
        assert "1 of 2, needs 1 yes of @payments-leads, Chi or Dee" in said, "whichever group Dee then stands for"
        assert "You approved checkout → production" in await there.press("dee", APPROVE)
        assert sha not in there.production()
        assert "Approved" in await there.press("chi", APPROVE)
        assert there.production()[-1] == sha
        assert there.shows("👍 Dee approved", "👍 Chi approved")


async def test_two_of_one_group(sandbox: Sandbox, database_url: str, tmp_path: Path) -> None:
    """One yes of two is said to be one of two, and ships nothing."""
    async with company(sandbox, database_url, tmp_path, catalogue=approving("{count: 2}")) as there:
        sha = await there.merge("ana", RETRY)
        assert there.shows("*production* needs 2 yeses (@payments-leads)")
        await there.press("dee", APPROVE)
        assert there.shows("*production* needs 1 yes of @payments-leads", "1 of 2", "Can approve: Eve")
        assert sha not in there.production()
        await there.press("eve", APPROVE)
        assert there.production()[-1] == sha


# --- for what, and for how long -------------------------------------------------------------------------------------


async def test_a_yes_counts_for_four_hours(sandbox: Sandbox, sqlite_url: str, tmp_path: Path) -> None:
    """What nobody would say yes to again in the evening does not ship on the morning's yes."""
    async with company(sandbox, sqlite_url, tmp_path) as there:
        sha = await there.merge("ana", RETRY)
        await there.press("dee", APPROVE)
        await there.ship("ben", "lock checkout for 6h the database moves")
        await there.turn(hours=4)
        assert there.shows("the yes of Dee expired; needs 1 yes", "👎 Dee approved", "· counts no more")
        await there.ship("ben", "unlock checkout")
        assert sha not in there.production()
        assert "Approved" in await there.press("dee", APPROVE)
        assert there.production()[-1] == sha


async def test_what_nobody_opens_for_a_week_expires_and_can_be_asked_for_again(
    sandbox: Sandbox, sqlite_url: str, tmp_path: Path
) -> None:
    """Said aloud, with what to type; its buttons do nothing any more, and say so."""
    async with company(sandbox, sqlite_url, tmp_path) as there:
        await there.merge("ana", RETRY)
        open_card = there.card()
        blocks = [dict(block) for block in open_card.blocks]
        await there.turn(days=7, minutes=1)
        assert there.shows("⌛ *checkout* → *production* expired: its gates did not open in time")
        assert APPROVE not in there.buttons()
        (expired,) = there.said_in_thread()[-1:]
        assert "/ship promote checkout" in expired
        open_card.blocks = blocks  # as it stands on a phone that was asleep
        assert "Nothing was done" in await there.press("dee", APPROVE, open_card)
        assert "Asked for" in await there.ship("ben", "promote checkout")


async def test_undo_takes_a_yes_back_until_the_pipeline_is_called(
    sandbox: Sandbox, database_url: str, tmp_path: Path
) -> None:
    """Ten seconds in which nothing has happened yet; afterwards it is too late, and that is said."""
    async with company(sandbox, database_url, tmp_path, catalogue=policy(gates=AT_ONCE, undo="10s")) as there:
        sha = await there.merge("ana", RETRY)
        assert "Until then you can undo it" in await there.press("dee", APPROVE)
        assert there.shows("🚦 *checkout* → *production* starts at", "Until then it can be undone")
        assert "is withdrawn, and nothing starts" in await there.press("dee", "promotions:undo")
        await there.turn(seconds=30)
        assert sha not in there.production()
        assert there.shows("needs 1 yes")
        await there.press("dee", APPROVE)
        starting = there.card()
        blocks = [dict(block) for block in starting.blocks]
        await there.turn(seconds=11)
        assert there.production()[-1] == sha
        starting.blocks = blocks
        assert "Nothing was done" in await there.press("dee", "promotions:undo", starting)
        assert there.production().count(sha) == 1


async def test_what_was_seen_is_what_is_approved(sandbox: Sandbox, sqlite_url: str, tmp_path: Path) -> None:
    """A click on a card as it was before another change came aboard approves nothing."""
    async with company(sandbox, sqlite_url, tmp_path, catalogue=policy(gates=AT_ONCE)) as there:
        await there.merge("ana", RETRY)
        card = there.card()
        blocks = [dict(block) for block in card.blocks]
        newer = await there.merge("ben", TAX)
        await there.press("chi", "promotions:include")
        card.blocks = blocks
        said = await there.press("dee", APPROVE, card)
        assert "Nothing was done" in said
        assert "superseded by a newer build" in said
        assert newer not in there.production()


# --- saying no, and waiting -----------------------------------------------------------------------------------------


async def test_reject_asks_why_and_everybody_reads_it(sandbox: Sandbox, database_url: str, tmp_path: Path) -> None:
    """On the card, aloud in its thread, to its author; and the build does not come back by itself."""
    async with company(sandbox, database_url, tmp_path, catalogue=policy(gates=AT_ONCE)) as there:
        sha = await there.merge("ana", RETRY)
        await there.press("dee", "promotions:reject")
        modal = there.modal("dee")
        assert "will not ship. A newer build raises a new promotion." in modal
        assert RETRY in modal
        assert "complete this required field" in await there.submit("dee", {"reason": ""})
        assert "Rejected" in await there.submit("dee", {"reason": "the gateway is being moved"})
        assert there.shows("⛔ *checkout* → *production* was rejected by Dee", "the gateway is being moved")
        assert there.buttons() == ["promotions:details"]
        assert "the gateway is being moved" in there.said_in_thread()[-1]
        assert "was rejected by Dee, and with it *#801*" in there.heard_by("ana")
        assert "the gateway is being moved" in there.heard_by("ana")
        await there.turn(hours=5)
        assert len(there.promotions()) == 2, "the first, of what was there, and this"
        assert sha not in there.production()


async def test_a_hold_stops_this_one_alone_until_somebody_releases_it(
    sandbox: Sandbox, sqlite_url: str, tmp_path: Path
) -> None:
    """Whoever holds is told of the release; a hold that runs out ships nothing by itself."""
    async with company(sandbox, sqlite_url, tmp_path, catalogue=policy(gates=AT_ONCE)) as there:
        sha = await there.merge("ana", RETRY)
        await there.choose("dee", "Hold")
        assert "Other promotions are not held" in there.modal("dee")
        assert "Holding this promotion" in await there.submit("dee", {"reason": "until the gateway moved"})
        assert there.shows("⏸️ *checkout* → *production* is on hold", "until the gateway moved", "Release the hold")
        await there.press("eve", APPROVE)
        assert sha not in there.production()
        assert "Dee is told" in await there.press("chi", "promotions:release")
        assert "<@U0CHI>" in there.heard_by("dee")
        assert there.production()[-1] == sha


async def test_a_hold_that_runs_out_waits_for_a_person(sandbox: Sandbox, sqlite_url: str, tmp_path: Path) -> None:
    """Nothing ships because a timer ran out: somebody says Go."""
    catalogue = policy(gates="[lock, {approval: {expires: 24h}}]")
    async with company(sandbox, sqlite_url, tmp_path, catalogue=catalogue) as there:
        sha = await there.merge("ana", RETRY)
        await there.choose("dee", "Hold")
        await there.submit("dee", {"reason": "until the gateway moved"})
        await there.press("eve", APPROVE)
        await there.turn(hours=3, minutes=46)
        assert "runs out" in there.heard_by("dee"), "its owner is asked before"
        await there.turn(minutes=30)
        assert sha not in there.production()
        assert there.shows("waits for somebody's Go")
        await there.press("ben", "locks:go")
        assert there.production()[-1] == sha


async def test_cancel_says_who_and_why(sandbox: Sandbox, sqlite_url: str, tmp_path: Path) -> None:
    """It will not ship unless it is asked for again."""
    async with company(sandbox, sqlite_url, tmp_path) as there:
        await there.merge("ana", RETRY)
        await there.choose("ben", "Cancel")
        assert "will not ship unless it is promoted again" in there.modal("ben")
        await there.submit("ben", {"reason": "wrong day"})
        assert there.shows("⚪ *checkout* → *production* was cancelled by Ben", "wrong day")
        assert "on its way already" not in await there.ship("ben", "promote checkout")


async def test_details_tell_each_change_each_verdict_and_what_was_decided(
    sandbox: Sandbox, sqlite_url: str, tmp_path: Path
) -> None:
    """Why did this ship, and why not yet: in one window."""
    async with company(sandbox, sqlite_url, tmp_path) as there:
        await there.merge("ana", RETRY)
        await there.press("dee", APPROVE)
        await there.press("chi", "promotions:details")
        details = there.modal("chi")
        for words in (
            "*checkout* → *production*",
            f"{RETRY} · Ana · +3 −1",
            "✓ lock: no lock",
            "⏳ soak: soaks in staging for 30 min · until",
            "✓ approval: approved by Dee",
            "👍 Dee ·",
            "approve by Dee → still waits · closed: soak: soaks in staging for 30 min",
        ):
            assert words in details, words
        await there.turn(minutes=31)
        await there.press("chi", "promotions:details")
        assert "time → starting · every gate open" in there.modal("chi")
        assert "call → called · every gate open" in there.modal("chi")


# --- being asked ----------------------------------------------------------------------------------------------------


async def test_who_is_at_work_is_asked_by_a_message_and_answers_it_there(
    sandbox: Sandbox, database_url: str, tmp_path: Path
) -> None:
    """A copy of the card, with its buttons; every copy follows what is decided, wherever that was."""
    catalogue = approving(f"{{count: 1, groups: [{{from: {ANYBODY}}}]}}")
    async with company(sandbox, database_url, tmp_path, catalogue=catalogue) as there:
        sha = await there.merge("ana", RETRY)
        assert there.copy_for("ana") is None, "she wrote it"
        for asleep in ("chi", "eve"):
            assert there.copy_for(asleep) is None, "before their hours"
        for asked in ("ben", "dee"):
            copy = there.copy_for(asked)
            assert copy is not None
            assert APPROVE in there.buttons(copy)
        copy = there.copy_for("dee")
        assert copy is not None
        assert "Approved" in await there.press("dee", APPROVE, copy)
        assert there.production()[-1] == sha
        for asked in ("ben", "dee"):
            copy = there.copy_for(asked)
            assert copy is not None
            assert "live in *production*" in watching.words_of(copy), "decided elsewhere"
            assert APPROVE not in there.buttons(copy)


async def test_at_most_three_are_asked_and_only_when_a_yes_alone_is_missing(
    sandbox: Sandbox, sqlite_url: str, tmp_path: Path
) -> None:
    """Nobody is disturbed while it soaks; then three of the five who could."""
    sandbox.slack.change_person("chi", zone="Europe/Paris")
    sandbox.slack.change_person("eve", zone="Europe/Paris")
    catalogue = policy(gates=f"[lock, {{soak: 30m}}, {{approval: {{groups: [{{from: {ANYBODY}}}]}}}}]")
    async with company(sandbox, sqlite_url, tmp_path, catalogue=catalogue) as there:
        await there.merge("dependabot[bot]", STRIPE, merged_by="dependabot[bot]")
        everybody = ("ana", "ben", "chi", "dee", "eve")
        assert not [one for one in everybody if there.copy_for(one)]
        await there.turn(minutes=31)
        assert len([one for one in everybody if there.copy_for(one)]) == 3
        assert "now waits for a yes, and nothing else" in there.said_in_thread()[-1]
