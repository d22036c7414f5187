"""Promoting by a signed call to the pipeline's own address, in the form of Standard Webhooks.

Each promotion is one message: its id is the idempotency key and stays the same however often the call is repeated, and
whoever receives it answers a repetition with 2xx or 409. That is the contract, so repeating is harmless, there is
nothing to look up, and ``find`` always says to call again. (standardwebhooks.com; each call is signed anew.)
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import time
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

import aiohttp

from bot.adapters.reading import line, link
from bot.errors import Doubtful, GiveUp, OutgoingError, RetryLater
from bot.ports import Found, Missing, Order, Started

LONGEST_ANSWER = 64 * 1024
"""Bytes of an answer that are read; a longer one counts as one that says nothing."""
SECRET_SETTING = "SHIPMATE_WEBHOOK_SECRET"  # noqa: S105 - its name
_ENCODED = "whsec_"
_LONGEST_WAIT = 3_600.0
_CONNECT = 5.0
"""Seconds to be connected: until then nothing can have arrived."""
_NO_SECRET = f"Set {SECRET_SETTING} to a long random text that the receiver knows too: openssl rand -hex 32"


class WebhookPipeline:
    """The Pipeline for ``webhook``; ``address_of`` gives each service's. ``timeout`` is seconds for a whole call."""

    def __init__(self, address_of: Callable[[str], str | None], secret: str | None, *, timeout: float = 15.0) -> None:
        self._address_of = address_of
        self._secret = secret
        self._timeout = timeout
        self._session: aiohttp.ClientSession | None = None

    @property
    def longest_call(self) -> timedelta:
        """From ``start`` to the last moment at which the call may still arrive."""
        return timedelta(seconds=self._timeout)

    async def close(self) -> None:
        """Close the connections."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def start(self, order: Order) -> Started:
        """Call; 2xx and 409 (it knew already) are a start, which may name itself: ``{"id": …, "url": …}``."""
        address = self._address_of(order.service)
        if address is None:
            raise GiveUp("no_address", _no_address(order.service))
        if not self._secret:
            raise GiveUp("no_secret", _NO_SECRET)
        body = json.dumps(_told(order), ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode()
        headers = signed(self._secret, key(order), int(time.time()), body)
        about = f"the pipeline of {order.service}"
        try:
            async with self._open().post(address, data=body, headers=headers, allow_redirects=False) as response:
                answer = await _bounded(response)
                if response.status in (200, 201, 202, 203, 204, 205, 206, 409):
                    return _started(answer)
                raise _refused(about, response.status, response.headers.get("Retry-After", ""), answer)
        except aiohttp.ClientConnectorCertificateError:
            raise GiveUp("bad_certificate", f"The certificate of {about} is not valid for its address.") from None
        except aiohttp.ClientConnectorError as fault:
            raise RetryLater(f"{about} cannot be reached ({type(fault).__name__})") from fault
        except aiohttp.ConnectionTimeoutError as fault:
            raise RetryLater(f"{about} cannot be reached in time") from fault
        except (TimeoutError, aiohttp.ClientError) as fault:
            raise Doubtful(f"{about} did not say whether it began ({type(fault).__name__})") from fault

    async def find(self, order: Order, *, since: datetime) -> Started | Found:
        """Nothing to look at: the idempotency key makes calling again harmless."""
        return Found.ABSENT

    async def missing(self, service: str, repo: str | None, environments: Sequence[str]) -> Sequence[Missing]:
        """The address and the secret; nobody is called."""
        told = []
        if self._address_of(service) is None:
            told.append(Missing("no address is set to call", _no_address(service)))
        if not self._secret:
            told.append(Missing(f"{SECRET_SETTING} is not set, so nothing can be signed", _NO_SECRET))
        return told

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                timeout=aiohttp.ClientTimeout(total=self._timeout, sock_connect=min(self._timeout, _CONNECT)),
                cookie_jar=aiohttp.DummyCookieJar(),
                # A connection that the other side has just closed would make a call doubtful that never arrived.
                connector=aiohttp.TCPConnector(force_close=True),
            )
        return self._session


def key(order: Order) -> str:
    """What names this call to its receiver, however often it is repeated."""
    return f"shipmate-promotion-{order.promotion}"


def signed(secret: str, message: str, at: int, body: bytes) -> dict[str, str]:
    """The headers of a call: what it is, and the proof that it is ours. ``at`` is seconds since 1970."""
    content = f"{message}.{at}.".encode() + body
    digest = base64.b64encode(hmac.new(_key_bytes(secret), content, hashlib.sha256).digest()).decode()
    return {
        "Content-Type": "application/json",
        "User-Agent": "Shipmate",
        "Idempotency-Key": message,
        "webhook-id": message,
        "webhook-timestamp": str(at),
        "webhook-signature": f"v1,{digest}",
    }


def _key_bytes(secret: str) -> bytes:
    """``whsec_`` and Base64 as Standard Webhooks writes secrets; any other text stands for itself."""
    if secret.startswith(_ENCODED):
        try:
            return base64.b64decode(secret.removeprefix(_ENCODED), validate=True)
        except binascii.Error:
            pass
    return secret.encode()


def _told(order: Order) -> dict[str, Any]:
    return {
        "type": "promotion.start",
        "data": {
            "promotion": order.promotion,
            "service": order.service,
            "environment": order.environment,
            "repo": order.repo,
            "sha": order.sha,
            "rollback": order.rollback,
            "requested_by": order.requested_by,
            "comment": order.comment,
        },
    }


async def _bounded(response: aiohttp.ClientResponse) -> bytes:
    """The answer's body, or nothing where it is too long or breaks off: its status has already said what matters."""
    body = bytearray()
    try:
        async for chunk in response.content.iter_chunked(8_192):
            body += chunk
            if len(body) > LONGEST_ANSWER:
                response.close()
                return b""
    except (TimeoutError, aiohttp.ClientError):
        response.close()
        return b""
    return bytes(body)


def _started(answer: bytes) -> Started:
    said = _object(answer)
    return Started((line(said, "id") or None), link(said, "url"))


def _object(answer: bytes) -> object:
    try:
        return json.loads(answer)
    except (ValueError, RecursionError):
        return None


def _refused(about: str, status: int, retry_after: str, answer: bytes) -> OutgoingError:
    if status == 429:
        return RetryLater(f"{about} is busy", delay=_wait(retry_after), rate_limited=True)
    if status >= 500 or status == 408:
        return Doubtful(f"{about} answered HTTP {status}: it may have begun")
    if status < 400:
        return GiveUp("redirected", "Set promote_webhook in shipmate.yml to the final address: none is followed.")
    said = _object(answer)
    words = line(said, "error") or line(said, "message") or " ".join(answer[:200].decode(errors="replace").split())
    mend = f"Does it know {SECRET_SETTING}?" if status in (401, 403) else "Look at what it says, and at its log."
    return GiveUp(f"http_{status}", f"{about} refused: {words or 'without a word'}. {mend}")


def _wait(retry_after: str) -> float | None:
    try:
        return min(max(float(retry_after), 1.0), _LONGEST_WAIT)
    except ValueError:
        return None


def _no_address(service: str) -> str:
    return f"Set services.{service}.promote_webhook in shipmate.yml to the address of its pipeline."
