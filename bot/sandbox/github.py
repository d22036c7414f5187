"""The stand-in GitHub: what people and pipelines do there, and what goes wrong.

Each act changes the state and sends its webhooks. People are named by login (``ana``); a stranger gets an account when
first named. Times are the world's.
"""

from __future__ import annotations

from bot.sandbox.exhausted import exhausted
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

    def shuffle_webhooks(self, seconds: float | None) -> None:
        """Let webhooks wait for each other, and go in another order so many of the world's seconds after the first.

        None ends that, and lets those go that wait.
        """
        self.hooks.shuffle(seconds)

    def double_webhooks(self, on: bool = True) -> None:
        """Send each webhook twice with the same GUID, as redeliveries are, or stop that."""
        self.hooks.twice = on

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
        lasts: bool = False,
    ) -> None:
        """Make the REST API answer 503, refuse for so many seconds by either limit, or be ``slow``; none = well.

        A limit that ``lasts`` refuses until the next call of this, though it promises to be over after the seconds.
        """
        self.faults = GitHubFaults(
            down=down,
            rate_limited=exhausted(rate_limited, lasts=lasts),
            secondary=exhausted(secondary, lasts=lasts),
            slow=slow,
        )
