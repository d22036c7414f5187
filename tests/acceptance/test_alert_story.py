"""An alert after a rollout, end to end: whose phone rings, who is in the room, what is locked, how it ends."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from bot.sandbox.repositories import File
from bot.sandbox.server import Sandbox
from bot.sandbox.world import Channel
from tests.acceptance import watching
from tests.acceptance.promoting import PEOPLE, Company, company
from tests.acceptance.stories import REPO

CATALOGUE = f"""
timezone: Europe/Paris
teams:
  payments: {{channel: "#payments-deploys", approvers: "@payments-leads", escalation_policy: PEPAYMENTS}}
services:
  checkout:
    team: payments
    repo: acme/checkout
    environments: [staging, production]
    pagerduty_service: PSCHECKOUT
    runbook: https://runbooks.example.com/checkout
{PEOPLE}"""

Story = Callable[..., AbstractAsyncContextManager[Company]]


@pytest.fixture
def story(sandbox: Sandbox, database_url: str, tmp_path: Path) -> Story:
    """A company whose alerts wake people, on each engine."""
    return lambda **more: company(sandbox, database_url, tmp_path, catalogue=CATALOGUE, **more)


async def rolled_out(there: Company, sha: str) -> None:
    """The pipeline ships a commit to production."""
    there.let_pass(minutes=1)
    github = there.sandbox.github
    deployment = await github.deployment(REPO, sha, "production", creator="eve")
    await github.deployment_status(REPO, deployment, "in_progress")
    there.let_pass(minutes=2)
    await github.deployment_status(REPO, deployment, "success")
    await there.at_rest()


async def broken(there: Company) -> tuple[str, Any]:
    """Twelve minutes after Ana's rollout, which Chi merged, an alert fires: the commit before, and the alert."""
    before = there.sandbox.github.repository(REPO).branches["main"]
    sha = await there.merge("ana", "Charge cards in one call", merged_by="chi")
    await rolled_out(there, sha)
    await there.turn(minutes=12)
    there.sandbox.monitoring.groups = True
    alert = there.sandbox.monitoring.fire("checkout", "checkout 5xx")
    await there.at_rest()
    return before, alert


def room(there: Company) -> Channel:
    """The only room of an incident."""
    (found,) = [one for one in there.sandbox.world.channels.values() if one.name.startswith("inc-")]
    return found


def rang(there: Company) -> list[str]:
    """Whose phones rang, each once, in order."""
    return list(dict.fromkeys(one.user.key for one in there.sandbox.pagerduty.woken()))


@pytest.mark.both_engines
async def test_an_alert_wakes_who_wrote_and_who_merged_and_the_room_opens(story: Story) -> None:
    """Ana's phone rings with the evidence; the room has them both; checkout is locked until it is resolved."""
    async with story() as there:
        before, alert = await broken(there)
        (page,) = there.sandbox.pagerduty.incidents()
        assert page.title.startswith("checkout 5xx, 12 min after #")
        assert page.title.endswith("Likely change 1 of 2, confidence high")  # 2: what ran before it, only minutes old
        assert [user.key for user, _ in page.assigned] == ["ana"]
        assert [one.user.key for one in page.responders] == ["chi"]
        assert set(rang(there)) == {"ana", "chi"}
        here = room(there)
        assert here.name.endswith("-checkout-5xx")
        assert {"U0ANA", "U0CHI"} <= here.members
        assert "checkout 5xx" in there.heard_by("ana")
        assert "Deploys of checkout are locked until this is resolved" in standing_in(there, here)

        there.sandbox.monitoring.repeat()
        there.sandbox.pagerduty.take("ana")
        await there.at_rest()
        assert "lead Ana" in here.topic
        await there.turn(minutes=30)
        assert set(rang(there)) == {"ana", "chi"}

        await rolled_out(there, before)
        there.sandbox.monitoring.resolve(alert)
        await there.at_rest()
        await there.turn(minutes=2)
        assert "is out again, by Eve" in standing_in(there, here)
        assert "None of its alerts fires any more" in standing_in(there, here)
        assert not watching.said_twice(there.sandbox)


async def test_the_files_of_an_error_tell_whose_change_it_was(story: Story) -> None:
    """Ben changed much more of the same rollout; the error is raised in a file that Ana changed, as GitHub tells."""
    async with story(GENERIC_WEBHOOK_SECRET="shown") as there, aiohttp.ClientSession() as http:
        await there.merge("ana", "Round totals", files=[File(name="src/totals.py")], merged_by="chi")
        large = [File(name=f"src/pages/page{number}.py", additions=200) for number in range(5)]
        await rolled_out(there, await there.merge("ben", "New pages", files=large, merged_by="chi"))
        await there.turn(minutes=12)
        error = {"key": "e1", "name": "checkout: TypeError", "service": "checkout", "environment": "production",
                 "state": "firing", "level": "critical", "started_at": there.clock().isoformat(),
                 "paths": ["/srv/app/src/totals.py", "/srv/app/src/pages/page1.py"]}  # fmt: skip
        secret = {"Authorization": "Bearer shown"}
        async with http.post(f"{there.serving.url}/webhooks/generic", json=error, headers=secret) as answer:
            assert answer.status == 202, await answer.text()
        await there.at_rest()
        (page,) = there.sandbox.pagerduty.incidents()
        assert [user.key for user, _ in page.assigned] == ["ana"]
        assert {one.user.key for one in page.responders} == {"chi", "ben"}
        assert "changes src/totals.py, where the error is raised" in there.heard_by("ana")


async def test_nobody_answers_and_the_escalation_policy_is_asked(story: Story) -> None:
    """Five minutes later Dee, who is first on the policy, is woken by the same incident; it is said in the room."""
    async with story() as there:
        await broken(there)
        await there.turn(minutes=6)
        (page,) = there.sandbox.pagerduty.incidents()
        assert "dee" in rang(there)
        assert page.policy.id == "PEPAYMENTS"
        assert "escalation policy of payments" in standing_in(there, room(there))


async def test_a_bot_that_is_started_again_wakes_nobody_twice(story: Story) -> None:
    """One page, one room, and the time to answer is not forgotten."""
    async with story() as there:
        await broken(there)
        await there.end()
        await there.begin()
        await there.at_rest()
        await there.turn(minutes=6)
        assert len(there.sandbox.pagerduty.incidents()) == 1
        assert "dee" in rang(there)
        room(there)


def standing_in(there: Company, channel: Channel) -> str:
    """Everything that everybody sees in a room."""
    return "\n".join(
        watching.words_of(one) for one in there.sandbox.world.everything(channel) if one.ephemeral_for is None
    )


async def test_nobody_answers_as_the_policy_goes_round_and_what_is_opened_again_is_called(story: Story) -> None:
    """Dee, Eve, and both once more; resolved all the same; what fires next calls Dee by an incident of its own."""
    async with story() as there:
        await there.turn(minutes=1)
        there.sandbox.monitoring.groups = True
        there.sandbox.monitoring.fire("checkout", "checkout out of balance")
        await there.at_rest()
        for _ in range(8):
            await there.turn(minutes=2)
        said = standing_in(there, room(there))
        assert "Nobody has answered: PagerDuty calls Dee again" in said
        assert "Nobody has answered: PagerDuty calls Eve Moreau again" in said
        for _ in range(4):
            await there.turn(minutes=2)
        # At one and the same minute PagerDuty goes on by itself and we ask it to. Where we are first, its policy has
        # nobody else; where it is, Eve has not answered, and whom Slack calls Eve is told there.
        ends = ("has nobody else to call: PagerDuty goes on calling", "Eve Moreau has not answered: Eve is woken now")
        assert any(end in standing_in(there, room(there)) for end in ends)
        assert rang(there) == ["dee", "eve"]

        (card,) = watching.cards(list(there.sandbox.world.everything(room(there))), "incident")
        await there.press("eve", "incidents:resolve", card)
        await there.fill("eve", {"text": "It will be fine", "likely": "0"})
        await there.turn(seconds=28)
        there.sandbox.monitoring.fire("checkout", "checkout slow")
        await there.at_rest()
        first, second = there.sandbox.pagerduty.incidents()
        assert (first.status, second.status) == ("resolved", "triggered")
        assert [user.key for user, _ in second.assigned] == ["dee"]
        assert "Can you look? You are on call." in standing_with(there, "dee")
        await there.turn(minutes=6)
        assert [user.key for user, _ in second.assigned] == ["eve"]
        assert "Eve Moreau was woken" in standing_with(there, "dee")
        assert not watching.said_twice(there.sandbox)


def standing_with(there: Company, person: str) -> str:
    """Everything that somebody reads in their own conversation with us."""
    return "\n".join(watching.words_of(one) for one in there.sandbox.slack.direct_messages(person))
