"""GitHub's REST views of deployments, their statuses, and environments."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aiohttp import web

from bot.sandbox.bodies import parsed
from bot.sandbox.github_answers import Answer, Refused, Route, body_of, invalid, number, one_of, optional, typed, wanted
from bot.sandbox.github_runs import verdicts
from bot.sandbox.github_views import RepositoryViews, acting, caller_of
from bot.sandbox.repositories import Account, Deployment, Repository

STATES = ("error", "failure", "inactive", "in_progress", "queued", "pending", "success")
"""What a status may say; ``waiting`` is GitHub's own to say."""
LONGEST_DESCRIPTION = 140


class DeploymentViews(RepositoryViews):
    """Answers what is asked of deployments."""

    def routes(self) -> list[Route]:
        """What it answers."""
        repo = "/repos/{owner}/{repo}"
        one = f"{repo}/deployments/{{id}}"
        return [
            ("GET", f"{repo}/deployments", self._list, "deployments:read"),
            ("POST", f"{repo}/deployments", self._create, "deployments:write"),
            ("GET", one, self._one, "deployments:read"),
            ("GET", f"{one}/statuses", self._statuses, "deployments:read"),
            ("POST", f"{one}/statuses", self._add_status, "deployments:write"),
            ("GET", f"{one}/statuses/{{status}}", self._status, "deployments:read"),
            ("GET", f"{repo}/environments", self._environments, "actions:read"),
            ("GET", f"{repo}/environments/{{name}}", self._environment, "actions:read"),
            ("GET", f"{repo}/environments/{{name}}/deployment_protection_rules", self._rules, "actions:read"),
        ]

    # Deployments

    async def _list(self, request: web.Request) -> Answer:
        repo = self.repo(request)
        chosen = list(reversed(repo.deployments.values()))
        for name in ("sha", "ref", "task", "environment"):
            asked = request.query.get(name)
            if asked:
                chosen = [one for one in chosen if getattr(one, name) == asked]
        return self.page(request, [self.shapes.deployment(repo, one) for one in chosen])

    def _asked(self, request: web.Request, repo: Repository) -> Deployment:
        deployment = repo.deployments.get(number(request, "id"))
        if deployment is None:
            raise Refused(404, "Not Found")
        return deployment

    async def _one(self, request: web.Request) -> Answer:
        repo = self.repo(request)
        return 200, self.shapes.deployment(repo, self._asked(request, repo))

    async def _create(self, request: web.Request) -> Answer:
        repo, by, sent = self.repo(request), acting(request, self.github), await body_of(request)
        ref = wanted(sent, "ref", str)
        sha = repo.resolve(ref)
        if sha is None:
            raise Refused(422, f"No ref found for: {ref}")
        if _switch(sent, "auto_merge", True) and self._merged(repo, ref, by):
            return 202, {"message": f"Auto-merged {repo.default_branch} into {ref} on deployment."}
        _contexts(repo, ref, sha, sent.get("required_contexts"))
        environment = optional(sent, "environment", "production")
        named = sent.get("production_environment") is not None
        production = typed(sent, "production_environment", bool) if named else None
        made = await self.github.deployment(
            repo.full_name,
            ref,
            environment,
            creator=by.login,
            payload=_payload(sent.get("payload")),
            production=production,
            transient=_switch(sent, "transient_environment", False),
            description=optional(sent, "description") or None,
            task=optional(sent, "task", "deploy"),
            by_app=caller_of(request).is_installation,
        )
        self.github.tell_announced(repo, repo.deployments[made])
        return 201, self.shapes.deployment(repo, repo.deployments[made])

    def _merged(self, repo: Repository, ref: str, by: Account) -> bool:
        """Whether the ref was a branch behind the default one, and has been brought up to it instead."""
        if ref not in repo.branches or not repo.compare(repo.branches[repo.default_branch], repo.branches[ref]).behind:
            return False
        if self.github.catch_up(repo, ref, by=by) is None:
            raise Refused(409, f"Conflict merging {repo.default_branch} into {ref}.")
        return True

    # Statuses

    async def _statuses(self, request: web.Request) -> Answer:
        repo = self.repo(request)
        deployment = self._asked(request, repo)
        statuses = [self.shapes.status(repo, deployment, one) for one in reversed(deployment.statuses)]
        return self.page(request, statuses)

    async def _status(self, request: web.Request) -> Answer:
        repo = self.repo(request)
        deployment, asked = self._asked(request, repo), number(request, "status")
        for status in deployment.statuses:
            if status.id == asked:
                return 200, self.shapes.status(repo, deployment, status)
        raise Refused(404, "Not Found")

    async def _add_status(self, request: web.Request) -> Answer:
        repo, by, sent = self.repo(request), acting(request, self.github), await body_of(request)
        deployment = self._asked(request, repo)
        state = one_of(sent, "state", STATES)
        description = optional(sent, "description")
        if len(description) > LONGEST_DESCRIPTION:
            raise too_long("DeploymentStatus", "description", LONGEST_DESCRIPTION)
        deployment.rename(optional(sent, "environment") or deployment.environment)
        status = self.github.add_deployment_status(
            repo,
            deployment,
            state,
            by,
            log_url=optional(sent, "log_url") or optional(sent, "target_url"),
            description=description,
            environment_url=optional(sent, "environment_url"),
            auto_inactive=_switch(sent, "auto_inactive", True),
            by_app=caller_of(request).is_installation,
        )
        return 201, self.shapes.status(repo, deployment, status)

    # Environments

    async def _environments(self, request: web.Request) -> Answer:
        repo = self.repo(request)
        shapes = [self.shapes.environment(repo, one) for one in repo.environments.values()]
        return self.counted(request, "environments", shapes)

    async def _environment(self, request: web.Request) -> Answer:
        repo = self.repo(request)
        found = repo.environments.get(request.match_info["name"].lower())
        if found is None:
            raise Refused(404, "Not Found")
        return 200, self.shapes.environment(repo, found)

    async def _rules(self, request: web.Request) -> Answer:
        repo = self.repo(request)
        found = repo.environments.get(request.match_info["name"].lower())
        if found is None:
            raise Refused(404, "Not Found")
        rules = [
            {
                "id": rule.id,
                "node_id": f"GA_{rule.id}",
                "enabled": True,
                "app": {
                    "id": rule.app_id,
                    "slug": rule.app,
                    "integration_url": f"{self.shapes.api}/apps/{rule.app}",
                    "node_id": f"GHA_{rule.app_id}",
                },
            }
            for rule in found.rules
        ]
        return 200, {"total_count": len(rules), "custom_deployment_protection_rules": rules}


def too_long(resource: str, field: str, most: int) -> Refused:
    """GitHub's refusal of a text that is too long."""
    told = f"{field} is too long (maximum is {most} characters)"
    return Refused(
        422,
        "Validation Failed",
        errors=[{"resource": resource, "code": "custom", "field": field, "message": told}],
    )


def _switch(sent: Mapping[str, Any], name: str, default: bool) -> bool:
    """A yes or no that may be absent."""
    return typed(sent, name, bool) if name in sent else default


def _payload(sent: Any) -> Any:
    """A payload is an object or a text; of a text that is JSON GitHub makes the object."""
    if isinstance(sent, str):
        try:
            return parsed(sent)
        except ValueError:
            return sent
    if sent is not None and not isinstance(sent, dict):
        raise invalid("For 'properties/payload', the value is neither an object nor a string.")
    return sent


def _contexts(repo: Repository, ref: str, sha: str, required: object) -> None:
    """Refuse where a context that counts has not succeeded: all there are, or those that are named."""
    found = verdicts(repo, sha)
    if required is None:
        required = list(found)
    if not isinstance(required, list) or not all(isinstance(one, str) for one in required):
        raise invalid("For 'properties/required_contexts', the value is not an array of strings.")
    failed = [{"context": one, "state": found.get(one, "pending")} for one in required if found.get(one) != "success"]
    if failed:
        raise Refused(
            409,
            f"Conflict: Commit status checks failed for {ref}.",
            errors=[{"contexts": failed, "resource": "Deployment", "field": "required_contexts", "code": "invalid"}],
        )
