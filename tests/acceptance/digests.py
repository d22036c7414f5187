"""Digests as people read them: which deploys stand in them, and how each is marked."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from bot.sandbox.world import Message
from tests.acceptance import watching

_LINE = re.compile(r"^\*(?P<service>[\w-]+)\* · (?P<environment>[\w-]+):(?P<rest>.*)$", re.MULTILINE)
_MARK = re.compile(r"(?P<icon>✅|🔴|⚪|🔄|⏳)|<[^|>]*\|(?P<linked>[^>]+)>|(?P<bare>\S+)")


@dataclass(frozen=True)
class Line:
    """One deploy within a digest; ``label`` is its short commit, or in a person's digest its change."""

    service: str
    environment: str
    label: str
    icon: str


def lines(messages: Iterable[Message]) -> list[Line]:
    """Every deploy that stands in the digests among these messages, as often as it does."""
    found: list[Line] = []
    for digest in watching.cards(list(messages), "digest"):
        for row in _LINE.finditer("\n".join(watching.texts(digest.blocks))):
            icon = ""
            for mark in _MARK.finditer(row["rest"]):
                icon = mark["icon"] or icon
                label = mark["linked"] or mark["bare"]
                if label:
                    found.append(Line(row["service"], row["environment"], label, icon))
    return found
