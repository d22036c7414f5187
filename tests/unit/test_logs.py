"""Logs: one line for each event, ours and the libraries', and never a secret."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterator

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from bot import logs
from bot.logs import HIDDEN

SECRET = "s3cr3t-value+/="


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    """Leave the logs of this process as they were."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    levels = {name: logging.getLogger(name).level for name in logs.QUIET}
    configured = structlog.get_config()
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    for name, before in levels.items():
        logging.getLogger(name).setLevel(before)
    structlog.configure(**configured)


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, object]]:
    """What was logged as JSON."""
    captured = capsys.readouterr()
    assert captured.out == ""
    return [json.loads(line) for line in captured.err.splitlines()]


def test_a_line_says_what_when_where_and_of_which_delivery(capsys: pytest.CaptureFixture[str]) -> None:
    """For machines: JSON, one line each, on stderr."""
    logs.configure(as_json=True, secrets=[])
    with structlog.contextvars.bound_contextvars(delivery="12-34"):
        structlog.get_logger("bot.inbox").warning("it waits – a little\nlonger", count=3)
    (line,) = lines(capsys)
    assert (line["event"], line["count"], line["delivery"]) == ("it waits – a little\nlonger", 3, "12-34")
    assert (line["level"], line["logger"]) == ("warning", "bot.inbox")
    assert str(line["timestamp"]).endswith("Z")


def test_a_librarys_own_logs_have_the_same_shape_and_no_secret(capsys: pytest.CaptureFixture[str]) -> None:
    """In the words, the arguments and the traceback."""
    logs.configure(as_json=True, secrets=[SECRET])
    library = logging.getLogger("some.library")
    try:
        raise ValueError(f"refused {SECRET}")
    except ValueError:
        library.exception("calling with %s", SECRET)
    (line,) = lines(capsys)
    assert line["event"] == f"calling with {HIDDEN}"
    assert SECRET not in json.dumps(line)
    assert f"refused {HIDDEN}" in str(line["exception"])


def test_our_own_logs_never_hold_a_secret(capsys: pytest.CaptureFixture[str]) -> None:
    """In values of any depth, in objects that only have words, in errors."""
    logs.configure(as_json=True, secrets=[SECRET, "short"])
    fault = RuntimeError(f"the address was https://x:{SECRET}@example.com")
    structlog.get_logger("bot").error(
        "it failed", exc_info=fault, deep={"list": [f"a {SECRET}", (SECRET,)]}, thing=fault, number=7, nothing=None
    )
    (line,) = lines(capsys)
    assert SECRET not in json.dumps(line)
    assert line["deep"] == {"list": [f"a {HIDDEN}", [HIDDEN]]}
    assert (line["number"], line["nothing"]) == (7, None)
    assert "short" not in logs.HIDDEN


@pytest.mark.parametrize(
    "token",
    [
        "xoxb-1234567890-abcdef",
        "xapp-1-A123-456-abc",
        "ghp_abcdefghij0123456789",
        "ghs_abcdefghij0123456789",
        "github_pat_11ABCDEFG0_abcdef",
    ],
)
def test_a_token_is_known_by_its_shape(token: str) -> None:
    """Although nobody told us of it: a library's, somebody else's."""
    cleaned = logs.redactor([])(None, "info", {"event": f"with {token}, see"})
    assert cleaned["event"] == f"with {HIDDEN}, see"  # type: ignore[index, call-overload]


@given(st.text(min_size=logs.SHORTEST_SECRET), st.text(), st.text())
def test_a_secret_is_hidden_wherever_it_stands(secret: str, before: str, after: str) -> None:
    """Whatever it is made of."""
    cleaned = logs.redactor([secret])(None, "info", {"event": before + secret + after})
    assert isinstance(cleaned, dict)
    assert HIDDEN in cleaned["event"]
    assert len(secret) <= len(HIDDEN) or secret not in cleaned["event"].replace(HIDDEN, "")


def test_a_secret_that_holds_another_is_hidden_whole() -> None:
    """The longer one first, or its tail would be left."""
    cleaned = logs.redactor(["abcdef", "abcdefghi"])(None, "info", {"event": "abcdefghi abcdef"})
    assert isinstance(cleaned, dict)
    assert cleaned["event"] == f"{HIDDEN} {HIDDEN}"


def test_a_very_short_secret_is_not_looked_for() -> None:
    """It would blot out ordinary words."""
    cleaned = logs.redactor(["a", ""])(None, "info", {"event": "a cat"})
    assert isinstance(cleaned, dict)
    assert cleaned["event"] == "a cat"


def test_for_a_terminal_a_line_is_plain(capsys: pytest.CaptureFixture[str]) -> None:
    """Without colours where nobody sees them."""
    logs.configure(as_json=False, secrets=[SECRET])
    structlog.get_logger("bot").info("listening", url=f"http://127.0.0.1:1/?{SECRET}")
    said = capsys.readouterr().err
    assert "listening" in said
    assert HIDDEN in said
    assert "\x1b[" not in said
    assert not sys.stderr.isatty()


def test_the_chatter_of_libraries_is_kept_down(capsys: pytest.CaptureFixture[str]) -> None:
    """Bolt logs the bodies of requests at INFO; a warning of theirs is still heard."""
    logs.configure(as_json=True, secrets=[])
    for name in logs.QUIET:
        logging.getLogger(name).info("chatter")
        logging.getLogger(name).warning("trouble")
    assert [line["event"] for line in lines(capsys)] == ["trouble"] * len(logs.QUIET)


def test_a_private_key_is_hidden_however_its_line_breaks_are_written() -> None:
    """A library shows it with backslashes; what says only that a key begins is no secret."""
    key = "-----BEGIN RSA PRIVATE KEY-----\nMIIEowIBAAKCAQEA\nq83vEjRWeJq83vEj\n-----END RSA PRIVATE KEY-----\n"
    cleaned = logs.redactor([key])(None, "info", {"event": repr(key), "whole": key})
    assert isinstance(cleaned, dict)
    assert "MIIEowIBAAKCAQEA" not in cleaned["event"]
    assert "q83vEjRWeJq83vEj" not in cleaned["event"]
    assert "BEGIN RSA PRIVATE KEY" in cleaned["event"]
    assert cleaned["whole"] == HIDDEN
