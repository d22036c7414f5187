"""Buttons that stand where they should not any more, and people and payloads that should not press them.

Each is answered clearly, and none has an effect.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sqlmodel import Session, col, select

from bot.promotions.models import Approval, Decision, Promotion
from bot.sandbox.server import Sandbox
from bot.sandbox.world import Message, Person
from bot.server import serving
from tests.acceptance.promoting import API_TOKEN, Company, company, policy
from tests.conftest import UNLIMITED, settings_for

RETRY = "Retry payments on a gateway time-out"
TAX = "Round the tax per line"
APPROVE = "promotions:approve"
REJECT = "promotions:reject"
AT_ONCE = policy(gates="[lock, freeze, order, approval, health]")

Kept = tuple[list[str], list[str], list[str]]


def as_it_is(there: Company) -> Message:
    """The newest card as it stands now, for a click when it looks otherwise."""
    return copy.deepcopy(there.card())


def edited(card: Message, value: str) -> Message:
    """The card with another value behind its Approve button."""
    for block in card.blocks:
        for element in block.get("elements", ()):
            if element.get("action_id") == APPROVE:
                element["value"] = value
    return card


async def click(there: Company, person: str, card: Message, action: str = APPROVE) -> str:
    """Press a button of a card as somebody still sees it; what they alone read."""
    sandbox = there.sandbox
    nothing: Mapping[str, Any] = {}
    return await there.hears(
        person,
        card.channel,
        lambda: sandbox.slack._interactions.click(
            sandbox.world.person(person), card, action, block_id=None, use={}, values=nothing
        ),
    )


async def kept(there: Company) -> Kept:
    """What is recorded of every promotion: where each stands, whose yes stands, what was decided."""

    def read(session: Session) -> Kept:
        states = session.exec(select(Promotion.state).order_by(col(Promotion.id))).all()
        people = session.exec(select(Approval.person).where(col(Approval.withdrawn_at).is_(None))).all()
        return [*states], [*people], [*session.exec(select(Decision.outcome).order_by(col(Decision.id))).all()]

    return await there.serving.bot.database.read(read)


async def comes_to_nothing(there: Company, person: str, card: Message, *words: str, action: str = APPROVE) -> None:
    """The click is answered with these words, and changes nothing."""
    before, live = await kept(there), there.production()
    said = await click(there, person, card, action)
    assert all(word in said for word in words), said
    assert await kept(there) == before
    assert there.production() == live


async def test_a_button_of_what_was_decided_says_how_it_ended(
    sandbox: Sandbox, sqlite_url: str, tmp_path: Path
) -> None:
    """Live, rejected, cancelled: whoever still sees the old card hears what became of it, and by whom."""
    async with company(sandbox, sqlite_url, tmp_path, catalogue=AT_ONCE) as there:
        await there.merge("ana", RETRY)
        old = as_it_is(there)
        await there.press("dee", APPROVE)
        assert there.shows("live in *production*")
        await comes_to_nothing(there, "eve", old, "approved already")
        await comes_to_nothing(there, "dee", old, "You approved it already")
        await comes_to_nothing(there, "ben", old, "Nothing was done", action=REJECT)

        await there.merge("ben", TAX)
        old = as_it_is(there)
        await there.press("chi", REJECT)
        await there.submit("chi", {"reason": "the rounding is wrong"})
        await comes_to_nothing(there, "dee", old, "Nothing was done", "rejected", "Chi", "the rounding is wrong")


async def test_a_button_of_what_was_superseded_says_what_took_its_place(
    sandbox: Sandbox, sqlite_url: str, tmp_path: Path
) -> None:
    """A yes to fewer changes is no yes to more."""
    async with company(sandbox, sqlite_url, tmp_path, catalogue=AT_ONCE) as there:
        await there.merge("ana", RETRY)
        old = as_it_is(there)
        await there.merge("ben", TAX)
        await there.press("chi", "promotions:include")
        await comes_to_nothing(there, "dee", old, "Nothing was done", "newer")
        assert there.shows("needs 1 yes")


async def test_a_button_of_what_expired_says_so(sandbox: Sandbox, sqlite_url: str, tmp_path: Path) -> None:
    """After a week nobody remembers what it was for."""
    async with company(sandbox, sqlite_url, tmp_path, catalogue=AT_ONCE) as there:
        await there.merge("ana", RETRY)
        old = as_it_is(there)
        await there.turn(days=8)
        await comes_to_nothing(there, "dee", old, "Nothing was done", "expired")


async def test_a_button_from_before_a_restart_works_as_if_nothing_had_happened(
    sandbox: Sandbox, database_url: str, tmp_path: Path
) -> None:
    """Nothing of a button is kept in a process: old ones are judged, the present one counts."""
    async with company(sandbox, database_url, tmp_path, catalogue=AT_ONCE) as there:
        await there.merge("ana", RETRY)
        old = as_it_is(there)
        await there.merge("ben", TAX)
        await there.press("chi", "promotions:include")
        pipeline, clock = there.pipeline, there.clock
    settings = settings_for(
        sandbox, database_url, SHIPMATE_CONFIG=str(tmp_path / "shipmate.yml"), SHIPMATE_API_TOKEN=API_TOKEN
    )
    async with serving(settings, limits=UNLIMITED, clock=clock) as running:
        sandbox.connect(running.url)
        again = Company(sandbox, running, pipeline, clock, settings)
        await again.at_rest()
        await comes_to_nothing(again, "dee", old, "Nothing was done", "newer")
        assert "Approved" in await again.press("dee", APPROVE)
        assert len(again.production()) == 2


EDITED = {
    "empty": ("", "does not say which promotion"),
    "no range": ("2", "does not say which promotion"),
    "a path": ("2:../../etc/passwd", "does not say which promotion"),
    "too long": ("2:" + "a" * 65, "does not say which promotion"),
    "nought": ("0:0123456789abcdef", "does not say which promotion"),
    "negative": ("-2:0123456789abcdef", "does not say which promotion"),
    "unknown": ("1000000:0123456789abcdef", "I know no promotion 1000000"),
    "another range": ("2:0123456789abcdef", "has changed since you looked"),
    "no seen": ("2:", "has changed since you looked"),
    "another promotion": ("1:0123456789abcdef", "already"),
}
"""What somebody may put behind a button, and what they are told."""


async def test_an_edited_payload_approves_nothing(sandbox: Sandbox, sqlite_url: str, tmp_path: Path) -> None:
    """What a button carries is a claim: what was seen is compared with what is."""
    async with company(sandbox, sqlite_url, tmp_path, catalogue=AT_ONCE) as there:
        await there.merge("ana", RETRY)
        for value, words in EDITED.values():
            await comes_to_nothing(there, "dee", edited(as_it_is(there), value), words)


async def test_strangers_guests_and_bots_press_nothing(sandbox: Sandbox, sqlite_url: str, tmp_path: Path) -> None:
    """Also somebody who was a member until a moment ago, for as long as Slack says so."""
    sandbox.world.add_person(
        Person(
            key="slackbot", slack_id="USLACKBOT", real_name="Slackbot", email="", colour="8a6d3b",
            zone="Europe/Paris",
        )
    )  # fmt: skip
    async with company(sandbox, sqlite_url, tmp_path, catalogue=AT_ONCE) as there:
        await there.merge("ana", RETRY)
        card = as_it_is(there)
        await comes_to_nothing(there, "gus", card, "people of other workspaces", "nothing was changed")
        await comes_to_nothing(there, "fay", card, "Guests, and people of other workspaces, only read here")
        await comes_to_nothing(there, "USLACKBOT", card, "only people act here")
        sandbox.slack.change_person("eve", deactivated=True)
        await there.at_rest()
        await comes_to_nothing(there, "eve", card, "only read here")
