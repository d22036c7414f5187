"""What operators see of delivery at ``/metrics``."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

SENT = Counter("shipmate_messages_sent_total", "Messages posted or edited.", ["kind", "call"])
FAILURES = Counter(
    "shipmate_outgoing_failures_total", "Calls that did not go through, by what follows.", ["kind", "outcome"]
)
LIMITED = Counter("shipmate_rate_limited_total", "429 answers met.", ["call"])
FOLDED = Counter("shipmate_cards_folded_total", "Cards folded into a digest.")
AGE = Gauge("shipmate_outbox_age_seconds", "Age of the oldest thing that waits to be sent, by lane.", ["lane"])
DELAY = Histogram(
    "shipmate_first_send_seconds",
    "From the row in the outbox to its message in Slack.",
    buckets=(0.01, 0.05, 0.2, 1, 5, 20, 60, 300),
)
