"""What the rules of the stand-in Slack are tried on: a world, Slack's own client, and a real Bolt app that listens.

A rule is one row: what Slack documents (or people report), where, what is done, and what must come of it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from aiohttp import web
from slack_bolt.adapter.aiohttp import to_aiohttp_response, to_bolt_request
from slack_bolt.app.async_app import AsyncApp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.sandbox.server import Sandbox
from tests.conftest import UNHURRIED, unhurried

Json = dict[str, Any]


@dataclass(frozen=True)
class Call:
    """One call of a Web API method. ``$ts``, ``$view``, ``$hash``, ``$trigger`` … stand for what came before.

    ``by_hand`` goes round the SDK's own checks, though not round the SDK.
    """

    method: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    by_hand: bool = False


def call(method: str, /, **arguments: Any) -> Call:
    """A call, written short."""
    return Call(method, arguments)


def bare(method: str, /, **arguments: Any) -> Call:
    """A call that the SDK itself would advise against."""
    return Call(method, arguments, by_hand=True)


class Stage:
    """A world with a Bolt app in it: ``requests`` are the headers of all that reached it, ``statuses`` its answers."""

    def __init__(self, sandbox: Sandbox, session: aiohttp.ClientSession) -> None:
        environment = sandbox.environment()
        self.sandbox = sandbox
        self.slack = sandbox.slack
        self.client = AsyncWebClient(
            token=environment["SLACK_BOT_TOKEN"],
            base_url=environment["SLACK_API_URL"],
            session=session,
            retry_handlers=[],
        )
        self.app = AsyncApp(
            client=self.client, signing_secret=environment["SLACK_SIGNING_SECRET"], process_before_response=True
        )
        self.seen: dict[str, Any] = {}
        self.requests: list[Mapping[str, str]] = []
        self.statuses: list[int] = []

    async def handle(self, request: web.Request) -> web.Response:
        """Let Bolt check and answer a request of the sandbox's."""
        self.requests.append(dict(request.headers))
        answer = await to_aiohttp_response(await self.app.async_dispatch(await to_bolt_request(request)))
        self.statuses.append(answer.status)
        return answer

    async def call(self, one: Call) -> Json:
        """Make one call by the SDK; a refusal is returned as the answer it is."""
        arguments = {name: self._filled_in(value) for name, value in one.arguments.items()}
        method = getattr(self.client, one.method.replace(".", "_"), None)
        try:
            if one.by_hand or method is None:
                answer = await self.client.api_call(one.method, json=arguments)
            else:
                answer = await method(**arguments)
        except SlackApiError as error:
            answer = error.response
        data = answer.data
        assert isinstance(data, dict), data
        self._remember(data)
        return data

    def _filled_in(self, value: Any) -> Any:
        if isinstance(value, str) and value.startswith("$"):
            return self.slack.views.trigger("U0ANA") if value == "$trigger" else self.seen[value[1:]]
        if isinstance(value, list):
            return [self._filled_in(one) for one in value]
        if isinstance(value, dict):
            return {name: self._filled_in(one) for name, one in value.items()}
        return value

    def _remember(self, answer: Json) -> None:
        named = ("ts", "message_ts", "scheduled_message_id", "canvas_id", "file_id")
        self.seen |= {name: answer[name] for name in named if name in answer}
        if isinstance(answer.get("bookmark"), dict):
            self.seen["bookmark"] = answer["bookmark"]["id"]
        channel = answer.get("channel")
        if isinstance(channel, dict):
            self.seen["channel"] = channel["id"]
        if "view" in answer:
            self.seen |= {"view": answer["view"]["id"], "hash": answer["view"]["hash"]}
        if (cursor := answer.get("response_metadata", {}).get("next_cursor")) is not None:
            self.seen["cursor"] = cursor


Play = Callable[[Stage], Awaitable[None]]


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One documented rule: its sentence, its source, what was before, the call, and the error or answer there must be.

    ``answer`` gives fields by their dotted path. ``scopes`` are taken from the app. A ``play`` does it all itself.
    """

    name: str
    source: str
    before: tuple[Call, ...] = ()
    call: Call | None = None
    error: str | None = None
    answer: Mapping[str, Any] = field(default_factory=dict)
    without: frozenset[str] = frozenset()
    play: Play | None = None


async def keep(rule: Rule, stage: Stage) -> None:
    """Try a rule; AssertionError where the stand-in breaks it."""
    for one in rule.before:
        assert (await stage.call(one))["ok"], one
    if rule.play is not None:
        await rule.play(stage)
    if rule.call is None:
        return
    answer = await stage.call(rule.call)
    assert answer.get("error") == rule.error
    assert answer["ok"] is (rule.error is None)
    for path, expected in rule.answer.items():
        assert at(answer, path) == expected, path


def at(answer: Any, path: str) -> Any:
    """What stands at a dotted path; numbers are places in lists, ``#`` is how many there are."""
    for step in path.split("."):
        if step == "#":
            return len(answer)
        answer = answer[int(step)] if isinstance(answer, list) else answer.get(step)
    return answer


@asynccontextmanager
async def staged(**options: Any) -> AsyncIterator[Stage]:
    """A stage whose app listens; ``options`` are the sandbox's."""
    async with (
        unhurried(**options) as sandbox,
        aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=UNHURRIED)) as session,
    ):
        sandbox.slack.retry_delays = (0.0, 0.0, 0.0)
        stage = Stage(sandbox, session)
        application = web.Application()
        application.router.add_post("/slack/events", stage.handle)
        runner = web.AppRunner(application)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        sandbox.connect(f"http://127.0.0.1:{runner.addresses[0][1]}")
        try:
            yield stage
        finally:
            await runner.cleanup()
