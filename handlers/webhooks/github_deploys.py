"""GitHub's events about deployments: where one rollout stands, and whose promotion and run it is."""

from __future__ import annotations

import re
from collections.abc import Mapping

from bot.events import DeployReported, DeployStatus, Event
from handlers.webhooks.github_pieces import account, commit_sha, repository
from handlers.webhooks.payload import TEXT_LIMIT, Fields, decode_object, one_line
from handlers.webhooks.source import Malformed

_ID_LIMIT = 2**63 - 1
_DEPLOY_TASK = re.compile(r"deploy:(.+)", re.IGNORECASE)
_RUN = re.compile(r"/actions/runs/([1-9][0-9]{0,17})(?![0-9])")
"""Where GitHub Actions says a rollout's log is."""

_DEPLOY_STATES: Mapping[str, DeployStatus] = {
    "pending": DeployStatus.PENDING,
    "queued": DeployStatus.PENDING,
    "waiting": DeployStatus.PENDING,
    "in_progress": DeployStatus.IN_PROGRESS,
    "success": DeployStatus.SUCCEEDED,
    "failure": DeployStatus.FAILED,
    "error": DeployStatus.FAILED,
}
"""``inactive`` is not among them: it says that a newer deployment took over, not how this one went."""


def deployment(payload: Fields) -> list[Event]:
    """A deployment was announced."""
    return _deploy(payload, Fields(None), DeployStatus.PENDING)


def deployment_status(payload: Fields) -> list[Event]:
    """A deployment moved on."""
    status = payload.fields("deployment_status")
    state = _DEPLOY_STATES.get(status.word("state") or "")
    return _deploy(payload, status, state) if state else []


def _deploy(payload: Fields, status: Fields, state: DeployStatus) -> list[Event]:
    deployment = payload.fields("deployment")
    repo, number, sha = repository(payload), deployment.count("id", limit=_ID_LIMIT), commit_sha(deployment, "sha")
    environment = deployment.word("environment") or status.word("environment")
    at = status.moment("created_at", "updated_at") or deployment.moment("created_at", "updated_at")
    began_at = deployment.moment("created_at") or at
    if repo is None or number is None or sha is None or environment is None or at is None or began_at is None:
        return []
    # A preview environment for every pull request would drown the channel.
    if deployment.flag("transient_environment") is True:
        return []
    run, carried = payload.fields("workflow_run"), _payload(deployment)
    creator = account(deployment.fields("creator"))
    if creator is None or creator.bot:
        person = account(run.fields("triggering_actor")) or account(run.fields("actor"))
        creator = person if person and not person.bot else creator
    description = status.prose("description") or deployment.prose("description")
    return [
        DeployReported(
            source="github",
            external_id=str(number),
            repo=repo,
            service=_service(deployment, carried),
            environment=environment,
            sha=sha,
            ref=deployment.word("ref"),
            status=state,
            began_at=began_at,
            at=at,
            url=run.link("html_url") or status.link("log_url", "target_url"),
            description=description[:TEXT_LIMIT] if description else None,
            creator=creator,
            final=deployment.flag("production_environment"),
            promotion=carried.fields("shipmate").count("promotion"),
            run=_run(run, status),
        )
    ]


def _payload(deployment: Fields) -> Fields:
    """What its maker put into it: an object, or JSON in a text."""
    payload = deployment.raw("payload")
    if not isinstance(payload, str):
        return Fields(payload)
    try:
        return decode_object(payload)
    except Malformed:
        return Fields(None)


def _service(deployment: Fields, carried: Fields) -> str | None:
    """The service its maker named: in ``payload.service``, or as the task ``deploy:<service>``."""
    task = _DEPLOY_TASK.fullmatch(deployment.word("task") or "")
    return carried.word("service") or (one_line(task.group(1)) if task else None)


def _run(run: Fields, status: Fields) -> int | None:
    """The run it is part of: as GitHub says, else by where the log is."""
    found = _RUN.search(status.link("log_url", "target_url") or "")
    return run.count("id", limit=_ID_LIMIT) or (int(found.group(1)) if found else None)
