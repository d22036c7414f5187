"""What the stand-in GitHub and PagerDuty send has the fields that recorded and documented webhooks have."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bot.sandbox.server import Sandbox
from bot.sandbox.story import play
from tests.adapters.github_receiver import REPO, Receiver

PAYLOADS = Path(__file__).parents[3] / "shared" / "payloads"
pytestmark = pytest.mark.skipif(not PAYLOADS.is_dir(), reason="recorded webhooks are not beside this checkout")


@pytest.mark.parametrize(
    ("event", "recording"),
    [
        ("push", "06-event"),
        ("pull_request", "04-closed"),
        ("deployment", "02-created"),
        ("deployment_status", "02-created"),
        ("workflow_run", "02-completed"),
        ("check_suite", "02-completed"),
        ("release", "10-published"),
        ("check_run", "02-completed"),
        ("status", "00-event"),
        ("workflow_job", "06-queued"),
        ("deployment_review", "00-requested"),
    ],
)
async def test_webhooks_have_the_fields_that_recorded_ones_have(
    sandbox: Sandbox, receiver: Receiver, event: str, recording: str
) -> None:
    await play(sandbox, "a calm deploy", pace=0)
    sha = sandbox.github.forge.repository(REPO).branches["main"]
    await sandbox.github.check_suite(REPO, sha)
    await sandbox.github.check_run(REPO, sha, "e2e")
    await sandbox.github.commit_status(REPO, sha, "lint")
    await sandbox.github.release(REPO, "v1", sha, "First")
    sandbox.github.environment(REPO, "production", reviewers=["dee"])
    run = await sandbox.github.begin_run(REPO, sha)
    await sandbox.github.enter(REPO, run, "production")
    await sandbox.github.review_deployment(REPO, run, "production", by="dee")
    await sandbox.settle()
    recorded = json.loads((PAYLOADS / "github" / event / f"{recording}.json").read_text())
    ours = next(payload for payload in receiver.of(event) if payload.get("action") == recorded.get("action"))
    assert recorded.keys() - {"organization"} <= ours.keys()
    subject = "workflow_job_run" if event == "deployment_review" else event
    missing = {name for name in recorded.get(subject, {}) if name not in ours.get(subject, {})}
    assert {name for name in missing if not name.endswith(("_url", "_node_id", "_links"))} == set()


async def test_pagerdutys_webhook_has_the_fields_that_its_documents_have(sandbox: Sandbox) -> None:
    """Both of an incident and of a note; no field that they lack."""
    account = sandbox.pagerduty.account
    incident = sandbox.pagerduty.open(account.services["PSCHECKOUT"], "5xx", by=account.user("ana"))
    documented = json.loads((PAYLOADS / "pagerduty" / "03-data-incident.json").read_text())
    ours = sandbox.pagerduty.shapes.hooked(incident)
    assert documented.keys() - ours.keys() == {"reopened_at"}  # it never was
    assert ours.keys() <= documented.keys()
    assert {name for name in documented["service"] if name not in ours["service"]} == set()
