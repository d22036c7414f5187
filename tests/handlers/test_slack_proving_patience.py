"""How long a code is waited for, on a loop whose time is skipped: nobody who entered one, or none, goes unanswered."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest

from bot.answers.views import SaidReply
from bot.app import Bot
from bot.catalog import Catalog, Service
from bot.errors import UserError
from bot.inbox import Applied
from bot.ports import DeviceProof
from handlers.slack.answering import Answer, Answering
from handlers.slack.asking import Asker
from handlers.slack.proving import LONGEST_WAIT, RAN_OUT, Proving
from tests.unit.promoting import OVEN

ASKER = Asker(slack_id="U0ANA", called="Ana", team_id="T0", response_url="")
PROOF = DeviceProof(
    device_code="device", user_code="ABCD-EFGH", url="https://github.com/login/device", interval=5.0,
    expires_at=datetime(2026, 3, 2, 13, 0, tzinfo=UTC),
)  # fmt: skip


class Skipping(selectors.DefaultSelector):
    """Waits for nothing: the time that would have passed is added up."""

    skipped = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        self.skipped += max(timeout or 0.0, 0.0)
        return super().select(0)


class Hurried(asyncio.SelectorEventLoop):
    """A loop on which half an hour passes at once."""

    def __init__(self) -> None:
        self.selector = Skipping()
        super().__init__(self.selector)

    def time(self) -> float:
        return super().time() + self.selector.skipped


@dataclass
class Github:
    """Ana enters her code ``entered`` seconds after she was given it; what she may do is told ``slowly`` after that."""

    entered: float
    slowly: float
    began: float = field(default_factory=lambda: asyncio.get_running_loop().time())

    async def device_proven(self, proof: DeviceProof) -> str | None:
        return "ana" if asyncio.get_running_loop().time() - self.began >= self.entered else None

    async def may_push(self, repo: str, login: str) -> bool:
        await asyncio.sleep(self.slowly)
        return True


@dataclass
class Holding:
    """As much of a bot as waits for a code: it keeps what is stored."""

    forge: Github
    catalog: Catalog
    stored: list[bytes] = field(default_factory=list)

    def clock(self) -> datetime:
        return PROOF.expires_at

    async def store_act(self, *, source: str, delivery_id: str, body: bytes) -> int:
        self.stored.append(body)
        return 1

    async def outcome(self, act: int) -> Applied:
        return Applied(said="Proven.", refused=False)


@dataclass
class Voice:
    """What the asker is told."""

    answers: list[Answer] = field(default_factory=list)

    def soon(self, asker: Asker, answer: Answer) -> None:
        self.answers.append(answer)


async def said(entered: float, slowly: float) -> str:
    """What somebody hears in the end."""
    catalog = Catalog(
        default_channel="#deploys", unknown=Service(name="unknown", channel="#deploys", known=False),
        services={"oven": OVEN},
    )  # fmt: skip
    voice = Voice()
    bot = Holding(Github(entered, slowly), catalog)
    proving = Proving(cast("Bot", bot), cast("Answering", voice))
    await proving._wait(ASKER, replace(PROOF))
    (answer,) = voice.answers
    try:
        reply = await answer()
    except UserError as refusal:
        return str(refusal)
    assert isinstance(reply, SaidReply)
    return reply.text


def hurried(story: Coroutine[Any, Any, str]) -> str:
    """What comes of a story, without waiting."""
    with asyncio.Runner(loop_factory=Hurried) as runner:
        return runner.run(story)


@pytest.mark.parametrize(
    ("entered", "slowly", "heard"),
    [
        (10.0, 0.0, "Proven."),
        (LONGEST_WAIT - 10.0, 60.0, "Proven."),
        (LONGEST_WAIT + timedelta(days=1).total_seconds(), 0.0, RAN_OUT),
    ],
)
def test_whoever_was_given_a_code_is_answered(entered: float, slowly: float, heard: str) -> None:
    """Also who enters it at the last moment, and waits for GitHub to tell what they may push to."""
    assert hurried(said(entered, slowly)) == heard
