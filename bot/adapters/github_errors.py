"""What a failed call to GitHub means. A read is never doubtful; a write is, unless it certainly had no effect."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from bot.adapters.reading import items, text
from bot.errors import Doubtful, GiveUp, OutgoingError, RetryLater, Unauthorised

_SECONDARY_WAIT = 60.0
"""Seconds GitHub asks for when it names none (docs.github.com, rate limits for the REST API)."""
_LONGEST_WAIT = 3_600.0
"""Seconds: GitHub counts by the hour, so no limit lasts longer."""
_REFUSALS: Mapping[int, tuple[str, str]] = {
    403: (
        "forbidden",
        "The token cannot read {about}: it needs read access to contents, pull requests and deployments.",
    ),
    404: (
        "not_found",
        "The token cannot see {about}: check the name, and that the token or app may read it.",
    ),
    422: ("unprocessable", "GitHub cannot answer about {about}."),
}
"""The code and mend of each final refusal."""
_WRITE_CODES: Mapping[int, str] = {404: "not_found", 409: "conflict", 422: "unprocessable"}
_LIMIT_WORDS = ("rate limit", "abuse detection", "please wait a few minutes", "retry your request again later")


def no_token() -> GiveUp:
    """Nobody told us how to ask GitHub."""
    return GiveUp("no_token", "Set GITHUB_TOKEN, or GITHUB_APP_ID and GITHUB_APP_PRIVATE_KEY.")


def bad_credentials() -> Unauthorised:
    """The token or the app's key is not one that can be sent."""
    return Unauthorised(
        "bad_credentials",
        "Check GITHUB_TOKEN, or GITHUB_APP_ID and GITHUB_APP_PRIVATE_KEY (the whole PEM file): make new ones.",
    )


def unreadable(about: str) -> RetryLater:
    """Something answered that is not GitHub: a proxy's page, or JSON of another shape."""
    return RetryLater(f"GitHub's answer about {about} cannot be read; is GITHUB_API_URL right?")


def unreachable(about: str, kind: str) -> RetryLater:
    """No answer came: a connection that failed or broke, or none in time."""
    return RetryLater(f"GitHub did not answer about {about} ({kind})")


def redirected() -> GiveUp:
    """GitHub answers under another address, and PyGithub follows to no other host or scheme."""
    return GiveUp("redirected", "Set GITHUB_API_URL to the address GitHub redirects to (https, and its API's host).")


def refused(about: str, status: int, headers: Mapping[str, str], body: object) -> OutgoingError:
    """What an answer of 400 and above means; ``headers`` have lower-case names."""
    said = text(body, "message")
    if _is_rate_limit(status, headers, said):
        return RetryLater("GitHub's rate limit is used up", delay=_wait(headers), rate_limited=True)
    if status >= 500 or status == 408:
        return RetryLater(f"GitHub answered HTTP {status} about {about}")
    if status == 401:
        return bad_credentials()
    if status == 403 and "x-github-sso" in headers:
        return Unauthorised("forbidden", f"Authorise the token for the single sign-on of {about}'s organisation.")
    code, mend = _REFUSALS.get(status, (f"http_{status}", "GitHub refused to answer about {about}."))
    because = f" GitHub says: {said[:200]}" if said else ""
    kind = Unauthorised if status == 403 else GiveUp
    return kind(code, mend.format(about=about) + because)


def interrupted(about: str, kind: str) -> Doubtful:
    """A write was sent, and what came of it is not known."""
    return Doubtful(f"GitHub did not say whether it did what we asked about {about} ({kind})")


def write_refused(about: str, status: int, headers: Mapping[str, str], body: object, needs: str) -> OutgoingError:
    """What an answer to a write means that is not 2xx; ``needs`` is the permission it takes."""
    said = text(body, "message")
    if _is_rate_limit(status, headers, said):
        return RetryLater("GitHub's rate limit is used up", delay=_wait(headers), rate_limited=True)
    if status >= 500 or status == 408:
        return interrupted(about, f"HTTP {status}")
    if status == 401:
        return bad_credentials()
    if status < 400:
        return redirected()
    because = f" GitHub says: {words}" if (words := said_by(body)) else ""
    if status == 403:
        wanted = headers.get("x-accepted-github-permissions", "").replace("=", ": ") or needs
        return Unauthorised("forbidden", f"We may not: for {about} our App or token needs {wanted}.{because}")
    return GiveUp(_WRITE_CODES.get(status, f"http_{status}"), f"GitHub refused {about}.{because}")


def said_by(body: object) -> str:
    """GitHub's own words in a refusal, its details included, in at most 300 characters."""
    errors = body.get("errors") if isinstance(body, dict) else None
    told = [text(body, "message"), *(text(one, "message") for one in items(errors))]
    return " ".join("; ".join(one for one in told if one).split())[:300]


def _is_rate_limit(status: int, headers: Mapping[str, str], said: str) -> bool:
    """Limits come as 403 or 429, told by headers or, for the secondary ones, sometimes only by the message."""
    if status == 429:
        return True
    used_up = "retry-after" in headers or headers.get("x-ratelimit-remaining") == "0"
    return status == 403 and (used_up or any(words in said.casefold() for words in _LIMIT_WORDS))


def _wait(headers: Mapping[str, str]) -> float:
    """Seconds until GitHub answers again, by its own clock."""
    try:
        delay = float(headers["retry-after"])
    except (KeyError, ValueError):
        delay = _until_reset(headers)
    return min(max(delay, 1.0), _LONGEST_WAIT)


def _until_reset(headers: Mapping[str, str]) -> float:
    if headers.get("x-ratelimit-remaining") != "0":
        return _SECONDARY_WAIT
    try:
        reset = float(headers["x-ratelimit-reset"])
    except (KeyError, ValueError):
        return _SECONDARY_WAIT
    try:
        now = parsedate_to_datetime(headers.get("date", ""))
    except ValueError:
        now = datetime.now(UTC)
    # One second more: the reset falls somewhere within the second it names.
    return reset - now.timestamp() + 1
