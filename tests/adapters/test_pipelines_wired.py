"""Every way of promoting as the catalogue chooses it: wired, and examined by the doctor before anybody needs it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from bot import wiring
from bot.adapters.pipeline_webhook import WebhookPipeline
from bot.catalog import PromoteThrough
from bot.cli.examining_pipelines import pipelines
from bot.cli.findings import Finding, Health
from bot.ports import Started
from bot.promotions import rules
from bot.sandbox.repositories import Repository
from bot.sandbox.server import Sandbox
from bot.settings import load_settings
from bot.wiring import Wired
from tests.adapters.github_side import REPO, order

POLICY = f"""
defaults: {{environments: [staging, production]}}
services:
  by-rule: {{repo: {REPO}, promote_through: github-environment}}
  by-deployment: {{repo: {REPO}, promote_through: github-deployment}}
  by-workflow: {{repo: {REPO}, promote_through: github-workflow, workflow: release.yml, workflow_ref: releases}}
  by-call: {{promote_through: webhook, promote_webhook: "http://127.0.0.1:9/promote"}}
  by-question: {{promote_through: argo-rollouts}}
  not-at-all: {{repo: {REPO}}}
  nowhere: {{promote_through: webhook}}
"""


@dataclass(frozen=True)
class Set:
    """A bot put together and not started."""

    folder: Path
    sandbox: Sandbox

    def up(self, *, app: bool = True, **more: str) -> Wired:
        """Wire it with these settings."""
        policy = self.folder / "shipmate.yml"
        policy.write_text(POLICY)
        environment = {
            **self.sandbox.environment(github_app=app),
            "SHIPMATE_CONFIG": str(policy),
            "DATABASE_URL": f"sqlite:///{self.folder / 'shipmate.db'}",
            **more,
        }
        return wiring.wire(load_settings(environment, None), {})


@pytest.fixture
def put(tmp_path: Path, sandbox: Sandbox) -> Set:
    return Set(tmp_path, sandbox)


def told(found: list[Finding]) -> dict[str, list[str]]:
    """What was said of each service, but for those that are ready."""
    lines: dict[str, list[str]] = {}
    for one in found:
        lines.setdefault(one.subject.partition(" ")[0], []).extend([] if one.health is Health.GOOD else [one.said])
    return lines


async def test_every_way_has_its_pipeline(put: Set) -> None:
    """A way without one would be found out by the first promotion."""
    wired = put.up()
    try:
        assert set(wired.pipelines.ways) == set(PromoteThrough)
    finally:
        await wired.close_adapters()


def test_no_call_takes_effect_after_it_is_believed_absent() -> None:
    """Else it would be made again while the first is still on its way."""
    webhook = WebhookPipeline(lambda service: None, None)
    assert max(wiring.PIPELINES_LONGEST_CALL, webhook.longest_call) < rules.CALL_SETTLES


async def test_the_doctor_says_of_each_service_what_its_way_lacks(put: Set) -> None:
    """One that is set up gets one line; the others a line for each thing, with its mend."""
    wired = put.up(app=False)
    try:
        found = await pipelines(wired)
    finally:
        await wired.close_adapters()
    assert told(found) == {
        "by-rule": ["only a GitHub App can answer GitHub's rules, and none is set"],
        "by-deployment": [],
        "by-workflow": [f"{REPO} has no workflow release.yml"],
        "by-call": ["SHIPMATE_WEBHOOK_SECRET is not set, so nothing can be signed"],
        "by-question": ["SHIPMATE_API_TOKEN is not set, so nobody may ask whether the gates are open"],
        "nowhere": ["no address is set to call", "SHIPMATE_WEBHOOK_SECRET is not set, so nothing can be signed"],
    }
    assert all(one.mend for one in found if one.health is Health.FAULT)


async def test_the_doctor_is_content_with_what_is_set_up(put: Set, sandbox: Sandbox) -> None:
    sandbox.github.environment(REPO, "production", gate=True)
    sandbox.github.workflow(REPO, "release", inputs={})
    wired = put.up(SHIPMATE_WEBHOOK_SECRET="long and random", SHIPMATE_API_TOKEN="longer-and-random")
    try:
        found = await pipelines(wired)
    finally:
        await wired.close_adapters()
    assert told(found) == {
        "by-rule": [],
        "by-deployment": [],
        "by-workflow": [],
        "by-call": [],
        "by-question": [],
        "nowhere": ["no address is set to call"],
    }
    assert {one.said for one in found if one.health is Health.GOOD} == {"ready to promote to production"}


async def test_a_github_that_does_not_answer_is_said_and_no_more(put: Set, sandbox: Sandbox) -> None:
    """The other ways are looked at all the same."""
    sandbox.github.fault(down=True)
    wired = put.up(SHIPMATE_WEBHOOK_SECRET="long and random", SHIPMATE_API_TOKEN="longer-and-random")
    try:
        lines = told(await pipelines(wired))
    finally:
        await wired.close_adapters()
    assert [name for name, said in lines.items() if "HTTP 503" in "".join(said)] == [
        "by-rule",
        "by-deployment",
        "by-workflow",
    ]
    assert lines["by-call"] == []


async def test_a_workflow_is_dispatched_as_the_catalogue_names_it(put: Set, sandbox: Sandbox, repo: Repository) -> None:
    """Its file, and the branch it is taken from; links lead to where people read."""
    repo.branches["releases"] = repo.branches["main"]
    sandbox.github.workflow(REPO, "release", inputs=dict.fromkeys(("service", "environment", "sha"), False))
    wired = put.up()
    try:
        ways = wired.pipelines.ways
        await ways[PromoteThrough.GITHUB_WORKFLOW].start(order(sandbox, service="by-workflow"))
        begun = await ways[PromoteThrough.GITHUB_DEPLOYMENT].start(order(sandbox, service="by-deployment"))
    finally:
        await wired.close_adapters()
    assert [(run.name, run.branch) for run in repo.runs.values()] == [("release", "releases")]
    (made,) = repo.deployments.values()
    address = f"{sandbox.url}/github.com/{REPO}/deployments/production"
    assert (begun, made.payload["service"]) == (Started(f"deployment:{made.id}", address), "by-deployment")
