"""What was measured, told in tables: each figure of the bot, the bare figure it stands against, and the ratio."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

WIDTH = 46


@dataclass
class Figures:
    """The figures of one subject by name: latencies in seconds, rates in events a second, counts for each event."""

    name: str
    latencies: dict[str, list[float]] = field(default_factory=dict)
    rates: dict[str, float] = field(default_factory=dict)
    calls: dict[str, str] = field(default_factory=dict)
    parts: Mapping[str, float] = field(default_factory=dict)
    judging: Mapping[str, Any] = field(default_factory=dict)
    """As ``judging.measure`` tells it; empty where it was not reached."""

    def add(self, name: str, latencies: Sequence[float]) -> None:
        """Add to a figure's samples."""
        self.latencies.setdefault(name, []).extend(latencies)


@dataclass
class Starts:
    """Seconds of each start: with tables to be made, with tables there, and of importing the libraries alone."""

    fresh: list[float] = field(default_factory=list)
    again: list[float] = field(default_factory=list)
    imports: list[float] = field(default_factory=list)


@dataclass(frozen=True)
class Latency:
    """One row of latencies; ``aim`` is the most that its p50 may be of the bare one's."""

    label: str
    ours: str
    bare: str
    aim: float | None = None


@dataclass(frozen=True)
class Rate:
    """One row of rates; ``aim`` is the least that it may be of the bare one."""

    label: str
    ours: str
    aim: float | None = None


LATENCIES = (
    Latency("webhook → 2xx, stored durably: quiet", "answer quiet", "answer quiet", 3.0),
    Latency(f"{'':30}at 200/s", "answer rate", "answer rate"),
    Latency("webhook → Slack call, rollout begins: quiet", "begins quiet", "call quiet", 10.0),
    Latency(f"{'':38}at 200/s", "begins rate", "call rate"),
    Latency("webhook → Slack call, rollout ends: quiet", "ends quiet", "call quiet", 10.0),
    Latency(f"{'':36}at 200/s", "ends rate", "call rate"),
    Latency("Mute → 2xx, stored durably", "click answer", "click answer"),
    Latency("Mute → words in Slack", "click told", "call quiet"),
    Latency("Approve → 2xx, stored durably", "approve answer", "click answer"),
    Latency("Approve → words in Slack", "approve told", "call quiet"),
    Latency("Approve → GitHub call, undo 0 s", "approve deployed", "click deployed"),
    Latency("alert → PagerDuty call: quiet", "alert paged quiet", "alert paged"),
    Latency(f"{'':24}in a storm of 500/s", "alert paged storm", "alert paged"),
    Latency("alert → message in its room: quiet", "alert room quiet", "alert room"),
    Latency(f"{'':29}in a storm", "alert room storm", "alert room"),
)

RATES = (
    Rate("rollouts that end, to the last Slack call", "ends", 0.25),
    Rate("rollouts that begin, to the last card", "cards"),
    Rate("rollouts that begin, to the last Slack call", "begins"),
    Rate("begin and end with an author told, to the last", "told"),
)


def print_report(bare: Figures, bots: Sequence[Figures]) -> None:
    """The tables of latencies and rates."""
    heads = [bare.name, *(bot.name for bot in bots)]
    print(f"\n{'milliseconds: p50 / p99 (p50 against bare)':{WIDTH}}" + "".join(f"{head:>27}" for head in heads))
    for row in LATENCIES:
        if not any(row.ours in bot.latencies for bot in bots):
            continue
        base = bare.latencies[row.bare]
        cells = [_spread(base)]
        for bot in bots:
            ours = bot.latencies.get(row.ours)
            cells.append(f"{_spread(ours)} {_median(ours) / _median(base):6.1f}×" if ours else "–")
        print(f"{row.label:{WIDTH}}" + "".join(f"{cell:>27}" for cell in cells))
    print(f"\n{'events a second (against bare)':{WIDTH}}" + "".join(f"{head:>27}" for head in heads))
    for rate in RATES:
        cells = [f"{bare.rates['calls']:.0f}"]
        for bot in bots:
            found = bot.rates.get(rate.ours)
            cells.append(f"{found:.0f}   1/{bare.rates['calls'] / found:.1f}" if found else "–")
        print(f"{rate.label:{WIDTH}}" + "".join(f"{cell:>27}" for cell in cells))
    for name in dict.fromkeys(name for bot in bots for name in bot.calls):
        cells = ["", *(bot.calls.get(name, "–") for bot in bots)]
        print(f"{name:{WIDTH}}" + "".join(f"{cell:>27}" for cell in cells))
    print("\nAgainst the aims:")
    for bot in bots:
        for sentence in _verdicts(bare, bot):
            print(f"  {bot.name}: {sentence}")


def print_starts(starts: Starts) -> None:
    """How long it takes until the bot listens."""
    if not starts.imports:
        return
    bare = _median(starts.imports)
    print(f"\n{'seconds to start on SQLite, until it listens':{WIDTH}}")
    print(f"{'importing the same libraries, and no more':{WIDTH}}{bare:>27.2f}")
    for label, found in (("with its tables there", starts.again), ("with its tables to be made", starts.fresh)):
        cell = f"{_median(found):.2f} {_median(found) / bare:6.2f}×"
        print(f"{label:{WIDTH}}{cell:>27}")


def print_judging(bots: Sequence[Figures]) -> None:
    """What it costs to judge a promotion, against the bare read of its row."""
    told = [bot for bot in bots if bot.judging]
    if not told:
        return
    number = len(told[0].judging["bare"])
    heading = f"milliseconds, of {number:,} open promotions"
    print(f"\n{heading:{WIDTH}}" + "".join(f"{bot.name:>27}" for bot in told))
    for label, name in (
        ("the bare read of its row", "bare"),
        ("its gates, of gathered facts (p50 against that)", "pure"),
        ("gathered and judged (p50 against that)", "judged"),
    ):
        cells = []
        for bot in told:
            ratio = _median(bot.judging[name]) / _median(bot.judging["bare"])
            cells.append(_spread(bot.judging[name], 3) + (f" {ratio:6.1f}×" if name != "bare" else ""))
        print(f"{label:{WIDTH}}" + "".join(f"{cell:>27}" for cell in cells))
    judged = [(bot.judging["judged"], bot.judging) for bot in told]
    for label, cells in (
        ("statements for each", [f"{found['statements']:.1f}" for _, found in judged]),
        ("judged in the time there was", [f"{len(times):,}" for times, _ in judged]),
        ("of these could ship", [f"{found['shippable']:,}" for _, found in judged]),
        ("seconds for all of them, at that pace", [f"{statistics.mean(times) * number:.0f}" for times, _ in judged]),
    ):
        print(f"{label:{WIDTH}}" + "".join(f"{cell:>27}" for cell in cells))


def print_parts(bots: Sequence[Figures]) -> None:
    """Where the time goes."""
    print(f"\n{'share of the working time in a burst':{WIDTH}}" + "".join(f"{bot.name:>27}" for bot in bots))
    every = sorted(
        {part for bot in bots for part in bot.parts}, key=lambda part: -sum(bot.parts.get(part, 0.0) for bot in bots)
    )
    for part in every:
        print(f"{part:{WIDTH}}" + "".join(f"{bot.parts.get(part, 0.0):>26.0%} " for bot in bots))


def _verdicts(bare: Figures, bot: Figures) -> list[str]:
    said = []
    for row in LATENCIES:
        if row.aim is not None and row.ours in bot.latencies:
            ratio = _median(bot.latencies[row.ours]) / _median(bare.latencies[row.bare])
            said.append(f"{row.label}: {ratio:.1f}× bare, aim ≤ {row.aim:.0f}×: {_met(ratio <= row.aim)}")
    for rate in RATES:
        if rate.aim is not None and rate.ours in bot.rates:
            share = bot.rates[rate.ours] / bare.rates["calls"]
            said.append(f"{rate.label}: {share:.2f} of bare, aim ≥ {rate.aim}: {_met(share >= rate.aim)}")
    return said


def _met(met: bool) -> str:
    return "met" if met else "MISSED"


def _median(samples: Sequence[float]) -> float:
    return statistics.median(samples)


def _spread(samples: Sequence[float], digits: int = 2) -> str:
    ordered = sorted(samples)
    return f"{_median(ordered) * 1000:.{digits}f} / {ordered[int(len(ordered) * 0.99)] * 1000:.{digits}f}"
