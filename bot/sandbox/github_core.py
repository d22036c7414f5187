"""The ground the stand-in GitHub stands on: accounts, the clock, what is wrong with it, and the sending of webhooks."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass
from datetime import datetime

from bot.sandbox.clock import Clock
from bot.sandbox.exchanges import Log
from bot.sandbox.exhausted import Exhausted
from bot.sandbox.github_action_shapes import Shapes
from bot.sandbox.github_app import APP_SLUG, App
from bot.sandbox.github_hooks import INSTALLATION_ID, Hooks
from bot.sandbox.github_limits import Limits
from bot.sandbox.github_sign_in import SignIn
from bot.sandbox.repositories import Account, Forge, Repository
from bot.sandbox.world import Json

MACHINE_USER = "shipmate-bot"
"""Whose personal access token the bot has."""
_APP_USER_ID = 50_506


@dataclass
class GitHubFaults:
    """What is wrong with the REST API; ``rate_limited`` and ``secondary`` are the limits that are used up."""

    down: bool = False
    rate_limited: Exhausted | None = None
    secondary: Exhausted | None = None
    slow: float = 0.0


class Ground:
    """What every act on the stand-in GitHub needs."""

    def __init__(self, forge: Forge, clock: Clock | None = None, *, rate_limits: bool = False) -> None:
        self.forge = forge
        self.clock = clock or Clock()
        self.token = f"ghp_{secrets.token_hex(18)}"
        self.webhook_secret = secrets.token_hex(20)
        self.app = App()
        self.sign_in = SignIn(self.clock.now)
        self.log = Log("github")
        self.hooks = Hooks(self.webhook_secret, self.log, forge.numbers, self.clock)
        self.shapes = Shapes("", "")
        self.faults = GitHubFaults()
        self.limits = Limits(enforced=rate_limits, ahead=lambda: self.clock.now().timestamp() - time.time())
        self.machine_user = forge.add_account(
            Account(login=MACHINE_USER, id=next(forge.numbers), name=MACHINE_USER, member=True)
        )
        self.app_user = forge.add_account(
            Account(login=f"{APP_SLUG}[bot]", id=_APP_USER_ID, name=APP_SLUG, bot=True, commit_email="")
        )

    def now(self) -> datetime:
        """The present in the world, aware, in UTC."""
        return self.clock.now()

    def send(self, event: str, repo: Repository, sender: Account, payload: Json, *, installed: bool = True) -> None:
        """Tell the bot of something that happened in a repository; all but a ``ping`` name the installation."""
        installation = {"installation": {"id": INSTALLATION_ID, "node_id": f"I_{INSTALLATION_ID}"}} if installed else {}
        self.hooks.send(
            event,
            payload
            | installation
            | {
                "repository": self.shapes.repository(repo) if event != "push" else self.shapes.pushed_repository(repo),
                "organization": self.shapes.organisation(repo.owner),
                "sender": self.shapes.user(sender),
            },
        )
