"""The stand-in's answers are what PagerDuty's published description says (PagerDuty/api-schema, REST API version 2).

The description itself is not beside this checkout: what it requires of requests, and what its answers have, is written
here by hand, a row for each endpoint that the bot uses.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.conformance.pagerduty_stage import CHECKOUT, POLICY, Json, Stage, prepared

REFERENCE = {"id", "type", "summary", "self", "html_url"}
INCIDENT = REFERENCE | {
    "incident_number", "title", "created_at", "status", "incident_key", "service", "priority", "assigned_via",
    "assignments", "acknowledgements", "last_status_change_at", "last_status_change_by", "first_trigger_log_entry",
    "escalation_policy", "teams", "urgency", "pending_actions", "alert_counts", "incidents_responders",
    "responder_requests", "resolve_reason",
}  # fmt: skip
NOTE = {"id", "user", "content", "created_at"}
UPDATE = {"id", "message", "sender", "created_at"}
REQUEST = {"incident", "requester", "requested_at", "message", "responder_request_targets"}
ON_CALL = {"escalation_policy", "escalation_level", "schedule", "user", "start", "end"}
USER = REFERENCE | {"name", "email", "time_zone", "color", "role", "contact_methods", "notification_rules", "teams"}
PAGE = {"limit", "offset", "more", "total"}
HELP = {
    "requester_id": "PUSHIPMATE",
    "message": "Please look",
    "responder_request_targets": [{"responder_request_target": {"id": "PUBEN", "type": "user_reference"}}],
}

ANSWERS: tuple[tuple[str, str, Json | None, int, str, set[str]], ...] = (
    ("GET", "/incidents", None, 200, "incidents", INCIDENT),
    (
        "POST",
        "/incidents",
        {"incident": {"type": "incident", "title": "x", "service": CHECKOUT}},
        201,
        "incident",
        INCIDENT,
    ),
    ("GET", "/incidents/{id}", None, 200, "incident", INCIDENT),
    ("GET", "/incidents/1", None, 200, "incident", INCIDENT),
    (
        "PUT",
        "/incidents/{id}",
        {"incident": {"type": "incident_reference", "status": "acknowledged"}},
        200,
        "incident",
        INCIDENT,
    ),
    ("POST", "/incidents/{id}/notes", {"note": {"content": "x"}}, 200, "note", NOTE),
    ("POST", "/incidents/{id}/status_updates", {"message": "x"}, 200, "status_update", UPDATE),
    ("POST", "/incidents/{id}/responder_requests", HELP, 200, "responder_request", REQUEST),
    ("GET", "/oncalls", None, 200, "oncalls", ON_CALL),
    ("GET", "/users", None, 200, "users", USER),
    ("GET", "/users/PUANA", None, 200, "user", USER),
)


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    async with prepared() as made:
        yield made


@pytest.mark.parametrize(("verb", "path", "sent", "status", "name", "fields"), ANSWERS)
async def test_an_answer_has_the_fields_that_are_published(
    stage: Stage, verb: str, path: str, sent: Json | None, status: int, name: str, fields: set[str]
) -> None:
    incident = await stage.page("ana")
    answered, body, _ = await stage.ask(verb, path.format(id=incident.id), sent)
    assert answered == status, body
    listed = isinstance(body[name], list)
    assert (body[name][0] if listed else body[name]).keys() >= fields
    assert body.keys() - {name} == (PAGE if listed else set())


TYPELESS = {"title": "x", "service": CHECKOUT}
REQUESTS: tuple[tuple[str, str, Json, str], ...] = (
    ("POST", "/incidents", {"incident": TYPELESS}, "Type"),
    ("POST", "/incidents", {"incident": {**TYPELESS, "type": "incident_reference"}}, "Type"),
    ("POST", "/incidents", {"incident": {**TYPELESS, "type": "incident", "service": {"id": "PSCHECKOUT"}}}, "type"),
    ("PUT", "/incidents/{id}", {"incident": {"status": "resolved"}}, "Type"),
    ("PUT", "/incidents/{id}", {"incident": {"type": "incident", "status": "triggered"}}, "Status"),
    ("PUT", "/incidents/{id}", {"incident": {"type": "incident", "escalation_policy": {"id": "PEPAYMENTS"}}}, "type"),
    ("PUT", "/incidents", {"incidents": [{"id": "{id}", "status": "resolved"}]}, "type"),
)


@pytest.mark.parametrize(("verb", "path", "sent", "told"), REQUESTS)
async def test_what_the_description_requires_is_required(
    stage: Stage, verb: str, path: str, sent: Json, told: str
) -> None:
    incident = await stage.page("ana")
    status, body, _ = await stage.ask(verb, path.format(id=incident.id), sent)
    assert (status, told in body["error"]["errors"][0]) == (400, True), body
    assert incident.open


async def test_500_incidents_are_changed_at_once(stage: Stage) -> None:
    incident = await stage.page("ana")
    one = {"id": incident.id, "type": "incident_reference", "title": "again"}
    assert (await stage.ask("PUT", "/incidents", {"incidents": [one] * 500}))[0] == 200
    assert (await stage.ask("PUT", "/incidents", {"incidents": [one] * 501}))[0] == 413


async def test_the_body_is_shown_to_whoever_asks_for_it(stage: Stage) -> None:
    incident = await stage.page("ana", body={"type": "incident_body", "details": "Likely change 1 of 2"})
    for path, name in ((f"/incidents/{incident.id}", "incident"), ("/incidents", "incidents")):
        for query, shown in (("", False), ("?include[]=body", True)):
            found = (await stage.ask("GET", path + query))[1][name]
            assert ("body" in (found[0] if isinstance(found, list) else found)) is shown, path + query


async def test_responders_are_shown_where_the_account_may_ask_for_them(stage: Stage) -> None:
    incident = await stage.page("ana")
    _, body, _ = await stage.ask("POST", f"/incidents/{incident.id}/responder_requests", HELP)
    (target,) = body["responder_request"]["responder_request_targets"]
    asked = target["responder_request_target"]
    assert (asked["type"], asked["id"]) == ("user", "PUBEN")
    assert [(one["state"], one["user"]["id"]) for one in asked["incidents_responders"]] == [("pending", "PUBEN")]
    stage.pagerduty.account.abilities.discard("coordinated_responding")
    shown: dict[str, Any] = (await stage.ask("GET", f"/incidents/{incident.id}"))[1]["incident"]
    assert not {"incidents_responders", "responder_requests"} & shown.keys()


async def test_what_pagerduty_is_about_to_do_has_its_time(stage: Stage) -> None:
    await stage.create(escalation_policy=POLICY)
    begun = stage.sandbox.clock.now()
    (found,) = (await stage.ask("GET", "/incidents"))[1]["incidents"]
    (pending,) = found["pending_actions"]
    assert pending["type"] == "escalate"
    assert abs(datetime.fromisoformat(pending["at"]) - begun - timedelta(minutes=5)) < timedelta(seconds=2)
    stage.sandbox.clock.turn(by=timedelta(hours=1))
    assert (await stage.ask("GET", "/incidents"))[1]["incidents"][0]["pending_actions"] == []
    named = await stage.page("ana")
    assert (await stage.ask("GET", f"/incidents/{named.id}"))[1]["incident"]["pending_actions"] == []


async def test_incidents_of_the_last_month_are_listed_where_nothing_else_is_asked_for(stage: Stage) -> None:
    await stage.page("ana")
    begun = stage.sandbox.clock.now()
    stage.sandbox.clock.turn(by=timedelta(days=40))
    for query, many in (
        ("", 0),
        ("?date_range=all", 1),
        (f"?since={begun - timedelta(days=1):%Y-%m-%dT%H:%M:%SZ}", 1),
        (f"?until={begun + timedelta(days=1):%Y-%m-%dT%H:%M:%SZ}", 1),
    ):
        assert len((await stage.ask("GET", f"/incidents{query}"))[1]["incidents"]) == many, query
    assert (await stage.ask("GET", f"/incidents?since={begun - timedelta(days=200):%Y-%m-%dT%H:%M:%SZ}"))[0] == 400


async def test_who_changed_it_last_is_told(stage: Stage) -> None:
    incident = await stage.page("ana")
    path = f"/incidents/{incident.id}"
    assert (await stage.ask("GET", path))[1]["incident"]["last_status_change_by"]["id"] == "PUSHIPMATE"
    stage.pagerduty.answer("ana")
    assert (await stage.ask("GET", path))[1]["incident"]["last_status_change_by"]["id"] == "PUANA"


async def test_nobody_is_on_call_by_a_schedule_that_no_policy_names(stage: Stage) -> None:
    assert (await stage.ask("GET", "/oncalls?schedule_ids[]=PCONDUCTORS"))[1]["oncalls"] == []
