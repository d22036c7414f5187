"""Sentry's issues and alerts: one key for both, the files of its own frames, and what ends them."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from bot.events import AlertLevel, AlertReported
from handlers.webhooks import SOURCES
from handlers.webhooks.source import Malformed, Unauthorised
from tests.handlers import recorded
from tests.handlers.recorded import CAME, SECRET, alert, at, body_of, compact, digest, headers_of, read

STAMP = "1795266870"
SAID = datetime.fromtimestamp(int(STAMP), UTC)


def test_an_issue_alert_tells_its_files_its_release_and_where() -> None:
    """Of the application's own frames, the innermost first, as the repository may have them."""
    found = alert("sentry", "event_alert.triggered", Sentry_Hook_Timestamp=STAMP)
    assert recorded.differs(
        found, source="sentry", fingerprint="issue:5512", service=None, name="KeyError: 'basket'",
        environment="production", started_at=at(13, 14), at=SAID, level=AlertLevel.ERROR,
        summary="checkout.pay in charge", version="1.4.2", paths=("checkout/pay.py", "checkout/views.py"),
        url="https://acme.sentry.example/issues/5512/events/e4874d66/",
    ) == {}  # fmt: skip
    assert (found.labels["project"], found.labels["organization"]) == ("checkout", "acme")
    assert found.labels["rule"] == "Checkout: many new errors"


@pytest.mark.parametrize(
    ("received", "happened", "began", "told"),
    [
        (1795266840.25, "2026-11-21T13:13:50Z", at(13, 13, 50), 1795266840.25),  # queued before it was sent
        (1795266840.25, "2026-11-21T15:00:00Z", None, 1795266840.25),  # a phone whose clock is ahead
        (None, "2026-11-21T15:00:00Z", None, int(STAMP)),
    ],
)
def test_an_event_counts_as_told_when_sentry_had_it_and_never_begins_later(
    received: float | None, happened: str, began: datetime | None, told: float
) -> None:
    """One that was sent late does not fire again what was resolved meanwhile, nor does one from the future."""
    payload = json.loads(body_of("sentry", "event_alert.triggered"))
    payload["data"]["event"] |= {"received": received, "datetime": happened}
    [found] = SOURCES["sentry"].translate(
        {**headers_of("sentry", "event_alert"), "Sentry-Hook-Timestamp": STAMP}, compact(payload)
    )
    assert isinstance(found, AlertReported)
    assert found.at == datetime.fromtimestamp(told, UTC)
    assert found.started_at == (began or found.at)


def test_a_new_issue_is_told_and_is_a_warning() -> None:
    """Whoever wants more of it writes a rule."""
    found = alert("sentry", "issue.created")
    assert recorded.differs(
        found, source="sentry", fingerprint="issue:5512", service=None, name="KeyError: 'basket'",
        started_at=at(13, 12), at=CAME, level=AlertLevel.WARNING, summary="checkout.pay in charge",
        paths=("checkout/pay.py",), url="https://acme.sentry.example/issues/5512/",
    ) == {}  # fmt: skip
    assert found.labels["project"] == "checkout"


@pytest.mark.parametrize("name", ["issue.resolved", "issue.archived"])
def test_an_issue_that_is_resolved_or_archived_is_over(name: str) -> None:
    """As of when Sentry says so, whenever it began."""
    found = alert("sentry", name, Sentry_Hook_Timestamp=STAMP)
    assert (found.fingerprint, found.started_at, found.resolved_at) == ("issue:5512", None, SAID)


def test_an_issue_that_comes_back_fires_from_then_on() -> None:
    """Not from its first day."""
    found = alert("sentry", "issue.unresolved", Sentry_Hook_Timestamp=STAMP)
    assert (found.started_at, found.resolved_at) == (SAID, None)


@pytest.mark.parametrize(
    ("action", "level", "over"),
    [("critical", AlertLevel.ERROR, None), ("warning", AlertLevel.WARNING, None), ("resolved", None, at(13, 40))],
)
def test_a_metric_alert_says_when_it_is_over(action: str, level: AlertLevel | None, over: datetime | None) -> None:
    """Its onset is apart from when it was found."""
    found = alert("sentry", f"metric_alert.{action}")
    assert (found.fingerprint, found.name, found.environment) == ("metric:4001", "Checkout errors", "production")
    assert (found.level, found.resolved_at) == (level, over)
    assert (found.started_at, found.onset_at) == ((None, None) if over else (at(13, 15), at(13, 12)))
    assert (found.labels["project"], found.labels["window"]) == ("checkout", "10m")


@pytest.mark.parametrize("name", ["installation", "issue.assigned"])
def test_the_rest_tells_nothing(name: str) -> None:
    """It is accepted all the same."""
    assert read("sentry", name) == []


@pytest.mark.parametrize(
    ("changes", "paths"),
    [
        ({"filename": "webpack:///./src/pay.js?abcd"}, ("src/pay.js",)),
        ({"filename": None, "abs_path": "/usr/src/app/src/pay.js"}, ("src/pay.js",)),
        ({"in_app": False}, ()),
        ({"in_app": None}, ()),
    ],
)
def test_a_file_is_named_as_its_repository_names_it(changes: dict[str, Any], paths: tuple[str, ...]) -> None:
    """A frame that nobody called the application's is a library's."""
    payload = json.loads(body_of("sentry", "event_alert.triggered"))
    frame = {"filename": "x", "in_app": True, **changes}
    payload["data"]["event"]["exception"]["values"] = [{"stacktrace": {"frames": [frame]}}]
    [found] = SOURCES["sentry"].translate(headers_of("sentry", "event_alert"), compact(payload))
    assert isinstance(found, AlertReported)
    assert found.paths == paths


def test_it_is_signed_with_the_clients_secret() -> None:
    """Over the raw body, in hexadecimal digits alone."""
    body = body_of("sentry", "issue.created")
    SOURCES["sentry"].verify({"Sentry-Hook-Signature": digest(body)}, body, SECRET)
    for wrong in ({}, {"Sentry-Hook-Signature": digest(body, "another")}, {"Authorization": f"Bearer {SECRET}"}):
        with pytest.raises(Unauthorised):
            SOURCES["sentry"].verify(wrong, body, SECRET)


def test_its_deliveries_are_named_by_their_request() -> None:
    """And one that does not say what it is about is none."""
    assert SOURCES["sentry"].delivery_id({"Request-ID": "5e51c3"}, b"{}") == "5e51c3"
    with pytest.raises(Malformed, match="Sentry-Hook-Resource"):
        SOURCES["sentry"].check({}, b"{}")
