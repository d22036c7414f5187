"""Structured logs: one line per event, JSON for machines or plain for a terminal, without secrets.

The line says which delivery it belongs to (``structlog.contextvars``). Every value that is one of the settings' secrets
is replaced wherever it appears, also inside tracebacks of libraries that log by themselves.
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Iterable

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

HIDDEN = "[secret]"

SHORTEST_SECRET = 6
"""Shorter values are not looked for: they would blot out ordinary words."""

TOKENS = re.compile(r"\b(xox[a-z]-[\w-]{6,}|xapp-[\w-]{6,}|gh[a-z]_\w{10,}|github_pat_\w{10,})")
"""Tokens by their shape, wherever they come from."""

QUIET = ("alembic", "apscheduler", "slack_bolt", "slack_sdk", "urllib3", "github", "aiohttp.access")
"""Libraries whose chatter is kept down; Bolt logs the body of a request with a bad signature at INFO."""


def configure(*, as_json: bool, secrets: Iterable[str]) -> None:
    """Send all logs, ours and the libraries', to stderr in one shape."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        redactor(secrets),
    ]
    last: Processor = (
        structlog.processors.JSONRenderer(ensure_ascii=False)
        if as_json
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, last],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.INFO)
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)


def _lines_of(secret: str) -> list[str]:
    """The lines of a private key: whoever prints it may write its line breaks in some other way."""
    lines = [line.strip() for line in secret.splitlines()]
    return [line for line in lines if not line.startswith("-----")] if len(lines) > 1 else []


def redactor(secrets: Iterable[str]) -> Processor:
    """A processor that replaces these values, and anything shaped like a token, in every text of a line."""
    parts = {part for secret in secrets for part in (secret, *_lines_of(secret)) if len(part) >= SHORTEST_SECRET}
    known = sorted(parts, key=len, reverse=True)
    pattern = re.compile("|".join(map(re.escape, known))) if known else None

    def clean(value: object) -> object:
        if isinstance(value, str):
            hidden = pattern.sub(HIDDEN, value) if pattern else value
            return TOKENS.sub(HIDDEN, hidden)
        if isinstance(value, dict):
            return {key: clean(item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [clean(item) for item in value]
        if value is None or isinstance(value, bool | int | float):
            return value
        return clean(str(value))

    def redact(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        return {key: item if key.startswith("_") else clean(item) for key, item in event.items()}

    return redact
