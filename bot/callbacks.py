"""Where a waiting run wants its answer: an address out of a webhook, believed only where it is our own GitHub's.

The address itself is never called: the answer goes to the configured GITHUB_API_URL, to the repository and run that the
address names. An address of another host, path, repository or run is somebody's attempt, or a wrong setting.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from urllib.parse import SplitResult, urlsplit

import structlog

from bot.events import Event, GateRequested

log = structlog.get_logger(__name__)

_PATH = re.compile(
    r"(?P<base>.*)/repos/(?P<repo>[A-Za-z0-9_.-]{1,100}/[A-Za-z0-9_.-]{1,100})/actions/runs/(?P<run>[1-9][0-9]{0,18})"
    r"/deployment_protection_rule"
)
_PORTS = {"http": 80, "https": 443}

Translate = Callable[[Mapping[str, str], bytes], Sequence[Event]]


def run_of(url: str) -> tuple[str, int]:
    """The repository and run that a callback names, wherever it leads; ValueError says why it is no callback."""
    _, repo, run = _parts(_split(url))
    return repo, run


def callback_of(url: str, api_url: str) -> tuple[str, int]:
    """The repository and run of a callback at this API (GITHUB_API_URL); ValueError says what does not fit."""
    address, ours = _split(url), _split(api_url)
    base, repo, run = _parts(address)
    if (address.scheme, address.hostname, _port(address)) != (ours.scheme, ours.hostname, _port(ours)):
        raise ValueError(f"it leads to {address.scheme}://{address.netloc[:100]}, not to GITHUB_API_URL")
    if base != ours.path.rstrip("/"):
        raise ValueError(f"its path is not below {ours.path or '/'}, as GITHUB_API_URL's is")
    return repo, run


def vetted(translate: Translate, api_url: str) -> Translate:
    """A translation without requests whose callback is not this API's, or names another repository or run."""

    def genuine(event: Event) -> bool:
        if not isinstance(event, GateRequested):
            return True
        try:
            repo, run = callback_of(event.callback_url, api_url)
            if (repo.casefold(), run) != (event.repo.casefold(), event.run):
                raise ValueError(f"it names run {run} of {repo}")
        except ValueError as fault:
            log.warning("a run's request to enter an environment is refused", repo=event.repo, reason=str(fault))
            return False
        return True

    def translated(headers: Mapping[str, str], body: bytes) -> Sequence[Event]:
        return [event for event in translate(headers, body) if genuine(event)]

    return translated


def _split(url: str) -> SplitResult:
    try:
        address = urlsplit(url)
        _ = address.port  # read here because it is only judged when read
    except ValueError:
        raise ValueError("it is no address") from None
    if address.scheme not in _PORTS or not address.hostname or "@" in address.netloc:
        raise ValueError("it is no address of a web server")
    return address


def _parts(address: SplitResult) -> tuple[str, str, int]:
    found = _PATH.fullmatch(address.path)
    if found is None or address.query or address.fragment or {".", ".."} & set(address.path.split("/")):
        raise ValueError("its path is not …/repos/OWNER/NAME/actions/runs/RUN/deployment_protection_rule")
    return found["base"], found["repo"], int(found["run"])


def _port(address: SplitResult) -> int:
    return address.port or _PORTS[address.scheme]
