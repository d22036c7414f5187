"""One connection to PagerDuty through pdpyras, and what its refusals mean.

pdpyras blocks, so its calls run in threads. Its defaults send a POST up to four times where the connection drops, and
wait for a rate limit without end: both are off, the engine that calls us decides by the error. It is imported at the
first call, since that costs a seventh of a second; it is deprecated and says so by a warning, which is left out.
"""

from __future__ import annotations

import asyncio
import json
import sys
import threading
import warnings
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, TypeVar

from bot.adapters.reading import piece, text
from bot.errors import Doubtful, GiveUp, OutgoingError, RetryLater, Unauthorised

if TYPE_CHECKING:
    from pdpyras import APISession
    from requests import Response

Result = TypeVar("Result")

_KEY = "Check PAGERDUTY_API_KEY: make a new one (Integrations → API Access Keys)."
_LONGEST_WAIT = 600.0


class PagerDutySession:
    """Calls to one account. ``base_url`` is the REST API's; ``timeout`` is seconds a call; ``threads`` at once."""

    def __init__(self, api_key: str, base_url: str, *, timeout: float, threads: int) -> None:
        self._key = api_key.strip()
        self._base_url = base_url.rstrip("/")
        self._timeout = timeout
        self._threads = threads
        self._pool: ThreadPoolExecutor | None = None
        self._sessions: list[APISession] = []
        self._of_thread = threading.local()
        """Each thread's own session: they are not made for several."""

    async def close(self) -> None:
        """Let running calls end and close the connections; a later call opens others."""
        pool, self._pool = self._pool, None
        if pool is not None:
            await asyncio.to_thread(pool.shutdown, cancel_futures=True)
        sessions, self._sessions = self._sessions, []
        for session in sessions:
            session.close()

    async def get(self, path: str, about: str, **parameters: str | int | list[str]) -> Mapping[str, Any]:
        """GET a path; ``about`` names what is asked about in errors. It is never doubtful."""
        return await self._run(lambda: self._ask(path, about, parameters))

    async def write(
        self, verb: str, path: str, about: str, body: Mapping[str, Any], *, sender: str
    ) -> Mapping[str, Any]:
        """POST or PUT an object once, in the name of whose address ``sender`` is; Doubtful where it may be done."""
        return await self._run(lambda: self._send(verb, path, about, body, {"From": sender}))

    async def write_elsewhere(self, address: str, about: str, body: Mapping[str, Any]) -> None:
        """POST an object once to another address of PagerDuty, which takes no key of ours."""
        await self._run(lambda: self._send_elsewhere(address, about, body))

    async def _run(self, call: Callable[[], Result]) -> Result:
        if not self._key.isascii() or not self._key.isprintable():
            # The complaint of requests about such a header would repeat the key.
            raise Unauthorised("invalid_key", _KEY)
        if self._pool is None:
            self._pool = ThreadPoolExecutor(self._threads, thread_name_prefix="pagerduty")
            self._of_thread = threading.local()
        return await asyncio.get_running_loop().run_in_executor(self._pool, call)

    # In the threads

    def _ask(self, path: str, about: str, parameters: Mapping[str, str | int | list[str]]) -> Mapping[str, Any]:
        pdpyras = _library()
        import requests

        try:
            response = self._connected(pdpyras).get(path, params=dict(parameters))
        except pdpyras.PDHTTPError as fault:  # the library itself raises for a 401
            raise refused(about, fault.response) from None
        except (pdpyras.PDClientError, requests.RequestException) as fault:
            raise _unreachable(about, fault) from None
        if not response.ok:
            raise refused(about, response)
        answer = _object(response)
        if answer is None:
            raise unreadable(about)
        return answer

    def _send(
        self, verb: str, path: str, about: str, body: Mapping[str, Any], headers: Mapping[str, str]
    ) -> Mapping[str, Any]:
        pdpyras = _library()
        import requests

        session = self._connected(pdpyras)
        try:
            response = session.request(verb, path, json=dict(body), headers=dict(headers))
        except pdpyras.PDHTTPError as fault:
            raise refused(about, fault.response) from None
        except (pdpyras.PDClientError, requests.RequestException) as fault:
            raise _interrupted(about, fault) from None
        if not response.ok:
            raise write_refused(about, response)
        answer = _object(response)
        if answer is None:
            raise Doubtful(f"PagerDuty did not say whether it did what we asked about {about} (an answer without JSON)")
        return answer

    def _send_elsewhere(self, address: str, about: str, body: Mapping[str, Any]) -> None:
        import requests

        try:
            response = requests.post(
                address, data=json.dumps(body), headers={"Content-Type": "application/json"}, timeout=self._timeout
            )
        except requests.RequestException as fault:
            raise _interrupted(about, fault) from None
        if not response.ok:
            raise write_refused(about, response)

    def _connected(self, pdpyras: Any) -> APISession:
        session: APISession | None = getattr(self._of_thread, "session", None)
        if session is None:
            session = pdpyras.APISession(self._key)
            session.url = self._base_url
            session.timeout = self._timeout
            session.max_network_attempts = 0
            session.retry = {429: 1}  # 0 would mean without end; what was refused so had no effect
            session.sleep_timer = 0.1
            self._of_thread.session = session
            self._sessions.append(session)
        return session


def _library() -> Any:
    """pdpyras, without its complaint that it is deprecated."""
    if "pdpyras" not in sys.modules:
        # For good, rather than within a block: that would put back other threads' filters, too.
        warnings.filterwarnings("ignore", message='The package "pdpyras" is deprecated', category=UserWarning)
    import pdpyras

    return pdpyras


def _object(response: Response) -> dict[str, Any] | None:
    try:
        answer = response.json()
    except ValueError:
        return None
    return answer if isinstance(answer, dict) else None


def unreadable(about: str) -> RetryLater:
    """Something answered that is not PagerDuty."""
    return RetryLater(f"PagerDuty's answer about {about} cannot be read; is PAGERDUTY_API_URL right?")


def refused(about: str, response: Response) -> OutgoingError:
    """What an answer of 400 and above means to a question."""
    status = response.status_code
    if status == 429:
        return RetryLater("PagerDuty's rate limit is used up", delay=_wait(response), rate_limited=True)
    if status >= 500 or status == 408:
        return RetryLater(f"PagerDuty answered HTTP {status} about {about}")
    if status in (401, 403):
        return Unauthorised("unauthorised" if status == 401 else "forbidden", _KEY)
    if status == 404:
        if about.startswith("the incident"):
            return GiveUp("not_found", f"PagerDuty knows nothing of {about}: it was merged, deleted, or never ours.")
        where = "the conductors of trains" if about.startswith("the schedule") else "pagerduty_service"
        return GiveUp("not_found", f"PagerDuty knows nothing of {about}: check {where} in shipmate.yml.")
    return GiveUp(f"http_{status}", f"PagerDuty refused to answer about {about}.")


def write_refused(about: str, response: Response) -> OutgoingError:
    """What an answer that is not 2xx means to something that was to be done."""
    status = response.status_code
    if status >= 500 or status == 408:
        return Doubtful(f"PagerDuty answered HTTP {status} to what we asked about {about}")
    if status in (429, 401, 403, 404):
        return refused(about, response)
    return GiveUp(f"http_{status}", f"PagerDuty refused what we asked about {about}.{_said(_object(response))}")


def _said(answer: Mapping[str, Any] | None) -> str:
    """PagerDuty's own words, in one line of at most 300 characters; the Events API has them a level higher."""
    error = piece(answer, "error") or answer or {}
    listed = error.get("errors")
    told = (
        [text(error, "message"), *(one for one in listed if isinstance(one, str))]
        if isinstance(listed, list)
        else [text(error, "message")]
    )
    words = " ".join("; ".join(one for one in told if one).split())[:300]
    return f" PagerDuty says: {words}" if words else ""


def _unreachable(about: str, fault: Exception) -> RetryLater:
    return RetryLater(f"PagerDuty did not answer about {about} ({type(fault.__cause__ or fault).__name__})")


def _interrupted(about: str, fault: Exception) -> OutgoingError:
    """The way of a call that has an effect broke: doubtful, unless it never left."""
    from urllib3.exceptions import ConnectTimeoutError, NewConnectionError

    cause = fault.__cause__ or fault
    reason = getattr(cause.args[0], "reason", None) if cause.args else None
    if isinstance(reason, ConnectTimeoutError | NewConnectionError):
        return _unreachable(about, fault)
    return Doubtful(f"PagerDuty did not say whether it did what we asked about {about} ({type(cause).__name__})")


def _wait(response: Response) -> float | None:
    """Seconds until PagerDuty answers again, where it says so (``ratelimit-reset``)."""
    try:
        delay = float(response.headers.get("ratelimit-reset") or response.headers.get("retry-after") or "")
    except ValueError:
        return None
    return min(max(delay, 1.0), _LONGEST_WAIT)
