"""The stage for the rules of GitHub's stand-in: a prepared world, asked through PyGithub's own requester."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import github as pygithub
from github.Requester import Requester

from bot.sandbox.github_app import APP_ID
from bot.sandbox.server import Sandbox

REPO = "acme/checkout"
Json = dict[str, Any]


@dataclass(frozen=True)
class Answer:
    """What GitHub answered; header names in lower case."""

    status: int
    headers: Mapping[str, Any]
    body: Any


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One rule: what is asked in a prepared world, and how GitHub answers.

    Addresses and bodies may name what ``Stage.names`` holds, as ``{run}``. ``told`` must stand in the answer's message;
    ``answer`` are fields of it. ``app`` asks as the installed App instead of by a person's token.
    """

    name: str
    source: str
    verb: str
    path: str
    sent: Json | None = None
    app: bool = False
    status: int
    told: str = ""
    answer: Json = field(default_factory=dict)


class Stage:
    """A world with something of everything, and two callers of it."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.github = sandbox.github
        self.names: dict[str, Any] = {"repo": REPO}
        self._clients: dict[bool, Requester] = {}

    async def prepare(self) -> None:
        """One of everything that the rules name."""
        github, names = self.github, self.names
        forge = github.forge.repository(REPO)
        names["first"] = forge.branches["main"]
        names["sha"] = await github.commit(REPO, author="ana", message="Retry", files=["src/a.py"])
        names["pull"] = await github.open_pull(REPO, author="ben", title="Later")
        names["own_pull"] = await github.open_pull(REPO, author=github.machine_user.login, title="Ours")
        github.let_in(REPO, "a-triager", "triage")
        await github.commit(REPO, author="ana", message="aside", files=["src/b.py"], branch="green")
        await github.force_push(REPO, "behind", names["first"], by="ana")
        await github.commit(REPO, author="ben", message="aside", files=["src/b.py"], branch="behind")
        await github.force_push(REPO, "torn", names["first"], by="ana")
        await github.commit(REPO, author="ben", message="torn", files=["src/a.py"], branch="torn")
        await github.commit(REPO, author="ana", message="red", files=["src/c.py"], branch="red")
        await github.commit_status(REPO, forge.branches["red"], "unit", "failure")
        github.workflow(
            REPO,
            "deploy",
            inputs={"sha": True, "note": False},
            run_name="Deploy ${{ inputs.sha }}",
        )
        names["ended"] = await github.workflow_run(REPO, names["sha"])
        github.environment(REPO, "production", gate=True, gates=[(77, "other-app")], reviewers=["dee"])
        github.environment(REPO, "canary", reviewers=[github.machine_user.login])
        names["run"] = await github.begin_run(REPO, names["sha"])
        await github.enter(REPO, names["run"], "production")
        names["canary"] = forge.environments["canary"].id
        names["production"] = forge.environments["production"].id
        await github.enter(REPO, names["run"], "canary")
        names["deployment"] = await github.deployment(REPO, "main", "staging")
        await github.check_run(REPO, names["sha"], "e2e")
        await github.commit_status(REPO, names["sha"], "lint")

    async def answer_as_app(self, **sent: Any) -> Answer:
        """Answer the waiting rule as the App."""
        return await self.ask("POST", f"/repos/{REPO}/actions/runs/{{run}}/deployment_protection_rule", sent, app=True)

    async def ask(self, verb: str, path: str, sent: Json | None = None, *, app: bool = False) -> Answer:
        """Ask through PyGithub, in a thread; refusals are answers too."""
        filled = self.filled(sent)
        address = path.format(**self.names)

        def call() -> Answer:
            status, headers, body = self.client(app).requestJson(verb, address, input=filled)
            return Answer(status, headers, json.loads(body) if body else None)

        return await asyncio.to_thread(call)

    def filled(self, piece: Any) -> Any:
        """What was written, with what the stage calls ``{name}`` in its place."""
        if isinstance(piece, str) and piece.startswith("{") and piece.endswith("}"):
            return self.names[piece[1:-1]]
        if isinstance(piece, dict):
            return {name: self.filled(value) for name, value in piece.items()}
        if isinstance(piece, list):
            return [self.filled(value) for value in piece]
        return piece

    def client(self, app: bool) -> Requester:
        """PyGithub's requester, of the installed App or of a person."""
        if app not in self._clients:
            settings = self.sandbox.environment(github_app=app)
            options: Json = {
                "base_url": settings["GITHUB_API_URL"],
                "retry": None,
                "seconds_between_requests": None,
                "seconds_between_writes": None,
            }
            if app:
                auth = pygithub.Auth.AppAuth(APP_ID, settings["GITHUB_APP_PRIVATE_KEY"])
                integration = pygithub.GithubIntegration(auth=auth, **options)
                number = integration.get_repo_installation(*REPO.split("/")).id
                self._clients[app] = integration.get_github_for_installation(number).requester
            else:
                self._clients[app] = pygithub.Github(
                    auth=pygithub.Auth.Token(settings["GITHUB_TOKEN"]), lazy=True, **options
                ).requester
        return self._clients[app]
