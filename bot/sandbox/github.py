"""The stand-in GitHub: what people and pipelines do there, and what goes wrong.

Each act changes the state and sends its webhooks. People are named by login (``ana``); a stranger gets an account when
first named. Times are the world's.
"""

from __future__ import annotations

import time

from bot.sandbox.github_core import GitHubFaults
from bot.sandbox.github_deployments import PIPELINE, Deployments
from bot.sandbox.github_hooks import HOOK_ID, Delivery

__all__ = ["PIPELINE", "GitHub"]


class GitHub(Deployments):
    """Every repository, and the webhooks that tell of them. Methods are called on the loop the sandbox runs in."""

    async def ping(self, repo: str) -> None:
        """The greeting a new webhook gets."""
        there = self.forge.repository(repo)
        by = there.commits[there.branches[there.default_branch]].author
        self.send("ping", there, by, {"zen": "Keep it logically awesome.", "hook_id": HOOK_ID}, installed=False)

    # Webhooks

    @property
    def deliveries(self) -> list[Delivery]:
        """Every attempt to deliver a webhook, oldest first."""
        return list(self.hooks.deliveries)

    def hold_webhooks(self) -> None:
        """Keep webhooks back until they are released: GitHub is sometimes minutes late."""
        self.hooks.holding = True

    async def release_webhooks(self, shuffle_seed: int | None = None, repeat: int = 1) -> None:
        """Let go of the webhooks held back, in another order and several times if asked."""
        self.hooks.release(shuffle_seed, repeat)

    def late_webhooks(self, seconds: float, *, seed: int | None = None) -> None:
        """Send each webhook from now on so much later by the world's clock (0 = at once again).

        With a seed each is late by some part of it, drawn from the seed, so that they come in another order.
        """
        self.hooks.late(seconds, seed)

    def drop_webhooks(self, on: bool = True) -> None:
        """Make deliveries fail (recorded as failed), or stop that."""
        self.hooks.dropping = on

    async def redeliver(self, guid: str) -> None:
        """Send a delivery again by its GUID; LookupError if it is not known."""
        if not self.hooks.redeliver(guid=guid):
            raise LookupError(f"no delivery {guid}")

    # What goes wrong

    def fault(
        self,
        *,
        down: bool = False,
        rate_limited: float | None = None,
        secondary: float | None = None,
        slow: float = 0.0,
    ) -> None:
        """Make the REST API answer 503, refuse for so many seconds by either limit, or be ``slow``; none = well."""
        self.faults = GitHubFaults(down=down, rate_limited=_until(rate_limited), secondary=_until(secondary), slow=slow)


def _until(seconds: float | None) -> float | None:
    return None if seconds is None else time.time() + seconds
