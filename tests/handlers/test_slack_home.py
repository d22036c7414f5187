"""App Home, watches, and what else people see of what waits for them, in a whole bot."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.sandbox.server import Sandbox
from tests.acceptance.promoting import Company, company, policy
from tests.handlers.pressing import answered, shown, typed

GATES = "[lock, order, {soak: 30m}, {approval: {count: 1, expires: 4h}}]"


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """One engine will do."""
    return sqlite_url


@pytest.fixture
async def there(sandbox: Sandbox, database_url: str, tmp_path: Path) -> AsyncIterator[Company]:
    """A company in which Ana's change waits for a yes."""
    async with company(sandbox, database_url, tmp_path, catalogue=policy(gates=GATES)) as living:
        await living.merge("ana", "Retry payments")
        yield living


async def home(there: Company, person: str) -> str:
    """Open Home; what it says."""
    slack = there.sandbox.slack
    assert await slack.open_home(person) == [200]
    await slack.until(lambda: slack.home(person))
    await there.at_rest()
    view = slack.home(person)
    assert view is not None
    return shown(view)


async def test_home_shows_what_waits_for_somebody_and_they_can_say_yes_there(there: Company) -> None:
    words = await home(there, "dee")
    assert "Dee, what waits for you" in words
    assert "*checkout* → *production* · 1 change" in words
    assert "#801" in words
    assert "soaks in staging" in words
    view = there.sandbox.slack.home("dee")
    assert view is not None
    click = there.sandbox.slack.click_view("dee", view["id"], action_id="promotions:approve")
    assert "Approved" in await answered(there, "dee", click), "a home tab has no place: it is answered in a message"
    await there.sandbox.slack.until(
        lambda: "Nothing waits for your yes" in shown(there.sandbox.slack.home("dee") or {"blocks": []})
    )
    assert "👍 Dee approved" in there.says()


async def test_a_guests_home_says_that_they_read(there: Company) -> None:
    """Nothing is offered that they may not do, and nobody is called somebody."""
    words = await home(there, "fay")
    assert "You read here" in words
    assert "somebody, what" not in words
    assert "/ship me github prove" not in words


async def test_home_shows_somebodys_changes_on_their_way_and_what_is_locked(there: Company) -> None:
    await typed(there, "dee", "lock checkout network work")
    words = await home(there, "ana")
    assert "Nothing waits for your yes" in words, "she wrote it"
    assert "✅ checkout · staging" in words
    assert "approval: needs 1 yes" in words
    assert "network work" in words
    assert "No train is configured." in words


async def test_home_is_made_anew_after_somebodys_own_act_only_where_they_look_at_it(there: Company) -> None:
    await home(there, "dee")
    published = [call.method for call in there.sandbox.slack.calls].count("views.publish")
    await typed(there, "eve", "lock checkout one")
    await typed(there, "dee", "unlock checkout")
    await there.at_rest()
    assert [call.method for call in there.sandbox.slack.calls].count("views.publish") == published + 1


async def test_an_open_messages_tab_publishes_nothing(there: Company) -> None:
    event = {"type": "app_home_opened", "user": "U0ANA", "tab": "messages", "channel": "D0", "event_ts": "1.0"}
    assert await there.sandbox.slack.event(event) == [200]
    await there.at_rest()
    assert there.sandbox.slack.home("ana") is None


async def test_a_home_that_cannot_be_published_is_published_when_it_is_opened_again(there: Company) -> None:
    there.sandbox.slack.fault("http_500", method="views.publish", times=1)
    assert await there.sandbox.slack.open_home("ana") == [200]
    await there.at_rest()
    assert there.sandbox.slack.home("ana") is None
    assert "what waits for you" in await home(there, "ana")


async def test_somebody_who_watches_hears_when_it_is_there_and_when_it_is_not_any_more(there: Company) -> None:
    """Ben asks for himself and for Eve; Ana hears of it as its author, once."""
    assert "You will hear when #801 is live in production." in await typed(there, "ben", "watch 801 production")
    assert "Eve will hear when #801 is live in each environment." in await typed(there, "ben", "watch 801 <@U0EVE|eve>")
    await typed(there, "ana", "watch 801 PRODUCTION")
    await typed(there, "dee", "watch 801 production")
    assert "no longer watched" in await typed(there, "dee", "watch stop 801")
    await there.press("dee", "promotions:approve")
    await there.turn(minutes=31)
    assert "live in *production*" in there.says()
    slack = there.sandbox.slack
    heard = {person: "\n".join(one.text for one in slack.direct_messages(person)) for person in ("ben", "eve", "dee")}
    assert "✅ #801 is live in production · checkout" in heard["ben"]
    assert "✅ #801 is live in production · checkout" in heard["eve"]
    assert "#801 is live in production" not in heard["dee"]
    assert there.heard_by("ana").count("✅ #801 is live in production") == 0
    assert "It is live in staging, production already." in await typed(there, "chi", "watch 801")


WATCHES = (
    ("watch", "Say it like this: /ship watch 812"),
    ("watch 801 production staging", "Say it like this"),
    ("watch 801 @nobody-here", "I cannot tell who @nobody-here is"),
    ("watch 9999", "I know no change “9999”"),
    ("watch 801 produktion", "did you mean"),
)


async def test_a_watch_that_makes_no_sense_is_refused_with_how_to_say_it(there: Company) -> None:
    for words, told in WATCHES:
        said = await typed(there, "ben", words)
        assert said.startswith("✋"), words
        assert told in said, (words, said)
    assert "there is nothing to stop" in await typed(there, "ben", "watch stop 801")
    assert "only read here" in await typed(there, "fay", "watch 801")
