"""A Slack, a GitHub and a PagerDuty that answer at once and note when they were called.

The full sandbox would be measured instead of the bot.

They know nothing: every message is taken, every commit belongs to one pull request (or, for a commit whose id begins
with ``a``, to none), every range holds the one commit that was asked for.
"""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections import Counter
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs

from tests.benchmarks.wire import Door, response

PEOPLE = 40
"""Authors of pull requests, all in the catalogue with their Slack ids."""

_SHA = re.compile(rb'(?:"sha": ?"|rollout )([0-9a-f]{40})')
_CHANNEL = re.compile(rb'"channel": ?"([^"]*)"')
_COMPARED = re.compile(r"/compare/[0-9a-f]{40}\.\.\.([0-9a-f]{40})")
_DEPLOYED = re.compile(rb'"ref": ?"([0-9a-f]{40})')
_CARRIED = re.compile(rb"/commit/([0-9a-f]{40})")
_APPROVE = re.compile(rb'"value": ?"([0-9]+:[0-9a-zA-Z_-]+)"')
_PERSON = re.compile(rb"user=([UW][A-Z0-9]+)")
_COMMIT = re.compile(r"/commits/([0-9a-f]{40})")
_PAGED = re.compile(rb'"service": ?\{"id": ?"([^"]+)"')
_ALARMED = re.compile(r"(?:alarm|bare)-[0-9]+")

PAGER_FROM = "shipmate@example.com"
"""Whom PagerDuty takes us for."""


class StandIn:
    """All of them on one port. ``calls`` counts by method; ``last_at`` is when Slack was last called."""

    def __init__(self) -> None:
        self.calls: Counter[str] = Counter()
        self.last_at = 0.0
        self.approvals: dict[str, str] = {}
        """What the Approve button carries of the promotion of each commit, as Slack was last told."""
        self._seen: dict[str, list[float]] = {}
        self._awaited: dict[tuple[str, int], asyncio.Future[float]] = {}
        self._answered: dict[str, asyncio.Future[float]] = {}
        self._deployed: dict[str, asyncio.Future[float]] = {}
        self._paged: dict[str, asyncio.Future[float]] = {}
        self._in_room: dict[str, asyncio.Future[float]] = {}
        self._rooms: dict[str, str] = {}
        self._server: asyncio.Server | None = None
        self._called = asyncio.Event()
        self._number = 0

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: Door(self._answer), "127.0.0.1", 0)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()

    @property
    def url(self) -> str:
        """Where it listens."""
        assert self._server is not None
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    def times(self, sha: str) -> int:
        """How many Slack calls have named this commit."""
        return len(self._seen.get(sha, ()))

    def first(self, sha: str, after: float = 0.0) -> float | None:
        """When Slack was first called about this commit since ``after``."""
        return next((at for at in self._seen.get(sha, ()) if at >= after), None)

    def next_call(self, sha: str, already: int = 0) -> asyncio.Future[float]:
        """When Slack is called about this commit, after as many calls as there were ``already``."""
        future: asyncio.Future[float] = asyncio.get_running_loop().create_future()
        seen = self._seen.get(sha, [])
        if len(seen) > already:
            future.set_result(seen[already])
        else:
            self._awaited[(sha, already + 1)] = future
        return future

    def answer_at(self, name: str) -> tuple[str, asyncio.Future[float]]:
        """A ``response_url`` of its own, and when it is called."""
        future: asyncio.Future[float] = asyncio.get_running_loop().create_future()
        self._answered[name] = future
        return f"{self.url}/answers/{name}", future

    def deployed(self, sha: str) -> asyncio.Future[float]:
        """When GitHub is asked to deploy this commit."""
        future: asyncio.Future[float] = asyncio.get_running_loop().create_future()
        self._deployed[sha] = future
        return future

    def paged(self, service: str) -> asyncio.Future[float]:
        """When PagerDuty is asked to wake somebody for this service of its own."""
        return _awaited(self._paged, service)

    def in_room(self, service: str) -> asyncio.Future[float]:
        """When the first message comes into a channel that has this service in its name."""
        return _awaited(self._in_room, service)

    async def quiet(self, seconds: float = 0.4) -> None:
        """Wait until Slack was not called for so long."""
        while True:
            self._called.clear()
            try:
                async with asyncio.timeout(seconds):
                    await self._called.wait()
            except TimeoutError:
                return

    def _answer(self, line: bytes, body: bytes) -> bytes:
        path, _, query = line.split(b" ")[1].decode().partition("?")
        if path == "/api/users.info":
            return response(_person(line, body))
        if path.startswith("/api/"):
            return response(self._slack(path.removeprefix("/api/"), body, query), ["x-oauth-scopes: chat:write"])
        if path.startswith("/answers/"):
            self._answered.pop(path.removeprefix("/answers/")).set_result(time.perf_counter())
            return response(b'{"ok":true}')
        if path.startswith("/pagerduty/"):
            return self._pagerduty(line, path.removeprefix("/pagerduty"), body)
        self.calls["github"] += 1
        if line.startswith(b"POST ") and path.endswith("/deployments"):
            return response(self._deploy(body))
        return response(json.dumps(_github(path.removeprefix("/github"))).encode())

    def _deploy(self, body: bytes) -> bytes:
        asked = _DEPLOYED.search(body)
        assert asked is not None
        awaited = self._deployed.pop(asked[1].decode(), None)
        if awaited is not None:
            awaited.set_result(time.perf_counter())
        self._number += 1
        return b'{"id":%d}' % self._number

    def _pagerduty(self, line: bytes, path: str, body: bytes) -> bytes:
        """Everybody's address finds the one user that we are; every page is taken."""
        self.calls["pagerduty"] += 1
        us = {"id": "PUS0000", "type": "user", "name": "Shipmate", "summary": "Shipmate", "email": PAGER_FROM}
        if line.startswith(b"POST ") and path == "/incidents":
            asked = _PAGED.search(body)
            _tick(self._paged, asked[1].decode() if asked else "")
            self._number += 1
            incident = {"id": f"Q{self._number:07}", "type": "incident", "status": "triggered"}
            return response(json.dumps({"incident": incident}).encode(), status="201 Created")
        if path.startswith("/services/"):
            policy = {"id": "PPOLICY", "type": "escalation_policy_reference"}
            return response(json.dumps({"service": {"id": path[10:], "escalation_policy": policy}}).encode())
        if path == "/oncalls":
            return response(json.dumps({"oncalls": [{"user": us, "escalation_level": 1}], "more": False}).encode())
        if path.startswith("/incidents/"):
            found = {"id": path.split("/")[2], "status": "triggered", "assignments": [], "acknowledgements": []}
            return response(json.dumps({"incident": found, "notes": [], "responder_request": {}}).encode())
        return response(json.dumps({"users": [us], "incidents": [], "abilities": [], "more": False}).encode())

    def _room(self, method: str, body: bytes, query: str) -> bytes | None:
        """What Slack answers about channels of our own making."""
        if method == "conversations.create":
            name = parse_qs(query or body.decode())["name"][0]
            self._number += 1
            channel = f"CROOM{self._number:05}"
            self._rooms[channel] = name
            return json.dumps({"ok": True, "channel": {"id": channel, "name": name}}).encode()
        if method == "users.conversations":
            return b'{"ok":true,"channels":[]}'
        if method == "bookmarks.list":
            return b'{"ok":true,"bookmarks":[]}'
        return None

    def _slack(self, method: str, body: bytes, query: str) -> bytes:
        now = time.perf_counter()
        self.calls[method] += 1
        room = self._room(method, body, query)
        if room is not None:
            return room
        if method == "auth.test":
            return b'{"ok":true,"team":"Acme","team_id":"T1","url":"http://x/","user_id":"U0BOT","bot_id":"B0BOT"}'
        if method == "conversations.history":
            return b'{"ok":true,"messages":[]}'
        self.last_at = now
        self._called.set()
        found = _SHA.search(body)
        if found is not None:
            sha = found[1].decode()
            seen = self._seen.setdefault(sha, [])
            seen.append(now)
            awaited = self._awaited.pop((sha, len(seen)), None)
            if awaited is not None:
                awaited.set_result(now)
        if b'"promotions:approve"' in body:
            carried, approve = _CARRIED.search(body), _APPROVE.search(body)
            if carried is not None and approve is not None:
                self.approvals[carried[1].decode()] = approve[1].decode()
        channel = _CHANNEL.search(body)
        if channel is not None and (name := self._rooms.get(channel[1].decode())) and method == "chat.postMessage":
            service = _ALARMED.search(name)
            _tick(self._in_room, service[0] if service else "")
        self._number += 1
        where = b"C" + channel[1].strip(b"#")[-9:].upper().replace(b"-", b"0") if channel else b"C0"
        return b'{"ok":true,"channel":"%s","ts":"1790000000.%06d"}' % (where, self._number)


def _awaited(awaited: dict[str, asyncio.Future[float]], name: str) -> asyncio.Future[float]:
    awaited[name] = asyncio.get_running_loop().create_future()
    return awaited[name]


def _tick(awaited: dict[str, asyncio.Future[float]], name: str) -> None:
    future = awaited.get(name)
    if future is not None and not future.done():
        future.set_result(time.perf_counter())


def _person(line: bytes, body: bytes) -> bytes:
    """Everybody is a full member of the workspace."""
    asked = _PERSON.search(line) or _PERSON.search(body)
    assert asked is not None
    return b'{"ok":true,"user":{"id":"%b","team_id":"T1","name":"dev","tz":"Europe/Paris","profile":{}}}' % asked[1]


def _github(path: str) -> Any:
    repo = "/".join(path.split("/")[2:4])
    if (compared := _COMPARED.search(path)) is not None:
        return {"status": "ahead", "total_commits": 1, "commits": [_commit(repo, compared[1])]}
    if (asked := _COMMIT.search(path)) is not None:
        sha = asked[1]
        if path.endswith("/pulls"):
            return [] if sha.startswith("a") else [_pull(repo, sha)]
        return _commit(repo, sha)
    if "/pulls/" in path:
        return _pull(repo, f"b{int(path.rpartition('/')[2]):039x}")
    return [] if path.endswith("/deployments") else {"full_name": repo}


def _commit(repo: str, sha: str) -> dict[str, Any]:
    number = _number(sha)
    title = "Retry payments" if sha.startswith("a") else f"Retry payments (#{number})"
    author = {"name": "Somebody", "email": "", "date": "2026-11-20T10:00:00Z"}
    return {
        "sha": sha,
        "html_url": f"https://github.com/{repo}/commit/{sha}",
        "commit": {"message": title, "author": author, "committer": author},
        "author": None if sha.startswith("a") else {"login": _login(number), "type": "User"},
        "parents": [{"sha": "c" * 40}],
    }


def _pull(repo: str, sha: str) -> dict[str, Any]:
    number = _number(sha)
    return {
        "number": number,
        "title": "Retry payments",
        "html_url": f"https://github.com/{repo}/pull/{number}",
        "merge_commit_sha": sha,
        "merged_at": "2026-11-20T10:00:00Z",
        "user": {"login": _login(number), "type": "User"},
        "base": {"ref": "main", "repo": {"full_name": repo, "default_branch": "main"}},
        "labels": [],
        "body": "",
        "additions": 12,
        "deletions": 3,
    }


def _number(sha: str) -> int:
    return int(sha[1:], 16)


def _login(number: int) -> str:
    return f"dev-{number % PEOPLE:02}"
