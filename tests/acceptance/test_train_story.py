"""A day of release trains, in sentences: what people see of them, press and hear."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from sqlmodel import Session, create_engine, select

from bot.departures.models import Departure
from bot.events import TrainAct, TrainActed
from bot.inbox import Incoming, Lane, store
from bot.sandbox.server import Sandbox
from bot.sandbox.world import Message
from handlers.slack import acts
from handlers.slack.storing import SOURCE
from tests.acceptance import watching
from tests.acceptance.promoting import PEOPLE, Company, company
from tests.conftest import address

RETRY = "Retry payments on a gateway time-out"
TAX = "Round the tax per line"
RELEASES = "#deploys"
DECLINED = "Say which card was declined"
PARCELS = "Say what a parcel weighs"
CART = "acme/cart"

HOLDING = {"reason": "the gateway is slow", "review": "30m"}
IN_STAGES = """stages: [[cart], [checkout]]
    approval: batch
    ready: required"""


def timetable(*, departs: str = '"0 12,16 * * *"', more: str = "", services: str = "[checkout]") -> str:
    """The catalogue of checkout and cart, which go to production with the web train; its times are UTC."""
    return f"""
timezone: UTC
teams:
  payments: {{channel: "#payments-deploys", approvers: "@payments-leads"}}
services:
  checkout: &carried
    team: payments
    repo: acme/checkout
    environments: [staging, production]
    promote_through: github-deployment
    gates: [lock, freeze, order, {{soak: 30m}}, {{approval: {{count: 1, expires: 4h}}}}, health]
    undo: 0s
  cart:
    <<: *carried
    repo: acme/cart
trains:
  web:
    services: {services}
    to: production
    departs: {departs}
    boarding_closes: 15m
    channel: "{RELEASES}"
    conductors: {{rota: [U0CHI], backup: U0EVE}}
    {more}
{PEOPLE}"""


def sealed_card(there: Company) -> Message:
    """The newest departure's card."""
    return watching.cards(there.sandbox.slack.messages(RELEASES), "departure")[-1]


def aloud(there: Company) -> list[str]:
    """What was said in the thread of the newest departure's card, in order."""
    card = sealed_card(there)
    return [watching.words_of(one) for one in there.sandbox.slack.replies(card.channel, card.ts)]


def heard_aloud(there: Company, person: str) -> list[Message]:
    """What somebody heard in the threads of their own changes."""
    slack = there.sandbox.slack
    return [one for top in slack.direct_messages(person) for one in slack.replies(top.channel, top.ts)]


@pytest.mark.both_engines
async def test_ana_hears_which_train_hers_takes_and_it_leaves_at_its_time(
    sandbox: Sandbox, database_url: str, tmp_path: Path
) -> None:
    """Told at the merge; sealed and posted, with who stays and why; gone at noon by itself; live; each thing once."""
    async with company(sandbox, database_url, tmp_path, catalogue=timetable()) as there:
        sha = await there.merge("ana", RETRY)
        assert "Expected aboard the *web* train" in there.heard_by("ana")
        assert there.promotions() == [], "what goes by train asks for nothing before it is sealed"
        await there.turn_to(11, 40)
        await there.merge("ben", TAX)
        await there.turn_to(11, 45)
        card = sealed_card(there)
        (listed,) = aloud(there)
        for said in (there.says(card), listed):
            for words in ("*web 12:00*", "sealed", "*checkout* 1:", "#801", "Ana", "needs 1 yes", "Dee (online)"):
                assert words in said, words
            assert "Left behind →" in said
            assert "#802> Ben (checkout): soak ends after it leaves" in said
        assert "<@U0CHI> conducts" in listed
        assert "Your *#801* is aboard the *web* train" in there.heard_by("ana")
        assert "Your *#802* was left behind by the *web* train" in there.heard_by("ben")
        assert "You can't: you wrote #801. Can: Dee" in await there.press("ana", "promotions:approve", card)
        assert "aboard the web train" in await there.press("dee", "promotions:approve", card)
        assert "Every gate is open: it leaves by itself." in there.says(card)
        asked = await there.ship("ben", "train web")
        for words in (
            "*web 12:00* · sealed",
            "conductor Chi · backup Eve",
            "Left behind",
            "*Boarding for",
            "After that",
        ):
            assert words in asked, words
        assert sha not in there.production()
        await there.turn_to(12)
        assert sealed_card(there).ts == card.ts
        assert "✅ *web 12:00* · arrived" in there.says(card)
        assert "Your change *#801* is live in *production*" in there.heard_by("ana")
        assert there.production().count(sha) == 1
        assert [said.splitlines()[0] for said in aloud(there)[1:]] == [
            "🚆 *web 12:00* has left · 1 change",
            "✅ *web 12:00* has arrived: 1 change live in production",
        ]
        assert not watching.said_twice(sandbox)
        feed = await there.calendar("web")
        assert feed.count("BEGIN:VEVENT") > 100, "two a day for two months, and the one that left"
        assert "X-WR-CALNAME:web" in feed


async def test_what_is_closed_at_its_time_holds_it_and_it_leaves_once_that_is_open(
    sandbox: Sandbox, sqlite_url: str, tmp_path: Path
) -> None:
    """It says what it waits for and who can help; a lock wins over the timetable; at last it is called off."""
    async with company(sandbox, sqlite_url, tmp_path, catalogue=timetable()) as there:
        first = await there.merge("ana", RETRY)
        await there.turn_to(11, 45)
        await there.turn_to(12)
        (held,) = [said for said in aloud(there) if "is HELD" in said]
        assert "*web 12:00* is HELD: checkout: approval: needs 1 yes" in held
        assert "Can help: <@U0DEE>, <@U0EVE>" in held
        assert "it is cancelled" in held
        refused = await there.ship("chi", "train web depart")
        assert "The web 12:00 does not leave: checkout: approval: needs 1 yes" in refused
        assert "Can help: Dee" in refused
        assert first not in there.production()
        await there.turn_to(12, 10)
        await there.press("dee", "promotions:approve", sealed_card(there))
        assert "*web 12:00* has left, late" in "".join(aloud(there))
        assert there.production()[-1] == first

        second = await there.merge("ben", TAX)
        await there.turn_to(15, 45)
        await there.press("dee", "promotions:approve", sealed_card(there))
        await there.ship("eve", "lock checkout the gateway is being moved for 25m")
        await there.turn_to(16)
        assert "is HELD: checkout: checkout is locked by Eve" in "".join(aloud(there))
        assert "Unlocked" in await there.ship("ben", "unlock checkout")
        assert there.production()[-1] == second

        await there.merge("ana", DECLINED)
        await there.turn_to(11, 45, days=1)
        await there.turn_to(12)
        await there.turn_to(12, 31)
        cancelled = aloud(there)[-1]
        assert "*web 12:00* was cancelled: it could not leave in time: checkout: approval: needs 1 yes" in cancelled
        assert "Your *#803* does not go" in there.heard_by("ana")
        assert there.production()[-1] == second
        assert not watching.said_twice(sandbox)


async def test_the_conductor_holds_releases_removes_lets_go_and_cancels(
    sandbox: Sandbox, sqlite_url: str, tmp_path: Path
) -> None:
    """And nobody else does; whoever holds it is asked again, and whoever is taken off hears why."""
    async with company(sandbox, sqlite_url, tmp_path, catalogue=timetable()) as there:
        first = await there.merge("ana", RETRY)
        await there.merge("ben", TAX)
        await there.turn_to(11, 45)
        card = sealed_card(there)
        await there.press("ben", "trains:hold", card)
        refused = await there.submit("ben", HOLDING, channel=RELEASES)
        assert "Chi" in refused
        assert "Eve" in refused
        await there.press("chi", "trains:hold", card)
        assert "Holding the web 12:00: the gateway is slow" in await there.submit("chi", HOLDING, channel=RELEASES)
        assert "✋ *web 12:00* · HELD by Chi" in there.says(card)
        await there.press("chi", "trains:remove", card)
        await there.fill("chi", {"what": removing(there, "chi", TAX), "reason": "not tried with vouchers"})
        assert "Your *#802* was taken off the *web* train" in there.heard_by("ben")
        assert "removed by Chi: not tried with vouchers" in there.heard_by("ben")
        await there.press("dee", "promotions:approve", card)
        await there.turn_to(12, 16)
        assert "<@U0CHI>, you still hold *web 12:00*: the gateway is slow" in aloud(there)[-1]
        assert first not in there.production(), "it has been time for long, and every gate is open"
        assert "Nothing was done" in await there.ship("chi", "train web depart"), "it is to be released first"
        await there.press("chi", "trains:release", card)
        assert there.production()[-1] == first
        assert "trains:release" not in there.buttons(card)

        await there.turn_to(15, 45)
        card = sealed_card(there)
        assert "#802" in there.says(card)
        await there.press("dee", "promotions:approve", card)
        await there.press("chi", "trains:depart", card)
        assert "✅ *web 16:00* · arrived" in there.says(card), "ten minutes early"

        await there.merge("ana", DECLINED)
        await there.turn_to(11, 45, days=1)
        await there.press("eve", "trains:cancel", sealed_card(there))
        await there.fill("eve", {"reason": "the shop is full today"})
        assert "was cancelled by Eve: the shop is full today" in aloud(there)[-1]
        assert "the shop is full today" in there.heard_by("ana")
        assert "Nothing to do: the web 12:00 was cancelled" in await there.ship("chi", "train web cancel")
        assert not watching.said_twice(sandbox)


async def test_one_yes_for_all_aboard_and_a_failure_on_the_way_is_the_conductors_to_decide(
    sandbox: Sandbox, sqlite_url: str, tmp_path: Path
) -> None:
    """A batch's yes is nobody's own; cart leaves first; checkout fails, and cart is rolled back as Chi says."""
    catalogue = timetable(services="[cart, checkout]", more=IN_STAGES)
    async with company(sandbox, sqlite_url, tmp_path, catalogue=catalogue, others=[CART]) as there:
        before = there.production(CART)[-1]
        cart = await there.merge("dee", PARCELS, repo=CART)
        checkout = await there.merge("ana", RETRY)
        await there.turn_to(11, 45)
        card = sealed_card(there)
        said = await there.press("dee", "trains:approve", card)
        assert "Approved aboard the web 12:00: checkout." in said
        assert "Not cart: You can't: you wrote" in said
        assert "Approved aboard the web 12:00: cart" in await there.press("eve", "trains:approve", card)
        there.pipeline.break_next("production")
        await there.turn_to(12)
        (held,) = [one for one in aloud(there) if "is HELD" in one]
        assert "cart: a thumbs-up of whoever wrote #401" in held
        assert "checkout: a thumbs-up of whoever wrote #801" in held
        for author in ("dee", "ana"):
            asked = watching.one(heard_aloud(there, author), "It waits for your thumbs-up")
            assert "Thumbs up for #" in await there.press(author, "trains:ready", asked)
        assert there.production(CART)[-1] == cart
        assert there.production()[-1] == checkout
        assert "🛑 *web 12:00* · STOPPED half way" in there.says(card)
        assert "✅ *cart* live" in there.says(card)
        assert "🔴 *checkout* failed" in there.says(card)
        stopped = next(one for one in aloud(there) if "STOPPED half way" in one)
        assert "<@U0CHI> or <@U0EVE>, roll on or back?" in stopped
        assert "Rolling back the web 12:00" in await there.press("chi", "trains:roll_back", card)
        assert there.production(CART)[-1] == before
        assert "⏪ *web 12:00* · was rolled back" in there.says(card)
        assert "no longer in *production*" in there.heard_by("dee")
        assert not watching.said_twice(sandbox)


async def test_one_that_nobody_let_go_was_missed_and_can_be_run_and_a_new_timetable_is_said(
    sandbox: Sandbox, sqlite_url: str, tmp_path: Path
) -> None:
    """Late within its grace it leaves; later it says so. A hotfix goes besides the train, with one more yes."""
    async with company(sandbox, sqlite_url, tmp_path, catalogue=timetable()) as there:
        first = await there.merge("ana", RETRY)
        await there.end()
        there.let_pass(hours=2, minutes=45)
        await there.begin()
        await sandbox.slack.until(lambda: "run it now?" in there.standing_in(RELEASES))
        card = sealed_card(there)
        assert "⌛ *web 12:00* · MISSED" in there.says(card)
        note = there.sandbox.slack.replies(card.channel, card.ts)[-1]
        assert "<@U0CHI>, run it now?" in there.says(note)
        assert "Next: " in there.says(note)
        assert "Chi" in await there.press("ben", "trains:run", card)
        assert "The web 12:00 is run after all" in await there.press("chi", "trains:run", card)
        assert "Nothing to do" in await there.press("eve", "trains:run", note)
        await there.press("dee", "promotions:approve", sealed_card(there))
        assert there.production().count(first) == 1
        assert "It was run after all" in there.says(card)

        second = await there.merge("ben", TAX)
        await there.turn_to(15, 45)
        await there.end()
        frozen = there.clock()
        (tmp_path / "shipmate.yml").write_text(
            timetable(departs='"0 12,18 * * *"')
            + f"""
freezes:
  - {{from: {frozen:%Y-%m-%dT15:50}, until: {frozen:%Y-%m-%dT16:20}, services: all, reason: a sale}}
"""
        )
        await there.begin()
        await sandbox.slack.until(lambda: "The train *web* has another timetable" in there.standing_in(RELEASES))
        assert "Sealed already, and keeps its time: the web 16:00 (1 change aboard)" in there.standing_in(RELEASES)
        await there.press("dee", "promotions:approve", sealed_card(there))
        await there.turn_to(16)
        assert "is HELD: checkout: frozen: a sale" in "".join(aloud(there))
        assert second not in there.production()
        await there.turn_to(16, 20)
        assert there.production()[-1] == second, "nobody did anything: the freeze was over"
        third = await there.merge("ana", DECLINED)
        await there.turn(minutes=31)
        assert "Asked for" in await there.ship("ana", "promote checkout")
        assert "a hotfix besides the web train" in there.says(there.card())
        await there.press("dee", "promotions:approve")
        assert third not in there.production(), "it wants one more"
        await there.press("eve", "promotions:approve")
        assert there.production()[-1] == third
        assert not watching.said_twice(sandbox)


def removing(there: Company, person: str, title: str) -> str:
    """The choice of the window on top that names a change."""
    options = [
        option
        for block in there.sandbox.slack.modals(person)[-1]["blocks"]
        if block["block_id"] == "what"
        for option in block["element"]["options"]
    ]
    (found,) = [one["value"] for one in options if title in one["text"]["text"]]
    return str(found)


async def test_what_the_conductor_pressed_before_a_kill_counts_before_the_time_that_passed_since(
    sandbox: Sandbox, sqlite_url: str, tmp_path: Path
) -> None:
    """Chi's Hold was acknowledged and not applied yet; the bot is back a minute after noon: the train is held."""
    async with company(sandbox, sqlite_url, tmp_path, catalogue=timetable()) as there:
        sha = await there.merge("ana", RETRY)
        await there.turn_to(11, 45)
        await there.press("dee", "promotions:approve", sealed_card(there))
        await there.end()
        engine = create_engine(address(sqlite_url))
        with Session(engine) as session:
            hold = TrainActed(
                act=TrainAct.HOLD, departure=session.exec(select(Departure.id)).one() or 0, slack_id="U0CHI",
                called="Chi", reason="the gateway is slow", review_at=there.clock() + timedelta(hours=1),
                at=there.clock(),
            )  # fmt: skip
            store(session, [Incoming(SOURCE, "chi-holds-it", {}, acts.body(hold), Lane.URGENT)], there.clock())
            session.commit()
        engine.dispose()
        there.let_pass(minutes=16)
        await there.begin()
        await there.at_rest()
        assert "HELD by Chi" in there.says(sealed_card(there))
        assert sha not in there.production()
