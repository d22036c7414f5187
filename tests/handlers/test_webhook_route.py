"""The webhook door over real HTTP: what is let in, what is turned away, and that only the former is stored."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import hashlib
import hmac
import io
import json
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from prometheus_client import REGISTRY

from bot.inbox import Accepted, Lane
from handlers.webhooks import BODY_LIMIT, LARGE_AT_ONCE, RETRY_AFTER, SMALL_BODY, SOURCES, _Places, add_routes

SECRET = "correct horse battery staple"
GUID = "6f1f6f9e-0001-4e52-9d5e-1f2d3c4b5a69"
PUSH = (Path(__file__).parents[1] / "payloads" / "github" / "push.json").read_bytes()

Client = TestClient[web.Request, web.Application]


class Shelf:
    """A bot that keeps what it accepts, and knows a delivery it has seen."""

    def __init__(self) -> None:
        self.secret: str | None = SECRET
        self.now = datetime(2026, 11, 21, 13, 14, 30, tzinfo=UTC)
        self.takes_on_trust = False
        self.fault: Exception | None = None
        self.failed: set[str] = set()
        self.gate: asyncio.Event | None = None
        self.crowd = asyncio.Event()
        self.at_once = self.most_at_once = 0
        self.kept: dict[tuple[str, str], tuple[dict[str, str], bytes, Lane]] = {}

    async def accept(
        self, *, source: str, delivery_id: str, headers: Mapping[str, str], body: bytes, lane: Lane, about: str = ""
    ) -> Accepted:
        assert delivery_id.startswith(about)
        if self.gate is not None and len(body) > SMALL_BODY:
            self.at_once += 1
            self.most_at_once = max(self.at_once, self.most_at_once)
            if self.at_once == LARGE_AT_ONCE:
                self.crowd.set()
            await self.gate.wait()
            self.at_once -= 1
        if self.fault is not None:
            raise self.fault
        if delivery_id in self.failed:
            return Accepted.REQUEUED
        if (source, delivery_id) in self.kept:
            return Accepted.DUPLICATE
        self.kept[(source, delivery_id)] = (dict(headers), body, lane)
        return Accepted.NEW

    @property
    def clock(self) -> Callable[[], datetime]:
        return lambda: self.now

    def webhook_secret(self, source: str) -> str | None:
        return self.secret if source == "github" else None

    def insecure(self, source: str) -> bool:
        return self.takes_on_trust


@pytest.fixture
def shelf() -> Shelf:
    return Shelf()


@pytest.fixture
async def client(shelf: Shelf) -> AsyncIterator[Client]:
    app = web.Application()
    add_routes(app, shelf)
    async with TestClient(TestServer(app)) as client:
        yield client


def signature(body: bytes, secret: str = SECRET) -> str:
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def signed(body: bytes, **changes: str | None) -> dict[str, str]:
    """GitHub's headers for this body; a change of None leaves one out (``_`` stands for ``-``)."""
    headers: dict[str, str | None] = {
        "Content-Type": "application/json",
        "User-Agent": "GitHub-Hookshot/044aadd",
        "X-GitHub-Event": "push",
        "X-GitHub-Delivery": GUID,
        "X-GitHub-Hook-ID": "3001",
        "X-Hub-Signature-256": signature(body),
    }
    headers.update({name.replace("_", "-"): value for name, value in changes.items()})
    return {name: value for name, value in headers.items() if value is not None}


async def send(client: Client, body: bytes, headers: Mapping[str, str]) -> tuple[int, dict[str, Any]]:
    async with client.post("/webhooks/github", data=io.BytesIO(body), headers=headers) as answer:
        told: dict[str, Any] = await answer.json()
        return answer.status, told


async def raw(client: Client, request: bytes, *, hang_up: bool = False) -> bytes:
    """Send these very bytes and read the answer's first line; or hang up at once, and read what comes then."""
    reader, writer = await asyncio.open_connection(client.host, client.port)
    try:
        writer.write(request)
        await writer.drain()
        if not hang_up:
            return await reader.readline()
        writer.write_eof()
        return await reader.read()
    finally:
        writer.close()
        await writer.wait_closed()


async def test_a_signed_delivery_is_stored_byte_for_byte_and_accepted(client: Client, shelf: Shelf) -> None:
    """The raw bytes are kept, for replay, and what proves identity is not."""
    status, told = await send(client, PUSH, signed(PUSH, Authorization="Bearer not-for-keeping"))

    assert (status, told) == (202, {"accepted": True})
    headers, body, lane = shelf.kept[("github", GUID)]
    assert body == PUSH
    assert lane is Lane.FEED
    assert headers == {
        "X-GitHub-Event": "push",
        "X-GitHub-Delivery": GUID,
        "X-GitHub-Hook-ID": "3001",
        "Content-Type": "application/json",
    }
    assert SOURCES["github"].translate(headers, body)


async def test_the_same_delivery_again_is_a_duplicate(client: Client, shelf: Shelf) -> None:
    """A redelivery keeps its GUID; the sender is told, not blamed."""
    await send(client, PUSH, signed(PUSH))

    assert await send(client, PUSH, signed(PUSH)) == (200, {"duplicate": True})
    assert len(shelf.kept) == 1


@pytest.mark.parametrize("source", ["generic", "alertmanager"])
async def test_the_same_words_a_while_later_are_another_delivery(client: Client, shelf: Shelf, source: str) -> None:
    """Where the sender gives no name; by the clock that the bot goes by, which may be turned."""
    shelf.takes_on_trust = True
    body = b'{"name": "disk", "state": "firing", "alerts": []}'
    told = []
    for passed in (0, 1, 60):
        shelf.now += timedelta(seconds=passed)
        async with client.post(f"/webhooks/{source}", data=body, headers={"X-Shipmate-Received": "x"}) as answer:
            told.append(answer.status)
    assert told == [202, 200, 202]


async def test_a_redelivery_of_a_failed_one_is_accepted(client: Client, shelf: Shelf) -> None:
    """Re-queued counts as accepted."""
    shelf.failed.add(GUID)

    assert await send(client, PUSH, signed(PUSH)) == (202, {"accepted": True})


async def test_an_event_without_interest_is_accepted_by_name(client: Client, shelf: Shelf) -> None:
    """GitHub may be set to send everything; nothing it sends looks failed in its list of deliveries."""
    status, _ = await send(client, b"{}", signed(b"{}", X_GitHub_Event="watch"))

    assert status == 202
    headers, body, _lane = shelf.kept[("github", GUID)]
    assert SOURCES["github"].translate(headers, body) == []


async def test_a_form_is_as_good_as_json(client: Client, shelf: Shelf) -> None:
    """GitHub's older content type; its signature covers the form, not the JSON within."""
    body = urlencode({"payload": PUSH.decode()}).encode()
    headers = signed(body, Content_Type="application/x-www-form-urlencoded")

    assert (await send(client, body, headers))[0] == 202
    kept, stored, _ = shelf.kept[("github", GUID)]
    assert SOURCES["github"].translate(kept, stored) == SOURCES["github"].translate(signed(PUSH), PUSH)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (None, "missing"),
        ("", "missing"),
        ("sha256=", "form"),
        ("sha1=da39a3ee5e6b4b0d3255bfef95601890afd80709", "form"),
        (signature(PUSH)[:-1], "form"),
        (signature(PUSH) + "00", "form"),
        ("sha256=" + "é" * 64, "form"),
        ("sha256=" + "٣" * 64, "form"),
        (signature(PUSH, "another secret"), "does not belong"),
        (signature(PUSH + b" "), "does not belong"),
    ],
)
async def test_a_signature_that_proves_nothing_is_refused(
    client: Client, shelf: Shelf, given: str | None, said: str
) -> None:
    """401 with the reason and the mend, and nothing is stored."""
    status, told = await send(client, PUSH, signed(PUSH, X_Hub_Signature_256=given))

    assert status == 401
    assert said in told["error"]
    assert told["mend"]
    assert SECRET not in json.dumps(told)
    assert shelf.kept == {}


async def test_a_signature_in_capitals_is_the_same_signature(client: Client) -> None:
    """Hexadecimal digits have no case."""
    given = signature(PUSH).removeprefix("sha256=").upper()

    assert (await send(client, PUSH, signed(PUSH, X_Hub_Signature_256=f"sha256={given}")))[0] == 202


@pytest.mark.parametrize("secret", [None, ""])
async def test_without_a_secret_nobody_is_believed(client: Client, shelf: Shelf, secret: str | None) -> None:
    """An empty secret is none: anybody could sign with it."""
    shelf.secret = secret

    status, told = await send(client, PUSH, signed(PUSH, X_Hub_Signature_256=signature(PUSH, "")))

    assert status == 401
    assert "GITHUB_WEBHOOK_SECRET" in told["mend"]
    assert shelf.kept == {}


async def test_a_source_declared_insecure_is_taken_at_its_word(client: Client, shelf: Shelf) -> None:
    """Only where the configuration says so, and only while there is no secret."""
    shelf.secret, shelf.takes_on_trust = None, True

    assert (await send(client, PUSH, signed(PUSH, X_Hub_Signature_256=None)))[0] == 202


async def test_a_secret_is_asked_for_even_of_a_source_declared_insecure(client: Client, shelf: Shelf) -> None:
    """Whoever sets a secret means it."""
    shelf.takes_on_trust = True

    assert (await send(client, PUSH, signed(PUSH, X_Hub_Signature_256=None)))[0] == 401
    assert shelf.kept == {}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b'"push"',
        b"null",
        b'{"number": NaN}',
        b'{"number": -Infinity}',
        b'{"number": ' + b"9" * 5000 + b"}",
        b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
        b"[" * 1_000_000,
        b'{"text": "\xff\xfe"}',
        b"\x00" * 10,
    ],
    ids=lambda body: repr(body[:20]),
)
async def test_a_body_that_is_no_json_object_is_refused(client: Client, shelf: Shelf, body: bytes) -> None:
    """400 with what was expected, however it is broken."""
    status, told = await send(client, body, signed(body))

    assert status == 400
    assert "JSON" in told["error"]
    assert told["mend"]
    assert shelf.kept == {}


@pytest.mark.parametrize(
    "body",
    [b"", b"payload=", b"payload=%7B%7D&payload=%7B%7D", b"other=1", b"payload=[]", b"payload=\xff", b"&" * 5000],
    ids=repr,
)
async def test_a_form_without_one_payload_is_refused(client: Client, shelf: Shelf, body: bytes) -> None:
    """400, since there is nothing to read, or nothing to choose by."""
    headers = signed(body, Content_Type="application/x-www-form-urlencoded")

    status, told = await send(client, body, headers)

    assert status == 400
    assert "payload" in told["error"] or "JSON" in told["error"]
    assert shelf.kept == {}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"X_GitHub_Event": None}, "X-GitHub-Event"),
        ({"X_GitHub_Event": "push; drop"}, "X-GitHub-Event"),
        ({"X_GitHub_Event": "é"}, "X-GitHub-Event"),
        ({"X_GitHub_Delivery": None}, "X-GitHub-Delivery"),
        ({"X_GitHub_Delivery": "g" * 129}, "X-GitHub-Delivery"),
        ({"X_GitHub_Delivery": "a b"}, "X-GitHub-Delivery"),
        ({"Content_Type": "text/xml"}, "content type"),
    ],
)
async def test_a_delivery_without_its_headers_is_refused(
    client: Client, shelf: Shelf, change: dict[str, str | None], said: str
) -> None:
    """Without the event's name it means nothing, without an id a repetition could not be told."""
    status, told = await send(client, PUSH, signed(PUSH, **change))

    assert status == 400
    assert said in told["error"]
    assert shelf.kept == {}


async def test_bytes_in_a_header_that_no_database_takes_are_not_kept(client: Client, shelf: Shelf) -> None:
    """One bad value would fail the whole group that shares a commit with it."""
    request = (
        b"POST /webhooks/github HTTP/1.1\r\nHost: bot\r\nConnection: close\r\nX-GitHub-Event: push\r\n"
        b"X-GitHub-Delivery: g-1\r\nX-GitHub-Hook-ID: \xff\xfe\r\nContent-Type: application/json\r\n"
        + f"X-Hub-Signature-256: {signature(PUSH)}\r\nContent-Length: {len(PUSH)}\r\n\r\n".encode()
        + PUSH
    )

    assert b" 202 " in await raw(client, request)
    headers, _, _ = shelf.kept[("github", "g-1")]
    assert headers["X-GitHub-Hook-ID"] == "\ufffd\ufffd"


@pytest.mark.parametrize("name", ["gitlab", "GITHUB", "", "..%2Fgithub", "github%00", "%ff"])
async def test_an_unknown_source_is_not_found(client: Client, name: str) -> None:
    """404, whatever is sent and however it is signed."""
    async with client.post(f"/webhooks/{name}", data=PUSH, headers=signed(PUSH)) as answer:
        assert answer.status == 404


async def test_what_is_turned_away_is_counted_by_source_and_status(client: Client) -> None:
    """A monitoring with a wrong secret drops its alerts; strangers' names are counted as one."""

    def counted() -> list[float]:
        return [
            REGISTRY.get_sample_value("shipmate_deliveries_refused_total", {"source": source, "status": status}) or 0.0
            for source, status in (("alertmanager", "401"), ("unknown", "404"))
        ]

    before = counted()
    for path in ("alertmanager", "nobody", "no-one"):
        async with client.post(f"/webhooks/{path}", data=b"{}") as answer:
            assert answer.status in (401, 404)
    assert [now - then for now, then in zip(counted(), before, strict=True)] == [1.0, 2.0]


async def test_an_unknown_source_is_told_who_is_known(client: Client) -> None:
    """A slip in the path is the likeliest cause."""
    async with client.post("/webhooks/gihub", data=PUSH) as answer:
        told = await answer.json()

    assert told["error"] == "unknown source"
    assert "github" in told["mend"]


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH"])
async def test_other_methods_are_not_allowed(client: Client, method: str) -> None:
    """405, and which one is."""
    async with client.request(method, "/webhooks/github") as answer:
        assert answer.status == 405
        assert answer.headers["Allow"] == "POST"


async def test_a_declared_length_over_the_limit_is_refused_unread(client: Client, shelf: Shelf) -> None:
    """413 on the header alone: the answer comes although the body never does."""
    request = f"POST /webhooks/github HTTP/1.1\r\nHost: bot\r\nContent-Length: {BODY_LIMIT + 1}\r\n\r\n".encode()

    assert b" 413 " in await raw(client, request)
    assert shelf.kept == {}


async def test_a_chunked_body_over_the_limit_is_refused(client: Client, shelf: Shelf) -> None:
    """413 although no length was declared, and even though it is properly signed."""
    body = b"{" + b" " * BODY_LIMIT + b"}"
    piece = SMALL_BODY

    async def chunks() -> AsyncIterator[bytes]:
        for start in range(0, len(body), piece):
            yield body[start : start + piece]

    async with client.post("/webhooks/github", data=chunks(), headers=signed(body)) as answer:
        assert answer.status == 413
        assert "25 MB" in (await answer.json())["mend"]
    assert shelf.kept == {}


async def test_the_largest_delivery_is_accepted_in_chunks(client: Client, shelf: Shelf) -> None:
    """Exactly 25 MB is still GitHub's to send."""
    body = b"{" + b" " * (BODY_LIMIT - 2) + b"}"

    async def chunks() -> AsyncIterator[bytes]:
        yield body[:SMALL_BODY]
        yield body[SMALL_BODY:]

    async with client.post("/webhooks/github", data=chunks(), headers=signed(body)) as answer:
        assert answer.status == 202
    assert len(shelf.kept[("github", GUID)][1]) == BODY_LIMIT


async def test_many_large_bodies_do_not_keep_a_small_one_waiting(client: Client, shelf: Shelf) -> None:
    """Large ones take turns in memory; an ordinary delivery passes them, and in the end all are stored."""
    large = b"{" + b" " * SMALL_BODY + b"}"
    shelf.gate = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        waiting = [
            group.create_task(send(client, large, signed(large, X_GitHub_Delivery=f"large-{number}")))
            for number in range(LARGE_AT_ONCE + 2)
        ]
        await shelf.crowd.wait()
        assert (await send(client, PUSH, signed(PUSH, X_GitHub_Delivery="small")))[0] == 202
        assert list(shelf.kept) == [("github", "small")]
        shelf.gate.set()
    assert [task.result()[0] for task in waiting] == [202] * len(waiting)
    assert shelf.most_at_once == LARGE_AT_ONCE


async def test_a_large_body_for_which_no_place_comes_free_is_asked_for_again(shelf: Shelf) -> None:
    """Soon enough for its sender to hear it, and told as our own doing."""
    large = b"{" + b" " * SMALL_BODY + b"}"
    shelf.gate = asyncio.Event()
    app = web.Application()
    add_routes(app, shelf, place_patience=0)
    async with TestClient(TestServer(app)) as client, asyncio.TaskGroup() as group:
        waiting = [
            group.create_task(send(client, large, signed(large, X_GitHub_Delivery=f"large-{number}")))
            for number in range(LARGE_AT_ONCE)
        ]
        await shelf.crowd.wait()
        async with client.post("/webhooks/github", data=io.BytesIO(large), headers=signed(large)) as answer:
            assert (answer.status, answer.headers["Retry-After"]) == (503, str(RETRY_AFTER))
        shelf.gate.set()
    assert [task.result()[0] for task in waiting] == [202] * len(waiting)


async def test_waiting_for_a_place_is_not_the_senders_slowness() -> None:
    """Its own time stands still meanwhile, and goes on after."""
    places = _Places(patience=60)
    async with contextlib.AsyncExitStack() as others, contextlib.AsyncExitStack() as held:
        async with asyncio.timeout(40) as arriving:
            ends = arriving.when()
            for _ in range(LARGE_AT_ONCE):
                await places.take(others, arriving)
            taking = asyncio.ensure_future(places.take(held, arriving))
            for _ in range(3):
                await asyncio.sleep(0)
            assert arriving.when() is None
            await others.aclose()
            await taking
            later = arriving.when()
        assert ends is not None
        assert later is not None
        assert later > ends


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        (b"Content-Encoding: gzip\r\nContent-Length: 8\r\n", b"not gzip"),
        (b"Transfer-Encoding: chunked\r\n", b"zz\r\n{}\r\n0\r\n\r\n"),
    ],
    ids=["false gzip", "bad chunk"],
)
async def test_a_badly_encoded_body_is_refused(client: Client, shelf: Shelf, headers: bytes, body: bytes) -> None:
    """400, never a 5xx for what the sender did."""
    answer = await raw(client, b"POST /webhooks/github HTTP/1.1\r\nHost: bot\r\n" + headers + b"\r\n" + body)

    assert b" 400 " in answer
    assert shelf.kept == {}


async def test_a_body_that_does_not_come_is_not_waited_for(shelf: Shelf) -> None:
    """A sender that stalls holds no place for long; here the patience is none at all."""
    app = web.Application()
    add_routes(app, shelf, body_patience=0)
    async with TestClient(TestServer(app)) as client:
        request = b"POST /webhooks/github HTTP/1.1\r\nHost: bot\r\nContent-Length: 9\r\n\r\n{"
        assert b" 400 " in await raw(client, request)


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        (f"Content-Length: {len(PUSH) + 9}\r\n".encode(), PUSH),
        (b"Transfer-Encoding: chunked\r\n", f"{len(PUSH):x}\r\n".encode() + PUSH + b"\r\n"),
    ],
    ids=["length", "chunks"],
)
async def test_a_sender_that_hangs_up_has_sent_nothing(
    client: Client, shelf: Shelf, caplog: pytest.LogCaptureFixture, headers: bytes, body: bytes
) -> None:
    """Even when all that came is signed and whole, more was announced. The door stays open for the next."""
    head = "".join(f"{name}: {value}\r\n" for name, value in signed(PUSH).items()).encode()
    request = b"POST /webhooks/github HTTP/1.1\r\nHost: bot\r\n" + head + headers + b"\r\n" + body

    assert b" 20" not in await raw(client, request, hang_up=True)
    assert shelf.kept == {}
    assert (await send(client, PUSH, signed(PUSH)))[0] == 202
    assert not caplog.records


async def test_a_small_body_that_unpacks_beyond_the_limit_is_refused(client: Client, shelf: Shelf) -> None:
    """The limit counts what comes out."""
    bomb = gzip.compress(b" " * (BODY_LIMIT + 1))

    async with client.post(
        "/webhooks/github", data=bomb, headers=signed(bomb, Content_Encoding="gzip"), compress=False
    ) as answer:
        assert answer.status == 413
    assert shelf.kept == {}


async def test_a_delivery_that_cannot_be_stored_is_asked_for_again(client: Client, shelf: Shelf) -> None:
    """503 with Retry-After: the sender must not think that we have it. Our inner words stay within."""
    shelf.fault = RuntimeError("disk full at /srv/shipmate/private.db")

    async with client.post("/webhooks/github", data=PUSH, headers=signed(PUSH)) as answer:
        assert answer.status == 503
        assert int(answer.headers["Retry-After"]) > 0
        told = await answer.text()
    assert "private.db" not in told
    assert json.loads(told)["mend"]

    shelf.fault = None
    assert (await send(client, PUSH, signed(PUSH)))[0] == 202


def test_the_signature_is_githubs_own_example() -> None:
    """The vector of GitHub's documentation on validating deliveries."""
    SOURCES["github"].verify(
        {"x-hub-signature-256": "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"},
        b"Hello, World!",
        "It's a Secret to Everybody",
    )
