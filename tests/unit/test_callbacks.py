"""Where a waiting run may want its answer: at our own GitHub, and nowhere else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from bot.callbacks import callback_of, run_of, vetted
from bot.events import Event, GateRequested, RunEnded

PUBLIC = "https://api.github.com"
ENTERPRISE = "https://code.example.com/api/v3"
PATH = "/repos/acme/checkout/actions/runs/99/deployment_protection_rule"
NOW = datetime(2026, 11, 20, tzinfo=UTC)


@pytest.mark.parametrize(
    ("url", "api"),
    [
        (f"{PUBLIC}{PATH}", PUBLIC),
        (f"{PUBLIC}{PATH}", f"{PUBLIC}/"),
        (f"HTTPS://API.GitHub.com{PATH}", PUBLIC),
        (f"https://api.github.com:443{PATH}", PUBLIC),
        (f"{ENTERPRISE}{PATH}", ENTERPRISE),
        (f"http://127.0.0.1:8123/github.com/api/v3{PATH}", "http://127.0.0.1:8123/github.com/api/v3"),
    ],
)
def test_our_own_githubs_callback_names_repository_and_run(url: str, api: str) -> None:
    """Whatever the spelling of host and port."""
    assert callback_of(url, api) == ("acme/checkout", 99)


@pytest.mark.parametrize(
    "url",
    [
        f"https://evil.example{PATH}",
        f"https://api.github.com.evil.example{PATH}",
        f"https://api.github.com@evil.example{PATH}",
        f"https://ana:secret@api.github.com{PATH}",
        f"http://api.github.com{PATH}",
        f"https://api.github.com:8443{PATH}",
        f"https://api.github.com/api/v3{PATH}",
        f"https://api.github.com/evil{PATH}",
        f"https://api.github.com{PATH}/",
        f"https://api.github.com{PATH}?to=evil",
        f"https://api.github.com{PATH}#evil",
        f"https://api.github.com{PATH.replace('99', '99/../1')}",
        f"https://api.github.com{PATH.replace('acme/checkout', '../..')}",
        f"https://api.github.com{PATH.replace('acme', '%61cme')}",
        f"https://api.github.com{PATH.replace('99', '-1')}",
        f"https://api.github.com{PATH.replace('99', '0')}",
        f"https://api.github.com{PATH.replace('99', '٣')}",
        f"https://api.github.com{PATH.replace('deployment_protection_rule', 'cancel')}",
        f"https://[::1{PATH}",
        f"https://api.github.com:99999{PATH}",
        f"ftp://api.github.com{PATH}",
        "",
        "api.github.com",
    ],
)
def test_any_other_address_is_none(url: str) -> None:
    """Another host, scheme, port, path or run; a name within; anything to be read twice."""
    with pytest.raises(ValueError, match="it"):
        callback_of(url, PUBLIC)


@given(st.text(max_size=80).map(lambda text: f"https://api.github.com{text}") | st.text(max_size=80))
def test_no_address_fails_otherwise(url: str) -> None:
    """Whatever it is, the answer is a repository and a run, or why not."""
    for read in (run_of, lambda one: callback_of(one, PUBLIC)):
        try:
            repo, run = read(url)
        except ValueError:
            continue
        assert f"/repos/{repo}/actions/runs/{run}/" in url


def request(url: str, *, repo: str = "acme/checkout", run: int = 99) -> GateRequested:
    return GateRequested(repo=repo, run=run, environment="production", sha="a" * 40, callback_url=url, at=NOW)


def heard(*events: Event, api: str = PUBLIC) -> Sequence[Event]:
    def translate(headers: Mapping[str, str], body: bytes) -> Sequence[Event]:
        return events

    return vetted(translate, api)({}, b"")


def test_a_genuine_request_passes_and_so_does_everything_else() -> None:
    """Also where GitHub spells the repository otherwise."""
    ended = RunEnded(repo="acme/checkout", run=1, attempt=1, cancelled=False, at=NOW)
    asked = request(f"{PUBLIC}{PATH}", repo="Acme/Checkout")
    assert heard(ended, asked) == [ended, asked]


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        (request(f"https://evil.example{PATH}"), "evil.example"),
        (request(f"{ENTERPRISE}{PATH}"), "GITHUB_API_URL"),
        (request(f"{PUBLIC}{PATH}", run=98), "names run 99"),
        (request(f"{PUBLIC}{PATH}", repo="acme/ledger"), "of acme/checkout"),
    ],
)
def test_a_foreign_request_is_refused_and_said_in_the_log(asked: GateRequested, why: str) -> None:
    """Another host, path, run or repository: nothing is told, and the operator can read why."""
    with structlog.testing.capture_logs() as lines:
        assert heard(asked) == []
    (line,) = lines
    assert line["log_level"] == "warning"
    assert why in line["reason"]
