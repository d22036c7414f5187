"""PagerDuty, spoken to through pdpyras: who is on call.

pdpyras blocks, so its calls run in a thread. Its defaults send a POST up to four times where the connection drops, and
wait for a rate limit without end: both are off, the engine that calls us decides by the error. It is imported at the
first call, since that costs a seventh of a second; it is deprecated and says so by a warning, which is left out.
"""

from __future__ import annotations

import asyncio
import sys
import warnings
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from bot.adapters.reading import instant, items, line, piece, text, whole
from bot.errors import GiveUp, OutgoingError, RetryLater, Unauthorised
from bot.ports import OnCall

if TYPE_CHECKING:
    from pdpyras import APISession
    from requests import Response

THREADS = 1
"""Its session is not made for several; what we ask is asked seldom."""
PER_PAGE = 100
"""The most that PagerDuty's lists give at once."""

_MOMENT = timedelta(seconds=1)
"""How long a look at a schedule is: its answer names everybody with a shift within."""

_MOST_PAGES = 10
_KEY = "Check PAGERDUTY_API_KEY: make a new one (Integrations → API Access Keys)."
_LONGEST_WAIT = 600.0


class PagerDutyPager:
    """The Pager port. ``base_url`` is the REST API's; ``timeout`` is seconds a call."""

    def __init__(self, api_key: str, base_url: str, *, timeout: float = 10.0) -> None:
        self._key = api_key.strip()
        self._base_url = base_url.rstrip("/")
        self._timeout = timeout
        self._pool: ThreadPoolExecutor | None = None
        self._session: APISession | None = None

    async def close(self) -> None:
        """Let running calls end and close the connections."""
        pool, self._pool = self._pool, None
        if pool is not None:
            await asyncio.to_thread(pool.shutdown, cancel_futures=True)
        if self._session is not None:
            self._session.close()
            self._session = None

    async def on_call(self, service: str) -> Sequence[OnCall]:
        """Who is on call now for a service, by its id, at the first level of its escalation policy; each once."""
        about = f"the service {service}"
        found = piece(await self._get(f"/services/{quote(service, safe='')}", about), "service")
        policy = text(piece(found, "escalation_policy"), "id")
        if not policy:
            raise _unreadable(about)
        listed = await self._on_calls(policy, about)
        people: dict[str, OnCall] = {}
        for one in listed:
            person = _on_call(one)
            if person is None or whole(one, "escalation_level") != 1:
                continue
            known = people.get(person.user)
            if known is None or (known.until is not None and (person.until is None or person.until > known.until)):
                people[person.user] = person
        return tuple(people.values())

    async def on_schedule(self, schedule: str, at: datetime) -> Sequence[OnCall]:
        """Whose shift it is at an instant by a schedule, by its id; nobody says until when."""
        about = f"the schedule {schedule}"
        path = f"/schedules/{quote(schedule, safe='')}/users"
        window = {"since": at.isoformat(), "until": (at + _MOMENT).isoformat()}
        answer = await self._get(path, about, **window)
        if not isinstance(answer.get("users"), list):
            raise _unreadable(about)
        found = (_on_call({"user": user}) for user in items(answer["users"]))
        return tuple(one for one in found if one is not None)

    async def _on_calls(self, policy: str, about: str) -> Sequence[Mapping[str, Any]]:
        found: list[Mapping[str, Any]] = []
        for page in range(_MOST_PAGES):
            wanted = {"escalation_policy_ids[]": policy, "include[]": "users"}
            answer = await self._get("/oncalls", about, **wanted, limit=PER_PAGE, offset=page * PER_PAGE)
            if not isinstance(answer.get("oncalls"), list):
                raise _unreadable(about)
            found += items(answer["oncalls"])
            if answer.get("more") is not True:
                break
        return found

    async def _get(self, path: str, about: str, **parameters: str | int) -> Mapping[str, Any]:
        if not self._key.isascii() or not self._key.isprintable():
            # The complaint of requests about such a header would repeat the key.
            raise Unauthorised("invalid_key", _KEY)
        if self._pool is None:
            self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="pagerduty")
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._pool, self._ask, path, about, dict(parameters))

    # In the threads

    def _ask(self, path: str, about: str, parameters: dict[str, str | int]) -> Mapping[str, Any]:
        pdpyras = _library()
        import requests

        try:
            response = self._connected(pdpyras).get(path, params=parameters)
        except pdpyras.PDHTTPError as fault:  # the library itself raises for a 401
            raise _refused(about, fault.response) from None
        except (pdpyras.PDClientError, requests.RequestException) as fault:
            kind = type(fault.__cause__ or fault).__name__
            raise RetryLater(f"PagerDuty did not answer about {about} ({kind})") from None
        if not response.ok:
            raise _refused(about, response)
        try:
            answer = response.json()
        except ValueError:
            raise _unreadable(about) from None
        if not isinstance(answer, dict):
            raise _unreadable(about)
        return answer

    def _connected(self, pdpyras: Any) -> APISession:
        if self._session is None:
            session = pdpyras.APISession(self._key)
            session.url = self._base_url
            session.timeout = self._timeout
            session.max_network_attempts = 0
            session.retry = {429: 1}  # 0 would mean without end
            session.sleep_timer = 0.1
            self._session = session
        return self._session


def _library() -> Any:
    """pdpyras, without its complaint that it is deprecated."""
    if "pdpyras" not in sys.modules:
        # For good, rather than within a block: that would put back other threads' filters, too.
        warnings.filterwarnings("ignore", message='The package "pdpyras" is deprecated', category=UserWarning)
    import pdpyras

    return pdpyras


def _on_call(one: Mapping[str, Any]) -> OnCall | None:
    user = piece(one, "user")
    identity = text(user, "id")
    if not identity:
        return None
    return OnCall(
        user=identity,
        email=line(user, "email") or None,
        name=line(user, "name") or line(user, "summary") or identity,
        until=instant(one, "end"),
    )


def _refused(about: str, response: Response) -> OutgoingError:
    """What an answer of 400 and above means; all of our calls only read."""
    status = response.status_code
    if status == 429:
        return RetryLater("PagerDuty's rate limit is used up", delay=_wait(response), rate_limited=True)
    if status >= 500 or status == 408:
        return RetryLater(f"PagerDuty answered HTTP {status} about {about}")
    if status in (401, 403):
        return Unauthorised("unauthorised" if status == 401 else "forbidden", _KEY)
    if status == 404:
        where = "the conductors of trains" if about.startswith("the schedule") else "pagerduty_service"
        return GiveUp("not_found", f"PagerDuty knows nothing of {about}: check {where} in shipmate.yml.")
    return GiveUp(f"http_{status}", f"PagerDuty refused to answer about {about}.")


def _wait(response: Response) -> float | None:
    """Seconds until PagerDuty answers again, where it says so (``ratelimit-reset``)."""
    try:
        delay = float(response.headers.get("ratelimit-reset") or response.headers.get("retry-after") or "")
    except ValueError:
        return None
    return min(max(delay, 1.0), _LONGEST_WAIT)


def _unreadable(about: str) -> RetryLater:
    return RetryLater(f"PagerDuty's answer about {about} cannot be read; is PAGERDUTY_API_URL right?")
