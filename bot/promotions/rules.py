"""Pure rules of promotions: what names what people saw, when a call may be made, when to look again, what is said."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, is_dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from bot.gates import Blocked, Gate, Judgement, Open, Verdict, Waiting

EXPIRES_AFTER = timedelta(days=7)
"""How long a promotion waits for its gates: after that nobody remembers what it was for."""

CALL_SETTLES = timedelta(seconds=120)
"""How long after a call was begun it may still have its effect: the longest that any pipeline's call takes (90 s, held
by a test), and a margin. Until then, that it cannot be found proves nothing.
"""

NOTES_TAKEN = 10
"""Status notes that GitHub takes for one deployment (facts: custom deployment protection rules)."""

LONGEST_COMMENT = 1024
"""Characters of a comment on a run that waits."""

ORDERED_ANEW = timedelta(minutes=2)
"""How much the clocks of a pipeline and of ours may differ when a rollout is matched by time."""

_SHORT = 16


def policy_words(gates: Iterable[Gate]) -> str:
    """A policy as text that is the same for the same gates and options, on every run."""
    return json.dumps([{"name": gate.name, **_options(gate)} for gate in gates], sort_keys=True, default=_plain)


def seen_of(
    *, repo: str | None, base: str | None, sha: str, labels: Sequence[str] | None, truncated: int, policy: str
) -> str:
    """What names exactly what people see of a promotion; ``labels`` is None until it is known what it carries."""
    words = json.dumps([repo, base, sha, None if labels is None else sorted(labels), truncated, policy])
    return hashlib.sha256(words.encode()).hexdigest()[:_SHORT]


def leaves_of(from_sha: str, sha: str, labels: Iterable[str]) -> str:
    """What names exactly what people see leave with a rollback."""
    return hashlib.sha256(json.dumps([from_sha, sha, sorted(labels)]).encode()).hexdigest()[:_SHORT]


def starts_at(now: datetime, said: Iterable[datetime], undo: timedelta) -> datetime:
    """When the call may be made: whoever said yes last can still take it back until then."""
    return max([now, *(at + undo for at in said)])


def looks_at(now: datetime, turns_at: datetime | None, expires_at: datetime) -> datetime:
    """When time alone may next change what comes of an open promotion."""
    return max(now, min(at for at in (turns_at, expires_at) if at is not None))


def plain_verdicts(judgement: Judgement) -> list[dict[str, Any]]:
    """A judgement as it is kept with a decision."""
    return [{"gate": one.gate, "state": state_of(one.verdict), **_said(one.verdict)} for one in judgement.verdicts]


def state_of(verdict: Verdict) -> str:
    """``open``, ``waiting`` or ``blocked``."""
    match verdict:
        case Open():
            return "open"
        case Waiting():
            return "waiting"
        case Blocked():
            return "blocked"


def comment(heading: str, judgement: Judgement) -> str:
    """What is written on a run at GitHub, in Markdown: the heading (plain words), and a line for each gate."""
    marks = {"open": "✅", "waiting": "⏳", "blocked": "⛔"}
    lines = [one_line(heading), ""]
    for one in judgement.verdicts:
        until = (
            "" if isinstance(one.verdict, Open) or one.verdict.until is None else f" (until {_utc(one.verdict.until)})"
        )
        lines.append(f"- {marks[state_of(one.verdict)]} **{one.gate}**: {one_line(one.verdict.reason)}{until}")
    words = "\n".join(lines)
    return words if len(words) <= LONGEST_COMMENT else words[: LONGEST_COMMENT - 1] + "…"


def one_line(words: str) -> str:
    """Words from outside on one line of Markdown that mentions nobody at GitHub and links nowhere."""
    plain = " ".join(words.split())
    for mark in "\\`*_[]<>#|~":
        plain = plain.replace(mark, f"\\{mark}")
    return plain.replace("@", "@\u200b")


def _said(verdict: Verdict) -> dict[str, Any]:
    until = None if isinstance(verdict, Open) else verdict.until
    return {"reason": verdict.reason, **({"until": until.isoformat()} if until is not None else {})}


def _utc(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def _options(gate: Gate) -> dict[str, Any]:
    options: object = gate
    return asdict(options) if is_dataclass(options) and not isinstance(options, type) else {}


def _plain(value: object) -> object:
    return sorted(value) if isinstance(value, set | frozenset) else str(value)
