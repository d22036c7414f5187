"""PagerDuty's events: its own incidents are alerts, ours are answers; any of several signatures will do."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bot.events import AlertLevel, AlertReported, PagerAnswered, PagerSaid
from handlers.webhooks import SOURCES
from handlers.webhooks.source import Malformed, Unauthorised
from tests.handlers import recorded
from tests.handlers.recorded import SECRET, alert, at, body_of, compact, digest, read

KEY = "d3640fbd41094207a1c11e58e46b1662"
OURS = "shipmate:4:9:ab12"
SAID = at(13, 13, 0, 169000)


def test_an_incident_of_its_own_is_an_alert() -> None:
    """Whoever is on call was woken by it; its service's id tells whose it is."""
    found = alert("pagerduty", "incident.triggered")
    assert recorded.differs(
        found, source="pagerduty", fingerprint="PINC1", service=None, name="Checkout is slow",
        started_at=at(13, 12, 30), at=SAID, level=AlertLevel.ERROR, pager_incident="PINC1",
        url="https://acme.pagerduty.example/incidents/PINC1",
        labels={
            "pagerduty_service": "PSVC1", "pagerduty_service_name": "Checkout", "priority": "P2", "urgency": "high",
        },
    ) == {}  # fmt: skip


def test_one_that_is_resolved_is_over_and_answers() -> None:
    """Both, since it may be an alert of ours and have been asked about."""
    over, answer = read("pagerduty", "incident.resolved")
    assert isinstance(over, AlertReported)
    assert (over.fingerprint, over.started_at, over.resolved_at) == ("PINC1", None, SAID)
    assert answer == PagerAnswered(
        incident="PINC1", key=KEY, said=PagerSaid.RESOLVED, user="PUSR1", name="Ana Alves", at=SAID
    )


def test_one_that_is_opened_again_fires_from_then_on() -> None:
    """Its first beginning is another occurrence."""
    fires, answer = read("pagerduty", "incident.reopened")
    assert isinstance(fires, AlertReported)
    assert isinstance(answer, PagerAnswered)
    assert (fires.started_at, fires.resolved_at, answer.said) == (at(14, 0), None, PagerSaid.REOPENED)


@pytest.mark.parametrize(
    ("changes", "level"),
    [
        ({"priority": {"summary": "P1"}}, AlertLevel.CRITICAL),
        ({"priority": None, "urgency": "low"}, AlertLevel.WARNING),
        ({"status": "resolved"}, None),
        ({"incident_key": OURS}, None),
    ],
)
def test_one_whose_priority_is_set_later_is_as_grave_as_that(changes: dict[str, Any], level: AlertLevel | None) -> None:
    """People set it once they have looked; of one that is over or ours it says nothing."""
    payload = json.loads(body_of("pagerduty", "incident.triggered"))
    payload["event"] |= {"event_type": "incident.priority_updated"}
    payload["event"]["data"] |= changes
    found = SOURCES["pagerduty"].translate({}, compact(payload))
    assert [(one.level, one.started_at) for one in found if isinstance(one, AlertReported)] == (
        [] if level is None else [(level, at(13, 12, 30))]
    )


@pytest.mark.parametrize(
    ("name", "key", "said", "user"),
    [
        ("incident.acknowledged", KEY, PagerSaid.ACKNOWLEDGED, "PUSR1"),
        ("incident.reassigned", KEY, PagerSaid.REASSIGNED, "PUSR2"),
        ("incident.delegated", KEY, PagerSaid.REASSIGNED, "PUSR2"),
        ("incident.escalated", KEY, PagerSaid.ESCALATED, "PUSR2"),
        ("ours.acknowledged", OURS, PagerSaid.ACKNOWLEDGED, "PUSR1"),
        ("ours.resolved", OURS, PagerSaid.RESOLVED, None),
        ("responder.accepted", None, PagerSaid.ACCEPTED, "PUSR3"),
        ("responder.declined", None, PagerSaid.DECLINED, "PUSR3"),
    ],
)
def test_what_people_do_about_one_is_an_answer(name: str, key: str | None, said: PagerSaid, user: str | None) -> None:
    """Of ours nothing is ever an alert; what a service did, nobody did. One that went on is of whom it went to."""
    [answer] = read("pagerduty", name)
    assert isinstance(answer, PagerAnswered)
    assert (answer.incident, answer.key, answer.said, answer.user) == ("PINC1", key, said, user)


@pytest.mark.parametrize("name", ["ours.triggered", "responder.added", "annotated", "ping"])
def test_the_rest_is_accepted_and_tells_nothing(name: str) -> None:
    """Pagey's ping proves that the secret fits."""
    assert read("pagerduty", name) == []


BODY = body_of("pagerduty", "incident.triggered")
RIGHT, WRONG = f"v1={digest(BODY)}", f"v1={digest(BODY, 'another')}"


@pytest.mark.parametrize(
    "given", [RIGHT, f"{WRONG},{RIGHT}", f"{RIGHT}, {WRONG}", f"v2=abc,{RIGHT}", f"v1={digest(BODY).upper()}"]
)
def test_any_of_several_signatures_proves_it(given: str) -> None:
    """While a secret is replaced both sign."""
    SOURCES["pagerduty"].verify({"x-pagerduty-signature": given}, BODY, SECRET)


@pytest.mark.parametrize(
    "given", [None, WRONG, f"{WRONG},{WRONG}", digest(BODY), "v1=", "v1=é" * 20, f"v2={digest(BODY)}"]
)
def test_no_signature_that_fits_is_turned_away(given: str | None) -> None:
    """With what to compare."""
    with pytest.raises(Unauthorised):
        SOURCES["pagerduty"].verify({} if given is None else {"X-PagerDuty-Signature": given}, BODY, SECRET)


def test_an_event_keeps_its_id() -> None:
    """However often it is sent; what has no event is none."""
    assert SOURCES["pagerduty"].delivery_id({}, BODY) == "01INCIDENTTRIGGERED"
    with pytest.raises(Malformed):
        SOURCES["pagerduty"].check({}, b'{"messages": []}')


RECORDED = recorded.PAYLOADS.parents[1].parent / "shared" / "payloads" / "pagerduty"


@pytest.mark.skipif(not RECORDED.is_dir(), reason="the folder of published shapes is not here")
def test_the_published_shapes_are_read() -> None:
    """Events as they stand, and data within an event of each kind that we read."""
    told = []
    for file in sorted(RECORDED.glob("*-event-*.json")):
        SOURCES["pagerduty"].check({}, file.read_bytes())
        told += SOURCES["pagerduty"].translate({}, file.read_bytes())
    [raised] = told
    assert isinstance(raised, AlertReported)
    assert (raised.pager_incident, raised.level, raised.resolved_at) == ("PGR0VU2", AlertLevel.CRITICAL, None)
    data = json.loads((RECORDED / "03-data-incident.json").read_bytes())
    event = {"id": "1", "event_type": "incident.triggered", "occurred_at": "2026-11-21T13:13:00Z", "data": data}
    [found] = SOURCES["pagerduty"].translate({}, compact({"event": event}))
    assert isinstance(found, AlertReported)
    assert (found.pager_incident, found.level) == ("PGR0VU2", AlertLevel.CRITICAL)
