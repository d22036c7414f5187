"""Where the time goes: what runs is looked at some hundred times a second, and counted by part of the bot.

A thread that waits (for a request, a lock, the next job) is not counted. Of several that do not wait, each gets its
share: only one holds the interpreter. So these are shares of the working time, good to a few per cent, and no clock.
"""

from __future__ import annotations

import random
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from types import FrameType

EVERY = 0.003
"""Mean seconds between two looks; random, so as not to march in step with the bot."""

PARTS: tuple[tuple[str, str, str], ...] = (
    ("psycopg/connection.py", "wait", "waiting for PostgreSQL's answers"),
    ("bot/adapters/github", "", "asking GitHub (PyGithub)"),
    ("bot/adapters/slack", "", "calling Slack (slack_sdk)"),
    ("slack_sdk/web/", "", "calling Slack (slack_sdk)"),
    ("bot/rendering/", "", "rendering"),
    ("bot/delivery/queue.py", "waiting", "looking what is to be sent"),
    ("bot/delivery/loading.py", "", "loading what a message shows"),
    ("bot/delivery/queue.py", "", "writing down what was sent"),
    ("bot/delivery/", "", "the delivery engine itself"),
    ("bot/inbox/storing.py", "", "storing deliveries"),
    ("bot/reactions/", "", "applying events (rows, cards, facts)"),
    ("bot/promotions/", "", "applying events (rows, cards, facts)"),
    ("bot/deploys/", "", "applying events (rows, cards, facts)"),
    ("handlers/webhooks/github.py", "translate", "translating payloads"),
    ("bot/inbox/", "", "the inbox itself"),
    ("handlers/slack/", "", "Slack's doors"),
    ("handlers/webhooks/", "", "answering HTTP (aiohttp)"),
    ("aiohttp/web", "", "answering HTTP (aiohttp)"),
    ("aiohttp/", "", "HTTP connections (aiohttp)"),
    ("bot/database/", "_run_together", "commit and disk"),
    ("bot/database/", "", "handing work between threads"),
    ("asyncio/", "", "the event loop"),
)
"""The part of the innermost frame that is listed, by file and (for some) function; the first that fits."""

IDLE = (
    ("threading.py", "wait"),
    ("selectors.py", "select"),
    ("concurrent/futures/thread.py", "_worker"),
    ("socket.py", "readinto"),
    ("tests/benchmarks/subject.py", "_obey"),
)
"""Where a thread waits and does nothing: file and function."""

LISTENER = "bot/database/leadership.py"
"""The thread that stands for leadership listens to PostgreSQL and does little else."""


class Sampler:
    """Looks until it is stopped."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._look_forever, name="sampler", daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def stop(self) -> dict[str, float]:
        """Stop; returns each part's share of the working time, largest first."""
        self._stopped.set()
        self._thread.join()
        total = sum(self._counts.values()) or 1.0
        return {part: count / total for part, count in self._counts.most_common()}

    def _look_forever(self) -> None:
        while not self._stopped.wait(random.uniform(0, 2 * EVERY)):
            working = [
                frame
                for thread, frame in sys._current_frames().items()
                if thread != self._thread.ident and not _waits(frame)
            ]
            for frame in working:
                self._counts[part_of(frame)] += 1 / len(working)  # type: ignore[assignment]


def _waits(frame: FrameType) -> bool:
    code = frame.f_code
    if any(code.co_name == function and code.co_filename.endswith(path) for path, function in IDLE):
        return True
    return any(path.endswith(LISTENER) for path, _ in _walk(frame))


def part_of(frame: FrameType) -> str:
    """The part of the bot that a stack is in."""
    for name, function in _walk(frame):
        for path, listed, part in PARTS:
            if path in name and listed in ("", function):
                return part
    return "everything else"


def _walk(frame: FrameType | None) -> Iterator[tuple[str, str]]:
    while frame is not None:
        yield frame.f_code.co_filename, frame.f_code.co_name
        frame = frame.f_back
