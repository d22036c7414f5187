"""The signed outgoing call, over HTTP: proven, bounded, not redirected, harmless to repeat; and where none is made."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from bot.adapters.pipeline_polled import PolledPipeline
from bot.adapters.pipeline_webhook import LONGEST_ANSWER, WebhookPipeline, signed
from bot.errors import Doubtful, GiveUp, RetryLater
from bot.ports import Found, Order, Started

SECRET = "a long random text"
ORDER = Order(
    promotion=12,
    service="checkout",
    environment="production",
    repo="acme/checkout",
    sha="a" * 40,
    rollback=False,
    comment="Approved by Dee",
    requested_by="slack:U0BEN",
)

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Receiver:
    """A pipeline that takes promotions; it begins each once, whatever is sent again."""

    def __init__(self) -> None:
        self.answer: Answer = self.begin
        self.calls: list[tuple[dict[str, str], bytes]] = []
        self.begun: list[str] = []
        self.released = asyncio.Event()
        application = web.Application()
        application.router.add_route("*", "/{path:.*}", self._handle)
        self.server = TestServer(application, host="127.0.0.1")

    @property
    def url(self) -> str:
        return str(self.server.make_url("/promote?team=payments"))

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.calls.append((headers, await request.read()))
        return await self.answer(request)

    async def begin(self, request: web.Request) -> web.StreamResponse:
        key = request.headers["Idempotency-Key"]
        if key in self.begun:
            return web.json_response({"error": "begun already"}, status=409)
        self.begun.append(key)
        return web.json_response({"id": "build-7", "url": "https://ci.example.com/7"}, status=202)

    async def begin_and_cut(self, request: web.Request) -> web.StreamResponse:
        await self.begin(request)
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    async def hang(self, request: web.Request) -> web.StreamResponse:
        await self.released.wait()
        return web.Response()


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    made = Receiver()
    await made.server.start_server()
    yield made
    made.released.set()
    await made.server.close()


@pytest.fixture
async def pipeline(receiver: Receiver) -> AsyncIterator[WebhookPipeline]:
    made = WebhookPipeline(lambda service: receiver.url if service == "checkout" else None, SECRET)
    yield made
    await made.close()


def saying(status: int, text: str = "", **headers: str) -> Answer:
    async def answer(request: web.Request) -> web.StreamResponse:
        told = {name.replace("_", "-"): value for name, value in headers.items()}
        return web.Response(status=status, text=text, headers=told)

    return answer


async def test_a_call_says_everything_and_proves_itself(pipeline: WebhookPipeline, receiver: Receiver) -> None:
    """As Standard Webhooks has it: over id, time and raw body."""
    assert await pipeline.start(ORDER) == Started("build-7", "https://ci.example.com/7")
    ((headers, body),) = receiver.calls
    assert json.loads(body) == {
        "type": "promotion.start",
        "data": {
            "promotion": 12,
            "service": "checkout",
            "environment": "production",
            "repo": "acme/checkout",
            "sha": "a" * 40,
            "rollback": False,
            "requested_by": "slack:U0BEN",
            "comment": "Approved by Dee",
        },
    }
    assert headers["idempotency-key"] == headers["webhook-id"] == "shipmate-promotion-12"
    sent = datetime.fromtimestamp(int(headers["webhook-timestamp"]), UTC)
    assert abs((datetime.now(UTC) - sent).total_seconds()) < 300  # what receivers allow
    content = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    proof = base64.b64encode(hmac.new(SECRET.encode(), content, hashlib.sha256).digest()).decode()
    assert headers["webhook-signature"] == f"v1,{proof}"


def test_the_signature_is_the_standards_own() -> None:
    """The example of its specification (standard-webhooks: libraries' tests)."""
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    found = signed(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
    assert found["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    plain = signed("whsec_not base64", "msg", 1, b"")["webhook-signature"]
    assert plain == signed("whsec_not base64", "msg", 1, b"")["webhook-signature"]
    assert plain != signed("whsec_other text", "msg", 1, b"")["webhook-signature"]


async def test_one_whose_answer_was_lost_is_called_again_and_begun_once(
    pipeline: WebhookPipeline, receiver: Receiver
) -> None:
    """The same key and the same body; what was begun already is no error."""
    receiver.answer = receiver.begin_and_cut
    with pytest.raises(Doubtful):
        await pipeline.start(ORDER)
    assert await pipeline.find(ORDER, since=datetime.now(UTC)) is Found.ABSENT
    receiver.answer = receiver.begin
    assert await pipeline.start(ORDER) == Started(None)
    assert receiver.begun == ["shipmate-promotion-12"]
    assert receiver.calls[0][1] == receiver.calls[1][1]


@pytest.mark.parametrize("status", [200, 201, 202, 204, 409])
@pytest.mark.parametrize(
    ("text", "started"),
    [
        ("", Started(None)),
        ("begun", Started(None)),
        ("[" * 100_000, Started(None)),
        ('{"id": 7, "url": "javascript:alert(1)"}', Started(None)),
        ('{"id": " 7\\n8 ", "url": "https://ci.example.com/7"}', Started("7 8", "https://ci.example.com/7")),
        ('{"id": "' + "x" * LONGEST_ANSWER + '"}', Started(None)),
    ],
    ids=["nothing", "a word", "deep", "no link", "both", "too long"],
)
async def test_every_good_answer_is_a_start(
    pipeline: WebhookPipeline, receiver: Receiver, status: int, text: str, started: Started
) -> None:
    """What it says of itself is taken where it can be, and nothing of what is longer than any answer needs to be."""
    receiver.answer = saying(status, "" if status == 204 else text)
    assert await pipeline.start(ORDER) == (Started(None) if status == 204 else started)


async def test_an_answer_without_end_is_not_read_to_the_end(pipeline: WebhookPipeline, receiver: Receiver) -> None:
    """Its status has said what matters."""

    async def endless(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        while not receiver.released.is_set():
            await response.write(b"x" * 8_192)
        return response

    receiver.answer = endless
    assert await pipeline.start(ORDER) == Started(None)
    receiver.released.set()


@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_no_redirect_is_followed(pipeline: WebhookPipeline, receiver: Receiver, status: int) -> None:
    """It would carry a promotion to an address that nobody has configured."""
    receiver.answer = saying(status, Location=receiver.url)
    with pytest.raises(GiveUp, match="promote_webhook") as raised:
        await pipeline.start(ORDER)
    assert raised.value.code == "redirected"
    assert len(receiver.calls) == 1


@pytest.mark.parametrize(
    ("status", "text", "told"),
    [
        (400, '{"error": "no such service"}', "no such service"),
        (401, "", "Does it know SHIPMATE_WEBHOOK_SECRET"),
        (403, '{"message": "wrong signature"}', "wrong signature. Does it know SHIPMATE_WEBHOOK_SECRET"),
        (404, "<h1>Not\nfound</h1>", "<h1>Not found</h1>"),
        (422, "x" * 5_000, "x" * 200),
    ],
)
async def test_a_refusal_is_told_in_its_own_words(
    pipeline: WebhookPipeline, receiver: Receiver, status: int, text: str, told: str
) -> None:
    receiver.answer = saying(status, text)
    with pytest.raises(GiveUp) as raised:
        await pipeline.start(ORDER)
    assert raised.value.code == f"http_{status}"
    assert told in raised.value.mend
    assert len(raised.value.mend) < 400
    assert SECRET not in raised.value.mend


@pytest.mark.parametrize("status", [408, 500, 502, 503, 504])
async def test_a_server_in_trouble_may_have_begun(pipeline: WebhookPipeline, receiver: Receiver, status: int) -> None:
    receiver.answer = saying(status)
    with pytest.raises(Doubtful, match=str(status)):
        await pipeline.start(ORDER)
    assert len(receiver.calls) == 1


@pytest.mark.parametrize(("after", "delay"), [("7", 7.0), ("0", 1.0), ("999999", 3_600.0), ("soon", None), ("", None)])
async def test_one_that_is_busy_certainly_did_nothing(
    pipeline: WebhookPipeline, receiver: Receiver, after: str, delay: float | None
) -> None:
    receiver.answer = saying(429, Retry_After=after)
    with pytest.raises(RetryLater) as raised:
        await pipeline.start(ORDER)
    assert (raised.value.rate_limited, raised.value.delay) == (True, delay)


async def test_one_that_does_not_answer_is_doubtful(receiver: Receiver) -> None:
    receiver.answer = receiver.hang
    hasty = WebhookPipeline(lambda service: receiver.url, SECRET, timeout=0.2)
    try:
        with pytest.raises(Doubtful):
            await hasty.start(ORDER)
    finally:
        await hasty.close()


async def test_one_that_is_not_there_did_nothing(receiver: Receiver) -> None:
    url = receiver.url
    await receiver.server.close()
    pipeline = WebhookPipeline(lambda service: url, SECRET)
    try:
        with pytest.raises(RetryLater):
            await pipeline.start(ORDER)
    finally:
        await pipeline.close()


async def test_without_address_or_secret_nobody_is_called(pipeline: WebhookPipeline, receiver: Receiver) -> None:
    """Nothing unsigned ever leaves; what is lacking is told before anybody needs it."""
    with pytest.raises(GiveUp, match=r"services\.ledger\.promote_webhook"):
        await pipeline.start(replace(ORDER, service="ledger"))
    unsigned = WebhookPipeline(lambda service: receiver.url, None)
    with pytest.raises(GiveUp, match="SHIPMATE_WEBHOOK_SECRET"):
        await unsigned.start(ORDER)
    assert receiver.calls == []
    assert await pipeline.missing("checkout", None, ["production"]) == []
    bare = WebhookPipeline(lambda service: None, None)
    assert [lack.said for lack in await bare.missing("checkout", None, [])] == [
        "no address is set to call",
        "SHIPMATE_WEBHOOK_SECRET is not set, so nothing can be signed",
    ]
    await bare.close()


async def test_a_pipeline_that_polls_is_not_called() -> None:
    """Being started is what it reads; it only needs a token to ask with."""
    polled = PolledPipeline(can_ask=True)
    assert await polled.start(ORDER) == Started(None)
    assert await polled.find(ORDER, since=datetime.now(UTC)) == Started(None)
    assert await polled.missing("checkout", None, ["production"]) == []
    (lack,) = await PolledPipeline(can_ask=False).missing("checkout", None, ["production"])
    assert "SHIPMATE_API_TOKEN" in lack.said
