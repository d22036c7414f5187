"""Deliveries of monitoring systems as our fixtures hold them, and what they are read as."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from dataclasses import MISSING, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bot.events import AlertReported, Event
from bot.inbox import RECEIVED_AT
from handlers.webhooks import SOURCES

PAYLOADS = Path(__file__).parents[1] / "payloads"
CAME = datetime(2026, 11, 21, 13, 14, 30, tzinfo=UTC)
SECRET = "correct horse battery staple"

NEEDED: dict[str, dict[str, str]] = {"sentry": {"Sentry-Hook-Resource": "issue"}}
"""Headers without which a source's delivery is none."""


def at(hour: int, minute: int, second: int = 0, micro: int = 0) -> datetime:
    """An instant of that day."""
    return datetime(2026, 11, 21, hour, minute, second, micro, tzinfo=UTC)


def body_of(source: str, name: str) -> bytes:
    """A fixture, byte for byte."""
    return (PAYLOADS / source / f"{name}.json").read_bytes()


def headers_of(source: str, name: str) -> dict[str, str]:
    """What came with it, and when."""
    resource = {"Sentry-Hook-Resource": name.partition(".")[0]} if source == "sentry" else {}
    return {RECEIVED_AT: CAME.isoformat(), **resource}


def read(source: str, name: str, **headers: str) -> list[Event]:
    """What a fixture means; ``_`` in a header's name stands for ``-``."""
    given = headers_of(source, name) | {key.replace("_", "-"): value for key, value in headers.items()}
    body = body_of(source, name)
    SOURCES[source].check(given, body)
    return SOURCES[source].translate(given, body)


def alert(source: str, name: str, **headers: str) -> AlertReported:
    """The only alert that a fixture tells of."""
    [found] = read(source, name, **headers)
    assert isinstance(found, AlertReported)
    return found


def differs(found: Any, **expected: object) -> dict[str, object]:
    """The fields of an event, with what they are, that are neither as expected nor as they are by default.

    Its labels are looked at where they are expected.
    """
    wanted = {one.name: None if one.default is MISSING else one.default for one in fields(found)} | expected
    held = {one.name: getattr(found, one.name) for one in fields(found)}
    return {name: held[name] for name in held if held[name] != wanted[name] and (name != "labels" or name in expected)}


def digest(body: bytes, secret: str = SECRET) -> str:
    """The hexadecimal HMAC-SHA256 of a body."""
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def basic(password: str) -> str:
    """A password as basic auth shows it."""
    return "Basic " + base64.b64encode(f"shipmate:{password}".encode()).decode()


def compact(value: object) -> bytes:
    """JSON, as it is sent."""
    return json.dumps(value).encode()
