"""Alertmanager's groups: each alert by itself, what its labels tell, and what cannot be read left out."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from bot.events import AlertLevel, AlertReported
from handlers.webhooks import SOURCES
from handlers.webhooks.source import Malformed
from tests.handlers import recorded
from tests.handlers.recorded import CAME, at, body_of, compact, read

BEGAN = at(13, 12, 30, 234683)


def test_a_firing_group_gives_each_of_its_alerts() -> None:
    """With whatever labels and annotations say; the rule held for five minutes before it fired."""
    first, second = read("alertmanager", "firing")
    assert isinstance(first, AlertReported)
    assert isinstance(second, AlertReported)
    assert recorded.differs(
        first, source="alertmanager", fingerprint="5cc600f4413a387b", service=None, name="CheckoutErrors",
        started_at=BEGAN, at=CAME, environment="production", level=AlertLevel.CRITICAL, version="1.4.2",
        url="http://prometheus.example.test:9090/graph?g0.expr=x", onset_at=BEGAN - timedelta(minutes=5),
        summary="5xx above 5 % for 5 minutes", grouping='{}:{alertname="CheckoutErrors"}',
        runbook="https://runbooks.example.test/checkout", dashboard="https://grafana.example.test/d/checkout",
    ) == {}  # fmt: skip
    assert (first.labels["service"], first.labels["window"]) == ("checkout", "10m")
    assert (second.level, second.summary, second.onset_at) == (AlertLevel.WARNING, None, None)
    assert second.url == "http://alertmanager.example.test:9093"


def test_a_firing_group_may_hold_what_is_over() -> None:
    """The group's own state says nothing of its alerts."""
    over, fires = read("alertmanager", "mixed")
    assert isinstance(over, AlertReported)
    assert isinstance(fires, AlertReported)
    assert (over.started_at, over.resolved_at, fires.resolved_at) == (BEGAN, at(13, 20), None)
    assert over.fingerprint == "5cc600f4413a387b"


UNREADABLE: dict[str, Any] = {
    "no object": 7,
    "no beginning": {"status": "firing", "labels": {}, "startsAt": None},
    "a beginning in the year 1": {"status": "firing", "startsAt": "0001-01-01T00:00:00Z"},
}


@pytest.mark.parametrize("what", UNREADABLE)
def test_one_that_cannot_be_read_costs_no_other(what: str) -> None:
    """A refusal would make Alertmanager drop the whole group."""
    group = json.loads(body_of("alertmanager", "firing"))
    group["alerts"].insert(0, UNREADABLE[what])
    SOURCES["alertmanager"].check({}, compact(group))
    assert len(SOURCES["alertmanager"].translate({}, compact(group))) == 2


@pytest.mark.parametrize("body", [b"{}", b'{"alerts": {}}', b"[]", b"{"])
def test_what_is_no_group_is_refused(body: bytes) -> None:
    """With what was expected."""
    with pytest.raises(Malformed):
        SOURCES["alertmanager"].check({}, body)


@pytest.mark.parametrize(
    ("label", "said", "level"),
    [
        ("severity", "page", AlertLevel.CRITICAL),
        ("severity", "SEV-1", AlertLevel.CRITICAL),
        ("priority", "P2", AlertLevel.ERROR),
        ("Severity", "Warn", AlertLevel.WARNING),
        ("level", "notice", AlertLevel.INFO),
        ("severity", "purple", None),
    ],
)
def test_how_grave_it_is_is_spelt_in_many_ways(label: str, said: str, level: AlertLevel | None) -> None:
    """A word that nobody knows says nothing."""
    assert told(labels={label: said}).level is level


@pytest.mark.parametrize(
    ("labels", "version"),
    [
        ({"release": "kube-prometheus-stack"}, None),
        ({"release": "2026-11-21.3"}, "2026-11-21.3"),
        ({"app.kubernetes.io/version": "1.4.2"}, "1.4.2"),
        ({"sha": "a1b2c3d"}, "a1b2c3d"),
    ],
)
def test_a_version_has_a_digit(labels: dict[str, str], version: str | None) -> None:
    """Helm calls its own thing a release."""
    assert told(labels=labels).version == version


@pytest.mark.parametrize(
    ("annotations", "minutes"),
    [
        ({"for": "1h30m"}, 90),
        ({"onset": "2026-11-21T13:02:30.234683Z"}, 10),
        ({"onset": "2020-01-01T00:00:00Z"}, None),
        ({"onset": "2027-01-01T00:00:00Z"}, None),
        ({"for": "9w"}, None),
        ({"for": "a while"}, None),
        ({"window": "5m"}, None),
    ],
)
def test_an_onset_is_where_it_is_told_and_can_be(annotations: dict[str, str], minutes: int | None) -> None:
    """What a rule averages over moves nothing: its first minute may be the one that is bad."""
    onset = told(annotations=annotations).onset_at
    assert onset == (None if minutes is None else BEGAN - timedelta(minutes=minutes))


def test_without_a_fingerprint_the_labels_are_it() -> None:
    """Old versions send none."""
    one, same, other = told(fingerprint=None), told(fingerprint=None), told(fingerprint=None, labels={"pod": "2"})
    assert one.fingerprint == same.fingerprint != other.fingerprint


def test_only_links_that_a_browser_can_follow_are_kept() -> None:
    """Annotations are anybody's words."""
    found = told(annotations={"runbook_url": "javascript:alert(1)", "dashboard_url": "https://u:p@x.example/"})
    assert (found.runbook, found.dashboard) == (None, None)


def test_the_same_body_at_once_is_one_delivery() -> None:
    """Replicas send it twice; what it is known by says nothing of the secret."""
    body = body_of("alertmanager", "firing")
    name = SOURCES["alertmanager"].delivery_id
    assert name({}, body)[:64] == name({"Authorization": "Bearer x"}, body)[:64] != name({}, body + b" ")[:64]
    assert SOURCES["alertmanager"].keep({"Authorization": "Bearer x", "content-type": "application/json"}) == {
        "Content-Type": "application/json"
    }


def told(**changes: Any) -> AlertReported:
    """The first alert of the fixture with other pieces; labels and annotations are instead of its own."""
    group = json.loads(body_of("alertmanager", "firing"))
    one = {**group["alerts"][0], "labels": {}, "annotations": {}, **changes}
    [found] = SOURCES["alertmanager"].translate({}, compact({**group, "commonLabels": {}, "alerts": [one]}))
    assert isinstance(found, AlertReported)
    return found


RECORDED = recorded.PAYLOADS.parents[1].parent / "shared" / "payloads" / "alertmanager"


@pytest.mark.skipif(not RECORDED.is_dir(), reason="the folder of recorded webhooks is not here")
def test_what_alertmanager_really_sent_is_read() -> None:
    """Of version 0.25: every alert of every recording."""
    for file in sorted(RECORDED.glob("webhook-*.json")):
        body = json.loads(file.read_bytes())["body"]
        SOURCES["alertmanager"].check({}, compact(body))
        assert len(SOURCES["alertmanager"].translate({}, compact(body))) == len(body["alerts"]) > 0
