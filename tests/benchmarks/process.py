"""Processes that are measured: started, listened to, told to stop."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 30.0
"""Seconds for a process to begin, or to end."""


class Subject:
    """A process of ``tests.benchmarks.subject``; ``ready`` is what it said when it was."""

    def __init__(self, kind: str, environment: Mapping[str, str], log: Path) -> None:
        self._kind = kind
        self._environment = environment
        self._log = log
        self._process: asyncio.subprocess.Process | None = None
        self.ready: Mapping[str, Any] = {}
        self.seconds = 0.0
        """From its start until it was ready."""

    async def __aenter__(self) -> Self:
        began = time.perf_counter()
        with self._log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "tests.benchmarks.subject",
                self._kind,
                cwd=ROOT,
                env=_surroundings() | dict(self._environment),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
                limit=1 << 20,
            )
        if self._kind not in ("imports", "judge"):
            self.ready = await self.hear()
            self.seconds = time.perf_counter() - began
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        process = self._process
        assert process is not None
        assert process.stdin is not None
        process.stdin.close()
        if self._kind == "judge" and process.returncode is None:  # it has said what it had to, or is not waited for
            process.kill()
        try:
            async with asyncio.timeout(PATIENCE):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()

    @property
    def url(self) -> str:
        """Where it listens."""
        return str(self.ready["url"])

    async def tell(self, line: str) -> None:
        """Send it a command."""
        assert self._process is not None
        assert self._process.stdin is not None
        self._process.stdin.write(line.encode() + b"\n")
        await self._process.stdin.drain()

    async def ask(self, line: str) -> Mapping[str, Any]:
        """Send it a command and hear its answer."""
        await self.tell(line)
        return await self.hear()

    async def hear(self, patience: float = PATIENCE) -> Mapping[str, Any]:
        """The next thing that it says."""
        assert self._process is not None
        assert self._process.stdout is not None
        async with asyncio.timeout(patience):
            line = await self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"the {self._kind} ended:\n{self._log.read_text()[-3000:]}")
        heard: Mapping[str, Any] = json.loads(line)
        return heard


async def importing(modules: Sequence[str], log: Path) -> float:
    """Seconds for a process to start and import these modules."""
    began = time.perf_counter()
    async with Subject("imports", {}, log) as subject:
        await subject.ask(json.dumps(modules))
        return time.perf_counter() - began


def _surroundings() -> dict[str, str]:
    """Our own environment without settings of the bot: nobody's real tokens get into a benchmark."""
    ours = ("SHIPMATE_", "SLACK_", "GITHUB_", "PAGERDUTY_", "DATABASE_URL")
    return {name: value for name, value in os.environ.items() if not name.startswith(ours)}
