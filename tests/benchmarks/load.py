"""Deliveries as GitHub would send them, signed, and the ways to send them: one by one, at a rate, all at once."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import itertools
import json
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Self
from urllib.parse import urlencode, urlsplit

from tests.benchmarks.wire import Answered, Line, request

SERVICES = 200
SHOPS = 70
"""Services with a pipeline and approvals, one for each click: production waits for somebody's yes."""

APPROVERS = 8
"""People who say yes; none of them wrote what they approve."""

TEAMS = 40
"""Each with a channel of its own: within one channel messages go one after the other."""

ALARMS = 51
"""Services that alert, each once; the last one in a storm."""

GITHUB_SECRET = "a-secret-for-the-benchmark"
SIGNING_SECRET = "another-secret-for-the-benchmark"
ALERT_SECRET = "a-third-secret-for-the-benchmark"


@dataclass(frozen=True)
class Rollout:
    """One deployment: nobody else has its commit, so that Slack calls about it can be told apart."""

    number: int
    sha: str
    environment: str
    kind: str = "service"

    @property
    def repo(self) -> str:
        """The repository it is of."""
        return f"acme/{self.kind}-{self.number % SERVICES:03}"

    def delivery(self, state: str) -> bytes:
        """The webhook that tells of this state, ready to be sent; about the size of a real one."""
        body = json.dumps(_payload(self, state)).encode()
        signature = hmac.new(GITHUB_SECRET.encode(), body, hashlib.sha256).hexdigest()
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "GitHub-Hookshot/0000000",
            "X-GitHub-Event": "deployment_status",
            "X-GitHub-Delivery": self.sha if state == "in_progress" else f"{self.sha}-{state}",
            "X-GitHub-Hook-ID": "1",
            "X-Hub-Signature-256": f"sha256={signature}",
        }
        return request("/webhooks/github", headers, body)


class Rollouts:
    """Makes rollouts, each of a service and environment in which nothing else happens meanwhile."""

    def __init__(self, first: int = 1) -> None:
        self._numbers = itertools.count(first)

    def take(self, count: int, *, told: bool = False) -> list[Rollout]:
        """``told``: the commit came by a pull request whose author hears of it; else by nobody known."""
        kind = "b" if told else "a"
        return [
            Rollout(number, f"{kind}{number:039x}", f"zone-{number // SERVICES}")
            for number in itertools.islice(self._numbers, count)
        ]


def builds(first: int) -> list[Rollout]:
    """A build of each shop, live in staging, by somebody who is no approver; ``first`` is a multiple of SERVICES."""
    return [
        Rollout(first + number, f"b{first + number // 32 * TEAMS + APPROVERS + number % 32:039x}", "staging", "shop")
        for number in range(SHOPS)
    ]


def mute(user: str, change: int, response_url: str, now: datetime) -> bytes:
    """Somebody presses Mute under the message of a change."""
    return _click(user, "people:mute_change", str(change), "Your change", response_url, now)


def approve(user: str, value: str, sha: str, response_url: str, now: datetime) -> bytes:
    """Somebody presses Approve on the card of a promotion, and confirms."""
    return _click(user, "promotions:approve", value, f"rollout {sha}", response_url, now)


def _click(user: str, action: str, value: str, words: str, response_url: str, now: datetime) -> bytes:
    number = f"{now.timestamp():.6f}"
    payload = {
        "type": "block_actions",
        "team": {"id": "T1", "domain": "acme"},
        "user": {"id": user, "username": "dev", "name": "dev", "team_id": "T1"},
        "api_app_id": "A1",
        "token": "",
        "container": {"type": "message", "message_ts": number, "channel_id": "D1", "is_ephemeral": False},
        "trigger_id": f"{number}.1",
        "channel": {"id": "D1", "name": "directmessage"},
        "message": {"ts": number, "text": words, "type": "message", "bot_id": "B0BOT"},
        "response_url": response_url,
        "actions": [
            {
                "type": "button",
                "action_id": action,
                "block_id": "b",
                "value": value,
                "action_ts": number,
                "text": {"type": "plain_text", "text": "Press me"},
            }
        ],
    }
    body = urlencode({"payload": json.dumps(payload)}).encode()
    stamp = str(int(time.time()))
    base = b"v0:" + stamp.encode() + b":" + body
    headers = {
        "Content-Type": "application/x-www-form-urlencoded",
        "X-Slack-Request-Timestamp": stamp,
        "X-Slack-Signature": "v0=" + hmac.new(SIGNING_SECRET.encode(), base, hashlib.sha256).hexdigest(),
    }
    return request("/slack/events", headers, body)


class Lines:
    """Connections to one server, kept open."""

    def __init__(self) -> None:
        self._free: asyncio.LifoQueue[Line] = asyncio.LifoQueue()
        self._all: list[Line] = []

    @classmethod
    async def to(cls, url: str, count: int = 40) -> Self:
        """Connect."""
        lines = cls()
        address = urlsplit(url)
        assert address.hostname is not None
        assert address.port is not None
        for _ in range(count):
            _, line = await asyncio.get_running_loop().create_connection(Line, address.hostname, address.port)
            lines._all.append(line)
            lines._free.put_nowait(line)
        return lines

    async def send(self, raw: bytes) -> Answered:
        """Send on a free connection; anything but a 2xx is a failure of the benchmark."""
        line = await self._free.get()
        answered = await line.send(raw)
        self._free.put_nowait(line)
        if not 200 <= answered.status < 300:
            raise RuntimeError(f"answered {answered.status}")
        return answered

    async def at_rate(self, requests: Sequence[bytes], per_second: float) -> list[Answered]:
        """Send so many a second whatever the answers take."""
        began = time.perf_counter()
        sent: list[asyncio.Task[Answered]] = []
        for position, raw in enumerate(requests):
            await asyncio.sleep(max(0.0, began + position / per_second - time.perf_counter()))
            sent.append(asyncio.create_task(self.send(raw)))
        return await asyncio.gather(*sent)

    async def at_once(self, requests: Iterable[bytes], width: int = 32) -> list[Answered]:
        """Send as fast as the answers come, on ``width`` connections."""
        waiting: Iterator[bytes] = iter(requests)
        answers: list[Answered] = []

        async def work() -> None:
            for raw in waiting:
                answers.append(await self.send(raw))  # noqa: PERF401 (a comprehension would drain the shared iterator)

        await asyncio.gather(*(work() for _ in range(width)))
        return answers

    def close(self) -> None:
        """Hang up."""
        for line in self._all:
            line.close()


def catalogue() -> str:
    """A shipmate.yml of this organisation."""
    lines = ["teams:"]
    lines += [f'  team-{team:02}: {{channel: "#deploys-{team:02}"}}' for team in range(TEAMS)]
    lines.append("services:")
    lines += [
        f"  service-{number:03}: {{team: team-{number % TEAMS:02}, repo: acme/service-{number:03}}}"
        for number in range(SERVICES)
    ]
    policy = "environments: [staging, production], promote_through: github-deployment, undo: 0s"
    lines += [
        f"  shop-{number:03}: {{team: team-{number % TEAMS:02}, repo: acme/shop-{number:03}, {policy}}}"
        for number in range(SHOPS)
    ]
    lines += [
        f"  alarm-{number}: {{team: team-{number % TEAMS:02}, repo: acme/alarm-{number:03}, "
        f"environments: [production], pagerduty_service: alarm-{number}}}"
        for number in range(ALARMS)
    ]
    lines.append("people:")
    lines += [
        f"  - {{slack: U0DEV{person:02}, github: dev-{person:02}, pagerduty: PDEV{person:02}}}"
        for person in range(TEAMS)
    ]
    return "\n".join(lines) + "\n"


def _payload(rollout: Rollout, state: str) -> dict[str, Any]:
    """A ``deployment_status`` delivery, with the parts that nobody reads as long as GitHub makes them."""
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    home = f"https://github.com/{rollout.repo}"
    api = f"https://api.github.com/repos/{rollout.repo}"
    account = {"login": "release[bot]", "id": 41898282, "type": "Bot", "site_admin": False, **_links(api, "users", 12)}
    run = f"{home}/actions/runs/{rollout.number}"
    return {
        "action": "created",
        "deployment_status": {
            "id": rollout.number,
            "state": state,
            "creator": account,
            "description": "Three pods ready",
            "environment": rollout.environment,
            "target_url": f"{run}/job/1",
            "log_url": f"{run}/job/1",
            "created_at": now,
            "updated_at": now,
            "url": f"{api}/deployments/{rollout.number}/statuses/1",
        },
        "deployment": {
            "id": rollout.number,
            "task": "deploy",
            "environment": rollout.environment,
            "description": None,
            "created_at": now,
            "updated_at": now,
            "creator": account,
            "sha": rollout.sha,
            "ref": "main",
            "payload": {},
            "transient_environment": False,
            "production_environment": True,
            "url": f"{api}/deployments/{rollout.number}",
        },
        "workflow_run": {"id": rollout.number, "html_url": run, "head_sha": rollout.sha, **_links(api, "runs", 12)},
        "repository": {
            "id": rollout.number,
            "full_name": rollout.repo,
            "html_url": home,
            "default_branch": "main",
            **_links(api, "repository", 40),
        },
        "sender": account,
    }


def _links(api: str, kind: str, count: int) -> dict[str, str]:
    return {f"{kind}_{number}_url": f"{api}/{kind}/{number}{{/other}}" for number in range(count)}
