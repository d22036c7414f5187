"""How Alertmanager tells of alerts: groups of version 4, each alert in them firing or over by itself.

Limits: a group is what has one name on one service; what waits for a group's interval at the real one leaves at once.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from bot.sandbox.world import Json

if TYPE_CHECKING:
    from bot.sandbox.monitoring import Alert

ADDRESS = "/webhooks/alertmanager"
"""Where the bot hears of groups."""

NEVER = "0001-01-01T00:00:00Z"
"""When what fires is over."""

_OUTSIDE = "http://alertmanager.example.com:9093"


def group(alerts: Sequence[tuple[Alert, datetime | None]]) -> bytes:
    """One group of alerts, each with when it was over (None: it fires)."""
    told = [_alert(alert, over) for alert, over in alerts]
    first = alerts[0][0]
    keys = {"alertname": first.name, "service": first.service}
    common = {name: value for name, value in labels(first).items()
              if all(one["labels"].get(name) == value for one in told)}  # fmt: skip
    body: Json = {
        "receiver": "shipmate",
        "status": "firing" if any(over is None for _, over in alerts) else "resolved",
        "alerts": told,
        "groupLabels": keys,
        "commonLabels": common,
        "commonAnnotations": {},
        "externalURL": _OUTSIDE,
        "version": "4",
        "groupKey": "{}:{" + ", ".join(f'{name}="{value}"' for name, value in keys.items()) + "}",
        "truncatedAlerts": 0,
    }
    return json.dumps(body).encode()


def labels(alert: Alert) -> Mapping[str, str]:
    """What tells an alert from every other."""
    return {
        "alertname": alert.name,
        "service": alert.service,
        "env": alert.environment,
        "severity": alert.severity,
        **alert.labels,
    }


def _alert(alert: Alert, over: datetime | None) -> Json:
    held = dict(sorted(labels(alert).items()))
    place = f"https://monitoring.example.com/{alert.service}"
    return {
        "status": "firing" if over is None else "resolved",
        "labels": held,
        "annotations": {
            "summary": alert.summary or f"{alert.name} on {alert.service}",
            "runbook_url": f"https://runbooks.example.com/{alert.service}",
            "dashboard_url": f"{place}/dashboard",
        },
        "startsAt": alert.began.isoformat(),
        "endsAt": NEVER if over is None else over.isoformat(),
        "generatorURL": place,
        "fingerprint": hashlib.sha256(json.dumps(held).encode()).hexdigest()[:16],
    }
