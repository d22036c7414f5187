"""The figures as a table."""

from __future__ import annotations

from collections.abc import Iterable

from bot.alerts.suspects import Confidence
from tests.evaluation.scoring import Result, Score
from tests.evaluation.tables import Agreement


def table(result: Result) -> Iterable[str]:
    """A result as Markdown."""
    ours = result.ours
    yield f"{ours.alerts} alerts, {ours.caused} of them from a change that we are told of"
    yield ""
    yield "| | names any | precision@1 | precision@3 | found@1 | found@3 | rightly none |"
    yield "|---|---|---|---|---|---|---|"
    yield _row("likely changes", ours)
    for name, score in result.baselines.items():
        yield _row(name, score)
    yield ""
    yield "| confidence | evidence | alerts | first is wrong |"
    yield "|---|---|---|---|"
    for confidence in (Confidence.HIGH, Confidence.MEDIUM, Confidence.LOW):
        every = result.of(confidence)
        yield f"| {confidence} | all | {every.answers} | {_share(every.rate)} |"
        found = {grounds: one for (level, grounds), one in result.classes.items() if level is confidence}
        for grounds, one in sorted(found.items()):
            yield f"| | {grounds.replace('_', ' ')} | {one.answers} | {_share(one.rate)} |"
    yield ""
    pages = result.pages
    yield f"Authors woken: {pages.answers}, of them for nothing: {pages.wrong} ({_share(pages.rate)})"


def kinds(result: Result) -> Iterable[str]:
    """How often the answer was right, by what happened."""
    yield "| what happened | alerts | right | latest deploy of that service |"
    yield "|---|---|---|---|"
    baseline = result.baselines["latest deploy of that service"]
    for kind in sorted({kind for kind, _ in result.ours.by_kind}):
        count = result.ours.by_kind[kind, "alerts"]
        right, theirs = (score.by_kind[kind, "right"] / count for score in (result.ours, baseline))
        yield f"| {kind} | {count} | {_share(right)} | {_share(theirs)} |"


def _row(name: str, score: Score) -> str:
    shares = (score.precision_at_1, score.precision_at_3, score.found_at_1, score.found_at_3, score.none_right)
    return f"| {name} | {score.named} | {' | '.join(_share(one) for one in shares)} |"


def _share(one: float) -> str:
    return f"{one * 100:.1f} %"


def agreed(found: Agreement) -> Iterable[str]:
    """How many answers are the same from memory and from tables."""
    yield f"{found.asked} answers, of which {len(found.differ)} differ"
    for number, ours, theirs in found.differ:
        yield f"- alert {number}: {ours}, and {theirs} from the tables"
