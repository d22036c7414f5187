"""Views of what is whispered in incidents' rooms, for the golden files."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from bot.incidents.summary import IncidentSummary

ONSET = datetime(2026, 3, 3, 14, 12, tzinfo=UTC)

OPEN = IncidentSummary(
    incident_id=7,
    title="checkout 5xx",
    severity="SEV2",
    meaning="Many customers are badly affected.",
    state="open",
    onset_at=ONSET,
    lead="Ana",
    on_it=("Ana", "Chi"),
    likely=("#812 (checkout, a1b2c3d)", "the flag new-basket (25 % → 50 %)"),
    sureness="confidence high",
    firing=2,
    alerts=True,
    looked=True,
    condition="One in ten payments fails.",
    condition_at=ONSET + timedelta(minutes=10),
    next_update_at=ONSET + timedelta(minutes=40),
    promised=True,
    locked=("checkout", "cart"),
    resolved_at=None,
    zone="Europe/Paris",
)

SAMPLES: dict[str, dict[str, object]] = {
    "notes/incident_summary": {
        "open": OPEN,
        "bare": replace(
            OPEN, lead=None, on_it=(), likely=(), sureness="", firing=0, condition=None, condition_at=None,
            next_update_at=None, locked=(),
        ),
        "opened by a person": replace(
            OPEN, title="mail is slow", lead=None, on_it=(), likely=(), sureness="", firing=0, alerts=False,
            condition=None, condition_at=None, promised=False, locked=("mail",),
        ),
        "resolved": replace(
            OPEN, state="resolved", resolved_at=ONSET + timedelta(minutes=48), next_update_at=None, locked=()
        ),
    },
}  # fmt: skip
