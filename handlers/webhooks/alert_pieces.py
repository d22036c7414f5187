"""What the payloads of monitoring systems have in common: labels, how grave, which version, when, and how long."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from bot.events import AlertLevel
from bot.inbox import RECEIVED_AT, Lane
from handlers.webhooks.payload import LINE_LIMIT, Fields, decode_object, instant, one_line, storable, web_address
from handlers.webhooks.source import Headers, header

MOST_LABELS = 64
LONGEST_LABEL = 1_000
"""Characters of a label's value; what tells anything is far shorter."""

LONGEST_DURATION = timedelta(hours=24)
"""A rule waits no longer than that; more is a mistake, and would blame what was live yesterday."""

ID_SECONDS = 60
"""For how long the same body, sent again, is the same delivery, where its sender names none."""

LEVELS: Mapping[str, AlertLevel] = {
    **dict.fromkeys(
        ("critical", "crit", "page", "fatal", "emergency", "emerg", "alert", "disaster", "blocker", "sev0", "sev1",
         "p0", "p1", "s1"),
        AlertLevel.CRITICAL,
    ),
    **dict.fromkeys(("error", "err", "high", "major", "urgent", "severe", "sev2", "p2", "s2"), AlertLevel.ERROR),
    **dict.fromkeys(
        ("warning", "warn", "medium", "minor", "moderate", "average", "ticket", "sev3", "p3", "s3"), AlertLevel.WARNING
    ),
    **dict.fromkeys(
        ("info", "information", "informational", "notice", "low", "debug", "none", "ok", "success", "sev4", "sev5",
         "p4", "p5", "s4"),
        AlertLevel.INFO,
    ),
}  # fmt: skip
"""How senders, and the rules that people write, spell how grave an alert is."""

LEVEL_LABELS = ("severity", "level", "priority", "sev", "criticality", "urgency")
VERSION_LABELS = (
    "version", "release", "sha", "git_sha", "commit", "revision", "app_version", "image_tag", "deployment_version",
    "app_kubernetes_io_version",
)  # fmt: skip
ENVIRONMENT_LABELS = ("environment", "env", "stage", "deployment_environment", "deployment_environment_name")

WINDOW = "window"
"""The label under which the length of what a rule looks back at is kept, as it was written."""

_PART = re.compile(r"([0-9]{1,6})(ms|[smhdw])")
_DURATION = re.compile(r"(?:[0-9]{1,6}(?:ms|[smhdw]))+")
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}
_UNPLAIN = re.compile(r"[^a-z0-9]+")
_DIGIT = re.compile(r"[0-9]")


def check_object(headers: Headers, body: bytes) -> None:
    """Malformed unless the body holds one JSON object."""
    decode_object(body)


def body_id(headers: Headers, body: bytes, *, seconds: int = ID_SECONDS) -> str:
    """A name for a delivery whose sender gives none: the same body within so many seconds is the same delivery.

    That takes in what replicas send, and what is sent again after a time-out. Later it is another one, since the same
    words may mean something new: an alert that was over fires again, with the beginning it had. When it came is told
    by the header RECEIVED_AT.
    """
    came = received_at(headers)
    return f"{hashlib.sha256(body).hexdigest()}-{int(came.timestamp() // seconds) if came is not None else 0}"


def keep_type(headers: Headers) -> dict[str, str]:
    """The only header worth keeping where everything is told in the body."""
    value = header(headers, "Content-Type")
    return {} if value is None else {"Content-Type": storable(value)}


def urgent(headers: Headers) -> Lane:
    """What fires does not wait behind check suites."""
    return Lane.URGENT


def received_at(headers: Headers) -> datetime | None:
    """When this delivery came, as the inbox tells."""
    return instant(header(headers, RECEIVED_AT))


def epoch(value: object, *, thousandths: bool = False) -> datetime | None:
    """The moment from a number of seconds (or milliseconds) since 1970, also where that is written as text."""
    if isinstance(value, str):
        value = int(value) if re.fullmatch(r"[0-9]{1,15}", value) else None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return instant(value / 1000 if thousandths else value)


def labels_of(*pieces: Fields | Mapping[str, object]) -> dict[str, str]:
    """The labels in these objects, the later ones over the earlier; only those that are short texts or numbers."""
    found: dict[str, str] = {}
    for piece in pieces:
        held = piece.every() if isinstance(piece, Fields) else piece
        for key, value in held.items():
            name, text = one_line(key), one_label(value)
            if name is not None and text is not None and (name in found or len(found) < MOST_LABELS):
                found[name] = text
    return found


def one_label(value: object) -> str | None:
    """A label's value in one line, or None where it is no short text and no number."""
    if isinstance(value, bool | int) and abs(value) < 10**18:
        return str(value).casefold() if isinstance(value, bool) else str(value)
    if not isinstance(value, str):
        return None
    line = " ".join(storable(value[: 2 * LONGEST_LABEL]).split())
    return line[:LONGEST_LABEL] or None


def tags_of(text: str | None) -> dict[str, str]:
    """Labels from a list such as ``service:checkout,env:prod,urgent``; one without a value is its own key."""
    found: dict[str, object] = {}
    for tag in (text or "").split(",")[: 4 * MOST_LABELS]:
        key, colon, value = tag.strip().partition(":")
        if key:
            found.setdefault(key, value if colon and value else "true")
    return labels_of(found)


def plain_labels(labels: Mapping[str, str]) -> dict[str, str]:
    """The same by names that are compared: lower case, everything else ``_``."""
    return {_UNPLAIN.sub("_", key.casefold()).strip("_"): value for key, value in labels.items()}


def first_of(labels: Mapping[str, str], names: Iterable[str]) -> str | None:
    """The first of these labels that says anything, by plain names."""
    plain = plain_labels(labels)
    return next((plain[name] for name in names if plain.get(name)), None)


def level_of(*words: str | None) -> AlertLevel | None:
    """How grave the first of these words that is known says it is."""
    for word in words:
        found = LEVELS.get(re.sub(r"[\s_-]+", "", (word or "").casefold()))
        if found is not None:
            return found
    return None


def level_in(labels: Mapping[str, str]) -> AlertLevel | None:
    """How grave its labels say it is."""
    plain = plain_labels(labels)
    return level_of(*(plain.get(name) for name in LEVEL_LABELS))


def version_in(labels: Mapping[str, str]) -> str | None:
    """The version that its labels name; a word without any digit is something else (Helm's ``release``)."""
    plain = plain_labels(labels)
    found = (plain.get(name) for name in VERSION_LABELS)
    return next((value[:255] for value in found if value and _DIGIT.search(value)), None)


def environment_in(labels: Mapping[str, str]) -> str | None:
    """The environment that its labels name outright."""
    found = first_of(labels, ENVIRONMENT_LABELS)
    return found[:255] if found is not None else None


def duration(text: str | None) -> timedelta | None:
    """A length of time as Prometheus writes it (``5m``, ``1h30m``), up to a day."""
    if text is None or _DURATION.fullmatch(text.strip()) is None:
        return None
    seconds = sum(int(number) * _UNITS[unit] for number, unit in _PART.findall(text))
    return timedelta(seconds=seconds) if seconds <= LONGEST_DURATION.total_seconds() else None


def onset_of(began: datetime, told: datetime | None) -> datetime | None:
    """When the symptom began, where that is told and can be: before the alert did, and within a day of it."""
    possible = told is not None and began - LONGEST_DURATION <= told < began
    return instant(told.isoformat()) if possible and told is not None else None


def key_of(name: str, service: str | None, environment: str | None) -> str:
    """What makes two reports the same alert where their sender gives no key: the name alone may be many services'.

    Services and environments are the same in capitals and in small letters.
    """
    whole = "/".join([*(part.casefold() for part in (service, environment) if part is not None), name])
    if len(whole) <= LINE_LIMIT:
        return whole
    return f"{whole[: LINE_LIMIT - 33]}#{hashlib.sha256(whole.encode()).hexdigest()[:32]}"


def link_in(*values: object) -> str | None:
    """The first of these that is a link for a browser."""
    return next((found for value in values if (found := web_address(value)) is not None), None)
