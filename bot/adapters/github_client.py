"""PyGithub's requester in threads of our own, with its traps taken out.

PyGithub blocks, so its calls run in four threads (more gain nothing). Its defaults repeat POSTs, wait a quarter of a
second between calls, and sleep until a rate limit ends: all off; GETs alone are repeated, once. Of its many classes
only the requester is used, because the others complete themselves by calls nobody sees. It is imported at the first
call, since that costs a third of a second.
"""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar
from urllib.parse import parse_qs, urlsplit

from bot.adapters import github_errors
from bot.adapters.reading import items, whole
from bot.errors import OutgoingError, RetryLater, Unauthorised

if TYPE_CHECKING:
    from github import Github, GithubIntegration
    from github.Requester import Requester

THREADS = 4
PER_PAGE = 100
"""The most that GitHub's lists give at once."""

_API_VERSION = "2022-11-28"
"""Pinned: ``2026-03-10`` drops ``merge_commit_sha`` from pull requests."""

Item = TypeVar("Item")
Result = TypeVar("Result")


class Answer(NamedTuple):
    """What GitHub answered: the headers by lower-case name, and the JSON."""

    headers: Mapping[str, str]
    data: Any


class GithubClient:
    """Calls to one GitHub as a token, or as an App and its installations. ``timeout`` is seconds a call."""

    def __init__(
        self, base_url: str, *, token: str | None, app_id: str | None, private_key: str | None, timeout: int
    ) -> None:
        self._base_url = base_url.rstrip("/")
        self._timeout = timeout
        self._token = (token or "").strip()
        self._app_id = (app_id or "").strip()
        # Environment files often carry a PEM on one line, its ends of line spelt out.
        self._private_key = (private_key or "").strip().replace("\\n", "\n")
        self._pool: ThreadPoolExecutor | None = None
        self._lock = threading.Lock()
        """Held while credentials are made or renewed: threads that come at once would each fetch a token."""
        self._github: Github | None = None
        self._integration: GithubIntegration | None = None
        self._installations: dict[str, Github] = {}
        """By owner, in lower case."""

    @property
    def is_app(self) -> bool:
        """Whether we are a GitHub App, which can ask for webhooks again."""
        return bool(self._app_id and self._private_key)

    async def close(self) -> None:
        """Let running calls end and close the connections; a later call opens others."""
        pool, self._pool = self._pool, None
        if pool is not None:
            await asyncio.to_thread(pool.shutdown, cancel_futures=True)
        for github in (self._github, self._integration, *self._installations.values()):
            if github is not None:
                github.close()
        self._github = self._integration = None
        self._installations = {}

    async def get(self, repo: str | None, path: str, about: str, **parameters: str | int) -> Answer:
        """GET as whoever may read ``repo`` (None: as anyone we are); ``about`` names it in errors."""
        return await self._in_thread(lambda: self._requester(repo), "GET", path, about, parameters)

    async def pages(
        self,
        repo: str | None,
        path: str,
        about: str,
        *,
        most: int,
        field: str | None = None,
        stop: Callable[[dict[str, Any]], bool] | None = None,
    ) -> list[dict[str, Any]]:
        """The objects of a list (or of the list in a ``field``), page by page: about ``most``.

        The first object of which ``stop`` is true ends it, and is left out.
        """
        found: list[dict[str, Any]] = []
        for page in range(1, most // PER_PAGE + 1):
            answer = await self.get(repo, path, about, per_page=PER_PAGE, page=page)
            listed = answer.data.get(field) if field and isinstance(answer.data, dict) else answer.data
            if not isinstance(listed, list):
                raise github_errors.unreadable(about)
            for item in items(listed):
                if stop is not None and stop(item):
                    return found
                found.append(item)
            if not _has_next(answer, len(listed)):
                break
        return found

    async def post(
        self, repo: str, path: str, about: str, body: Mapping[str, Any], *, needs: str, begin_by: float
    ) -> Answer:
        """POST a JSON object, once; ``needs`` is the permission it takes. Doubtful where it may have been done.

        One that cannot be begun before ``begin_by`` (by ``time.monotonic()``) is not made at all: so the caller knows
        how long after its own beginning a call may still take effect, even one it no longer waits for.
        """
        send = self._send
        return await self._run(lambda: send(lambda: self._requester(repo), path, about, dict(body), needs, begin_by))

    async def graphql(self, owner: str, query: str, variables: Mapping[str, str], about: str) -> Answer:
        """Ask by GraphQL as whoever may read an organisation; the answer has ``data``, ``errors``, or both."""
        return await self._run(lambda: self._query(owner, query, dict(variables), about))

    async def as_app(self, verb: str, path: str, about: str, **parameters: str | int) -> Answer:
        """A call as the App itself rather than one of its installations."""
        return await self._in_thread(lambda: self._app().requester, verb, path, about, parameters)

    async def _in_thread(
        self,
        requester: Callable[[], Requester],
        verb: str,
        path: str,
        about: str,
        parameters: Mapping[str, str | int],
    ) -> Answer:
        return await self._run(lambda: self._attempt(requester, verb, path, about, dict(parameters)))

    async def _run(self, call: Callable[[], Answer]) -> Answer:
        if self._pool is None:
            self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="github")
        return await asyncio.get_running_loop().run_in_executor(self._pool, call)

    # In the threads

    def _attempt(
        self,
        requester: Callable[[], Requester],
        verb: str,
        path: str,
        about: str,
        parameters: dict[str, str | int],
    ) -> Answer:
        with _reading(about):
            headers, data = requester().requestJsonAndCheck(
                verb, path, parameters=parameters, headers={"Accept": "application/vnd.github+json"}
            )
        return Answer(headers, data)

    def _query(self, owner: str, query: str, variables: dict[str, str], about: str) -> Answer:
        with _reading(about):
            requester = self._requester(owner)
            sent = {"query": query, "variables": variables}
            headers, data = requester.requestJsonAndCheck("POST", requester.graphql_url, input=sent)
        return Answer(headers, data)

    def _send(
        self,
        requester: Callable[[], Requester],
        path: str,
        about: str,
        body: dict[str, Any],
        needs: str,
        begin_by: float,
    ) -> Answer:
        with _reading(about):
            sender = requester()  # an App's token is fetched here: where that fails, nothing has been sent
        if time.monotonic() > begin_by:
            raise RetryLater(f"GitHub could not be asked in time about {about}")
        with _writing(about):
            status, headers, output = sender.requestJson(
                "POST", path, headers={"Accept": "application/vnd.github+json"}, input=body
            )
        if 200 <= status < 300:
            return Answer(headers, _decoded(output, about))
        raise github_errors.write_refused(about, status, headers, _json(output), needs)

    def _requester(self, repo: str | None) -> Requester:
        with self._lock:
            if self.is_app:
                github = self._installation(repo)
                # Renews the installation's token here, under the lock, when it is about to run out.
                _ = github.requester.auth.token if github.requester.auth is not None else None
                return github.requester
            if not self._token:
                raise github_errors.no_token()
            if self._github is None:
                from github import Auth, Github

                self._github = Github(auth=Auth.Token(self._token), **self._options())
            return self._github.requester

    def _installation(self, repo: str | None) -> Github:
        owner = repo.partition("/")[0].casefold() if repo else ""
        if owner in self._installations:
            return self._installations[owner]
        if not owner and self._installations:
            return next(iter(self._installations.values()))
        app = self._app()
        if repo:
            kind = "repos" if "/" in repo else "orgs"
            _, found = app.requester.requestJsonAndCheck("GET", f"/{kind}/{repo}/installation")
        else:
            _, listed = app.requester.requestJsonAndCheck("GET", "/app/installations", {"per_page": 1})
            found = next(iter(items(listed)), None)
        number = whole(found, "id", limit=2**63 - 1)
        if number is None:
            raise Unauthorised(
                "not_installed", "Install the GitHub App on the organisation (app settings, Install App)."
            )
        self._installations[owner] = app.get_github_for_installation(number)
        return self._installations[owner]

    def _app(self) -> GithubIntegration:
        if self._integration is None:
            from github import Auth, GithubIntegration

            auth = Auth.AppAuth(self._app_id, sign_func=_signer(self._private_key))
            self._integration = GithubIntegration(auth=auth, **self._options())
        return self._integration

    def _options(self) -> dict[str, Any]:
        from urllib3.util import Retry

        retry = Retry(
            total=1,
            allowed_methods={"GET", "HEAD"},
            status_forcelist={500, 502, 503, 504},
            backoff_factor=0.2,
            respect_retry_after_header=False,  # Waiting is the engine's business, not a thread's.
            raise_on_status=False,
        )
        return {
            "base_url": self._base_url,
            "timeout": self._timeout,
            "retry": retry,
            "pool_size": THREADS,
            "seconds_between_requests": None,
            "seconds_between_writes": None,
            "lazy": True,
            "api_version": _API_VERSION,
        }


def _signer(private_key: str) -> Callable[[dict[str, Any]], str]:
    """Signs an App's tokens as PyGithub would, but reads the key once: each time takes many times as long as to sign.

    PyJWTError once it is to sign, where that is no key.
    """
    import jwt
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from jwt.algorithms import RSAAlgorithm

    @cache
    def key() -> RSAPrivateKey:
        read = RSAAlgorithm(RSAAlgorithm.SHA256).prepare_key(private_key)
        if not isinstance(read, RSAPrivateKey):
            raise jwt.InvalidKeyError("this key is the public half")
        return read

    return lambda claims: jwt.encode(claims, key(), algorithm="RS256")


@contextmanager
def _reading(about: str) -> Iterator[None]:
    """What goes wrong with a call that has no effect, or none that matters, in our words."""
    import requests
    from github import GithubException
    from jwt import PyJWTError

    try:
        yield
    except OutgoingError:
        raise
    except GithubException as fault:
        raise github_errors.refused(about, fault.status, fault.headers or {}, fault.data) from fault
    except (requests.exceptions.InvalidHeader, PyJWTError, UnicodeEncodeError):
        # Their texts repeat the credentials.
        raise github_errors.bad_credentials() from None
    except requests.RequestException as fault:
        raise github_errors.unreachable(about, type(fault).__name__) from fault
    except RuntimeError as fault:
        raise github_errors.redirected() from fault
    except (ValueError, AttributeError, TypeError) as fault:
        # Broken JSON, or JSON of another shape than PyGithub's error handling counts on.
        raise github_errors.unreadable(about) from fault


@contextmanager
def _writing(about: str) -> Iterator[None]:
    """What goes wrong on the way of a call that has an effect: doubtful, unless it never left."""
    import requests
    from github import GithubException
    from jwt import PyJWTError

    try:
        yield
    except GithubException as fault:  # an App's token that ran out just now was refused a successor
        raise github_errors.refused(about, fault.status, fault.headers or {}, fault.data) from fault
    except (requests.exceptions.InvalidHeader, PyJWTError, UnicodeEncodeError):
        raise github_errors.bad_credentials() from None
    except requests.RequestException as fault:
        if _never_left(fault):
            raise github_errors.unreachable(about, type(fault).__name__) from fault
        raise github_errors.interrupted(about, type(fault).__name__) from fault
    except RuntimeError as fault:
        raise github_errors.redirected() from fault
    except (ValueError, AttributeError, TypeError) as fault:  # an answer came, and headers no GitHub sends
        raise github_errors.interrupted(about, type(fault).__name__) from fault


def _never_left(fault: Exception) -> bool:
    """Whether no connection was made, so that nothing can have arrived."""
    from urllib3.exceptions import ConnectTimeoutError, NewConnectionError

    reason = getattr(fault.args[0], "reason", None) if fault.args else None
    return isinstance(reason, (ConnectTimeoutError, NewConnectionError))


def _decoded(output: str, about: str) -> Any:
    """The JSON of a good answer, None where it is empty; Doubtful where something else answered."""
    if not output.strip():
        return None
    try:
        return json.loads(output)
    except (ValueError, RecursionError):
        raise github_errors.interrupted(about, "its answer is not JSON") from None


def _json(output: str) -> object:
    try:
        return json.loads(output)
    except (ValueError, RecursionError):
        return None


async def each(things: Iterable[Item], act: Callable[[Item], Awaitable[Result]]) -> list[Result]:
    """The results in order, a few at a time; the first failure ends the rest and is raised as it is."""
    gate = asyncio.Semaphore(THREADS)

    async def one(thing: Item) -> Result:
        async with gate:
            return await act(thing)

    tasks = [asyncio.ensure_future(one(thing)) for thing in things]
    try:
        return await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def next_cursor(answer: Answer) -> str | None:
    """The cursor of the next page, by the Link header; None on the last."""
    address = _next_address(answer)
    return next(iter(parse_qs(urlsplit(address).query).get("cursor", [])), None) if address else None


def _has_next(answer: Answer, count: int) -> bool:
    """Whether more pages follow: the Link header tells; without one, a full page may be followed by another."""
    if "link" in answer.headers:
        return _next_address(answer) is not None
    return count >= PER_PAGE


def _next_address(answer: Answer) -> str | None:
    for entry in answer.headers.get("link", "").split(","):
        address, _, relation = entry.partition(";")
        if 'rel="next"' in relation:
            return address.strip().strip("<>")
    return None
