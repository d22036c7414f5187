"""Scenes about incidents: a page that goes to somebody else, one that nobody answers, and a storm of alerts.

They play at Acme's ledger, which ships by itself and which cart and checkout stand on. Each begins an hour after
what was before, so that nothing older is laid to what happens.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from bot.sandbox.faults import FaultKind
from bot.sandbox.monitoring import Alert
from bot.sandbox.repositories import File
from bot.sandbox.story_room import MINE, NONE_OF_THEM, NOT_MINE, Crew
from bot.sandbox.story_stage import Stage

if TYPE_CHECKING:
    from bot.sandbox.server import Sandbox

LEDGER = "acme/ledger"
RATES = "acme/rates"

OUT_OF_BALANCE = "ledger out of balance"
FLAG = "round-half-even"
BEHIND = "ledger falls behind"
NO_ANSWER = timedelta(minutes=5)
"""How long a page goes unanswered before it goes on, by Acme's policy."""

STRUCK = ("ledger", "rates", "cart", "checkout", "storefront")
SYMPTOMS = ("errors", "latency", "queue", "restarts")
INSTANCES = 10
STORM = len(STRUCK) * len(SYMPTOMS) * INSTANCES
"""Alerts of a storm, each told twice: by both replicas of Alertmanager."""

REFUSED_FOR = 6.0
"""Seconds of the story for which Slack and PagerDuty answer 429."""


class Small(Stage):
    """A small service, whose pipeline brings each change to production by itself."""

    @classmethod
    async def ready(cls, sandbox: Sandbox, pace: float, repo: str) -> Small:
        """The stage; a bot that has heard nothing of what is live there yet is told."""
        stage = cls(sandbox, pace, repo)
        there = stage.github.repository(repo)
        if len(there.deployments) == len(("staging", "production")):
            for number in sorted(there.deployments, reverse=True):
                await stage.github.tell_again(repo, number)
            await stage.wait(1)
        return stage

    async def ships(self, title: str, author: str, merged_by: str, file: str, lines: int) -> str:
        """Somebody's change goes live everywhere; what was live before."""
        before = await self.something_is_live()
        files = (File(name=file, additions=lines),)
        sha = await self.merge(author=author, title=title, merged_by=merged_by, files=files)
        await self.github.workflow_run(self.repo, sha)
        for environment in ("staging", "production"):
            await self.roll_out(sha, environment, seconds=2)
        return before


async def not_mine(sandbox: Sandbox, pace: float) -> None:
    """Ana is woken and says that it is not hers: Ben, who turned a flag, is at once, and turns it off again."""
    ledger, rates = [await Small.ready(sandbox, pace, repo) for repo in (LEDGER, RATES)]
    crew = await Crew.ready(sandbox, ledger)
    await crew.an_hour_passes()
    await rates.ships("Take the rates from the new feed", "chi", "eve", "src/feed.py", 88)
    await ledger.later(2, by=timedelta(minutes=3))
    sandbox.flags.turn(FLAG, on=True, tags=("ledger",), name="Ben", email="ben@example.com")
    await ledger.later(2, by=timedelta(minutes=2))
    await ledger.ships("Print the month on a statement", "ana", "ana", "src/statements.py", 21)
    await ledger.later(4, by=timedelta(minutes=12))
    alert = sandbox.monitoring.fire("ledger", OUT_OF_BALANCE, summary="Debits and credits differ by 4,112.07 EUR")
    page = await crew.is_woken("ana")
    room = await crew.room("ana")
    await ledger.wait(6)
    await ledger.press("ana", page, NOT_MINE)
    await crew.is_said(room, "is not the cause")
    told = await crew.is_woken("ben")
    await ledger.wait(5)
    await ledger.press("ben", told, MINE)
    await crew.is_said(room, "Ben is on it")
    await ledger.wait(4)
    cause = crew.likely(room, FLAG)
    await crew.says_it_was(room, "ben", cause)
    sandbox.flags.turn(FLAG, on=False, tags=("ledger",), name="Ben", email="ben@example.com")
    await ledger.later(4, by=timedelta(minutes=2))
    sandbox.monitoring.resolve(alert)
    await crew.falls_quiet(room)
    await ledger.wait(4)
    await crew.types_resolve("ben", room, "Turned the flag off", cause)
    await crew.is_said(room, "postmortem")


async def nobody_answers(sandbox: Sandbox, pace: float) -> None:
    """Ben sleeps through his page; five minutes later the escalation policy is asked, and Dee takes it on her phone."""
    ledger = await Small.ready(sandbox, pace, LEDGER)
    crew = await Crew.ready(sandbox, ledger)
    await crew.an_hour_passes()
    await ledger.ships("Write in batches", "ben", "ben", "src/batches.py", 130)
    await ledger.later(3, by=timedelta(minutes=9))
    alert = sandbox.monitoring.fire("ledger", BEHIND, summary="The newest entry is 14 minutes old")
    await crew.is_woken("ben")
    room = await crew.room("ben")
    await ledger.later(6, by=NO_ANSWER)
    await crew.is_said(room, "has not answered")
    await crew.rings("dee")
    await ledger.wait(4)
    sandbox.pagerduty.take("dee")
    await crew.is_said(room, "Dee is on it")
    await ledger.later(5, by=timedelta(minutes=6))
    sandbox.monitoring.resolve(alert)
    await crew.falls_quiet(room)
    await ledger.wait(3)
    await crew.types_resolve("dee", room, "It caught up by itself once the batches were small", NONE_OF_THEM)


async def an_alert_storm(sandbox: Sandbox, pace: float) -> None:
    """Everything that stands on the ledger complains at once, while Slack and PagerDuty refuse: one page, one room."""
    ledger = await Small.ready(sandbox, pace, LEDGER)
    crew = await Crew.ready(sandbox, ledger)
    await crew.an_hour_passes()
    monitoring = sandbox.monitoring
    seconds = max(1.0, REFUSED_FOR * pace)
    sandbox.pagerduty.fault(rate_limited=seconds, lasts=True)
    sandbox.slack.fault(FaultKind.RATELIMITED)
    monitoring.replicas = 2
    try:
        for service in STRUCK:
            for symptom in SYMPTOMS:
                monitoring.fire_many(_alerts(sandbox, service, symptom))
            await ledger.wait(0)
        await ledger.wait(REFUSED_FOR)
        await crew.is_refused()
    finally:
        sandbox.pagerduty.fault()
        sandbox.slack.clear_faults()
    await crew.rings("dee")
    room = await crew.room()
    await ledger.wait(4)
    sandbox.pagerduty.take("dee")
    await crew.room("dee")
    await crew.is_said(room, "Dee is on it")
    await ledger.until_says(room, f"{STORM} alerts fire")
    await ledger.later(5, by=timedelta(minutes=4))
    monitoring.resolve_all()
    monitoring.replicas = 1
    await crew.falls_quiet(room)
    await ledger.wait(3)
    await crew.types_resolve("dee", room, "The ledger's disk was full", NONE_OF_THEM)


def _alerts(sandbox: Sandbox, service: str, symptom: str) -> list[Alert]:
    """One symptom of a service, on each of its instances."""
    return [
        Alert(
            service=service,
            environment="production",
            name=f"{service} {symptom}",
            began=sandbox.clock.now(),
            labels={"instance": f"{service}-{number:02}"},
        )
        for number in range(1, INSTANCES + 1)
    ]
