"""What menus offer while somebody types into them: Slack takes a hundred options at most."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

MOST = 100
LONGEST_LABEL = 75
LONGEST_VALUE = 150

Option = dict[str, Any]
"""As Slack takes it."""


def option(label: str, value: str) -> Option:
    """One option; its label is plain text, in which nothing is alive."""
    shown = label if len(label) <= LONGEST_LABEL else f"{label[: LONGEST_LABEL - 1]}…"
    return {"text": {"type": "plain_text", "text": shown}, "value": value}


def offered(options: Sequence[Option], typed: object) -> Sequence[Option]:
    """Those that hold what was typed, the ones that begin with it first; whatever Slack would not take is left out."""
    wanted = typed.strip().casefold() if isinstance(typed, str) else ""
    found = [
        one
        for one in options
        if 0 < len(one["value"]) <= LONGEST_VALUE and wanted in f"{one['text']['text']} {one['value']}".casefold()
    ]
    return sorted(found, key=lambda one: not one["text"]["text"].casefold().startswith(wanted))[:MOST]
