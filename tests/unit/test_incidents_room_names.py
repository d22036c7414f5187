"""What rooms are called, and what stands in their heads: in the characters that Slack takes, whatever an alert says."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.incidents import rooms

DAY = datetime(2026, 11, 21, 14, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("service", "title", "name"),
    [
        ("checkout", "checkout 5xx", "inc-2026-11-21-checkout-5xx"),
        ("checkout", "Error rate > 2 %", "inc-2026-11-21-checkout-error-rate-2"),
        (None, "Many services at once", "inc-2026-11-21-many-services-at-once"),
        ("checkout", "checkout", "inc-2026-11-21-checkout"),
        ("checkout", "checkouts slow", "inc-2026-11-21-checkout-checkouts-slow"),
        ("Été/API", "Überlast", "inc-2026-11-21-ete-api-uberlast"),
        ("checkout", "<!channel> @here & #general", "inc-2026-11-21-checkout-channel-here-general"),
        ("checkout", "支払い", "inc-2026-11-21-checkout"),
        (None, "\u202e\x00", "inc-2026-11-21"),
    ],
)
def test_what_a_room_is_called(service: str | None, title: str, name: str) -> None:
    assert rooms.room_name(service, title, DAY) == name


@given(st.text(max_size=300), st.text(max_size=300))
def test_a_name_is_always_one_that_slack_takes(service: str, title: str) -> None:
    """With room for the suffix that a taken name gets."""
    name = rooms.room_name(service, title, DAY)
    assert re.fullmatch(r"inc-2026-11-21(?:-[a-z0-9_-]*[a-z0-9_])?", name), name
    assert len(name) <= rooms.LONGEST_NAME


def test_a_long_name_ends_with_a_whole_word() -> None:
    name = rooms.room_name(
        "checkout", "latency of the ninety ninth percentile above " + "x" * 8 + " half a second", DAY
    )
    assert name == "inc-2026-11-21-checkout-latency-of-the-ninety-ninth-percentile-above"


@given(st.text(max_size=400))
def test_no_text_in_a_rooms_head_notifies_or_hides(words: str) -> None:
    said = rooms.quiet(f"<!channel> <@U1> @here {words}", 250)
    assert len(said) <= 250
    assert not set("<>\n\u202e\u2066") & set(said)
    assert "@here" not in said
