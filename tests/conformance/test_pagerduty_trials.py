"""What PagerDuty does that takes more than one question to tell: a trial each, with its source, through pdpyras.

"PagerDuty docs" are the API reference and the knowledge base. "not documented" marks what they leave open: the trial
says what the stand-in does then.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import warnings
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest

from tests.conformance.pagerduty_stage import CREATE, POLICY, Stage, assigned, prepared

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # it warns at import that it is no longer developed
    import pdpyras

UPDATE = "PagerDuty docs: Update an Incident"
EVENTS = "PagerDuty docs: Events API v2, Send an event"
WEBHOOKS = "PagerDuty docs: Webhooks v3"


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    async with prepared() as made:
        yield made


async def _own_page(stage: Stage) -> None:
    """Whoever opens an incident for themselves has it already, and nobody is told."""
    await stage.page("shipmate")
    (incident,) = stage.pagerduty.incidents()
    assert (incident.status, stage.pagerduty.notifications) == ("acknowledged", [])


async def _woken(stage: Stage) -> None:
    """A named person is woken at once, again by phone, and no policy follows."""
    incident = await stage.page("ana")
    stage.sandbox.clock.turn(by=timedelta(hours=3))
    assert [(one.user.key, one.method) for one in stage.pagerduty.woken()] == [("ana", "push"), ("ana", "phone")]
    assert (incident.status, incident.level) == ("triggered", 1)


async def _low(stage: Stage) -> None:
    await stage.page("ana", urgency="low")
    stage.sandbox.clock.turn(by=timedelta(hours=3))
    await stage.create(escalation_policy=POLICY, urgency="low")
    stage.sandbox.clock.turn(by=timedelta(hours=3))
    assert stage.pagerduty.woken() == []
    assert [(one.user.key, one.method) for one in stage.pagerduty.notifications] == [("ana", "email"), ("dee", "email")]


async def _duplicate(stage: Stage) -> None:
    await stage.page("ana", incident_key="page:1")
    status, body, _ = await stage.create(incident_key="page:1")
    assert (status, body["error"]["code"]) == (400, 2002)
    assert "matching dedup key already exists" in body["error"]["errors"][0]
    (found,) = (await stage.ask("GET", "/incidents?incident_key=page:1"))[1]["incidents"]
    await stage.ask("PUT", f"/incidents/{found['id']}", {"incident": {"type": "incident", "status": "resolved"}})
    assert (await stage.create(incident_key="page:1"))[0] == 201


async def _escalates(stage: Stage) -> None:
    """Dee, then Eve five minutes later, then both again; each level once more, as the policy loops once."""
    await stage.create()
    begun = stage.sandbox.clock.now()
    stage.sandbox.clock.turn(by=timedelta(hours=3))
    pushed = [
        (one.user.key, round((one.at - begun).total_seconds() / 60))
        for one in stage.pagerduty.woken()
        if one.method == "push"
    ]
    assert pushed == [("dee", 0), ("eve", 5), ("dee", 10), ("eve", 15)]


async def _acknowledged(stage: Stage) -> None:
    stage.pagerduty.answer("dee", after=timedelta(minutes=3))
    await stage.create()
    stage.sandbox.clock.turn(by=timedelta(hours=3))
    (incident,) = stage.pagerduty.incidents()
    assert incident.status == "acknowledged"
    assert stage.pagerduty.woken("eve") == []


async def _slept_through(stage: Stage) -> None:
    """Who was silenced does not answer; who answers later takes what still waits for them."""
    stage.pagerduty.answer("ana")
    stage.pagerduty.silence("ana")
    incident = await stage.page("ana")
    stage.sandbox.clock.turn(by=timedelta(hours=1))
    assert incident.acknowledged == []
    stage.pagerduty.answer("ana")
    assert [user.key for user, _ in incident.acknowledged] == ["ana"]


async def _policy_after_person(stage: Stage) -> None:
    incident = await stage.page("ana")
    sent = {"incident": {"type": "incident", "escalation_policy": POLICY}}
    status, body, _ = await stage.ask("PUT", f"/incidents/{incident.id}", sent)
    assert (status, body["incident"]["assignments"][0]["assignee"]["id"]) == (200, "PUDEE")
    stage.sandbox.clock.turn(by=timedelta(minutes=5))
    assert [user.key for user in incident.assignees] == ["eve"]


async def _reassigned(stage: Stage) -> None:
    """Another assignee makes it triggered again, and stops the policy."""
    await stage.create()
    (incident,) = stage.pagerduty.incidents()
    path = f"/incidents/{incident.id}"
    await stage.ask("PUT", path, {"incident": {"type": "incident", "status": "acknowledged"}})
    await stage.ask("PUT", path, {"incident": {"type": "incident", "assignments": [assigned("ben")]}})
    stage.sandbox.clock.turn(by=timedelta(hours=1))
    assert (incident.status, [user.key for user in incident.assignees]) == ("triggered", ["ben"])


async def _by_hand(stage: Stage) -> None:
    await stage.create()
    (incident,) = stage.pagerduty.incidents()
    path = f"/incidents/{incident.id}"
    assert (await stage.ask("PUT", path, {"incident": {"type": "incident", "escalation_level": 2}}))[0] == 200
    assert (await stage.ask("PUT", path, {"incident": {"type": "incident", "escalation_level": 3}}))[0] == 400
    assert [one.user.key for one in stage.pagerduty.woken()] == ["dee", "eve"]


async def _resolved(stage: Stage) -> None:
    incident = await stage.page("ana")
    several = {"incidents": [{"id": incident.id, "type": "incident_reference", "status": "resolved"}]}
    assert (await stage.ask("PUT", "/incidents", several))[0] == 200
    status, body, _ = await stage.ask(
        "PUT", f"/incidents/{incident.id}", {"incident": {"type": "incident", "status": "acknowledged"}}
    )
    assert (status, body["error"]["errors"]) == (400, ["Incident Already Resolved"])
    listed = (await stage.ask("GET", "/incidents?statuses[]=triggered&statuses[]=acknowledged"))[1]
    assert listed["incidents"] == []


async def _notes(stage: Stage) -> None:
    incident = await stage.page("ana")
    path = f"/incidents/{incident.id}/notes"
    assert (await stage.ask("POST", path, {"note": {"content": "x" * 2000}}))[0] == 200
    assert (await stage.ask("POST", path, {"note": {"content": "x" * 2001}}))[0] == 400
    (note,) = (await stage.ask("GET", path))[1]["notes"]
    assert (len(note["content"]), note["user"]["summary"]) == (2000, "Shipmate")


async def _responders(stage: Stage) -> None:
    incident = await stage.page("ana")
    stage.pagerduty.answer("ben")
    sent = {
        "requester_id": "PUSHIPMATE",
        "message": "Please look",
        "responder_request_targets": [
            {"responder_request_target": {"id": "PUBEN", "type": "user_reference"}},
            {"responder_request_target": {"id": "PEPAYMENTS", "type": "escalation_policy_reference"}},
        ],
    }
    path = f"/incidents/{incident.id}/responder_requests"
    assert (await stage.ask("POST", path, sent))[0] == 200
    assert [(one.user.key, one.state) for one in incident.responders] == [("ben", "joined"), ("dee", "pending")]
    stage.pagerduty.account.abilities.discard("coordinated_responding")
    assert (await stage.ask("POST", path, sent))[0] == 402


async def _updates_and_log(stage: Stage) -> None:
    incident = await stage.page("ana")
    assert (await stage.ask("POST", f"/incidents/{incident.id}/status_updates", {"message": "Rolling back"}))[0] == 200
    kinds = [
        entry["type"] for entry in (await stage.ask("GET", f"/incidents/{incident.id}/log_entries"))[1]["log_entries"]
    ]
    assert kinds == ["notify_log_entry", "assign_log_entry", "trigger_log_entry"]


async def _search(stage: Stage) -> None:
    """A substring of name or address, so callers must compare; pdpyras' find does."""
    assert len((await stage.ask("GET", "/users?query=example.com"))[1]["users"]) == 6

    def find() -> Any:
        with stage.rest() as session:
            return session.find("users", "ANA@example.com", attribute="email")["id"], session.find(
                "users", "na@", "email"
            )

    assert await asyncio.to_thread(find) == ("PUANA", None)


async def _pages(stage: Stage) -> None:
    first = (await stage.ask("GET", "/users?limit=4&total=true"))[1]
    second = (await stage.ask("GET", "/users?limit=4&offset=4"))[1]
    assert (len(first["users"]), first["more"], first["total"]) == (4, True, 6)
    assert (len(second["users"]), second["more"], second["total"]) == (2, False, None)


async def _on_calls(stage: Stage) -> None:
    found = (await stage.ask("GET", "/oncalls?escalation_policy_ids[]=PEPAYMENTS"))[1]["oncalls"]
    assert [(one["escalation_level"], one["user"]["summary"]) for one in found] == [
        (1, "Dee Larsson"),
        (2, "Eve Moreau"),
    ]
    assert (await stage.ask("GET", "/oncalls?user_ids[]=PUANA"))[1]["oncalls"] == []


async def _limited(stage: Stage) -> None:
    _, _, headers = await stage.ask("GET", "/users")
    assert (headers["ratelimit-limit"], headers["ratelimit-remaining"]) == ("960", "959")
    stage.pagerduty.fault(rate_limited=30)
    status, body, headers = await stage.ask("GET", "/users")
    assert (status, body["error"]["code"], headers["ratelimit-remaining"]) == (429, 2020, "0")
    assert (await stage.send(payload={"summary": "x", "source": "y", "severity": "info"}))[0] == 429


async def _events(stage: Stage) -> None:
    def work() -> str:
        with pdpyras.EventsAPISession(stage.settings["PAGERDUTY_ROUTING_KEY"]) as session:
            session.url = stage.settings["PAGERDUTY_EVENTS_URL"]
            key = str(session.trigger("checkout 5xx", "prometheus", dedup_key="checkout/5xx", severity="critical"))
            session.trigger("checkout 5xx still", "prometheus", dedup_key="checkout/5xx", severity="critical")
            session.acknowledge(key)
            return key

    key = await asyncio.to_thread(work)
    (incident,) = stage.pagerduty.incidents()
    assert (key, incident.key, incident.status) == ("checkout/5xx", "checkout/5xx", "acknowledged")
    assert [one.user.key for one in stage.pagerduty.woken()] == ["dee"]
    assert (await stage.send(event_action="resolve", dedup_key=key))[0] == 202
    assert not incident.open
    assert (await stage.send(event_action="resolve", dedup_key="unheard of"))[0] == 202
    status, body = await stage.send(payload={"summary": "x", "source": "y", "severity": "info"})
    assert (status, len(body["dedup_key"])) == (202, 32)


async def _bad_events(stage: Stage) -> None:
    payload = {"summary": "x", "source": "y", "severity": "info"}
    for event, told in (
        ({"payload": payload, "event_action": "shout"}, "event_action"),
        ({"payload": {**payload, "severity": "fatal"}}, "severity"),
        ({"payload": {**payload, "summary": "x" * 1025}}, "summary"),
        ({"payload": {**payload, "source": ""}}, "source"),
        ({"payload": payload, "dedup_key": "x" * 256}, "dedup_key"),
        ({"event_action": "resolve"}, "dedup_key"),
        ({"payload": payload, "routing_key": "short"}, "routing_key"),
        ({"payload": payload, "routing_key": "0" * 32}, "Invalid routing key"),
    ):
        status, body = await stage.send(**event)
        assert (status, body["status"]) == (400, "invalid event"), event
        assert told in body["errors"][0]
    assert (await stage.send_raw("{"))[0] == 400
    assert (await stage.send(payload={**payload, "custom_details": {"x": "y" * 512 * 1024}}))[0] == 413
    assert stage.pagerduty.incidents() == []


async def _throttled(stage: Stage) -> None:
    stage.pagerduty.rate_limits = True
    sent = {"payload": {"summary": "x", "source": "y", "severity": "info"}, "dedup_key": "same"}
    statuses = [(await stage.send(**sent))[0] for _ in range(121)]
    assert statuses == [202] * 120 + [429]


async def _changes(stage: Stage) -> None:
    def work() -> Any:
        with pdpyras.ChangeEventsAPISession(stage.settings["PAGERDUTY_ROUTING_KEY"]) as session:
            session.url = stage.settings["PAGERDUTY_EVENTS_URL"]
            return session.submit("checkout deployed", source="shipmate", custom_details={"sha": "abc"})

    await asyncio.to_thread(work)
    assert stage.pagerduty.incidents() == []
    incident = await stage.page("ana")
    (change,) = (await stage.ask("GET", f"/incidents/{incident.id}/related_change_events"))[1]["change_events"]
    assert (change["summary"], change["custom_details"]) == ("checkout deployed", {"sha": "abc"})
    refused = await stage.send_raw(
        json.dumps({"routing_key": stage.settings["PAGERDUTY_ROUTING_KEY"]}), "/v2/change/enqueue"
    )
    assert refused[0] == 400


async def _signed(stage: Stage) -> None:
    secret = stage.settings["PAGERDUTY_WEBHOOK_SECRET"]
    await stage.page("ana")
    await stage.sandbox.settle()
    assert stage.receiver.kinds == ["incident.triggered"]
    (event,), (body,), (headers,) = stage.receiver.events, stage.receiver.bodies, stage.receiver.headers
    signature = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    assert headers["X-PagerDuty-Signature"] == f"v1={signature}"
    assert (event["data"]["assignees"][0]["summary"], event["agent"]["summary"]) == ("Ana Torres", "Shipmate")
    stage.pagerduty.hooks.rotate()
    stage.pagerduty.answer("ana")
    await stage.sandbox.settle()
    both = stage.receiver.headers[-1]["X-PagerDuty-Signature"].split(",")
    assert f"v1={hmac.new(secret.encode(), stage.receiver.bodies[-1], hashlib.sha256).hexdigest()}" == both[1]
    assert len(both) == 2


async def _every_kind(stage: Stage) -> None:
    """What happens is told, whoever does it."""
    await stage.create()
    (incident,) = stage.pagerduty.incidents()
    dee = stage.pagerduty.account.user("dee")
    await stage.sandbox.settle()
    stage.sandbox.clock.turn(by=timedelta(minutes=5))
    await stage.sandbox.settle()
    stage.pagerduty.reassign(incident, [dee], dee)
    await stage.sandbox.settle()
    stage.pagerduty.acknowledge(incident, dee)
    await stage.sandbox.settle()
    stage.pagerduty.add_note(incident, dee, "found it")
    await stage.sandbox.settle()
    stage.pagerduty.resolve(incident, dee)
    await stage.sandbox.settle()
    kinds = ["triggered", "escalated", "reassigned", "acknowledged", "annotated", "resolved"]
    assert stage.receiver.kinds == [f"incident.{kind}" for kind in kinds]


async def _retried(stage: Stage) -> None:
    """Until it is taken, with the same id; how long between is not documented."""
    stage.receiver.statuses += [503, 429]
    await stage.page("ana")
    await stage.sandbox.settle()
    for _ in range(2):
        stage.sandbox.clock.turn(by=timedelta(minutes=1))
        await stage.sandbox.settle()
    stage.sandbox.clock.turn(by=timedelta(hours=1))
    await stage.sandbox.settle()
    attempts = [event["id"] for event in stage.receiver.events]
    assert (len(attempts), len(set(attempts))) == (3, 1)


async def _given_up(stage: Stage) -> None:
    stage.receiver.statuses += [503] * 100
    await stage.page("ana")
    for _ in range(60):
        await stage.sandbox.settle()
        stage.sandbox.clock.turn(by=timedelta(hours=1))
    (sending,) = stage.pagerduty.hooks.sent
    assert sending.dropped
    assert sending.attempts < 20


async def _dropped(stage: Stage) -> None:
    """A refusal is not tried again, and the third in a row pauses the subscription for a day."""
    stage.receiver.statuses += [401, 401, 401]
    for number in range(4):
        await stage.page("ana", incident_key=str(number))
        await stage.sandbox.settle()
    assert len(stage.receiver.events) == 3
    stage.sandbox.clock.turn(by=timedelta(hours=25))
    await stage.page("ana")
    await stage.sandbox.settle()
    assert len(stage.receiver.events) == 4


async def _lost_answers(stage: Stage) -> None:
    """What is done and not answered shows why a page needs its key."""
    stage.pagerduty.fault(cut=True)
    with pytest.raises(pdpyras.PDClientError):
        await stage.create(incident_key="page:1")
    stage.pagerduty.fault(down=True)
    assert (await stage.create(incident_key="page:1"))[0] == 503
    stage.pagerduty.fault()
    assert (await stage.create(incident_key="page:1"))[0] == 400
    assert len(stage.pagerduty.incidents()) == 1


Trial = Callable[[Stage], Awaitable[None]]
TRIALS: tuple[tuple[str, str, Trial], ...] = (
    ("opened by its assignee it is acknowledged", CREATE, _own_page),
    ("a named person is woken, and no policy follows", "PagerDuty docs: Reassign incidents", _woken),
    ("low urgency wakes nobody here, and does not escalate", "PagerDuty docs: Notification urgency", _low),
    ("one open incident for each key", CREATE, _duplicate),
    ("a policy escalates and loops", "PagerDuty docs: Escalation policies", _escalates),
    ("an acknowledgement ends the escalation", "PagerDuty docs: Escalation policies", _acknowledged),
    ("somebody silent does not answer", "the stand-in's own people", _slept_through),
    ("a policy may follow a person", UPDATE, _policy_after_person),
    ("another assignee triggers it again", UPDATE, _reassigned),
    ("a level may be chosen", UPDATE, _by_hand),
    ("what is resolved stays so", "PagerDuty docs: Manage Incidents", _resolved),
    ("a note has 2,000 characters (its limit; the refusal is not documented)", "PagerDuty docs: Create a note", _notes),
    ("asking for help takes an ability", "PagerDuty docs: Create a responder request", _responders),
    ("status updates and the log", "PagerDuty docs: Create a status update", _updates_and_log),
    ("people are searched by substring", "PagerDuty docs: List users", _search),
    ("lists come in pages", "PagerDuty docs: Pagination", _pages),
    ("who is on call", "PagerDuty docs: List all of the on-calls", _on_calls),
    ("limits are told in headers", "PagerDuty docs: REST API Rate Limits", _limited),
    ("events open, acknowledge and resolve", EVENTS, _events),
    ("events that are wrong", EVENTS, _bad_events),
    ("120 events a minute", "PagerDuty docs: Events API v2 limits", _throttled),
    ("change events open nothing", "PagerDuty docs: Send Change Events", _changes),
    ("webhooks are signed, by two secrets during a change", "PagerDuty docs: Verifying Signatures", _signed),
    ("each kind of event", WEBHOOKS, _every_kind),
    ("retried on 5xx and 429", WEBHOOKS, _retried),
    ("for two days", WEBHOOKS, _given_up),
    ("dropped on 4xx, paused after three", WEBHOOKS, _dropped),
    ("an answer may be lost", "the stand-in's own faults", _lost_answers),
)


@pytest.mark.parametrize(("name", "source", "trial"), TRIALS, ids=[name for name, _, _ in TRIALS])
async def test_pagerduty_behaves_as_it_says_it_does(stage: Stage, name: str, source: str, trial: Trial) -> None:
    await trial(stage)
