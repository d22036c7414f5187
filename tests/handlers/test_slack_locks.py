"""What people press and type to lock, freeze and let go again, in a whole bot: each of it is answered."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.sandbox.server import Sandbox
from tests.acceptance.promoting import Company, company
from tests.handlers.pressing import answered, element, pressed, shown, stored_acts, typed, whispers


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """One engine will do: what becomes of acts has its own tests on both."""
    return sqlite_url


@pytest.fixture
async def there(sandbox: Sandbox, database_url: str, tmp_path: Path) -> AsyncIterator[Company]:
    """A company where checkout can be locked."""
    async with company(sandbox, database_url, tmp_path) as living:
        await living.merge("ana", "Retry payments")
        yield living


async def test_a_lock_is_typed_seen_extended_and_lifted(there: Company) -> None:
    assert "Locked checkout until" in await typed(there, "dee", "lock checkout rollback in progress")
    assert "is held back: " in there.says()
    locks = await typed(there, "ana", "locks")
    assert "checkout" in locks
    assert "rollback in progress" in locks
    card = there.locks()[-1]
    extend = element(card, "locks:extend")
    before = extend["value"]
    assert "✋" not in await pressed(there, "dee", "locks:extend", card)
    assert element(card, "locks:extend")["value"] != before
    assert "Unlocked checkout. Dee is told." in await pressed(there, "eve", "locks:lift", card)
    assert "no longer locked" in there.says(card)
    assert "is held back" not in there.says()


async def test_a_lock_that_ran_out_waits_for_a_persons_go(there: Company) -> None:
    await typed(there, "dee", "lock checkout for 30m a short one")
    await there.turn(minutes=31)
    card = there.locks()[-1]
    assert there.buttons(card) == []
    assert "Say Go on the card of what waits: checkout → production" in there.says(card)
    assert "✋" not in await pressed(there, "ben", "locks:go", there.card())
    assert "Nothing is locked" in await typed(there, "ana", "locks")


TYPED = (
    ("lock rollback in progress", "I know nothing called “rollback”"),
    ("lock chekout fire", "did you mean"),
    ("lock checkout", "Say why"),
    ("lock checkout until yesterday fire", "I cannot read"),
    ("lock checkout for 90d fire", "/ship freeze"),
    ("unlock", "Say what to unlock"),
    ("unlock checkout", "checkout is not locked"),
    ("unlock 99", "99"),
    ("locks checkout", "/ship locks lists them all"),
    ("freeze", "Say until when"),
    ("freeze checkout moving", "Say until when"),
    ("freeze lift", "No freeze that somebody declared stands"),
)
"""What somebody types after ``/ship``, and what they are told."""


async def test_what_cannot_be_done_is_refused_with_what_was_expected(there: Company) -> None:
    for words, told in TYPED:
        said = await typed(there, "dee", words)
        assert said.startswith("✋"), words
        assert told in said, (words, said)


async def test_a_freeze_is_declared_and_lifted(there: Company) -> None:
    assert "✋" not in await typed(there, "dee", "freeze checkout until tomorrow 09:00 moving the database")
    assert "frozen: moving the database (by Dee)" in there.says()
    assert "moving the database" in await typed(there, "ana", "status checkout")
    assert "✋" not in await typed(there, "dee", "freeze until tomorrow 10:00 the \"big\" one & 'all' moves")
    assert "the \"big\" one &amp; 'all' moves" in await typed(there, "ana", "locks")
    assert "could be several" in await typed(there, "dee", "freeze lift")
    assert "No declared freeze is “cart”" in await typed(there, "dee", "freeze lift cart")
    assert "✋" not in await typed(there, "dee", "freeze lift checkout")
    assert "✋" not in await typed(there, "dee", "freeze lift all")
    assert "Nothing is locked" in await typed(there, "ana", "locks")


async def test_lock_by_its_window_from_a_shortcut_or_with_nothing_typed(there: Company) -> None:
    slack = there.sandbox.slack
    await slack.command("dee", "/ship", "lock")
    (view,) = slack.modals("dee")
    offered = await slack.suggest("dee", "prod", action_id="locks:scope", view_id=view["id"])
    assert set(offered.values) == {"checkout/production", "environment:production"}
    assert "everything" in (await slack.suggest("dee", "", action_id="locks:scope", view_id=view["id"])).values
    values = {"scope": "environment:production", "reason": " ", "length": "for 1h", "rollbacks": "hold"}
    wrong = await slack.submit("dee", view["id"], values)
    assert wrong.errors == {"reason": "Say why: everybody who waits will read this."}
    said = await answered(there, "dee", slack.submit("dee", view["id"], values | {"reason": "network work"}))
    assert "Locked production of every service until" in said
    assert "network work" in there.says()

    assert (await slack.shortcut("eve", "lock")).ok
    (view,) = slack.modals("eve")
    await slack.suggest("eve", "check", action_id="locks:scope", view_id=view["id"])
    filled = {"scope": "service:checkout", "reason": "look at it"}
    assert "Locked checkout" in await answered(there, "eve", slack.submit("eve", view["id"], filled))
    assert whispers(there, "eve")[-1].channel.startswith("D"), "a shortcut has no place of its own"


async def test_an_edited_button_is_answered_and_does_nothing(there: Company) -> None:
    await typed(there, "dee", "lock checkout fire")
    card = there.locks()[-1]
    for value in ("", "x", "0", "1:abc", "1:99999999999999", "1:2:3", "-1"):
        element(card, "locks:lift")["value"] = value
        assert "does not say which lock" in await pressed(there, "dee", "locks:lift", card), value
    element(card, "locks:extend")["value"] = "1"
    assert "does not say which lock" in await pressed(there, "dee", "locks:extend", card)
    element(card, "locks:lift")["value"] = "999"
    assert (await pressed(there, "dee", "locks:lift", card)).startswith("✋")
    assert "is locked until" in there.says(card)


async def test_guests_and_strangers_lock_nothing(there: Company) -> None:
    before = await stored_acts(there)
    for words in ("lock", "lock checkout fire", "unlock checkout", "freeze until tomorrow 09:00 fire"):
        assert "only read here" in await typed(there, "fay", words), words
        assert (await typed(there, "gus", words)).startswith("✋"), words
    assert await stored_acts(there) == before
    assert "Nothing is locked" in await typed(there, "fay", "locks"), "they may read"


async def test_somebody_elses_window_says_what_it_is_about(there: Company) -> None:
    """What a window must say before anything is chosen in it."""
    await there.sandbox.slack.command("dee", "/ship", "lock")
    assert "somebody has to say Go" in shown(there.sandbox.slack.modals("dee")[0])
