"""Grafana's alerting webhooks, version 1: Alertmanager's groups with panels, values and silences besides.

It shows a secret (Authorization header or basic auth of the contact point), and from version 12 signs where a secret
for HMAC is set: the hexadecimal digest of the body, or of ``<timestamp>:<body>`` where a header for the timestamp is
configured too, which we expect under one of ``TIMESTAMPS``. ``endsAt`` is the year 1 while it fires. Source:
grafana.com, configure-notifications/…/webhook-notifier; grafana/alerting ``http/hmac.go``.
"""

from __future__ import annotations

from bot.events import Event
from handlers.webhooks.alert_pieces import body_id, keep_type, urgent
from handlers.webhooks.alertmanager import group_of
from handlers.webhooks.payload import decode_object
from handlers.webhooks.signatures import verify_hex, verify_shown
from handlers.webhooks.source import Headers, Malformed, Source, header

NAME = "grafana"
SETTING = "GRAFANA_WEBHOOK_SECRET"
SIGNATURE = "X-Grafana-Alerting-Signature"
TIMESTAMPS = ("X-Grafana-Alerting-Timestamp", "X-Grafana-Alerting-Signature-Timestamp")


def verify(headers: Headers, body: bytes, secret: str) -> None:
    """Unauthorised unless the secret is shown, or signed with where there is a signature."""
    if header(headers, SIGNATURE) is None:
        verify_shown(headers, secret, setting=SETTING)
        return
    stamp = next((found for name in TIMESTAMPS if (found := header(headers, name)) is not None), None)
    signed = body if stamp is None else stamp.encode(errors="surrogateescape") + b":" + body
    verify_hex(headers, signed, secret, name=SIGNATURE, setting=SETTING)


def check(headers: Headers, body: bytes) -> None:
    """Malformed unless the body is an object with a list of alerts."""
    if not isinstance(decode_object(body).raw("alerts"), list):
        raise Malformed(
            "There is no list of alerts.",
            "Grafana Alerting's contact point of type Webhook sends {alerts: […]}; leave its custom payload empty.",
        )


def translate(headers: Headers, body: bytes) -> list[Event]:
    """Each alert of the group that can be read."""
    return group_of(NAME, headers, decode_object(body))


SOURCE = Source(
    verify=verify,
    check=check,
    delivery_id=body_id,
    keep=keep_type,
    translate=translate,
    lane=urgent,
)
