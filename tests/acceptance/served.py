"""What runs in a process of its own (``tests.acceptance.processes``): a bot that is killed, a command that is typed."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from bot.cli import main
from bot.delivery import Limits
from bot.server import configure_logs, serving
from bot.settings import Settings, load_settings


def serve(environment: Mapping[str, str], limits: Mapping[str, Any], log: Path, listening: Connection) -> None:
    """Serve with these settings and this pace until SIGTERM, and tell the address once it is listened on."""
    _enter(environment, out=log, errors=log)
    asyncio.run(_serve(load_settings(os.environ, None), Limits(**limits), listening))


async def _serve(settings: Settings, limits: Limits, listening: Connection) -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    configure_logs(settings, as_json=False)
    async with serving(settings, limits=limits) as running:
        listening.send(running.url)
        await stop.wait()


def command(environment: Mapping[str, str], folder: Path, arguments: Sequence[str], out: Path, errors: Path) -> None:
    """What ``python -m bot`` does with these arguments, in this folder and environment."""
    _enter(environment, out=out, errors=errors)
    os.chdir(folder)
    sys.argv = ["shipmate", *arguments]
    main()


def _enter(environment: Mapping[str, str], *, out: Path, errors: Path) -> None:
    """Have the environment of a process that was started with it, and write where its caller reads."""
    os.environ.clear()
    os.environ.update(environment)
    for descriptor, file in ((1, out), (2, errors)):
        opened = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.dup2(opened, descriptor)
        os.close(opened)
