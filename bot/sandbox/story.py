"""Scenes: what happens at Acme, so that there is something to see. Each is played by the people and the pipeline.

Seconds are the story's; ``pace`` stretches them (0 = at once, each step answered before the next). Some scenes wait for
the bot: they break off where there is none that answers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.sandbox.story_alerts import an_alert_after_a_rollout
from bot.sandbox.story_deploys import (
    CROWD,
    burst,
    calm_deploy,
    failing_canary,
    failing_deploy,
    red_build,
    rollback,
    slack_is_down,
    webhooks_go_missing,
)
from bot.sandbox.story_incidents import STORM, an_alert_storm, nobody_answers, not_mine
from bot.sandbox.story_locks import a_declared_rollback, a_lock_and_its_go
from bot.sandbox.story_promotions import one_more_while_it_waits, production_needs_a_yes, two_race_to_approve
from bot.sandbox.story_stage import Scene
from bot.sandbox.story_trains import a_day_of_trains

if TYPE_CHECKING:
    from bot.sandbox.server import Sandbox

__all__ = ["CROWD", "SCENES", "Scene", "play"]

SCENES: dict[str, Scene] = {
    "a calm deploy": Scene(
        "Three changes go to staging, then to production; each author hears when theirs is live.", calm_deploy
    ),
    "production needs a yes": Scene(
        "Three changes wait in staging. Ben may not approve his own, Dee may; then the soak ends, and they go live.",
        production_needs_a_yes,
        needs_bot=True,
    ),
    "two people race to approve": Scene(
        "Dee and Eve approve at the same moment, Dee twice; cart ships once, and each press is answered.",
        two_race_to_approve,
        needs_bot=True,
    ),
    "one more while it waits": Scene(
        "Dee has approved when a newer build comes; Ana takes it aboard: the yes is void. Give it anew as Dee.",
        one_more_while_it_waits,
        needs_bot=True,
    ),
    "a lock and its Go": Scene(
        "Dee locks cart for half an hour, and whoever waits hears. It runs out, and ships when she says Go.",
        a_lock_and_its_go,
        needs_bot=True,
    ),
    "a declared rollback": Scene(
        "Dee rolls cart back from its card; everybody whose change left hears. Then a fix, an unlock, a Go.",
        a_declared_rollback,
        needs_bot=True,
    ),
    "an alert after a rollout": Scene(
        "Twelve minutes after cart went live an alert fires: Ana's phone rings, and a room opens by itself. Be Ana, "
        "and read what you are told, then the room. She goes back, says that it is over, and the fix goes in.",
        an_alert_after_a_rollout,
        needs_bot=True,
    ),
    "not mine": Scene(
        "The ledger is out of balance after three changes. Ana is woken and says that it is not hers: Ben, who turned "
        "a flag, is at once, and it was that. Look into the room, and at PagerDuty on the right.",
        not_mine,
        needs_bot=True,
    ),
    "nobody answers": Scene(
        "Ben sleeps through his page. Five minutes later the escalation policy is asked; Dee takes it on her phone.",
        nobody_answers,
        needs_bot=True,
    ),
    "an alert storm": Scene(
        f"{STORM} alerts of five services at once, each told twice, while Slack and PagerDuty answer 429: Dee is woken "
        "once, there is one room, and nothing is lost.",
        an_alert_storm,
        needs_bot=True,
    ),
    "a day of trains": Scene(
        "The shop train leaves four times: on time, held for a yes, missed and run late, and with one change left "
        "behind. Watch #releases.",
        a_day_of_trains,
        needs_bot=True,
    ),
    "a failing deploy": Scene("Production does not come up; the author hears at once.", failing_deploy),
    "a failing canary": Scene(
        "A change does badly at 10 % of the traffic; the pipeline stops and goes back by itself.", failing_canary
    ),
    "a red build": Scene("The main branch turns red; its author and team hear, and it is mended.", red_build),
    "a rollback": Scene("A change goes live and production goes back to what ran before.", rollback),
    "Slack is down": Scene("Deploys go on while Slack answers 503; then everything is said, once.", slack_is_down),
    "a burst": Scene(f"{CROWD} services deploy within a moment, into one channel; the one that fails is seen.", burst),
    "webhooks go missing": Scene(
        "GitHub loses webhooks during a deploy; 15 minutes later the bot has found out by itself.",
        webhooks_go_missing,
    ),
}


async def play(sandbox: Sandbox, name: str, *, pace: float = 1.0) -> None:
    """Play a scene to its end; LookupError if there is none of that name."""
    scene = SCENES.get(name)
    if scene is None:
        raise LookupError(f"there is no scene {name!r}; there are {', '.join(SCENES)}")
    await scene.play(sandbox, pace)
