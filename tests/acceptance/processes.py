"""Bots and commands in processes of their own: started, and killed without a word.

They are forked from one process (multiprocessing's fork server) that has imported it all (``tests.acceptance.forked``):
to import it anew would take each of them longer than what is tested.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

from tests.acceptance import served

ROOT = Path(__file__).parents[2]

_forks = multiprocessing.get_context("forkserver")
_forks.set_forkserver_preload(["tests.acceptance.forked"])


@dataclass(frozen=True)
class Process:
    """A bot that runs; ``log`` is what it writes to stderr."""

    url: str
    process: ForkServerProcess
    log: Path

    async def kill(self) -> None:
        """``kill -9``: it has no chance to finish anything."""
        self.process.kill()
        await asyncio.to_thread(self.process.join)

    async def end(self) -> None:
        """Ask it to stop in good order, and wait until it has."""
        self.process.terminate()
        await asyncio.to_thread(self.process.join)


async def start(environment: Mapping[str, str], log: Path, **limits: Any) -> Process:
    """Start a bot and wait until it listens; ``limits`` are fields of ``bot.delivery.Limits``."""
    listens, listening = _forks.Pipe(duplex=False)
    with listens:
        with listening:
            process = _forks.Process(
                target=served.serve, args=({**os.environ, **environment}, limits, log, listening), daemon=True
            )
            await asyncio.to_thread(process.start)
        try:
            url: str = await asyncio.to_thread(listens.recv)
        except EOFError:
            raise AssertionError(f"the bot did not start:\n{log.read_text()[-4000:]}") from None
    return Process(url, process, log)


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
    with tempfile.TemporaryDirectory() as kept:
        out, errors = Path(kept) / "out", Path(kept) / "errors"
        process = _forks.Process(
            target=served.command, args=({"PATH": "", **environment}, folder, arguments, out, errors), daemon=True
        )
        await asyncio.to_thread(process.start)
        await asyncio.to_thread(process.join)
        assert process.exitcode is not None
        return process.exitcode, out.read_text(), errors.read_text()


async def shipmate_anew(*arguments: str, folder: Path, **environment: str) -> tuple[int, str, str]:
    """The same as a shell does it: an interpreter of its own, which has imported nothing yet."""
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
