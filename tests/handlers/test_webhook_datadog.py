"""Datadog by our own template: transitions by their words, tags as labels, and the cycle as the alert's key."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bot.events import AlertLevel, AlertReported
from handlers.webhooks import SOURCES
from handlers.webhooks.datadog import TEMPLATE
from handlers.webhooks.source import Malformed
from tests.handlers import recorded
from tests.handlers.recorded import alert, at, body_of, compact, read


def test_a_monitor_triggers() -> None:
    """By its title without what differs from one report to the next, and without whom it was sent to."""
    found = alert("datadog", "triggered")
    assert recorded.differs(
        found, source="datadog", fingerprint="8123", service=None, name="Checkout error rate", environment="prod",
        started_at=at(13, 12, 30), at=at(13, 12, 30), level=AlertLevel.CRITICAL, summary="Errors are up.",
        url="https://app.datadoghq.example/monitors/91234", version="1.4.2", grouping="91234",
    ) == {}  # fmt: skip
    assert (found.labels["service"], found.labels["team"], found.labels["urgent"]) == ("checkout", "payments", "true")


def test_a_recovery_ends_whatever_its_cycle_began() -> None:
    """It says when, and not since when."""
    found = alert("datadog", "recovered")
    assert (found.fingerprint, found.started_at, found.resolved_at) == ("8123", None, at(13, 29, 10))


@pytest.mark.parametrize(
    ("name", "level"),
    [("warn", AlertLevel.WARNING), ("no_data", None), ("renotified", AlertLevel.CRITICAL)],
)
def test_other_transitions_fire(name: str, level: AlertLevel | None) -> None:
    """A warning is one whatever the monitor's priority; a variable that was not filled in says nothing."""
    found = alert("datadog", name)
    assert (found.resolved_at, found.level) == (None, level)


@pytest.mark.parametrize(
    ("transition", "over"),
    [("Re-Triggered", False), ("Re-Warn", False), ("Re-No Data", False), ("Warn Recovered", True), ("recovered", True)],
)
def test_a_transition_is_read_by_its_words(transition: str, over: bool) -> None:
    """Their exact spelling is not documented."""
    payload = {**json.loads(body_of("datadog", "triggered")), "transition": transition}
    [found] = SOURCES["datadog"].translate({}, compact(payload))
    assert isinstance(found, AlertReported)
    assert (found.resolved_at is not None) is over


def test_ids_may_be_numbers() -> None:
    """Somebody took off the quotes around them: an alert is not lost for that."""
    payload = {**json.loads(body_of("datadog", "triggered")), "cycle_key": 8123, "alert_id": 91234}
    [found] = SOURCES["datadog"].translate({}, compact(payload))
    assert isinstance(found, AlertReported)
    assert (found.fingerprint, found.grouping) == ("8123", "91234")


def test_the_test_of_the_webhook_tells_nothing() -> None:
    """Its variables are left as they are written."""
    assert read("datadog", "test") == []


def test_what_was_not_made_by_our_template_is_refused_with_where_it_is() -> None:
    """Datadog's own default body names neither the monitor's state nor its cycle."""
    with pytest.raises(Malformed, match=TEMPLATE):
        SOURCES["datadog"].check({}, b'{"body": "x", "title": "y", "date": "1"}')


def test_each_event_and_transition_is_a_delivery() -> None:
    """Datadog sends an event again after a 5xx, under its id."""
    assert SOURCES["datadog"].delivery_id({}, body_of("datadog", "recovered")) == "7262:Recovered"


def test_the_template_that_is_shipped_is_the_one_that_is_read() -> None:
    """Key for key."""
    shipped = json.loads((Path(__file__).parents[2] / TEMPLATE).read_text())
    assert shipped.keys() == json.loads(body_of("datadog", "triggered")).keys()
    assert all(value.startswith("$") for value in shipped.values())
