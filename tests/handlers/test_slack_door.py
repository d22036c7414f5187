"""The door over real HTTP: what is let in, what is turned away in plain words and never stored."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import io
import json
import logging
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlencode

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from sqlmodel import Session, select

from bot import wiring
from bot.adapters.slack import SlackChat
from bot.errors import GiveUp, OutgoingError, RetryLater
from bot.inbox import Delivery
from bot.sandbox.server import Sandbox
from bot.settings import load_settings
from bot.wiring import Wired
from handlers import slack
from handlers.clock import ClockDoor
from handlers.slack.door import BODY_LIMIT, LATE, ROUTE

SECRET = "8f742231b10e8888abcd99yyyzzz85a5"
FORM = "application/x-www-form-urlencoded"
CLICK: dict[str, Any] = {
    "type": "block_actions",
    "user": {"id": "U0ANA", "name": "ana", "team_id": "T0ACME"},
    "team": {"id": "T0ACME", "domain": "acme"},
    "container": {"type": "message", "message_ts": "1767225600.000100", "channel_id": "D0ANA"},
    "response_url": "",
    "actions": [{"type": "button", "action_id": "people:mute_all", "block_id": "b", "action_ts": "1767225601.000200"}],
}
EVENT: dict[str, Any] = {
    "token": "not-used",
    "team_id": "T0ACME",
    "type": "event_callback",
    "event_id": "Ev0001",
    "event_time": 1767225600,
    "event": {"type": "app_uninstalled"},
}

Client = TestClient[web.Request, web.Application]


@asynccontextmanager
async def running(sandbox: Sandbox, url: str) -> AsyncIterator[Wired]:
    """A whole bot without its web server."""
    settings = load_settings({**sandbox.environment(), "SLACK_SIGNING_SECRET": SECRET, "DATABASE_URL": url}, None)
    wiring.upgrade_database(settings)
    wired = wiring.wire(settings, {"slack": slack.translate})
    wired.bot.start(ClockDoor(wired.bot))
    yield wired
    await wired.close()


@asynccontextmanager
async def opened(wired: Wired) -> AsyncIterator[Client]:
    """Its door."""
    app = web.Application(client_max_size=BODY_LIMIT + 1024)
    slack.open_door(wired.bot, wired.renderer).add_routes(app)
    async with TestClient(TestServer(app)) as client:
        yield client


@pytest.fixture
async def wired(sandbox: Sandbox, sqlite_url: str) -> AsyncIterator[Wired]:
    """A bot that Slack has told who it is."""
    async with running(sandbox, sqlite_url) as wired:
        await wired.bot.ourselves.ask()
        yield wired


@pytest.fixture
async def client(wired: Wired) -> AsyncIterator[Client]:
    async with opened(wired) as client:
        yield client


def signed(body: bytes, *, at: float | None = None, secret: str = SECRET, kind: str = FORM) -> dict[str, str]:
    stamp = str(int(time.time() if at is None else at))
    digest = hmac.new(secret.encode(), f"v0:{stamp}:".encode() + body, hashlib.sha256).hexdigest()
    return {"X-Slack-Request-Timestamp": stamp, "X-Slack-Signature": f"v0={digest}", "Content-Type": kind}


def click(**changes: Any) -> bytes:
    return urlencode({"payload": json.dumps(CLICK | changes)}).encode()


async def send(client: Client, body: bytes, headers: Mapping[str, str], route: str = ROUTE) -> tuple[int, str]:
    async with client.post(route, data=io.BytesIO(body), headers=headers) as answer:
        text = await answer.text()
        assert "Traceback" not in text
        return answer.status, text


async def stored(wired: Wired) -> list[Delivery]:
    def every(session: Session) -> list[Delivery]:
        return list(session.exec(select(Delivery).order_by(Delivery.id)).all())  # type: ignore[arg-type]

    return await wired.bot.database.read(every)


async def test_a_signed_click_is_stored_before_it_is_acknowledged(client: Client, wired: Wired) -> None:
    body = click()
    assert await send(client, body, signed(body)) == (200, "")
    (delivery,) = await stored(wired)
    assert (delivery.source, delivery.lane) == ("slack", "urgent")
    held = json.loads(delivery.body)
    assert (held["act"], held["slack_id"], held["scope"], held["level"]) == ("preference", "U0ANA", "all", "none")


async def test_the_same_click_sent_twice_is_one_act_and_another_click_is_another(client: Client, wired: Wired) -> None:
    again = click(actions=[CLICK["actions"][0] | {"action_ts": "1767225609.000900"}])
    for body in (click(), click(), again):
        assert (await send(client, body, signed(body)))[0] == 200
    assert len(await stored(wired)) == 2


BAD_SIGNATURES: Sequence[tuple[str, str | None]] = (
    ("X-Slack-Signature", None),
    ("X-Slack-Request-Timestamp", None),
    ("X-Slack-Signature", ""),
    ("X-Slack-Signature", "v0=" + "0" * 64),
    ("X-Slack-Signature", "v1=" + "0" * 64),
    ("X-Slack-Signature", "v0=é" + "0" * 63),
    ("X-Slack-Request-Timestamp", "yesterday"),
    ("X-Slack-Request-Timestamp", "٣" * 10),
    ("X-Slack-Request-Timestamp", "-1767225600"),
    ("X-Slack-Request-Timestamp", "9" * 400),
    ("X-Slack-Request-Timestamp", ""),
)


async def test_a_missing_wrong_or_malformed_signature_is_401_and_nothing_is_stored(
    client: Client, wired: Wired
) -> None:
    body = click()
    for name, value in BAD_SIGNATURES:
        headers = {key: held for key, held in signed(body).items() if key != name}
        if value is not None:
            headers[name] = value
        status, text = await send(client, body, headers)
        assert status == 401, (name, value)
        assert json.loads(text)["mend"]
    assert await stored(wired) == []


async def test_anothers_secret_is_401(client: Client, wired: Wired) -> None:
    body = click()
    assert (await send(client, body, signed(body, secret="another")))[0] == 401
    assert await stored(wired) == []


@pytest.mark.parametrize("minutes", [-1, 1])
async def test_a_signature_of_another_time_is_401(client: Client, wired: Wired, minutes: int) -> None:
    """A request overheard must not be sent again later."""
    body = click()
    at = time.time() + minutes * (LATE + 60)
    assert (await send(client, body, signed(body, at=at)))[0] == 401
    assert await stored(wired) == []


UNREADABLE = (
    b"payload=",
    b"payload=not+json",
    b"payload=%7B",
    b"payload=%5B1%5D",
    b"payload=null",
    b"payload=" + b"%5B" * 100_000,
    urlencode({"payload": json.dumps(CLICK | {"actions": []})}).encode(),
    urlencode({"payload": json.dumps(CLICK | {"actions": [7]})}).encode(),
    urlencode({"payload": json.dumps(CLICK | {"actions": [{"value": "1"}]})}).encode(),
    urlencode({"payload": json.dumps(CLICK | {"enterprise": 7})}).encode(),
    urlencode({"payload": json.dumps({"type": 3})}).encode(),
    b"",
    b"\xff\xfe",
    b"text=hello",
    b"{",
    b"&".join(b"a%d=1" % number for number in range(200)),
)
"""Signed, and yet nothing that Slack sends; Bolt's own reading of most of them would end in a 500."""


async def test_what_cannot_be_read_is_400_and_nobody_sends_it_again(client: Client, wired: Wired) -> None:
    for body in UNREADABLE:
        async with client.post(ROUTE, data=body, headers=signed(body)) as answer:
            assert (answer.status, answer.headers.get("X-Slack-No-Retry")) == (400, "1"), body[:80]
            assert set(await answer.json()) == {"error", "mend"}
    assert await stored(wired) == []


async def test_a_broken_payload_of_a_stranger_is_401_not_500(client: Client) -> None:
    assert (await send(client, b"payload=%7B", {"Content-Type": FORM}))[0] == 401


async def test_broken_json_is_400(client: Client) -> None:
    body = b'{"type": "event_callback", '
    assert (await send(client, body, signed(body, kind="application/json")))[0] == 400


async def test_too_large_a_body_is_413(client: Client, wired: Wired) -> None:
    body = b"payload=" + b"x" * BODY_LIMIT
    assert (await send(client, body, signed(body)))[0] == 413
    assert await stored(wired) == []


async def test_too_large_a_body_that_does_not_say_so_is_413(client: Client) -> None:
    async def parts() -> AsyncIterator[bytes]:
        for _ in range(BODY_LIMIT // 65536 + 2):
            yield b"x" * 65536

    try:
        async with client.post(ROUTE, data=parts(), headers={"Content-Type": FORM}) as answer:
            assert answer.status == 413
    except aiohttp.ClientConnectionError:
        pytest.skip("the refusal came while the body was still on its way")


async def test_reading_the_address_is_405(client: Client) -> None:
    async with client.get(ROUTE) as answer:
        assert answer.status == 405


async def test_slacks_unsigned_look_at_the_certificate_is_200_and_does_nothing(client: Client, wired: Wired) -> None:
    assert await send(client, b"ssl_check=1&token=abc", {"Content-Type": FORM}) == (200, "")
    assert await stored(wired) == []


async def test_arguments_in_the_address_are_never_looked_at(client: Client, wired: Wired) -> None:
    """Neither do they open the door, nor do they get in the way."""
    smuggled = urlencode({"payload": json.dumps(CLICK), "ssl_check": "1", "command": "/ship"})
    assert (await send(client, b"", {"Content-Type": FORM}, f"{ROUTE}?{smuggled}"))[0] == 401
    body = click()
    assert (await send(client, body, signed(body), f"{ROUTE}?a=1&payload=x"))[0] == 200
    assert len(await stored(wired)) == 1


async def test_the_challenge_of_a_new_address_is_answered_when_signed(client: Client) -> None:
    body = json.dumps({"token": "x", "challenge": "3eZbrw1a", "type": "url_verification"}).encode()
    status, text = await send(client, body, signed(body, kind="application/json"))
    assert (status, json.loads(text)) == (200, {"challenge": "3eZbrw1a"})
    assert (await send(client, body, {"Content-Type": "application/json"}))[0] == 401


async def test_an_event_is_stored_once_however_often_it_is_sent(client: Client, wired: Wired) -> None:
    body = json.dumps(EVENT).encode()
    for attempt in range(3):
        headers = signed(body, kind="application/json") | {"X-Slack-Retry-Num": str(attempt)}
        assert await send(client, body, headers) == (200, "")
    (delivery,) = await stored(wired)
    assert (delivery.delivery_id, delivery.lane) == ("Ev0001", "feed")
    assert b"not-used" not in delivery.body


async def test_an_event_that_nobody_waits_for_is_taken_so_that_slack_does_not_repeat_it(client: Client) -> None:
    body = json.dumps(EVENT | {"event": {"type": "reaction_added"}}).encode()
    assert (await send(client, body, signed(body, kind="application/json")))[0] == 200


async def test_an_event_without_a_usable_name_is_400(client: Client, wired: Wired) -> None:
    for event_id in (None, 7, "", "x" * 300, "Ev\0"):
        body = json.dumps(EVENT | {"event_id": event_id}).encode()
        assert (await send(client, body, signed(body, kind="application/json")))[0] == 400, event_id
    assert await stored(wired) == []


async def test_an_event_that_cannot_be_stored_is_500_so_that_slack_sends_it_again(client: Client, wired: Wired) -> None:
    await wired.bot.database.close()
    body = json.dumps(EVENT).encode()
    assert await send(client, body, signed(body, kind="application/json")) == (500, "")


async def test_a_kind_of_interaction_that_we_do_not_have_is_404(client: Client) -> None:
    body = urlencode({"payload": json.dumps({**CLICK, "type": "canvas_gesture"})}).encode()
    assert (await send(client, body, signed(body)))[0] == 404


async def test_a_refused_body_is_not_logged(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    """Bolt writes the body of a request with a bad signature at INFO."""
    caplog.set_level(logging.DEBUG)
    body = click(private="the-secret-of-ana")
    await send(client, body, signed(body, secret="another"))
    assert "the-secret-of-ana" not in caplog.text


async def test_without_a_signing_secret_nobody_gets_in(sandbox: Sandbox, sqlite_url: str) -> None:
    environment = {**sandbox.environment(socket_mode=True), "DATABASE_URL": sqlite_url}
    del environment["SLACK_SIGNING_SECRET"]
    wired = wiring.wire(load_settings(environment, None), {"slack": slack.translate})
    app = web.Application()
    slack.open_door(wired.bot, wired.renderer).add_routes(app)
    async with TestClient(TestServer(app)) as client:
        body = click()
        assert (await send(client, body, signed(body, secret="")))[0] == 401


async def test_a_click_is_stored_although_slack_does_not_say_who_we_are(sandbox: Sandbox, sqlite_url: str) -> None:
    sandbox.slack.fault("http_500", method="auth.test")
    async with running(sandbox, sqlite_url) as wired, opened(wired) as client:
        body = click()
        assert await send(client, body, signed(body)) == (200, "")
        assert wired.bot.ourselves.known is None
        assert len(await stored(wired)) == 1


async def test_building_the_door_calls_nobody(sandbox: Sandbox, sqlite_url: str) -> None:
    settings = load_settings({**sandbox.environment(), "DATABASE_URL": sqlite_url}, None)
    wired = wiring.wire(settings, {"slack": slack.translate})
    slack.open_door(wired.bot, wired.renderer)
    assert not sandbox.slack.calls


async def test_slack_is_asked_once_who_we_are(client: Client, sandbox: Sandbox) -> None:
    """By the bot when it starts (and by this test once more); its doors go by that, however many clicks come."""
    await sandbox.slack.until(lambda: _asked(sandbox) == 2)
    for number in range(3):
        body = click(actions=[CLICK["actions"][0] | {"action_ts": f"{number}.0"}])
        assert (await send(client, body, signed(body)))[0] == 200
    assert _asked(sandbox) == 2


def _asked(sandbox: Sandbox) -> int:
    """How often Slack was asked who we are."""
    return [call.method for call in sandbox.slack.calls].count("auth.test")


NOT_ALLOWED: Sequence[dict[str, Any]] = (
    {"user": {"id": "U0EVIL", "name": "eve", "team_id": "T0ELSEWHERE"}},
    {"user": {"id": "U0EVIL", "name": "eve"}, "team": {"id": "T0ELSEWHERE"}},
    {"user": {"id": "U0SHIPMATE", "name": "shipmate", "team_id": "T0ACME"}},
    {"user": {"id": "USLACKBOT", "name": "slackbot", "team_id": "T0ACME"}},
    {"user": {"id": "ana"}},
    {"user": None, "user_id": 7},
    {"actions": [{"action_id": "people:mute_change", "value": "12; drop"}]},
    {"actions": [{"action_id": "people:mute_change", "value": "٣"}]},
    {"actions": [{"action_id": "people:mute_change", "value": "0"}]},
    {"actions": [{"action_id": "people:mute_change"}]},
    {"actions": [{"action_id": "deploys:retired", "value": "1"}]},
)
"""Clicks of others than our own people, and clicks that mean nothing."""


async def test_who_or_what_may_not_is_acknowledged_and_changes_nothing(client: Client, wired: Wired) -> None:
    """They are told why, which the people's tests see."""
    for changes in NOT_ALLOWED:
        body = click(**changes)
        assert await send(client, body, signed(body)) == (200, ""), changes
    assert await stored(wired) == []


class Stammering(SlackChat):
    """A Slack that answers the first tries with these faults."""

    def __init__(self, *faults: OutgoingError) -> None:
        super().__init__("xoxb-0", "http://127.0.0.1:1/api/")
        self.faults = list(faults)
        self.tries = 0
        self.answered = asyncio.Event()

    async def respond(self, response_url: str, message: Mapping[str, Any]) -> None:
        self.tries += 1
        if self.faults:
            raise self.faults.pop(0)
        assert response_url == "https://hooks.slack.com/commands/1"
        assert (message["response_type"], message["replace_original"]) == ("ephemeral", False)
        self.answered.set()


COMMAND = urlencode(
    {"command": "/ship", "text": "help", "user_id": "U0ANA", "response_url": "https://hooks.slack.com/commands/1"}
).encode()


async def test_an_answer_that_did_not_arrive_is_sent_again(client: Client, wired: Wired) -> None:
    chat = Stammering(RetryLater("ratelimited", delay=0.0, rate_limited=True), RetryLater("down", delay=0.0))
    wired.bot.chat = chat
    assert await send(client, COMMAND, signed(COMMAND)) == (200, "")
    async with asyncio.timeout(20):
        await chat.answered.wait()
    await chat.close()
    assert chat.tries == 3


async def test_an_answer_that_cannot_arrive_is_given_up(client: Client, wired: Wired) -> None:
    refused, down = GiveUp("used_url"), RetryLater("down", delay=0.0)
    for faults, tries in (([refused], 1), ([down] * 5, 3)):
        wired.bot.chat = chat = Stammering(*faults)
        assert await send(client, COMMAND, signed(COMMAND)) == (200, "")
        await asyncio.gather(*wired.bot._tasks)
        await chat.close()
        assert chat.tries == tries
        assert not chat.answered.is_set()
