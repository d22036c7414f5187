"""What went over the wire, both ways: the inspector's log. Bounded, in memory; tokens are masked, signatures shown."""

from __future__ import annotations

import re
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

KEPT = 5000
"""Rows kept: enough for the longest story, little enough for any machine."""
LONGEST_BODY = 40_000
"""Characters; GitHub's longest webhook here has some 25,000."""
_SECRET_HEADERS = ("authorization",)
_TOKEN = re.compile(r"\b(xox[abp]-|xapp-|gh[oprsu]_)[\w-]{8,}")
"""Slack's and GitHub's tokens, wherever they stand."""
_KEY = re.compile(r'("routing_key"\s*:\s*")[^"]+')
"""PagerDuty's key of an integration, which looks like nothing in particular."""


@dataclass(frozen=True, kw_only=True)
class Exchange:
    """One request and its answer. ``incoming`` is a call made to the stand-in; else the stand-in called the bot.

    ``method`` is the Web API method, GitHub's ``GET /repos/…`` or the kind of thing we sent; ``args`` are decoded;
    ``status`` is 0 where no answer came. Times are in Unix seconds, ``duration`` in seconds.
    """

    number: int
    system: str
    incoming: bool
    verb: str
    path: str
    method: str
    args: Any
    status: int
    answer: Any
    at: float
    duration: float
    request_headers: Mapping[str, str]
    request_body: str
    answer_headers: Mapping[str, str]
    answer_body: str


class Log:
    """The last exchanges of one stand-in, oldest first."""

    def __init__(self, system: str) -> None:
        self.system = system
        self.rows: deque[Exchange] = deque(maxlen=KEPT)
        self.watchers: list[Callable[[Exchange], None]] = []
        self.total = 0
        """How many there ever were, those no longer kept included."""

    def add(
        self,
        *,
        incoming: bool,
        verb: str,
        path: str,
        method: str,
        args: Any = None,
        status: int,
        answer: Any = None,
        began: float,
        request_headers: Mapping[str, str] | None = None,
        request_body: str = "",
        answer_headers: Mapping[str, str] | None = None,
        answer_body: str = "",
    ) -> Exchange:
        """Keep one exchange that began at ``began`` (``time.perf_counter()``) and has just ended."""
        duration = time.perf_counter() - began
        self.total += 1
        exchange = Exchange(
            number=self.total,
            system=self.system,
            incoming=incoming,
            verb=verb,
            path=path,
            method=method,
            args=args,
            status=status,
            answer=answer,
            at=time.time() - duration,
            duration=duration,
            request_headers=request_headers or {},
            request_body=request_body[:LONGEST_BODY],
            answer_headers=answer_headers or {},
            answer_body=answer_body[:LONGEST_BODY],
        )
        self.rows.append(exchange)
        for watcher in self.watchers:
            watcher(exchange)
        return exchange


def id_of(exchange: Exchange) -> str:
    """What the page and its door call a row."""
    return f"{exchange.system}-{exchange.number}"


def to_page(exchange: Exchange) -> dict[str, Any]:
    """The row as the page's inspector shows it; secrets in headers, addresses and bodies are masked."""
    return {
        "id": id_of(exchange),
        "at": exchange.at,
        "direction": "in" if exchange.incoming else "out",
        "system": exchange.system,
        "method": exchange.verb,
        "path": masked(exchange.path),
        "name": exchange.method,
        "status": exchange.status,
        "duration_ms": round(exchange.duration * 1000, 1),
        "request_headers": {
            name: mask(value) if name.lower() in _SECRET_HEADERS else value
            for name, value in exchange.request_headers.items()
        },
        "request_body": masked(exchange.request_body),
        "response_headers": dict(exchange.answer_headers),
        "response_body": masked(exchange.answer_body),
    }


def masked(text: str) -> str:
    """A text without the tokens and keys in it."""
    return _KEY.sub(r"\1…", _TOKEN.sub(r"\1…", text))


def mask(secret: str) -> str:
    """The kind of a secret without the secret: ``Bearer xoxb-…``."""
    scheme, _, token = secret.rpartition(" ")
    kind = token.split("-", 1)[0] if "-" in token else token[:4].split("_", 1)[0]
    return f"{scheme} {kind}-…".strip()
