"""The stand-in GitHub: what people and pipelines do there. Each act changes the state and sends its webhooks.

People are named by login (``ana``); a stranger gets an account when first named. Times are now.
"""

from __future__ import annotations

import asyncio
import itertools
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from bot.sandbox.exchanges import Log
from bot.sandbox.github_hooks import INSTALLATION_ID, Delivery, Hooks
from bot.sandbox.github_shapes import Shapes, stamp
from bot.sandbox.merging import WAYS
from bot.sandbox.repositories import (
    NOBODY,
    Account,
    Commit,
    Comparison,
    Deployment,
    DeploymentStatus,
    File,
    Forge,
    Pull,
    Repository,
    WorkflowRun,
)
from bot.sandbox.world import Json

PIPELINE = "github-actions[bot]"
_DEFAULT_FILES = ("src/app.py",)


@dataclass
class GitHubFaults:
    """What is wrong with the REST API: ``down`` answers 503, ``rate_limited`` 403 until so many seconds from now."""

    down: bool = False
    rate_limited: float | None = None
    slow: float = 0.0
    cleared: asyncio.Event | None = None


class GitHub:
    """Every repository, and the webhooks that tell of them. Methods are called on the loop the sandbox runs in."""

    def __init__(self, forge: Forge) -> None:
        self.forge = forge
        self.token = f"ghp_{secrets.token_hex(18)}"
        self.webhook_secret = secrets.token_hex(20)
        self.log = Log("github")
        self.hooks = Hooks(self.webhook_secret, self.log, forge.numbers)
        self.shapes = Shapes("", "")
        self.faults = GitHubFaults()
        self._run_numbers = itertools.count(1)

    # Repositories and commits

    def repository(self, full_name: str, default_branch: str = "main") -> Repository:
        """The repository of this name, made with a first commit if need be."""
        if full_name.lower() in self.forge.repositories:
            return self.forge.repository(full_name)
        repo = self.forge.add_repository(full_name, default_branch=default_branch)
        first = repo.add_commit(
            message="Begin", author=self.forge.account("ana"), parents=(), files=(File(name="README.md"),), at=now()
        )
        repo.branches[default_branch] = first.sha
        return repo

    async def commit(
        self,
        repo: str,
        *,
        author: str,
        message: str,
        files: Sequence[str] = _DEFAULT_FILES,
        branch: str | None = None,
    ) -> str:
        """Push one commit to a branch (the default one if none is named); its sha."""
        there = self.forge.repository(repo)
        name = branch or there.default_branch
        before = there.branches.get(name)
        made = self._commit(there, author, message, files, there.branches.get(name) or self._head(there))
        self._push(there, name, [made], by=made.author, before=before)
        return made.sha

    def _commit(self, repo: Repository, author: str, message: str, files: Sequence[str], parent: str) -> Commit:
        return repo.add_commit(
            message=message,
            author=self.forge.account(author),
            parents=(parent,),
            files=tuple(File(name=name) for name in files),
            at=now(),
        )

    @staticmethod
    def _head(repo: Repository) -> str:
        return repo.branches[repo.default_branch]

    def _push(
        self,
        repo: Repository,
        branch: str,
        commits: Sequence[Commit],
        *,
        by: Account,
        before: str | None = None,
        forced: bool = False,
    ) -> None:
        after = commits[-1].sha
        repo.branches[branch] = after
        web = f"{self.shapes.web}/{repo.full_name}"
        self._send(
            "push",
            repo,
            by,
            {
                "ref": f"refs/heads/{branch}",
                "before": before or NOBODY,
                "after": after,
                "pusher": {"name": by.login, "email": by.commit_email},
                "created": before is None,
                "deleted": False,
                "forced": forced,
                "base_ref": None,
                "compare": f"{web}/compare/{(before or NOBODY)[:12]}...{after[:12]}",
                "commits": [self.shapes.pushed_commit(repo, commit) for commit in commits[-2048:]],
                "head_commit": self.shapes.pushed_commit(repo, commits[-1]),
            },
        )

    async def force_push(self, repo: str, branch: str, sha: str, *, by: str) -> None:
        """Move a branch to another commit."""
        there = self.forge.repository(repo)
        before = there.branches.get(branch)
        self._push(there, branch, [there.commits[sha]], by=self.forge.account(by), before=before, forced=True)

    # Pull requests

    async def open_pull(
        self,
        repo: str,
        *,
        author: str,
        title: str,
        commits: Sequence[str] = (),
        files: Sequence[str] = _DEFAULT_FILES,
        labels: Sequence[str] = (),
        body: str = "",
        coauthors: Sequence[str] = (),
        number: int | None = None,
        base: str | None = None,
    ) -> int:
        """Open a pull request of these commit messages (one, the title, if none); ``coauthors`` are logins."""
        there = self.forge.repository(repo)
        base_ref = base or there.default_branch
        taken = number or there.next_pull
        branch = f"{author.removesuffix('[bot]')}/{taken}"
        trailer = "".join(f"\nCo-authored-by: {self._signature(login)}" for login in coauthors)
        made: list[Commit] = []
        for message in commits or (title,):
            parent = made[-1].sha if made else there.branches[base_ref]
            made.append(self._commit(there, author, message + (f"\n{trailer}" if trailer else ""), files, parent))
        by = self.forge.account(author)
        self._push(there, branch, made, by=by)
        pull = there.add_pull(
            Pull(
                id=next(self.forge.numbers),
                number=taken,
                title=title,
                body=body,
                author=by,
                labels=tuple(labels),
                head_ref=branch,
                base_ref=base_ref,
                base_sha=there.branches[base_ref],
                commits=tuple(commit.sha for commit in made),
                created_at=now(),
            )
        )
        self._send_pull("opened", there, pull, by)
        return pull.number

    def _signature(self, login: str) -> str:
        account = self.forge.account(login)
        return f"{account.name} <{account.commit_email}>"

    async def merge_pull(self, repo: str, number: int, *, merged_by: str, how: str = "squash") -> str:
        """Merge a pull request by ``squash``, ``merge`` or ``rebase``; the sha it became on its base branch."""
        there = self.forge.repository(repo)
        pull = there.pulls[number]
        by = self.forge.account(merged_by)
        before = there.branches[pull.base_ref]
        theirs = [there.commits[sha] for sha in pull.commits]
        landed = WAYS[how](there, pull, theirs, by, now())
        pull.merged_at, pull.merged_by, pull.merge_sha = now(), by, landed[-1].sha
        there.land(pull, [commit.sha for commit in landed])
        self._send_pull("closed", there, pull, by)
        self._push(there, pull.base_ref, landed, by=by, before=before)
        return landed[-1].sha

    def _send_pull(self, action: str, repo: Repository, pull: Pull, by: Account) -> None:
        payload = {"action": action, "number": pull.number, "pull_request": self.shapes.pull(repo, pull, full=True)}
        self._send("pull_request", repo, by, payload)

    # Continuous integration

    async def workflow_run(
        self,
        repo: str,
        sha: str,
        name: str = "ci",
        conclusion: str = "success",
        branch: str = "main",
        *,
        attempt: int = 1,
        event: str = "push",
    ) -> int:
        """A workflow ran on a commit and ended; its id. A further ``attempt`` keeps the id of the first."""
        run = self._run(repo, sha, name, branch, attempt=attempt, event=event)
        await self.finish_run(repo, run.id, conclusion)
        return run.id

    async def begin_run(self, repo: str, sha: str, name: str = "deploy", branch: str = "main") -> int:
        """A workflow begins on a commit; its id."""
        run = self._run(repo, sha, name, branch, attempt=1, event="push")
        there = self.forge.repository(repo)
        self._send_run("requested", there, run)
        run.status = "in_progress"
        self._send_run("in_progress", there, run)
        return run.id

    async def finish_run(self, repo: str, run_id: int, conclusion: str) -> None:
        """A workflow run ends."""
        there = self.forge.repository(repo)
        run = there.runs[run_id]
        run.status, run.conclusion, run.at = "completed", conclusion, now()
        self._send_run("completed", there, run)

    def _run(self, repo: str, sha: str, name: str, branch: str, *, attempt: int, event: str) -> WorkflowRun:
        there = self.forge.repository(repo)
        earlier = next((run for run in there.runs.values() if (run.name, run.sha) == (name, sha)), None)
        again = earlier if earlier is not None and attempt > 1 else None
        run = WorkflowRun(
            id=again.id if again else next(self.forge.numbers),
            number=again.number if again else next(self._run_numbers),
            attempt=attempt,
            name=name,
            sha=sha,
            branch=branch,
            event=event,
            status="queued",
            conclusion=None,
            actor=there.commits[sha].author,
            at=now(),
            suite=again.suite if again else next(self.forge.numbers),
        )
        there.runs[run.id] = run
        return run

    def _send_run(self, action: str, repo: Repository, run: WorkflowRun) -> None:
        payload = {
            "action": action,
            "workflow": self.shapes.workflow(repo, run),
            "workflow_run": self.shapes.run(repo, run),
        }
        self._send("workflow_run", repo, run.actor, payload)

    async def check_suite(
        self, repo: str, sha: str, conclusion: str = "success", branch: str = "main", app: str = "Acme CI"
    ) -> int:
        """Another app's checks on a commit ended; the suite's id."""
        there = self.forge.repository(repo)
        commit = there.commits[sha]
        identity = next(self.forge.numbers)
        suite: Json = {
            "id": identity,
            "node_id": f"CS_{identity}",
            "head_branch": branch,
            "head_sha": sha,
            "status": "completed",
            "conclusion": conclusion,
            "url": f"{self.shapes.api}/repos/{there.full_name}/check-suites/{identity}",
            "before": commit.parents[0] if commit.parents else NOBODY,
            "after": sha,
            "pull_requests": [],
            "app": {"id": 3131, "slug": app.lower().replace(" ", "-"), "name": app},
            "created_at": stamp(now()),
            "updated_at": stamp(now()),
            "latest_check_runs_count": 1,
            "head_commit": self.shapes.head_commit(commit),
        }
        self._send("check_suite", there, commit.author, {"action": "completed", "check_suite": suite})
        return identity

    # Deployments

    async def deployment(
        self,
        repo: str,
        ref: str,
        environment: str,
        *,
        creator: str = PIPELINE,
        payload: Any = None,
        production: bool | None = None,
        transient: bool = False,
        run: int | None = None,
        description: str | None = None,
    ) -> int:
        """Announce a deployment of a branch, tag or sha; its id. ``production`` is by default the name's meaning."""
        there = self.forge.repository(repo)
        sha = there.resolve(ref)
        if sha is None:
            raise LookupError(f"{repo} has no {ref!r}")
        made = Deployment(
            id=next(self.forge.numbers),
            sha=sha,
            ref=ref,
            environment=environment,
            creator=self.forge.account(creator),
            payload={} if payload is None else payload,
            production=environment == "production" if production is None else production,
            transient=transient,
            created_at=now(),
            run=run,
            description=description,
        )
        there.deployments[made.id] = made
        self._send(
            "deployment",
            there,
            made.creator,
            {"action": "created", "deployment": self.shapes.deployment(there, made)} | self._run_of(there, made),
        )
        return made.id

    async def deployment_status(
        self,
        repo: str,
        deployment_id: int,
        state: str,
        *,
        log_url: str | None = None,
        description: str = "",
        environment_url: str = "",
    ) -> int:
        """Say where a deployment stands (``pending``, ``in_progress``, ``success`` …); the status's id.

        A success makes earlier ones of a lasting, non-production environment ``inactive``, of which no webhook tells.
        """
        there = self.forge.repository(repo)
        deployment = there.deployments[deployment_id]
        run = there.runs.get(deployment.run) if deployment.run else None
        status = self._status(
            deployment,
            state,
            log_url or (self.shapes.run_page(there, run) if run else ""),
            description,
            environment_url,
        )
        if state == "success" and not deployment.production and not deployment.transient:
            for earlier in there.deployments.values():
                same = earlier.environment == deployment.environment and earlier is not deployment
                if same and earlier.statuses and earlier.statuses[-1].state == "success":
                    self._status(earlier, "inactive", "", "", "")
        self._send(
            "deployment_status",
            there,
            deployment.creator,
            {
                "action": "created",
                "deployment_status": self.shapes.status(there, deployment, status),
                "deployment": self.shapes.deployment(there, deployment),
                "check_run": None,
            }
            | self._run_of(there, deployment),
        )
        return status.id

    def _status(
        self, deployment: Deployment, state: str, log_url: str, description: str, environment_url: str
    ) -> DeploymentStatus:
        status = DeploymentStatus(
            id=next(self.forge.numbers),
            state=state,
            creator=deployment.creator,
            at=now(),
            description=description[:140],
            log_url=log_url,
            environment_url=environment_url,
            environment=deployment.environment,
        )
        deployment.statuses.append(status)
        return status

    def _run_of(self, repo: Repository, deployment: Deployment) -> Json:
        run = repo.runs.get(deployment.run) if deployment.run else None
        if run is None:
            return {"workflow": None, "workflow_run": None}
        return {"workflow": self.shapes.workflow(repo, run), "workflow_run": self.shapes.run(repo, run)}

    async def release(self, repo: str, tag: str, sha: str, name: str, *, author: str = "ana") -> int:
        """Publish a release; its id."""
        there = self.forge.repository(repo)
        there.tags[tag] = sha
        by = self.forge.account(author)
        identity = next(self.forge.numbers)
        web = f"{self.shapes.web}/{there.full_name}"
        release: Json = {
            "url": f"{self.shapes.api}/repos/{there.full_name}/releases/{identity}",
            "html_url": f"{web}/releases/tag/{tag}",
            "id": identity,
            "node_id": f"RE_{identity}",
            "tag_name": tag,
            "target_commitish": there.default_branch,
            "name": name,
            "draft": False,
            "prerelease": False,
            "author": self.shapes.user(by),
            "created_at": stamp(now()),
            "published_at": stamp(now()),
            "assets": [],
            "body": None,
        }
        for action in ("published", "released"):
            self._send("release", there, by, {"action": action, "release": release})
        return identity

    async def ping(self, repo: str) -> None:
        """The greeting a new webhook gets."""
        there = self.forge.repository(repo)
        self._send(
            "ping",
            there,
            there.commits[self._head(there)].author,
            {"zen": "Keep it logically awesome.", "hook_id": 4242},
        )

    # Webhooks

    def _send(self, event: str, repo: Repository, sender: Account, payload: Json) -> None:
        self.hooks.send(
            event,
            payload
            | {
                "repository": self.shapes.repository(repo) if event != "push" else self.shapes.pushed_repository(repo),
                "organization": {"login": repo.owner, "id": 9001, "node_id": "O_9001"},
                "sender": self.shapes.user(sender),
                "installation": {"id": INSTALLATION_ID, "node_id": f"I_{INSTALLATION_ID}"},
            },
        )

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

    def drop_webhooks(self, on: bool = True) -> None:
        """Make deliveries fail (recorded as failed), or stop that."""
        self.hooks.dropping = on

    async def redeliver(self, guid: str) -> None:
        """Send a delivery again by its GUID; LookupError if it is not known."""
        if not self.hooks.redeliver(guid=guid):
            raise LookupError(f"no delivery {guid}")

    def compare(self, repo: str, base: str, head: str) -> Comparison:
        """How two commits stand to each other."""
        there = self.forge.repository(repo)
        return there.compare(base, head)

    def fault(self, *, down: bool = False, rate_limited: float | None = None, slow: float = 0.0) -> None:
        """Make the REST API answer 503, refuse for ``rate_limited`` seconds, or be ``slow`` (seconds); none = well."""
        until = None if rate_limited is None else now().timestamp() + rate_limited
        self.faults = GitHubFaults(down=down, rate_limited=until, slow=slow)


def now() -> datetime:
    """The present, aware, in UTC."""
    return datetime.now(UTC)
