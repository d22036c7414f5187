"""What GitHub's three ways of carrying a promotion out have in common: calls that are made once, and looked up.

A call that is not begun within BEGIN_WITHIN seconds of ``start`` is not made at all, so that whatever an order came to
is there to be found LONGEST_CALL seconds after its start, also where nobody waits for the answer any more.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from bot.adapters.github_client import Answer, GithubClient
from bot.adapters.github_names import Known, Names
from bot.adapters.reading import piece, text
from bot.errors import GiveUp
from bot.ports import Missing

BEGIN_WITHIN = 10.0
LONGEST_CALL = timedelta(seconds=BEGIN_WITHIN + 3 * 15)
"""From ``start`` to the last moment at which GitHub may still do it: begun, connected at the second attempt, answered,
each within the client's patience.
"""

CLOCKS_APART = timedelta(minutes=10)
"""How much earlier than ``since`` GitHub's clock may put what was made then. A promotion's number is used once only, so
looking further back finds nothing that is not ours."""


@dataclass(frozen=True)
class GithubSide:
    """One GitHub for all three: ``site`` is where people read it (``https://github.com``)."""

    client: GithubClient
    names: Names
    site: str

    async def known(self, repo: str) -> Known:
        """The repository under its present name."""
        return await self.names.of(repo)

    async def post(
        self, repo: str, path: str, about: str, body: Mapping[str, Any], *, needs: str, begun: float
    ) -> Answer:
        """POST below the repository, once; ``begun`` is when the order's ``start`` was (``time.monotonic()``)."""
        return await self.client.post(
            repo, f"/repos/{repo}/{path}", about, body, needs=needs, begin_by=begun + BEGIN_WITHIN
        )

    async def lacks(
        self, repo: str, wanted: Mapping[str, str], *, events: frozenset[str] = frozenset()
    ) -> list[Missing]:
        """Which permissions (name to level) and events our App does not have there; of a token nobody can tell."""
        if not self.client.is_app:
            return []
        name = (await self.known(repo)).name
        found = (await self.client.as_app("GET", f"/repos/{name}/installation", "the App's installation")).data
        granted = piece(found, "permissions")
        missing = [
            f"{permission}: {level}"
            for permission, level in wanted.items()
            if text(granted, permission) not in (("write",) if level == "write" else ("read", "write"))
        ]
        told = []
        if missing:
            told.append(
                Missing(
                    f"the GitHub App has no permission {', '.join(missing)}",
                    "Give it under the App's settings → Permissions, then accept that where it is installed.",
                )
            )
        sent = {one for one in found.get("events") or () if isinstance(one, str)} if isinstance(found, dict) else set()
        if not events <= sent:
            told.append(
                Missing(
                    f"the GitHub App is not subscribed to {', '.join(sorted(events - sent))}",
                    "Tick it under the App's settings → Permissions & events → Subscribe to events.",
                )
            )
        return told


def begun_now() -> float:
    """When this order was begun, by the clock that ``GithubSide.post`` counts with."""
    return time.monotonic()


def refusal(fault: GiveUp, mend: str) -> GiveUp:
    """The same refusal, with what a person can do about it in front of GitHub's own words."""
    return type(fault)(fault.code, f"{mend} ({fault.mend})" if fault.mend else mend)
