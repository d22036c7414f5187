"""The scenes in which something breaks, with the whole bot in them: who is woken, what waits, and how it ends."""

from __future__ import annotations

from bot.sandbox.server import Sandbox
from bot.sandbox.story_alerts import ALERT, CULPRIT
from bot.sandbox.story_incidents import FLAG, STORM, STRUCK
from tests.acceptance import watching
from tests.acceptance.scenes import (
    Perform,
    heard,
    in_order,
    once_more,
    pinned,
    rooms,
    shipped,
    woken,
)


async def test_an_alert_wakes_who_wrote_it_opens_a_room_and_holds_back_what_comes_next(
    sandbox: Sandbox, perform: Perform
) -> None:
    """Approved and soaked, Ben's build waits, and so does the fix; only the rollback goes in meanwhile."""
    states: list[str] = []
    sandbox.world.watchers.append(lambda message: states.append(watching.words_of(message)))
    await perform("an alert after a rollout")
    fires = f"health: the alert {ALERT} fires"
    in_order([one for one in states if "Say what a parcel weighs" in one and CULPRIT not in one], [
        ("✓ no alert fires", "needs 1 yes"),
        (f"is locked by Shipmate: incident: {ALERT}", fires),
        ("was cancelled by Ana", "a rollback was declared"),
    ])  # fmt: skip
    in_order([one for one in states if CULPRIT in one and "Say what a parcel weighs" not in one], [
        ("live in *production*", "no alert"),
        (f"🔴 *{ALERT}*, 12 min after", "confidence high", "nobody leads yet"),
        ("Takes out:", f"Why: {ALERT}"),
        (f"🟡 *{ALERT}*", "out again since", "Ana leads"),
        (f"✅ *{ALERT}* · resolved, recovered after", "It was #"),
    ])  # fmt: skip
    in_order([one for one in states if f'Revert "{CULPRIT}"' in one], [
        (fires, "is locked"),
        ("✓ no alert fires", "is locked"),
        ("👍 Dee approved",),
        ("live in *production*", "reverts"),
    ])  # fmt: skip
    assert len(shipped(sandbox)) == 3, "there, back, and there again with the fix"
    heard(sandbox, "ana", "no longer in production")
    assert woken(sandbox) == ["Ana"]
    (room,) = rooms(sandbox)
    assert room.canvas is not None, "the postmortem's draft is in the room"
    assert all(words in room.canvas.markdown for words in (CULPRIT, "Ana", "UTC")), room.canvas.markdown
    await once_more(sandbox, perform, "an alert after a rollout")


async def test_whose_change_it_was_not_says_so_and_the_next_one_is_woken_at_once(
    sandbox: Sandbox, perform: Perform
) -> None:
    """Each once; whose flag it was ends it, and it counts as the flag's."""
    await perform("not mine")
    assert woken(sandbox) == ["Ana", "Ben"]
    (room,) = rooms(sandbox)
    card = pinned(sandbox, room)
    expected = ("resolved, recovered after", f"It was the flag {FLAG}", "Likely change 1 of 3, it was this")
    assert all(words in card for words in expected), card
    assert watching.said_twice(sandbox) == []


async def test_a_page_that_nobody_answers_goes_on_by_the_escalation_policy(sandbox: Sandbox, perform: Perform) -> None:
    """PagerDuty's first level answers on the phone, and leads."""
    await perform("nobody answers")
    assert woken(sandbox) == ["Ben", "Dee"]
    (room,) = rooms(sandbox)
    watching.one(sandbox.slack.messages(room.id), "Ben has not answered", "escalation policy")
    assert "Dee leads" in pinned(sandbox, room)
    assert watching.said_twice(sandbox) == []


async def test_in_a_storm_while_slack_and_pagerduty_refuse_one_is_woken_once_and_nothing_is_lost(
    sandbox: Sandbox, perform: Perform
) -> None:
    """Every alert, told twice, is one of the one incident; and it is over with the last of them."""
    states: list[str] = []
    sandbox.world.watchers.append(lambda message: states.append(message.text))
    await perform("an alert storm")
    assert [call for call in sandbox.slack.calls if call.incoming and call.status == 429]
    assert [call for call in sandbox.pagerduty.log.rows if call.incoming and call.status == 429]
    assert woken(sandbox) == ["Dee"]
    (room,) = rooms(sandbox)
    in_order(states, [(f"{STORM} alerts fire",), ("no alert fires any more", "Dee leads"), ("resolved, recovered",)])
    assert room.canvas is not None
    assert all(name in room.canvas.markdown for name in STRUCK), room.canvas.markdown
    assert watching.said_twice(sandbox) == []
