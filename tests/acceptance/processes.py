"""Bots in processes of their own: started, and killed without a word."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Process:
    """A bot that runs; ``log`` is what it writes to stderr."""

    url: str
    process: asyncio.subprocess.Process
    log: Path

    async def kill(self) -> None:
        """``kill -9``: it has no chance to finish anything."""
        with suppress(ProcessLookupError):
            self.process.kill()
        await self.process.wait()

    async def end(self) -> None:
        """Ask it to stop in good order, and wait until it has."""
        self.process.terminate()
        await self.process.wait()


async def start(environment: Mapping[str, str], log: Path, **limits: Any) -> Process:
    """Start a bot and wait until it listens; ``limits`` are fields of ``bot.delivery.Limits``."""
    with log.open("ab") as errors:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "tests.acceptance.served",
            json.dumps(limits),
            cwd=ROOT,
            env={**os.environ, **environment},
            stdout=asyncio.subprocess.PIPE,
            stderr=errors,
        )
    assert process.stdout is not None
    line = await process.stdout.readline()
    assert line, f"the bot did not start:\n{log.read_text()[-4000:]}"
    return Process(line.decode().strip(), process, log)


@asynccontextmanager
async def running(environment: Mapping[str, str], log: Path, **limits: Any) -> AsyncIterator[Process]:
    """A bot that is killed when the block is left, if it was not before."""
    bot = await start(environment, log, **limits)
    try:
        yield bot
    finally:
        await bot.kill()


async def shipmate(*arguments: str, folder: Path, **environment: str) -> tuple[int, str, str]:
    """Run one command; its exit code, stdout and stderr."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot", *arguments),
        cwd=folder,
        env={"PYTHONPATH": str(ROOT), "PATH": "", **environment},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()
