"""GitHub's webhooks: signed, one after another, never sent again by themselves, and remembered.

A hook exists once ``connect`` has named the bot; what happened before sends nothing. Deliveries can be held and let
go in another order and several times, shuffled, doubled, made late or made to fail, since GitHub promises neither order
nor arrival.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import random
import time
import uuid
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

import aiohttp

from bot.sandbox.clock import Alarm, Clock
from bot.sandbox.exchanges import Log
from bot.sandbox.world import Json

PATIENCE_SECONDS = 10.0
HOOK_ID = 4242
INSTALLATION_ID = 50_505
EVENTS = (
    "check_run",
    "check_suite",
    "deployment",
    "deployment_protection_rule",
    "deployment_review",
    "deployment_status",
    "pull_request",
    "pull_request_review",
    "push",
    "release",
    "status",
    "workflow_job",
    "workflow_run",
)
KEPT = 5000
KEPT_FOR = timedelta(days=3)
"""After so long GitHub knows a delivery no more, and sends it no more (GitHub docs: Viewing webhook deliveries)."""


@dataclass(kw_only=True, eq=False)
class Delivery:
    """One attempt to deliver one event; a redelivery is another attempt with the same ``guid``.

    ``status_code`` is 0 until answered; 502 where the bot could not be reached, 504 where it was too slow.
    """

    id: int
    guid: str
    event: str
    action: str | None
    body: bytes
    headers: dict[str, str]
    repository_id: int
    redelivery: bool = False
    delivered_at: datetime
    duration: float = 0.0
    status: str = "queued"
    status_code: int = 0
    answer: str = ""

    @property
    def ok(self) -> bool:
        """Whether the bot answered 2xx."""
        return 200 <= self.status_code < 300


class Hooks:
    """The one webhook of the stand-in's app."""

    def __init__(self, secret: str, log: Log, numbers: Iterator[int], clock: Clock) -> None:
        self.secret = secret
        self.bot_url: str | None = None
        self.deliveries: deque[Delivery] = deque(maxlen=KEPT)
        self.holding = False
        self.dropping = False
        self._log = log
        self._clock = clock
        self._lateness = 0.0
        self._draw: random.Random | None = None
        self.twice = False
        self._together: float | None = None
        """How long webhooks wait for each other; None where each goes by itself."""
        self._waiting: list[Delivery] = []
        self._letting_go: Alarm | None = None
        self._chance = random.Random(1)  # noqa: S311  (an order to reproduce, not a secret)
        self._numbers = numbers
        self._held: list[Delivery] = []
        self._queue: asyncio.Queue[Delivery] = asyncio.Queue()
        self._worker: asyncio.Task[None] | None = None
        self._session: aiohttp.ClientSession | None = None

    def send(self, event: str, payload: Json) -> str | None:
        """Queue one event; its GUID, or None where no bot is connected yet."""
        if self.bot_url is None:
            return None
        body = json.dumps(payload, separators=(",", ":"), ensure_ascii=False).encode()
        guid = str(uuid.uuid4())
        delivery = Delivery(
            id=next(self._numbers),
            guid=guid,
            event=event,
            action=payload.get("action"),
            body=body,
            headers=self._headers(event, guid, body),
            repository_id=payload["repository"]["id"],
            delivered_at=self._clock.now(),
        )
        if self.holding:
            self._held.append(delivery)
        elif self._together is not None:
            self._waiting.append(delivery)
            if len(self._waiting) == 1:
                self._letting_go = self._clock.call_later(timedelta(seconds=self._together), self._shuffled)
        elif self._lateness:
            late = self._lateness * (self._draw.random() if self._draw is not None else 1.0)
            self._clock.call_later(timedelta(seconds=late), lambda: self._enqueue(delivery))
        else:
            self._enqueue(delivery)
        return guid

    def release(self, shuffle_seed: int | None, repeat: int) -> None:
        """Let go of what was held, each ``repeat`` times, in an order drawn from the seed if there is one."""
        self.holding = False
        going = [delivery if once == 0 else self._again(delivery) for once in range(repeat) for delivery in self._held]
        self._held = []
        if shuffle_seed is not None:
            random.Random(shuffle_seed).shuffle(going)  # noqa: S311  (an order to reproduce, not a secret)
        for delivery in going:
            self._enqueue(delivery)

    def late(self, seconds: float, seed: int | None) -> None:
        """Make each delivery from now on so late by the world's clock, or by a part of it drawn from the seed."""
        self._lateness = seconds
        self._draw = None if seed is None else random.Random(seed)  # noqa: S311  (lateness to reproduce, not a secret)

    def shuffle(self, seconds: float | None) -> None:
        """Let deliveries wait for each other so long by the world's clock, and go in another order; None ends that."""
        self._together = seconds
        if seconds is None:
            if self._letting_go is not None:
                self._letting_go.cancel()
            self._shuffled()

    def _shuffled(self) -> None:
        came, self._waiting = self._waiting, []
        order = list(came)
        self._chance.shuffle(order)
        for delivery in order if order != came else reversed(came):
            self._enqueue(delivery)

    def known(self) -> list[Delivery]:
        """The attempts that GitHub still shows and repeats, oldest first."""
        since = self._clock.now() - KEPT_FOR
        return [delivery for delivery in self.deliveries if delivery.delivered_at >= since]

    def redeliver(self, *, guid: str | None = None, delivery_id: int | None = None) -> bool:
        """Send a delivery again, with the same GUID; False if it is not known."""
        for delivery in reversed(self.known()):
            if delivery.guid == guid or delivery.id == delivery_id:
                self._enqueue(self._again(delivery))
                return True
        return False

    def _again(self, delivery: Delivery) -> Delivery:
        return Delivery(
            id=next(self._numbers),
            guid=delivery.guid,
            event=delivery.event,
            action=delivery.action,
            body=delivery.body,
            headers=delivery.headers,
            repository_id=delivery.repository_id,
            redelivery=True,
            delivered_at=self._clock.now(),
        )

    def _headers(self, event: str, guid: str, body: bytes) -> dict[str, str]:
        digest = hmac.new(self.secret.encode(), body, hashlib.sha256).hexdigest()
        return {
            "Accept": "*/*",
            "Content-Type": "application/json",
            "User-Agent": "GitHub-Hookshot/5a9db0c",
            "X-GitHub-Delivery": guid,
            "X-GitHub-Event": event,
            "X-GitHub-Hook-ID": str(HOOK_ID),
            "X-GitHub-Hook-Installation-Target-ID": str(INSTALLATION_ID),
            "X-GitHub-Hook-Installation-Target-Type": "integration",
            "X-Hub-Signature-256": f"sha256={digest}",
        }

    # Sending

    def _enqueue(self, delivery: Delivery) -> None:
        self._queue.put_nowait(delivery)
        if self.twice and not delivery.redelivery:
            self._queue.put_nowait(self._again(delivery))
        if self._worker is None or self._worker.done():
            self._worker = asyncio.get_running_loop().create_task(self._work())

    async def _work(self) -> None:
        while True:
            delivery = await self._queue.get()
            try:
                await self._deliver(delivery)
            finally:
                self._queue.task_done()

    async def _deliver(self, delivery: Delivery) -> None:
        began = time.perf_counter()
        delivery.delivered_at = self._clock.now()
        try:
            delivery.status_code, delivery.answer = await self._post(delivery)
            delivery.status = "OK" if delivery.ok else f"Invalid HTTP Response: {delivery.status_code}"
        except TimeoutError:
            delivery.status_code, delivery.status = 504, "timed out"
        except (aiohttp.ClientError, ConnectionError) as error:
            delivery.status_code, delivery.status, delivery.answer = 502, "failed to connect to host", str(error)
        delivery.duration = time.perf_counter() - began
        self.deliveries.append(delivery)
        self._log.add(
            incoming=False,
            verb="POST",
            path="/webhooks/github",
            method=delivery.event if delivery.action is None else f"{delivery.event}.{delivery.action}",
            args={"guid": delivery.guid, "redelivery": delivery.redelivery},
            status=delivery.status_code,
            answer=delivery.answer,
            began=began,
            request_headers=delivery.headers,
            request_body=delivery.body.decode(),
            answer_body=delivery.answer,
        )

    async def _post(self, delivery: Delivery) -> tuple[int, str]:
        if self.dropping:
            raise ConnectionError("dropped on the way, as was asked")
        if self._session is None:
            self._session = aiohttp.ClientSession()
        async with self._session.post(
            f"{self.bot_url}/webhooks/github",
            data=delivery.body,
            headers=delivery.headers,
            timeout=aiohttp.ClientTimeout(total=PATIENCE_SECONDS),
        ) as response:
            return response.status, await response.text(errors="replace")

    async def settle(self) -> None:
        """Wait until everything queued so far was answered or has failed."""
        await self._queue.join()

    async def close(self) -> None:
        """Stop sending; what is queued is forgotten."""
        if self._worker is not None:
            self._worker.cancel()
            await asyncio.gather(self._worker, return_exceptions=True)
        if self._session is not None:
            await self._session.close()
            self._session = None
