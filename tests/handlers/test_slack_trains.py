"""What people type and press of release trains, in a whole bot in the stand-in world: each of it is answered."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from bot.sandbox.server import Sandbox
from bot.sandbox.world import Message
from tests.acceptance import watching
from tests.acceptance.promoting import API_TOKEN, Company, company, policy
from tests.acceptance.stories import CHANNEL
from tests.handlers.pressing import answered, element, opened, pressed, shown, stored_acts, typed

TRAINS = """
trains:
  web:
    services: [checkout]
    to: production
    departs: "0 12,16 * * *"
    timezone: UTC
    boarding_closes: 15m
    conductors: {rota: [U0CHI], backup: U0EVE}
"""
RELEASES = "payments-deploys"


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """One engine will do: what becomes of acts has its own tests on both."""
    return sqlite_url


@pytest.fixture
async def there(sandbox: Sandbox, database_url: str, tmp_path: Path) -> AsyncIterator[Company]:
    """A company in which Ana's change boards the train at noon; it is ten."""
    catalogue = policy(gates="[lock, freeze, order, {soak: 30m}, {approval: {count: 1}}]") + TRAINS
    async with company(sandbox, database_url, tmp_path, catalogue=catalogue) as living:
        await living.merge("ana", "Retry payments")
        yield living


def departure(there: Company) -> Message:
    """The newest departure's card."""
    return watching.cards(there.sandbox.slack.messages(RELEASES), "departure")[-1]


async def test_who_asks_reads_who_boards_and_every_word_is_answered(there: Company) -> None:
    """Before boarding closes there is a timetable to read, and nothing to act on."""
    said = await typed(there, "ben", "train")
    assert said.startswith("🚆 web → production · next ")
    assert "checkout 1: #801 Ana · soaks until " in said
    assert "conductor Chi · backup Eve" in said
    assert (await typed(there, "ben", "train Web")).startswith("🚆 web → production")
    for words, answer in (
        ("train wep", "I know no train “wep”; did you mean “web”? There is: web."),
        ("train web hodl too risky", "I do not know “hodl” of a train; did you mean “hold”?"),
        ("train hold web", "The train's name comes first: /ship train web hold."),
        ("train web hold too risky", "Nothing of web is sealed yet: boarding for 12:00 closes at 11:45 (UTC)."),
        ("train web release now", "I cannot place “now”."),
        ("train web run", "Nothing of web is sealed yet"),
        ("trian", "Did you mean"),
    ):
        assert answer in await typed(there, "chi", words), words


async def test_its_conductor_holds_releases_removes_and_cancels_it(there: Company) -> None:
    """Each by a button with its window, or typed; whoever may not is told who can, and nothing is stored of a guest."""
    slack = there.sandbox.slack
    await there.turn(minutes=110)
    card = departure(there)
    assert card.text.startswith("🚆 web 12:00 · sealed, leaves at ")
    assert not there.promotions(RELEASES), "the departure's card is the only one"

    window = await opened(there, "ana", "trains:hold", card)
    said = await answered(there, "ana", slack.submit("ana", window["id"], {"reason": "no", "review": "30m"}))
    assert "You can't hold the web 12:00: that is for its conductor Chi, Eve (backup)" in said
    before = await stored_acts(there)
    assert "Guests" in await pressed(there, "fay", "trains:depart", card)
    assert await stored_acts(there) == before

    window = await opened(there, "chi", "trains:hold", card)
    assert "web 12:00" in shown(window)
    blank = await slack.submit("chi", window["id"], {"reason": " ", "review": "30m"})
    assert blank.errors == {"reason": "Say why: everybody who waits for it will read this."}
    said = await answered(there, "chi", slack.submit("chi", window["id"], {"reason": "slow", "review": "1h"}))
    assert "Holding the web 12:00: slow. You are asked again at 12:" in said
    assert departure(there).text.startswith("✋ web 12:00 · HELD by Chi")
    assert "Nothing to do: the web 12:00 is held by Chi" in await typed(there, "eve", "train web hold again for 2h")
    assert "Released: the web 12:00 leaves at 12:00 (UTC)" in await pressed(there, "eve", "trains:release", card)
    assert "needs 1 yes" in await typed(there, "chi", "train web depart")

    window = await opened(there, "dee", "trains:details", card)
    assert "Retry payments · Ana" in shown(window)
    window = await opened(there, "chi", "trains:remove", card)
    (what,) = [block["element"] for block in window["blocks"] if block.get("block_id") == "what"]
    assert [one["text"]["text"] for one in what["options"]] == ["all of checkout", "#801 Retry payments (checkout)"]
    filled = {"what": what["options"][1]["value"], "reason": "wants a migration"}
    said = await answered(there, "chi", slack.submit("chi", window["id"], filled))
    assert "checkout is off" in said
    assert "nothing is left aboard" in said
    assert departure(there).text.startswith("⚪ web 12:00 · cancelled")
    assert "wants a migration" in there.heard_by("ana")
    card.blocks[-1]["elements"].append({"type": "button", "action_id": "trains:release", "value": "1:old"})
    assert "Nothing was done: the web 12:00 was cancelled by Chi" in await pressed(there, "eve", "trains:release", card)
    card.blocks[-1]["elements"][-1] = {"type": "button", "action_id": "trains:run", "value": "what?"}
    assert "does not say which departure" in await pressed(there, "eve", "trains:run", card)


async def test_an_approver_lets_it_go_from_its_card_and_programs_read_of_it(there: Company) -> None:
    """Its promotion has no card in the channel, so its button stands here."""
    await there.turn(minutes=110)
    card = departure(there)
    assert element(card, "promotions:approve")["text"]["text"] == "Approve checkout…"
    assert "Approved" in await pressed(there, "dee", "promotions:approve", card)
    assert "Every gate is open: it leaves by itself." in departure(there).text
    assert "has left" in await typed(there, "chi", "train web depart")
    await there.turn(minutes=1)
    assert departure(there).text.startswith("✅ web 12:00 · arrived · ")
    assert "has left: Chi let it go" in there.standing_in(RELEASES)

    status, answer = await there.asked("/api/v1/trains")
    assert (status, answer["next"]) == (200, None)
    assert answer["trains"][0]["departures"][0]["outcome"] == "arrived"
    address = f"{there.serving.url}/api/v1/trains/web.ics"
    async with aiohttp.ClientSession() as http:
        async with http.get(address) as refused:
            assert refused.status == 401
        as_password = {"Authorization": aiohttp.encode_basic_auth("calendar", API_TOKEN)}
        async with http.get(address, headers=as_password) as feed:
            assert (feed.status, feed.content_type) == (200, "text/calendar")
            assert (await feed.text()).startswith("BEGIN:VCALENDAR")
    status, answer = await there.asked("/api/v1/trains/mobile.ics")
    assert (status, answer["mend"]) == (404, "Those of shipmate.yml: web.")


async def test_who_types_that_it_rolls_back_confirms_it_in_a_window(there: Company) -> None:
    """As /ship rollback asks; whoever may not hears so before any window, and nothing is stored of either."""
    slack = there.sandbox.slack
    await there.turn(minutes=110)
    card = departure(there)
    await pressed(there, "dee", "promotions:approve", card)
    there.pipeline.break_next("production")
    await typed(there, "chi", "train web depart")
    await there.turn(minutes=1)
    assert "STOPPED" in departure(there).text
    before = await stored_acts(there)
    refused = await typed(there, "ana", "train web roll back")
    assert refused.startswith("✋ You can't roll back the web 12:00: that is for its conductor Chi")
    await slack.command("chi", "/ship", "train web roll back", channel=CHANNEL)
    window = slack.modals("chi")[-1]
    assert "What it brought live is taken back, the last stage first: checkout." in shown(window)
    assert await stored_acts(there) == before
    said = await answered(there, "chi", slack.submit("chi", window["id"], {}))
    assert said.startswith("👍 Rolling back the web 12:00: checkout.")
    assert "Nothing to do: the web 12:00 was rolled back" in await typed(there, "chi", "train web back")
