"""The bot in its stand-in world, for people who want to see what it does."""

from __future__ import annotations

import asyncio
import math
import os
import signal
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import typer
import yaml

from bot import server
from bot.delivery import Limits
from bot.errors import UserError
from bot.rendering import manifest_file
from bot.sandbox.acme import POLICY, acme_policy
from bot.sandbox.server import Sandbox
from bot.sandbox.slack_manifest import read_manifest
from bot.settings import load_settings

FIRST_SCENE = "a calm deploy"

SHOWN = Limits(doubt_settles=1.0, progress_every=3.0)
"""As for a real Slack, but impatient: progress is shown sooner, so that there is something to see."""


async def demonstrate(*, port: int, exit_after: float | None, pace: float) -> None:
    """Start the world and the bot, print where to look, play the first scene, and stay until stopped."""
    if exit_after is not None and not exit_after >= 0:
        raise UserError(f"--exit-after: expected a number of seconds, not {exit_after:g}")
    if not 0 <= pace < math.inf:
        raise UserError(f"--pace: expected 0 for no pauses, 1, or another number above 0, not {pace:g}")
    stopped = _stop_signal()
    with tempfile.TemporaryDirectory(prefix="shipmate-demo-") as folder:
        async with _world(port, pace) as world:
            catalogue = Path(folder) / "shipmate.yml"
            catalogue.write_text(acme_policy(world.url), encoding="utf-8")
            settings = load_settings(
                {
                    **world.environment(clock=True, api=True),
                    "DATABASE_URL": f"sqlite:///{folder}/shipmate.db",
                    "SHIPMATE_CONFIG": str(catalogue),
                    "SHIPMATE_PORT": "0",
                },
                None,
            )
            server.configure_logs(settings, as_json=False)
            async with server.serving(settings, limits=SHOWN) as running:
                world.connect(running.url)
                # Where it listens is known only now; it is where the dashboard opens from somebody's Home.
                running.bot.settings = settings.model_copy(update={"public_url": running.url})
                typer.echo(f"\n  Shipmate is living in a stand-in world. Open {world.url}\n")
                typer.echo("  Try /ship status, /ship where 812, /ship me mute, /ship help in its message box.")
                typer.echo("  Play “Production needs a yes” on its right, act as Dee or Eve, and press what you like.")
                typer.echo("  Or “An alert after a rollout”: see whose phone rings, with what, and which room opens.")
                typer.echo("  Stop it with Ctrl-C; nothing of it is kept.\n")
                world.control.play(FIRST_SCENE, pace=pace)
                await _until(stopped, exit_after)


async def stand_in(*, port: int, env_file: Path | None, bot_url: str, socket_mode: bool = False) -> None:
    """Run the world alone and say how a bot gets in."""
    bot_port = _port_of(bot_url)
    stopped = _stop_signal()
    async with _world(port, 1.0) as world:
        world.connect(bot_url)
        environment = {
            **world.environment(clock=True, api=True, socket_mode=socket_mode),
            "SHIPMATE_PORT": str(bot_port),
            "SHIPMATE_URL": bot_url,
            "SHIPMATE_PUBLIC_URL": bot_url,
        }
        lines = "".join(f"{name}={_quoted(value)}\n" for name, value in environment.items())
        if env_file is not None:
            _write(env_file, lines)
        typer.echo(f"A stand-in Slack, GitHub and PagerDuty at {world.url}")
        typer.echo(f"It sends to {bot_url}. Stop it with Ctrl-C.")
        typer.echo(f"The environment for a bot is in {env_file}." if env_file else lines)
        typer.echo(f"With the policy of those who live there: SHIPMATE_CONFIG={_from_here(POLICY)}")
        await stopped.wait()


@asynccontextmanager
async def _world(port: int, pace: float) -> AsyncIterator[Sandbox]:
    if not 0 <= port < 65536:
        raise UserError(f"--port: expected a number from 0 to 65535, not {port}")
    manifest = yaml.safe_load(manifest_file().read_text(encoding="utf-8"))
    world = Sandbox(port=port, pace=pace, manifest=read_manifest(manifest))
    try:
        try:
            await world.start()
        except OSError as fault:
            raise UserError(
                f"Nothing can listen on {world.host}:{port} ({fault.strerror}). "
                "Choose another port: --port 0 takes a free one."
            ) from None
        yield world
    finally:
        await world.stop()


def _port_of(bot_url: str) -> int:
    """The port at which a bot is to listen, by its address."""
    try:
        address = urlsplit(bot_url)
        port = address.port or (443 if address.scheme == "https" else 80)
    except ValueError:
        address, port = urlsplit(""), 0
    if address.scheme not in ("http", "https") or not address.hostname:
        raise UserError(f"--bot-url: expected an address such as http://127.0.0.1:8080, not {bot_url}")
    return port


def _from_here(file: Path) -> Path:
    """As short as somebody in this folder would type it."""
    return file.relative_to(Path.cwd()) if file.is_relative_to(Path.cwd()) else file


def _write(file: Path, text: str) -> None:
    """Write a file that only its owner may read: secrets are in it."""
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as opened:
            opened.write(text)
    except OSError as fault:
        raise UserError(f"--env-file: {file} cannot be written ({fault.strerror}).") from None


def _stop_signal() -> asyncio.Event:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    return stopped


async def _until(stopped: asyncio.Event, seconds: float | None) -> None:
    try:
        async with asyncio.timeout(seconds):
            await stopped.wait()
    except TimeoutError:
        return


def _quoted(value: str) -> str:
    """For ``.env`` and the shell alike: single quotes, which our random secrets never hold."""
    return f"'{value}'"
