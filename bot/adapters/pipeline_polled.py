"""Promoting where the pipeline asks us (Argo Rollouts, Flagger, a script): there is nothing to call.

The answer at ``/api/v1/gates`` turns to ``approved``, and whoever asks goes on by itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from bot.ports import Found, Missing, Order, Started


class PolledPipeline:
    """The Pipeline for ``argo-rollouts``. ``can_ask`` is whether a token is set with which anybody may ask."""

    def __init__(self, *, can_ask: bool) -> None:
        self._can_ask = can_ask

    async def start(self, order: Order) -> Started:
        """Nothing to do: being started is what the poller reads."""
        return Started(None)

    async def find(self, order: Order, *, since: datetime) -> Started | Found:
        """Nothing can be in doubt."""
        return Started(None)

    async def missing(self, service: str, repo: str | None, environments: Sequence[str]) -> Sequence[Missing]:
        """The token that its question must carry."""
        if self._can_ask:
            return []
        return [
            Missing(
                "SHIPMATE_API_TOKEN is not set, so nobody may ask whether the gates are open",
                "Set it to a long random text, and give it to the rollout's analysis as a Bearer token.",
            )
        ]
