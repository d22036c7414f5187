"""The README's two terminals, typed word for word: the stand-in world in one process, a bot of one's own in another."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp

from tests.acceptance.processes import ROOT, shipmate

_TERMINALS = re.compile(r"in another terminal:\n\n```console\n\$ (?P<world>.+)\n\$ (?P<bot>.+)\n```")


@asynccontextmanager
async def terminal(typed: str, folder: Path, until: str) -> AsyncIterator[str]:
    """What a shell says of this until it says ``until``; all that it started is ended when the block is left."""
    shell = await asyncio.create_subprocess_exec(
        *("/bin/sh", "-c", typed),
        cwd=folder,
        env={"PATH": os.defpath, "PYTHONUNBUFFERED": "1", "PYTHONDONTWRITEBYTECODE": "1"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        start_new_session=True,
    )
    assert shell.stdout is not None
    try:
        said = ""
        while until not in said:
            line = (await shell.stdout.readline()).decode()
            assert line, f"{typed} ended without {until!r}:\n{said}"
            said += line
        yield said
    finally:
        if shell.returncode is None:
            os.killpg(shell.pid, signal.SIGTERM)
        await shell.communicate()


def checkout(folder: Path) -> Path:
    """A folder in which the README's words mean what they mean in a checkout, and what they write stays."""
    for name in ("bot", "handlers", "templates", "manifest.yml"):
        (folder / name).symlink_to(ROOT / name)
    (folder / ".venv").symlink_to(sys.prefix)
    return folder


async def test_the_two_terminals_of_the_readme_have_the_demos_policy(tmp_path: Path) -> None:
    """Only the port is another than a reader's: whatever else runs on this machine keeps its own."""
    typed = _TERMINALS.search((ROOT / "README.md").read_text(encoding="utf-8"))
    assert typed is not None
    with socket.create_server(("127.0.0.1", 0)) as taken:
        bot_url = f"http://127.0.0.1:{taken.getsockname()[1]}"
    folder = checkout(tmp_path)
    world = terminal(f"{typed['world']} --bot-url {bot_url}", folder, "SHIPMATE_CONFIG=bot/sandbox/acme.yml")
    async with world as said, terminal(typed["bot"], folder, "is listening"):
        page = re.search(r"http://127\.0\.0\.1:\d+", said)
        assert page is not None
        token = re.search(r"SHIPMATE_API_TOKEN='(.+)'", (folder / "sandbox.env").read_text())
        assert token is not None
        headers = {"Authorization": f"Bearer {token[1]}"}
        async with aiohttp.ClientSession() as session:
            async with session.get(f"{bot_url}/api/v1/services", headers=headers) as answer:
                assert answer.status == 200, await answer.text()
                told = await answer.json()
            async with session.get(f"{page[0]}/runbooks/checkout") as kept:
                assert (kept.status, "runbooks/checkout" in await kept.text()) == (200, True)
        assert {"checkout", "cart", "search", "storefront"} <= {one["name"] for one in told["services"]}, told


async def test_the_policy_of_those_who_live_there_is_a_policy(tmp_path: Path) -> None:
    """As it is in the checkout, for whoever wants to read it or to begin with it."""
    code, out, err = await shipmate("config", "check", str(ROOT / "bot" / "sandbox" / "acme.yml"), folder=tmp_path)
    assert (code, err) == (0, ""), out
