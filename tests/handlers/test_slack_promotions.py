"""What people press and type to promote, in a whole bot in the stand-in world: each of it is answered."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.sandbox.server import Sandbox
from tests.acceptance.promoting import Company, company, policy
from tests.handlers.pressing import answered, element, opened, pressed, shown, stored_acts, typed

AT_ONCE = "[lock, order, {approval: {count: 1, expires: 4h}}]"
RETRY = "Retry payments"


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """One engine will do: what becomes of acts has its own tests on both."""
    return sqlite_url


@pytest.fixture
async def there(sandbox: Sandbox, database_url: str, tmp_path: Path) -> AsyncIterator[Company]:
    """A company where only a yes is wanted, and can be taken back for ten minutes; Ana's change waits for it."""
    catalogue = policy(gates=AT_ONCE, undo="10m")
    async with company(sandbox, database_url, tmp_path, catalogue=catalogue) as living:
        await living.merge("ana", RETRY)
        yield living


async def test_an_approval_is_answered_shown_and_can_be_undone_while_the_undo_time_runs(there: Company) -> None:
    """Undo stands on the card for as long as it works, and is answered clearly afterwards."""
    assert there.buttons()[0] == "promotions:approve"
    assert element(there.card(), "promotions:approve")["confirm"]["text"]["text"].startswith("#801 Ana.")
    assert "You can't: you wrote #801. Can: " in await pressed(there, "ana", "promotions:approve")
    assert "Until then you can undo it" in await pressed(there, "dee", "promotions:approve")
    assert "starts at" in there.says()
    assert "👍 Dee approved" in there.says()
    assert there.buttons()[0] == "promotions:undo"
    assert "promotions:approve" not in there.buttons()
    assert "Undone" in await pressed(there, "dee", "promotions:undo")
    await there.turn(minutes=11)
    assert len(there.production()) == 1, "nothing was shipped but what was there before"
    assert there.buttons()[0] == "promotions:approve"

    await pressed(there, "dee", "promotions:approve")
    button = dict(element(there.card(), "promotions:undo"))
    await there.turn(minutes=11)
    assert "live in *production*" in there.says()
    assert there.buttons() == ["promotions:roll_back", "promotions:details"]
    there.card().blocks[-1]["elements"].append(button)
    assert "is live" in await pressed(there, "dee", "promotions:undo")
    assert len(there.production()) == 2


async def test_the_second_click_is_told_that_the_first_one_stands(there: Company) -> None:
    button = dict(element(there.card(), "promotions:approve"))
    await pressed(there, "dee", "promotions:approve")
    there.card().blocks[-1]["elements"].append(button)
    assert "You approved it already" in await pressed(there, "dee", "promotions:approve")
    there.card().blocks[-1]["elements"].append(button)
    assert "It is approved already" in await pressed(there, "eve", "promotions:approve")


async def test_a_rejection_wants_a_reason_and_everybody_reads_it(there: Company) -> None:
    slack = there.sandbox.slack
    approve = dict(element(there.card(), "promotions:approve"))
    view = await opened(there, "dee", "promotions:reject")
    assert view["submit"]["text"] == "Reject it"
    assert "#801" in shown(view)
    blank = await slack.submit("dee", view["id"], {"reason": "   "})
    assert (blank.action, blank.errors) == ("errors", {"reason": "Say why: everybody who waits for it will read this."})
    reason = {"reason": "Not before the migration <!channel>"}
    said = await answered(there, "dee", slack.submit("dee", view["id"], reason))
    assert "Rejected" in said
    assert not slack.modals("dee")
    assert "was rejected by Dee" in there.says()
    assert "Not before the migration &lt;!channel&gt;" in there.says()
    assert there.buttons() == ["promotions:details"]
    there.card().blocks[-1]["elements"].append(approve)
    assert "was rejected by Dee" in await pressed(there, "eve", "promotions:approve")
    assert len(there.production()) == 1


async def test_a_modal_that_has_gone_stale_is_answered_when_it_is_submitted(there: Company) -> None:
    """Two people open it, one is first: the other's is taken, and answered with what became of it."""
    slack = there.sandbox.slack
    views = {person: (await opened(there, person, "promotions:reject"))["id"] for person in ("dee", "eve")}
    await answered(there, "dee", slack.submit("dee", views["dee"], {"reason": "First"}))
    said = await answered(there, "eve", slack.submit("eve", views["eve"], {"reason": "Second"}))
    assert "was rejected by Dee" in said
    assert "First" in there.says()
    assert "Second" not in there.says()


async def test_a_hold_stops_it_until_it_is_released(there: Company) -> None:
    """Out of the menu behind the dots; the card then offers to release it."""
    hold = element(there.card(), "promotions:more")["options"][0]
    assert hold["text"]["text"] == "Hold…"
    view = await opened(there, "ben", "promotions:more", chosen=hold["value"])
    said = await answered(there, "ben", there.sandbox.slack.submit("ben", view["id"], {"reason": "Wait for the docs"}))
    assert "✋" not in said
    assert "is on hold" in there.says()
    assert "Wait for the docs" in there.says()
    await pressed(there, "dee", "promotions:approve")
    await there.turn(minutes=11)
    assert len(there.production()) == 1
    assert "✋" not in await pressed(there, "ben", "promotions:release")
    await there.turn(minutes=11)
    assert len(there.production()) == 2


async def test_a_promotion_is_cancelled_out_of_the_menu(there: Company) -> None:
    cancel = element(there.card(), "promotions:more")["options"][-1]
    view = await opened(there, "dee", "promotions:more", chosen=cancel["value"])
    said = await answered(there, "dee", there.sandbox.slack.submit("dee", view["id"], {"reason": "Wrong build"}))
    assert "Cancelled" in said
    assert "was cancelled by Dee" in there.says()
    again = element(there.card(), "promotions:details")
    again["action_id"], again["value"] = "promotions:reject", cancel["value"].partition(":")[2]
    assert "was cancelled by Dee" in await pressed(there, "eve", "promotions:reject")


async def test_details_are_for_everybody_who_sees_the_card_guests_included(there: Company) -> None:
    await pressed(there, "dee", "promotions:approve")
    view = await opened(there, "fay", "promotions:details")
    words = shown(view)
    assert view["submit"] is None
    for said in ("#801", "+3 −1", "approval: approved by Dee", "👍 Dee", "approve by Dee → starting"):
        assert said in words
    assert "answer_at" not in view["private_metadata"]


MEDDLED = (
    ("", "does not say which promotion"),
    ("12", "does not say which promotion"),
    ("0:abc", "does not say which promotion"),
    ("999999999999:abc", "does not say which promotion"),
    ("1:<!channel>", "does not say which promotion"),
    ("99999:abc", "I know no promotion 99999"),
    ("2:0000", "has changed since you looked"),
)
"""Values that somebody may send in a button's place, and what they are told."""


async def test_an_edited_button_is_answered_and_does_nothing(there: Company) -> None:
    for value, told in MEDDLED:
        element(there.card(), "promotions:approve")["value"] = value
        assert told in await pressed(there, "dee", "promotions:approve"), value
    menu = element(there.card(), "promotions:more")["options"][0]
    for value in ("approve:2:abc", "sing:2:abc", "hold", "hold:x:y"):
        menu["value"] = value
        assert "✋" in await pressed(there, "dee", "promotions:more", chosen=value), value
    assert there.sandbox.slack.modals("dee") == []
    await there.turn(minutes=11)
    assert len(there.production()) == 1


async def test_guests_and_strangers_only_read_and_nothing_of_theirs_is_stored(there: Company) -> None:
    before = await stored_acts(there)
    assert "only read here" in await pressed(there, "fay", "promotions:approve")
    assert "people of other workspaces, only read here" in await pressed(there, "gus", "promotions:approve")
    assert "only read here" in await typed(there, "fay", "promote checkout")
    assert "only read here" in await pressed(there, "fay", "promotions:reject"), "before they have typed why"
    assert there.sandbox.slack.modals("fay") == []
    there.sandbox.slack.change_person("ben", deactivated=True)
    assert "only read here" in await pressed(there, "ben", "promotions:approve")
    assert await stored_acts(there) == before


async def test_without_an_answer_of_slacks_nobody_acts(there: Company) -> None:
    """Who somebody is must be certain; a minute later it is believed without asking again."""
    slack = there.sandbox.slack
    slack.fault("http_500", method="users.info", times=1)
    assert "Slack does not tell me just now" in await pressed(there, "dee", "promotions:approve")
    assert "Until then you can undo it" in await pressed(there, "dee", "promotions:approve")
    slack.fault("http_500", method="users.info", times=1)
    assert "Undone" in await pressed(there, "dee", "promotions:undo")


async def test_what_is_newer_comes_aboard_by_a_click_and_voids_the_approval(there: Company) -> None:
    hold = element(there.card(), "promotions:more")["options"][0]["value"]
    view = await opened(there, "dee", "promotions:more", chosen=hold)
    await answered(there, "dee", there.sandbox.slack.submit("dee", view["id"], {"reason": "A moment"}))
    await pressed(there, "dee", "promotions:approve")
    await there.merge("ben", "Keep the basket")
    assert "Next: " in there.says()
    assert "#802" in there.says()
    button = element(there.card(), "promotions:include")
    assert "void" in button["confirm"]["text"]["text"]
    assert "The approval by Dee" in await pressed(there, "eve", "promotions:include")
    assert "#802" in there.says()
    assert "counts no more" in there.says()
    assert any("<@U0DEE>, your yes" in said and "#802" in said for said in there.said_in_thread())
    assert len(there.promotions()) == 2, "it has taken over the card"


async def test_what_is_live_is_rolled_back_from_its_card_with_a_reason(there: Company) -> None:
    """The modal lists what leaves; the authors hear it, and the card says so."""
    slack = there.sandbox.slack
    await pressed(there, "dee", "promotions:approve")
    await there.turn(minutes=11)
    live = there.card()
    view = await opened(there, "ben", "promotions:roll_back")
    assert view["submit"]["text"] == "Take out 1 change"
    assert "*1 change leaves production*" in shown(view)
    blank = await slack.submit("ben", view["id"], {"reason": " "})
    assert blank.errors == {"reason": "Say why: everyone whose change leaves will read this."}
    said = await answered(there, "ben", slack.submit("ben", view["id"], {"reason": "5xx since then"}))
    assert "Rolling back" in said
    await there.turn(minutes=11)
    assert "rolled back in *production*" in there.says()
    assert "Why: 5xx since then" in there.says()
    assert "was rolled back" in there.says(live)
    assert "promotions:roll_back" not in there.buttons(live)
    status = await typed(there, "ana", "status checkout")
    assert "production is NOT running" in status
    assert "#801" in status
    element(live, "promotions:details")["action_id"] = "promotions:roll_back"
    assert "is not live any more" in await pressed(there, "ben", "promotions:roll_back", live)


async def test_rollback_as_it_is_typed(there: Company) -> None:
    slack = there.sandbox.slack
    before = there.production()[-1]
    await pressed(there, "dee", "promotions:approve")
    await there.turn(minutes=11)
    for words in ("rollback checkout", f"rollback checkout {before[:8]}", f"rollback checkout to {before[:8].upper()}"):
        await slack.command("ben", "/ship", words)
        (view,) = slack.modals("ben")
        assert before[:7] in shown(view), words
        await slack.close("ben", view["id"])
    for words, told in (
        ("rollback", "Say it like this"),
        ("rollback checkout yesterday", "Say it like this"),
        ("rollback chekout", "I know no service"),
        ("rollback checkout deadbeef", "No build deadbeef was ever rolled out there"),
    ):
        assert told in await typed(there, "ben", words), words


async def test_promote_as_it_is_typed(there: Company) -> None:
    sha = there.sandbox.github.repository("acme/checkout").branches["main"]
    for words, told in (
        ("promote checkout", "is on its way already"),
        (f"promote checkout {sha[:8]} to production", "is on its way already"),
        (f"promote checkout to production {sha[:8]}", "is on its way already"),
        ("promote chekout", "I know no service"),
        ("promote checkout to staging", "is promoted to production, not to “staging”"),
        ("promote checkout yesterday", "I cannot place “yesterday”"),
        ("promote checkout deadbee1", "I know no build “deadbee1”"),
    ):
        assert told in await typed(there, "ben", words), words


async def test_promote_by_its_window_from_a_shortcut_or_with_nothing_typed(there: Company) -> None:
    """What it is about is chosen from a menu that we fill; a fault is shown where it is."""
    slack = there.sandbox.slack
    assert (await slack.shortcut("ben", "promote")).ok
    (view,) = slack.modals("ben")
    offered = await slack.suggest("ben", "check", action_id="promotions:target", view_id=view["id"])
    assert offered.values == ["checkout/production"]
    assert (await slack.suggest("ben", "zzz", action_id="promotions:target", view_id=view["id"])).values == []
    values = {"target": "checkout/production", "build": "the latest"}
    wrong = await slack.submit("ben", view["id"], values)
    assert (wrong.action, list(wrong.errors)) == ("errors", ["build"])
    said = await answered(there, "ben", slack.submit("ben", view["id"], values | {"build": ""}))
    assert "is on its way already" in said, "a shortcut has no place: it is answered in our own conversation"
    await slack.command("ben", "/ship", "promote")
    (again,) = slack.modals("ben")
    assert again["callback_id"] == "promotions:promote"
    said = await answered(there, "ben", slack.submit("ben", again["id"], values | {"build": "Spring 1.2"}))
    assert "I know no build “Spring 1.2” of checkout" in said, "a version may be of several words"


async def test_a_window_of_an_older_shipmate_and_a_shortcut_of_one_are_answered(there: Company) -> None:
    slack = there.sandbox.slack
    view = await opened(there, "dee", "promotions:reject")
    view["callback_id"] = "promotions:serenade"
    said = await answered(there, "dee", slack.submit("dee", view["id"], {"reason": "why"}))
    assert "That window is from an older Shipmate" in said


async def test_a_window_that_forgot_what_it_is_about_is_refused_where_it_stands(there: Company) -> None:
    for metadata in ("", "[]", "not json", '{"about": 7}', '{"about": "2"}'):
        view = await opened(there, "dee", "promotions:reject")
        view["private_metadata"] = metadata
        done = await there.sandbox.slack.submit("dee", view["id"], {"reason": "why"})
        assert (done.action, list(done.errors)) == ("errors", ["reason"]), metadata
    assert "was rejected" not in there.says()


async def test_a_window_that_slack_does_not_open_is_said(there: Company) -> None:
    there.sandbox.slack.fault("http_500", method="views.open", times=1)
    assert "Slack did not open the window just now" in await pressed(there, "dee", "promotions:reject")


async def test_where_tells_the_whole_way(there: Company) -> None:
    """What is next, who can, and once it is under way when it is there."""
    said = await typed(there, "ana", "where 801")
    assert "#801 is live in staging" in said
    assert "production waits:" in said
    assert "approval: needs 1 yes" in said
    assert "Can approve: " in said
    await there.turn(minutes=11)
    await pressed(there, "dee", "promotions:approve")
    assert "Every gate to production is open and it starts" in await typed(there, "ana", "where 801")
    assert "🚦" in await typed(there, "ana", "status")
    drift = await typed(there, "ana", "drift checkout")
    assert "1 change in staging, not in production" in drift
    assert "waiting: Ana" in drift
    await there.turn(minutes=11)
    assert "has what the one before it has" in await typed(there, "ana", "drift")
    assert "did you mean" in await typed(there, "ana", "drift chekout")
