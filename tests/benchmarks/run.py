"""``make bench``: the bot against the bare baseline, in one run.

The bot (or the baseline) has core 0; the load, the stand-in for Slack and GitHub, and PostgreSQL have core 1. Every
figure is a ratio to the baseline measured in the same run, before and after, because machines differ and wander.
Loopback only; it ends by itself within eight minutes.

A *rollout begins*: one delivery, then a card, the question to GitHub what it carries, and the card edited. A *rollout
ends*: one delivery, and the card edited. The bare server makes one Slack call for each delivery and asks nobody; for
each click it makes one call to GitHub, and for each alert one to PagerDuty and one to Slack. Judging is measured
against the bare read of the same promotion's row.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import platform
import sqlite3
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from tests.benchmarks import alarms
from tests.benchmarks.database import postgres
from tests.benchmarks.load import (
    ALERT_SECRET,
    APPROVERS,
    GITHUB_SECRET,
    SIGNING_SECRET,
    Lines,
    Rollout,
    Rollouts,
    approve,
    builds,
    catalogue,
    mute,
)
from tests.benchmarks.process import Subject, importing
from tests.benchmarks.report import Figures, Starts, print_judging, print_parts, print_report, print_starts
from tests.benchmarks.stand_in import PAGER_FROM, StandIn

NAMES = {"sqlite": "SQLite, synchronous=FULL", "postgresql": "PostgreSQL"}
LOAD_CORE = 1
QUIET = 80
RATE = 200
AT_RATE = 300
BURST = 240
TOLD = 80
PROFILED = 120
WARM = 60
CLICKS = 60
FIRST_CLICKS = 10
"""Approvals that are not counted: Slack says once a minute of each approver who they are."""
STARTS = 3
SETTLED = 3.0
"""Seconds without a call to Slack after which start and warming are over: while they go on, nothing is quiet."""

PAUSE = 0.025
"""Seconds between two deliveries when it is quiet: long enough for all that the first one brings about."""

ROUNDS = 40
"""How often it is looked whether every card asks for a yes."""

JUDGING = 120.0
"""Seconds that ten thousand promotions may take, their making included."""

TOTAL = 480.0
"""Seconds after which the whole is given up."""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="make bench", description="Measure Shipmate against the bare baseline.")
    parser.add_argument("--database", choices=("sqlite", "postgresql", "both"), default="both")
    chosen = parser.parse_args().database
    databases = ("sqlite", "postgresql") if chosen == "both" else (chosen,)
    with suppress(OSError, AttributeError):  # a single core, or no Linux: the ratios are then worth less
        os.sched_setaffinity(0, {LOAD_CORE})
    with tempfile.TemporaryDirectory(prefix="shipmate-bench-") as folder:
        asyncio.run(_within(Path(folder), databases))


async def _within(folder: Path, databases: Sequence[str]) -> None:
    began = time.perf_counter()
    bare, bots, starts = Figures("bare"), [Figures(NAMES[database]) for database in databases], Starts()
    try:
        async with asyncio.timeout(TOTAL), StandIn() as world:
            await _measure(world, folder, databases, bare, bots, starts)
    except TimeoutError:
        _tell(f"Given up after {TOTAL:.0f} s: this machine has too much else to do. What was measured until then:")
    print(f"{platform.python_implementation()} {platform.python_version()}, SQLite {sqlite3.sqlite_version}")
    print_report(bare, bots)
    print_judging(bots)
    print_parts(bots)
    print_starts(starts)
    print(f"\nAll of this took {time.perf_counter() - began:.0f} s.")


async def _measure(
    world: StandIn, folder: Path, databases: Sequence[str], bare: Figures, bots: Sequence[Figures], starts: Starts
) -> None:
    _tell("Measuring the bare baseline …")
    await _measure_bare(world, folder, bare)
    rollouts = Rollouts()
    for database, figures in zip(databases, bots, strict=True):
        _tell(f"Measuring the bot on {figures.name} …")
        await _measure_on(database, world, folder, rollouts, figures)
    _tell("Measuring start-up …")
    await _measure_starts(world, folder, starts)
    _tell("Measuring the bare baseline again …")
    await _measure_bare(world, folder, bare)


def _tell(sentence: str) -> None:
    print(sentence, file=sys.stderr, flush=True)


async def _measure_on(database: str, world: StandIn, folder: Path, rollouts: Rollouts, figures: Figures) -> None:
    environment = _environment(world, folder)
    if database == "sqlite":
        environment["DATABASE_URL"] = f"sqlite:///{folder / 'shipmate.db'}"
        await _measure_bot(environment, folder / "bot.log", world, rollouts, figures)
        environment["DATABASE_URL"] = f"sqlite:///{folder / 'alarms.db'}"
        await _measure_alarms(environment, folder / "alarms.log", world, figures)
        environment["DATABASE_URL"] = f"sqlite:///{folder / 'judging.db'}"
        await _measure_judging(environment, folder / "judging.log", figures)
    else:
        with postgres(folder / "postgres") as url:
            environment["DATABASE_URL"] = url
            await _measure_bot(environment, folder / "bot.log", world, rollouts, figures)
        with postgres(folder / "alarms") as url:
            environment["DATABASE_URL"] = url
            await _measure_alarms(environment, folder / "alarms.log", world, figures)
        with postgres(folder / "judging") as url:
            environment["DATABASE_URL"] = url
            await _measure_judging(environment, folder / "judging.log", figures)


# --- the baseline -----------------------------------------------------------------------------------------------------


async def _measure_bare(world: StandIn, folder: Path, bare: Figures) -> None:
    async with Subject("bare", _environment(world, folder), folder / "bare.log") as subject:
        lines = await Lines.to(subject.url)
        rollouts = Rollouts(first=10_000_000 + len(bare.rates) * 1_000_000)
        await lines.at_once(_deliveries(rollouts.take(WARM), "in_progress"))
        await _quietly(lines, world, rollouts.take(QUIET), "in_progress", bare, "call quiet")
        await _at_rate(lines, world, rollouts.take(AT_RATE), "in_progress", bare, "call rate")
        await world.quiet()
        burst = rollouts.take(BURST * 3)
        await alarms.measure_bare(lines, world, bare)
        await _click_barely(lines, world, builds(40_000_000 + len(bare.rates) * 1_000_000), bare)
        bare.rates["calls"] = max(bare.rates.get("calls", 0.0), await _burst(lines, world, burst, "in_progress"))
        lines.close()


async def _click_barely(lines: Lines, world: StandIn, made: Sequence[Rollout], bare: Figures) -> None:
    for build in made:
        deployed = world.deployed(build.sha)
        answered = await lines.send(approve("U0DEV00", "1:seen", build.sha, "", datetime.now(UTC)))
        bare.add("click answer", [answered.at - answered.sent_at])
        bare.add("click deployed", [await deployed - answered.sent_at])
        await asyncio.sleep(PAUSE)


# --- the bot ----------------------------------------------------------------------------------------------------------


async def _measure_bot(
    environment: Mapping[str, str], log: Path, world: StandIn, rollouts: Rollouts, figures: Figures
) -> None:
    async with Subject("bot", environment, log) as subject:
        lines = await Lines.to(subject.url)
        for state in ("in_progress", "success"):
            await lines.at_once(_deliveries(rollouts.take(WARM, told=True), state))
            await world.quiet(SETTLED)
        await _measure_latencies(lines, world, rollouts, figures)
        await _measure_rates(lines, world, rollouts, figures)
        await _measure_clicks(lines, world, figures)
        await subject.tell("sample")
        profiled = rollouts.take(PROFILED, told=True)
        for state in ("in_progress", "success"):
            await _burst(lines, world, profiled, state)
        figures.parts = (await subject.ask("report"))["parts"]
        await _measure_approvals(lines, world, figures)
        lines.close()


async def _measure_alarms(environment: Mapping[str, str], log: Path, world: StandIn, figures: Figures) -> None:
    """On a database of their own: what else there is to be judged anew would be measured, too."""
    async with Subject("bot", environment, log) as subject:
        lines = await Lines.to(subject.url)
        await alarms.measure(lines, world, figures)
        lines.close()


async def _measure_latencies(lines: Lines, world: StandIn, rollouts: Rollouts, figures: Figures) -> None:
    quiet = rollouts.take(QUIET)
    await _quietly(lines, world, quiet, "in_progress", figures, "begins quiet")
    await _quietly(lines, world, quiet, "success", figures, "ends quiet")
    steady = rollouts.take(AT_RATE)
    await _at_rate(lines, world, steady, "in_progress", figures, "begins rate")
    await world.quiet()
    await _at_rate(lines, world, steady, "success", figures, "ends rate")
    await world.quiet()


async def _measure_rates(lines: Lines, world: StandIn, rollouts: Rollouts, figures: Figures) -> None:
    burst = rollouts.take(BURST)
    before = world.calls.copy()
    began = time.perf_counter()
    figures.rates["begins"] = await _burst(lines, world, burst, "in_progress")
    cards = [at for one in burst if (at := world.first(one.sha)) is not None]
    figures.rates["cards"] = len(cards) / (max(cards) - began)
    figures.calls["calls for each that begins"] = _calls(world, before, BURST)
    before = world.calls.copy()
    figures.rates["ends"] = await _burst(lines, world, burst, "success")
    figures.calls["calls for each that ends"] = _calls(world, before, BURST)
    before = world.calls.copy()
    told = rollouts.take(TOLD, told=True)
    both = [await _burst(lines, world, told, state) for state in ("in_progress", "success")]
    figures.rates["told"] = statistics.harmonic_mean(both)
    figures.calls["calls for each of these events"] = _calls(world, before, 2 * TOLD)


async def _measure_clicks(lines: Lines, world: StandIn, figures: Figures) -> None:
    for number in range(CLICKS):
        response_url, told = world.answer_at(str(number))
        answered = await lines.send(mute(f"U0DEV{number % 40:02}", 1 + number, response_url, datetime.now(UTC)))
        figures.add("click answer", [answered.at - answered.sent_at])
        figures.add("click told", [await told - answered.sent_at])
        await asyncio.sleep(PAUSE)


async def _measure_approvals(lines: Lines, world: StandIn, figures: Figures) -> None:
    """Builds go live in staging, cards ask for a yes; each yes is the last thing missing, and cannot be undone."""
    world.approvals.clear()
    made = builds(20_000_000)
    await lines.at_once(_deliveries(made, "success"))
    for _ in range(ROUNDS):
        await world.quiet()
        if all(build.sha in world.approvals for build in made):
            break
    else:
        raise RuntimeError(f"only {len(world.approvals)} of {len(made)} promotions asked for a yes")
    await world.quiet()
    for number, build in enumerate(made):
        response_url, told = world.answer_at(f"approve-{number}")
        deployed = world.deployed(build.sha)
        person = f"U0DEV{number % APPROVERS:02}"
        raw = approve(person, world.approvals[build.sha], build.sha, response_url, datetime.now(UTC))
        answered = await lines.send(raw)
        times = [at - answered.sent_at for at in (answered.at, await told, await deployed)]
        if number >= FIRST_CLICKS:
            for name, seconds in zip(("approve answer", "approve told", "approve deployed"), times, strict=True):
                figures.add(name, [seconds])
        await world.quiet(PAUSE * 4)


async def _measure_judging(environment: Mapping[str, str], log: Path, figures: Figures) -> None:
    async with Subject("judge", environment, log) as subject:
        try:
            figures.judging = await subject.hear(JUDGING)
        except TimeoutError:
            _tell(f"Judging was given up after {JUDGING:.0f} s: this machine has too much else to do.")


# --- start-up ---------------------------------------------------------------------------------------------------------


async def _measure_starts(world: StandIn, folder: Path, starts: Starts) -> None:
    modules: list[str] = []
    for number in range(STARTS):
        environment = _environment(world, folder) | {"DATABASE_URL": f"sqlite:///{folder / f'start-{number}.db'}"}
        for times in (starts.fresh, starts.again):
            async with Subject("bot", environment, folder / "start.log") as subject:
                times.append(subject.seconds)
                modules = subject.ready["modules"]
        starts.imports.append(await importing(modules, folder / "imports.log"))


# --- ways of sending --------------------------------------------------------------------------------------------------


async def _quietly(
    lines: Lines, world: StandIn, rollouts: Sequence[Rollout], state: str, figures: Figures, name: str
) -> None:
    """One delivery after the other, each when all is done that the one before brought about."""
    for rollout in rollouts:
        raw = rollout.delivery(state)
        call = world.next_call(rollout.sha, already=world.times(rollout.sha))
        answered = await lines.send(raw)
        figures.add("answer quiet", [answered.at - answered.sent_at])
        figures.add(name, [await call - answered.sent_at])
        await asyncio.sleep(PAUSE)


async def _at_rate(
    lines: Lines, world: StandIn, rollouts: Sequence[Rollout], state: str, figures: Figures, name: str
) -> None:
    calls = [world.next_call(rollout.sha, already=world.times(rollout.sha)) for rollout in rollouts]
    answers = await lines.at_rate(_deliveries(rollouts, state), RATE)
    figures.add("answer rate", [answered.at - answered.sent_at for answered in answers])
    called = await asyncio.gather(*calls)
    figures.add(name, [at - answered.sent_at for at, answered in zip(called, answers, strict=True)])


async def _burst(lines: Lines, world: StandIn, rollouts: Sequence[Rollout], state: str) -> float:
    """Everything at once; the deliveries a second from the first one sent to the last Slack call they brought about."""
    deliveries = _deliveries(rollouts, state)
    calls = [world.next_call(rollout.sha, already=world.times(rollout.sha)) for rollout in rollouts]
    began = time.perf_counter()
    await lines.at_once(deliveries)
    await asyncio.gather(*calls)
    await world.quiet()
    return len(rollouts) / (world.last_at - began)


def _deliveries(rollouts: Sequence[Rollout], state: str) -> list[bytes]:
    return [rollout.delivery(state) for rollout in rollouts]


def _calls(world: StandIn, before: Counter[str], events: int) -> str:
    made = world.calls - before
    github = made.pop("github", 0)
    return f"{made.total() / events:.1f} Slack, {github / events:.1f} GitHub"


def _environment(world: StandIn, folder: Path) -> dict[str, str]:
    config = folder / "shipmate.yml"
    config.write_text(catalogue(), encoding="utf-8")
    return {
        "SHIPMATE_CONFIG": str(config),
        "SHIPMATE_PORT": "0",
        "SLACK_API_URL": f"{world.url}/api/",
        "SLACK_BOT_TOKEN": "xoxb-for-the-benchmark",
        "SLACK_SIGNING_SECRET": SIGNING_SECRET,
        "GITHUB_API_URL": f"{world.url}/github",
        "GITHUB_TOKEN": "ghp_forthebenchmark",
        "GITHUB_WEBHOOK_SECRET": GITHUB_SECRET,
        "ALERTMANAGER_WEBHOOK_SECRET": ALERT_SECRET,
        "PAGERDUTY_API_KEY": "a-key-for-the-benchmark",
        "PAGERDUTY_API_URL": f"{world.url}/pagerduty",
        "PAGERDUTY_FROM": PAGER_FROM,
    }
