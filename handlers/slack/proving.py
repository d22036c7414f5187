"""`/ship me github prove`: whose login is whose, by single sign-on or by a code that is entered at GitHub.

The code is waited for in a task of ours, which ends with the process: then it is asked for anew. What GitHub says of
the login, and of what it may push to, is stored as an act, like all that people do, and applied in its turn.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import structlog

from bot import inbox, people
from bot.answers.views import ProofReply, SaidReply
from bot.app import Bot
from bot.errors import GiveUp, OutgoingError, RetryLater, UserError
from bot.events import IdentityProven
from bot.ports import DeviceProof, Member
from handlers.slack import acts
from handlers.slack.answering import Answer, Answering, Reply
from handlers.slack.asking import Asker

log = structlog.get_logger(__name__)

SOURCE = "slack"

LONGEST_WAIT = 1_800.0
"""Seconds for which a code is waited for at most: as long as Slack takes answers."""

RAN_OUT = "Nobody entered the code in time, so nothing was proven. For another one: /ship me github prove"

MOST_OWNERS = 5
"""Organisations whose single sign-on is asked."""

_SHORTEST_INTERVAL = 1.0
_PATIENCE_ADDED = 0.1
"""Seconds beside the interval: GitHub counts from its own clock, and every hasty question costs five seconds."""


@dataclass(frozen=True)
class Proving:
    """Has people prove which GitHub login is theirs."""

    bot: Bot
    answering: Answering

    def ask(self, asker: Asker, member: Member) -> Answer:
        """Find out: single sign-on knows at once, else a code is given out and waited for."""

        async def answer() -> Reply:
            login = await self._by_sign_on(member)
            if login is not None:
                return await self._store(asker, login, "sso")
            proof = await _or_refuse(self.bot.forge.begin_device_proof)
            waiting = self._wait(asker, proof)
            self.bot.keep(asyncio.get_running_loop().create_task(waiting, name="shipmate-device-proof"))
            return ProofReply(code=proof.user_code, url=proof.url, until=proof.expires_at)

        return answer

    async def _by_sign_on(self, member: Member) -> str | None:
        """What the single sign-on of the organisations we deploy for says; a fault there is no reason to refuse."""
        repos = [service.repo for service in self.bot.catalog.services.values() if service.repo]
        owners = list(dict.fromkeys(repo.partition("/")[0] for repo in repos))[:MOST_OWNERS]
        if member.email is None:
            return None
        for owner in owners:
            try:
                login = await self.bot.forge.login_by_sign_on(owner, member.email)
            except OutgoingError as fault:
                log.info("single sign-on does not say who somebody is", owner=owner, error=str(fault))
                continue
            if login is not None:
                return login
        return None

    async def _wait(self, asker: Asker, proof: DeviceProof) -> None:
        """Wait until somebody enters the code; what comes of it is the second answer."""
        try:
            async with asyncio.timeout(LONGEST_WAIT):
                login = await self._entered(proof)
            repo = await people.pushes_to(self.bot.forge, self.bot.catalog, login)
        except TimeoutError:
            self.answering.soon(asker, _refusing(UserError(RAN_OUT)))
            return
        except UserError as refusal:
            self.answering.soon(asker, _refusing(refusal))
            return
        except GiveUp as fault:
            self.answering.soon(asker, _refusing(UserError(fault.mend)))
            return

        async def answer() -> Reply:
            return await self._store(asker, login, people.DEVICE, repo)

        self.answering.soon(asker, answer)

    async def _entered(self, proof: DeviceProof) -> str:
        interval = max(proof.interval, _SHORTEST_INTERVAL)
        while True:
            await asyncio.sleep(interval + _PATIENCE_ADDED)
            try:
                login = await self.bot.forge.device_proven(proof)
            except RetryLater as fault:
                interval = max(interval, fault.delay or 0.0)
            else:
                if login is not None:
                    return login

    async def _store(self, asker: Asker, login: str, how: str, repo: str | None = None) -> Reply:
        act = IdentityProven(slack_id=asker.slack_id, login=login, how=how, at=self.bot.clock(), repo=repo)
        delivery_id = inbox.act_id(asker.slack_id, "proof", uuid.uuid4().hex)
        row = await self.bot.store_act(source=SOURCE, delivery_id=delivery_id, body=acts.body(act))
        applied = await self.bot.outcome(row)
        return SaidReply(text=applied.said or "Done.", refused=applied.refused)


async def _or_refuse(ask: Callable[[], Awaitable[DeviceProof]]) -> DeviceProof:
    """What was asked for; UserError, saying who can mend it, where GitHub will not."""
    try:
        return await ask()
    except GiveUp as fault:
        raise UserError(
            f"{fault.mend or 'GitHub refused.'} Whoever runs Shipmate can do that; "
            "or have your login written under people in shipmate.yml."
        ) from None
    except OutgoingError as fault:
        log.warning("no code for a proof", error=str(fault))
        raise UserError("GitHub does not answer just now, so nothing was begun. Try it again in a moment.") from None


def _refusing(refusal: UserError) -> Answer:
    async def answer() -> Reply:
        raise refusal

    return answer
