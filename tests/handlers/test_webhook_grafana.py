"""Grafana's groups: its panels, its year 1, and both of the ways in which it proves to be itself."""

from __future__ import annotations

import pytest

from bot.events import AlertLevel
from handlers.webhooks import SOURCES
from handlers.webhooks.source import Unauthorised
from tests.handlers import recorded
from tests.handlers.recorded import CAME, SECRET, alert, at, basic, body_of, digest


def test_what_fires_has_its_panel_and_no_end() -> None:
    """The year 1 is no end, and the link that silences is no dashboard."""
    found = alert("grafana", "firing")
    assert recorded.differs(
        found, source="grafana", fingerprint="c6eadffa33fcdf37", service=None, name="Checkout latency",
        started_at=at(13, 12, 30), at=CAME, level=AlertLevel.ERROR, summary="p99 is above 2 s",
        url="https://grafana.example.test/alerting/grafana/a1/view", grouping='{}:{grafana_folder="Shop"}',
        runbook="https://runbooks.example.test/latency",
        dashboard="https://grafana.example.test/d/shop?viewPanel=4",
    ) == {}  # fmt: skip
    assert found.labels["service_name"] == "checkout"


def test_what_is_over_has_the_beginning_it_had() -> None:
    """So that both are one occurrence."""
    found = alert("grafana", "resolved")
    assert (found.started_at, found.resolved_at) == (at(13, 12, 30), at(13, 30))


def test_an_alert_about_missing_data_is_called_as_its_rule() -> None:
    """All of them are called the same by Grafana; without a summary, the values are one."""
    found = alert("grafana", "no_data")
    assert (found.name, found.summary) == ("Checkout orders (DatasourceNoData)", "[ var='B' value=2.41 ]")


BODY = body_of("grafana", "firing")
STAMPED = digest(b"1795266750:" + BODY)


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": f"Bearer {SECRET}"},
        {"Authorization": basic(SECRET)},
        {"X-Grafana-Alerting-Signature": digest(BODY)},
        {"X-Grafana-Alerting-Signature": STAMPED, "X-Grafana-Alerting-Timestamp": "1795266750"},
        {"x-grafana-alerting-signature": STAMPED, "X-Grafana-Alerting-Signature-Timestamp": "1795266750"},
    ],
)
def test_it_shows_the_secret_or_signs_with_it(headers: dict[str, str]) -> None:
    """Whichever is configured in the contact point."""
    SOURCES["grafana"].verify(headers, BODY, SECRET)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer another"},
        {"X-Grafana-Alerting-Signature": digest(BODY + b" ")},
        {"X-Grafana-Alerting-Signature": STAMPED, "X-Grafana-Alerting-Timestamp": "1795266751"},
        {"X-Grafana-Alerting-Signature": "none", "Authorization": f"Bearer {SECRET}"},
    ],
)
def test_anything_else_is_turned_away(headers: dict[str, str]) -> None:
    """A signature that is wrong is not mended by a secret that is shown."""
    with pytest.raises(Unauthorised):
        SOURCES["grafana"].verify(headers, BODY, SECRET)
