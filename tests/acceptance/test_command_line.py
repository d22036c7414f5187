"""The command line as people and scripts use it: real processes, the stand-in world, no traceback for a mistake."""

from __future__ import annotations

import asyncio
import json
import re
import socket
import sys
from collections.abc import Mapping
from pathlib import Path

import aiohttp
from sqlmodel import Session, create_engine, select

from bot.app import Bot
from bot.inbox import Delivery, DeliveryState, Incoming, Lane
from tests.acceptance.processes import ROOT, shipmate, shipmate_anew
from tests.conftest import living, unhurried


async def test_the_demo_prints_one_address_plays_and_stops_by_itself(tmp_path: Path) -> None:
    """On a machine without any setting, people see where to look, and a script can end it."""
    code, out, err = await shipmate_anew("demo", "--exit-after", "1.5", "--pace", "0", folder=tmp_path)
    assert code == 0, err
    assert len(re.findall(r"http://127\.0\.0\.1:\d+", out)) == 1
    assert "Traceback" not in err
    assert not list(tmp_path.iterdir())


async def test_serve_without_tokens_says_what_to_set(tmp_path: Path) -> None:
    """A newcomer who starts with serve is told every variable that is missing, and of the demo."""
    code, _, err = await shipmate_anew("serve", folder=tmp_path)
    assert code == 1
    assert "SLACK_BOT_TOKEN" in err
    assert "SLACK_SIGNING_SECRET" in err
    assert "shipmate demo" in err
    assert "Traceback" not in err


async def test_a_busy_port_and_a_database_in_use_are_explained(tmp_path: Path) -> None:
    """The second Shipmate on a machine says why it cannot start, and what to do."""
    async with unhurried() as world, living(world, f"sqlite:///{tmp_path}/shipmate.db") as bot:
        port = bot.serving.url.rpartition(":")[2]
        common = {**world.environment(), "SHIPMATE_PORT": port}
        code, _, err = await shipmate("serve", folder=tmp_path, **common)
        assert (code, "Another Shipmate" in err, "Traceback" in err) == (1, True, False)
        other = {**common, "DATABASE_URL": f"sqlite:///{tmp_path}/other.db"}
        code, _, err = await shipmate("serve", folder=tmp_path, **other)
        assert (code, "SHIPMATE_PORT" in err, "Traceback" in err) == (1, True, False)


async def test_a_database_that_cannot_be_used_is_explained_to_whoever_starts(tmp_path: Path) -> None:
    """A PostgreSQL that is not there, with host and reason and never the password; a file that is no database."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    away = {"DATABASE_URL": f"postgresql://ship:hunter2-secret@127.0.0.1:{port}/shipmate"}
    (tmp_path / "shipmate.db").write_text("This is a shopping list, and was never a database. " * 100)
    serving = {"SLACK_BOT_TOKEN": "xoxb-1", "SLACK_SIGNING_SECRET": "s" * 32, "GITHUB_WEBHOOK_SECRET": "w" * 32}
    for verb in (("db", "upgrade"), ("serve",), ("doctor",)):
        code, out, err = await shipmate(*verb, folder=tmp_path, **serving, **away)
        assert (code, f"127.0.0.1:{port}" in out + err, "connection refused" in out + err) == (1, True, True), err
        assert "hunter2" not in out + err
        assert "Traceback" not in err
        code, out, err = await shipmate(*verb, folder=tmp_path, **serving)
        assert (code, "shipmate.db: file is not a database" in out + err) == (1, True), err
        assert "Traceback" not in err


async def test_a_mistake_with_demo_or_sandbox_is_explained(tmp_path: Path) -> None:
    """A busy port, a file that cannot be written, an address that is none, a time that cannot be."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        busy = str(taken.getsockname()[1])
        for arguments, told in {
            ("sandbox", "--port", busy): f"Nothing can listen on 127.0.0.1:{busy}",
            ("demo", "--port", busy): f"Nothing can listen on 127.0.0.1:{busy}",
            ("sandbox", "--env-file", "nowhere/sandbox.env"): "nowhere/sandbox.env cannot be written",
            ("sandbox", "--bot-url", "localhost:8080"): "--bot-url: expected an address",
            ("demo", "--exit-after", "-5"): "--exit-after: expected a number of seconds",
            ("demo", "--pace", "-1"): "--pace: expected 0 for no pauses",
            ("demo", "--pace", "nan"): "--pace: expected 0 for no pauses",
            ("demo", "--pace", "inf"): "--pace: expected 0 for no pauses",
        }.items():
            code, _, err = await shipmate(*arguments, folder=tmp_path)
            assert (code, told in err, "Traceback" in err) == (1, True, False), err


async def test_the_sandbox_writes_all_that_a_bot_needs_to_live_in_it(tmp_path: Path) -> None:
    """Where to listen, how to replay, whose clock to follow; Socket Mode only for whoever asks for it."""
    for more, socket_mode in (((), False), (("--socket-mode",), True)):
        file = tmp_path / f"sandbox-{socket_mode}.env"
        address = "http://127.0.0.1:8099"
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "bot", "sandbox", "--env-file", str(file), "--bot-url", address, *more),
            cwd=tmp_path,
            env={"PYTHONPATH": str(ROOT), "PATH": ""},
            stdout=asyncio.subprocess.PIPE,
        )
        try:
            assert process.stdout is not None
            await process.stdout.readline()
        finally:
            process.terminate()
            await process.communicate()
        written = dict(line.split("=", 1) for line in file.read_text().splitlines())
        assert (written["SHIPMATE_PORT"], written["SHIPMATE_URL"]) == ("'8099'", f"'{address}'")
        assert written["SHIPMATE_PUBLIC_URL"] == f"'{address}'"
        assert len(written["SHIPMATE_API_TOKEN"]) > 20
        assert "clock" in written["SHIPMATE_CLOCK_URL"]
        assert ("SLACK_APP_TOKEN" in written) is socket_mode


async def test_db_upgrade_makes_the_tables_and_says_so(tmp_path: Path) -> None:
    """Run twice, it has nothing to do the second time."""
    code, out, _ = await shipmate("db", "upgrade", folder=tmp_path)
    assert (code, "from nothing to revision" in out) == (0, True)
    code, out, _ = await shipmate("db", "upgrade", folder=tmp_path)
    assert (code, "up to date" in out) == (0, True)


async def test_the_sandbox_writes_an_environment_in_which_the_doctor_finds_nothing_wrong(tmp_path: Path) -> None:
    """What the sandbox promises a bot is what a bot needs."""
    async with unhurried() as world, living(world, f"sqlite:///{tmp_path}/shipmate.db") as bot:
        environment = {
            **world.environment(),
            "SHIPMATE_URL": bot.serving.url,
            "SHIPMATE_PUBLIC_URL": bot.serving.url,
            "DATABASE_URL": f"sqlite:///{tmp_path}/shipmate.db",
        }
        code, out, err = await shipmate("doctor", folder=tmp_path, **environment)
        assert code == 0, out + err
        assert "✗" not in out
        assert "signed in to" in out
        code, out, _ = await shipmate("doctor", "--json", folder=tmp_path, **environment)
        assert {"subject", "health", "said", "mend"} == set(json.loads(out)[0])


async def test_the_doctor_names_each_fault_with_its_mend(tmp_path: Path) -> None:
    """A wrong token, a missing secret and a broken policy are all told in one go, and no secret is shown."""
    (tmp_path / "shipmate.yml").write_text("servces: {}\n", encoding="utf-8")
    async with unhurried() as world:
        code, out, err = await shipmate(
            "doctor", folder=tmp_path, SLACK_API_URL=f"{world.url}/api/", SLACK_BOT_TOKEN="xoxb-wrong-wrong-wrong"
        )
        assert code == 1
        assert "did you mean “services”" in out
        assert "SLACK_SIGNING_SECRET" in out
        (tmp_path / "shipmate.yml").unlink()
        code, out, err = await shipmate(
            "doctor", folder=tmp_path, SLACK_API_URL=f"{world.url}/api/", SLACK_BOT_TOKEN="xoxb-wrong-wrong-wrong"
        )
        assert (code, "invalid_auth" in out) == (1, True)
        assert "xoxb-wrong" not in out + err


async def test_missing_scopes_are_named(tmp_path: Path) -> None:
    """Whoever installed the app without a scope reads which one."""
    async with unhurried(scopes={"chat:write", "commands"}) as world:
        code, out, _ = await shipmate("doctor", folder=tmp_path, **world.environment())
        assert code == 1
        assert re.search(r"Slack scopes: missing: .*users:read\.email", out)


def _failed(url: str) -> int:
    engine = create_engine(url)
    with Session(engine) as session:
        found = len(session.exec(select(Delivery).where(Delivery.state == DeliveryState.FAILED)).all())
    engine.dispose()
    return found


async def test_what_failed_is_replayed_through_the_running_bot(tmp_path: Path) -> None:
    """An operator feeds a failed delivery again, by state, by number, and from a file; a mistake is explained."""
    url = f"sqlite:///{tmp_path}/shipmate.db"
    token = "a-token-for-the-api"
    async with unhurried() as world, living(world, url, SHIPMATE_API_TOKEN=token) as bot:
        settings = {"SHIPMATE_URL": bot.serving.url, "SHIPMATE_API_TOKEN": token}
        await _park_one(bot.serving.bot)
        assert _failed(url) == 1
        code, out, err = await shipmate("replay", "--failed", "--json", folder=tmp_path, **settings)
        assert (code, json.loads(out)) == (0, {"replayed": 1}), err
        code, out, _ = await shipmate("replay", "1", folder=tmp_path, **settings)
        assert (code, "1 delivery is" in out) == (0, True)
        file = tmp_path / "kept.jsonl"
        file.write_text(json.dumps({"source": "github", "headers": {"X-GitHub-Event": "ping"}, "body": "{}"}) + "\n\n")
        code, out, _ = await shipmate("replay", str(file), folder=tmp_path, **settings)
        assert (code, "1 delivery is" in out) == (0, True)
        for arguments, told in _MISTAKES.items():
            code, _, err = await shipmate("replay", *arguments, folder=tmp_path, **settings)
            assert (code, told in err, "Traceback" in err) == (1, True, False), err
        wrong = {**settings, "SHIPMATE_API_TOKEN": "another-token"}
        code, _, err = await shipmate("replay", "--failed", folder=tmp_path, **wrong)
        assert (code, "not ours" in err, "another-token" in err) == (1, True, False)
        code, _, err = await shipmate("replay", "--failed", folder=tmp_path, SHIPMATE_URL=bot.serving.url)
        assert (code, "SHIPMATE_API_TOKEN is not set" in err) == (1, True)
    code, _, err = await shipmate("replay", "--failed", folder=tmp_path, **settings)
    assert (code, "No Shipmate answers" in err) == (1, True)


_MISTAKES: Mapping[tuple[str, ...], str] = {
    (): "Say which",
    ("--failed", "1"): "Say which",
    ("1", "kept.jsonl"): "cannot be mixed",
    ("missing.jsonl",): "cannot be read",
    ("999999",): "There is no delivery 999999.",
    ("1", "999999"): "1 of these 2 deliveries",
}


async def _park_one(bot: Bot) -> None:
    """Store a delivery that no version of us can apply, and wait until it is parked."""
    applied = await bot.inbox.outcome(await bot.inbox.store_act(Incoming("unheard-of", "1", {}, b"{}", Lane.FEED)))
    assert applied.refused


async def test_the_operators_routes_tell_the_truth(tmp_path: Path) -> None:
    """Alive, ready with Slack's state in the body, and figures for Prometheus."""
    async with unhurried() as world, living(world, f"sqlite:///{tmp_path}/shipmate.db") as bot:
        async with aiohttp.ClientSession(bot.serving.url) as client:
            async with client.get("/healthz") as answer:
                assert (answer.status, await answer.json()) == (200, {"status": "alive"})
            async with client.get("/readyz") as answer:
                told = await answer.json()
                assert (answer.status, told["status"], told["database"], told["slack"]) == (200, "ready", "ok", "ok")
            async with client.get("/metrics") as answer:
                text = await answer.text()
        for figure in ("inbox_lag_seconds", 'outbox_age_seconds{lane="page"}', "rate_limited_total", "failures_total"):
            assert figure in text
