"""Many people at one card at the same moment: one decision ends it, one deployment follows, everybody is answered."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import Path

import pytest
from sqlmodel import Session, col, select

from bot.outbox import Effect
from bot.promotions.models import Decision, Promotion, State
from bot.sandbox.server import Sandbox
from bot.sandbox.world import Message, Person
from bot.server import serving
from tests.acceptance import watching
from tests.acceptance.promoting import Company, company, policy
from tests.acceptance.stories import CHANNEL
from tests.conftest import UNHURRIED, UNLIMITED, settings_for

pytestmark = pytest.mark.both_engines

GATES = "[lock, freeze, order, {approval: {count: 1, expires: 4h}}, health]"
PEOPLE = ("ana", "ben", "chi", "dee", "eve")
"""Ana wrote it; Dee and Eve may approve it; everybody is of the team, and may reject it."""

CROWD = tuple(f"colleague-{number}" for number in range(1, 36))
"""More full members of the workspace, who may reject it too."""

CLICKS = 100
"""Of which everybody submits one Reject; the rest are of Approve."""

HEAD_START = 10
"""How many of one kind come before all others; Ana's are among them, and come to nothing."""

ACKNOWLEDGED = {"close": "submitted", "errors": "refused in the window"}
"""How a window's sending is answered: where Slack is too slow to say who sent it, the window stays and says why."""


@asynccontextmanager
async def replicas(there: Company, database_url: str, folder: Path) -> AsyncIterator[list[str]]:
    """The addresses at which the bot is reached: a second one beside the first on PostgreSQL."""
    if database_url.startswith("sqlite"):
        yield [there.serving.url]
        return
    settings = settings_for(there.sandbox, database_url, SHIPMATE_CONFIG=str(folder / "shipmate.yml"))
    async with serving(settings, limits=UNLIMITED, clock=there.clock) as second:
        yield [there.serving.url, second.url]


@pytest.mark.timeout(400)
async def test_a_hundred_clicks_of_approve_and_reject_come_to_one_end(
    sandbox: Sandbox, database_url: str, tmp_path: Path
) -> None:
    """Whoever is first: the others are told what became of it, on whichever replica they clicked."""
    chance = random.Random(812)
    async with (
        company(sandbox, database_url, tmp_path, catalogue=policy(gates=GATES)) as there,
        replicas(there, database_url, tmp_path) as urls,
    ):
        for number, colleague in enumerate(CROWD):
            sandbox.world.add_person(
                Person(
                    key=colleague,
                    slack_id=f"U0CROWD{number}",
                    real_name=colleague.capitalize(),
                    email=f"{colleague}@example.com",
                    colour="6b4fc4",
                    zone="Europe/Paris",
                )
            )
        for number, first in enumerate(("approve", "reject"), start=1):
            await there.merge("ana", f"Change {number}")
            before = len(there.production())
            heard = len(whispers(sandbox))
            card = there.card(f"Change {number}")
            opened = await open_rejects(there, card)
            answered = await at_once(there, card, urls, first, chance)
            await there.at_rest()
            refused = answered["refused in the window"]
            assert answered == Counter(
                {"clicked": CLICKS - opened, "submitted": opened - refused, "refused in the window": refused}
            )
            await everybody_answered(sandbox, heard + CLICKS - refused)
            ended, shipped = await outcome(there), len(there.production()) - before
            assert (ended, shipped) in ((State.DONE, 1), (State.REJECTED, 0))
            assert watching.said_twice(sandbox) == []


async def open_rejects(there: Company, card: Message) -> int:
    """Everybody has the window open that asks why they reject it; how many windows there are."""
    slack, everybody = there.sandbox.slack, (*PEOPLE, *CROWD)
    for person in everybody:  # one by one: who is asked all at once who they are may be told to try again
        await slack.click(person, card.channel, card.ts, action_id="promotions:reject")
        await slack.until(partial(slack.modals, person))
    assert [len(slack.modals(person)) for person in everybody] == [1] * len(everybody)
    return len(everybody)


async def at_once(there: Company, card: Message, urls: list[str], first: str, chance: random.Random) -> Counter[str]:
    """Everybody clicks Approve and submits Reject, again and again; how many of each Slack saw acknowledged."""
    sandbox = there.sandbox

    async def click(person: str, url: str) -> str:
        sandbox.slack.bot_url = url  # read at once, before anything is waited for
        answer = await sandbox.slack.click(person, card.channel, card.ts, action_id="promotions:approve")
        return "clicked" if answer.ok else answer.reason

    async def submit(person: str, url: str) -> str:
        sandbox.slack.bot_url = url
        window = sandbox.slack.modals(person)[-1]
        done = await sandbox.slack.submit(person, window["id"], {"reason": "the gateway is down"})
        assert all("Slack does not tell me" in said for said in done.errors.values()), done.errors
        return ACKNOWLEDGED.get(done.action, done.action)

    rejections = [submit(person, chance.choice(urls)) for person in (*PEOPLE, *CROWD)]
    approvals = [click(PEOPLE[one % len(PEOPLE)], chance.choice(urls)) for one in range(CLICKS - len(rejections))]
    acts = [*approvals, *rejections]
    chance.shuffle(acts)
    acts.sort(key=(approvals if first == "approve" else rejections)[:HEAD_START].count, reverse=True)
    return Counter(await asyncio.gather(*acts))


async def everybody_answered(sandbox: Sandbox, wanted: int) -> None:
    """Wait until each click has its answer, by whichever replica took it."""
    with suppress(TimeoutError):
        await sandbox.slack.until(lambda: len(whispers(sandbox)) >= wanted, within=UNHURRIED)
    assert len(whispers(sandbox)) == wanted, "somebody was left without an answer"


def whispers(sandbox: Sandbox) -> list[Message]:
    """What anybody was told alone in the team's channel."""
    return [one for one in sandbox.slack.messages(CHANNEL) if one.ephemeral_for is not None]


async def outcome(there: Company) -> State:
    """How the newest promotion ended; AssertionError unless exactly one decision ended it, and one effect at most."""

    def read(session: Session) -> tuple[State, list[str], int]:
        promotion = session.exec(select(Promotion).order_by(col(Promotion.id).desc())).first()
        assert promotion is not None
        decided = session.exec(select(Decision.outcome).where(Decision.promotion == promotion.id)).all()
        called = session.exec(select(Effect).where(Effect.kind == "deploy")).all()
        mine = [one for one in called if one.data["promotion"] == promotion.id]
        return State(promotion.state), [one for one in decided if one in ("called", "rejected")], len(mine)

    state, endings, effects = await there.serving.bot.database.read(read)
    assert endings == (["rejected"] if state is State.REJECTED else ["called"])
    assert effects == 1 or (effects == 0 and state is State.REJECTED)
    return state
