"""Whatever else can send JSON: our own small form of an alert, or of a flag that was turned.

An alert: ``{name, state: "firing"|"resolved", key?, service?, environment?, started_at?, at?, onset_at?, level?,
summary?, labels?, url?, dashboard?, runbook?, version?, paths?, grouping?}``, or several under ``alerts``. A flag:
``{flag, summary, id?, project?, environment?, service?, by?, tags?, url?, at?}``. The sender signs with
``X-Shipmate-Signature: sha256=<HMAC-SHA256 of the body>``, or shows the secret.
"""

from __future__ import annotations

import hashlib
from datetime import datetime

from bot.events import AlertReported, Event, FlagChanged, Human
from handlers.webhooks.alert_pieces import (
    body_id,
    environment_in,
    epoch,
    keep_type,
    key_of,
    labels_of,
    level_in,
    level_of,
    onset_of,
    received_at,
    urgent,
    version_in,
)
from handlers.webhooks.payload import Fields, decode_object, one_line
from handlers.webhooks.signatures import verify_sha256, verify_shown
from handlers.webhooks.source import Headers, Malformed, Source, header

NAME = "generic"
SETTING = "GENERIC_WEBHOOK_SECRET"
SIGNATURE = "X-Shipmate-Signature"

OVER = frozenset({"resolved", "ok", "over", "closed", "recovered", "inactive"})
FIRES = frozenset({"firing", "alerting", "open", "triggered", "active", "critical", "error", "warning"})

MOST_PATHS = 20

ID_SECONDS = 5
"""For how long the same body is the same delivery: one without a time of its own may soon mean something new.

With something else told of the same alert in between it is another one at once (``about``).
"""


def verify(headers: Headers, body: bytes, secret: str) -> None:
    """Unauthorised unless the body is signed, or the secret shown."""
    if header(headers, SIGNATURE) is not None:
        verify_sha256(headers, body, secret, name=SIGNATURE, setting=SETTING)
    else:
        verify_shown(headers, secret, setting=SETTING)


def check(headers: Headers, body: bytes) -> None:
    """Malformed unless it is one of the two forms; of several alerts, those that cannot be read are left out."""
    payload = decode_object(body)
    if isinstance(payload.raw("alerts"), list) or _flag(payload) is not None:
        return
    if payload.word("name") is None or _over(payload) is None:
        raise Malformed(
            "It is neither an alert nor a flag.",
            'Send {"name": "checkout 5xx", "state": "firing"} (or "resolved"), or {"flag": "new-basket", '
            '"summary": "turned on"}; the README lists what else may be told.',
        )


def delivery_id(headers: Headers, body: bytes) -> str:
    """The body's, for as long as a sender's second try takes."""
    return body_id(headers, body, seconds=ID_SECONDS)


def about(headers: Headers, body: bytes) -> str:
    """The alerts or the flag that it tells of: what fires, ends and fires again within a second is three."""
    payload = decode_object(body)
    flag = _flag(payload)
    if flag is not None:
        named = ["flag", flag, payload.word("project") or "", payload.word("environment") or ""]
    else:
        named = ["alerts", *(_fingerprint(piece) or "" for piece in _pieces(payload))]
    return f"{hashlib.sha256(chr(31).join(named).encode()).hexdigest()[:32]}:"


def translate(headers: Headers, body: bytes) -> list[Event]:
    """What it tells of; without a time of its own, as of when it came."""
    payload = decode_object(body)
    received = received_at(headers)
    if _flag(payload) is not None:
        return _turned(payload, received)
    return [one for piece in _pieces(payload) if (one := _alert(piece, received)) is not None]


def _pieces(payload: Fields) -> list[Fields]:
    """The alerts of a body, one or several."""
    return payload.each("alerts") if isinstance(payload.raw("alerts"), list) else [payload]


def _fingerprint(piece: Fields) -> str | None:
    """What an alert is known by: its key, or what is made of what it says; None for one without a name."""
    name = piece.word("name")
    if name is None:
        return None
    environment = piece.word("environment") or environment_in(labels_of(piece.fields("labels")))
    return piece.word("key") or key_of(name, piece.word("service"), environment)


def _alert(piece: Fields, received: datetime | None) -> AlertReported | None:
    name, key, over = piece.word("name"), _fingerprint(piece), _over(piece)
    began, said = _moment(piece, "started_at"), _moment(piece, "at")
    at = said or received or began
    if name is None or key is None or over is None or at is None:
        return None
    labels = labels_of(piece.fields("labels"))
    first = began or at
    paths = [text for one in piece.array("paths") if (text := one_line(one)) is not None]
    return AlertReported(
        source=NAME,
        fingerprint=key,
        service=piece.word("service"),
        environment=piece.word("environment") or environment_in(labels),
        name=name,
        url=piece.link("url"),
        started_at=began if over else first,
        resolved_at=max(at, began or at) if over else None,
        at=at,
        onset_at=onset_of(first, _moment(piece, "onset_at")),
        level=level_of(piece.word("level") or piece.word("severity")) or level_in(labels),
        summary=piece.word("summary"),
        labels=labels,
        version=piece.word("version") or version_in(labels),
        paths=tuple(dict.fromkeys(paths))[:MOST_PATHS],
        grouping=piece.word("grouping"),
        runbook=piece.link("runbook"),
        dashboard=piece.link("dashboard"),
        undated=said is None and began is not None,
    )


def _turned(payload: Fields, received: datetime | None) -> list[Event]:
    flag, at = _flag(payload), _moment(payload, "at") or received
    if flag is None or at is None:
        return []
    project, environment = payload.word("project"), payload.word("environment")
    summary = payload.word("summary") or payload.word("state") or "changed"
    tags = [text for one in payload.array("tags") if (text := one_line(one)) is not None]
    about = "\x1f".join((flag, project or "", environment or "", summary, at.isoformat()))
    labels = labels_of(
        payload.fields("labels"), {"project": project, "flag": flag}, {f"tag:{tag}": "true" for tag in tags}
    )
    changed = FlagChanged(
        source=NAME,
        external_id=payload.word("id") or hashlib.sha256(about.encode()).hexdigest(),
        flag=flag,
        project=project,
        environment=environment,
        service=payload.word("service"),
        summary=summary,
        by=_by(payload.word("by")),
        url=payload.link("url"),
        labels=labels,
        at=at,
    )
    return [changed]


def _by(words: str | None) -> Human | None:
    """Somebody by their address or their GitHub login."""
    if words is None:
        return None
    return Human(email=words.casefold(), name=words) if "@" in words else Human(login=words, name=words)


def _flag(payload: Fields) -> str | None:
    return payload.word("flag")


def _over(piece: Fields) -> bool | None:
    state = (piece.word("state") or piece.word("status") or "").casefold()
    return True if state in OVER else False if state in FIRES else None


def _moment(piece: Fields, key: str) -> datetime | None:
    """ISO 8601, or a number of seconds or milliseconds since 1970: read as seconds the latter lie far ahead."""
    value = piece.raw(key)
    return piece.moment(key) or epoch(value) or epoch(value, thousandths=True)


SOURCE = Source(
    verify=verify,
    check=check,
    delivery_id=delivery_id,
    keep=keep_type,
    translate=translate,
    lane=urgent,
    about=about,
)
