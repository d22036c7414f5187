"""GitHub's webhooks: signed with HMAC-SHA256, named by a GUID that a redelivery keeps, sent as JSON or as a form.

GitHub sends each delivery once, in no order, and waits ten seconds for the answer. Translation is pure: no clock, no
network; what a payload does not say is left for the forge to be asked. Links are kept only where a browser can follow
them. Events that mean nothing here are accepted and give nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from urllib.parse import parse_qs

from bot.events import Event
from bot.inbox import Lane
from handlers.webhooks.github_changes import pull_request, push, release
from handlers.webhooks.github_deploys import deployment, deployment_status
from handlers.webhooks.github_runs import check_run, check_suite, deployment_protection_rule, workflow_run
from handlers.webhooks.payload import Fields, decode_object, storable
from handlers.webhooks.signatures import verify_sha256
from handlers.webhooks.source import Headers, Malformed, Source, header

SIGNATURE = "X-Hub-Signature-256"
EVENT = "X-GitHub-Event"
DELIVERY = "X-GitHub-Delivery"
KEPT = (
    EVENT,
    DELIVERY,
    "X-GitHub-Hook-ID",
    "X-GitHub-Hook-Installation-Target-Type",
    "X-GitHub-Hook-Installation-Target-ID",
    "Content-Type",
)
"""Headers stored with a delivery: what it is, which hook sent it, and how its body is to be read."""

URGENT = frozenset({"deployment_protection_rule"})
"""Events that do not wait behind the rest."""

_EVENT_NAME = re.compile(r"[a-z0-9_]{1,64}", re.IGNORECASE)
_DELIVERY_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}")


def verify(headers: Headers, body: bytes, secret: str) -> None:
    """Unauthorised unless the raw body carries its HMAC-SHA256 under the hook's secret."""
    verify_sha256(headers, body, secret, name=SIGNATURE, setting="GITHUB_WEBHOOK_SECRET")


def delivery_id(headers: Headers, body: bytes) -> str:
    """GitHub's GUID of the delivery; Malformed without one."""
    found = header(headers, DELIVERY)
    if found is None or _DELIVERY_ID.fullmatch(found) is None:
        raise Malformed(f"The header {DELIVERY} is missing or no delivery's id.", "GitHub sends a GUID there.")
    return found


def check(headers: Headers, body: bytes) -> None:
    """Malformed unless the event is named and the body holds one JSON object."""
    _event_name(headers)
    _decode(headers, body)


def keep(headers: Headers) -> dict[str, str]:
    """The headers worth storing, under GitHub's own spelling."""
    return {name: storable(value) for name in KEPT if (value := header(headers, name)) is not None}


def lane(headers: Headers) -> Lane:
    """What GitHub tells is news; but a run that asks to enter an environment stands still until it is answered."""
    return Lane.URGENT if header(headers, EVENT) in URGENT else Lane.FEED


def translate(headers: Headers, body: bytes) -> list[Event]:
    """What happened, in our words; nothing for events without interest. Malformed where ``check`` would be."""
    translator = TRANSLATORS.get(_event_name(headers))
    return translator(_decode(headers, body)) if translator else []


def ping(payload: Fields) -> list[Event]:
    """GitHub's greeting when a hook is made: it proves that the secret fits, and nothing happened."""
    return []


TRANSLATORS: Mapping[str, Callable[[Fields], list[Event]]] = {
    "push": push,
    "pull_request": pull_request,
    "deployment": deployment,
    "deployment_status": deployment_status,
    "deployment_protection_rule": deployment_protection_rule,
    "workflow_run": workflow_run,
    "check_run": check_run,
    "check_suite": check_suite,
    "release": release,
    "ping": ping,
}

SOURCE = Source(
    verify=verify,
    check=check,
    delivery_id=delivery_id,
    keep=keep,
    translate=translate,
    lane=lane,
)


def _event_name(headers: Headers) -> str:
    name = header(headers, EVENT)
    if name is None or _EVENT_NAME.fullmatch(name) is None:
        raise Malformed(f"The header {EVENT} is missing or no event's name.", "GitHub sends push, for one.")
    return name.casefold()


def _decode(headers: Headers, body: bytes) -> Fields:
    kind = (header(headers, "Content-Type") or "application/json").partition(";")[0].strip().casefold()
    if kind == "application/json" or kind.endswith("+json"):
        return decode_object(body)
    if kind != "application/x-www-form-urlencoded":
        raise Malformed(
            "The content type is not one that GitHub sends.",
            "Choose application/json (or application/x-www-form-urlencoded) in the webhook's settings.",
        )
    try:
        form = parse_qs(body.decode("ascii"), max_num_fields=16, keep_blank_values=True)
    except ValueError:
        form = {}
    payloads = form.get("payload", [])
    if len(payloads) != 1:
        raise Malformed("The form has no field payload.", "GitHub sends payload=<JSON>.")
    return decode_object(payloads[0])
